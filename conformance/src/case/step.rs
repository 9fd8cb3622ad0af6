//! Steps: what happens in a case, one after the other.

use entra_mock::directory::Event;
use entra_mock::environment::Environment;
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::axis::{AuthMethod, Axis, Category, Many, OPERATIONS, UnknownName};
use super::check::{Check, Evidence, Level};
use super::fault::Fault;
use super::value::Span;

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
    Restart,
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
            Self::Restart => "restart",
            Self::Settle => "settle",
            Self::Status { .. } => "status",
            Self::Together(_) => "together",
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
        Self { connection: MAIN.to_owned(), callback_of: None, tamper: None }
    }
}

/// Steps several times.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RepeatStep {
    /// How often.
    pub times: u32,
    /// The steps.
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
}

/// The step as it stands in a file: one of the actions, and what belongs to it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Step")]
struct StepInFile {
    /// The tenant's time moves on, such as `61m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    advance: Option<Span>,
    /// What the person does at the next sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<BrowserAction>,
    /// An operation of the connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    /// The name of a requirement.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    /// Faults end.
    #[serde(skip_serializing_if = "Option::is_none")]
    clear_faults: Option<Nothing>,
    /// Makes a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<ConnectStep>,
    /// Gives a connection up.
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect: Option<ConnectionName>,
    /// Something happens in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    /// Sets a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    /// Gives a kept callback to the connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<FinishStep>,
    /// Words for the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Repairs a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect: Option<ConnectStep>,
    /// Does steps several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<RepeatStep>,
    /// The connector's process starts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<Nothing>,
    /// Waits until the connector has ended its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    settle: Option<Nothing>,
    /// Asks for the state of a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<ConnectionName>,
    /// Does steps at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<Vec<Step>>,

    /// The category with which the step must fail.
    #[serde(skip_serializing_if = "Many::is_empty")]
    fails: Many<Category>,
    /// The category with which the step may fail.
    #[serde(skip_serializing_if = "Many::is_empty")]
    may_fail: Many<Category>,

    /// Of a call: the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<String>,
    /// Of a call: the arguments.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    arguments: IndexMap<String, Value>,

    /// Of a check: the requirement in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<String>,
    /// Of a check: how bad it is when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    /// Of a check: the document that states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Of a check: for which auth methods it is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Axis<AuthMethod>>,
    /// Of a check: in which environments it is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Axis<Environment>>,
    /// Of a check: what must be in the record, so that it says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<Evidence>,
    /// Of a check: what must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    expect: Option<Evidence>,
}

/// Written `{}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ConnectionName {
    /// The connection; the main one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
}

impl ConnectionName {
    fn or_main(self) -> String {
        self.connection.unwrap_or_else(|| MAIN.to_owned())
    }
}

impl StepInFile {
    fn into_step(mut self) -> Result<Step, String> {
        let given = self.actions();
        let [name] = given.as_slice() else {
            return Err(match given.as_slice() {
                [] => "a step needs an action: connect, call, event, advance, check or another"
                    .to_owned(),
                many => format!(
                    "a step has one action, this one has {}: make each a step of its own",
                    many.join(" and ")
                ),
            });
        };
        let name = *name;
        self.refuse_strangers(name)?;
        let fails = std::mem::take(&mut self.fails);
        let may_fail = std::mem::take(&mut self.may_fail);
        if !fails.is_empty() && !may_fail.is_empty() {
            return Err("a step either fails or may fail: say one of 'fails' and 'may-fail'".into());
        }
        let action = self.into_action()?;
        Ok(Step { action, fails, may_fail })
    }

    fn actions(&self) -> Vec<&'static str> {
        [
            ("advance", self.advance.is_some()),
            ("browser", self.browser.is_some()),
            ("call", self.call.is_some()),
            ("check", self.check.is_some()),
            ("clear-faults", self.clear_faults.is_some()),
            ("connect", self.connect.is_some()),
            ("disconnect", self.disconnect.is_some()),
            ("event", self.event.is_some()),
            ("fault", self.fault.is_some()),
            ("finish", self.finish.is_some()),
            ("note", self.note.is_some()),
            ("reconnect", self.reconnect.is_some()),
            ("repeat", self.repeat.is_some()),
            ("restart", self.restart.is_some()),
            ("settle", self.settle.is_some()),
            ("status", self.status.is_some()),
            ("together", self.together.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect()
    }

    /// What belongs to one kind of step must not stand at another.
    fn refuse_strangers(&self, name: &str) -> Result<(), String> {
        let of_check = [
            ("says", self.says.is_some()),
            ("level", self.level.is_some()),
            ("source", self.source.is_some()),
            ("auth", self.auth.is_some()),
            ("environment", self.environment.is_some()),
            ("witness", self.witness.is_some()),
            ("expect", self.expect.is_some()),
        ];
        let of_call = [("on", self.on.is_some()), ("arguments", !self.arguments.is_empty())];
        let of_driver =
            [("fails", !self.fails.is_empty()), ("may-fail", !self.may_fail.is_empty())];
        let asks_driver = ["call", "connect", "disconnect", "finish", "reconnect"].contains(&name);
        let wrong = of_check
            .iter()
            .filter(|_| name != "check")
            .chain(of_call.iter().filter(|_| name != "call"))
            .chain(of_driver.iter().filter(|_| !asks_driver))
            .find_map(|(field, given)| given.then_some(*field));
        match wrong {
            Some(field) => Err(format!("'{field}' does not belong to a step '{name}'")),
            None => Ok(()),
        }
    }

    fn into_action(self) -> Result<Action, String> {
        if let Some(name) = self.check {
            let missing = |field: &str| format!("the check '{name}' has no '{field}'");
            let check = Check {
                says: self.says.ok_or_else(|| missing("says"))?,
                level: self.level.unwrap_or_default(),
                source: self.source,
                auth: self.auth.unwrap_or_default(),
                environment: self.environment.unwrap_or_default(),
                witness: self.witness.ok_or_else(|| missing("witness"))?,
                expect: self.expect.ok_or_else(|| missing("expect"))?,
                name,
            };
            check.validate()?;
            return Ok(Action::Check(Box::new(check)));
        }
        if let Some(operation) = self.call {
            if !OPERATIONS.contains(&operation.as_str()) {
                return Err(UnknownName::new("operation", &operation, OPERATIONS).to_string());
            }
            let connection = self.on.unwrap_or_else(|| MAIN.to_owned());
            return Ok(Action::Call(CallStep { operation, connection, arguments: self.arguments }));
        }
        let simple = [
            self.advance.map(Action::Advance),
            self.browser.map(Action::Browser),
            self.clear_faults.map(|_| Action::ClearFaults),
            self.connect.map(Action::Connect),
            self.disconnect.map(|it| Action::Disconnect { connection: it.or_main() }),
            self.event.map(Action::Event),
            self.fault.map(|it| Action::Fault(Box::new(it))),
            self.finish.map(Action::Finish),
            self.note.map(Action::Note),
            self.reconnect.map(Action::Reconnect),
            self.repeat.map(Action::Repeat),
            self.restart.map(|_| Action::Restart),
            self.settle.map(|_| Action::Settle),
            self.status.map(|it| Action::Status { connection: it.or_main() }),
            self.together.map(Action::Together),
        ];
        simple.into_iter().flatten().next().ok_or_else(|| "a step needs an action".to_owned())
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StepInFile::deserialize(deserializer)?.into_step().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = |connection: &String| {
            Some(ConnectionName { connection: Some(connection.clone()).filter(|it| it != MAIN) })
        };
        let mut file = StepInFile {
            fails: self.fails.clone(),
            may_fail: self.may_fail.clone(),
            ..StepInFile::default()
        };
        match self.action.clone() {
            Action::Advance(it) => file.advance = Some(it),
            Action::Browser(it) => file.browser = Some(it),
            Action::Call(call) => {
                file.call = Some(call.operation);
                file.on = Some(call.connection).filter(|it| it != MAIN);
                file.arguments = call.arguments;
            }
            Action::Check(check) => {
                file.check = Some(check.name);
                file.says = Some(check.says);
                file.level = Some(check.level);
                file.source = check.source;
                file.auth = Some(check.auth).filter(|it| *it != Axis::All);
                file.environment = Some(check.environment).filter(|it| *it != Axis::All);
                file.witness = Some(check.witness);
                file.expect = Some(check.expect);
            }
            Action::ClearFaults => file.clear_faults = Some(Nothing {}),
            Action::Connect(it) => file.connect = Some(it),
            Action::Disconnect { connection } => file.disconnect = named(&connection),
            Action::Event(it) => file.event = Some(it),
            Action::Fault(it) => file.fault = Some(*it),
            Action::Finish(it) => file.finish = Some(it),
            Action::Note(it) => file.note = Some(it),
            Action::Reconnect(it) => file.reconnect = Some(it),
            Action::Repeat(it) => file.repeat = Some(it),
            Action::Restart => file.restart = Some(Nothing {}),
            Action::Settle => file.settle = Some(Nothing {}),
            Action::Status { connection } => file.status = named(&connection),
            Action::Together(it) => file.together = Some(it),
        }
        file.serialize(serializer)
    }
}

impl JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        StepInFile::json_schema(generator)
    }
}
