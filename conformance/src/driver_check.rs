//! Talks to a driver before any case runs, so that it is known whether the driver or the
//! connector is wrong.

use std::time::Duration;

use entra_mock::server::UNSET;
use serde_json::{Value, json};

use crate::driver::{DriverError, Reply, Session};
use crate::protocol::{Capabilities, Network, Request};
use crate::reference::Store;
use crate::runner::{Reach, RunError, RunOptions, initialize, start_mock};

/// Something that a driver must do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What it must do.
    pub says: String,
    /// What it did instead, if it is wrong.
    pub wrong: Option<String>,
}

impl Finding {
    fn new(says: impl Into<String>, result: Result<(), String>) -> Self {
        Self {
            says: says.into(),
            wrong: result.err(),
        }
    }
}

/// Checks a driver.
pub async fn check(options: &RunOptions) -> Result<Vec<Finding>, RunError> {
    let (mock, proxies) = start_mock(options, 1).await?;
    let proxy = proxies.into_iter().next().and_then(|[own, _]| own);
    let variables = mock.variables_for(proxy.as_deref(), options.reach == Reach::Direct);
    let limit = options.limits.request;
    let mut findings = Vec::new();
    let spawned = options
        .source
        .start(&variables, &UNSET, &Store::default())
        .await;
    let started = spawned.as_ref().map(drop).map_err(ToString::to_string);
    findings.push(Finding::new("the driver can be started", started));
    if let Ok(spawned) = spawned {
        let ca_file = Some(mock.ca_file().display().to_string());
        let network = Network {
            https_proxy: proxy,
            ca_file,
        };
        let mut session = Session::new(spawned);
        talk(&mut session, network, limit, &mut findings).await;
        if findings.iter().any(|it| it.wrong.is_some()) {
            let stderr = session.stderr();
            let tail: Vec<String> = stderr.iter().rev().take(10).rev().cloned().collect();
            if let (Some(last), false) = (findings.last_mut(), tail.is_empty())
                && let Some(wrong) = &mut last.wrong
            {
                wrong.push_str("\nits standard error ends:\n");
                wrong.push_str(&tail.join("\n"));
            }
        }
        session.shut_down(limit).await;
    }
    mock.stop().await;
    Ok(findings)
}

async fn talk(
    session: &mut Session,
    network: Network,
    limit: Duration,
    findings: &mut Vec<Finding>,
) {
    let answered = initialize(session, network, limit.max(Duration::from_secs(30))).await;
    let shaken = answered.as_ref().map(drop).map_err(ToString::to_string);
    findings.push(Finding::new(
        "'initialize' answers with what the connector can do",
        shaken,
    ));
    let Ok(capabilities) = answered else { return };
    findings.push(Finding::new(
        summary(&capabilities),
        complete(&capabilities),
    ));

    let request = Request::Settle {};
    let answer = expect(session.ask(&request, limit).await, |reply| match reply {
        Reply::Result(_) => Ok(()),
        other => Err(format!("expected a result, found {other:?}")),
    });
    let gone = answer.is_err();
    findings.push(Finding::new(
        "'settle' answers once no work is pending",
        answer,
    ));
    if gone {
        return;
    }

    let unknown = session.ask_raw("no-such-method", json!({}), limit).await;
    let answer = expect(unknown, |reply| match reply {
        Reply::UnknownMethod => Ok(()),
        other => Err(format!(
            "expected an error with code -32601, found {other:?}"
        )),
    });
    findings.push(Finding::new(
        "an unknown method is answered with the code -32601",
        answer,
    ));

    let parameters = json!({"connection": "nobody", "member-of-a-later-version": [1, {"a": null}]});
    let status = session.ask_raw("status", parameters, limit).await;
    let answer = expect(status, |reply| match reply {
        // Nobody has made this connection.
        Reply::Failure(_) => Ok(()),
        Reply::Result(Value::Object(result)) if result.get("state") == Some(&json!("broken")) => {
            Ok(())
        }
        other => Err(format!(
            "expected an error with code -32000 and a category, or the state 'broken', found {other:?}"
        )),
    });
    findings.push(Finding::new(
        "the status of an unknown connection is a failure with a category; unknown members are ignored",
        answer,
    ));

    let request = Request::Shutdown {};
    let answer = expect(session.ask(&request, limit).await, |reply| match reply {
        Reply::Result(_) => Ok(()),
        other => Err(format!("expected a result, found {other:?}")),
    });
    findings.push(Finding::new("'shutdown' is answered", answer));
    let ended = session.wait(limit).await;
    let ended = if ended {
        Ok(())
    } else {
        Err(format!("it still runs after {} s", limit.as_secs()))
    };
    findings.push(Finding::new("after 'shutdown' the driver ends", ended));
}

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
