//! What the journal keeps of an exchange: redacted, and bounded.

use axum::http::{HeaderMap, HeaderName, header};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::journal::{Body, Names, Redactor, fingerprint};
use crate::token::SeenTokens;

/// Writes parts of an exchange for the journal.
pub(super) struct Write<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) is_graph: bool,
}

impl Write<'_> {
    /// Form fields or query parameters.
    pub(super) fn fields(&self, bytes: &[u8]) -> Vec<(String, String)> {
        let fields = self.redactor.fields(bytes, FIELDS);
        let cut = |(name, value): (String, String)| (cut(&name), cut(&value));
        fields.into_iter().map(cut).collect()
    }

    /// Headers.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        headers
            .iter()
            .take(FIELDS)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                let written = self.redactor.header(name.as_str(), &value);
                (
                    self.redactor.text(name.as_str()).into_owned(),
                    cut(&written),
                )
            })
            .collect()
    }

    /// JSON whole and redacted, other text cut, pages and pictures by their size.
    pub(super) fn body(&self, headers: &HeaderMap, bytes: &Bytes) -> Option<Body> {
        Some(RawBody::of(headers, bytes)?.written(self))
    }
}

/// Headers as they came, in one piece of memory, but for those that are made for credentials, which
/// are written at once.
pub(super) struct RawHeaders(Box<[u8]>);

impl RawHeaders {
    pub(super) fn of(headers: &HeaderMap, redactor: &Redactor) -> Self {
        let size = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 2);
        let mut raw = Vec::with_capacity(size.sum());
        for (name, value) in headers.iter().take(FIELDS) {
            // No name and no value has either byte in it.
            raw.extend_from_slice(name.as_str().as_bytes());
            raw.push(0);
            if WRITTEN_AT_ONCE.contains(name) {
                let value = String::from_utf8_lossy(value.as_bytes());
                raw.extend_from_slice(redactor.header(name.as_str(), &value).as_bytes());
            } else {
                raw.extend_from_slice(value.as_bytes());
            }
            raw.push(b'\n');
        }
        Self(raw.into())
    }

    pub(super) fn written(&self, redactor: &Redactor) -> Vec<(String, String)> {
        let lines = self.0.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        lines
            .map(|line| {
                let end = line.iter().position(|it| *it == 0).unwrap_or(line.len());
                let name = String::from_utf8_lossy(&line[..end]);
                let value = String::from_utf8_lossy(line.get(end + 1..).unwrap_or_default());
                let value = if WRITTEN_AT_ONCE.iter().any(|it| it.as_str() == name) {
                    value.into_owned()
                } else {
                    redactor.header(&name, &value)
                };
                (redactor.text(&name).into_owned(), cut(&value))
            })
            .collect()
    }
}

/// What is kept of a body, as it came.
pub(super) struct RawBody {
    kind: Box<str>,
    /// The beginning of a text, a whole document, or nothing.
    bytes: Box<[u8]>,
    length: usize,
}

impl RawBody {
    pub(super) fn of(headers: &HeaderMap, bytes: &Bytes) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.map(|it| String::from_utf8_lossy(it.as_bytes()));
        let kind = kind.unwrap_or_default();
        let kept: &[u8] = if is_json(&kind) && bytes.len() <= BODY_KEPT {
            bytes
        } else if is_text(&kind) {
            &bytes[..bytes.len().min(BODY_KEPT)]
        } else {
            &[]
        };
        // A copy: a slice would keep the whole buffer of its connection.
        Some(Self {
            bytes: kept.into(),
            length: bytes.len(),
            kind: kind.into(),
        })
    }

    pub(super) fn written(self, write: &Write<'_>) -> Body {
        if is_json(&self.kind) && !self.bytes.is_empty() {
            let names = if write.is_graph {
                Names::Documents
            } else {
                Names::Credentials
            };
            return Body::of_json(&self.bytes, names, write.redactor);
        }
        if is_text(&self.kind) {
            // Replaced before it is cut: a token may lie across the edge.
            let text = String::from_utf8_lossy(&self.bytes);
            return Value::String(cut(&write.redactor.body(&text))).into();
        }
        let kind = cut(&write.redactor.text(&self.kind));
        json!({ "content_type": kind, "bytes": self.length }).into()
    }
}

fn is_json(kind: &str) -> bool {
    kind.contains("json")
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/plain")
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT_KEPT {
        return text.to_owned();
    }
    let end = (0..=TEXT_KEPT)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}… ({} bytes)", &text[..end], text.len())
}

/// Takes note of the tokens of an exchange, for people who ask what was in one.
pub(super) fn note_tokens(
    seen: &SeenTokens,
    request: (&HeaderMap, Option<&str>, &Bytes),
    response: (&HeaderMap, &Bytes),
) {
    let note = |token: &str| seen.note(fingerprint(token), token);
    let note_fields = |bytes: &[u8]| {
        for (name, value) in form_urlencoded::parse(bytes).take(FIELDS) {
            if TOKENS.contains(&&*name) {
                note(&value);
            }
        }
    };
    let (headers, query, body) = request;
    let bearer = headers.get(header::AUTHORIZATION);
    if let Some((_, token)) = bearer
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
    {
        note(token.trim());
    }
    note_fields(query.unwrap_or_default().as_bytes());
    if is_form(headers) {
        note_fields(body);
    }
    let (headers, answer) = response;
    let location = headers.get(header::LOCATION);
    if let Some((_, parameters)) = location
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split_once(['?', '#']))
    {
        note_fields(parameters.as_bytes());
    }
    // Only answers with tokens are worth reading a second time.
    if let Ok(answer) = serde_json::from_slice::<Issued<'_>>(answer) {
        let tokens = [answer.access, answer.id, answer.refresh];
        tokens.into_iter().flatten().for_each(note);
    }
}

/// The tokens of an answer.
#[derive(serde::Deserialize)]
struct Issued<'a> {
    #[serde(rename = "access_token")]
    access: Option<&'a str>,
    #[serde(rename = "id_token")]
    id: Option<&'a str>,
    #[serde(rename = "refresh_token")]
    refresh: Option<&'a str>,
}

/// Whether a body is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded")
        })
}

/// The parameters and members that carry a token which can be explained.
const TOKENS: [&str; 6] = [
    "access_token",
    "assertion",
    "client_assertion",
    "code",
    "id_token",
    "refresh_token",
];

/// Headers that are made for credentials, and the one that carries codes and tokens.
const WRITTEN_AT_ONCE: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::LOCATION,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
];

/// Bounds of what the journal keeps of one exchange.
const BODY_KEPT: usize = 16 << 10;
const TEXT_KEPT: usize = 2 << 10;
const FIELDS: usize = 100;
