//! Known failures: a file in the connector's repository of what is known not to hold yet, each
//! entry with its reason.
//!
//! A listed case that fails as listed is expected. One that passes, one that fails otherwise, and
//! one that no longer runs fail the run, so that the list never says more than is true.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::case::{Case, Pattern};
use crate::report::{CaseReport, Outcome, Problem};

/// The file of known failures.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KnownFailuresFile {
    /// The version of the format: 1.
    schema: u32,
    /// The entries.
    known_failures: Vec<KnownFailure>,
}

/// What is known not to hold.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KnownFailure {
    /// A pattern for case and check, such as `auth/**[auth=own-app]#reaches-graph`.
    pub case: Pattern,
    /// The beginning of what is observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it is accepted, such as the number of a ticket.
    pub reason: String,
}

/// The known failures of a run, and which of them were met.
#[derive(Clone, Debug, Default)]
pub struct KnownFailures {
    entries: Vec<(KnownFailure, Met)>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Met {
    /// A case that it lists ran.
    Ran,
    /// The cases that it lists were all skipped.
    Skipped,
    /// No case that it lists was selected.
    #[default]
    Unselected,
}

/// Why a file of known failures can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownFailuresError {
    /// An entry has no reason.
    #[error("{path}: the entry '{case}' has an empty reason: say why the failure is accepted")]
    EmptyReason {
        /// The file.
        path: PathBuf,
        /// The entry.
        case: String,
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
    #[error("{path} has schema {found}, but this version reads schema 1")]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is not understood.
    #[error("{path}: {error}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why, with line and column.
        error: String,
    },
}

impl KnownFailures {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, KnownFailuresError> {
        let path = path.to_owned();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => Err(KnownFailuresError::Io { path, error }),
        }
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, KnownFailuresError> {
        let file: KnownFailuresFile = match serde_saphyr::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                return Err(KnownFailuresError::Syntax {
                    path,
                    error: error.to_string(),
                });
            }
        };
        if file.schema != 1 {
            return Err(KnownFailuresError::Schema {
                path,
                found: file.schema,
            });
        }
        if let Some(entry) = file
            .known_failures
            .iter()
            .find(|it| it.reason.trim().is_empty())
        {
            let case = entry.case.to_string();
            return Err(KnownFailuresError::EmptyReason { path, case });
        }
        let entries = file
            .known_failures
            .into_iter()
            .map(|it| (it, Met::default()))
            .collect();
        Ok(Self { entries })
    }

    /// Judges the report of a case by what is known.
    pub fn apply(&mut self, case: &Case, report: &mut CaseReport) {
        let mut listed: Vec<&KnownFailure> = Vec::new();
        for (entry, met) in self
            .entries
            .iter_mut()
            .filter(|(entry, _)| entry.case.fits(case))
        {
            *met = match report.outcome {
                Outcome::Skip if *met == Met::Unselected => Met::Skipped,
                Outcome::Skip => *met,
                _ => Met::Ran,
            };
            listed.push(entry);
        }
        if listed.is_empty() {
            return;
        }
        match report.outcome {
            Outcome::Pass => {
                report.outcome = Outcome::UnexpectedPass;
                report.reason = Some(format!(
                    "'{}' is a known failure ({}), but the case passes: remove the entry",
                    listed[0].case, listed[0].reason
                ));
            }
            Outcome::Fail => {
                let unknown = report
                    .problems
                    .iter()
                    .find(|it| !listed.iter().any(|e| e.covers(it, case)));
                let gone = listed.iter().find(|it| {
                    !report
                        .problems
                        .iter()
                        .any(|problem| it.covers(problem, case))
                });
                (report.outcome, report.reason) = match (unknown, gone) {
                    (Some(problem), _) => (
                        Outcome::ChangedFail,
                        Some(format!(
                            "'{}' is not the failure that is known",
                            problem.name
                        )),
                    ),
                    (None, Some(entry)) => (
                        Outcome::ChangedFail,
                        Some(format!(
                            "'{}' no longer fails: remove the entry",
                            entry.case
                        )),
                    ),
                    (None, None) => (Outcome::KnownFail, Some(listed[0].reason.clone())),
                };
            }
            // An error says nothing of the connector, and is never masked.
            _ => {}
        }
    }

    /// The entries that name no case of the library, or only cases that were skipped.
    pub fn stale(&self, library: &[Case]) -> Vec<String> {
        let fits_none = |entry: &KnownFailure| !library.iter().any(|case| entry.case.fits(case));
        let stale = self.entries.iter().filter(|(entry, met)| match met {
            Met::Ran => false,
            Met::Skipped => true,
            Met::Unselected => fits_none(entry),
        });
        stale.map(|(entry, _)| entry.case.to_string()).collect()
    }
}

impl KnownFailure {
    fn covers(&self, problem: &Problem, case: &Case) -> bool {
        self.case.fits_check(case, &problem.name)
            && self
                .message
                .as_ref()
                .is_none_or(|it| problem.observed.starts_with(it.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;
    use crate::report::ProblemKind;

    fn known(case: &str, message: &str) -> KnownFailures {
        let text = format!(
            "schema: 1\nknown-failures:\n  - case: '{case}'\n    message: '{message}'\n    reason: ACME-12\n"
        );
        KnownFailures::parse(PathBuf::from("known.yaml"), &text).unwrap()
    }

    fn case() -> Case {
        let cases = Library::embedded().unwrap().cases();
        cases
            .into_iter()
            .find(|case| case.scenario_id == "auth/happy/connect")
            .unwrap()
    }

    fn failed(observed: &str) -> CaseReport {
        let case = case();
        let mut report = CaseReport::new(&case);
        let kind = ProblemKind::Mismatch;
        report.add(Problem::of_step(
            kind, "connect", &case, "success", observed,
        ));
        report
    }

    #[test]
    fn a_listed_failure_is_expected() {
        let mut report = failed("failed with untrusted");
        known("auth/happy/*#connect", "failed with").apply(&case(), &mut report);
        assert_eq!(report.outcome, Outcome::KnownFail);
        assert_eq!(report.reason.as_deref(), Some("ACME-12"));
    }

    #[test]
    fn a_listed_case_that_fails_otherwise_has_changed() {
        let mut report = failed("timed out");
        known("auth/happy/*#connect", "failed with").apply(&case(), &mut report);
        assert_eq!(report.outcome, Outcome::ChangedFail);
        let mut report = failed("failed with untrusted");
        known("auth/happy/*#reaches-graph", "").apply(&case(), &mut report);
        assert_eq!(report.outcome, Outcome::ChangedFail);
    }

    #[test]
    fn a_listed_case_that_passes_is_unexpected() {
        let mut report = CaseReport::new(&case());
        known("auth/**", "").apply(&case(), &mut report);
        assert_eq!(report.outcome, Outcome::UnexpectedPass);
    }

    #[test]
    fn an_error_is_never_masked() {
        let case = case();
        let mut report = failed("failed with untrusted");
        report.add(Problem::of_step(
            ProblemKind::Driver,
            "connect",
            &case,
            "an answer",
            "none",
        ));
        known("**", "").apply(&case, &mut report);
        assert_eq!(report.outcome, Outcome::Error);
    }

    #[test]
    fn entries_without_a_case_are_stale() {
        let cases = Library::embedded().unwrap().cases();
        assert_eq!(known("auth/gone", "").stale(&cases), ["auth/gone"]);
        assert!(known("auth/happy/*", "").stale(&cases).is_empty());
        let mut skipped = known("auth/happy/connect", "");
        skipped.apply(&case(), &mut CaseReport::skipped(&case(), "unsupported"));
        assert_eq!(skipped.stale(&cases), ["auth/happy/connect"]);
    }

    #[test]
    fn an_entry_needs_a_reason() {
        let text = "schema: 1\nknown-failures:\n  - case: auth/**\n    reason: ' '\n";
        let error = KnownFailures::parse(PathBuf::from("k.yaml"), text).unwrap_err();
        assert!(error.to_string().contains("empty reason"), "{error}");
    }
}
