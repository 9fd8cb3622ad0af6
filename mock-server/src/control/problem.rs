//! Errors of the control API: problem details (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// A problem document.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl Problem {
    /// A problem by status and title.
    pub(super) fn new(status: StatusCode, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            status: status.as_u16(),
            detail: String::new(),
        }
    }

    /// What exactly, and what to do.
    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The answer.
    pub(super) fn respond(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json_response(status, &self);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// A JSON answer.
pub(super) fn json_response(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Values of the control API have no maps with other keys than strings.
    let text = serde_json::to_string(value).expect("answers of the control API serialize");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
