use std::sync::Arc;

use super::*;

fn keys() -> KeyRings {
    KeyRings::new(None)
}

fn spec(subject: Subject) -> AccessTokenSpec {
    AccessTokenSpec {
        issuer: Issuer::of_cloud(SignInCloud::UsGov),
        environment: Environment::UsGovL5,
        tenant: TenantId(Uuid::from_u128(1)),
        tenant_created: Timestamp::UNIX_EPOCH,
        country: "US".into(),
        audience: Audience {
            value: "https://dod-graph.microsoft.us".into(),
            resource: GRAPH_APPLICATION_ID.parse().unwrap(),
            version: 1,
        },
        client: ApplicationId(Uuid::from_u128(2)),
        client_name: "Connector".into(),
        client_authentication: 2,
        subject,
        issued: "2026-01-15T12:00:00.9Z".parse().unwrap(),
        moment: "2026-01-15T12:00:00.9Z".parse().unwrap(),
        lifetime: 3599,
        handles_claims_challenges: false,
        format: TokenFormat::Jwt,
    }
}

fn app_only() -> Subject {
    Subject::Application {
        object_id: ObjectId(Uuid::from_u128(3)),
        roles: BTreeSet::from(["Mail.Read".to_owned()]),
    }
}

fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn app_only_graph_tokens_have_the_v1_form() {
    let keys = keys();
    let key = keys.of(SignInCloud::UsGov).key(0);
    let token = mint_access_token(&spec(app_only()), &key, &Sealer::new(), &Random::seeded(1));
    let claims = payload(&token);
    assert_eq!(claims["ver"], "1.0");
    assert_eq!(
        claims["iss"],
        "https://sts.windows.net/00000000-0000-0000-0000-000000000001/"
    );
    assert_eq!(claims["aud"], "https://dod-graph.microsoft.us");
    assert_eq!(claims["idtyp"], "app");
    assert_eq!(claims["appidacr"], "2");
    assert_eq!(claims["roles"], json!(["Mail.Read"]));
    assert_eq!(claims["oid"], claims["sub"]);
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3900
    );
    assert_eq!(claims["iat"], claims["nbf"]);
    assert!(claims.get("scp").is_none());
    assert_eq!(claims["uti"].as_str().unwrap().len(), 22);
}

#[test]
fn without_roles_there_is_no_roles_claim() {
    let keys = keys();
    let key = keys.of(SignInCloud::UsGov).key(0);
    let subject = Subject::Application {
        object_id: ObjectId(Uuid::from_u128(3)),
        roles: BTreeSet::new(),
    };
    let token = mint_access_token(&spec(subject), &key, &Sealer::new(), &Random::seeded(1));
    assert!(payload(&token).get("roles").is_none());
}

fn is_signed(key: &SigningKey, message: &str, signature: &str) -> bool {
    let (key, algorithm) = (key.verifying(), Algorithm::RS256);
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap()
}

#[test]
fn only_graph_can_verify_a_graph_token() {
    let keys = keys();
    let key = keys.of(SignInCloud::UsGov).key(0);
    let sealer = Sealer::new();
    let token = mint_access_token(&spec(app_only()), &key, &sealer, &Random::seeded(1));
    let (claims, cloud) = verify_access_token(&token, &keys, &sealer).unwrap();
    assert_eq!(cloud, Some(SignInCloud::UsGov));
    assert!(claims.is_app_only());
    // A third party checks the text as it stands, and the nonce makes that fail.
    let (message, signature) = token.rsplit_once('.').unwrap();
    assert!(!is_signed(&key, message, signature));
}

#[test]
fn tokens_for_an_own_api_can_be_verified_by_anybody() {
    let keys = keys();
    let key = keys.of(SignInCloud::Global).key(0);
    let mut spec = spec(app_only());
    spec.environment = Environment::Office365;
    spec.issuer = Issuer::of_cloud(SignInCloud::Global);
    spec.audience = Audience {
        value: Uuid::from_u128(9).to_string(),
        resource: ApplicationId(Uuid::from_u128(9)),
        version: 2,
    };
    let token = mint_access_token(&spec, &key, &Sealer::new(), &Random::seeded(1));
    let (message, signature) = token.rsplit_once('.').unwrap();
    assert!(is_signed(&key, message, signature));
    let claims = payload(&token);
    assert_eq!(claims["ver"], "2.0");
    assert!(
        claims["iss"]
            .as_str()
            .unwrap()
            .starts_with("https://login.microsoftonline.com/")
    );
    assert!(claims.get("azp").is_some() && claims.get("appid").is_none());
}

#[test]
fn changed_tokens_are_refused_by_what_is_wrong() {
    let keys = keys();
    let key = keys.of(SignInCloud::Global).key(0);
    let sealer = Sealer::new();
    let token = mint_access_token(&spec(app_only()), &key, &sealer, &Random::seeded(1));
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = payload(&token);
    claims["roles"] = json!(["Mail.ReadWrite"]);
    let forged = format!("{}.{}.{}", parts[0], encode(&claims), parts[2]);
    let none = encode(&json!({"alg": "none", "kid": key.kid()}));
    let unknown = encode(&json!({"alg": "RS256", "kid": "else"}));
    let cases = [
        (forged, VerifyError::Signature),
        (format!("{none}.{}.", parts[1]), VerifyError::Algorithm),
        (
            format!("{unknown}.{}.{}", parts[1], parts[2]),
            VerifyError::UnknownKey,
        ),
        ("a.b".to_owned(), VerifyError::Malformed),
        ("Ewrubbish".to_owned(), VerifyError::Malformed),
        (String::new(), VerifyError::Malformed),
    ];
    for (text, expected) in cases {
        assert_eq!(
            verify_access_token(&text, &keys, &sealer).unwrap_err(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_mock_takes_no_tokens_of_another_that_has_its_keys() {
    let keys = keys();
    let key = keys.of(SignInCloud::Global).key(0);
    let (own, another) = (Sealer::new(), Sealer::new());
    for format in [TokenFormat::Jwt, TokenFormat::Large, TokenFormat::Opaque] {
        let mut spec = spec(app_only());
        spec.format = format;
        let token = mint_access_token(&spec, &key, &another, &Random::seeded(1));
        assert!(keys.verify(&token, &own).is_err(), "{format:?}");
        assert!(keys.verify(&token, &another).is_ok(), "{format:?}");
        // Also when it is known that the signature is good.
        assert!(keys.verify(&token, &own).is_err(), "{format:?}");
        // Who takes over the other's state takes its tokens.
        let heir = Sealer::from_secret(another.secret());
        assert!(keys.verify(&token, &heir).is_ok(), "{format:?}");
    }
    let token = mint_access_token(&spec(app_only()), &key, &another, &Random::seeded(1));
    let refusal = keys.verify(&token, &own).unwrap_err();
    assert_eq!(refusal, VerifyError::OfAnotherMock);
}

#[test]
fn opaque_tokens_cannot_be_read_and_still_verify() {
    let keys = keys();
    let key = keys.of(SignInCloud::UsGov).key(0);
    let sealer = Sealer::new();
    let mut spec = spec(app_only());
    spec.format = TokenFormat::Opaque;
    let token = mint_access_token(&spec, &key, &sealer, &Random::seeded(1));
    assert!(!token.contains('.'));
    let (claims, _) = verify_access_token(&token, &keys, &sealer).unwrap();
    assert_eq!(claims.roles, ["Mail.Read"]);
}

#[test]
fn lifetimes_are_drawn_from_the_documented_range() {
    let random = Random::seeded(3);
    let drawn: Vec<u32> = (0..200).map(|_| Lifetime::Default.draw(&random)).collect();
    assert!(drawn.iter().all(|it| (3599..5400).contains(it)));
    assert!(drawn.iter().any(|it| *it != drawn[0]));
    assert_eq!(Lifetime::Policy(600).draw(&random), 599);
    let long = Lifetime::ContinuousAccessEvaluation.draw(&random);
    assert!((71_999..100_800).contains(&long));
}

#[test]
fn a_token_is_verified_once_until_other_keys_count() {
    let (rings, others) = (keys(), keys());
    let sealer = Sealer::new();
    let key = rings.of(SignInCloud::UsGov).key(0);
    let mint = |seed| mint_access_token(&spec(app_only()), &key, &sealer, &Random::seeded(seed));
    let token = mint(1);
    let first = rings.verify(&token, &sealer).unwrap();
    let again = rings.verify(&token, &sealer).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    // Another text with the same claims is another token.
    let (message, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{message}.AAAA");
    assert!(rings.verify(&forged, &sealer).is_err());
    // The oldest make room.
    for seed in 2..1_100 {
        rings.verify(&mint(seed), &sealer).unwrap();
    }
    let anew = rings.verify(&token, &sealer).unwrap();
    assert!(!Arc::ptr_eq(&first, &anew));
    // A state that is restored brings keys of its own.
    others.of(SignInCloud::UsGov).key(0);
    rings.restore(&others.stored()).unwrap();
    assert!(rings.verify(&token, &sealer).is_err());
}

#[test]
fn a_sealed_token_ends_with_its_secret_even_if_it_was_in_use() {
    let rings = keys();
    let key = rings.of(SignInCloud::UsGov).key(0);
    let sealer = Sealer::new();
    let spec = AccessTokenSpec {
        format: TokenFormat::Opaque,
        ..spec(app_only())
    };
    let token = mint_access_token(&spec, &key, &sealer, &Random::seeded(1));
    assert!(rings.verify(&token, &sealer).is_ok());
    sealer.renew();
    assert!(rings.verify(&token, &sealer).is_err());
}
