//! What the journal keeps of an exchange: redacted, and bounded.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::{Value, json};

/// Writes parts of an exchange for the journal.
pub(super) struct Write {
    pub(super) redaction: crate::journal::Redaction,
}

impl Write {
    /// Form fields or query parameters.
    pub(super) fn fields(&self, bytes: &[u8]) -> Vec<(String, String)> {
        form_urlencoded::parse(bytes)
            .take(FIELDS)
            .map(|(name, value)| {
                let value = cut(&self.redaction.field(&name, &value));
                (cut(&name), value)
            })
            .collect()
    }

    /// Headers.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        headers
            .iter()
            .take(FIELDS)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (
                    name.as_str().to_owned(),
                    cut(&self.redaction.header(name.as_str(), &value)),
                )
            })
            .collect()
    }

    /// JSON whole and redacted, other text cut, pages and pictures by their size.
    pub(super) fn body(&self, headers: &HeaderMap, bytes: &Bytes) -> Option<Value> {
        if bytes.is_empty() {
            return None;
        }
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        if bytes.len() <= BODY_KEPT
            && kind.contains("json")
            && let Ok(value) = serde_json::from_slice(bytes)
        {
            return Some(self.redaction.json(value));
        }
        if kind.starts_with("text/plain") {
            return Some(Value::String(cut(&String::from_utf8_lossy(bytes))));
        }
        Some(json!({ "content_type": cut(kind), "bytes": bytes.len() }))
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

/// Bounds of what the journal keeps of one exchange.
const BODY_KEPT: usize = 16 << 10;
const TEXT_KEPT: usize = 2 << 10;
const FIELDS: usize = 100;
