//! How a step stands in a file: a map with one action, and what belongs to it.

use crate::directory::Event;
use crate::environment::Environment;
use crate::fault::Fault;
use crate::notation::{Many, Shift, Span};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::{
    Action, ArrivesStep, BrowserAction, CallStep, ConnectStep, FinishStep, MAIN, RepeatStep, Step,
};
use crate::scenario::axis::{AuthMethod, Axis, Category, OPERATIONS, READ, UnknownName, current};
use crate::scenario::check::{Check, Evidence, Level};
use crate::scenario::kind::GENERAL;

/// The step as it stands in a file: one of the actions, and what belongs to it.
// Steps hold steps, so what is large is on the heap.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Step")]
struct StepInFile {
    /// The tenant's time moves on, such as `61m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    advance: Option<Span>,
    /// Something new comes to a person, whatever the connector is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrives: Option<ArrivesStep>,
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
    connect: Option<Box<ConnectStep>>,
    /// Gives a connection up.
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect: Option<ConnectionName>,
    /// Something happens in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Box<Event>>,
    /// Sets a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Box<Fault>>,
    /// Gives a kept callback to the connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<FinishStep>,
    /// Words for the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Repairs a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect: Option<Box<ConnectStep>>,
    /// Does steps several times.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<RepeatStep>,
    /// The connector's process starts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<RestartStep>,
    /// Does steps with a second process of the connector, on the store of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_process: Option<Vec<Step>>,
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
    /// Of a call: values of the answer by JSON pointer, kept as `{kept.NAME}` for later steps.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    keep: IndexMap<String, String>,

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
    witness: Option<Box<Evidence>>,
    /// Of a check: what must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    expect: Option<Box<Evidence>>,
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

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
struct RestartStep {
    /// The process is not asked to end, but ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    kill: bool,
    /// By how much its clock is wrong from then on: `1d` is a day fast, `-1d` a day slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<Shift>,
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
            return Err(
                "a step either fails or may fail: say one of 'fails' and 'may-fail'".into(),
            );
        }
        let action = self.into_action()?;
        Ok(Step {
            action,
            fails,
            may_fail,
        })
    }

    fn actions(&self) -> Vec<&'static str> {
        let given = [
            self.advance.is_some(),
            self.arrives.is_some(),
            self.browser.is_some(),
            self.call.is_some(),
            self.check.is_some(),
            self.clear_faults.is_some(),
            self.connect.is_some(),
            self.disconnect.is_some(),
            self.event.is_some(),
            self.fault.is_some(),
            self.finish.is_some(),
            self.note.is_some(),
            self.reconnect.is_some(),
            self.repeat.is_some(),
            self.restart.is_some(),
            self.second_process.is_some(),
            self.settle.is_some(),
            self.status.is_some(),
            self.together.is_some(),
        ];
        named(&ACTIONS, &given).collect()
    }

    /// What belongs to one kind of step must not stand at another.
    fn refuse_strangers(&self, name: &str) -> Result<(), String> {
        let of_check = [
            self.says.is_some(),
            self.level.is_some(),
            self.source.is_some(),
            self.auth.is_some(),
            self.environment.is_some(),
            self.witness.is_some(),
            self.expect.is_some(),
        ];
        let of_call = [
            self.on.is_some(),
            !self.arguments.is_empty(),
            !self.keep.is_empty(),
        ];
        let of_driver = [!self.fails.is_empty(), !self.may_fail.is_empty()];
        let wrong = named(&OF_CHECK, &of_check)
            .filter(|_| name != "check")
            .chain(named(&OF_CALL, &of_call).filter(|_| name != "call"))
            .chain(named(&OF_DRIVER, &of_driver).filter(|_| !ASKS_DRIVER.contains(&name)))
            .next();
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
                witness: *self.witness.ok_or_else(|| missing("witness"))?,
                expect: *self.expect.ok_or_else(|| missing("expect"))?,
                name,
            };
            check.validate()?;
            return Ok(Action::Check(Box::new(check)));
        }
        if let Some(operation) = self.call {
            let operation = current(&operation).to_owned();
            let known = OPERATIONS.into_iter().chain([READ]).chain(GENERAL);
            if !known.clone().any(|it| it == operation) {
                return Err(UnknownName::new("operation", &operation, known).to_string());
            }
            let connection = self.on.unwrap_or_else(|| MAIN.to_owned());
            return Ok(Action::Call(CallStep {
                operation,
                connection,
                arguments: self.arguments,
                keep: self.keep,
            }));
        }
        if let Some(fault) = &self.fault {
            fault.check().map_err(|error| error.to_string())?;
        }
        if let Some(steps) = &self.together {
            check_together(steps)?;
        }
        if let Some(steps) = &self.second_process {
            check_second_process(steps)?;
        }
        let simple = [
            self.advance.map(Action::Advance),
            self.arrives.map(Action::Arrives),
            self.browser.map(Action::Browser),
            self.clear_faults.map(|_| Action::ClearFaults),
            self.connect.map(|it| Action::Connect(*it)),
            self.disconnect.map(|it| Action::Disconnect {
                connection: it.or_main(),
            }),
            self.event.map(|it| Action::Event(*it)),
            self.fault.map(Action::Fault),
            self.finish.map(Action::Finish),
            self.note.map(Action::Note),
            self.reconnect.map(|it| Action::Reconnect(*it)),
            self.repeat.map(Action::Repeat),
            self.restart.map(|it| Action::Restart {
                kill: it.kill,
                clock: it.clock,
            }),
            self.second_process.map(Action::SecondProcess),
            self.settle.map(|_| Action::Settle),
            self.status.map(|it| Action::Status {
                connection: it.or_main(),
            }),
            self.together.map(Action::Together),
        ];
        simple
            .into_iter()
            .flatten()
            .next()
            .ok_or_else(|| "a step needs an action".to_owned())
    }
}

/// The names of the fields that are given.
fn named<'a>(names: &'a [&'static str], given: &'a [bool]) -> impl Iterator<Item = &'static str> {
    let pairs = names.iter().zip(given);
    pairs.filter_map(|(name, given)| given.then_some(*name))
}

/// What can happen at once: calls and disconnects, events while they go on, and repetitions of both.
fn check_together(steps: &[Step]) -> Result<(), String> {
    fn stranger(steps: &[Step]) -> Option<&'static str> {
        steps.iter().find_map(|step| match &step.action {
            Action::Arrives(_)
            | Action::Call(_)
            | Action::Disconnect { .. }
            | Action::Event(_)
            | Action::Note(_) => None,
            Action::Repeat(repeat) => stranger(&repeat.steps),
            other => Some(other.name()),
        })
    }
    if steps.is_empty() {
        return Err("'together' has no steps: nothing would happen".to_owned());
    }
    match stranger(steps) {
        Some(name) => Err(format!(
            "'together' takes calls, disconnects, events, notes and repetitions of them, but has a step '{name}'"
        )),
        None => Ok(()),
    }
}

/// There are two processes, and no third one.
fn check_second_process(steps: &[Step]) -> Result<(), String> {
    fn has_another(steps: &[Step]) -> bool {
        steps.iter().any(|step| match &step.action {
            Action::SecondProcess(_) => true,
            Action::Repeat(repeat) => has_another(&repeat.steps),
            _ => false,
        })
    }
    if steps.is_empty() {
        return Err("'second-process' has no steps: nothing would happen".to_owned());
    }
    if has_another(steps) {
        return Err("'second-process' stands in another one: there is no third process".to_owned());
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StepInFile::deserialize(deserializer)?
            .into_step()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = |connection: &String| {
            Some(ConnectionName {
                connection: Some(connection.clone()).filter(|it| it != MAIN),
            })
        };
        let mut file = StepInFile {
            fails: self.fails.clone(),
            may_fail: self.may_fail.clone(),
            ..StepInFile::default()
        };
        match self.action.clone() {
            Action::Advance(it) => file.advance = Some(it),
            Action::Arrives(it) => file.arrives = Some(it),
            Action::Browser(it) => file.browser = Some(it),
            Action::Call(call) => {
                file.call = Some(call.operation);
                file.on = Some(call.connection).filter(|it| it != MAIN);
                file.arguments = call.arguments;
                file.keep = call.keep;
            }
            Action::Check(check) => {
                file.check = Some(check.name);
                file.says = Some(check.says);
                file.level = Some(check.level);
                file.source = check.source;
                file.auth = Some(check.auth).filter(|it| *it != Axis::All);
                file.environment = Some(check.environment).filter(|it| *it != Axis::All);
                file.witness = Some(Box::new(check.witness));
                file.expect = Some(Box::new(check.expect));
            }
            Action::ClearFaults => file.clear_faults = Some(Nothing {}),
            Action::Connect(it) => file.connect = Some(Box::new(it)),
            Action::Disconnect { connection } => file.disconnect = named(&connection),
            Action::Event(it) => file.event = Some(Box::new(it)),
            Action::Fault(it) => file.fault = Some(it),
            Action::Finish(it) => file.finish = Some(it),
            Action::Note(it) => file.note = Some(it),
            Action::Reconnect(it) => file.reconnect = Some(Box::new(it)),
            Action::Repeat(it) => file.repeat = Some(it),
            Action::Restart { kill, clock } => {
                file.restart = Some(RestartStep { kill, clock });
            }
            Action::SecondProcess(it) => file.second_process = Some(it),
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

    /// The fields, and which of them stand together. Only keywords that editors of all ages know.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = StepInFile::json_schema(generator);
        if let Some(Value::Object(fields)) = schema.get_mut("properties") {
            for name in ACTIONS {
                // An action that is there is not null.
                if let Some(field) = fields.get_mut(name) {
                    without_null(field);
                }
            }
            for name in ["second-process", "together"] {
                if let Some(Value::Object(steps)) = fields.get_mut(name) {
                    steps.insert("minItems".to_owned(), 1.into());
                }
            }
            if let Some(Value::Object(call)) = fields.get_mut("call") {
                call.insert(
                    "enum".to_owned(),
                    json!([&OPERATIONS[..], &[READ], &GENERAL].concat()),
                );
            }
        }
        let has = |name: &&str| json!({"required": [name]});
        let actions: Vec<Value> = ACTIONS.iter().map(has).collect();
        let only_with = |field: &str, actions: &[&str]| {
            let mut either: Vec<Value> = actions.iter().map(has).collect();
            either.push(json!({"not": {"required": [field]}}));
            json!({"anyOf": either})
        };
        let mut rules = Vec::new();
        rules.extend(OF_CHECK.iter().map(|field| only_with(field, &["check"])));
        rules.extend(OF_CALL.iter().map(|field| only_with(field, &["call"])));
        rules.extend(OF_DRIVER.iter().map(|field| only_with(field, &ASKS_DRIVER)));
        rules.push(json!({"not": {"required": OF_DRIVER}}));
        rules.push(json!({"anyOf": [
            {"not": {"required": ["check"]}},
            {"required": ["says", "witness", "expect"]},
        ]}));
        schema.insert("oneOf".to_owned(), Value::Array(actions));
        schema.insert("allOf".to_owned(), Value::Array(rules));
        schema
    }
}

/// Takes `null` out of what a field may be.
fn without_null(field: &mut Value) {
    let null = json!("null");
    match field.get_mut("type") {
        Some(Value::Array(kinds)) => {
            kinds.retain(|it| *it != null);
            if let [kind] = kinds.as_slice() {
                field["type"] = kind.clone();
            }
        }
        _ => {
            if let Some(Value::Array(choices)) = field.get_mut("anyOf") {
                choices.retain(|it| it["type"] != null);
            }
        }
    }
}

/// The actions of steps.
const ACTIONS: [&str; 19] = [
    "advance",
    "arrives",
    "browser",
    "call",
    "check",
    "clear-faults",
    "connect",
    "disconnect",
    "event",
    "fault",
    "finish",
    "note",
    "reconnect",
    "repeat",
    "restart",
    "second-process",
    "settle",
    "status",
    "together",
];

/// What belongs to a check.
const OF_CHECK: [&str; 7] = [
    "says",
    "level",
    "source",
    "auth",
    "environment",
    "witness",
    "expect",
];

/// What belongs to a call.
const OF_CALL: [&str; 3] = ["on", "arguments", "keep"];

/// What belongs to the steps that ask the connector.
const OF_DRIVER: [&str; 2] = ["fails", "may-fail"];

const ASKS_DRIVER: [&str; 5] = ["call", "connect", "disconnect", "finish", "reconnect"];
