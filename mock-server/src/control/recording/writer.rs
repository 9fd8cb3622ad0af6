//! Steps of a scenario, one after another, from the entries of the journal.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::names::Names;
use super::{Scenario, operation, secrets};
use crate::aadsts;
use crate::clock::{self, Clock};
use crate::directory::{ApplicationId, ObjectId};
use crate::journal::{
    ClockMove, Direction, Entry, EventRecord, Exchange, FaultChange, Redaction, Surface, TokenKind,
};
use crate::scenario::AuthMethod;
use crate::world::{Tenant, World};

/// Writes steps.
pub(super) struct Writer<'a> {
    names: Names<'a>,
    tenant: &'a Tenant,
    redaction: Redaction,
    connections: Vec<Connection>,
    steps: Vec<Map<String, Value>>,
    notes: Vec<String>,
    needs: Vec<&'static str>,
    /// The faults that are set.
    faults: BTreeSet<u64>,
    /// Those of them that count exchanges, or draw lots for each.
    counting: BTreeSet<u64>,
    /// Names of the events, for the title.
    happened: Vec<String>,
}

/// A client with a user, or an app for itself.
struct Connection {
    client: ApplicationId,
    user: Option<ObjectId>,
    /// None for the first one.
    name: Option<String>,
    method: &'static str,
    /// Where its step stands.
    step: usize,
    /// The operation of the last call.
    last: &'static str,
    /// What went wrong, until it is known whether it was tried again with success.
    failure: Option<(&'static str, Map<String, Value>, Vec<&'static str>)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(world: &'a World, tenant: &'a Tenant) -> Self {
        Self {
            names: Names::new(world, tenant),
            tenant,
            redaction: world.journal.redactor().redaction(),
            connections: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            needs: Vec::new(),
            faults: BTreeSet::new(),
            counting: BTreeSet::new(),
            happened: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Exchange(exchange) => self.exchange(exchange),
            Entry::Event(record) => self.event(record),
            Entry::Fault(record) => self.fault(&record.change),
            Entry::Clock(record) => self.clock(&record.change),
            // What follows happens in the world that was put in.
            Entry::State(_) => {}
        }
    }

    pub(super) fn finish(mut self) -> (Scenario, Vec<String>) {
        self.tell_failures();
        let title = match self.happened.as_slice() {
            [] if self.faults.is_empty() && self.steps.is_empty() => "Nothing happened".to_owned(),
            [] => "What a connector asked, as it was recorded".to_owned(),
            happened => format!("Recorded: {}", list(happened)),
        };
        let day = Clock::real().now().strftime("%Y-%m-%d");
        let scenario = Scenario {
            schema: 1,
            title,
            source: format!(
                "recorded by entra-mock {} on {day}",
                env!("CARGO_PKG_VERSION")
            ),
            auth: vec![self.connections.first().map_or("own-app", |it| it.method)],
            environment: vec![self.tenant.environment],
            needs: self.needs,
            steps: self.steps,
        };
        (scenario, self.notes)
    }

    fn event(&mut self, record: &EventRecord) {
        // A fault that is a step makes it happen again.
        if record.fault.is_some() {
            return;
        }
        self.tell_failures();
        let mut event = json!(record.event);
        self.names.fields(&mut event);
        if self.leave_secrets_out(&mut event) {
            self.happened.push(record.event.name());
            self.step(json!({ "event": event }));
        }
    }

    /// Returns whether the event can happen without its secrets.
    fn leave_secrets_out(&mut self, event: &mut Value) -> bool {
        // With `--journal-secrets` they are what they were.
        if self.redaction == Redaction::Off {
            return true;
        }
        let left_out = secrets::leave_out(event);
        let can_happen = left_out.is_ok();
        if let Some(note) = left_out.unwrap_or_else(Some) {
            self.note(note);
        }
        can_happen
    }

    fn fault(&mut self, change: &FaultChange) {
        self.tell_failures();
        match change {
            FaultChange::Set { number, fault } => {
                let mut fault = fault.clone();
                self.names.fields(&mut fault);
                self.faults.insert(*number);
                if counts(&fault) {
                    self.counting.insert(*number);
                }
                let event = fault.pointer_mut("/do/event");
                if event.is_none_or(|event| self.leave_secrets_out(event)) {
                    self.step(json!({ "fault": fault }));
                }
            }
            FaultChange::Cleared {} => {
                self.faults.clear();
                self.counting.clear();
                self.step(json!({ "clear-faults": {} }));
            }
            FaultChange::Removed { number } => {
                self.faults.remove(number);
                self.counting.remove(number);
                if self.faults.is_empty() {
                    self.step(json!({ "clear-faults": {} }));
                } else {
                    self.note(format!(
                        "fault {number} was taken away, and others stayed: a scenario takes all away"
                    ));
                }
            }
        }
    }

    fn clock(&mut self, change: &ClockMove) {
        self.tell_failures();
        match change {
            ClockMove::Advance(by) => match clock::duration(by) {
                Ok(amount) if amount.is_positive() => {
                    let compact: String = by.split_whitespace().collect();
                    // Other spellings that a clock takes, such as P1D, are told in seconds.
                    let is_plain = compact.parse::<crate::notation::Span>().is_ok();
                    let by = if is_plain {
                        compact
                    } else {
                        format!("{}s", amount.as_secs())
                    };
                    self.step(json!({ "advance": by }));
                }
                _ => self.note(format!(
                    "the clock was moved by {by}: a scenario moves it forward"
                )),
            },
            ClockMove::Freeze {} => self.note("the clock was stopped, which no step does".into()),
            ClockMove::Reset {} => {
                self.note("the clock was set to real time, which no step does".into());
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        match exchange.surface {
            Surface::Token => self.token(exchange),
            Surface::Graph => self.graph(exchange),
            Surface::Authorize => self.page(exchange),
            _ => {}
        }
    }

    /// A sign-in that ended at a page: its connector never came to ask for tokens.
    fn page(&mut self, exchange: &Exchange) {
        let [code, ..] = exchange.aadsts.as_slice() else {
            return;
        };
        let user = exchange.user.map(|it| self.names.user(it));
        let app = exchange.client.map(|it| self.names.app(it));
        self.note(format!(
            "AADSTS{code}: a sign-in of {} at {} was refused, and is left out",
            user.as_deref().unwrap_or("somebody"),
            app.as_deref().unwrap_or("an app"),
        ));
    }

    fn token(&mut self, exchange: &Exchange) {
        let (Some(client), Some(grant)) = (exchange.client, exchange.grant.as_deref()) else {
            return;
        };
        // A device code that nobody entered yet is asked for again and again.
        let pending = exchange.error.as_deref() == Some("authorization_pending");
        if pending || grant == "on_behalf_of" {
            return;
        }
        let user = if grant == "client_credentials" {
            None
        } else {
            exchange.user
        };
        let refused = (exchange.status >= 400).then(|| categories(exchange));
        let known = self
            .connections
            .iter()
            .position(|it| it.client == client && (it.user == user || user.is_none()));
        match (known, refused, grant) {
            (Some(index), Some(fails), _) => {
                let connection = &mut self.connections[index];
                connection.failure = Some((connection.last, Map::new(), fails));
            }
            (Some(index), None, "refresh_token" | "client_credentials") => {
                self.connections[index].failure = None;
            }
            (Some(index), None, _) => {
                self.tell_failures();
                self.reconnect(index);
            }
            (None, refused, _) => {
                self.tell_failures();
                let method = self.method(exchange, client);
                self.connect(client, user, method);
                // A refresh of a connection that was made earlier is no sign-in.
                if let Some(fails) = refused {
                    if grant == "refresh_token" {
                        let connection = self.connections.last_mut();
                        if let Some(connection) = connection {
                            connection.failure = Some((connection.last, Map::new(), fails));
                        }
                    } else if let Some(step) = self.steps.last_mut() {
                        step.insert("fails".to_owned(), one_or_many(&fails));
                        self.connections.pop();
                    }
                }
            }
        }
    }

    fn graph(&mut self, exchange: &Exchange) {
        let Some(client) = exchange.client else {
            return;
        };
        let known = self
            .connections
            .iter()
            .position(|it| it.client == client && it.user == exchange.user);
        let index = known.unwrap_or_else(|| {
            let method = self.method(exchange, client);
            self.connect(client, exchange.user, method);
            self.connections.len() - 1
        });
        self.learn_mailbox(index, exchange);
        let Some((operation, arguments)) = operation::of(exchange) else {
            if let Some(endpoint) = &exchange.endpoint {
                self.note(format!(
                    "{endpoint}: the connector protocol has no such operation, or it needs an id"
                ));
            }
            return;
        };
        let connection = &mut self.connections[index];
        connection.last = operation;
        if exchange.status >= 400 {
            connection.failure = Some((operation, arguments, categories(exchange)));
            return;
        }
        connection.failure = None;
        if !operation::is_next_page(exchange) {
            self.call(index, operation, arguments, &[]);
        }
    }

    /// Whose mailbox is read, which the request of an app alone tells, and of a shared mailbox.
    fn learn_mailbox(&mut self, index: usize, exchange: &Exchange) {
        let Some(mailbox) = operation::mailbox(exchange) else {
            return;
        };
        let alias = self.names.user_named(&mailbox);
        let connection = &self.connections[index];
        let Some(connect) = self.steps[connection.step]
            .values_mut()
            .next()
            .filter(|it| it.is_object())
        else {
            return;
        };
        match connection.user {
            None => connect["as"] = alias.into(),
            Some(user) if self.names.user(user) != alias => {
                let shared = if alias == SHARED {
                    "{shared-mailbox}".to_owned()
                } else {
                    self.names.text(&mailbox)
                };
                connect["settings"] = json!({ "shared_mailbox": shared });
            }
            Some(_) => {}
        }
    }

    fn connect(&mut self, client: ApplicationId, user: Option<ObjectId>, method: &'static str) {
        let user_name = user.map_or_else(|| self.names.anybody(), |id| self.names.user(id));
        let mut connect = Map::new();
        connect.insert("as".to_owned(), user_name.clone().into());
        let first = self.connections.first().map(|it| it.method);
        let name = first.map(|_| {
            let taken = |name: &str| {
                let mut names = self.connections.iter().filter_map(|it| it.name.as_deref());
                names.any(|it| it == name)
            };
            let mut name = format!("{}-{user_name}", self.names.app(client));
            while taken(&name) {
                name.push_str("-again");
            }
            name
        });
        if let Some(name) = &name {
            connect.insert("connection".to_owned(), name.clone().into());
        }
        if first.is_some_and(|it| it != method) {
            connect.insert("auth".to_owned(), method.into());
        }
        self.connections.push(Connection {
            client,
            user,
            name,
            method,
            step: self.steps.len(),
            last: "list-messages",
            failure: None,
        });
        self.step(json!({ "connect": connect }));
    }

    fn reconnect(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let connect = self.steps[connection.step].values().next().cloned();
        connection.failure = None;
        connection.step = self.steps.len();
        self.step(json!({ "reconnect": connect }));
    }

    fn call(
        &mut self,
        index: usize,
        operation: &'static str,
        arguments: Map<String, Value>,
        fails: &[&'static str],
    ) {
        let mut step = Map::new();
        step.insert("call".to_owned(), operation.into());
        if let Some(name) = &self.connections[index].name {
            step.insert("on".to_owned(), name.clone().into());
        }
        if !arguments.is_empty() {
            let mut arguments = Value::Object(arguments);
            self.names.fields(&mut arguments);
            step.insert("arguments".to_owned(), arguments);
        }
        if !fails.is_empty() {
            step.insert("fails".to_owned(), one_or_many(fails));
        }
        if !self.needs.contains(&operation) {
            self.needs.push(operation);
        }
        // Asking the same again and again is one step, unless a fault counts how often.
        if !self.counting.is_empty() || self.steps.last() != Some(&step) {
            self.steps.push(step);
        }
    }

    /// What failed and was not tried again with success before something else happened.
    fn tell_failures(&mut self) {
        for index in 0..self.connections.len() {
            if let Some((operation, arguments, fails)) = self.connections[index].failure.take() {
                self.call(index, operation, arguments, &fails);
            }
        }
    }

    /// The auth method of an app of the default world, or the one that is most like what was done.
    fn method(&mut self, exchange: &Exchange, client: ApplicationId) -> &'static str {
        let app = self.names.app(client);
        let mut documented = AuthMethod::DOCUMENTED.into_iter();
        if let Some(method) = documented.find(|it| it.app() == app) {
            return method.slug();
        }
        let asserted = exchange
            .tokens
            .iter()
            .any(|it| it.kind == TokenKind::Assertion && it.direction == Direction::Presented);
        let method = match (exchange.user, asserted) {
            (Some(_), _) => "own-app",
            (None, true) => "client-certificate",
            (None, false) => "client-credentials",
        };
        self.note(format!(
            "{app} is not the app of an auth method of the suite: its part is played by that of {method}"
        ));
        method
    }

    fn step(&mut self, step: Value) {
        if let Value::Object(step) = step {
            self.steps.push(step);
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// How a connector tells its user of a refusal: categories of the connector protocol, the likeliest
/// first where several are right.
fn categories(exchange: &Exchange) -> Vec<&'static str> {
    let row = exchange.aadsts.iter().find_map(|it| aadsts::Row::find(*it));
    if let Some(row) = row {
        return match row.fix.as_str() {
            "reauthenticate" => vec!["reconnect-required"],
            "consent" => vec!["consent-required", "reconnect-required"],
            "admin-consent" => vec!["admin-consent-required", "consent-required"],
            "blocked" => vec!["interaction-blocked", "reconnect-required"],
            "fix-config" => vec!["invalid-configuration", "reconnect-required"],
            "fix-credential" => vec!["invalid-credentials"],
            "retry" => vec!["unavailable"],
            "throttled" => vec!["throttled"],
            _ => vec!["reconnect-required", "interaction-blocked"],
        };
    }
    match exchange.status {
        401 => vec!["reconnect-required"],
        403 => vec!["access-denied"],
        404 | 410 => vec!["not-found"],
        429 => vec!["throttled"],
        500.. => vec!["unavailable"],
        _ => vec!["invalid-configuration"],
    }
}

/// Whether it matters to a fault how often something is asked.
fn counts(fault: &Value) -> bool {
    let when = fault["when"].as_object();
    let by_number = ["between", "chance", "every", "nth"];
    when.is_some_and(|when| by_number.iter().any(|it| when.contains_key(*it)))
}

fn one_or_many(words: &[&'static str]) -> Value {
    match words {
        [one] => (*one).into(),
        many => json!(many),
    }
}

/// The first few names, each once, and how many more there are.
fn list(happened: &[String]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in happened {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// How many events a title names.
const NAMED: usize = 4;

/// The shared mailbox of the default world.
const SHARED: &str = "support";
