//! Secrets in answers: none stands in one whole but where it is asked for.

use std::sync::Arc;

use axum::body::{self, Body};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Response, header};
use axum::middleware::Next;
use serde_json::Value;

use crate::journal::{Names, Redaction};
use crate::server::Core;

/// Replaces tokens, codes and known secrets in an answer, whatever the field.
pub(super) async fn conceal(
    State(core): State<Arc<Core>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let path = request.extensions().get::<MatchedPath>();
    let gives_secrets = path.is_some_and(|it| GIVING.contains(&it.as_str()));
    let response = next.run(request).await;
    let redactor = core.world.journal.redactor();
    if gives_secrets || redactor.redaction() == Redaction::Off || !is_json(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Answers of the control API are whole, and in memory.
    let text = body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let concealed = serde_json::from_slice::<Value>(&text)
        .ok()
        .and_then(|before| {
            let after = redactor.json(Names::Faults, before.clone());
            (before != after).then(|| after.to_string())
        });
    let Some(concealed) = concealed else {
        return Response::from_parts(parts, Body::from(text));
    };
    if parts.headers.contains_key(header::CONTENT_LENGTH) {
        let length = HeaderValue::from(concealed.len());
        parts.headers.insert(header::CONTENT_LENGTH, length);
    }
    Response::from_parts(parts, Body::from(concealed))
}

fn is_json(response: &Response<Body>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.ends_with("json"))
}

/// What is asked for the credentials in it; and the journal, which has none.
const GIVING: [&str; 9] = [
    "/api/v1/journal",
    "/api/v1/journal/wait",
    "/api/v1/openapi.json",
    "/api/v1/ready",
    "/api/v1/state",
    "/api/v1/tenants",
    "/api/v1/tenants/{tenant}",
    "/api/v1/tenants/{tenant}/export",
    "/api/v1/variables",
];
