//! What holds for all grants: members, headers, tenants, credentials.

use super::*;

#[tokio::test]
async fn client_credentials_answer_exactly_the_documented_members() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", GRAPH),
    ];
    let (status, body) = mock.token(&form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        members(&body),
        ["token_type", "expires_in", "ext_expires_in", "access_token"]
    );
    assert!(body["expires_in"].is_u64());

    let v1 = format!("/{}/oauth2/token", mock.id());
    let form = [&form[..3], &[("resource", "https://graph.microsoft.com/")]].concat();
    let (status, body) = mock.post(&v1, &form).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["expires_in"].is_string() && body["expires_on"].is_string());
    assert_eq!(body["resource"], "https://graph.microsoft.com/");
}

#[tokio::test]
async fn basic_credentials_count_raw_and_encoded() {
    use base64::Engine as _;
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for secret in [secret, encoded] {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::post(format!("/{}/oauth2/v2.0/token", mock.id()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .body(Body::from(format!(
                "grant_type=client_credentials&scope={GRAPH}"
            )))
            .unwrap();
        let (status, body, _) = mock.send(request).await;
        assert_eq!(status, 200, "{body}");
    }
}

#[tokio::test]
async fn each_mistake_of_an_app_has_its_code() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let (native, _) = mock.client("native-app");
    let base = |more: &[(&'static str, &'static str)]| {
        let mut form: Vec<(&str, String)> = vec![
            ("grant_type", "client_credentials".into()),
            ("client_id", id.clone()),
            ("client_secret", secret.clone()),
            ("scope", GRAPH.into()),
        ];
        for (name, value) in more {
            form.retain(|(field, _)| field != name);
            if !value.is_empty() {
                form.push((name, (*value).to_owned()));
            }
        }
        form
    };
    let cases: [(&[(&str, &str)], u64); 13] = [
        (&[("grant_type", "")], 900144),
        (&[("grant_type", "implicit")], 70003),
        (&[("client_id", "")], 900144),
        (&[("client_id", "not-a-guid")], 700016),
        (
            &[("client_id", "11111111-2222-3333-4444-555555555555")],
            700016,
        ),
        (&[("client_secret", "wrong")], 7000215),
        (&[("client_secret", "")], 7000216),
        (&[("scope", "")], 900144),
        (
            &[("scope", "https://graph.microsoft.com/Mail.Read")],
            1002012,
        ),
        (&[("scope", "https://graph.microsoft.us/.default")], 500011),
        (&[("scope", "https://nobody.example/.default")], 500011),
        (&[("resource", "https://graph.microsoft.com/")], 9010010),
        (&[("claims", "no json")], 9002313),
    ];
    for (change, expected) in cases {
        let form = base(change);
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(mock.refused(&form).await, expected, "{change:?}");
    }
    let public = [
        ("grant_type", "refresh_token"),
        ("client_id", native.as_str()),
        ("client_secret", "s"),
        (
            "refresh_token",
            mock.sign_in("offline_access Mail.ReadWrite").await["refresh_token"]
                .as_str()
                .unwrap(),
        ),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let public: Vec<(&str, &str)> = public
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(mock.refused(&public).await, 700025);
    let twice = [
        ("grant_type", "password"),
        ("client_id", "a"),
        ("client_id", "b"),
    ];
    assert_eq!(mock.refused(&twice).await, 9000411);
}

#[tokio::test]
async fn tenants_are_found_by_id_and_domain_and_others_refused() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", GRAPH),
    ];
    let cases = [
        ("contoso.onmicrosoft.com", 0),
        ("CONTOSO.onmicrosoft.com", 0),
        ("common", 50059),
        ("organizations", 50059),
        ("nobody.example", 90002),
        ("11111111-2222-3333-4444-555555555555", 90002),
        // The tenant of another cloud.
        ("contosochina.partner.onmschina.cn", 90002),
        ("contoso", 900023),
    ];
    for (segment, expected) in cases {
        let answer = mock
            .post(&format!("/{segment}/oauth2/v2.0/token"), &form)
            .await;
        assert_eq!(code_of(&answer), expected, "{segment}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_refusal_has_the_services_members_and_headers() {
    let mock = Mock::new();
    let request = Request::post(format!("/{}/oauth2/v2.0/token", mock.id()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("client-request-id", "5b2cfa1c-0c22-4f6e-9f43-6e0b2b1f8a11")
        .body(Body::from("grant_type=\"<x>\\&client_id=a"))
        .unwrap();
    let (status, body, parts) = mock.send(request).await;
    assert_eq!(status, 400);
    assert_eq!(
        members(&body),
        [
            "error",
            "error_description",
            "error_codes",
            "timestamp",
            "trace_id",
            "correlation_id"
        ]
    );
    let header = |name: &str| parts.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("x-ms-request-id"),
        body["trace_id"].as_str().unwrap()
    );
    assert_eq!(
        body["correlation_id"],
        "5b2cfa1c-0c22-4f6e-9f43-6e0b2b1f8a11"
    );
    assert_eq!(header("cache-control"), "no-store, no-cache");
    assert_eq!(header("x-ms-clitelem"), "1,70003,0,,");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with("AADSTS70003: "), "{description}");
    assert!(!description.contains(['"', '\\', '\n']), "{description}");
}

#[tokio::test]
async fn only_posted_forms_are_read() {
    let mock = Mock::new();
    let path = format!("/{}/oauth2/v2.0/token", mock.id());
    let get = Request::get(&path).body(Body::empty()).unwrap();
    let refused = mock.send(get).await.1;
    assert_eq!(refused["error_codes"], json!([900561]));
    let told = refused["error_description"].as_str().unwrap();
    let text = "The endpoint only accepts POST, OPTIONS requests. Received a GET request.";
    assert!(told.contains(text), "{told}");
    let json = Request::post(&path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("{\"grant_type\":\"client_credentials\"}"))
        .unwrap();
    assert_eq!(mock.send(json).await.1["error_codes"], json!([900144]));
}

#[tokio::test]
async fn a_code_is_redeemed_once_by_its_client_with_its_proof() {
    let mock = Mock::new();
    let code = mock.code(|_| {});
    let (status, body) = mock.redeem(&code, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body["refresh_token"].is_string() && body["id_token"].is_string(),
        "{body}"
    );
    assert!(body["scope"].as_str().unwrap().contains("Mail.Read"));
    assert_eq!(code_of(&mock.redeem(&code, &[]).await), 54005);

    let old = mock.code(|code| {
        code.issued = code
            .issued
            .saturating_sub(SignedDuration::from_mins(10))
            .unwrap();
    });
    assert_eq!(code_of(&mock.redeem(&old, &[]).await), 70008);
    let elsewhere = [("redirect_uri", "http://localhost/other")];
    assert_eq!(
        code_of(&mock.redeem(&mock.code(|_| {}), &elsewhere).await),
        500112
    );
    let other_client = mock.code(|code| {
        code.sign_in.client = mock.facts.apps["daemon-secret"].client_id;
    });
    assert_eq!(code_of(&mock.redeem(&other_client, &[]).await), 700007);
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let with_challenge = || {
        mock.code(|code| {
            let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned();
            code.challenge = Some((challenge, "S256".to_owned()));
        })
    };
    assert_eq!(code_of(&mock.redeem(&with_challenge(), &[]).await), 50148);
    let wrong = [(
        "code_verifier",
        "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong",
    )];
    assert_eq!(
        code_of(&mock.redeem(&with_challenge(), &wrong).await),
        501481
    );
    let right = [("code_verifier", verifier)];
    assert_eq!(mock.redeem(&with_challenge(), &right).await.0, 200);
    assert_eq!(code_of(&mock.redeem("rubbish", &[]).await), 9002313);
}

#[tokio::test]
async fn a_used_refresh_token_lives_on_unless_rotation_is_strict() {
    let mock = Mock::new();
    let first = mock
        .sign_in("openid offline_access https://graph.microsoft.com/Mail.ReadWrite")
        .await;
    let (status, second) = mock.refresh(&first).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(
        mock.refresh(&first).await.0,
        200,
        "the service neither revokes nor notices"
    );
    mock.tenant.write(|it| it.switches.strict_rotation = true);
    assert_eq!(mock.refresh(&second).await.0, 200);
    assert_eq!(code_of(&mock.refresh(&second).await), 50173);
}

#[tokio::test]
async fn revocation_and_inactivity_end_a_refresh_token_for_their_reason() {
    let mock = Mock::new();
    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    mock.tenant
        .clock
        .advance(SignedDuration::from_hours(24 * 89));
    assert_eq!(mock.refresh(&token).await.0, 200);
    mock.tenant.clock.advance(SignedDuration::from_hours(24));
    let answer = mock.refresh(&token).await;
    assert_eq!(code_of(&answer), 700082);

    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    let revoke = Event::RevokeSessions {
        user: "alice".to_owned(),
        by: RevokedBy::Admin,
    };
    mock.world.apply(&mock.tenant, &revoke).unwrap();
    let (status, body) = mock.refresh(&token).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(body["error_codes"], json!([50173]));
    assert_eq!(body["suberror"], "bad_token");

    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    let withdraw = Event::RevokeConsent {
        app: "native-app".to_owned(),
        user: None,
    };
    mock.world.apply(&mock.tenant, &withdraw).unwrap();
    let (_, body) = mock.refresh(&token).await;
    assert_eq!(body["error_codes"], json!([65001]));
    assert_eq!(body["suberror"], "consent_required");
}

#[tokio::test]
async fn passwords_are_checked_as_documented() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let alice = mock.facts.users["alice"].clone();
    let ask = |user: &str, password: &str| {
        let form = [
            ("grant_type", "password".to_owned()),
            ("client_id", id.clone()),
            ("username", user.to_owned()),
            ("password", password.to_owned()),
            ("scope", "Mail.ReadWrite".to_owned()),
        ];
        let mock = &mock;
        async move {
            let form: Vec<(&str, &str)> = form
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            mock.refused(&form).await
        }
    };
    assert_eq!(ask(&alice.upn, "wrong").await, 50126);
    assert_eq!(ask("nobody@contoso.onmicrosoft.com", "x").await, 50034);
    let expire = Event::ExpirePassword {
        user: "alice".to_owned(),
    };
    mock.world.apply(&mock.tenant, &expire).unwrap();
    assert_eq!(ask(&alice.upn, &alice.password).await, 50055);
    let disable = Event::DisableUser {
        user: "alice".to_owned(),
    };
    mock.world.apply(&mock.tenant, &disable).unwrap();
    assert_eq!(ask(&alice.upn, &alice.password).await, 50057);
}

/// Source: AzureAD/microsoft-authentication-library-for-dotnet#2255;
/// learn.microsoft.com/entra/identity-platform/v2-oauth-ropc.
#[tokio::test]
async fn people_of_other_tenants_sign_in_by_password_as_guests_alone() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let home = mock
        .world
        .tenant_of_domain(mock.tenant.environment.cloud(), "litware.onmicrosoft.com");
    let home = home.unwrap();
    let ask = |user: &str, password: &str| {
        let form = [
            ("grant_type", "password".to_owned()),
            ("client_id", id.clone()),
            ("username", user.to_owned()),
            ("password", password.to_owned()),
            ("scope", "Mail.ReadWrite openid profile".to_owned()),
        ];
        let mock = &mock;
        async move {
            let form: Vec<(&str, &str)> = form
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            mock.token(&form).await
        }
    };
    let guest = mock.facts.users["guest"].clone();
    let mut foreigner = mock
        .tenant
        .read(|it| it.find_user("alice").unwrap().clone());
    foreigner.id = crate::directory::ObjectId(Uuid::from_u128(77));
    foreigner.user_principal_name =
        crate::directory::UserPrincipalName::new("zoe@litware.onmicrosoft.com");
    foreigner.password = "Pw-zoe".to_owned();
    let mut at_home = foreigner.clone();
    at_home.id = crate::directory::ObjectId(Uuid::from_u128(78));
    at_home.user_principal_name =
        crate::directory::UserPrincipalName::new("guest@litware.onmicrosoft.com");
    at_home.password = "Pw-at-home".to_owned();
    // Whose account at home is not there signs in with the password that the seed gives.
    assert_eq!(
        ask("guest@litware.onmicrosoft.com", &guest.password)
            .await
            .0,
        200
    );
    home.write(|it| {
        it.users.insert(foreigner.id, foreigner.clone());
        it.users.insert(at_home.id, at_home.clone());
    });
    let (status, body) = ask("guest@litware.onmicrosoft.com", "Pw-at-home").await;
    assert_eq!(status, 200, "{body}");
    let claims = crate::token::jws::Jwt::parse(body["id_token"].as_str().unwrap()).unwrap();
    assert_eq!(
        claims.claim_text("oid"),
        Some(guest.id.to_string().as_str())
    );
    for (user, password, code) in [
        (
            "guest@litware.onmicrosoft.com",
            guest.password.as_str(),
            50126,
        ),
        (guest.upn.as_str(), guest.password.as_str(), 50126),
        ("zoe@litware.onmicrosoft.com", "wrong", 50126),
        ("nobody@litware.onmicrosoft.com", "x", 50034),
    ] {
        assert_eq!(code_of(&ask(user, password).await), code, "{user}");
    }
    let (status, body) = ask("zoe@litware.onmicrosoft.com", "Pw-zoe").await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    let issuer = mock.tenant.environment.cloud().v1_issuer(home.id);
    let text = format!(
        "AADSTS50020: User account '{{EUII Hidden}}' from identity provider '{issuer}' does not exist in \
         tenant '{}' and cannot access the application '{id}'(Contoso Desktop) in that tenant. ",
        mock.tenant.read(|it| it.display_name.clone())
    );
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&text), "{description}");
}
