//! Client assertions from the user's .pfx.
//!
//! Source: learn.microsoft.com/entra/identity-platform/certificate-credentials (PS256, x5t#S256).

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use serde_json::json;

use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use crate::case::Category;

/// A client certificate with its key.
#[derive(Clone)]
pub(super) struct ClientCertificate {
    key: Arc<KeyPair>,
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
        let key = KeyPair::from_pkcs8(chain.key().as_der())
            .map_err(|_| Problem::configuration("the certificate's key is no RSA key"))?;
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
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": subject,
            "jti": super::token::random_id(),
            "nbf": now - 60,
            "iat": now,
            "exp": now + lifetime,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("an RSA key signs any message");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
