//! Every parameter of every endpoint: absent, empty, doubled, in another case, too long, with
//! characters that nobody types.
//!
//! A valid request with all its parameters is answered; then one parameter is spoilt. Whatever is
//! answered all the same needs a row in `parameters.csv` that says why; everything else must be
//! refused with a code.

mod places;

use std::collections::BTreeMap;

use self::places::{Place, Ready};
use super::objects::uses::Bench;
use crate::aadsts;

/// What is done to a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Spoiling {
    Absent,
    Blank,
    Control,
    DoubledAlike,
    DoubledOtherwise,
    Empty,
    Lower,
    NameInCapitals,
    NonAscii,
    Padded,
    Prefixed,
    Suffixed,
    TooLong,
    Upper,
}

impl Spoiling {
    const ALL: [Self; 14] = [
        Self::Absent,
        Self::Blank,
        Self::Control,
        Self::DoubledAlike,
        Self::DoubledOtherwise,
        Self::Empty,
        Self::Lower,
        Self::NameInCapitals,
        Self::NonAscii,
        Self::Padded,
        Self::Prefixed,
        Self::Suffixed,
        Self::TooLong,
        Self::Upper,
    ];

    /// As `parameters.csv` has it.
    fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }

    /// The fields with one of them spoilt; none where that changes nothing.
    fn of(self, fields: &[(String, String)], name: &str) -> Option<Vec<(String, String)>> {
        let mut fields = fields.to_vec();
        let at = fields.iter().position(|(field, _)| field == name)?;
        let value = fields[at].1.clone();
        let spoilt = match self {
            Self::Absent => {
                fields.remove(at);
                return Some(fields);
            }
            Self::NameInCapitals => {
                fields[at].0 = name.to_uppercase();
                return (fields[at].0 != name).then_some(fields);
            }
            Self::DoubledAlike => {
                fields.push((name.to_owned(), value));
                return Some(fields);
            }
            Self::DoubledOtherwise => {
                fields.push((name.to_owned(), format!("{value}x")));
                return Some(fields);
            }
            Self::Blank => "   ".to_owned(),
            Self::Control => format!("{value}\u{1}\u{7f}"),
            Self::Empty => String::new(),
            Self::Lower => value.to_lowercase(),
            Self::NonAscii => format!("{value}é\u{202e}"),
            Self::Padded => format!(" {value} "),
            Self::Prefixed => format!("x{value}"),
            Self::Suffixed => format!("{value}x"),
            Self::TooLong => format!("{value}{}", "x".repeat(5000)),
            Self::Upper => value.to_uppercase(),
        };
        let changes = spoilt != value;
        fields[at].1 = spoilt;
        changes.then_some(fields)
    }
}

/// A row of `parameters.csv`: what is answered although it is spoilt.
#[derive(Debug, serde::Deserialize)]
struct Row {
    /// Names of places, separated by blanks; a star at the end stands for any rest.
    places: String,
    parameter: String,
    /// What was done to it, or a star.
    spoilt: String,
    reason: String,
}

impl Row {
    fn all() -> Vec<Self> {
        csv::Reader::from_reader(include_str!("parameters.csv").as_bytes())
            .deserialize()
            .map(|row| row.expect("a row of parameters.csv"))
            .collect()
    }

    fn fits(&self, place: &str, parameter: &str, spoiling: Spoiling) -> bool {
        let is_here =
            self.places
                .split_whitespace()
                .any(|pattern| match pattern.strip_suffix('*') {
                    Some(begin) => place.starts_with(begin),
                    None => place == pattern,
                });
        let spoiling = spoiling.name();
        is_here
            && self.parameter == parameter
            && self
                .spoilt
                .split_whitespace()
                .any(|it| it == "*" || it == spoiling)
    }
}

#[tokio::test]
async fn whatever_is_spoilt_and_answered_all_the_same_is_argued() {
    let rows = Row::all();
    let mut used = vec![false; rows.len()];
    let mut wrong: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    let mut tried = 0;
    for place in Place::all() {
        let mut bench = Bench::new();
        let mut ready: Option<Ready> = None;
        for parameter in place.parameters() {
            for spoiling in Spoiling::ALL {
                if ready.is_none() {
                    bench = Bench::new();
                    ready = Some(place.prepare(&bench).await);
                }
                let valid = ready.as_ref().unwrap();
                let Some(fields) = spoiling.of(&valid.fields, parameter) else {
                    continue;
                };
                tried += 1;
                let outcome = place.send(&bench, valid, &fields).await;
                let row = rows
                    .iter()
                    .position(|it| it.fits(&place.name(), parameter, spoiling));
                let is_right = match (&outcome, row) {
                    (Err(0), _) | (Err(_), Some(_)) | (Ok(()), None) => false,
                    (Err(code), None) => aadsts::Row::find(*code).is_some(),
                    (Ok(()), Some(row)) => {
                        used[row] = true;
                        true
                    }
                };
                if !is_right {
                    let found = outcome.map_or_else(|code| code.to_string(), |()| "served".into());
                    let key = (place.name(), parameter.to_owned(), found);
                    wrong.entry(key).or_default().push(spoiling.name());
                }
                // What was answered may have used something up.
                if outcome.is_ok() {
                    ready = None;
                }
            }
        }
    }
    let list: Vec<String> = wrong
        .iter()
        .map(|((place, parameter, outcome), done)| {
            format!("{place},{parameter},{},{outcome}", done.join(" "))
        })
        .collect();
    assert!(list.is_empty(), "\n{}", list.join("\n"));
    for (row, used) in rows.iter().zip(used) {
        assert!(used && !row.reason.is_empty(), "not needed: {row:?}");
    }
    assert!(tried > 1500, "{tried}");
}

#[tokio::test]
async fn every_place_is_answered_where_nothing_is_spoilt() {
    for place in Place::all() {
        let bench = Bench::new();
        let ready = place.prepare(&bench).await;
        for parameter in place.parameters() {
            let is_there = ready.fields.iter().any(|(name, _)| name == parameter);
            assert!(is_there, "{} {parameter}", place.name());
        }
        let outcome = place.send(&bench, &ready, &ready.fields).await;
        assert_eq!(outcome, Ok(()), "{}", place.name());
    }
}
