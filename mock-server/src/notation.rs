//! How values are written in files that people edit: one or many, amounts of time, and the
//! nearest right name for a wrong one.

mod flow;
mod read;

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

pub(crate) use flow::{flow, word};
pub use read::{ReadError, read};

/// The known name that is nearest to a mistyped one, if one is near enough to be meant; whether
/// letters are capital makes none farther.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(&name, &it.to_lowercase()), it))
        .filter(|(distance, it)| *distance <= 1 + it.len() / 4)
        .min()
        .map(|(_, it)| it.to_owned())
}

/// `, did you mean 'x'?` with the nearest known name, or nothing; the end of an error.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |it| format!(", did you mean '{it}'?"))
}

/// An error of a reader that says "unknown field `x`, expected one of a, b", without the long list
/// where a name is near enough, and that name.
pub fn suggest(mut problem: String) -> (String, Option<String>) {
    let help = problem.split_once("expected ").and_then(|(found, list)| {
        let wrong = found.split('`').nth(1)?;
        let known = list
            .trim_start_matches("one of ")
            .split(',')
            .map(|it| it.trim().trim_matches('`'));
        nearest(wrong, known).map(|it| format!("did you mean '{it}'?"))
    });
    // With the right name at hand a long list of all names hides it.
    if let (Some(_), Some(list)) = (&help, problem.find(", expected one of "))
        && problem[list..].matches(',').count() > LISTED
    {
        problem.truncate(list);
    }
    (problem, help)
}

/// So many names are listed beside a suggestion.
const LISTED: usize = 12;

/// One value, or a list of values of which one must fit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Many<T>(pub Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> IntoIterator for &'a Many<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Many<T> {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ManyVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
            type Value = Many<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value or a list of values")
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(|it| Many(vec![it]))
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(|it| Many(vec![it]))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(|it| Many(vec![it]))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(|it| Many(vec![it]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Many)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|it| Many(vec![it]))
            }
        }
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

impl<T: Serialize> Serialize for Many<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("ManyOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({"anyOf": [item, {"type": "array", "items": item}]})
    }
}

/// An amount of time, written as `90d`, `61m`, `1h30m`, `45s`, `200ms`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Span(pub SignedDuration);

/// A hundred years: a longer time is a mistake.
pub(crate) const LONGEST_SPAN: SignedDuration = SignedDuration::from_hours(36_600 * 24);

/// What is said of a text that is no amount of time.
pub(crate) fn no_span(text: &str) -> String {
    format!(
        "'{text}' is not an amount of time: write a number with d, h, m, s or ms, such as 90d, 61m or 1h30m"
    )
}

/// What is said of an amount of time that is too long.
pub(crate) fn too_long_a_span(text: &str) -> String {
    format!("'{text}' is too long: at most 36600d, a hundred years")
}

/// The units, largest first, with their milliseconds.
const UNITS: [(&str, i64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || no_span(text);
        let mut millis: i64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.len()
                - rest
                    .trim_start_matches(|it: char| it.is_ascii_digit())
                    .len();
            let (number, after) = rest.split_at(digits);
            let letters = after.len()
                - after
                    .trim_start_matches(|it: char| it.is_alphabetic())
                    .len();
            let (unit, after) = after.split_at(letters);
            let unit = UNITS.iter().find(|(name, _)| *name == unit);
            let (_, unit) = unit.ok_or_else(wrong)?;
            if number.is_empty() {
                return Err(wrong());
            }
            // Digits alone: what cannot be read is too long.
            let count: i64 = number.parse().map_err(|_| too_long_a_span(text))?;
            let more = count
                .checked_mul(*unit)
                .and_then(|more| millis.checked_add(more));
            millis = more
                .filter(|it| i128::from(*it) <= LONGEST_SPAN.as_millis())
                .ok_or_else(|| too_long_a_span(text))?;
            rest = after;
        }
        if text.is_empty() {
            return Err(wrong());
        }
        Ok(Self(SignedDuration::from_millis(millis)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return formatter.write_str("0s");
        }
        for (unit, millis) in UNITS {
            let millis = i128::from(millis);
            if rest >= millis {
                write!(formatter, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

/// An amount of time ahead, or with a minus sign in front, back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shift(pub SignedDuration);

impl FromStr for Shift {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('-') {
            Some(back) => Span::from_str(back).map(|it| Self(-it.0)),
            None => Span::from_str(text).map(|it| Self(it.0)),
        }
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_negative() {
            formatter.write_str("-")?;
        }
        Span(self.0.abs()).fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Shift {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Shift {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Shift".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^-?([0-9]+(d|h|ms|m|s))+$",
            "description": "An amount of time ahead, such as 1d, or back, such as -1d."
        })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+(d|h|ms|m|s))+$",
            "description": "An amount of time, such as 90d, 61m, 1h30m, 200ms."
        })
    }
}
