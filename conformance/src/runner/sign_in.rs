//! Steps in which a person signs in: `connect`, `reconnect`, `finish`.

use serde_json::Value;

use super::Reach;
use super::case_run::{CaseRun, Interrupt};
use crate::browser::{Account, BrowserError, Callback, Visit};
use crate::case::{BrowserAction, ConnectStep, FilledForm, FinishStep, Step};
use crate::driver::{DriverError, Incoming, Reply};
use crate::judge::Answer;
use crate::protocol::{Connect, ConnectionState, Endpoints, Notification, Request, State};
use crate::report::{Problem, ProblemKind};

impl CaseRun<'_> {
    /// Makes or repairs a connection.
    pub(super) async fn connect(
        &mut self,
        step: &Step,
        connect: &ConnectStep,
        repair: bool,
    ) -> Result<(), Interrupt> {
        self.begin(step.action.name(), None, Some(&connect.connection));
        self.connections.insert(connect.connection.clone());
        let form = FilledForm::of(connect, &self.record.facts)?;
        let environment = form.environment.as_deref().and_then(|it| it.parse().ok());
        let environment = environment.unwrap_or(self.case.environment);
        let shared = &self.worker.shared;
        let endpoints = (shared.options.reach == Reach::Direct).then(|| Endpoints {
            authority: shared.mock.authority(environment),
            graph: shared.mock.graph(environment),
        });
        let parameters = Connect {
            connection: self.connection(&connect.connection),
            auth_method: form.auth_method,
            environment: form.environment,
            settings: form.settings,
            endpoints,
        };
        let request = if repair {
            Request::Reconnect(parameters)
        } else {
            Request::Connect(parameters)
        };
        let action = self.browser.take();
        match self
            .until_connected(&request, connect, action.as_ref())
            .await?
        {
            Some(reply) => {
                let answer = state_answer(reply, request.method())?;
                if matches!(answer, Answer::Failure { .. }) && !step.may_fail.is_empty() {
                    self.absent.insert(connect.connection.clone());
                } else {
                    self.absent.remove(&connect.connection);
                }
                self.answered(&answer, step)
            }
            // The person did not come back, as the scenario wants it: nobody answers.
            None => {
                self.end();
                Ok(())
            }
        }
    }

    /// Gives a kept callback to the connector.
    pub(super) async fn finish(
        &mut self,
        step: &Step,
        finish: &FinishStep,
    ) -> Result<(), Interrupt> {
        self.begin("finish", None, Some(&finish.connection));
        let of = finish.callback_of.as_ref().unwrap_or(&finish.connection);
        let callback = self.callbacks.get(of).cloned().ok_or_else(|| {
            Interrupt::Suite(format!(
                "no callback of '{of}' was kept: a step 'browser: keep-callback' must come before"
            ))
        })?;
        let callback = match &finish.tamper {
            Some(tamper) => callback.tampered(&self.record.facts.fill(tamper)?),
            None => callback,
        };
        let reply = self
            .finish_authorization(&finish.connection, callback)
            .await?;
        let answer = state_answer(reply, "finish-authorization")?;
        self.answered(&answer, step)
    }

    /// Asks for a connection and signs in where the connector asks for it. Nothing, if the person
    /// did not come back.
    async fn until_connected(
        &mut self,
        request: &Request,
        connect: &ConnectStep,
        action: Option<&BrowserAction>,
    ) -> Result<Option<Reply>, Interrupt> {
        let mut by = self.deadline();
        let id = self.worker.session()?.send(request, by).await?;
        let mut left = false;
        let reply = loop {
            match self.next(&[id], request.method(), by).await {
                Ok(Incoming::Reply(_, reply)) => break reply,
                Ok(Incoming::Notification(Notification::OpenUrl { url, .. })) => {
                    match self.visit(&url, connect, action).await? {
                        // The connector listens there itself.
                        Some(callback) => self
                            .person
                            .return_to(&callback)
                            .await
                            .map_err(|error| Interrupt::Suite(error.to_string()))?,
                        None => left = true,
                    }
                    // The person's time is not the connector's.
                    by = self.deadline();
                }
                Ok(Incoming::Notification(Notification::ShowDeviceCode { user_code, .. })) => {
                    left |= !self.enter_device_code(&user_code, connect, action).await?;
                    by = self.deadline();
                }
                // Taken care of already.
                Ok(Incoming::Notification(
                    Notification::Log { .. } | Notification::Waiting { .. },
                )) => {}
                // A connector that waits for the browser waits in vain.
                Err(DriverError::Timeout { .. }) if left => {
                    self.worker.drop_session();
                    self.worker.start().await.map_err(Interrupt::Suite)?;
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        };
        let Reply::Result(result) = &reply else {
            return Ok(Some(reply));
        };
        let state = read_state(result, request.method())?;
        if state.state != ConnectionState::AwaitingAuthorization {
            return Ok(Some(reply));
        }
        let misfit = || DriverError::Misfit {
            method: request.method().to_owned(),
            problem: "the state 'awaiting-authorization' needs an 'authorize_url'".to_owned(),
        };
        let url = state.authorize_url.ok_or_else(misfit)?;
        match self.visit(&url, connect, action).await? {
            None => Ok(None),
            Some(callback) if matches!(action, Some(BrowserAction::KeepCallback)) => {
                self.callbacks.insert(connect.connection.clone(), callback);
                Ok(None)
            }
            Some(callback) => {
                let reply = self
                    .finish_authorization(&connect.connection, callback)
                    .await?;
                Ok(Some(reply))
            }
        }
    }

    async fn finish_authorization(
        &mut self,
        connection: &str,
        callback: Callback,
    ) -> Result<Reply, DriverError> {
        let request = Request::FinishAuthorization {
            connection: self.connection(connection),
            redirect_url: callback.url,
            form: callback.form,
        };
        self.ask(&request).await
    }

    /// Lets the person sign in at an address. Nothing, if they did not come back.
    async fn visit(
        &mut self,
        url: &str,
        connect: &ConnectStep,
        action: Option<&BrowserAction>,
    ) -> Result<Option<Callback>, Interrupt> {
        self.asked();
        let account = self.account(connect, action)?;
        let visit = self.person.sign_in(url, &account, action).await;
        self.saw_consent_page();
        self.came_back(visit, action)
    }

    /// Lets the person type a device code; whether they got to the end.
    async fn enter_device_code(
        &mut self,
        user_code: &str,
        connect: &ConnectStep,
        action: Option<&BrowserAction>,
    ) -> Result<bool, Interrupt> {
        self.asked();
        let account = self.account(connect, action)?;
        let host = &self.case.environment.cloud().facts().authority_host;
        let visit = self
            .person
            .enter_device_code(host, user_code, &account, action)
            .await;
        self.saw_consent_page();
        match visit {
            // The last page of a device sign-in has no way on.
            Ok(Visit::Stopped { aadsts: None, .. }) => Ok(true),
            visit => Ok(self.came_back(visit, action)?.is_some()),
        }
    }

    /// Notes for what the person was asked on a consent page.
    fn saw_consent_page(&mut self) {
        let asked = self.person.take_consent_page();
        if let Some(step) = self.record.steps.last_mut() {
            step.consent_page = asked;
        }
    }

    fn asked(&mut self) {
        if let Some(step) = self.record.steps.last_mut() {
            step.asked_for_sign_in = true;
        }
    }

    fn account(
        &self,
        connect: &ConnectStep,
        action: Option<&BrowserAction>,
    ) -> Result<Account, Interrupt> {
        let alias = match action {
            Some(BrowserAction::SignIn { user }) => user,
            _ => &connect.user,
        };
        // The person knows their new password, and their new name.
        if let Some(user) = self.tenant.describe().users.get(alias) {
            return Ok(Account {
                upn: user.upn.clone(),
                password: user.password.clone(),
            });
        }
        let facts = &self.record.facts;
        Ok(Account {
            upn: facts.text(&format!("{{{alias}.upn}}"))?,
            password: facts.text(&format!("{{{alias}.password}}"))?,
        })
    }

    /// Compares where a sign-in ended with what the scenario wants.
    fn came_back(
        &mut self,
        visit: Result<Visit, BrowserError>,
        action: Option<&BrowserAction>,
    ) -> Result<Option<Callback>, Interrupt> {
        let visit = match visit {
            Ok(visit) => visit,
            // An address to which no browser can go is the connector's.
            Err(error @ BrowserError::Address(_)) => {
                return Err(self.strayed("an address of a sign-in page", &error.to_string()));
            }
            Err(error) => return Err(Interrupt::Suite(error.to_string())),
        };
        let leaves = matches!(
            action,
            Some(BrowserAction::Close | BrowserAction::GoBack | BrowserAction::WrongPassword)
        );
        match (visit, action) {
            (Visit::Callback(callback), Some(BrowserAction::StoppedBy(code))) => {
                let expected = format!("the sign-in is stopped by AADSTS{code}");
                self.mismatch(&expected, "the sign-in page leads back to the connector");
                Ok(Some(callback))
            }
            (Visit::Callback(callback), _) => Ok(Some(callback)),
            (Visit::Stopped { aadsts, .. }, Some(BrowserAction::StoppedBy(code)))
                if aadsts == Some(*code) =>
            {
                Ok(None)
            }
            (Visit::Left { .. }, _) if leaves => Ok(None),
            (Visit::Left { how }, _) => Err(self.strayed(
                "the person comes back to the connector",
                &format!("they {how}"),
            )),
            (Visit::Stopped { text, aadsts }, Some(BrowserAction::StoppedBy(code))) => {
                let expected = format!("the sign-in is stopped by AADSTS{code}");
                Err(self.strayed(&expected, &stopped(&text, aadsts)))
            }
            (Visit::Stopped { text, aadsts }, _) => Err(self.strayed(
                "the person comes back to the connector",
                &stopped(&text, aadsts),
            )),
        }
    }

    fn mismatch(&mut self, expected: &str, observed: &str) {
        let step = self
            .record
            .steps
            .last()
            .map_or("connect", |it| it.step.as_str());
        let kind = ProblemKind::Mismatch;
        let problem = Problem::of_step(kind, step, self.case, expected, observed);
        self.report.add(problem);
    }

    fn strayed(&mut self, expected: &str, observed: &str) -> Interrupt {
        self.end();
        self.mismatch(expected, observed);
        Interrupt::Mismatch
    }
}

fn stopped(text: &str, aadsts: Option<u32>) -> String {
    let code = aadsts.map_or_else(String::new, |it| format!(" (AADSTS{it})"));
    format!("the sign-in stopped at the page '{text}'{code}")
}

fn read_state(result: &Value, method: &str) -> Result<State, DriverError> {
    serde_json::from_value(result.clone()).map_err(|error| DriverError::Misfit {
        method: method.to_owned(),
        problem: format!("expected a result with 'state': {error}"),
    })
}

fn state_answer(reply: Reply, method: &str) -> Result<Answer, DriverError> {
    reply.into_answer(method, |result| {
        let state = read_state(&result, method).map_err(|error| error.to_string())?;
        match state.state {
            ConnectionState::Connected => Ok(Answer::Value { value: Value::Null }),
            ConnectionState::Broken => {
                Err("the state 'broken' is for 'status': a failure is an error".to_owned())
            }
            ConnectionState::AwaitingAuthorization => {
                Err("the state is still 'awaiting-authorization'".to_owned())
            }
        }
    })
}
