//! What the journal writes instead of secrets and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

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

impl Redaction {
    /// The value of a form field, query parameter or JSON member as the journal writes it.
    pub fn field(self, name: &str, value: &str) -> String {
        if self == Self::On && SECRET_FIELDS.contains(&name.to_ascii_lowercase().as_str()) {
            return match signed_parts(name, value) {
                Some(parts) => format!("{} {parts}", replaced(value)),
                None => replaced(value),
            };
        }
        value.to_owned()
    }

    /// A header's value as the journal writes it.
    pub fn header(self, name: &str, value: &str) -> String {
        if self == Self::Off {
            return value.to_owned();
        }
        match name {
            "authorization" | "proxy-authorization" => match value.split_once(' ') {
                Some((scheme, rest)) => format!("{scheme} {}", replaced(rest.trim())),
                None => replaced(value),
            },
            "cookie" | "set-cookie" => match value.split_once('=') {
                Some((cookie, _)) => format!("{cookie}=…"),
                None => replaced(value),
            },
            "location" => self.location(value),
            _ if SECRET_HEADERS.iter().any(|it| name.contains(it)) => replaced(value),
            _ => value.to_owned(),
        }
    }

    /// A JSON body as the journal writes it.
    pub fn json(self, value: Value) -> Value {
        if self == Self::Off {
            return value;
        }
        match value {
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| {
                    let value = match value {
                        Value::String(text) => Value::String(self.field(&name, &text)),
                        other => self.json(other),
                    };
                    (name, value)
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            other => other,
        }
    }

    /// An event as the journal writes it.
    pub fn event(self, event: Event) -> Event {
        if self == Self::Off {
            return event;
        }
        // With other texts in it, an event is still one.
        serde_json::to_value(&event)
            .and_then(|it| serde_json::from_value(self.json(it)))
            .unwrap_or(event)
    }

    /// A redirect carries codes and tokens in its query or fragment.
    fn location(self, value: &str) -> String {
        let Some(split) = value.find(['?', '#']) else {
            return value.to_owned();
        };
        let (base, rest) = value.split_at(split);
        let (mark, rest) = rest.split_at(1);
        let parameters: Vec<String> = rest
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) => format!("{name}={}", self.field(name, value)),
                None => pair.to_owned(),
            })
            .collect();
        format!("{base}{mark}{}", parameters.join("&"))
    }
}

/// Header and claims of an assertion: they say who is meant, and prove nothing without the
/// signature, which is left out.
fn signed_parts(name: &str, value: &str) -> Option<String> {
    if !["assertion", "client_assertion"].contains(&name.to_ascii_lowercase().as_str()) {
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

/// Parts of the names of headers whose values are secrets.
const SECRET_HEADERS: [&str; 4] = ["secret", "password", "token", "api-key"];

const SECRET_FIELDS: [&str; 21] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "confirmpasswd",
    "currentpassword",
    "device_code",
    "flow",
    "id_token",
    "id_token_hint",
    "new_password",
    "newpasswd",
    "newpassword",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "secrettext",
    "spa_code",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_replaced_by_what_tells_them_apart() {
        let on = Redaction::On;
        assert_eq!(on.field("scope", "Mail.Read"), "Mail.Read");
        let secret = on.field("client_secret", "s3cr~t");
        assert!(!secret.contains("s3cr~t"));
        assert_eq!(secret, on.field("client_secret", "s3cr~t"));
        assert_ne!(secret, on.field("client_secret", "other"));
        assert_eq!(Redaction::Off.field("client_secret", "s3cr~t"), "s3cr~t");
    }

    #[test]
    fn both_passwords_of_a_change_at_graph_are_replaced() {
        let body = json!({"currentPassword": "Old-pass-1", "newPassword": "New-pass-1"});
        let written = Redaction::On.json(body).to_string();
        assert!(!written.contains("-pass-1"), "{written}");
    }

    #[test]
    fn assertions_show_their_claims_and_lose_their_signature() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let assertion = format!(
            "{}.{}.c2ln",
            part(r#"{"alg":"PS256"}"#),
            part(r#"{"aud":"x"}"#)
        );
        let shown = Redaction::On.field("client_assertion", &assertion);
        assert!(
            shown.ends_with(r#"> {"alg":"PS256"} {"aud":"x"}"#),
            "{shown}"
        );
        assert!(!shown.contains("c2ln"), "{shown}");
        assert!(
            Redaction::On
                .field("client_assertion", "a.b.c")
                .ends_with('>')
        );
    }

    #[test]
    fn events_lose_their_secrets_and_nothing_else() {
        let event = |event: Value| serde_json::from_value::<Event>(event).unwrap();
        let add = event(json!({"add-secret": {"app": "own-app", "secret": "s3cr~t"}}));
        let written = Redaction::On.event(add.clone());
        let replaced = Redaction::On.field("secret", "s3cr~t");
        assert_eq!(
            written,
            event(json!({"add-secret": {"app": "own-app", "secret": replaced}}))
        );
        assert_eq!(Redaction::Off.event(add.clone()), add);
        let deliver = event(json!({"deliver-message": {"user": "alice", "body": "password"}}));
        assert_eq!(Redaction::On.event(deliver.clone()), deliver);
    }

    #[test]
    fn headers_and_bodies_lose_their_tokens() {
        let on = Redaction::On;
        assert!(!on.header("authorization", "Bearer eyJ0").contains("eyJ0"));
        assert!(
            on.header("authorization", "bearer eyJ0")
                .starts_with("bearer <")
        );
        let location = on.header("location", "https://app.example/cb?code=abc&state=x");
        assert!(
            !location.contains("abc") && location.ends_with("&state=x"),
            "{location}"
        );
        let body = on.json(json!({"access_token": "eyJ0", "nested": [{"password": "p"}], "n": 1}));
        assert!(
            !body.to_string().contains("eyJ0") && !body.to_string().contains("\"p\""),
            "{body}"
        );
        assert_eq!(body["n"], 1);
    }
}
