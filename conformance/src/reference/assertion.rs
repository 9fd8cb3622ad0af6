//! Client assertions from the user's .pfx.
//!
//! Source: learn.microsoft.com/entra/identity-platform/certificate-credentials (PS256, x5t#S256).

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use serde_json::json;
use x509_parser::der_parser::parse_der;

use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use crate::case::Category;

/// A client certificate with its key.
#[derive(Clone)]
pub(super) struct ClientCertificate {
    key: Arc<EncodingKey>,
    thumbprint: String,
    /// The assertion that a mutant uses again.
    cached: Arc<OnceLock<String>>,
}

impl ClientCertificate {
    /// Opens what the user pasted: base64 of a .pfx.
    pub(super) fn open(pfx: &str, password: &str, now: i64) -> Result<Self, Problem> {
        let text: String = pfx.split_whitespace().collect();
        let bytes = STANDARD.decode(&text).map_err(|_| {
            Problem::configuration("the certificate is not base64: paste the .pfx file in base64")
        })?;
        let store = KeyStore::from_pkcs12(&bytes, password, Pkcs12ImportPolicy::Relaxed).map_err(
            |error| {
                // The library tells a wrong password by its MAC.
                let text = error.to_string().to_lowercase();
                if text.contains("mac") || text.contains("decrypt") || text.contains("password") {
                    Problem::new(
                        Category::InvalidCredentials,
                        "the password does not open the certificate: check it",
                    )
                } else {
                    Problem::configuration("the certificate is no .pfx (PKCS#12) file")
                }
            },
        )?;
        let (_, chain) = store.private_key_chain().ok_or_else(|| {
            Problem::configuration("the .pfx file has no private key: export it with its key")
        })?;
        let certificate = chain
            .certs()
            .first()
            .ok_or_else(|| Problem::configuration("the .pfx file has no certificate"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate.as_der())
            .map_err(|_| Problem::configuration("the .pfx file has no readable certificate"))?;
        let validity = parsed.validity();
        let credentials = |text: &str| Problem::new(Category::InvalidCredentials, text);
        if validity.not_after.timestamp() <= now {
            return Err(credentials("the certificate has expired: upload a new one"));
        }
        if validity.not_before.timestamp() > now + 300 {
            return Err(credentials(
                "the certificate is not valid yet: check its dates",
            ));
        }
        let key = rsa_key(chain.key().as_der())
            .ok_or_else(|| Problem::configuration("the certificate's key is no RSA key"))?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.as_der()));
        Ok(Self {
            key: Arc::new(key),
            thumbprint,
            cached: Arc::default(),
        })
    }

    /// An assertion for one request: never used twice.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: i64,
        kind: Kind,
    ) -> String {
        if kind.is(Mutant::CachesAssertion) {
            let make = || self.fresh(client_id, audience, now, kind);
            return self.cached.get_or_init(make).clone();
        }
        self.fresh(client_id, audience, now, kind)
    }

    fn fresh(&self, client_id: &str, audience: &str, now: i64, kind: Kind) -> String {
        let (mut audience, mut subject, mut lifetime) = (audience, client_id, 540);
        match kind {
            Kind::Mutant(Mutant::AssertionForElsewhere) => audience = "https://example.com/token",
            Kind::Mutant(Mutant::AssertionOfSomebodyElse) => subject = "somebody-else",
            // Longer than any run.
            Kind::Mutant(Mutant::CachesAssertion) => lifetime = 86_400 * 365,
            _ => {}
        }
        let id = if kind.is(Mutant::OneIdForAllAssertions) {
            "the-assertion-of-the-connector".to_owned()
        } else {
            super::token::random_id()
        };
        let header = Header {
            x5t_s256: Some(self.thumbprint.clone()),
            ..Header::new(Algorithm::PS256)
        };
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": subject,
            "jti": id,
            "nbf": now - 60,
            "iat": now,
            "exp": now + lifetime,
        });
        encode(&header, &claims, &self.key).expect("an RSA key signs any message")
    }
}

/// The RSA key of a PKCS#8 structure: its third member is the key in the form of PKCS#1.
///
/// Source: RFC 5958, section 2; RFC 8017, appendix A.1.2.
fn rsa_key(pkcs8: &[u8]) -> Option<EncodingKey> {
    let (_, parsed) = parse_der(pkcs8).ok()?;
    let members = parsed.as_sequence().ok()?;
    let key = members.get(2)?.as_slice().ok()?;
    // Another kind of key has another structure there.
    aws_lc_rs::rsa::KeyPair::from_der(key).ok()?;
    Some(EncodingKey::from_rsa_der(key))
}
