//! What is documented as an error: mutations of a valid request, with their codes and sources.
//!
//! `table.csv` has a row for each. What is done is data, too, where one word or an event says it;
//! `changes.rs` has the others.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::super::*;
use super::changes;
use super::valid::{Asked, Bench, By, Flow, Grant};

/// A mutation of a valid request.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Row {
    /// What is done.
    pub(super) name: String,
    /// The parameter or the object to which it is done.
    pub(super) of: String,
    /// Which grants it can be done to, and at which version: words that must all hold, with `!` for
    /// those that must not, and `|` between alternatives.
    fits: String,
    how: How,
    /// The parameter.
    field: String,
    /// What the parameter gets, an event, or a time in minutes.
    value: String,
    /// The codes of the refusal.
    codes: String,
    /// Where the refusal is documented or was seen.
    pub(super) source: String,
}

/// How a request is mutated.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// The parameter is taken away.
    Absent,
    /// Time passes.
    Advance,
    /// The header or the claims of the client's assertion have another value.
    Assertion,
    /// The signature of the parameter's JWT is another.
    Broken,
    /// The parameter loses its end.
    Cut,
    Empty,
    Event,
    /// An event in the tenant from which the guest comes.
    EventAtHome,
    /// Said in `changes.rs`.
    Other,
    /// The tenant of the path.
    Segment,
    Set,
    Twice,
    Upper,
}

pub(super) static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("table.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("a row of table.csv"))
        .collect()
});

impl Row {
    /// The codes of the refusal.
    pub(super) fn codes(&self) -> BTreeSet<u32> {
        let words = self.codes.split_whitespace();
        words.map(|it| it.parse().expect("a code")).collect()
    }

    /// Whether it can be done to a request.
    pub(super) fn fits(&self, grant: Grant, version: u8) -> bool {
        self.fits.split_whitespace().all(|term| {
            let (word, wanted) = match term.strip_prefix('!') {
                Some(word) => (word, false),
                None => (term, true),
            };
            word.split('|').any(|it| holds(it, grant, version)) == wanted
        })
    }

    /// Does it.
    pub(super) fn change(&self, bench: &Bench, asked: &mut Asked, grant: Grant) {
        let name = self.field.as_str();
        let value = self
            .value
            .replace("{api}", &bench.api())
            .replace("{graph}", "https://graph.microsoft.com")
            .replace("{client}", grant.client())
            .replace("{user}", grant.user().unwrap_or_default());
        let old = asked.get(name);
        match self.how {
            How::Absent => asked.remove(name),
            How::Advance => {
                let minutes = value.parse().expect("minutes");
                bench
                    .0
                    .tenant
                    .clock
                    .advance(SignedDuration::from_mins(minutes));
            }
            How::Assertion => {
                let other: Value = serde_json::from_str(&value).expect("JSON");
                let assertion = bench.assertion(grant, |header, claims| {
                    merge(header, &other["header"]);
                    merge(claims, &other["claims"]);
                });
                asked.set("client_assertion", assertion);
            }
            How::Broken => asked.set(name, format!("{}AAAAAAAA", &old[..old.len() - 8])),
            How::Cut => asked.set(name, &old[..old.len() - 20]),
            How::Empty => asked.set(name, ""),
            How::Event => bench.happen(&serde_json::from_str(&value).expect("an event")),
            How::EventAtHome => bench.at_home(&serde_json::from_str(&value).expect("an event")),
            How::Other => changes::make(&self.name, bench, asked, grant),
            How::Segment => asked.segment = value,
            How::Set => asked.set(name, value),
            How::Twice => asked.fields.push((name.to_owned(), old)),
            How::Upper => asked.set(name, old.to_uppercase()),
        }
    }
}

fn merge(object: &mut Value, other: &Value) {
    for (name, value) in other.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
}

/// Whether a word of `fits` holds.
fn holds(word: &str, grant: Grant, version: u8) -> bool {
    match word {
        "any" => true,
        "v1" => version == 1,
        "v2" => version == 2,
        "secret" => grant.by == By::Secret,
        "certificate" => grant.by == By::Certificate,
        "federated" => grant.by == By::Federated,
        "assertion" => grant.has_assertion(),
        "public" => grant.is_public(),
        "desktop" => grant.by == By::Nothing,
        "spa" => grant.by == By::Origin,
        "code" => grant.flow == Flow::Code,
        "device" => grant.flow == Flow::Device,
        "on-behalf-of" => grant.flow == Flow::OnBehalfOf,
        "password" => grant.flow == Flow::Password,
        "refresh" => grant.is_refresh(),
        "guest" => grant.flow == Flow::RefreshOfGuest,
        "app" => grant.flow == Flow::App,
        "user" => grant.user().is_some(),
        "alice" => grant.user() == Some("alice"),
        "for-api" => grant.is_for_api(),
        other => panic!("table.csv: no word '{other}'"),
    }
}
