//! Talks to a driver before any case runs, so that it is known whether the driver or the
//! connector is wrong.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::case::Library;
use crate::driver::{DriverError, Reply};
use crate::protocol::{Capabilities, Request};
use crate::report::{CaseReport, Outcome, ProblemKind, unreached, why_unreached};
use crate::runner::{RunError, RunOptions, Shared, Worker, start_mock, stop};

/// Something that a driver must do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What it must do.
    pub says: String,
    /// What it did instead, if it is wrong.
    pub wrong: Option<String>,
    /// Whether it is the driver's to do: the connector's, otherwise.
    pub of_driver: bool,
}

impl Finding {
    fn new(says: impl Into<String>, result: Result<(), String>) -> Self {
        Self {
            says: says.into(),
            wrong: result.err(),
            of_driver: true,
        }
    }
}

/// Checks a driver: talks to it, lets it connect once, and ends it as a run ends it.
pub async fn check(options: &RunOptions) -> Result<Vec<Finding>, RunError> {
    let stop = stop(options.limits.run)?;
    let (mock, strangers, proxies) = start_mock(options, 1).await?;
    let [own, person] = proxies.into_iter().next().unwrap_or_default();
    let options = RunOptions {
        jobs: 1,
        ..options.clone()
    };
    let shared = Arc::new(Shared::new(mock, strangers, options, None));
    let mut findings = Vec::new();
    let mut worker = Worker::new(Arc::clone(&shared), 0, own, person);
    let ended = tokio::select! {
        reason = stop => Err(RunError::Incomplete(reason)),
        () = talk(&mut worker, &mut findings) => Ok(()),
    };
    // Ends the driver, with its children, whatever happened.
    drop(worker);
    if let Ok(shared) = Arc::try_unwrap(shared).map_err(drop) {
        shared.mock.stop().await;
    }
    ended.map(|()| findings)
}

async fn talk(worker: &mut Worker, findings: &mut Vec<Finding>) {
    let started = worker.start().await;
    let shaken = started.as_ref().map(drop).map_err(Clone::clone);
    findings.push(Finding::new(
        "the driver starts, and answers 'initialize' with what the connector can do",
        shaken,
    ));
    let Ok(capabilities) = started else { return };
    findings.push(Finding::new(
        summary(&capabilities),
        complete(&capabilities),
    ));
    if converse(worker, findings).await.is_ok() {
        connect(worker, &capabilities, findings).await;
        end(worker, findings).await;
    }
    if findings.iter().any(|it| it.wrong.is_some()) {
        let said = worker.take_output().await.stderr;
        let tail: Vec<&str> = said
            .iter()
            .rev()
            .take(10)
            .rev()
            .map(String::as_str)
            .collect();
        let last = findings.iter_mut().rev().find_map(|it| it.wrong.as_mut());
        if let (Some(wrong), false) = (last, tail.is_empty()) {
            wrong.push_str("\nits standard error ends:\n");
            wrong.push_str(&tail.join("\n"));
        }
    }
}

/// The requests that need no connection. An error where the driver is gone.
async fn converse(worker: &mut Worker, findings: &mut Vec<Finding>) -> Result<(), DriverError> {
    let limit = worker.shared.options.limits.request;
    let session = worker.session()?;
    let answered = session.ask(&Request::Settle {}, limit).await;
    let gone = answered.as_ref().err().cloned();
    findings.push(Finding::new(
        "'settle' answers once no work is pending",
        expect(answered, |reply| match reply {
            Reply::Result(_) => Ok(()),
            other => Err(format!("expected a result, found {other}")),
        }),
    ));
    if let Some(error) = gone {
        return Err(error);
    }

    let unknown = session.ask_raw("no-such-method", json!({}), limit).await;
    findings.push(Finding::new(
        "an unknown method is answered with the code -32601",
        expect(unknown, |reply| match reply {
            Reply::UnknownMethod => Ok(()),
            other => Err(format!("expected an error with code -32601, found {other}")),
        }),
    ));

    let parameters = json!({"connection": "nobody", "member-of-a-later-version": [1, {"a": null}]});
    let status = session.ask_raw("status", parameters, limit).await;
    findings.push(Finding::new(
        "the status of an unknown connection is a failure with a category; unknown members are ignored",
        expect(status, |reply| match reply {
            // Nobody has made this connection.
            Reply::Failure(_) => Ok(()),
            Reply::Result(Value::Object(result))
                if result.get("state") == Some(&json!("broken")) =>
            {
                Ok(())
            }
            other => Err(format!(
                "expected an error with code -32000 and a category, or the state 'broken', found {other}"
            )),
        }),
    ));
    Ok(())
}

/// Connects once, by the first auth method and in the first environment that the driver names:
/// what hangs or babbles in `connect` is wrong in every case.
async fn connect(worker: &mut Worker, capabilities: &Capabilities, findings: &mut Vec<Finding>) {
    // The text is constant.
    let library = Library::from_text("check-driver", CONNECTS).expect("the scenario can be read");
    let has = |list: &[String], name: &str| list.iter().any(|it| it == name);
    let case = library.cases().into_iter().find(|case| {
        has(&capabilities.auth_methods, case.auth_method.slug())
            && has(&capabilities.environments, case.environment.slug())
    });
    let Some(case) = case else { return };
    let says = format!(
        "'connect' makes a connection by {} in {}, and 'disconnect' gives it up",
        case.auth_method, case.environment
    );
    let (result, of_driver) = match worker.run(&case).await {
        Err(reason) => (Err(reason), true),
        Ok(report) if report.outcome == Outcome::Pass => (Ok(()), true),
        Ok(report) => {
            let driver = report
                .problems
                .iter()
                .any(|it| it.kind == ProblemKind::Driver);
            let why = why(&report, worker, capabilities);
            (Err(why), driver && !unreached(&report))
        }
    };
    findings.push(Finding {
        of_driver,
        ..Finding::new(says, result)
    });
}

/// What a connection failed for.
fn why(report: &CaseReport, worker: &Worker, capabilities: &Capabilities) -> String {
    let problems = report.problems.iter();
    let mut lines: Vec<String> = problems
        .map(|it| format!("expected {}, found {}", it.expected, it.observed))
        .collect();
    if unreached(report) {
        lines.push("no request of the connector reached the mock:".to_owned());
        let reach = worker.shared.options.reach.slug();
        lines.push(why_unreached(reach, &capabilities.connector.language));
    }
    lines.join("\n")
}

/// Ends the driver as a run ends it.
async fn end(worker: &mut Worker, findings: &mut Vec<Finding>) {
    let limit = worker.shared.options.limits.request;
    // A driver that failed above was ended.
    if let Err(error) = worker.start().await {
        findings.push(Finding::new("the driver starts again", Err(error)));
        return;
    }
    let Ok(session) = worker.session() else {
        return;
    };
    let answered = session.ask(&Request::Shutdown {}, limit).await;
    findings.push(Finding::new(
        "'shutdown' is answered",
        expect(answered, |reply| match reply {
            Reply::Result(_) => Ok(()),
            other => Err(format!("expected a result, found {other}")),
        }),
    ));
    let ended = session.wait(limit).await.then_some(());
    findings.push(Finding::new(
        "after 'shutdown' and the end of its input, the driver ends",
        ended.ok_or_else(|| format!("it still runs after {} s; a run ends it", limit.as_secs())),
    ));
}

/// A person or an app connects.
const CONNECTS: &str = "\
schema: 1
title: The connector connects
source: conformance/docs/protocol.md
auth: all
environment: all
steps:
  - connect: {as: alice}
";

fn expect(
    answer: Result<Reply, DriverError>,
    fits: impl FnOnce(Reply) -> Result<(), String>,
) -> Result<(), String> {
    answer.map_err(|error| error.to_string()).and_then(fits)
}

fn summary(capabilities: &Capabilities) -> String {
    let name = &capabilities.connector;
    format!(
        "{} {} has {} auth methods, {} environments, {} operations, {} features",
        name.name,
        name.version,
        capabilities.auth_methods.len(),
        capabilities.environments.len(),
        capabilities.operations.len(),
        capabilities.features.len()
    )
}

/// Whether there is anything at all that a case could use.
fn complete(capabilities: &Capabilities) -> Result<(), String> {
    for (what, list) in [
        ("auth_methods", &capabilities.auth_methods),
        ("environments", &capabilities.environments),
        ("operations", &capabilities.operations),
    ] {
        if list.is_empty() {
            return Err(format!("'{what}' is empty: every case would be skipped"));
        }
    }
    Ok(())
}
