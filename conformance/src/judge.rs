//! The judge: decides a check from the record of a case, and from nothing else.
//!
//! A check whose witness is not in the record fails as [`FailureKind::NotExercised`]: it never
//! passes because the connector did nothing.

mod answer;
mod canary;
mod condition;
mod facts;
mod randomness;
mod record;
mod select;
mod standing;
#[cfg(test)]
mod tests;
mod told;
mod value;

use serde::{Deserialize, Serialize};

use crate::case::{Check, Evidence};
pub use canary::Canaries;
pub use facts::{Facts, FillError, Secret};
pub use record::{Answer, Leak, Record, StepRecord};

/// What the judge says of a check.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum CheckResult {
    /// It holds.
    Pass {
        /// The exchanges that are its witness.
        witness: Vec<u64>,
    },
    /// It does not hold, or cannot be said to.
    Fail(CheckFailure),
}

/// Why a check failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CheckFailure {
    /// How it failed.
    pub kind: FailureKind,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The exchanges that show it, by number.
    pub exchanges: Vec<u64>,
}

/// How a check failed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Something else was seen.
    Mismatch,
    /// The witness is not in the record: the connector did not do what the check is about.
    NotExercised,
    /// The check itself cannot be read: our own fault, to be reported as an error.
    Unjudgeable,
}

impl CheckResult {
    /// Whether it holds.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }
}

/// Decides a check from the record so far.
pub fn check(check: &Check, record: &Record) -> CheckResult {
    // The requirement's own words are for people: braces in them are braces.
    let filled = Check {
        says: String::new(),
        source: None,
        ..check.clone()
    };
    let check = match record.facts.fill(&filled) {
        Ok(check) => check,
        Err(error) => {
            return CheckResult::Fail(CheckFailure {
                kind: FailureKind::Unjudgeable,
                expected: format!("a check that can be read: {}", check.says),
                observed: error.to_string(),
                exchanges: Vec::new(),
            });
        }
    };
    let witness = match witness(&check.witness, record) {
        Ok(witness) => witness,
        Err(problem) => return problem.into_failure(FailureKind::NotExercised),
    };
    match expectation(&check.expect, record, witness.first().copied()) {
        Ok(()) => CheckResult::Pass { witness },
        Err(mut problem) => {
            if problem.exchanges.is_empty() {
                problem.exchanges = witness;
            }
            problem.into_failure(FailureKind::Mismatch)
        }
    }
}

/// What the record shows against a check of a case that ended before the check's turn: something
/// that must not have been, not something that may still have come.
pub fn violation(check: &Check, record: &Record) -> Option<CheckFailure> {
    let filled = Check {
        says: String::new(),
        source: None,
        ..check.clone()
    };
    let check = record.facts.fill(&filled).ok()?;
    let witness = witness(&check.witness, record).ok()?;
    let first = witness.first().copied();
    // What is still missing hides nothing that is wrong already.
    let wrong = check.expect.selectors().filter_map(|(surface, selector)| {
        let found = select::select(surface, selector, record, first);
        select::demand(surface, selector, &found, record).err()
    });
    let standing = check.expect.standing;
    let broken = standing.and_then(|rule| standing::holds(rule, record).err());
    let shown = |it: &Problem| !it.lacks && !it.exchanges.is_empty();
    let mut wrong = wrong.chain(broken).filter(shown);
    let problem = wrong.next().or_else(|| {
        let answer = check.expect.answer.as_ref();
        answer.and_then(|test| answer::asked_in_vain(test, record))
    })?;
    match problem.into_failure(FailureKind::Mismatch) {
        CheckResult::Fail(failure) => Some(failure),
        CheckResult::Pass { .. } => None,
    }
}

/// What was expected and not seen.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Problem {
    expected: String,
    observed: String,
    exchanges: Vec<u64>,
    /// Whether there is too little, rather than something wrong.
    lacks: bool,
}

impl Problem {
    fn new(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            observed: observed.into(),
            exchanges: Vec::new(),
            lacks: false,
        }
    }

    fn into_failure(self, kind: FailureKind) -> CheckResult {
        let Self {
            expected,
            observed,
            exchanges,
            lacks: _,
        } = self;
        CheckResult::Fail(CheckFailure {
            kind,
            expected,
            observed,
            exchanges,
        })
    }
}

/// The exchanges that are the witness, oldest first.
fn witness(evidence: &Evidence, record: &Record) -> Result<Vec<u64>, Problem> {
    let mut numbers = Vec::new();
    for (surface, selector) in evidence.selectors() {
        let found = select::select(surface, selector, record, None);
        select::demand(surface, selector, &found, record)?;
        if found.is_empty() && !selector.demands() {
            return Err(Problem::new(
                format!("as witness: {}", select::describe(surface, selector)),
                select::summary(surface, record),
            ));
        }
        numbers.extend(found.iter().map(|exchange| exchange.number));
    }
    if let Some(test) = &evidence.answer {
        answer::any(test, record)?;
    }
    if let Some(test) = &evidence.status {
        answer::status(test, record)?;
    }
    if let Some(test) = &evidence.told {
        told::holds(test, record)?;
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn expectation(evidence: &Evidence, record: &Record, witness: Option<u64>) -> Result<(), Problem> {
    for (surface, selector) in evidence.selectors() {
        let found = select::select(surface, selector, record, witness);
        select::demand(surface, selector, &found, record)?;
    }
    if let Some(test) = &evidence.answer {
        answer::last(test, record)?;
    }
    if let Some(test) = &evidence.status {
        answer::status(test, record)?;
    }
    if let Some(test) = &evidence.told {
        told::holds(test, record)?;
    }
    match evidence.standing {
        Some(rule) => standing::holds(rule, record),
        None => Ok(()),
    }
}
