//! Which cases run: patterns, axes, shards, and those that failed before.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use entra_mock::environment::Environment;

use crate::case::{AuthMethod, Case, Pattern, PatternError};

/// Which cases run. All that is said must fit; nothing said means all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// One of these patterns.
    pub filters: Vec<Pattern>,
    /// One of these auth methods.
    pub auth: Vec<AuthMethod>,
    /// One of these environments.
    pub environments: Vec<Environment>,
    /// One of these ids: the failed cases of an earlier run.
    pub ids: Option<BTreeSet<String>>,
    /// A part of what the rest selects.
    pub shard: Option<Shard>,
}

/// A part of the cases, such as `1/4`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// A text that is no shard.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{0}' is no shard: write I/N with I from 1 to N, such as 1/4")]
pub struct ShardError(String);

impl Selection {
    /// The cases that run, in their order. A pattern that fits no case is an error.
    pub fn select(&self, cases: &[Case]) -> Result<Vec<Case>, PatternError> {
        for filter in &self.filters {
            filter.select(cases)?;
        }
        let chosen = cases.iter().filter(|case| {
            let filter = self.filters.is_empty()
                || self.filters.iter().any(|filter| match filter.check() {
                    Some(_) => case
                        .check_names()
                        .any(|check| filter.fits_check(case, check)),
                    None => filter.fits(case),
                });
            let auth = self.auth.is_empty() || self.auth.contains(&case.auth_method);
            let environment =
                self.environments.is_empty() || self.environments.contains(&case.environment);
            let id = self.ids.as_ref().is_none_or(|ids| ids.contains(&case.id));
            filter && auth && environment && id
        });
        // Neighbours in the list are alike, so taking turns gives shards of like length.
        Ok(match self.shard {
            Some(shard) => chosen
                .skip(shard.index - 1)
                .step_by(shard.count)
                .cloned()
                .collect(),
            None => chosen.cloned().collect(),
        })
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)))
            .filter(|(index, count)| (1..=*count).contains(index))
            .map(|(index, count)| Self { index, count })
            .ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;

    #[test]
    fn shards_share_all_cases_and_no_case_twice() {
        let cases = Library::embedded().unwrap().cases();
        let mut seen = Vec::new();
        for index in 1..=3 {
            let shard = Some(format!("{index}/3").parse().unwrap());
            let part = Selection {
                shard,
                ..Selection::default()
            }
            .select(&cases)
            .unwrap();
            seen.extend(part.into_iter().map(|case| case.id));
        }
        seen.sort();
        let mut all: Vec<String> = cases.into_iter().map(|case| case.id).collect();
        all.sort();
        assert_eq!(seen, all);
    }

    #[test]
    fn axes_and_patterns_narrow_together() {
        let cases = Library::embedded().unwrap().cases();
        let selection = Selection {
            filters: vec!["auth/happy/connect".parse().unwrap()],
            auth: vec![AuthMethod::OwnApp],
            environments: vec![Environment::China],
            ..Selection::default()
        };
        let ids: Vec<String> = selection
            .select(&cases)
            .unwrap()
            .into_iter()
            .map(|case| case.id)
            .collect();
        assert_eq!(ids, ["auth/happy/connect[auth=own-app,environment=china]"]);
    }

    #[test]
    fn a_pattern_that_fits_nothing_is_an_error() {
        let cases = Library::embedded().unwrap().cases();
        let filters = vec!["auth/happy/conect".parse().unwrap()];
        let error = Selection {
            filters,
            ..Selection::default()
        }
        .select(&cases)
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("did you mean 'auth/happy/connect'?"),
            "{error}"
        );
    }

    #[test]
    fn shards_outside_of_their_count_are_refused() {
        for text in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
