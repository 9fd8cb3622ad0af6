//! How far a scenario is, for people and scripts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::directory::TenantId;
use crate::environment::Environment;
use crate::scenario::AuthMethod;

/// How far a scenario is that is played in a tenant.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Progress {
    /// What happens, in a few words.
    pub title: String,
    /// The tenant in which it is played.
    pub tenant: TenantId,
    /// Where the tenant lives.
    pub environment: Environment,
    /// The auth method: its app is what the scenario calls `app`.
    pub auth_method: AuthMethod,
    /// Whether it goes on.
    pub state: PlayState,
    /// What is waited for, or why the step that is due cannot happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// All steps, those of `repeat` as often as they happen.
    pub steps: Vec<StepProgress>,
}

/// Whether a scenario goes on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlayState {
    /// All steps are behind it.
    Ended,
    /// A step cannot happen.
    Failed,
    /// A client or a person is to do something.
    Waiting,
}

/// A step, and how far it is.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct StepProgress {
    /// The position, from 1.
    pub number: usize,
    /// The name of the step, such as `event`.
    pub step: String,
    /// The step in a line, as it could stand in the file.
    pub text: String,
    /// Who does it.
    pub by: PlayedBy,
    /// How far it is.
    pub state: StepState,
    /// What is waited for, what to do, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The exchanges of the journal in which a client did it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<u64>,
}

/// Who does a step.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlayedBy {
    /// A client: the connector that you try, or the suite's.
    Client,
    /// The mock.
    Mock,
    /// Whoever sits before the browser: you, or the suite's scripted user.
    Person,
    /// The suite alone: what must hold.
    Suite,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It happened.
    Done,
    /// It cannot happen.
    Failed,
    /// It is not waited for: the suite does it, or somebody said to go on.
    PassedOver,
    /// Its turn has not come.
    Pending,
    /// It is waited for.
    Waiting,
}

impl fmt::Display for PlayedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Client => "client",
            Self::Mock => "mock",
            Self::Person => "person",
            Self::Suite => "suite",
        })
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::PassedOver => "passed over",
            Self::Pending => "",
            Self::Waiting => "waiting",
        })
    }
}

impl fmt::Display for StepProgress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:<11}  {:>2}  {:<6}  {}",
            self.state, self.number, self.by, self.text
        )?;
        if let Some(detail) = &self.detail {
            write!(formatter, "  ({detail})")?;
        }
        for number in &self.exchanges {
            write!(formatter, "  #{number}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.title)?;
        writeln!(
            formatter,
            "in {}, tenant {}; 'app' is the app of {}\n",
            self.environment, self.tenant, self.auth_method
        )?;
        for step in &self.steps {
            writeln!(formatter, "  {step}")?;
        }
        match (self.state, &self.waiting_for) {
            (PlayState::Ended, _) => writeln!(formatter, "\n{ENDED}"),
            (PlayState::Failed, Some(reason)) => writeln!(formatter, "\nIt stops here: {reason}"),
            (_, Some(what)) => writeln!(formatter, "\nWaiting for {what}"),
            (_, None) => Ok(()),
        }
    }
}

/// What is said when all steps are behind a scenario.
pub(super) const ENDED: &str = "The scenario has ended.";
