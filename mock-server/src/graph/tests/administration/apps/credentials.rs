//! What an app signs in with: secrets, certificates, and issuers that it trusts.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;

#[tokio::test]
async fn a_removed_secret_is_refused_and_a_new_one_works() {
    let office = Office::new();
    let app = office.application("daemon-secret");
    let read = office.get(&office.admin(APPS), &app).await;
    let old = &read["passwordCredentials"][0];
    assert_eq!(old["secretText"], Value::Null);
    let add = format!("{app}/addPassword");
    let body = json!({"passwordCredential": {"displayName": "second"}});
    let made = office.refused_then(APPS, "POST", &add, body, 200).await;
    let new = made.body["secretText"].as_str().unwrap();
    assert_eq!(new.len(), 40);
    for secret in [office.secret(), new] {
        assert_eq!(code(&office.daemon(secret).await), 0);
    }
    let remove = format!("{app}/removePassword");
    let body = json!({"keyId": old["keyId"]});
    office
        .refused_then(APPS, "POST", &remove, body.clone(), 204)
        .await;
    assert_eq!(code(&office.daemon(office.secret()).await), 7000215);
    assert_eq!(code(&office.daemon(new).await), 0);
    office
        .call(&office.admin(APPS), "POST", &remove, body)
        .await
        .expect(400);
}

fn signed(claims: &Value) -> String {
    let der = PrivatePkcs8KeyDer::from_pem_slice(CERTIFICATE.key_pem.as_bytes()).unwrap();
    let key = KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let thumbprint = CERTIFICATE.sha256_thumbprint();
    let header = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": thumbprint});
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn keys_are_rolled_with_a_proof_of_possession() {
    let office = Office::new();
    let app = office.application("daemon-certificate");
    let id = office.object_id(&app).await;
    let now = office.bench.tenant.now().as_second();
    let proof = |change: &dyn Fn(&mut Value)| {
        let mut claims = json!({
            "aud": "00000002-0000-0000-c000-000000000000", "iss": id,
            "nbf": now, "exp": now + 600,
        });
        change(&mut claims);
        signed(&claims)
    };
    let other =
        ClientCertificate::generate("other", Validity::Now, "pw", office.bench.tenant.now());
    let body = |proof: String| {
        json!({
            "keyCredential": {
                "type": "AsymmetricX509Cert", "usage": "Verify",
                "key": STANDARD.encode(&other.certificate), "displayName": "the second",
            },
            "passwordCredential": null,
            "proof": proof,
        })
    };
    let add = format!("{app}/addKey");
    let admin = office.admin(APPS);
    let good = proof(&|_| {});
    let mut forged = good.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for wrong in [
        proof(&|it| it["aud"] = json!("00000003-0000-0000-c000-000000000000")),
        proof(&|it| it["iss"] = json!(now)),
        proof(&|it| it["exp"] = json!(now + 3600)),
        proof(&|it| {
            it["nbf"] = json!(now - 3600);
            it["exp"] = json!(now - 3000);
        }),
        forged,
        "not a token".to_owned(),
    ] {
        office
            .call(&admin, "POST", &add, body(wrong))
            .await
            .expect(400);
    }
    let made = office
        .refused_then(APPS, "POST", &add, body(good.clone()), 200)
        .await;
    assert_eq!(made.body["usage"], "Verify");
    assert_eq!(made.body["displayName"], "the second");
    let read = office
        .get(&admin, &format!("{app}?$select=keyCredentials"))
        .await;
    let keys = read["keyCredentials"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[1]["displayName"], "the second");
    // The old one goes: assertions that it signs are refused.
    let assertion = async || {
        let client = office.app_id("daemon-certificate");
        let audience = format!(
            "https://login.microsoftonline.com/{}/oauth2/v2.0/token",
            office.bench.tenant.id
        );
        let claims = json!({"aud": audience, "iss": client, "sub": client, "exp": now + 600, "nbf": now, "jti": "1"});
        let signed = signed(&claims);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", signed.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        code(&office.token(&form).await)
    };
    assert_eq!(assertion().await, 0);
    let remove = format!("{app}/removeKey");
    let body = json!({"keyId": keys[0]["keyId"], "proof": good});
    office.refused_then(APPS, "POST", &remove, body, 204).await;
    assert_eq!(assertion().await, 700027);
    // And the list as a whole is replaced.
    let body = json!({"keyCredentials": []});
    office.call(&admin, "PATCH", &app, body).await.expect(204);
    let read = office.get(&admin, &app).await;
    assert_eq!(read["keyCredentials"], json!([]));
}

#[tokio::test]
async fn federated_credentials_are_listed_made_and_deleted() {
    let office = Office::new();
    let admin = office.admin(APPS);
    let app = office.application("own-app");
    let path = format!("{app}/federatedIdentityCredentials");
    let body = json!({
        "name": "ci", "issuer": "https://ci.example", "subject": "repo:one",
        "audiences": ["api://AzureADTokenExchange"], "description": "the build",
    });
    let made = office
        .refused_then(APPS, "POST", &path, body.clone(), 201)
        .await;
    office.call(&admin, "POST", &path, body).await.expect(409);
    let one = format!("{path}/{}", made.id());
    assert_eq!(office.get(&admin, &one).await["subject"], "repo:one");
    assert_eq!(office.get(&admin, &one).await["description"], "the build");
    let claims = json!({
        "iss": "https://ci.example", "sub": "repo:one", "aud": "api://AzureADTokenExchange",
        "exp": office.bench.tenant.now().as_second() + 600,
    });
    let ask = async || {
        let assertion = signed(&claims);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*office.app_id("own-app")),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        code(&office.token(&form).await)
    };
    // The keys of the issuer are not known, but the issuer is.
    assert_eq!(ask().await, 90061);
    office
        .refused_then(APPS, "DELETE", &one, Value::Null, 204)
        .await;
    assert_eq!(ask().await, 700211);
    assert_eq!(office.get(&admin, &path).await["value"], json!([]));
}
