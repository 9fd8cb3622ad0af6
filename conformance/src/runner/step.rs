//! The interpreter of steps.

use std::collections::BTreeMap;
use std::time::Duration;

use entra_mock::fault::FaultAction;
use entra_mock::journal::{Exchange, Surface};
use serde_json::{Map, Value};

use super::case_run::{CaseRun, Interrupt};
use crate::case::{
    Action, CallStep, Category, Check, Evidence, Fault, MAIN, Many, Span, StateName, Step,
};
use crate::driver::{DriverError, Incoming, Reply};
use crate::judge::{Answer, StepRecord};
use crate::protocol::{ConnectionState, Failure, Notification, Request, State};
use crate::report::{Problem, ProblemKind};

impl CaseRun<'_> {
    /// Does steps one after the other.
    pub(super) async fn steps(&mut self, steps: &[Step]) -> Result<(), Interrupt> {
        for step in steps {
            // Boxed, as steps hold steps.
            Box::pin(self.step(step)).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), Interrupt> {
        let name = step.action.name();
        match &step.action {
            Action::Advance(span) => {
                self.begin(name, None, None);
                self.advance(*span).await
            }
            Action::Browser(action) => {
                self.browser = Some(self.record.facts.fill(action)?);
                Ok(())
            }
            // Its connection did not come to be, which the scenario allows.
            Action::Call(call) if self.absent.contains(&call.connection) => Ok(()),
            Action::Call(call) => {
                self.begin(name, Some(&call.operation), Some(&call.connection));
                let request = self.call_request(call)?;
                let reply = self.ask(&request).await?;
                let answer = call_answer(reply)?;
                self.answered(&answer, step)?;
                self.keep(call, &answer)
            }
            Action::Check(check) => self.check(check).await,
            Action::ClearFaults => {
                self.begin(name, None, None);
                self.tenant.clear_faults();
                self.end();
                Ok(())
            }
            Action::Fault(fault) => {
                self.begin(name, None, None);
                let fault = self.with_ids(fault)?;
                let set = self.tenant.fault(fault);
                set.map_err(|error| Interrupt::Suite(error.to_string()))?;
                self.end();
                Ok(())
            }
            Action::Connect(connect) => self.connect(step, connect, false).await,
            Action::Disconnect { connection } => {
                self.begin(name, None, Some(connection));
                self.connections.remove(connection);
                let request = Request::Disconnect {
                    connection: self.connection(connection),
                };
                let reply = self.ask(&request).await?;
                let answer = reply
                    .into_answer("disconnect", |_| Ok(Answer::Value { value: Value::Null }))?;
                self.answered(&answer, step)
            }
            Action::Event(event) => {
                self.begin(name, None, None);
                let event = self.record.facts.fill(event)?;
                let applied = self.tenant.event(&event);
                applied.map_err(|error| Interrupt::Suite(error.to_string()))?;
                self.end();
                Ok(())
            }
            Action::Finish(finish) => self.finish(step, finish).await,
            Action::Note(text) => {
                self.report.output.push(text.clone());
                Ok(())
            }
            Action::Reconnect(connect) => self.connect(step, connect, true).await,
            Action::Repeat(repeat) => {
                for _ in 0..repeat.times {
                    self.steps(&repeat.steps).await?;
                }
                Ok(())
            }
            Action::Restart => {
                self.begin(name, None, None);
                self.worker.restart().await.map_err(Interrupt::Suite)?;
                self.end();
                Ok(())
            }
            Action::Settle => {
                self.begin(name, None, None);
                self.ask(&Request::Settle {}).await?;
                self.end();
                Ok(())
            }
            Action::Status { connection } => self.status(connection).await,
            Action::Together(steps) => self.together(steps).await,
        }
    }

    /// A fault with the ids of its app and user: the apps of other tenants have aliases only in
    /// the scenario.
    fn with_ids(&self, fault: &Fault) -> Result<Fault, Interrupt> {
        let mut fault = fault.clone();
        let facts = &self.record.facts;
        for (name, member) in [
            (&mut fault.on.client, "client_id"),
            (&mut fault.on.user, "id"),
        ] {
            if let Some(alias) = name {
                *alias = facts.text(&format!("{{{alias}.{member}}}"))?;
            }
        }
        if matches!(fault.action, FaultAction::Tls(_)) {
            // Handshakes tell no tenant: the case's are those of its own proxy.
            fault.on.via = self.worker.label();
        }
        Ok(fault)
    }

    /// Notes that a step begins.
    pub(super) fn begin(&mut self, step: &str, operation: Option<&str>, connection: Option<&str>) {
        let before = self.position();
        self.record.steps.push(StepRecord {
            step: step.to_owned(),
            operation: operation.map(str::to_owned),
            connection: connection.map(str::to_owned),
            before,
            after: before,
            answer: None,
            asked_for_sign_in: false,
            consent_page: None,
        });
    }

    /// Notes that the last step has ended.
    pub(super) fn end(&mut self) {
        let after = self.position();
        if let Some(step) = self.record.steps.last_mut() {
            step.after = after;
        }
    }

    /// Notes the answer to the last step, and compares it with what the step says.
    pub(super) fn answered(&mut self, answer: &Answer, step: &Step) -> Result<(), Interrupt> {
        self.end();
        let Some(last) = self.record.steps.last_mut() else {
            return Ok(());
        };
        let name = last.operation.clone().unwrap_or_else(|| last.step.clone());
        last.answer = Some(answer.clone());
        self.compare(&name, answer, step)
    }

    /// Keeps the values of an answer that later steps name.
    fn keep(&mut self, call: &CallStep, answer: &Answer) -> Result<(), Interrupt> {
        let Answer::Value { value } = answer else {
            return Ok(());
        };
        for (name, pointer) in &call.keep {
            let found = value.pointer(pointer).filter(|it| !it.is_null());
            let Some(found) = found else {
                let expected = format!("{} returns a value with {pointer}", call.operation);
                let observed = "it has none".to_owned();
                let kind = ProblemKind::Mismatch;
                let problem =
                    Problem::of_step(kind, &call.operation, self.case, expected, observed);
                self.report.add(problem);
                return Err(Interrupt::Mismatch);
            };
            let text = found
                .as_str()
                .map_or_else(|| found.to_string(), str::to_owned);
            self.record.facts.add(format!("kept.{name}"), text);
        }
        Ok(())
    }

    /// Compares an answer with what its step says. Steps after one that should have succeeded
    /// build on it, so the case ends there.
    fn compare(&mut self, name: &str, answer: &Answer, step: &Step) -> Result<(), Interrupt> {
        let failure = match answer {
            Answer::Failure {
                category,
                aadsts,
                message,
            } => Some((*category, aadsts, message)),
            Answer::State { .. } | Answer::Value { .. } => None,
        };
        let observed = match failure {
            None => format!("{name} succeeded"),
            Some((category, aadsts, message)) => {
                let codes: String = aadsts.iter().map(|it| format!(" AADSTS{it}")).collect();
                format!("{name} failed: {category}{codes}: {message}")
            }
        };
        let listed = |list: &Many<Category>| {
            failure.is_some_and(|(category, ..)| list.iter().any(|it| *it == category))
        };
        let claimed = matches!(failure, Some((Category::Unsupported, ..)));
        let (fits, expected) = if step.fails.is_empty() {
            let fits = failure.is_none() || listed(&step.may_fail);
            (fits, format!("{name} succeeds{}", or_fails(&step.may_fail)))
        } else {
            (
                listed(&step.fails),
                format!("{name} fails with {}", categories(&step.fails)),
            )
        };
        if fits {
            return Ok(());
        }
        // Whoever declares what they do not have is not skipped, but fails.
        let kind = if claimed {
            ProblemKind::BrokenClaim
        } else {
            ProblemKind::Mismatch
        };
        let mut problem = Problem::of_step(kind, name, self.case, expected, observed);
        if let Some(last) = self.record.steps.last() {
            problem.exchanges = self
                .worker
                .shared
                .mock
                .journal()
                .exchanges_since(last.before)
                .iter()
                .filter(|it| it.via.as_ref().is_some_and(|via| self.worker.owns(via)))
                .map(|it| it.number)
                .collect();
        }
        self.report.add(problem);
        if failure.is_some() && step.fails.is_empty() {
            Err(Interrupt::Mismatch)
        } else {
            Ok(())
        }
    }

    /// Asks the driver and waits for the answer; what it tells on the way goes to the report.
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Reply, DriverError> {
        let limit = self.worker.shared.options.limits.request;
        let session = self.worker.session()?;
        let id = session.send(request).await?;
        loop {
            match self
                .worker
                .session()?
                .next(&[id], request.method(), limit)
                .await?
            {
                Incoming::Notification(Notification::Log { level, text }) => {
                    self.report.output.push(format!("{level}: {text}"));
                }
                // Outside of a sign-in nobody follows.
                Incoming::Notification(_) => {}
                Incoming::Reply(_, reply) => return Ok(reply),
            }
        }
    }

    async fn advance(&mut self, span: Span) -> Result<(), Interrupt> {
        self.tenant.clock().advance(span.0);
        // The vendor's credentials live by the time of the vendor's tenant.
        let world = self.worker.shared.mock.world();
        let cloud = self.case.environment.cloud();
        let homes: Vec<_> = self
            .tenant
            .describe()
            .apps
            .values()
            .map(|it| it.tenant_id)
            .collect();
        let mut done = vec![self.tenant.id()];
        for home in homes {
            if !done.contains(&home) {
                done.push(home);
                if let Some(tenant) = world.tenant(cloud, home) {
                    tenant.clock.advance(span.0);
                }
            }
        }
        if self.capabilities.has("clock") {
            let seconds = span.0.as_secs();
            self.advanced += seconds;
            self.ask(&Request::AdvanceClock { seconds }).await?;
        }
        self.end();
        Ok(())
    }

    fn call_request(&self, call: &CallStep) -> Result<Request, Interrupt> {
        let mut arguments = Map::new();
        for (name, value) in &call.arguments {
            arguments.insert(name.clone(), self.record.facts.fill_value(value)?);
        }
        Ok(Request::Call {
            connection: self.connection(&call.connection),
            operation: call.operation.clone(),
            arguments,
        })
    }

    async fn status(&mut self, connection: &str) -> Result<(), Interrupt> {
        self.begin("status", None, Some(connection));
        let request = Request::Status {
            connection: self.connection(connection),
        };
        let reply = self.ask(&request).await?;
        let answer = reply.into_answer("status", |result| {
            let state: State = serde_json::from_value(result).map_err(|it| it.to_string())?;
            let name = match state.state {
                ConnectionState::AwaitingAuthorization => StateName::NotConnected,
                ConnectionState::Broken => StateName::Broken,
                ConnectionState::Connected => StateName::Connected,
            };
            Ok(Answer::State {
                state: name,
                category: state.category,
            })
        })?;
        self.end();
        if let Some(last) = self.record.steps.last_mut() {
            last.answer = Some(answer);
        }
        Ok(())
    }

    /// Asks for the states that a check is about, gives pending work its time, and judges.
    async fn check(&mut self, check: &Check) -> Result<(), Interrupt> {
        if !check.applies_to(self.case.auth_method, self.case.environment) {
            return Ok(());
        }
        self.ask(&Request::Settle {}).await?;
        if [&check.witness, &check.expect]
            .iter()
            .any(|it| it.tls.is_some())
        {
            self.await_handshake().await;
        }
        let tests = [&check.witness, &check.expect].map(|it: &Evidence| it.status.as_ref());
        let mut asked = Vec::new();
        for test in tests.into_iter().flatten() {
            let name = test.on.clone().unwrap_or_else(|| MAIN.to_owned());
            if !asked.contains(&name) {
                self.status(&name).await?;
                asked.push(name);
            }
        }
        self.judge(check);
        Ok(())
    }

    /// A client tells its user of a wrong certificate before the mock hears of it, so a handshake
    /// is given a moment to come to the journal.
    async fn await_handshake(&mut self) {
        let (label, began) = (self.worker.label(), self.began);
        let shared = std::sync::Arc::clone(&self.worker.shared);
        let is_ours = move |it: &Exchange| it.surface == Surface::Tls && it.via == label;
        let journal = shared.mock.journal();
        journal.wait_for(began, HANDSHAKE, is_ours).await;
    }

    /// Sends the calls at once, lets the events happen, and takes the answers as they come.
    async fn together(&mut self, steps: &[Step]) -> Result<(), Interrupt> {
        let mut open: BTreeMap<u64, (usize, &Step, String)> = BTreeMap::new();
        for step in steps {
            match &step.action {
                Action::Call(call) => {
                    self.begin("call", Some(&call.operation), Some(&call.connection));
                    let place = self.record.steps.len() - 1;
                    let request = self.call_request(call)?;
                    let id = self.worker.session()?.send(&request).await?;
                    open.insert(id, (place, step, call.operation.clone()));
                }
                Action::Event(_) | Action::Note(_) => Box::pin(self.step(step)).await?,
                other => {
                    let name = other.name();
                    return Err(Interrupt::Suite(format!(
                        "'together' takes calls and events, but has the step '{name}'"
                    )));
                }
            }
        }
        let limit = self.worker.shared.options.limits.request;
        let mut failed = Ok(());
        while !open.is_empty() {
            let ids: Vec<u64> = open.keys().copied().collect();
            let (id, reply) = match self.worker.session()?.next(&ids, "call", limit).await? {
                Incoming::Reply(id, reply) => (id, reply),
                Incoming::Notification(Notification::Log { level, text }) => {
                    self.report.output.push(format!("{level}: {text}"));
                    continue;
                }
                Incoming::Notification(_) => continue,
            };
            let Some((place, step, name)) = open.remove(&id) else {
                continue;
            };
            let answer = call_answer(reply)?;
            let after = self.position();
            self.record.steps[place].after = after;
            self.record.steps[place].answer = Some(answer.clone());
            // All answers are taken, whatever one of them says.
            failed = self.compare(&name, &answer, step).and(failed);
            if let Action::Call(call) = &step.action {
                failed = self.keep(call, &answer).and(failed);
            }
        }
        failed
    }
}

impl Reply {
    /// What a step records; a result is read by `read`.
    pub(super) fn into_answer(
        self,
        method: &str,
        read: impl FnOnce(Value) -> Result<Answer, String>,
    ) -> Result<Answer, DriverError> {
        match self {
            Self::Result(result) => read(result).map_err(|problem| DriverError::Misfit {
                method: method.to_owned(),
                problem,
            }),
            Self::Failure(Failure {
                category,
                aadsts,
                message,
                ..
            }) => Ok(Answer::Failure {
                category,
                aadsts,
                message,
            }),
            Self::UnknownMethod => Ok(Answer::Failure {
                category: Category::Unsupported,
                aadsts: Vec::new(),
                message: format!("the driver does not have the method '{method}'"),
            }),
        }
    }
}

fn call_answer(reply: Reply) -> Result<Answer, DriverError> {
    reply.into_answer("call", |result| match result {
        Value::Object(mut members) => members
            .remove("value")
            .map(|value| Answer::Value { value })
            .ok_or_else(|| "the result has no member 'value'".to_owned()),
        other => Err(format!(
            "expected a result with the member 'value', found {other}"
        )),
    })
}

fn categories(list: &Many<Category>) -> String {
    list.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}

fn or_fails(list: &Many<Category>) -> String {
    if list.is_empty() {
        String::new()
    } else {
        format!(", or fails with {}", categories(list))
    }
}

/// How long the end of a handshake is waited for.
const HANDSHAKE: Duration = Duration::from_secs(2);
