//! The interpreter of steps.

use std::time::Duration;

use entra_mock::fault::FaultAction;
use entra_mock::journal::{Exchange, Surface};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::case_run::{CaseRun, Interrupt};
use crate::case::{
    Action, CallStep, Category, Check, Evidence, Fault, MAIN, Many, Span, StateName, Step,
};
use crate::driver::{Deadline, DriverError, Incoming, Reply};
use crate::judge::{Answer, StepRecord};
use crate::protocol::{ConnectionState, Failure, Notification, Request, State};
use crate::report::{Problem, ProblemKind};

impl CaseRun<'_> {
    /// Does steps one after the other.
    pub(super) async fn steps(&mut self, steps: &[Step]) -> Result<(), Interrupt> {
        for step in steps {
            if let Some(watch) = self.worker.shared.options.watch {
                watch(&format!("- {step}"));
            }
            // Boxed, as steps hold steps.
            Box::pin(self.step(step)).await?;
        }
        Ok(())
    }

    pub(super) async fn step(&mut self, step: &Step) -> Result<(), Interrupt> {
        let name = step.action.name();
        match &step.action {
            Action::Advance(span) => {
                self.begin(name, None, None);
                self.advance(*span).await
            }
            Action::Arrives(arrives) => {
                // What comes counts as an event, for checks that look since the last one.
                self.begin("event", None, None);
                let arrives = self.record.facts.fill(arrives)?;
                let event = arrives.event(self.record.facts.kind());
                let applied = self.tenant.event(&event);
                applied.map_err(|error| Interrupt::Suite(error.to_string()))?;
                self.end();
                Ok(())
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
                self.report.say(text);
                Ok(())
            }
            Action::Reconnect(connect) => self.connect(step, connect, true).await,
            Action::Repeat(repeat) => {
                for _ in 0..repeat.times.get() {
                    self.steps(&repeat.steps).await?;
                }
                Ok(())
            }
            Action::Restart { kill, clock } => {
                self.begin(name, None, None);
                self.kept.clear();
                self.worker.restart(*kill).await.map_err(Interrupt::Suite)?;
                if let Some(shift) = clock.filter(|_| self.capabilities.has("clock")) {
                    self.advanced += shift.0.as_secs();
                }
                // A new process does not know what time it is in this case.
                if self.advanced != 0 {
                    let seconds = self.advanced;
                    self.ask(&Request::AdvanceClock { seconds }).await?;
                }
                self.end();
                Ok(())
            }
            Action::SecondProcess(steps) => self.second_process(steps).await,
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
        let facts = &self.record.facts;
        let mut fault = facts.fill(fault)?;
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
        self.waited = 0;
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
    pub(super) fn keep(&mut self, call: &CallStep, answer: &Answer) -> Result<(), Interrupt> {
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
    pub(super) fn compare(
        &mut self,
        name: &str,
        answer: &Answer,
        step: &Step,
    ) -> Result<(), Interrupt> {
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
        let by = self.deadline();
        let id = self.worker.session()?.send(request, by).await?;
        loop {
            match self.next(&[id], request.method(), by).await? {
                // Outside of a sign-in nobody follows.
                Incoming::Notification(_) => {}
                Incoming::Reply(_, reply) => return Ok(reply),
            }
        }
    }

    /// When a request that is sent now must be answered.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.worker.shared.options.limits.request)
    }

    /// What the driver says next, while requests are open. Lines for the report go there; where all
    /// that the connector does is wait, time passes.
    pub(super) async fn next(
        &mut self,
        open: &[u64],
        method: &str,
        by: Deadline,
    ) -> Result<Incoming, DriverError> {
        loop {
            let incoming = match self.kept.pop_front() {
                Some(kept) => kept,
                None => self.worker.session()?.next(open, method, by).await?,
            };
            match incoming {
                Incoming::Notification(Notification::Log { level, text }) => {
                    self.report.say(&format!("{level}: {text}"));
                }
                Incoming::Notification(Notification::Waiting { seconds }) => {
                    self.wait(seconds, open, method, by).await?;
                }
                other => return Ok(other),
            }
        }
    }

    /// Lets time pass for which the connector waits within requests; it counts to their limit.
    async fn wait(
        &mut self,
        seconds: u64,
        open: &[u64],
        method: &str,
        by: Deadline,
    ) -> Result<(), DriverError> {
        if !self.capabilities.has("clock") {
            return Ok(());
        }
        let limit = self.worker.shared.options.limits.request;
        self.waited = self.waited.saturating_add(seconds);
        if self.waited > limit.as_secs() {
            let (method, seconds) = (method.to_owned(), limit.as_secs());
            return Err(DriverError::Timeout { method, seconds });
        }
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        self.move_tenants(SignedDuration::from_secs(seconds));
        self.advanced += seconds;
        let session = self.worker.session()?;
        let request = Request::AdvanceClock { seconds };
        let id = session.send(&request, by).await?;
        let all: Vec<u64> = open.iter().copied().chain([id]).collect();
        loop {
            let session = self.worker.session()?;
            match session.next(&all, request.method(), by).await? {
                Incoming::Reply(it, _) if it == id => return Ok(()),
                other => self.kept.push_back(other),
            }
        }
    }

    async fn advance(&mut self, span: Span) -> Result<(), Interrupt> {
        self.move_tenants(span.0);
        if self.capabilities.has("clock") {
            let seconds = span.0.as_secs();
            self.advanced += seconds;
            self.ask(&Request::AdvanceClock { seconds }).await?;
        }
        self.end();
        Ok(())
    }

    /// Moves the time of the case's tenant, and of those in which its apps are registered.
    fn move_tenants(&self, span: SignedDuration) {
        let world = self.worker.shared.mock.world();
        world.advance(self.tenant.tenant(), span);
    }

    pub(super) fn call_request(&self, call: &CallStep) -> Result<Request, Interrupt> {
        let mut arguments = Map::new();
        let usual = self.record.facts.kind().arguments(&call.operation);
        for (name, value) in usual.chain(&call.arguments) {
            arguments.insert(name.clone(), self.record.facts.fill_value(value)?);
        }
        Ok(Request::Call {
            connection: self.connection(&call.connection),
            operation: self.capabilities.operation(&call.operation).to_owned(),
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

pub(super) fn call_answer(reply: Reply) -> Result<Answer, DriverError> {
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
