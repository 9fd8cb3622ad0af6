//! What the journal writes instead of secrets and tokens.
//!
//! A secret is known by the field in which it is sent (`name`), by its shape (`shape`), and by its
//! value (`known`), so that it does not matter where a client puts it.

mod known;
mod name;
mod shape;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

pub use known::{KnownSecrets, SecretHolder};
pub use name::Names;

use crate::directory::Event;

/// Whether secrets and tokens are replaced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Redaction {
    /// Written whole (`--journal-secrets`).
    Off,
    /// Replaced by a fingerprint.
    #[default]
    On,
}

/// A short name for a token or secret: the same for the same text, and not the text.
pub fn fingerprint(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..6])
}

/// Replaces secrets in what can be read or is saved. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Redactor {
    redaction: Redaction,
    known: KnownSecrets,
}

impl Redactor {
    /// One that replaces what these are, if it is to replace anything.
    pub fn new(redaction: Redaction, known: KnownSecrets) -> Self {
        Self { redaction, known }
    }

    /// Whether secrets are replaced.
    pub fn redaction(&self) -> Redaction {
        self.redaction
    }

    /// The secrets that are known by their value.
    pub fn known(&self) -> &KnownSecrets {
        &self.known
    }

    /// A text without the secrets in it, also where it is percent-encoded.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.redaction == Redaction::Off {
            return Cow::Borrowed(text);
        }
        let decoded = decoded(text);
        let found = decoded
            .as_deref()
            .and_then(|it| self.without_secrets(it))
            .or_else(|| self.without_secrets(text))
            .or_else(|| self.without_base64(text));
        found.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The value of a form field, query parameter or JSON member.
    pub fn field(&self, names: Names, name: &str, value: &str) -> String {
        if self.redaction == Redaction::On && names.mean_a_secret(name) {
            let replaced = replaced(value);
            return match signed_parts(name, value) {
                Some(parts) => format!("{replaced} {}", self.text(&parts)),
                None => replaced,
            };
        }
        self.text(value).into_owned()
    }

    /// A header's value.
    pub fn header(&self, name: &str, value: &str) -> String {
        if self.redaction == Redaction::Off {
            return value.to_owned();
        }
        match name.to_ascii_lowercase().as_str() {
            "authorization" | "proxy-authorization" => match value.split_once(' ') {
                Some((scheme, rest)) => format!("{} {}", self.text(scheme), replaced(rest.trim())),
                None => replaced(value),
            },
            "cookie" | "set-cookie" => match value.split_once('=') {
                Some((cookie, _)) => format!("{}=…", self.text(cookie)),
                None => replaced(value),
            },
            "content-location" | "link" | "location" | "referer" => self.address(value),
            other if name::is_secret_header(other) => replaced(value),
            _ => {
                let written = self.text(value);
                // The last word may be the credentials of a scheme.
                if let Some((before, last)) = written.rsplit_once(' ')
                    && let Some(instead) = self.without_base64(last)
                {
                    return format!("{before} {instead}");
                }
                written.into_owned()
            }
        }
    }

    /// The query of an address, or a form, with its names and values decoded.
    pub fn fields(&self, text: &[u8], most: usize) -> Vec<(String, String)> {
        form_urlencoded::parse(text)
            .take(most)
            .map(|(name, value)| {
                let written = self.field(Names::Credentials, &name, &value);
                (self.text(&name).into_owned(), written)
            })
            .collect()
    }

    /// A document of JSON.
    pub fn json(&self, names: Names, value: Value) -> Value {
        if self.redaction == Redaction::Off {
            return value;
        }
        match value {
            Value::Object(members) => Value::Object(self.members(names, members)),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.json(names, item))
                .collect(),
            Value::String(text) => Value::String(match self.text(&text) {
                Cow::Borrowed(_) => text,
                Cow::Owned(written) => written,
            }),
            other => other,
        }
    }

    fn members(&self, names: Names, members: Map<String, Value>) -> Map<String, Value> {
        let is_key = members.contains_key("kty");
        members
            .into_iter()
            .map(|(name, value)| {
                let is_private = is_key && name::is_private_part_of_key(&name);
                let value = match value {
                    Value::String(text) if is_private => replaced(&text).into(),
                    Value::String(text) => self.field(names, &name, &text).into(),
                    // Several values in one field.
                    Value::Array(items) if names.mean_a_secret(&name) => items
                        .into_iter()
                        .map(|it| match it {
                            Value::String(text) => self.field(names, &name, &text).into(),
                            other => self.json(names, other),
                        })
                        .collect(),
                    // Of a part of `$batch`.
                    Value::Object(headers)
                        if names != Names::Faults && name.eq_ignore_ascii_case("headers") =>
                    {
                        Value::Object(self.headers(names, headers))
                    }
                    other => self.json(names, other),
                };
                (self.text(&name).into_owned(), value)
            })
            .collect()
    }

    fn headers(&self, names: Names, headers: Map<String, Value>) -> Map<String, Value> {
        headers
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) => self.header(&name, &text).into(),
                    other => self.json(names, other),
                };
                (self.text(&name).into_owned(), value)
            })
            .collect()
    }

    /// A body of text: JSON, a form, or words.
    pub fn body(&self, text: &str) -> String {
        if self.redaction == Redaction::Off {
            return text.to_owned();
        }
        if text.trim_start().starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str::<Value>(text)
        {
            return self.json(Names::Credentials, value).to_string();
        }
        if text.contains('=') && !text.contains(char::is_whitespace) {
            return self.pairs(text);
        }
        self.text(text).into_owned()
    }

    /// An event.
    pub fn event(&self, event: Event) -> Event {
        if self.redaction == Redaction::Off {
            return event;
        }
        let Ok(whole) = serde_json::to_value(&event) else {
            return event;
        };
        let written = self.json(Names::Documents, whole.clone());
        // With other texts in it, an event is still one, unless a text is an id or a network: these
        // have no secrets in them, and stay.
        serde_json::from_value(written.clone()).unwrap_or_else(|_| {
            let mut kept = whole;
            for pointer in texts(&kept) {
                let before = kept.clone();
                if let (Some(text), Some(instead)) =
                    (kept.pointer_mut(&pointer), written.pointer(&pointer))
                {
                    *text = instead.clone();
                }
                if serde_json::from_value::<Event>(kept.clone()).is_err() {
                    kept = before;
                }
            }
            serde_json::from_value(kept).unwrap_or(event)
        })
    }

    /// A fault in JSON: its event loses its secrets, and all of it those that are known.
    pub fn fault(&self, fault: Value) -> Value {
        let mut fault = self.json(Names::Faults, fault);
        if let Some(event) = fault.pointer_mut("/do/event") {
            *event = self.json(Names::Documents, event.take());
        }
        fault
    }

    /// An address: a redirect carries codes and tokens in its query or fragment.
    fn address(&self, value: &str) -> String {
        let Some(split) = value.find(['?', '#']) else {
            return self.text(value).into_owned();
        };
        let (base, rest) = value.split_at(split);
        let (mark, rest) = rest.split_at(1);
        format!("{}{mark}{}", self.text(base), self.pairs(rest))
    }

    /// `name=value&…`, as it is sent but for the values that are replaced.
    fn pairs(&self, text: &str) -> String {
        // A query may have a fragment behind it.
        let pairs = text.split_inclusive(['&', '#']).map(|pair| {
            let (pair, mark) = match pair.strip_suffix(['&', '#']) {
                Some(before) => (before, &pair[before.len()..]),
                None => (pair, ""),
            };
            let Some((name, value)) = pair.split_once('=') else {
                return format!("{}{mark}", self.text(pair));
            };
            let plain = percent_decode_str(value).decode_utf8_lossy();
            let written = self.field(Names::Credentials, name, &plain);
            let value = if written == plain { value } else { &written };
            format!("{}={value}{mark}", self.text(name))
        });
        pairs.collect()
    }

    /// A text without the secrets that are known by shape or value; none if it has none.
    fn without_secrets(&self, text: &str) -> Option<String> {
        let bytes = text.as_bytes();
        self.known.read(|known| {
            let mut written = String::new();
            let mut copied = 0;
            let mut from = 0;
            while let Some(at) = known.next(bytes, from) {
                from = at + 1;
                let end = shape::end(bytes, at).or_else(|| known.end(bytes, at));
                if let Some(end) = end {
                    written.push_str(&text[copied..at]);
                    written.push_str(&replaced(&text[at..end]));
                    copied = end;
                    from = end;
                }
            }
            (copied > 0).then(|| written + &text[copied..])
        })
    }

    /// What is written instead of a text that is base64 of one with secrets.
    fn without_base64(&self, text: &str) -> Option<String> {
        if text.len() < BASE64_AT_LEAST {
            return None;
        }
        let is_url = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        let is_standard = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/');
        let plain = text.trim_end_matches('=');
        let bytes = if plain.bytes().all(is_url) {
            URL_SAFE_NO_PAD.decode(plain)
        } else if plain.bytes().all(is_standard) {
            STANDARD_NO_PAD.decode(plain)
        } else {
            return None;
        };
        let inside = String::from_utf8(bytes.ok()?).ok()?;
        self.without_secrets(&inside).map(|_| replaced(text))
    }
}

/// A text without its percent-encoding, of which an address inside of an address has two; none
/// where it has none.
fn decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let once = percent_decode_str(text).decode_utf8_lossy().into_owned();
    let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
    Some(twice)
}

/// The pointers of all texts in a document.
fn texts(value: &Value) -> Vec<String> {
    fn walk(value: &Value, pointer: &str, into: &mut Vec<String>) {
        match value {
            Value::String(_) => into.push(pointer.to_owned()),
            Value::Object(members) => {
                for (name, member) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    walk(member, &format!("{pointer}/{name}"), into);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{pointer}/{index}"), into);
                }
            }
            _ => {}
        }
    }
    let mut pointers = Vec::new();
    walk(value, "", &mut pointers);
    pointers
}

/// Header and claims of an assertion: they say who is meant, and prove nothing without the
/// signature, which is left out.
fn signed_parts(name: &str, value: &str) -> Option<String> {
    if !name::is_assertion(name) {
        return None;
    }
    let parts: Vec<&str> = value.split('.').collect();
    let [header, claims, _] = parts.as_slice() else {
        return None;
    };
    let shown = |part: &str| {
        // Some clients pad the parts. Source: wire captures of azure-identity for Python (aio).
        let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes)
            .ok()
            .map(|it| it.to_string())
    };
    Some(format!("{} {}", shown(header)?, shown(claims)?))
}

fn replaced(value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!("<{}>", fingerprint(value))
    }
}

/// Shorter texts in base64 have no secret in them.
const BASE64_AT_LEAST: usize = 16;

#[cfg(test)]
mod tests;
