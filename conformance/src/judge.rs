//! The judge: decides a check from the record of a case, and from nothing else.
//!
//! A check whose witness is not in the record fails as [`FailureKind::NotExercised`]: it never
//! passes because the connector did nothing.

//mod answer;
//mod condition;
mod facts;
mod record;
//mod select;
//#[cfg(test)]
//mod tests;
//mod value;

use serde::{Deserialize, Serialize};

use crate::case::{Check, Evidence};
pub use facts::{Facts, FillError, Secret};
pub use record::{Answer, Record, StepRecord};

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
}

impl CheckResult {
    /// Whether it holds.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }
}
