//! When a person signed in last: `signInActivity`, read from the sign-in log where a request names
//! it.
//!
//! Source: learn.microsoft.com/graph/api/resources/signinactivity, /user-list ("users with last
//! sign-in in a time range").

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::mailbox::Properties;

/// Puts it into the documents, if the request names it; who may not read the log is refused.
pub(super) fn attach(call: &Call<'_>, users: &mut [Properties]) -> Result<(), GraphError> {
    if !is_named(call) {
        return Ok(());
    }
    if !call.actor.holds("AuditLog.Read.All") {
        // Source: microsoftgraph/microsoft-graph-explorer-v4#2731.
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "Authentication_MSGraphPermissionMissing",
            "Calling principal does not have required MSGraph permissions AuditLog.Read.All",
        ));
    }
    let last = call.tenant.read_documents(|documents| {
        let mut last: HashMap<String, Last> = HashMap::new();
        for entry in documents.list("auditLogs/signIns") {
            let text = |name: &str| entry.properties.get(name).and_then(Value::as_str);
            let (Some(user), Some(time)) = (text("userId"), text("createdDateTime")) else {
                continue;
            };
            let code = entry
                .properties
                .get("status")
                .and_then(|it| it.get("errorCode"));
            let of_user = last.entry(user.to_owned()).or_default();
            of_user.tried = Some((time.to_owned(), entry.id.clone()));
            if code == Some(&json!(0)) {
                of_user.succeeded.clone_from(&of_user.tried);
            }
        }
        last
    });
    for user in users {
        let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
        // Who has never signed in has none.
        if let Some(last) = last.get(id) {
            let activity = last.shown();
            user.insert(NAME.to_owned(), activity);
        }
    }
    Ok(())
}

fn is_named(call: &Call<'_>) -> bool {
    let query = &call.query;
    let is = |name: &str| name.eq_ignore_ascii_case(NAME);
    let first = |path: &[String]| path.first().is_some_and(|it| is(it));
    let selected = query
        .select
        .iter()
        .flatten()
        .any(|it| is(it.split('/').next().unwrap_or(it)));
    let filtered = query.filter.as_ref().is_some_and(|filter| {
        let mut paths = Vec::new();
        filter.paths(&mut paths);
        paths.iter().any(|it| first(&it.0))
    });
    selected || filtered || query.order.iter().any(|by| first(&by.path.0))
}

/// The last tries of a person: when, and the entry of the log.
#[derive(Default)]
struct Last {
    tried: Option<(String, String)>,
    succeeded: Option<(String, String)>,
}

impl Last {
    fn shown(&self) -> Value {
        let split = |entry: &Option<(String, String)>| match entry {
            Some((time, id)) => (json!(time), json!(id)),
            None => (Value::Null, Value::Null),
        };
        let ((tried, try_id), (succeeded, success_id)) =
            (split(&self.tried), split(&self.succeeded));
        // The log has interactive sign-ins alone.
        json!({
            "lastSignInDateTime": tried,
            "lastSignInRequestId": try_id,
            "lastNonInteractiveSignInDateTime": null,
            "lastNonInteractiveSignInRequestId": null,
            "lastSuccessfulSignInDateTime": succeeded,
            "lastSuccessfulSignInRequestId": success_id,
        })
    }
}

const NAME: &str = "signInActivity";
