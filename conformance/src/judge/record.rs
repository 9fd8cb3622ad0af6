//! The record of a case: all that the judge may look at.

use entra_mock::journal::Exchange;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::Facts;
use crate::case::{Category, StateName};

/// What happened in a case so far.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Record {
    /// The world of the case.
    pub facts: Facts,
    /// The exchanges of the case, in the order of their numbers.
    pub exchanges: Vec<Exchange>,
    /// The steps that have begun, in their order; those of `repeat` each time.
    pub steps: Vec<StepRecord>,
    /// By what the person's browser reaches the network, in the words of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Lines of the driver's standard error that have a secret in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<Leak>,
}

/// A secret where nobody may read it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Leak {
    /// Which secret.
    pub secret: String,
    /// The line, without it.
    pub line: String,
}

/// What happened in a step.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StepRecord {
    /// The name of the step, such as `connect` or `call`.
    pub step: String,
    /// The operation of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The connection that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The position of the journal when it began: exchanges with greater numbers came later.
    pub before: u64,
    /// The position of the journal when it ended.
    pub after: u64,
    /// What the driver answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Whether the driver asked for a sign-in on the way.
    #[serde(default)]
    pub asked_for_sign_in: bool,
    /// The permissions that a consent page asked the person for on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_page: Option<Vec<String>>,
}

/// What a driver answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The operation failed.
    Failure {
        /// The category.
        category: Category,
        /// AADSTS numbers, where the connector knows them.
        #[serde(default)]
        aadsts: Vec<u32>,
        /// What the connector's user would see.
        #[serde(default)]
        message: String,
    },
    /// The state of a connection.
    State {
        /// Whether it works.
        state: StateName,
        /// Why it does not.
        #[serde(default)]
        category: Option<Category>,
    },
    /// The operation succeeded. `connect`, `reconnect`, `finish` and `disconnect` give null.
    Value {
        /// What it returned.
        value: Value,
    },
}
