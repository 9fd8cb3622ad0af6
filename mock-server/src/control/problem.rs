//! Errors of the control API: problem details (RFC 9457).

use axum::body::{self, Body};
use axum::extract::Request;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;

use crate::notation::ReadError;

/// A problem document.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Problem {
    /// What kind of problem it is.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What exactly, and what to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// Of a file: the line of the mistake, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Of a file: the column of the mistake, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// Of a file: what to write instead, where it can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// What handlers answer.
pub(super) type Answer = Result<Response<Body>, Problem>;

impl Problem {
    /// A problem by status and title.
    pub(super) fn new(status: StatusCode, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            status: status.as_u16(),
            detail: String::new(),
            line: None,
            column: None,
            help: None,
        }
    }

    /// A file that was sent has a mistake.
    pub(super) fn of_file(title: &str, error: &ReadError) -> Self {
        Self {
            line: Some(error.line),
            column: Some(error.column),
            help: error.hint().map(str::to_owned),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, title).detail(&error.problem)
        }
    }

    /// The request does not fit.
    pub(super) fn bad_request(title: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title).detail(detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(title: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, title).detail(detail)
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
        let kind = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        self.respond()
    }
}

/// A JSON answer.
pub(super) fn json_response(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Values of the control API have no maps with other keys than strings.
    let text = serde_json::to_string(value).expect("answers of the control API serialize");
    text_response(status, "application/json", text)
}

/// An answer of any media type.
pub(super) fn text_response(
    status: StatusCode,
    media: &'static str,
    text: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(media);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// An answer without a body.
pub(super) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Gives refusals of the router (405 with its `Allow`, unreadable paths) the form of all others.
pub(super) async fn conform(request: Request, next: Next) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let is_conforming = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == MEDIA_TYPE);
    if is_conforming || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let text = body::to_bytes(response.into_body(), LONGEST_REFUSAL)
        .await
        .unwrap_or_default();
    let title = status
        .canonical_reason()
        .unwrap_or("refused")
        .to_lowercase();
    let detail = if status == StatusCode::METHOD_NOT_ALLOWED && text.is_empty() {
        format!("{path} does not take {method}: the header Allow says what it takes")
    } else {
        String::from_utf8_lossy(&text).into_owned()
    };
    let mut problem = Problem::new(status, &title).detail(detail).respond();
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    problem
}

const MEDIA_TYPE: &str = "application/problem+json";

const LONGEST_REFUSAL: usize = 4096;
