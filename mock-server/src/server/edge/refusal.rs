//! What the edge answers by itself: where a body was not read, and where the mock failed.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::Edge;
use crate::clock::Clock;
use crate::exchange::{Annotation, Arrival};
use crate::graph::{self, GraphError};
use crate::server::body::BodyError;
use crate::server::encoding;

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum NotRead {
    Body(BodyError),
    Encoding(encoding::Refused),
}

impl Edge {
    /// The answer where the body was not read.
    pub(super) fn without_body(
        &self,
        is_graph: bool,
        (arrival, headers): (&Arrival, &HeaderMap),
        error: NotRead,
    ) -> Response<Body> {
        let in_words_of_graph = |error: GraphError, why: Option<String>| {
            let annotation = Annotation {
                decision: why,
                ..Annotation::default()
            };
            graph::refuse(&self.world, arrival, headers, error, annotation)
        };
        let error = match error {
            NotRead::Body(error) => error,
            NotRead::Encoding(refused) => {
                let refusal = match refused {
                    encoding::Refused::Broken(_) => GraphError::unreadable_body(),
                    encoding::Refused::Unknown(name) => GraphError::unsupported_encoding(&name),
                    encoding::Refused::TooLarge => GraphError::too_large(),
                };
                return in_words_of_graph(refusal, None);
            }
        };
        let why = error.to_string();
        let (status, code) = match error {
            BodyError::Broken if is_graph => {
                return in_words_of_graph(GraphError::bad_request(why.clone()), Some(why));
            }
            BodyError::Broken => (StatusCode::BAD_REQUEST, "unfinished-request"),
            BodyError::NoRoom(_) => (StatusCode::SERVICE_UNAVAILABLE, "too-many-bodies"),
            BodyError::TooLarge(_) if is_graph => {
                return in_words_of_graph(GraphError::too_large(), Some(why));
            }
            // Unverified: that the login hosts answer so.
            BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            BodyError::TooSlow(..) => (StatusCode::REQUEST_TIMEOUT, "unfinished-request"),
        };
        self.edge_error(is_graph, status, code, &why)
    }

    pub(super) fn broken(&self, is_graph: bool) -> Response<Body> {
        let text =
            "entra-mock failed while it answered: this is a bug of entra-mock, please report it";
        self.edge_error(
            is_graph,
            StatusCode::INTERNAL_SERVER_ERROR,
            "generalException",
            text,
        )
    }

    /// An error that no handler gave, in the dialect of the surface.
    fn edge_error(
        &self,
        is_graph: bool,
        status: StatusCode,
        code: &str,
        text: &str,
    ) -> Response<Body> {
        let now = Clock::real().now();
        let id = self.world.random.uuid();
        let body = if is_graph {
            let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            json!({"error": {"code": code, "message": text, "innerError": {
                "date": date, "request-id": id, "client-request-id": id}}})
        } else {
            let error = if status == StatusCode::SERVICE_UNAVAILABLE {
                "temporarily_unavailable"
            } else if status.is_server_error() {
                "server_error"
            } else {
                "invalid_request"
            };
            let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
            let number = if status.is_server_error() {
                90033
            } else {
                9002313
            };
            json!({
                "error": error,
                "error_description": format!(
                    "AADSTS{number}: {text} Trace ID: {id} Correlation ID: {id} \
                     Timestamp: {timestamp}"
                ),
                "error_codes": [number],
                "timestamp": timestamp,
                "trace_id": id,
                "correlation_id": id,
            })
        };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        let annotation = Annotation {
            error: Some(code.to_owned()),
            decision: Some(text.to_owned()),
            ..Annotation::default()
        };
        annotation.attach(response.extensions_mut());
        response
    }
}
