//! The secrets of a case, wherever they turn up: those of its world by their value, and every token
//! that came or went by the fingerprint that the journal has of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use entra_mock::journal::{Exchange, Surface, TokenKind, fingerprint};

use super::Record;

/// The secrets of a case.
#[derive(Debug, Default)]
pub struct Canaries {
    /// Names and values of the secrets of the world.
    secrets: Vec<(String, String)>,
    /// What has a fingerprint, by it.
    fingerprints: BTreeMap<String, String>,
}

impl Canaries {
    /// The secrets that a record knows of.
    pub fn of(record: &Record) -> Self {
        let known = record.facts.secrets.iter();
        let secrets = known
            .filter_map(|secret| Some((secret.name.clone(), secret.value.clone()?)))
            // A short text is found by chance.
            .filter(|(_, value)| value.len() >= SHORTEST_SECRET)
            .collect();
        let mut fingerprints = BTreeMap::new();
        for secret in &record.facts.secrets {
            fingerprints.insert(secret.fingerprint.clone(), secret.name.clone());
        }
        let ours = record.exchanges.iter();
        // What goes to strangers is a secret of ours only where we have it from elsewhere.
        for exchange in ours.filter(|it| it.surface != Surface::Proxy) {
            for token in &exchange.tokens {
                let name = kind_name(token.kind).to_owned();
                fingerprints.insert(token.fingerprint.clone(), name);
            }
            // What else the journal replaced in a request: verifiers, assertions, guessed secrets.
            for (name, value) in exchange.form.iter().chain(&exchange.query) {
                if let Some((mark, _)) = value.strip_prefix('<').and_then(|it| it.split_once('>')) {
                    let of = || format!("a value of '{name}'");
                    fingerprints.entry(mark.to_owned()).or_insert_with(of);
                }
            }
        }
        Self {
            secrets,
            fingerprints,
        }
    }

    /// The name of a secret of which the journal wrote the fingerprint in a text.
    pub fn find_mark(&self, text: &str) -> Option<&str> {
        let mut marks = text.split('<').skip(1);
        marks.find_map(|rest| {
            let (mark, _) = rest.split_once('>')?;
            self.fingerprints.get(mark).map(String::as_str)
        })
    }

    /// Where in a request a secret stands, and which one: in the path, the query, a header, the
    /// form or the body, but not in the places that `may` names.
    pub fn in_request<'a>(
        &'a self,
        exchange: &Exchange,
        may: impl Fn(&str) -> bool,
    ) -> Option<(String, &'a str)> {
        let body = exchange.request_body.as_ref();
        let body = body.map(|it| ("the body".to_owned(), it.to_string()));
        let named = |place: &'static str, pairs: &[(String, String)]| {
            let name = |pair: &(String, String)| (format!("{place} {}", pair.0), pair.1.clone());
            pairs.iter().map(name).collect::<Vec<_>>()
        };
        let places = [("the path".to_owned(), exchange.path.clone())]
            .into_iter()
            .chain(named("query", &exchange.query))
            .chain(named("header", &exchange.request_headers))
            .chain(named("form", &exchange.form))
            .chain(body);
        for (place, text) in places {
            if may(&place) {
                continue;
            }
            if let Some(secret) = self.find(&text).or_else(|| self.find_mark(&text)) {
                return Some((place, secret));
            }
        }
        None
    }

    /// The name of a secret that stands in a text.
    pub fn find(&self, text: &str) -> Option<&str> {
        let by_value = self
            .secrets
            .iter()
            .find(|(_, value)| text.contains(value.as_str()) || text.contains(&in_a_form(value)));
        let by_value = by_value.or_else(|| {
            // As in the header of basic authentication: `id:secret`, maybe encoded as in a form.
            let mut decoded = words(text).filter_map(|word| PLAIN.decode(word).ok());
            decoded.find_map(|bytes| {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.secrets.iter().find(|(_, value)| {
                    text.contains(value.as_str()) || text.contains(&in_a_form(value))
                })
            })
        });
        by_value.map(|(name, _)| name.as_str()).or_else(|| {
            let mut words = words(text);
            words.find_map(|word| {
                self.fingerprints
                    .get(&fingerprint(word))
                    .map(String::as_str)
            })
        })
    }

    /// A text with fingerprints in the place of secrets.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.find(text).is_none() {
            return Cow::Borrowed(text);
        }
        let mut redacted = text.to_owned();
        for (_, value) in &self.secrets {
            let mark = format!("<{}>", fingerprint(value));
            redacted = redacted
                .replace(value.as_str(), &mark)
                .replace(&in_a_form(value), &mark);
        }
        let encoded: Vec<(String, String)> = words(&redacted)
            .filter_map(|word| {
                let bytes = PLAIN.decode(word).ok()?;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut known = self.secrets.iter().map(|it| &it.1);
                let secret =
                    known.find(|it| text.contains(it.as_str()) || text.contains(&in_a_form(it)))?;
                Some((word.to_owned(), fingerprint(secret)))
            })
            .collect();
        for (word, mark) in encoded {
            redacted = redacted.replace(&word, &format!("<{mark}>"));
        }
        let marks: Vec<(String, String)> = words(&redacted)
            .filter_map(|word| {
                let mark = fingerprint(word);
                self.fingerprints
                    .contains_key(&mark)
                    .then(|| (word.to_owned(), mark))
            })
            .collect();
        for (word, mark) in marks {
            redacted = redacted.replace(&word, &format!("<{mark}>"));
        }
        Cow::Owned(redacted)
    }
}

/// The words of a text that may be tokens: long, and of the letters of base64url with the points of
/// a JWT, or of base64.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let of = |is_part: fn(char) -> bool| {
        text.split(move |it: char| !is_part(it))
            .filter(|it| it.len() >= SHORTEST_TOKEN)
    };
    let url_safe = |it: char| it.is_ascii_alphanumeric() || "._~-".contains(it);
    let base64 = |it: char| it.is_ascii_alphanumeric() || "._~-+/".contains(it);
    // A sentence may end with a token.
    of(url_safe)
        .chain(of(base64))
        .flat_map(|word| [word, word.trim_end_matches('.')])
}

/// A text as it stands in a form.
fn in_a_form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Base64 as in the header of basic authentication, with or without padding.
const PLAIN: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => "an access token",
        TokenKind::Assertion => "a client assertion",
        TokenKind::Code => "an authorization code",
        TokenKind::DeviceCode => "a device code",
        TokenKind::Id => "an ID token",
        TokenKind::Refresh => "a refresh token",
    }
}

const SHORTEST_SECRET: usize = 8;
const SHORTEST_TOKEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn canaries() -> Canaries {
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
        Canaries {
            secrets: vec![("app.client_secret".to_owned(), "s3cr+t of app".to_owned())],
            fingerprints: BTreeMap::from([(fingerprint(token), "an access token".to_owned())]),
        }
    }

    #[test]
    fn secrets_and_tokens_are_found_wherever_they_stand() {
        let canaries = canaries();
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
        for text in [
            format!("401 for {token}."),
            format!("{{\"authorization\":\"Bearer {token}\"}}"),
            format!("https://a.example/?t={token}&x=1"),
        ] {
            assert_eq!(canaries.find(&text), Some("an access token"), "{text}");
            assert!(!canaries.redact(&text).contains(token), "{text}");
        }
        let basic = PLAIN.encode("an-app:s3cr+t of app");
        let encoded = PLAIN.encode("an-app:s3cr%2Bt+of+app");
        for text in [
            "it is s3cr+t of app",
            "secret=s3cr%2Bt+of+app&a=b",
            &format!("authorization: Basic {basic}"),
            &format!("authorization: Basic {encoded}"),
        ] {
            assert_eq!(canaries.find(text), Some("app.client_secret"), "{text}");
            assert!(!canaries.redact(text).contains("s3cr"), "{text}");
            let bare = basic.trim_end_matches('=');
            assert!(!canaries.redact(text).contains(bare), "{text}");
        }
        assert_eq!(canaries.find("nothing of eyJhbGciOiJub25lIn0 here"), None);
        assert_eq!(canaries.redact("as it was"), "as it was");
    }
}
