//! Federated credentials: assertions of an issuer that an app trusts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use x509_parser::public_key::PublicKey;

use super::*;
use crate::directory::FederatedCredential;

pub(super) const ISSUER: &str = "https://token.builds.example";
pub(super) const SUBJECT: &str = "repo:contoso/export:ref:refs/heads/main";
pub(super) const AUDIENCE: &str = "api://AzureADTokenExchange";

impl Mock {
    /// Lets an app trust the builds' issuer, whose key is the mock's client key.
    pub(super) fn trust(&self, app: &str) {
        let (_, parsed) =
            x509_parser::parse_x509_certificate(&self.certificate.certificate).unwrap();
        let PublicKey::RSA(key) = parsed.public_key().parsed().unwrap() else {
            panic!("the client certificate has an RSA key");
        };
        let number = |bytes: &[u8]| {
            let significant = bytes.iter().position(|byte| *byte != 0).unwrap_or_default();
            URL_SAFE_NO_PAD.encode(&bytes[significant..])
        };
        let jwks = json!({"keys": [
            {"kty": "RSA", "kid": "old", "n": number(&[7; 256]), "e": "AQAB"},
            {"kty": "RSA", "kid": "another", "n": number(&[0xc7; 256]), "e": "AQAB"},
            {"kty": "RSA", "kid": "builds-1", "n": number(key.modulus), "e": number(key.exponent)},
        ]});
        let id = self.facts.apps[app].client_id;
        self.tenant.write(|directory| {
            let app = directory.applications.get_mut(&id).unwrap();
            app.federated_credentials.push(FederatedCredential {
                id: Uuid::from_u128(5),
                name: "builds".to_owned(),
                issuer: ISSUER.to_owned(),
                subject: SUBJECT.to_owned(),
                audience: AUDIENCE.to_owned(),
                description: None,
                jwks: Some(jwks),
            });
        });
    }

    async fn assert_federated(&self, header: &Value, change: &[(&str, Value)]) -> (u16, Value) {
        let now = self.tenant.now().as_second();
        let mut claims = json!({
            "iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "nbf": now - 10, "exp": now + 300,
        });
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        let (id, _) = self.client("daemon-secret");
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &self.signed(header, &claims, false)),
            ("scope", GRAPH),
        ])
        .await
    }
}

#[tokio::test]
async fn an_assertion_of_a_trusted_issuer_is_a_credential() {
    let mock = Mock::new();
    mock.trust("daemon-secret");
    for header in [
        json!({"alg": "RS256", "typ": "JWT", "kid": "builds-1"}),
        json!({"alg": "RS256"}),
        json!({"alg": "PS256", "kid": "builds-1"}),
    ] {
        let (status, body) = mock.assert_federated(&header, &[]).await;
        assert_eq!(status, 200, "{header}: {body}");
    }
    let header = json!({"alg": "RS256", "kid": "builds-1"});
    let several = [("aud", json!(["https://other.example", AUDIENCE]))];
    assert_eq!(mock.assert_federated(&header, &several).await.0, 200);
}

#[tokio::test]
async fn an_assertion_of_which_nothing_fits_is_refused_as_such() {
    let mock = Mock::new();
    mock.trust("daemon-secret");
    let header = json!({"alg": "RS256", "kid": "builds-1"});
    let claims = [
        ("iss", json!("https://elsewhere.example")),
        ("sub", json!("nobody")),
        ("aud", json!("api://other")),
    ];
    let answer = mock.assert_federated(&header, &claims).await;
    assert_eq!((answer.0, code_of(&answer)), (401, 70021), "{}", answer.1);
}

#[tokio::test]
async fn issuer_subject_and_audience_must_equal_the_credentials() {
    let mock = Mock::new();
    mock.trust("daemon-secret");
    let good = json!({"alg": "RS256", "kid": "builds-1"});
    let long_ago = mock.tenant.now().as_second() - 3600;
    let cases = [
        (
            &good,
            ("iss", json!("https://token.builds.example/")),
            700211,
        ),
        (&good, ("sub", json!("repo:contoso/other")), 700213),
        (&good, ("sub", json!(SUBJECT.to_uppercase())), 7002138),
        (
            &good,
            ("aud", json!("api://AzureADTokenExchangeUSGov")),
            700212,
        ),
        (&good, ("exp", json!(long_ago)), 700024),
        (&good, ("scp", json!("User.Read")), 700229),
        (
            &json!({"alg": "ES256", "kid": "builds-1"}),
            ("jti", json!("1")),
            5002738,
        ),
        (
            &json!({"alg": "RS256", "kid": "old"}),
            ("jti", json!("1")),
            50032,
        ),
        (
            &json!({"alg": "RS256", "kid": "another"}),
            ("jti", json!("1")),
            700027,
        ),
        (
            &json!({"alg": "RS256", "kid": "unknown"}),
            ("jti", json!("1")),
            5000811,
        ),
    ];
    for (header, change, expected) in cases {
        let answer = mock
            .assert_federated(header, std::slice::from_ref(&change))
            .await;
        assert_eq!(
            code_of(&answer),
            expected,
            "{header} {change:?}: {}",
            answer.1
        );
    }
    let id = mock.facts.apps["daemon-secret"].client_id;
    let thumbprint = json!({"keys": [
        {"kty": "RSA", "kid": "builds-1", "n": "AQAB", "e": "AQAB", "x5t": "AAAA", "x5c": ["AAAA"]},
    ]});
    let unreadable = json!({"keys": [{"kty": "RSA", "kid": "builds-1"}]});
    for (jwks, expected) in [
        (Some(thumbprint), 500033),
        (Some(unreadable), 900612),
        (None, 90061),
    ] {
        mock.tenant.write(|directory| {
            let app = directory.applications.get_mut(&id).unwrap();
            app.federated_credentials[0].jwks = jwks;
        });
        let answer = mock.assert_federated(&good, &[]).await;
        assert_eq!(code_of(&answer), expected, "{}", answer.1);
        assert_eq!(answer.1["error"], "invalid_request", "{}", answer.1);
    }
    let certificate = Mock::new();
    let answer = certificate.assert_federated(&good, &[]).await;
    assert_eq!(
        code_of(&answer),
        700211,
        "no credential is registered: {}",
        answer.1
    );
}
