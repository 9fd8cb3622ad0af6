//! What the journal writes instead of secrets and tokens.
//!
//! A secret is known by the field in which it is sent (`name`), by its shape (`shape`), and by its
//! value (`known`), so that it does not matter where a client puts it.

mod known;
mod name;
mod reading;
mod shape;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

pub use known::{KnownSecrets, SecretHolder};
pub use name::Names;
use reading::{decoded, of_hexadecimal, unescaped, unquoted};

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

    /// A text without the secrets in it, also where they are percent-encoded, escaped as in HTML or
    /// JSON, in base64 or in hexadecimal digits, one in another.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.redaction == Redaction::Off {
            return Cow::Borrowed(text);
        }
        let found = self.unwrapped(text, WORDS_IN_WORDS, &mut { READINGS_AT_MOST });
        found.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// A text without the secrets in it, read with as many layers of escapes less as there are
    /// secrets below; none if it has none.
    fn unwrapped(&self, text: &str, words: u8, readings: &mut u8) -> Option<String> {
        for layer in [decoded, unescaped, unquoted] {
            if *readings == 0 {
                break;
            }
            let Some(reading) = layer(text) else {
                continue;
            };
            *readings -= 1;
            let found = self.unwrapped(&reading, words, readings);
            if found.is_some() {
                return found;
            }
        }
        self.cleaned(text, words)
    }

    /// A text without the secrets in it, as it stands; none if it has none.
    fn cleaned(&self, text: &str, words: u8) -> Option<String> {
        let mut found = self.without_secrets(text);
        for step in [Self::without_base64, Self::without_hexadecimal] {
            let next = step(self, found.as_deref().unwrap_or(text), words);
            found = next.or(found);
        }
        found
    }

    /// Whether a word that was decoded has secrets in it.
    fn hides_secrets(&self, decoded: &str, words: u8) -> bool {
        if words == 0 {
            return self.without_secrets(decoded).is_some();
        }
        let readings = &mut { READINGS_AT_MOST };
        self.unwrapped(decoded, words - 1, readings).is_some()
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
        self.value(names, value).into_owned()
    }

    /// A text that may be a document of JSON itself, with fields that are made for secrets.
    fn value<'a>(&self, names: Names, text: &'a str) -> Cow<'a, str> {
        if self.redaction == Redaction::On
            && text.trim_start().starts_with(['{', '['])
            && let Ok(document) = serde_json::from_str::<Value>(text)
        {
            let written = self.json(names, document.clone());
            if written != document {
                return Cow::Owned(written.to_string());
            }
        }
        self.text(text)
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
            _ => self.text(value).into_owned(),
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
            Value::String(text) => Value::String(match self.value(names, &text) {
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

    /// A text without the words in it that are base64 of a text with secrets; none if it has none.
    fn without_base64(&self, text: &str, words: u8) -> Option<String> {
        if text.len() < BASE64_AT_LEAST {
            return None;
        }
        if text.contains('\n') {
            // Mail breaks base64 into lines.
            let lines: String = text.split_whitespace().collect();
            if self.is_base64_of_secrets(&lines, words) {
                return Some(replaced(text));
            }
        }
        let mut written = String::new();
        let mut copied = 0;
        let mut replace = |from: usize, word: &str| {
            written.push_str(&text[copied..from]);
            written.push_str(&replaced(word));
            copied = from + word.len();
        };
        let mut at = 0;
        for run in text.split(|it: char| !(it.is_ascii_alphanumeric() || "+/-_".contains(it))) {
            if self.is_base64_of_secrets(run, words) {
                let rest = &text[at..];
                let after = rest[run.len()..].trim_start_matches('=');
                replace(at, &rest[..rest.len() - after.len()]);
            } else if run.contains('/') {
                // What looks like a word of base64 may be the segments of a path.
                let mut from = at;
                for segment in run.split('/') {
                    if self.is_base64_of_secrets(segment, words) {
                        replace(from, segment);
                    }
                    from += segment.len() + 1;
                }
            }
            let end = at + run.len();
            at = end + text[end..].chars().next().map_or(0, char::len_utf8);
        }
        (copied > 0).then(|| written + &text[copied..])
    }

    /// A text without the hexadecimal digits in it that are a text with secrets; none if it has none.
    fn without_hexadecimal(&self, text: &str, words: u8) -> Option<String> {
        let mut written = String::new();
        let mut copied = 0;
        let mut at = 0;
        for run in text.split(|it: char| !it.is_ascii_hexdigit()) {
            if run.len() >= HEXADECIMAL_AT_LEAST {
                // A letter before the digits may look like one of them.
                let hides = |from: usize| {
                    let bytes = of_hexadecimal(&run[from..]);
                    self.hides_secrets(&String::from_utf8_lossy(&bytes), words)
                };
                if hides(0) || hides(1) {
                    written.push_str(&text[copied..at]);
                    written.push_str(&replaced(run));
                    copied = at + run.len();
                }
            }
            let end = at + run.len();
            at = end + text[end..].chars().next().map_or(0, char::len_utf8);
        }
        (copied > 0).then(|| written + &text[copied..])
    }

    fn is_base64_of_secrets(&self, word: &str, words: u8) -> bool {
        if word.len() < BASE64_AT_LEAST {
            return false;
        }
        let plain = word.trim_end_matches('=');
        let bytes = if plain.contains(['-', '_']) {
            URL_SAFE_NO_PAD.decode(plain)
        } else {
            STANDARD_NO_PAD.decode(plain)
        };
        bytes
            .ok()
            .and_then(|it| String::from_utf8(it).ok())
            .is_some_and(|it| self.hides_secrets(&it, words))
    }
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

/// In so many ways a text is read without some of its escapes.
const READINGS_AT_MOST: u8 = 12;

/// So deep a word of base64 or of hexadecimal digits may stand in another.
const WORDS_IN_WORDS: u8 = 2;

/// Shorter texts in base64 have no secret in them: the code that a person types has nine characters.
const BASE64_AT_LEAST: usize = 12;

/// The shortest secret that is known by its value has six characters.
const HEXADECIMAL_AT_LEAST: usize = 12;

#[cfg(test)]
mod tests;
