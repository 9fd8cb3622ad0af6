//! Occurrences of a series that differ from it: changed ones, and those that were taken out.
//!
//! Sources: learn.microsoft.com/graph/api/event-update, /event-delete,
//! /resources/event (`cancelledOccurrences`, `exceptionOccurrences`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::mailbox::Properties;

/// The occurrences that differ, by the day on which they would be (days since 1970): the members
/// that they have of their own, or nothing where the occurrence is no more.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Exceptions(BTreeMap<i64, Option<Properties>>);

impl Exceptions {
    /// Those of a series, as it is stored.
    pub(super) fn of(series: &Properties) -> Self {
        let stored = series.get(STORED).and_then(Value::as_object);
        let all = stored.into_iter().flatten();
        Self(
            all.filter_map(|(day, members)| {
                let members = match members {
                    Value::Object(members) => Some(members.clone()),
                    _ => None,
                };
                Some((day.parse().ok()?, members))
            })
            .collect(),
        )
    }

    /// Writes them into a series.
    pub(super) fn store(self, series: &mut Properties) {
        if self.0.is_empty() {
            series.shift_remove(STORED);
            return;
        }
        let all: Map<String, Value> = self
            .0
            .into_iter()
            .map(|(day, members)| (day.to_string(), members.map_or(Value::Null, Value::Object)))
            .collect();
        series.insert(STORED.to_owned(), Value::Object(all));
    }

    /// Forgets all: the pattern of the series is another one.
    pub(super) fn forget(series: &mut Properties) {
        series.shift_remove(STORED);
    }

    /// Whether the occurrence of a day is no more.
    pub(super) fn is_gone(&self, day: i64) -> bool {
        self.0.get(&day).is_some_and(Option::is_none)
    }

    /// What the occurrence of a day has of its own.
    pub(super) fn members(&self, day: i64) -> Option<&Properties> {
        self.0.get(&day).and_then(Option::as_ref)
    }

    /// The days of changed occurrences.
    pub(super) fn changed(&self) -> impl Iterator<Item = i64> {
        self.days(true)
    }

    /// The days of those that are no more.
    pub(super) fn gone(&self) -> impl Iterator<Item = i64> {
        self.days(false)
    }

    fn days(&self, changed: bool) -> impl Iterator<Item = i64> {
        let all = self.0.iter();
        all.filter(move |(_, it)| it.is_some() == changed)
            .map(|(day, _)| *day)
    }

    /// Gives the occurrence of a day members of its own.
    pub(super) fn change(&mut self, day: i64, members: Properties) {
        let entry = self.0.entry(day).or_default();
        entry.get_or_insert_default().extend(members);
    }

    /// Takes the occurrence of a day out.
    pub(super) fn remove(&mut self, day: i64) {
        self.0.insert(day, None);
    }
}

/// Where a series keeps them; no member of Graph's.
const STORED: &str = "@occurrences";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_and_removed_occurrences_are_stored_with_their_series() {
        let mut series = Properties::new();
        let mut exceptions = Exceptions::of(&series);
        let subject = |text: &str| Properties::from_iter([("subject".to_owned(), json!(text))]);
        exceptions.change(3, subject("one"));
        exceptions.change(3, subject("other"));
        exceptions.remove(-4);
        exceptions.clone().store(&mut series);
        let read = Exceptions::of(&series);
        assert_eq!(read, exceptions);
        assert_eq!(read.members(3), Some(&subject("other")));
        assert!(read.is_gone(-4) && !read.is_gone(3));
        assert_eq!(read.changed().collect::<Vec<_>>(), [3]);
        assert_eq!(read.gone().collect::<Vec<_>>(), [-4]);
        Exceptions::forget(&mut series);
        assert!(series.is_empty());
    }
}
