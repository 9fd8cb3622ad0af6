//! `$batch`: several requests in one.
//!
//! Source: learn.microsoft.com/graph/json-batching.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::call::Reply;
use super::error::GraphError;
use super::prefer::Metadata;
use super::{Request, respond};
use crate::exchange::Annotation;
use crate::limit::Places;

/// The body of a batch.
#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

/// One request of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// The answer to one request, as it stands in the answer to the batch.
#[derive(Serialize)]
struct Answer {
    id: String,
    status: u16,
    headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Answers {
    responses: Vec<Answer>,
}

/// Answers a batch, one part after the other. Parts that wait for no other count as going on at
/// the same time, four at most: so many places in mailboxes a batch takes until it is answered.
pub(super) fn run(
    outer: &Request,
    version: &str,
    annotation: &mut Annotation,
    places: &mut Places,
) -> Result<Reply, GraphError> {
    if outer.method != Method::POST {
        return Err(GraphError::batch_needs_post());
    }
    let batch: Batch =
        serde_json::from_slice(&outer.body).map_err(|_| GraphError::unreadable_body())?;
    check(&batch.requests)?;
    let mut responses: Vec<Answer> = Vec::with_capacity(batch.requests.len());
    let mut missing: Vec<String> = Vec::new();
    for part in batch.requests {
        let failed = part.depends_on.iter().any(|wanted| {
            responses
                .iter()
                .any(|it| it.id.eq_ignore_ascii_case(wanted) && it.status >= 400)
        });
        let mut inner = Annotation {
            tenant_time: annotation.tenant_time,
            ..Annotation::default()
        };
        let (headers, outcome) = if failed {
            // Unverified: the text.
            let refusal = GraphError::new(
                StatusCode::FAILED_DEPENDENCY,
                "FailedDependency",
                "A request that this one depends on has failed.",
            );
            (HeaderMap::new(), Err(refusal))
        } else {
            if !part.depends_on.is_empty() {
                places.0.clear();
            } else if places.0.len() >= PARALLEL {
                places.0.remove(0);
            }
            answer(outer, version, &part, &mut inner, places)
        };
        if let Err(refusal) = &outcome {
            missing.extend(refusal.unsupported.as_deref().map(str::to_owned));
            inner.level = super::level(inner.level, refusal);
        }
        // A batch is as good as its worst part.
        annotation.level = annotation.level.max(inner.level);
        let written = respond::write(&outer.world, &outer.arrival, &headers, outcome, &inner);
        responses.push(shown(part.id, written));
    }
    if !missing.is_empty() {
        annotation.unsupported = Some(missing.join("; "));
    }
    // Maps with strings as keys, and texts that were JSON before.
    let bytes = serde_json::to_vec(&Answers { responses }).unwrap_or_default();
    Ok(Reply::raw(Metadata::Minimal.content_type(), bytes))
}

/// Refuses a batch as a whole: then none of its parts runs. Unverified: the texts but for those of
/// writes.
fn check(parts: &[Part]) -> Result<(), GraphError> {
    if parts.is_empty() || parts.len() > MOST {
        return Err(GraphError::bad_request(format!(
            "Number of batch request steps must be between 1 and {MOST}."
        )));
    }
    for (at, part) in parts.iter().enumerate() {
        let known = |id: &str| parts[..at].iter().any(|it| it.id.eq_ignore_ascii_case(id));
        if known(&part.id) {
            return Err(GraphError::bad_request(format!(
                "Duplicate batch request id '{}'.",
                part.id
            )));
        }
        if let Some(wanted) = part.depends_on.iter().find(|wanted| !known(wanted)) {
            return Err(GraphError::bad_request(format!(
                "Batch request '{}' depends on '{wanted}', which does not come before it.",
                part.id
            )));
        }
        check_write(part)?;
    }
    Ok(())
}

/// A write says what its body is, and has one, be it `{}`.
///
/// Sources: Softeria/ms-365-mcp-server#677 and #683 (2026), microsoftgraph/msgraph-sdk-dotnet#2628
/// (2024: the text where there is no body) and #1038.
fn check_write(part: &Part) -> Result<(), GraphError> {
    let method = part.method.to_ascii_uppercase();
    if !matches!(method.as_str(), "POST" | "PATCH" | "PUT") {
        return Ok(());
    }
    let typed = part
        .headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("content-type") && !value.is_null());
    if part.body.is_null() {
        return Err(GraphError::bad_request(format!(
            "Write request id : {} does not contain Content-Type header or body.",
            part.id
        )));
    }
    if !typed {
        return Err(GraphError::bad_request(format!(
            "Write request with id '{}' does not contain a Content-Type header.",
            part.id
        )));
    }
    Ok(())
}

/// Answers a part. Its address is relative: an absolute one is a path that begins with `https:`, as
/// for the service. Source: microsoftgraph/msgraph-sdk-python#1015 (2024).
fn answer(
    outer: &Request,
    version: &str,
    part: &Part,
    annotation: &mut Annotation,
    places: &mut Places,
) -> (HeaderMap, Result<Reply, GraphError>) {
    let headers = headers_of(outer, part);
    let request = || {
        let method: Method = part.method.to_ascii_uppercase().parse().map_err(|_| {
            GraphError::bad_request(format!("'{}' is not an HTTP method.", part.method))
        })?;
        let url = part.url.trim_start_matches('/');
        // Spaces and the like, which clients leave in these addresses.
        let url = percent_encoding::utf8_percent_encode(url, IN_URL);
        let uri: Uri = format!("/{version}/{url}").parse().map_err(|_| {
            GraphError::bad_request(format!("'{}' is not a relative address.", part.url))
        })?;
        if uri.path().to_ascii_lowercase().contains("$batch") {
            return Err(GraphError::bad_request("Batches can't be nested."));
        }
        let json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .is_some_and(|it| it.to_ascii_lowercase().contains("json"));
        let body = match &part.body {
            Value::Null => Bytes::new(),
            Value::String(text) if !json => {
                // Other bodies are base64; a MIME body is base64 on its own.
                let mime = headers
                    .get(header::CONTENT_TYPE)
                    .is_some_and(|it| it.as_bytes().starts_with(b"text/plain"));
                let decoded = STANDARD.decode(text).ok().filter(|_| !mime);
                decoded.unwrap_or_else(|| text.clone().into_bytes()).into()
            }
            value => value.to_string().into_bytes().into(),
        };
        Ok(Request {
            upload: None,
            world: Arc::clone(&outer.world),
            arrival: Arc::clone(&outer.arrival),
            method,
            uri,
            headers: headers.clone(),
            body,
        })
    };
    let outcome = request().and_then(|request| request.answer(annotation, places));
    (headers, outcome)
}

/// The headers of a part; who calls is the whole batch's.
fn headers_of(outer: &Request, part: &Part) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &part.headers {
        let name = name.parse::<HeaderName>();
        let value = value.as_str().map(HeaderValue::from_str);
        if let (Ok(name), Some(Ok(value))) = (name, value)
            && name != header::AUTHORIZATION
        {
            headers.append(name, value);
        }
    }
    for name in [
        header::AUTHORIZATION,
        HeaderName::from_static("client-request-id"),
    ] {
        if let Some(value) = outer.headers.get(&name) {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    headers
}

/// A part has the headers of the service that answered it; those of the gateway are the whole
/// batch's.
fn shown(id: String, written: respond::Written) -> Answer {
    let mut headers = Map::new();
    for (name, value) in &written.headers {
        let shown = match name.as_str() {
            "cache-control" => "Cache-Control",
            "content-type" => "Content-Type",
            "etag" => "ETag",
            "location" => "Location",
            "odata-version" => "OData-Version",
            "preference-applied" => "Preference-Applied",
            "retry-after" => "Retry-After",
            "www-authenticate" => "WWW-Authenticate",
            name if name.starts_with("x-ms-") && name != "x-ms-ags-diagnostic" => name,
            _ => continue,
        };
        headers.insert(shown.to_owned(), json!(value.to_str().unwrap_or("")));
    }
    let bytes = written.bytes;
    let body = if bytes.is_empty() {
        None
    } else {
        // What is no JSON goes in base64.
        let json = serde_json::from_slice(&bytes);
        json.or_else(|_| to_raw_value(&STANDARD.encode(&bytes)))
            .ok()
    };
    Answer {
        id,
        status: written.status.as_u16(),
        headers,
        body,
    }
}

/// Source: learn.microsoft.com/graph/json-batching, "Batch size limitations".
const MOST: usize = 20;

/// The parts of a batch that Outlook runs at the same time.
/// Source: learn.microsoft.com/graph/throttling-limits, "Outlook service limits".
const PARALLEL: usize = 4;

/// What can't stand in an address.
const IN_URL: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}');
