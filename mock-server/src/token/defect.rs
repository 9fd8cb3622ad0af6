//! Tokens with a deliberate defect, made from good ones.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::access::{encode, hashed, sign};
use super::keys::KeyRings;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenDefect {
    /// The algorithm `none`, and no signature.
    AlgNone,
    /// The signature does not fit.
    BadSignature,
    /// It expired an hour ago.
    Expired,
    /// The key id is that of no published key, and the header says where a stranger's is.
    ForeignKey,
    /// An authority of another cloud issued it.
    IssuerOfAnotherCloud,
    /// It is of no sign-in: it has no nonce.
    NoNonce,
    /// The key id is that of no published key.
    UnknownKey,
    /// It is for somebody else.
    WrongAudience,
    /// Another tenant issued it.
    WrongIssuer,
    /// It is of another sign-in.
    WrongNonce,
    /// It is of another user.
    WrongUser,
}

impl TokenDefect {
    /// Gives the defect to every JWT in a text (JSON, a page, an address) that one of the keys
    /// signed; the rest stays as it is.
    pub(crate) fn spoil(self, text: &str, keys: &KeyRings) -> String {
        let mut spoilt = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(JWT_START) {
            spoilt.push_str(&rest[..start]);
            rest = &rest[start..];
            let is_part = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
            let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
            let (found, after) = rest.split_at(end);
            let changed = self
                .change(found, keys)
                .map_or(Cow::Borrowed(found), Cow::Owned);
            spoilt.push_str(&changed);
            rest = after;
        }
        spoilt.push_str(rest);
        spoilt
    }

    fn change(self, token: &str, keys: &KeyRings) -> Option<String> {
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let read = |part: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (mut head, mut claims) = (read(header)?, read(payload)?);
        let (_, _, key) = keys.find(head.get("kid")?.as_str()?)?;
        match self {
            Self::AlgNone => {
                head.insert("alg".into(), json!("none"));
                return Some(format!("{}.{payload}.", encode(&Value::Object(head))));
            }
            Self::BadSignature => {
                let mut bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
                let last = bytes.last_mut()?;
                *last = !*last;
                return Some(format!(
                    "{header}.{payload}.{}",
                    URL_SAFE_NO_PAD.encode(bytes)
                ));
            }
            Self::UnknownKey | Self::ForeignKey => {
                let other = hashed(key.kid());
                if self == Self::ForeignKey {
                    head.insert("jku".into(), json!(STRANGER));
                    head.insert("x5u".into(), json!(STRANGER));
                }
                for name in ["kid", "x5t"] {
                    if head.contains_key(name) {
                        head.insert(name.into(), json!(other[..27]));
                    }
                }
            }
            Self::Expired => {
                let expired = claims.get("exp")?.as_i64()? - claims.get("iat")?.as_i64()? + AN_HOUR;
                for name in ["iat", "nbf", "exp", "auth_time"] {
                    if let Some(at) = claims.get(name).and_then(Value::as_i64) {
                        claims.insert(name.into(), json!(at - expired));
                    }
                }
            }
            Self::IssuerOfAnotherCloud => {
                let issuer = claims.get("iss")?.as_str()?;
                let (_, rest) = issuer.strip_prefix("https://")?.split_once('/')?;
                let host = if issuer.contains(PUBLIC) {
                    CHINA
                } else {
                    PUBLIC
                };
                let issuer = format!("https://{host}/{rest}");
                claims.insert("iss".into(), json!(issuer));
            }
            Self::WrongNonce => {
                let nonce = claims.get("nonce")?.as_str()?;
                let other = hashed(nonce);
                claims.insert("nonce".into(), json!(other));
            }
            Self::NoNonce => {
                claims.remove("nonce")?;
            }
            Self::WrongUser => {
                let subject = hashed(claims.get("sub")?.as_str()?);
                claims.insert("sub".into(), json!(subject));
                claims.insert("oid".into(), json!(SOMEBODY_ELSE));
            }
            Self::WrongAudience => {
                claims.insert("aud".into(), json!(SOMEBODY_ELSE));
            }
            Self::WrongIssuer => {
                let tenant = claims.get("tid")?.as_str()?;
                let issuer = claims.get("iss")?.as_str()?.replace(tenant, SOMEBODY_ELSE);
                claims.insert("iss".into(), json!(issuer));
            }
        }
        // What shows a nonce is signed over the nonce's hash.
        let shown = encode(&Value::Object(head.clone()));
        if let Some(Value::String(nonce)) = head.get_mut("nonce") {
            *nonce = hashed(nonce);
        }
        let signed = sign(&Value::Object(head), &Value::Object(claims), &key);
        let (_, rest) = signed.split_once('.')?;
        Some(format!("{shown}.{rest}"))
    }
}

/// `{"` in base64url: with it every JWT begins.
const JWT_START: &str = "eyJ";

/// In seconds.
const AN_HOUR: i64 = 3600;

/// Where a stranger's keys are.
const STRANGER: &str = "https://keys.collector.example/keys";

/// Hosts of issuers in two clouds.
const PUBLIC: &str = "login.microsoftonline.com";
const CHINA: &str = "login.partner.microsoftonline.cn";

/// A tenant and an app that do not exist.
const SOMEBODY_ELSE: &str = "5b0d5be1-3b34-4e0c-9d0e-0badc0ffee00";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SignInCloud;
    use crate::token::{Sealer, VerifyError, verify_access_token};

    fn claims_of(token: &str) -> Value {
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    #[test]
    fn each_defect_is_the_only_one_of_its_token() {
        let keys = KeyRings::new(None);
        let key = keys.of(SignInCloud::Global).key(0);
        let tenant = "11111111-2222-4333-8444-555555555555";
        let sealer = Sealer::new();
        let claims = json!({
            "aud": "me", "iss": format!("https://sts.windows.net/{tenant}/"), "tid": tenant,
            "iat": 1000, "nbf": 1000, "exp": 4600, "oid": tenant, "scp": "User.Read",
            "uti": "1", "aio": URL_SAFE_NO_PAD.encode(sealer.mark("1")),
        });
        let header = json!({"alg": "RS256", "kid": key.kid(), "x5t": key.kid()});
        let good = sign(&header, &claims, &key);
        let verify = |token: &str| verify_access_token(token, &keys, &sealer).map(|it| it.0);
        verify(&good).unwrap();
        let spoilt = |defect: TokenDefect| {
            let answer = json!({"id_token": good, "state": "eyJub3Q=", "again": good}).to_string();
            let spoilt: Value = serde_json::from_str(&defect.spoil(&answer, &keys)).unwrap();
            assert_eq!(spoilt["state"], "eyJub3Q=");
            assert_ne!(spoilt["again"], good);
            spoilt["id_token"].as_str().unwrap().to_owned()
        };
        let none = spoilt(TokenDefect::AlgNone);
        assert_eq!(verify(&none).unwrap_err(), VerifyError::Algorithm);
        assert!(none.ends_with('.'));
        let bad = spoilt(TokenDefect::BadSignature);
        assert_eq!(verify(&bad).unwrap_err(), VerifyError::Signature);
        assert_eq!(claims_of(&bad), claims);
        let unknown = spoilt(TokenDefect::UnknownKey);
        assert_eq!(verify(&unknown).unwrap_err(), VerifyError::UnknownKey);
        let expired = verify(&spoilt(TokenDefect::Expired)).unwrap();
        assert_eq!(
            (expired.exp, expired.exp - expired.iat),
            (1000 - 3600, 3600)
        );
        let audience = verify(&spoilt(TokenDefect::WrongAudience)).unwrap();
        assert_eq!((audience.aud.as_str(), audience.exp), (SOMEBODY_ELSE, 4600));
        let issuer = verify(&spoilt(TokenDefect::WrongIssuer)).unwrap();
        assert_eq!(
            issuer.iss,
            format!("https://sts.windows.net/{SOMEBODY_ELSE}/")
        );
        assert_eq!(issuer.aud, "me");
    }

    #[test]
    fn tokens_name_another_sign_in_user_cloud_or_key() {
        let keys = KeyRings::new(None);
        let key = keys.of(SignInCloud::Global).key(0);
        let claims = json!({
            "aud": "me", "iss": "https://login.microsoftonline.com/t/v2.0", "tid": "t",
            "sub": "s", "oid": "o", "nonce": "n", "iat": 1000, "exp": 4600,
        });
        let header = json!({"alg": "RS256", "kid": key.kid()});
        let good = sign(&header, &claims, &key);
        let spoilt = |defect: TokenDefect| {
            let spoilt = defect.spoil(&good, &keys);
            let head = URL_SAFE_NO_PAD.decode(spoilt.split('.').next().unwrap());
            let head: Value = serde_json::from_slice(&head.unwrap()).unwrap();
            (head, claims_of(&spoilt))
        };
        let differing = |other: &Value| -> Vec<String> {
            let members = claims.as_object().unwrap().iter();
            let other = |name: &String, value: &Value| other[name] != *value;
            members
                .filter(|it| other(it.0, it.1))
                .map(|it| it.0.clone())
                .collect()
        };
        let (_, nonce) = spoilt(TokenDefect::WrongNonce);
        assert_eq!(differing(&nonce), ["nonce"]);
        let (_, user) = spoilt(TokenDefect::WrongUser);
        assert_eq!(differing(&user), ["sub", "oid"]);
        let (_, cloud) = spoilt(TokenDefect::IssuerOfAnotherCloud);
        assert_eq!(differing(&cloud), ["iss"]);
        assert_eq!(cloud["iss"], format!("https://{CHINA}/t/v2.0"));
        let (head, foreign) = spoilt(TokenDefect::ForeignKey);
        assert!(differing(&foreign).is_empty());
        assert_eq!(head["jku"], STRANGER);
        assert_ne!(head["kid"], key.kid());
    }
}
