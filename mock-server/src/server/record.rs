//! What the journal keeps of an exchange: redacted, and bounded.

use axum::http::{HeaderMap, header};
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
        if bytes.is_empty() {
            return None;
        }
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.map(|it| String::from_utf8_lossy(it.as_bytes()));
        let kind = kind.unwrap_or_default();
        if bytes.len() <= BODY_KEPT && kind.contains("json") {
            // Graph's are many and long, and few are ever looked at.
            if self.is_graph {
                return Some(Body::of_json(bytes, Names::Documents, self.redactor));
            }
            return Some(Body::of_json(bytes, Names::Credentials, self.redactor).read());
        }
        if kind.starts_with("text/plain") {
            // Replaced before it is cut: a token may lie across the edge.
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BODY_KEPT)]);
            return Some(Value::String(cut(&self.redactor.body(&text))).into());
        }
        let kind = cut(&self.redactor.text(&kind));
        Some(json!({ "content_type": kind, "bytes": bytes.len() }).into())
    }
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
    if let Ok(Value::Object(answer)) = serde_json::from_slice(answer) {
        for name in TOKENS {
            if let Some(token) = answer.get(name).and_then(Value::as_str) {
                note(token);
            }
        }
    }
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

/// Bounds of what the journal keeps of one exchange.
const BODY_KEPT: usize = 16 << 10;
const TEXT_KEPT: usize = 2 << 10;
const FIELDS: usize = 100;
