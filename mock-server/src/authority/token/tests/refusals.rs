//! Refusals that depend on the app, the policies and the origin, and what long-lived tokens say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

impl Mock {
    pub(super) fn happen(&self, event: &Event) {
        self.world.apply(&self.tenant, event).unwrap();
    }

    pub(super) async fn daemon(&self, more: &[(&str, &str)]) -> (u16, Value) {
        let (id, secret) = self.client("daemon-secret");
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("scope", GRAPH),
        ];
        form.retain(|(name, _)| more.iter().all(|(changed, _)| changed != name));
        form.extend(more);
        self.token(&form).await
    }

    async fn refresh_for(&self, token: &Value, scope: &str) -> (u16, Value) {
        let (id, _) = self.client("native-app");
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &id),
            ("refresh_token", token["refresh_token"].as_str().unwrap()),
            ("scope", scope),
        ])
        .await
    }
}

#[tokio::test]
async fn switched_off_and_deleted_apps_are_told_apart_from_bad_secrets() {
    let app = || "daemon-secret".to_owned();
    let mock = Mock::new();
    mock.happen(&Event::DisableApp { app: app() });
    assert_eq!(code_of(&mock.daemon(&[]).await), 7000112);
    mock.happen(&Event::EnableApp { app: app() });
    mock.happen(&Event::ExpireSecret { app: app() });
    let (status, body) = mock.daemon(&[]).await;
    assert_eq!(
        (status, &body["error"]),
        (401, &json!("invalid_client")),
        "{body}"
    );
    assert_eq!(body["error_codes"], json!([7000222]));
    mock.happen(&Event::DeleteApp { app: app() });
    let (status, body) = mock.daemon(&[]).await;
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("unauthorized_client")),
        "{body}"
    );
    assert_eq!(body["error_codes"], json!([700016]));
}

#[tokio::test]
async fn a_refresh_may_name_another_api_and_the_first_of_several_counts() {
    let mock = Mock::new();
    let (api, _) = mock.client("middle-tier-api");
    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    let both = format!("api://{api}/access_as_user https://graph.microsoft.com/Mail.ReadWrite");
    let (status, body) = mock.refresh_for(&token, &both).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["scope"], format!("api://{api}/access_as_user"));
    let refused = mock.refresh_for(&token, "Mail.Read.Shared").await;
    assert_eq!(code_of(&refused), 65001, "{}", refused.1);
    let unknown = mock
        .refresh_for(&token, "https://graph.microsoft.us/Mail.Read")
        .await;
    assert_eq!(code_of(&unknown), 500011, "{}", unknown.1);

    let (id, _) = mock.client("native-app");
    let alice = &mock.facts.users["alice"];
    let form = [
        ("grant_type", "password"),
        ("client_id", id.as_str()),
        ("username", alice.upn.as_str()),
        ("password", alice.password.as_str()),
        ("scope", both.as_str()),
    ];
    assert_eq!(mock.refused(&form).await, 28000);
}

#[tokio::test]
async fn passwords_need_a_tenant_that_can_be_known() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let alice = &mock.facts.users["alice"];
    let form = [
        ("grant_type", "password"),
        ("client_id", id.as_str()),
        ("username", alice.upn.as_str()),
        ("password", alice.password.as_str()),
        ("scope", "Mail.ReadWrite"),
    ];
    for (segment, expected) in [
        ("common", 9001023),
        ("consumers", 9001023),
        // A single-tenant app.
        ("organizations", 50194),
    ] {
        let path = format!("/{segment}/oauth2/v2.0/token");
        assert_eq!(
            code_of(&mock.post(&path, &form).await),
            expected,
            "{segment}"
        );
    }
}

#[tokio::test]
async fn policies_say_what_the_person_must_do() {
    let every = |event: fn(Option<String>, Option<String>) -> Event| event(None, None);
    let cases = [
        (
            every(|user, app| Event::RequireMfa { user, app }),
            50076,
            "basic_action",
        ),
        (
            every(|user, app| Event::BlockByPolicy {
                user,
                app,
                inside: None,
                outside: None,
            }),
            53003,
            "message_only",
        ),
        (
            every(|user, app| Event::RequireCompliantDevice { user, app }),
            53000,
            "additional_action",
        ),
    ];
    for (event, code, suberror) in cases {
        let mock = Mock::new();
        let token = mock.sign_in("offline_access Mail.ReadWrite").await;
        mock.happen(&event);
        let answer = mock.refresh(&token).await;
        assert_eq!(code_of(&answer), code, "{}", answer.1);
        assert_eq!(answer.1["suberror"], suberror, "{}", answer.1);
        let claims = answer.1["claims"].as_str().unwrap();
        assert!(claims.contains("capolids"), "{claims}");
    }
}

#[tokio::test]
async fn a_client_that_handles_challenges_gets_long_lived_tokens() {
    let mock = Mock::new();
    for spelling in ["cp1", "CP1"] {
        let claims = json!({"access_token": {"xms_cc": {"values": [spelling]}}}).to_string();
        let (_, body) = mock.daemon(&[("claims", &claims)]).await;
        assert_eq!(body["expires_in"], 86_399, "{body}");
    }
    let (_, body) = mock.daemon(&[]).await;
    let lifetime = body["expires_in"].as_u64().unwrap();
    assert!((3_599..=5_400).contains(&lifetime), "{lifetime}");
}

#[tokio::test]
async fn descriptions_break_lines_only_where_the_world_asks() {
    let mock = Mock::new();
    let description = |body: &Value| body["error_description"].as_str().unwrap().to_owned();
    let (_, body) = mock.daemon(&[("claims", "{")]).await;
    assert!(description(&body).contains(" Trace ID: "), "{body}");
    mock.tenant
        .write(|it| it.switches.error_description_line_breaks = true);
    let (_, body) = mock.daemon(&[("claims", "{")]).await;
    assert!(description(&body).contains("\r\nTrace ID: "), "{body}");
}

#[tokio::test]
async fn single_page_apps_come_from_another_origin_with_a_proof() {
    let mock = Mock::new();
    let (spa, _) = mock.client("spa-app");
    let uri = "https://spa.contoso.example/";
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let code = |challenge: bool| {
        mock.code(|code| {
            code.sign_in.client = mock.facts.apps["spa-app"].client_id;
            code.sign_in.client_class = ClientClass::Spa;
            code.redirect_uri = uri.to_owned();
            let text = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned();
            code.challenge = challenge.then(|| (text, "S256".to_owned()));
        })
    };
    let send = |client: String, secret: String, code: String, origin: bool| {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("client_id", &client),
                ("client_secret", &secret),
                ("code", &code),
                ("code_verifier", verifier),
                ("redirect_uri", uri),
                ("client_info", "1"),
            ])
            .finish();
        let mut request = Request::post(format!("/{}/oauth2/v2.0/token", mock.id()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if origin {
            request = request.header(header::ORIGIN, "https://spa.contoso.example");
        }
        mock.send(request.body(Body::from(body)).unwrap())
    };
    let (_, body, _) = send(spa.clone(), String::new(), code(true), false).await;
    assert_eq!(body["error_codes"], json!([9002327]), "{body}");
    let (_, body, _) = send(spa.clone(), String::new(), code(false), true).await;
    assert_eq!(body["error_codes"], json!([9002325]), "{body}");
    let (status, body, parts) = send(spa, String::new(), code(true), true).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(parts.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(body["refresh_token_expires_in"], 86_399, "{body}");
    let info = URL_SAFE_NO_PAD
        .decode(body["client_info"].as_str().unwrap())
        .unwrap();
    let info: Value = serde_json::from_slice(&info).unwrap();
    let alice = mock.facts.users["alice"].id;
    assert_eq!(info, json!({"uid": alice, "utid": mock.tenant.id}));

    let (own, secret) = mock.client("own-app");
    let (_, body, _) = send(own, secret, mock.code(|_| {}), true).await;
    assert_eq!(body["error_codes"], json!([9002326]), "{body}");
}

#[tokio::test]
async fn a_code_of_another_tenant_is_refused() {
    let mock = Mock::new();
    let (id, secret) = mock.client("vendor-app");
    let code = mock.code(|code| {
        code.sign_in.client = mock.facts.apps["vendor-app"].client_id;
    });
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost/callback"),
    ];
    let elsewhere = "/litware.onmicrosoft.com/oauth2/v2.0/token";
    let answer = mock.post(elsewhere, &form).await;
    assert_eq!(code_of(&answer), 700005, "{}", answer.1);
}

/// A code of a public client is bound to the device as its refresh token will be.
#[tokio::test]
async fn a_code_from_a_device_that_was_disabled_since_is_refused() {
    for (class, expected) in [
        (ClientClass::Public, 135011),
        (ClientClass::Confidential, 0),
    ] {
        let mock = Mock::new();
        let code = mock.code(|code| {
            code.sign_in.client_class = class;
            code.sign_in.compliant_device = true;
        });
        let user = "alice".to_owned();
        mock.happen(&Event::DisableDevice { user });
        let answer = mock.redeem(&code, &[]).await;
        assert_eq!(code_of(&answer), expected, "{answer:?}");
    }
}
