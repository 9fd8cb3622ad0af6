//! Ids in the shape of their types.
//!
//! Rows of `data/graph-ids.csv`, with their sources; a type without a row, and without a base
//! that has one, has a GUID.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::Type;
use crate::random::Random;

#[derive(Debug, Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    of: String,
    prefix: String,
    alphabet: Alphabet,
    length: usize,
    suffix: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Alphabet {
    Base32,
    Base36,
    Base64url,
    Digits,
    Hex,
}

impl Alphabet {
    fn letters(self) -> &'static [u8] {
        match self {
            Self::Base32 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            Self::Base36 => b"abcdefghijklmnopqrstuvwxyz0123456789",
            Self::Base64url => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
            Self::Digits => b"0123456789",
            Self::Hex => b"0123456789abcdef",
        }
    }
}

/// A new id for an element of a type.
pub(super) fn new(of: Type, random: &Random) -> String {
    let shape = of
        .lineage()
        .find_map(|it| SHAPES.iter().find(|shape| shape.of == it.name()));
    let Some(shape) = shape else {
        return random.uuid().to_string();
    };
    let letters = shape.alphabet.letters();
    let mut id = shape.prefix.clone();
    let mut bytes = std::iter::repeat_with(|| random.bytes::<16>()).flatten();
    while id.len() < shape.prefix.len() + shape.length {
        let byte = bytes.next().unwrap_or_default();
        id.push(char::from(letters[usize::from(byte) % letters.len()]));
    }
    id.push_str(&shape.suffix);
    id
}

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-ids.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Shape, _>| row.expect("data/graph-ids.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_their_types() {
        for shape in SHAPES.iter() {
            let of = Type::find(&shape.of).unwrap();
            let id = new(of, &Random::seeded(1));
            assert_eq!(
                id.len(),
                shape.prefix.len() + shape.length + shape.suffix.len()
            );
        }
        assert_eq!(
            new(Type::find("group").unwrap(), &Random::seeded(1)).len(),
            36
        );
    }
}
