//! Client assertions in the spellings of real clients, and what is refused.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaSignatureEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::{GRAPH, Mock};

impl Mock {
    fn audience(&self) -> String {
        format!(
            "https://login.microsoftonline.com/{}/oauth2/v2.0/token",
            self.id()
        )
    }

    pub(super) fn claims(&self) -> Value {
        let (id, _) = self.client("daemon-certificate");
        let now = self.tenant.now().as_second();
        json!({
            "aud": self.audience(), "iss": id, "sub": id, "jti": "1",
            "nbf": now - 10, "exp": now + 600,
        })
    }

    pub(super) fn signed(&self, header: &Value, claims: &Value, padded: bool) -> String {
        let algorithm: &'static RsaSignatureEncoding = if header["alg"] == "PS256" {
            &RSA_PSS_SHA256
        } else {
            &RSA_PKCS1_SHA256
        };
        self.signed_by(algorithm, header, claims, padded)
    }

    /// Signs by an algorithm, whatever the header says.
    pub(super) fn signed_by(
        &self,
        algorithm: &'static RsaSignatureEncoding,
        header: &Value,
        claims: &Value,
        padded: bool,
    ) -> String {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.certificate.key_pem.as_bytes()).unwrap();
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
        let engine = if padded { &URL_SAFE } else { &URL_SAFE_NO_PAD };
        let message = format!(
            "{}.{}",
            engine.encode(header.to_string()),
            engine.encode(claims.to_string())
        );
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            algorithm,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{message}.{}", engine.encode(signature))
    }

    async fn assert(&self, assertion: &str) -> (u16, Value) {
        let (id, _) = self.client("daemon-certificate");
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
            ("scope", GRAPH),
        ])
        .await
    }

    fn thumbprints(&self) -> (Vec<u8>, Vec<u8>) {
        let certificate = &self.certificate.certificate;
        (
            digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate)
                .as_ref()
                .to_vec(),
            digest(&SHA256, certificate).as_ref().to_vec(),
        )
    }
}

#[tokio::test]
async fn real_clients_spell_the_same_thing_in_many_ways() {
    let mock = Mock::new();
    let (sha1, sha256) = mock.thumbprints();
    let hex: String = sha1.iter().map(|byte| format!("{byte:02X}")).collect();
    let headers = [
        json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(&sha1)}),
        json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE.encode(&sha1)}),
        json!({"alg": "RS256", "typ": "JWT", "x5t": STANDARD.encode(&sha1)}),
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(&sha256)}),
        json!({"alg": "RS256", "typ": "JWT", "x5t#S256": URL_SAFE.encode(&sha256)}),
        json!({"alg": "PS256", "typ": "JWT", "kid": hex}),
    ];
    for header in headers {
        let (status, body) = mock
            .assert(&mock.signed(&header, &mock.claims(), false))
            .await;
        assert_eq!(status, 200, "{header}: {body}");
    }
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(&sha256)});
    assert_eq!(
        mock.assert(&mock.signed(&header, &mock.claims(), true))
            .await
            .0,
        200,
        "padded"
    );
    let now = mock.tenant.now().as_second();
    let times = [
        json!((now + 600) * 1000),
        json!(1e300),
        json!(f64::from(u32::try_from(now + 600).unwrap()) + 0.987_146_4),
        json!((now + 600).to_string()),
    ];
    for exp in times {
        let mut claims = mock.claims();
        claims["exp"] = exp.clone();
        claims.as_object_mut().unwrap().remove("nbf");
        assert_eq!(
            mock.assert(&mock.signed(&header, &claims, false)).await.0,
            200,
            "{exp}"
        );
    }
    for aud in [
        "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token".to_owned(),
        format!("https://login.windows.net/{}/oauth2/token", mock.id()),
        format!("https://login.microsoftonline.com/{}/v2.0", mock.id()),
        format!("https://login.microsoftonline.com/{}/v2", mock.id()),
    ] {
        let mut claims = mock.claims();
        claims["aud"] = json!(aud);
        assert_eq!(
            mock.assert(&mock.signed(&header, &claims, false)).await.0,
            200,
            "{aud}"
        );
    }
}

#[tokio::test]
async fn each_defect_of_an_assertion_has_its_code() {
    let mock = Mock::new();
    let (_, sha256) = mock.thumbprints();
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(&sha256)});
    let now = mock.tenant.now().as_second();
    let with = |name: &str, value: Value| {
        let mut claims = mock.claims();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = mock.claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let other_cloud = format!(
        "https://login.microsoftonline.us/{}/oauth2/v2.0/token",
        mock.id()
    );
    let common = "https://login.microsoftonline.com/common/oauth2/v2.0/token";
    let cases = [
        (json!({"alg": "HS256", "x5t": "x"}), mock.claims(), 5002738),
        (json!({"alg": "none"}), mock.claims(), 5002738),
        (
            json!({"alg": "PS256", "typ": "JWT"}),
            mock.claims(),
            5002723,
        ),
        (header.clone(), without("iss"), 90014),
        (header.clone(), without("aud"), 90014),
        (header.clone(), with("iss", json!("someone")), 700021),
        (header.clone(), with("sub", json!("someone")), 50048),
        (header.clone(), with("aud", json!(other_cloud)), 700023),
        (header.clone(), with("aud", json!(common)), 700023),
        (header.clone(), with("exp", json!(now - 400)), 700024),
        (header.clone(), with("nbf", json!(now + 400)), 700024),
        (
            json!({"alg": "PS256", "x5t#S256": "AAAA"}),
            mock.claims(),
            700027,
        ),
    ];
    for (header, claims, expected) in cases {
        let answer = mock.assert(&mock.signed(&header, &claims, false)).await;
        assert_eq!(
            super::code_of(&answer),
            expected,
            "{header} {claims}: {}",
            answer.1
        );
    }
    let mut forged = mock.signed(&header, &mock.claims(), false);
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(super::code_of(&mock.assert(&forged).await), 700027);
    assert_eq!(super::code_of(&mock.assert("no.jwt").await), 50027);

    let expire = crate::directory::Event::ExpireCertificate {
        app: "daemon-certificate".to_owned(),
    };
    mock.world.apply(&mock.tenant, &expire).unwrap();
    let (status, body) = mock
        .assert(&mock.signed(&header, &mock.claims(), false))
        .await;
    assert_eq!(status, 401);
    assert!(
        body["error_description"]
            .as_str()
            .unwrap()
            .contains("The key used is expired"),
        "{body}"
    );
}

#[tokio::test]
async fn an_expired_assertion_without_a_beginning_is_valid_from_the_epoch() {
    let mock = Mock::new();
    let (sha1, _) = mock.thumbprints();
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE_NO_PAD.encode(&sha1)});
    let mut claims = mock.claims();
    claims.as_object_mut().unwrap().remove("nbf");
    claims["exp"] = (mock.tenant.now().as_second() - 3600).into();
    let (_, body) = mock.assert(&mock.signed(&header, &claims, false)).await;
    assert_eq!(body["error_codes"][0], 700024, "{body}");
    let told = body["error_description"].as_str().unwrap();
    assert!(
        told.contains("assertion valid from 1970-01-01T00:00:00.0000000Z"),
        "{told}"
    );
}
