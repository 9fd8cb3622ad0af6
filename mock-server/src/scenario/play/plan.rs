//! From the steps of a file to the steps that are played, one after the other.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PlayError;
use super::expected::Expected;
use super::progress::{PlayedBy, StepProgress, StepState};
use crate::directory::{EventError, ObjectId};
use crate::fault::{Fault, FaultAction, FaultError};
use crate::journal::Redactor;
use crate::random::Random;
use crate::scenario::placeholder::{FillError, fill};
use crate::scenario::{Action, BrowserAction, ConnectStep, ConnectorKind, Step, UnknownName};
use crate::world::Tenant;

/// A step as it is played.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) progress: StepProgress,
    pub(super) does: Does,
}

/// What is done for a step.
#[derive(Clone, Debug)]
pub(super) enum Does {
    /// The mock does it.
    Mock(Box<Action>),
    /// Nobody sees it happen: somebody must say to go on.
    Pause(&'static str),
    /// Nothing; the words say what it is for.
    PassOver(&'static str),
    /// Exchanges show that a client did it.
    Wait(Vec<Expected>),
}

/// Makes the plan of a scenario in a tenant.
pub(super) struct Planner<'a> {
    tenant: &'a Tenant,
    values: &'a BTreeMap<String, String>,
    redactor: &'a Redactor,
    /// Whose connections there are, by name.
    connections: HashMap<String, Option<(String, ObjectId)>>,
    /// What the person does at the next sign-in.
    browser: Option<BrowserAction>,
    planned: Vec<Planned>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        tenant: &'a Tenant,
        values: &'a BTreeMap<String, String>,
        redactor: &'a Redactor,
    ) -> Self {
        Self {
            tenant,
            values,
            redactor,
            connections: HashMap::new(),
            browser: None,
            planned: Vec::new(),
        }
    }

    /// Plans all steps, and tries out whether their names are known.
    pub(super) fn plan(mut self, steps: &[Step]) -> Result<Vec<Planned>, PlayError> {
        self.steps(steps)?;
        self.rehearse()?;
        Ok(self.planned)
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), PlayError> {
        for step in steps {
            if self.planned.len() >= MOST_STEPS {
                return Err(PlayError::TooLong(MOST_STEPS));
            }
            self.step(step)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), PlayError> {
        match &step.action {
            Action::Advance(_) | Action::ClearFaults | Action::Note(_) => {
                self.add(step, Does::Mock(Box::new(step.action.clone())));
            }
            Action::Arrives(arrives) => {
                let arrives = self.filled(step, arrives)?;
                let event = arrives.event(ConnectorKind::usual());
                self.add(step, Does::Mock(Box::new(Action::Event(event))));
            }
            Action::Event(event) => {
                let event = self.filled(step, event)?;
                self.add(step, Does::Mock(Box::new(Action::Event(event))));
            }
            Action::Fault(fault) => {
                let fault = self.filled(step, &**fault)?;
                let fault = Box::new(self.with_ids(fault));
                self.add(step, Does::Mock(Box::new(Action::Fault(fault))));
            }
            Action::Connect(connect) | Action::Reconnect(connect) => self.connect(step, connect)?,
            Action::Call(call) => {
                let user = self.connections.get(&call.connection).cloned().flatten();
                let expected = Expected::call(step, &call.operation, user);
                self.add(step, Does::Wait(vec![expected]));
            }
            Action::Finish(finish) => {
                let user = self.connections.get(&finish.connection).cloned().flatten();
                self.add(step, Does::Wait(vec![Expected::sign_in(step, user)]));
            }
            Action::Disconnect { .. } => {
                self.add(step, Does::Pause("you to disconnect, and to say 'next'"));
            }
            Action::Restart { .. } => {
                self.add(
                    step,
                    Does::Pause("you to restart the connector, and to say 'next'"),
                );
            }
            Action::SecondProcess(steps) => {
                let turn = "you to do the next steps with a second process, and to say 'next'";
                self.add(step, Does::Pause(turn));
                self.steps(steps)?;
                let turn = "you to return to the first process, and to say 'next'";
                self.add(step, Does::Pause(turn));
            }
            Action::Browser(action) => {
                self.browser = Some(action.clone());
                self.add(step, Does::PassOver("to do at the next sign-in"));
            }
            Action::Check(_) => self.add(step, Does::PassOver("judged by the suite")),
            Action::Settle | Action::Status { .. } => {
                self.add(step, Does::PassOver("asked by the suite"));
            }
            Action::Repeat(repeat) => {
                for _ in 0..repeat.times.get() {
                    self.steps(&repeat.steps)?;
                }
            }
            Action::Together(steps) => self.together(step, steps)?,
        }
        Ok(())
    }

    fn connect(&mut self, step: &Step, connect: &ConnectStep) -> Result<(), PlayError> {
        let browser = self.browser.take();
        let alias = match &browser {
            Some(BrowserAction::SignIn { user }) => user,
            _ => &connect.user,
        };
        let user = self.tenant.read(|it| it.user_id(alias));
        let user = user.map_err(|error| self.wrong(step, &error))?;
        let user = Some((alias.clone(), user));
        let connection = connect.connection.clone();
        self.connections.insert(connection, user.clone());
        let does = match browser {
            // No token follows, or not now.
            Some(BrowserAction::Close | BrowserAction::KeepCallback | BrowserAction::Tamper(_)) => {
                Does::Pause("you to do so in the browser, and to say 'next'")
            }
            _ => Does::Wait(vec![Expected::sign_in(step, user)]),
        };
        self.add(step, does);
        Ok(())
    }

    /// The mock's own steps happen first; the calls may come in any order.
    fn together(&mut self, group: &Step, steps: &[Step]) -> Result<(), PlayError> {
        let mut expected = Vec::new();
        self.at_once(steps, &mut expected)?;
        if !expected.is_empty() {
            self.add(group, Does::Wait(expected));
        }
        Ok(())
    }

    fn at_once(&mut self, steps: &[Step], expected: &mut Vec<Expected>) -> Result<(), PlayError> {
        for step in steps {
            if self.planned.len() + expected.len() >= MOST_STEPS {
                return Err(PlayError::TooLong(MOST_STEPS));
            }
            match &step.action {
                Action::Call(call) => {
                    let user = self.connections.get(&call.connection).cloned().flatten();
                    expected.push(Expected::call(step, &call.operation, user));
                }
                Action::Repeat(repeat) => {
                    for _ in 0..repeat.times.get() {
                        self.at_once(&repeat.steps, expected)?;
                    }
                }
                _ => self.step(step)?,
            }
        }
        Ok(())
    }

    fn add(&mut self, step: &Step, does: Does) {
        let by = match (&does, &step.action) {
            (_, Action::Browser(_)) => PlayedBy::Person,
            (Does::Mock(_), _) => PlayedBy::Mock,
            (Does::PassOver(_), _) => PlayedBy::Suite,
            (Does::Pause(_) | Does::Wait(_), _) => PlayedBy::Client,
        };
        self.planned.push(Planned {
            progress: StepProgress {
                number: self.planned.len() + 1,
                step: step.action.name().to_owned(),
                text: self.shown(step),
                by,
                state: StepState::Pending,
                detail: None,
                exchanges: Vec::new(),
            },
            does,
        });
    }

    /// A step in a line, without its secrets.
    fn shown(&self, step: &Step) -> String {
        let mut step = step.clone();
        let event = match &mut step.action {
            Action::Event(event) => Some(event),
            Action::Fault(fault) => match &mut fault.action {
                FaultAction::Event(event) => Some(event),
                _ => None,
            },
            _ => None,
        };
        if let Some(event) = event {
            *event = self.redactor.event(event.clone());
        }
        self.redactor.text(&step.to_string()).into_owned()
    }

    /// The app and the user of a fault by their ids, where the scenario's aliases tell them: apps
    /// of other tenants have aliases only there.
    fn with_ids(&self, mut fault: Fault) -> Fault {
        for (name, member) in [
            (&mut fault.on.client, "client_id"),
            (&mut fault.on.user, "id"),
        ] {
            if let Some(alias) = name
                && let Some(id) = self.values.get(&format!("{alias}.{member}"))
            {
                alias.clone_from(id);
            }
        }
        fault
    }

    /// An event or a fault with its placeholders filled.
    fn filled<T: Serialize + DeserializeOwned>(&self, step: &Step, it: &T) -> Result<T, PlayError> {
        fill(self.values, it).map_err(|error| match error {
            // What the suite has and a running mock does not.
            FillError::Unknown(UnknownName { ref name, .. })
                if name.starts_with("certificate.") || name.starts_with("kept.") =>
            {
                let reason = format!("the placeholder '{name}' has a value in the suite only");
                self.wrong(step, &reason)
            }
            error => self.wrong(step, &error),
        })
    }

    fn wrong(&self, step: &Step, reason: &dyn std::fmt::Display) -> PlayError {
        PlayError::Step {
            number: self.planned.len() + 1,
            text: self.shown(step),
            reason: reason.to_string(),
        }
    }

    /// Lets the events happen to a copy of the directory, so that a name that nobody has is told
    /// before the first step. What is not possible now may be when its turn comes.
    fn rehearse(&self) -> Result<(), PlayError> {
        let mut directory = self.tenant.read(Clone::clone);
        let random = Random::seeded(0);
        let now = self.tenant.now();
        for planned in &self.planned {
            let Does::Mock(action) = &planned.does else {
                continue;
            };
            let reason = match &**action {
                Action::Event(event) => match directory.apply(event, now, &random) {
                    Err(EventError::NotPossible(_)) | Ok(_) => None,
                    Err(unknown) => Some(unknown.to_string()),
                },
                Action::Fault(fault) => match self.tenant.check_fault(fault) {
                    Err(FaultError::Name(EventError::NotPossible(_))) | Ok(()) => None,
                    Err(error) => Some(error.to_string()),
                },
                _ => None,
            };
            if let Some(reason) = reason {
                return Err(PlayError::Step {
                    number: planned.progress.number,
                    text: planned.progress.text.clone(),
                    reason,
                });
            }
        }
        Ok(())
    }
}

/// More is a mistake in a `repeat`.
const MOST_STEPS: usize = 2_000;
