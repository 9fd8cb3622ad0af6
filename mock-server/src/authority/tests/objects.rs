//! Every object that a request touches, in every state, at every place that touches it.
//!
//! A way into the service ([`Use`]) is prepared while everything stands; then an object changes
//! ([`STATES`]); then the way is gone. `objects.csv` says what is answered: a code, a page that
//! asks something, or `served`, which needs a reason.

mod place;
mod states;
pub(super) mod uses;

use std::collections::{BTreeMap, BTreeSet};

use self::states::STATES;
use self::uses::{Bench, Use};

/// A row of `objects.csv`: what is answered at some places once an object has a state.
#[derive(Debug, serde::Deserialize)]
struct Expected {
    state: String,
    /// Names of places, separated by blanks; a star at the end stands for any rest.
    uses: String,
    /// `served`, the name of a page that asks, or a code.
    outcome: String,
    /// Why it is served.
    reason: String,
}

impl Expected {
    fn all() -> Vec<Self> {
        csv::Reader::from_reader(include_str!("objects.csv").as_bytes())
            .deserialize()
            .map(|row| row.expect("a row of objects.csv"))
            .collect()
    }

    fn fits(&self, state: &str, usage: Use) -> bool {
        let name = usage.name();
        self.state == state
            && self
                .uses
                .split_whitespace()
                .any(|pattern| match pattern.strip_suffix('*') {
                    Some(begin) => name.starts_with(begin),
                    None => name == pattern,
                })
    }
}

/// The codes that arise.
pub(super) fn codes() -> impl Iterator<Item = u32> {
    Expected::all()
        .into_iter()
        .filter_map(|row| row.outcome.parse().ok())
        // Statuses of Graph.
        .filter(|code| *code > 999)
}

#[tokio::test]
async fn every_state_of_an_object_is_looked_at_wherever_the_object_is_touched() {
    let expected = Expected::all();
    let mut wrong: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    let mut tried = 0;
    for usage in Use::ALL {
        let bench = Bench::new();
        let ready = bench.prepare(usage).await;
        let outcome = bench.go(usage, ready).await;
        assert_eq!(outcome, "served", "{usage:?}, unchanged");
        for state in STATES.iter().filter(|it| (it.fits)(usage)) {
            tried += 1;
            let bench = Bench::new();
            let ready = bench.prepare(usage).await;
            (state.change)(&bench, usage);
            let outcome = bench.go(usage, ready).await;
            let rows: Vec<&Expected> = expected
                .iter()
                .filter(|it| it.fits(state.name, usage))
                .collect();
            let is_right = matches!(rows.as_slice(), [row] if row.outcome == outcome);
            if !is_right {
                let before = rows
                    .iter()
                    .map(|it| it.outcome.as_str())
                    .collect::<Vec<_>>();
                let found = format!("{outcome} (expected: {before:?})");
                let places = wrong.entry((state.name, found)).or_default();
                places.push(usage.name());
            }
        }
    }
    let list: Vec<String> = wrong
        .iter()
        .map(|((state, outcome), uses)| format!("{state},{},{outcome}", uses.join(" ")))
        .collect();
    assert!(list.is_empty(), "\n{}", list.join("\n"));
    // Shrinks where a state fits nowhere by mistake.
    assert!(tried > 700, "{tried}");
}

#[test]
fn every_row_is_needed_and_whatever_is_served_is_argued() {
    for row in Expected::all() {
        let of_state: Vec<_> = STATES.iter().filter(|it| it.name == row.state).collect();
        assert_eq!(of_state.len(), 1, "{}", row.state);
        let fits = |pattern: &str| {
            Use::ALL.iter().any(|usage| {
                (of_state[0].fits)(*usage)
                    && match pattern.strip_suffix('*') {
                        Some(begin) => usage.name().starts_with(begin),
                        None => usage.name() == pattern,
                    }
            })
        };
        for pattern in row.uses.split_whitespace() {
            assert!(fits(pattern), "{} {pattern} fits nowhere", row.state);
        }
        assert_eq!(
            row.outcome == "served",
            !row.reason.is_empty(),
            "{} {}",
            row.state,
            row.uses
        );
    }
    let names: BTreeSet<_> = STATES.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), STATES.len());
}
