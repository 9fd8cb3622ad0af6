//! The results of a run, put together from its events; and of several runs, merged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use entra_mock::environment::Environment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{CaseReport, Event, Outcome, RunEnd, RunStart, SCHEMA};
use crate::case::AuthMethod;

/// The results of a run: the JSON report.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Results {
    /// How it began.
    pub run: RunStart,
    /// How it ended.
    pub end: RunEnd,
    /// The cases, sorted by id.
    pub cases: Vec<CaseReport>,
}

/// How a run counts, and the exit code of the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum ExitStatus {
    /// All is as expected.
    AsExpected = 0,
    /// Something unexpected happened.
    Unexpected = 1,
    /// A flag or a file is wrong.
    Usage = 2,
    /// The run could not be completed.
    Incomplete = 3,
    /// No case was selected.
    NothingSelected = 4,
    /// Shards of the run are missing.
    ShardsMissing = 5,
}

/// Why results can't be read or merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultsError {
    /// The same case is in two files.
    #[error("{path} has the case {case}, which another file has too: merge the shards of one run")]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The case.
        case: String,
    },
    /// The files are of different runs.
    #[error("{path} has {found}, but {first} has {wanted}: merge the shards of one run")]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: String,
        /// The first file.
        first: PathBuf,
        /// What that one has.
        wanted: String,
    },
    /// The file can't be read.
    #[error("failed to read {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is of another version.
    #[error("{path} has schema {found}, but this version reads schema {SCHEMA}")]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is neither a JSON report nor an events file.
    #[error("{path} is neither a report written by --json nor events written by --events: {error}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
}

impl Results {
    /// Adds what an event tells.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::CaseFinished(case) => {
                let place = self.cases.partition_point(|it| it.id < case.id);
                self.cases.insert(place, (**case).clone());
            }
            Event::RunFinished(end) => self.end = end.clone(),
            Event::RunStarted(start) => self.run = start.clone(),
        }
    }

    /// Reads a JSON report, or the events of a run, even of one that was broken off.
    pub fn read(path: &Path) -> Result<Self, ResultsError> {
        let failed = |error| ResultsError::Io {
            path: path.to_owned(),
            error,
        };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let results = Self::parse(&text).map_err(|error| ResultsError::Syntax {
            path: path.to_owned(),
            error,
        })?;
        if results.run.schema != SCHEMA {
            let found = results.run.schema;
            return Err(ResultsError::Schema {
                path: path.to_owned(),
                found,
            });
        }
        Ok(results)
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let report = match serde_json::from_str(text) {
            Ok(results) => return Ok(results),
            Err(error) => error,
        };
        let mut results = Self::default();
        results.end.incomplete = Some("the events end before the run does".to_owned());
        let mut lines = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .peekable();
        let mut any = false;
        while let Some(line) = lines.next() {
            match serde_json::from_str(line) {
                Ok(event) => results.add(&event),
                // The last line of a run that was broken off may be half a line.
                Err(_) if any && lines.peek().is_none() => {}
                // Not one event: the text was meant as a report.
                Err(_) if !any => return Err(report),
                Err(error) => return Err(error),
            }
            any = true;
        }
        if any { Ok(results) } else { Err(report) }
    }

    /// Joins the results of the shards of a run. Where shards are missing, the joined results say
    /// which ones are there.
    pub fn merge(files: &[PathBuf]) -> Result<Self, ResultsError> {
        let mut merged = Self::default();
        let mut shards: Option<Shards> = None;
        for (index, path) in files.iter().enumerate() {
            let part = Self::read(path)?;
            if index == 0 {
                merged.run = RunStart {
                    shard: None,
                    cases: 0,
                    // Each shard has its own.
                    artifacts: None,
                    ..part.run.clone()
                };
            }
            let other_run = |found: String, wanted: String| ResultsError::OtherRun {
                path: path.clone(),
                found,
                first: files[0].clone(),
                wanted,
            };
            if merged.run.seed != part.run.seed {
                let name = |seed| format!("the seed {seed}");
                return Err(other_run(name(part.run.seed), name(merged.run.seed)));
            }
            if merged.run.suite != part.run.suite {
                return Err(other_run(part.run.suite, merged.run.suite));
            }
            match part.run.shard.as_deref().and_then(Shards::parse) {
                Some(found) => {
                    let all = shards.get_or_insert_with(|| Shards::none_of(found.count));
                    if all.count != found.count {
                        let name = |count| format!("shards of {count}");
                        return Err(other_run(name(found.count), name(all.count)));
                    }
                    all.there.extend(found.there);
                }
                None if index > 0 && shards.is_some() => {
                    return Err(other_run("no shard".to_owned(), "shards".to_owned()));
                }
                None => {}
            }
            merged.run.cases += part.run.cases;
            // Shards run side by side.
            merged.end.millis = merged.end.millis.max(part.end.millis);
            merged.end.incomplete = merged.end.incomplete.take().or(part.end.incomplete);
            merged.end.stale.extend(part.end.stale);
            merged.end.missing.extend(part.end.missing);
            for case in part.cases {
                match merged.cases.binary_search_by(|it| it.id.cmp(&case.id)) {
                    Ok(_) => {
                        let path = path.clone();
                        return Err(ResultsError::Duplicate {
                            path,
                            case: case.id,
                        });
                    }
                    Err(place) => merged.cases.insert(place, case),
                }
            }
        }
        merged.end.stale.sort();
        merged.end.stale.dedup();
        merged.run.shard = shards
            .filter(|it| !it.missing().is_empty())
            .map(|it| it.to_string());
        Ok(merged)
    }

    /// The shards that are not among these results, where they are of some shards of a run: the
    /// results of a shard by itself are whole.
    pub fn missing_shards(&self) -> Vec<usize> {
        let shards = self.run.shard.as_deref().and_then(Shards::parse);
        shards
            .filter(|it| it.joined)
            .map_or_else(Vec::new, |it| it.missing())
    }

    /// How many cases were selected and did not run to their end.
    pub fn missing(&self) -> usize {
        let unheard = self.run.cases.saturating_sub(self.cases.len());
        unheard.max(self.end.missing.len())
    }

    /// The events that tell these results.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        let cases = self
            .cases
            .iter()
            .map(|it| Event::CaseFinished(Box::new(it.clone())));
        let (start, end) = (self.run.clone(), self.end.clone());
        std::iter::once(Event::RunStarted(start))
            .chain(cases)
            .chain(std::iter::once(Event::RunFinished(end)))
    }

    /// How many cases ended how.
    pub fn totals(&self) -> BTreeMap<Outcome, usize> {
        count(self.cases.iter())
    }

    /// How many cases ended how, by auth method and environment.
    pub fn matrix(&self) -> BTreeMap<(AuthMethod, Environment), BTreeMap<Outcome, usize>> {
        let mut matrix: BTreeMap<_, BTreeMap<Outcome, usize>> = BTreeMap::new();
        for case in &self.cases {
            let cell = matrix.entry((case.auth, case.environment)).or_default();
            *cell.entry(case.outcome).or_default() += 1;
        }
        matrix
    }

    /// The ids of the cases that are not as expected.
    pub fn unexpected(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| !case.outcome.is_expected())
    }

    /// How the run counts.
    pub fn exit_status(&self) -> ExitStatus {
        if self.end.incomplete.is_some() {
            ExitStatus::Incomplete
        } else if !self.missing_shards().is_empty() {
            ExitStatus::ShardsMissing
        } else if self.cases.is_empty() {
            ExitStatus::NothingSelected
        } else if self.unexpected().next().is_some() || !self.end.stale.is_empty() {
            ExitStatus::Unexpected
        } else {
            ExitStatus::AsExpected
        }
    }
}

/// Some shards of a run: `2/4` is the second of four, `1+2/4` are the first two, joined.
#[derive(Debug)]
struct Shards {
    count: usize,
    there: BTreeSet<usize>,
    /// Whether they were joined by a merge.
    joined: bool,
}

impl Shards {
    fn none_of(count: usize) -> Self {
        Self {
            count,
            there: BTreeSet::new(),
            joined: true,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (there, count) = text.split_once('/')?;
        let numbers = there.trim_end_matches('+').split('+');
        let there: Result<_, _> = numbers.map(str::parse).collect();
        Some(Self {
            count: count.parse().ok()?,
            there: there.ok()?,
            joined: text.contains('+'),
        })
    }

    fn missing(&self) -> Vec<usize> {
        let all = 1..=self.count;
        all.filter(|it| !self.there.contains(it)).collect()
    }
}

impl std::fmt::Display for Shards {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let there: Vec<String> = self.there.iter().map(ToString::to_string).collect();
        // A plus tells one shard that a merge had from the shard itself.
        let plus = if there.len() == 1 { "+" } else { "" };
        write!(formatter, "{}{plus}/{}", there.join("+"), self.count)
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

fn count<'a>(cases: impl Iterator<Item = &'a CaseReport>) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    for case in cases {
        *counts.entry(case.outcome).or_default() += 1;
    }
    counts
}
