//! Steps: what happens in a case, one after the other.

mod file;
mod line;

use std::num::NonZeroU32;

use crate::directory::Event;
use crate::fault::Fault;
use crate::notation::{Many, Shift, Span};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::axis::{AuthMethod, Category};
use super::check::Check;
use super::kind::{ConnectorKind, News};

/// The connection that steps mean when they name none.
pub const MAIN: &str = "main";

/// One step of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What happens.
    pub action: Action,
    /// The step must fail, with one of these categories. Empty: it must succeed (or see
    /// `may_fail`).
    pub fails: Many<Category>,
    /// The step may succeed, or fail with one of these categories.
    pub may_fail: Many<Category>,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The tenant's time moves on (and the connector's, where it has the feature `clock`).
    Advance(Span),
    /// Something new comes to a person: a mail, a file, whatever the connector is for.
    Arrives(ArrivesStep),
    /// What the person does at the next sign-in.
    Browser(BrowserAction),
    /// The connector does something.
    Call(CallStep),
    /// Something must hold.
    Check(Box<Check>),
    /// Faults end.
    ClearFaults,
    /// A connection is made.
    Connect(ConnectStep),
    /// A connection is given up.
    Disconnect {
        /// The connection.
        connection: String,
    },
    /// Something happens in the directory.
    Event(Event),
    /// A fault is set.
    Fault(Box<Fault>),
    /// A callback that the person kept is given to the connector.
    Finish(FinishStep),
    /// Words for the report.
    Note(String),
    /// A connection is repaired.
    Reconnect(ConnectStep),
    /// Steps several times.
    Repeat(RepeatStep),
    /// The connector's process ends and starts again.
    Restart {
        /// It is ended at once, whatever it is doing.
        kill: bool,
        /// How wrong its clock is from then on; nothing if it stays as it is.
        clock: Option<Shift>,
    },
    /// Steps with another process of the connector, on the store of the first.
    SecondProcess(Vec<Step>),
    /// The connector is given the time to end its work.
    Settle,
    /// The connector is asked for the state of a connection.
    Status {
        /// The connection.
        connection: String,
    },
    /// Steps at once.
    Together(Vec<Step>),
}

impl Action {
    /// The name of the step in files and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Advance(_) => "advance",
            Self::Arrives(_) => "arrives",
            Self::Browser(_) => "browser",
            Self::Call(_) => "call",
            Self::Check(_) => "check",
            Self::ClearFaults => "clear-faults",
            Self::Connect(_) => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::Event(_) => "event",
            Self::Fault(_) => "fault",
            Self::Finish(_) => "finish",
            Self::Note(_) => "note",
            Self::Reconnect(_) => "reconnect",
            Self::Repeat(_) => "repeat",
            Self::Restart { .. } => "restart",
            Self::SecondProcess(_) => "second-process",
            Self::Settle => "settle",
            Self::Status { .. } => "status",
            Self::Together(_) => "together",
        }
    }
}

/// Something new comes to a person.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArrivesStep {
    /// To whom, by alias.
    pub to: String,
    /// What it is called: the subject of a mail, the name of a file. What has the name already
    /// keeps it.
    pub called: String,
}

impl ArrivesStep {
    /// The event by which it comes to the users of a kind of connectors.
    pub fn event(&self, kind: &ConnectorKind) -> Event {
        let (user, called) = (self.to.clone(), self.called.clone());
        match kind.news {
            News::Mail => Event::DeliverMessage {
                user,
                subject: Some(called),
                from: None,
                body: None,
                late: None,
            },
            News::File => Event::PutFile {
                user,
                path: called,
                text: Some("News".to_owned()),
                keep_both: Some(true),
            },
        }
    }
}

/// Makes or repairs a connection.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConnectStep {
    /// The user by alias: who signs in, or (app-only) whose account is acted for.
    #[serde(rename = "as")]
    pub user: String,
    /// The connection.
    pub connection: String,
    /// The auth method; the case's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMethod>,
    /// The environment that the person picks; the case's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Fields of the form that differ from the ordinary ones.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = {"$ref": "#/$defs/SettingName"}))]
    pub settings: IndexMap<SettingName, Value>,
    /// Fields that are left empty; `environment` too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<SettingName>,
}

impl Default for ConnectStep {
    fn default() -> Self {
        Self {
            user: "alice".to_owned(),
            connection: MAIN.to_owned(),
            auth: None,
            environment: None,
            settings: IndexMap::new(),
            without: Vec::new(),
        }
    }
}

/// A field of the form that the connector's user fills.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the connector protocol")]
pub enum SettingName {
    Account,
    Certificate,
    CertificatePassword,
    ClientId,
    ClientSecret,
    Environment,
    RedirectUri,
    Scopes,
    SharedMailbox,
    TenantId,
}

impl SettingName {
    /// The name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Certificate => "certificate",
            Self::CertificatePassword => "certificate_password",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::Environment => "environment",
            Self::RedirectUri => "redirect_uri",
            Self::Scopes => "scopes",
            Self::SharedMailbox => "shared_mailbox",
            Self::TenantId => "tenant_id",
        }
    }
}

/// An operation of the connector.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallStep {
    /// The operation.
    pub operation: String,
    /// The connection.
    pub connection: String,
    /// The arguments.
    pub arguments: IndexMap<String, Value>,
    /// Values of the answer that are kept for later steps: a name and a JSON pointer.
    pub keep: IndexMap<String, String>,
}

/// Hands a kept callback to the connector.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FinishStep {
    /// The connection that the connector is told of.
    pub connection: String,
    /// The connection whose sign-in gave the callback; the same if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_of: Option<String>,
    /// What was done to the callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tamper: Option<Tamper>,
}

impl Default for FinishStep {
    fn default() -> Self {
        Self {
            connection: MAIN.to_owned(),
            callback_of: None,
            tamper: None,
        }
    }
}

/// Steps several times.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RepeatStep {
    /// How often, 1 or more.
    pub times: NonZeroU32,
    /// The steps.
    #[serde(deserialize_with = "super::document::some_steps")]
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
}

/// What the person does at the next sign-in. Without it: signs in, consents, and returns.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BrowserAction {
    /// Consents for the whole organization (an administrator).
    AcceptForOrganization,
    /// Asks an administrator for approval.
    AskForApproval {
        /// Why the app is needed.
        reason: String,
    },
    /// Closes the window before the end.
    Close,
    /// Leaves a page that asks for an administrator's approval, back to the app.
    GoBack,
    /// Is shown an error page with this AADSTS number, from which no way leads to the app.
    StoppedBy(u32),
    /// Declines the consent.
    Decline,
    /// Signs in and keeps the callback for a `finish` step.
    KeepCallback,
    /// Signs in as somebody else.
    SignIn {
        /// The user by alias.
        user: String,
    },
    /// The callback is changed on its way.
    Tamper(Tamper),
    /// Types a wrong password and gives up.
    WrongPassword,
}

/// What is done to the parameters of a callback.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Tamper {
    /// Parameters that are added or replaced.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, String>,
    /// Parameters that are taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Parameters of which the last letter is another one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alter: Vec<String>,
    /// Parameters with small letters for capitals and capitals for small letters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub swap_case: Vec<String>,
    /// Parameters with a letter more at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lengthen: Vec<String>,
}

impl Tamper {
    /// What becomes of a parameter's value, where it has a value of its own.
    pub fn change(&self, name: &str, value: String) -> String {
        let mut changed = value;
        if self.alter.iter().any(|it| it == name) {
            let last = changed.pop();
            changed.push(if last == Some('A') { 'B' } else { 'A' });
        }
        if self.swap_case.iter().any(|it| it == name) {
            let swap = |it: char| match it {
                it if it.is_ascii_lowercase() => it.to_ascii_uppercase(),
                it => it.to_ascii_lowercase(),
            };
            changed = changed.chars().map(swap).collect();
        }
        if self.lengthen.iter().any(|it| it == name) {
            changed.push('A');
        }
        changed
    }
}
