//! What handlers take from a request: JSON bodies and query parameters, checked.

use std::sync::Arc;

use axum::body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::problem::Problem;
use crate::notation::{did_you_mean, suggest};
use crate::server::Core;

/// A body of JSON.
pub(super) struct Json<T>(pub(super) T);

/// A body of JSON as bytes, up to a length.
pub(super) struct JsonText<const LONGEST: usize>(pub(super) Vec<u8>);

/// The parameters of a query that were not yet taken.
pub(super) struct Parameters(Vec<(String, String)>);

impl<T: DeserializeOwned> FromRequest<Arc<Core>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, Problem> {
        let JsonText(text) = JsonText::<LONGEST_BODY>::from_request(request, core).await?;
        serde_json::from_slice(&text).map(Self).map_err(|error| {
            let detail = match serde_json::from_slice::<IgnoredAny>(&text) {
                Err(error) => format!("it is no JSON: {error}"),
                Ok(_) => explained(&error),
            };
            Problem::bad_request("the body does not fit", detail)
        })
    }
}

impl<const LONGEST: usize> FromRequest<Arc<Core>> for JsonText<LONGEST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Core>) -> Result<Self, Problem> {
        let has_media_type = is_json(request.headers());
        let text = read_body(request, LONGEST).await?;
        if !has_media_type {
            return Err(
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not JSON")
                    .detail("send it with 'Content-Type: application/json'"),
            );
        }
        Ok(Self(text))
    }
}

/// What does not fit, with the nearest right name in place of a position, where one is near.
fn explained(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let plain = whole.split(" at line ").next().unwrap_or_default();
    // What the reader of Rust's types says of something that has a name and details.
    let of_named = [
        "expected value",
        "struct variant",
        "unit variant",
        "string or map",
    ];
    if of_named.iter().any(|it| plain.contains(it)) {
        return "expected an object with one member, a name with an object of its details, such as \
                {\"disable-user\": {\"user\": \"alice\"}}"
            .to_owned();
    }
    match suggest(plain.to_owned()) {
        (problem, Some(help)) => format!("{problem}: {help}"),
        (_, None) => whole,
    }
}

/// A body up to a length.
pub(super) async fn read_body(request: Request, longest: usize) -> Result<Vec<u8>, Problem> {
    let text = body::to_bytes(request.into_body(), longest).await;
    let text = text.map_err(|error| {
        let error = error.into_inner();
        if error.is::<LengthLimitError>() {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long")
                .detail(format!("at most {} KiB are read", longest / 1024))
        } else {
            Problem::bad_request("the body cannot be read", error.to_string())
        }
    })?;
    Ok(text.to_vec())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

impl Parameters {
    /// The parameters of a query.
    pub(super) fn new(query: Option<String>) -> Result<Self, Problem> {
        let query = query.unwrap_or_default();
        let all: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        for (index, (name, _)) in all.iter().enumerate() {
            if all[..index].iter().any(|(other, _)| other == name) {
                let detail = format!("'{name}' is given twice");
                return Err(Problem::bad_request("repeated parameter", detail));
            }
        }
        Ok(Self(all))
    }

    /// Takes a parameter; `expected` says what it should be.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(index) = self.0.iter().position(|(it, _)| it == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.remove(index);
        parse(&value).map(Some).ok_or_else(|| {
            let listed = expected.strip_prefix("one of ").unwrap_or_default();
            let meant = did_you_mean(&value, listed.split(", "));
            let detail = format!("'{name}={value}': expected {expected}{meant}");
            Problem::bad_request("malformed parameter", detail)
        })
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self, known: &str) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let meant = did_you_mean(name, known.split(", "));
                let detail = format!("'{name}': known are {known}{meant}");
                Err(Problem::bad_request("unknown parameter", detail))
            }
        }
    }
}

const LONGEST_BODY: usize = 4 << 20;
