//! A client's assertion names its key, at every grant that takes one, in each spelling that real
//! clients have; whatever names another key is refused.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaSignatureEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::super::*;
use super::valid::{Bench, By, Flow, Grant, VERSIONS};

/// Those that are accepted.
const ALGORITHMS: [(&str, &RsaSignatureEncoding); 6] = [
    ("RS256", &RSA_PKCS1_SHA256),
    ("RS384", &RSA_PKCS1_SHA384),
    ("RS512", &RSA_PKCS1_SHA512),
    ("PS256", &RSA_PSS_SHA256),
    ("PS384", &RSA_PSS_SHA384),
    ("PS512", &RSA_PSS_SHA512),
];

/// The names that a header may give to the key of the mock's certificate, each with the code of
/// its refusal; none where it is a right one.
///
/// Source of the wrong ones: MicrosoftDocs/entra-docs#1607 and #1301. Unverified: that a thumbprint
/// counts before a `kid`.
fn names(certificate: &[u8], key_id: &str) -> Vec<(Value, Option<u32>)> {
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
    let sha256 = digest(&SHA256, certificate);
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|it| format!("{it:02X}")).collect() };
    let (hex1, hex256) = (hex(sha1.as_ref()), hex(sha256.as_ref()));
    let (x5t, x5t256) = (URL_SAFE_NO_PAD.encode(sha1), URL_SAFE_NO_PAD.encode(sha256));
    let unknown = Some(700027);
    vec![
        (json!({ "x5t": x5t }), None),
        (json!({"x5t": URL_SAFE.encode(sha1)}), None),
        (json!({"x5t": STANDARD.encode(sha1)}), None),
        (json!({ "x5t#S256": x5t256 }), None),
        (json!({"x5t#S256": STANDARD.encode(sha256)}), None),
        (json!({"x5t": x5t, "x5t#S256": x5t256}), None),
        (json!({ "kid": hex1 }), None),
        (json!({"kid": hex1.to_lowercase()}), None),
        (json!({ "kid": x5t }), None),
        (json!({ "kid": key_id }), None),
        (
            json!({"kid": "a name of the client's own", "x5t#S256": x5t256}),
            None,
        ),
        (json!({ "x5t": x5t256 }), unknown),
        (json!({ "x5t#S256": x5t }), unknown),
        (json!({ "x5t": hex1 }), unknown),
        (json!({ "x5t#S256": hex256 }), unknown),
        (json!({"x5t": URL_SAFE_NO_PAD.encode(&hex1)}), unknown),
        (json!({"x5t": x5t, "x5t#S256": "AAAA"}), unknown),
        (json!({"x5t": "AAAA", "x5t#S256": x5t256}), unknown),
        (json!({"x5t": "AAAA", "kid": hex1}), unknown),
        (json!({"x5t": "no base64!"}), unknown),
        (
            json!({"kid": "11111111-2222-4333-8444-555555555555"}),
            unknown,
        ),
        (json!({"kid": format!("{hex1}0")}), unknown),
        (json!({"kid": ""}), Some(5002723)),
        (json!({"x5t": ["a list"]}), Some(5002723)),
        (json!({}), Some(5002723)),
    ]
}

/// Answers by the code of the refusal; none for a token.
async fn send(bench: &Bench, grant: Grant, version: u8, assertion: String) -> Option<u32> {
    let mut asked = bench.valid(grant, version).await;
    asked.set("client_assertion", assertion);
    let (status, body) = bench.send(&asked).await;
    if status == 200 {
        assert!(body["access_token"].is_string(), "{body}");
        return None;
    }
    u32::try_from(body["error_codes"][0].as_u64().unwrap()).ok()
}

fn with(of: By) -> impl Iterator<Item = Grant> {
    Grant::ALL.into_iter().filter(move |grant| grant.by == of)
}

#[tokio::test]
async fn a_certificate_is_named_in_many_ways_and_another_is_refused_at_every_grant() {
    let mut wrong = Vec::new();
    for grant in with(By::Certificate) {
        let bench = Bench::new(grant);
        let key_id = bench.0.tenant.read(|directory| {
            let app = &directory.applications[&bench.app(grant.client())];
            app.certificates[0].key_id.to_string()
        });
        for version in VERSIONS {
            for (name, expected) in names(&bench.0.certificate.certificate, &key_id) {
                for (algorithm, signing) in ALGORITHMS {
                    let assertion = bench.assertion_by(grant, signing, |header, _| {
                        *header = name.clone();
                        header["alg"] = json!(algorithm);
                    });
                    let code = send(&bench, grant, version, assertion).await;
                    if code != expected {
                        wrong.push(format!("{grant:?} v{version} {algorithm} {name}: {code:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_assertion_needs_no_id_and_may_come_twice_at_every_grant() {
    for grant in with(By::Certificate).chain(with(By::Federated)) {
        let bench = Bench::new(grant);
        for version in VERSIONS {
            for id in [json!(null), json!(""), json!("1"), json!(1), json!("1")] {
                let assertion = bench.assertion(grant, |header, claims| {
                    header["typ"] = json!("jwt");
                    claims["jti"] = id.clone();
                });
                let code = send(&bench, grant, version, assertion).await;
                assert_eq!(code, None, "{grant:?} v{version} {id}");
            }
        }
    }
}

#[tokio::test]
async fn the_assertion_of_another_app_is_no_good_at_any_grant() {
    for grant in with(By::Certificate) {
        let bench = Bench::new(grant);
        // The other app has the same certificate: only who says it differs.
        let other = if grant.flow == Flow::App {
            "own-app"
        } else {
            "daemon-certificate"
        };
        let other = bench.0.client(other).0;
        for version in VERSIONS {
            for changed in [&["iss", "sub"][..], &["iss"], &["sub"]] {
                let assertion = bench.assertion(grant, |_, claims| {
                    for name in changed {
                        claims[*name] = json!(other);
                    }
                });
                let code = send(&bench, grant, version, assertion).await;
                let expected = if changed == ["sub"] { 50048 } else { 700021 };
                assert_eq!(code, Some(expected), "{grant:?} v{version} {changed:?}");
            }
        }
    }
}
