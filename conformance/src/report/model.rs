//! What a report is made of: events as the run goes, and the results of each case.

use std::borrow::Cow;

use entra_mock::environment::Environment;
use entra_mock::journal::{Direction, Exchange, Surface, TokenKind};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{AuthMethod, Case, Check, Level};
use crate::judge::{Canaries, CheckFailure, FailureKind};
use crate::text::cut;

/// How much of what a driver says stands in the report of a case.
const OUTPUT_LINES: usize = 400;
const OUTPUT_LETTERS: usize = 1_000;

/// The version of the events and of the JSON report.
pub const SCHEMA: u32 = 1;

/// Something that happened in a run. The events file has one a line; every other report is drawn
/// from them.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A case has ended.
    CaseFinished(Box<CaseReport>),
    /// The run has ended.
    RunFinished(RunEnd),
    /// The run begins.
    RunStarted(RunStart),
}

/// How a run begins.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct RunStart {
    /// The version of the format: 1.
    pub schema: u32,
    /// The suite's name and version.
    pub suite: String,
    /// The connector as `--connector` named it.
    pub source: String,
    /// The connector's own name, with its version.
    pub connector: String,
    /// The language in which the connector says it is written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// How the connector reaches the mock: `proxy`, `isolated` or `direct`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reach: String,
    /// The seed.
    pub seed: u64,
    /// How many cases were selected.
    pub cases: usize,
    /// The shard, such as `1/4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Where the artifacts of failed cases are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
}

/// How a run ends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct RunEnd {
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Entries of the known failures for which no case ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
    /// Why the run could not be completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// The cases that were selected and did not run to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What became of a case.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It failed in another way than the known failures say.
    ChangedFail,
    /// The driver, the protocol, a time limit, or the suite itself failed: says nothing of the
    /// connector, and is never masked.
    Error,
    /// A requirement does not hold.
    Fail,
    /// It failed as the known failures say.
    KnownFail,
    /// All requirements hold.
    Pass,
    /// The connector does not have what the case needs.
    Skip,
    /// It is among the known failures, and passed.
    UnexpectedPass,
}

/// The result of a case.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct CaseReport {
    /// `auth/happy/connect[auth=own-app,environment=china]`.
    pub id: String,
    /// The id of the scenario.
    pub scenario: String,
    /// What happens, in a few words.
    pub title: String,
    /// The document that says how it must end.
    pub source: String,
    /// The auth method.
    pub auth: AuthMethod,
    /// The environment.
    pub environment: Environment,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was skipped, or the reason of a known failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Recommendations that were not followed: checks with the level should or may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Problem>,
    /// The names of the checks that passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<String>,
    /// What went over the wire, where something went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<WireLine>,
    /// The driver's log lines and the last lines of its standard error, where something went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// The folder with conversation, journal, standard error and scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
    /// The command that runs it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Something that went wrong in a case.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Problem {
    /// How it went wrong.
    pub kind: ProblemKind,
    /// How bad it is.
    pub level: Level,
    /// The check, or the step where no check failed.
    pub name: String,
    /// The requirement in a sentence.
    pub says: String,
    /// The document that states it.
    pub source: String,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The exchanges that show it, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<u64>,
    /// Whether it is a step that did not end as it must, rather than a check.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_step: bool,
}

/// How something went wrong.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The driver declared it, and then answered that it is unsupported.
    BrokenClaim,
    /// The driver broke the protocol, ended, hung, or a time limit passed.
    Driver,
    /// Something else was seen than expected.
    Mismatch,
    /// The connector did not do what the check is about.
    NotExercised,
    /// The suite or the mock failed.
    Suite,
}

/// A line of what went over the wire.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct WireLine {
    /// The number of the exchange in the journal.
    pub number: u64,
    /// Whether the scripted person asked, not the connector.
    pub person: bool,
    /// Milliseconds since the case began.
    pub at: u64,
    /// What kind of endpoint.
    pub surface: Surface,
    /// The method.
    pub method: String,
    /// Scheme and host.
    pub origin: String,
    /// The path, without the query.
    pub path: String,
    /// The grant and the tokens presented, such as `refresh_token rt:7f3a/2`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub presented: String,
    /// The HTTP status.
    pub status: u16,
    /// The error, with AADSTS numbers, or the tokens issued.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// The fault that touched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What the client asked for and the mock does not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
}

impl Outcome {
    /// All outcomes, in the order in which totals are told.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Fail,
        Self::Error,
        Self::ChangedFail,
        Self::UnexpectedPass,
        Self::KnownFail,
        Self::Skip,
    ];

    /// The name in reports.
    pub fn slug(self) -> &'static str {
        match self {
            Self::ChangedFail => "changed-fail",
            Self::Error => "error",
            Self::Fail => "fail",
            Self::KnownFail => "known-fail",
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::UnexpectedPass => "unexpected-pass",
        }
    }

    /// Whether the run is as expected with it.
    pub fn is_expected(self) -> bool {
        matches!(self, Self::KnownFail | Self::Pass | Self::Skip)
    }
}

impl CaseReport {
    /// The report of a case in which nothing has gone wrong yet.
    pub fn new(case: &Case) -> Self {
        Self {
            id: case.id.clone(),
            scenario: case.scenario_id.clone(),
            title: case.title().to_owned(),
            source: case.source().to_owned(),
            auth: case.auth_method,
            environment: case.environment,
            outcome: Outcome::Pass,
            reason: None,
            problems: Vec::new(),
            warnings: Vec::new(),
            passed: Vec::new(),
            wire: Vec::new(),
            output: Vec::new(),
            artifacts: None,
            rerun: None,
            millis: 0,
        }
    }

    /// The report of a case that does not run.
    pub fn skipped(case: &Case, reason: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Skip,
            reason: Some(reason.into()),
            ..Self::new(case)
        }
    }

    /// Adds what went wrong, and what that makes of the case. Checks below must are warnings.
    pub fn add(&mut self, problem: Problem) {
        let is_error = matches!(problem.kind, ProblemKind::Driver | ProblemKind::Suite);
        if !is_error && problem.level != Level::Must {
            self.warnings.push(problem);
            return;
        }
        if is_error {
            self.outcome = Outcome::Error;
        } else if self.outcome != Outcome::Error {
            self.outcome = Outcome::Fail;
        }
        self.problems.push(problem);
    }

    /// Adds a line that the driver said, as long as there is room.
    pub fn say(&mut self, line: &str) {
        match self.output.len() {
            OUTPUT_LINES => self.output.push("… and more".to_owned()),
            more if more > OUTPUT_LINES => {}
            _ => self.output.push(cut(line, OUTPUT_LETTERS)),
        }
    }

    /// Puts fingerprints in the place of secrets: reports are sent around.
    pub fn redact(&mut self, canaries: &Canaries) {
        let problems = self.problems.iter_mut().chain(&mut self.warnings);
        let observed = problems.map(|it| &mut it.observed);
        for text in self.output.iter_mut().chain(observed) {
            if let Cow::Owned(redacted) = canaries.redact(text) {
                *text = redacted;
            }
        }
    }

    /// Adds what is needed to understand a failure: nothing, where all went well.
    pub fn explain<'a>(&mut self, exchanges: impl IntoIterator<Item = &'a Exchange>) {
        if self.problems.is_empty() && self.warnings.is_empty() {
            return;
        }
        let mut began = None;
        for exchange in exchanges {
            let began = *began.get_or_insert(exchange.at);
            self.wire.push(WireLine::new(exchange, began));
        }
    }
}

impl Problem {
    /// A check that failed.
    pub fn of_check(check: &Check, failure: CheckFailure, case: &Case) -> Self {
        Self {
            kind: match failure.kind {
                FailureKind::Mismatch => ProblemKind::Mismatch,
                FailureKind::NotExercised => ProblemKind::NotExercised,
                FailureKind::Unjudgeable => ProblemKind::Suite,
            },
            level: check.level,
            name: check.name.clone(),
            says: check.says.clone(),
            source: check
                .source
                .clone()
                .unwrap_or_else(|| case.source().to_owned()),
            expected: failure.expected,
            observed: failure.observed,
            exchanges: failure.exchanges,
            is_step: false,
        }
    }

    /// A step that did not end as it must.
    pub fn of_step(
        kind: ProblemKind,
        step: impl Into<String>,
        case: &Case,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            level: Level::Must,
            name: step.into(),
            says: case.title().to_owned(),
            source: case.source().to_owned(),
            expected: expected.into(),
            observed: observed.into(),
            exchanges: Vec::new(),
            is_step: true,
        }
    }
}

impl ProblemKind {
    /// The name in reports.
    pub fn slug(self) -> &'static str {
        match self {
            Self::BrokenClaim => "broken-claim",
            Self::Driver => "driver",
            Self::Mismatch => "mismatch",
            Self::NotExercised => "not-exercised",
            Self::Suite => "suite",
        }
    }
}

impl WireLine {
    /// An exchange in short.
    pub fn new(exchange: &Exchange, began: Timestamp) -> Self {
        let tokens = |direction| {
            let used = exchange
                .tokens
                .iter()
                .filter(move |it| it.direction == direction);
            used.map(|it| {
                let generation = it
                    .generation
                    .map_or_else(String::new, |it| format!("/{it}"));
                // Enough to tell the tokens of one case apart.
                let short: String = it.fingerprint.chars().take(4).collect();
                format!("{}:{short}{generation}", short_kind(it.kind))
            })
            .collect::<Vec<_>>()
        };
        let mut presented: Vec<String> = exchange.grant.iter().cloned().collect();
        presented.extend(tokens(Direction::Presented));
        let mut answer: Vec<String> = exchange.error.iter().cloned().collect();
        answer.extend(exchange.aadsts.iter().map(|it| format!("AADSTS{it}")));
        answer.extend(tokens(Direction::Issued));
        let since = exchange.at.duration_since(began).as_millis();
        Self {
            number: exchange.number,
            person: matches!(
                exchange.surface,
                Surface::Authorize | Surface::AdminConsent | Surface::Logout
            ),
            at: u64::try_from(since).unwrap_or(0),
            surface: exchange.surface,
            method: exchange.method.clone(),
            origin: exchange.origin.clone(),
            path: exchange.path.clone(),
            presented: presented.join(" "),
            status: exchange.status,
            answer: answer.join(" "),
            fault: exchange.fault.clone(),
            unsupported: exchange.unsupported.clone(),
        }
    }

    /// Request and answer on one line.
    pub fn text(&self) -> String {
        let Self {
            number,
            method,
            origin,
            path,
            presented,
            status,
            answer,
            ..
        } = self;
        let host = origin.split_once("://").map_or(origin.as_str(), |it| it.1);
        let mut text = format!("#{number}  {method} {host}{path}");
        for (lead, part) in [
            ("  ", presented.as_str()),
            ("  → ", &status.to_string()),
            (" ", answer),
        ] {
            if !part.is_empty() {
                text.push_str(lead);
                text.push_str(part);
            }
        }
        text
    }
}

fn short_kind(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => "at",
        TokenKind::Assertion => "assertion",
        TokenKind::Code => "code",
        TokenKind::DeviceCode => "device-code",
        TokenKind::Id => "id",
        TokenKind::Refresh => "rt",
    }
}
