//! The machine half of the device-code flow; what the person does stands with the pages.

use super::*;

const URN: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl Mock {
    async fn device(&self, segment: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.post(&format!("/{segment}/oauth2/v2.0/devicecode"), form)
            .await
    }

    async fn poll(&self, grant: &str, client: &str, code: &[(&str, &str)]) -> (u16, Value) {
        let mut form = vec![("grant_type", grant), ("client_id", client)];
        form.extend(code);
        self.token(&form).await
    }

    /// The vendor's app is in the tenant.
    fn let_vendor_in(&self) {
        let app = self.facts.apps["vendor-app"].client_id;
        let id = crate::directory::ObjectId(self.world.random.uuid());
        let now = self.tenant.now();
        self.tenant.write(|directory| {
            let home = directory.id;
            let principal = crate::directory::ServicePrincipal::new(id, app, home, now);
            directory.add_principal(principal);
        });
    }
}

#[tokio::test]
async fn a_device_gets_its_codes_with_the_documented_members() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let form = [("client_id", id.as_str()), ("scope", "Mail.ReadWrite")];
    let (status, body) = mock.device(&mock.id(), &form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        members(&body),
        [
            "user_code",
            "device_code",
            "verification_uri",
            "expires_in",
            "interval",
            "message"
        ]
    );
    assert_eq!(
        (&body["expires_in"], &body["interval"]),
        (&json!(900), &json!(5))
    );
    assert_eq!(body["user_code"].as_str().unwrap().len(), 9);
    assert!(
        body["message"].as_str().unwrap().contains("devicelogin"),
        "{body}"
    );

    let v1 = format!("/{}/oauth2/devicecode", mock.id());
    let form = [
        ("client_id", id.as_str()),
        ("resource", "https://graph.microsoft.com"),
    ];
    let (status, body) = mock.post(&v1, &form).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["verification_url"].is_string(), "{body}");
    assert_eq!(
        (&body["expires_in"], &body["interval"]),
        (&json!("900"), &json!("5"))
    );
}

#[tokio::test]
async fn polls_in_all_spellings_wait_for_the_person() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let (other, _) = mock.client("unconsented-app");
    let form = [("client_id", id.as_str()), ("scope", "Mail.ReadWrite")];
    for segment in [mock.id(), "contoso.onmicrosoft.com".to_owned()] {
        for grant in [URN, "device_code"] {
            let (_, body) = mock.device(&segment, &form).await;
            let code = body["device_code"].as_str().unwrap();
            // MSAL for Python sends both names.
            let both = [("device_code", code), ("code", code)];
            let (status, body) = mock.poll(grant, &id, &both).await;
            assert_eq!(
                (status, &body["error"]),
                (400, &json!("authorization_pending")),
                "{body}"
            );
            assert_eq!(body["error_codes"], json!([70016]));
            let (_, body) = mock.poll(grant, &id, &both).await;
            assert_eq!(body["error"], "slow_down", "{body}");
        }
    }
    let (_, body) = mock.device(&mock.id(), &form).await;
    let code = body["device_code"].as_str().unwrap().to_owned();
    let answer = mock.poll(URN, &other, &[("device_code", &code)]).await;
    assert_eq!(code_of(&answer), 700007);
    let (_, body) = mock.poll(URN, &id, &[("device_code", "unknown")]).await;
    assert_eq!(body["error_codes"], json!([7000014]), "{body}");
    assert_eq!(body["error"], "invalid_grant", "{body}");
    assert_eq!(body["error_uri"], Value::Null, "{body}");
    assert_eq!(code_of(&mock.poll(URN, &id, &[]).await), 900144);

    mock.tenant.clock.advance(SignedDuration::from_mins(15));
    let (status, body) = mock.poll(URN, &id, &[("device_code", &code)]).await;
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("expired_token")),
        "{body}"
    );
}

#[tokio::test]
async fn a_device_code_is_good_once_and_where_it_was_asked_for() {
    let mock = Mock::new();
    let (vendor, secret) = mock.client("vendor-app");
    let form = [("client_id", vendor.as_str()), ("scope", "User.Read")];
    let home = mock.facts.apps["vendor-app"].tenant_id.to_string();
    let (status, body) = mock.device(&home, &form).await;
    assert_eq!(status, 200, "{body}");
    let code = body["device_code"].as_str().unwrap();
    let with_secret = [("device_code", code), ("client_secret", secret.as_str())];
    mock.let_vendor_in();
    let elsewhere = mock.poll(URN, &vendor, &with_secret).await;
    assert_eq!(code_of(&elsewhere), 700005, "{}", elsewhere.1);

    let (id, _) = mock.client("native-app");
    let form = [("client_id", id.as_str()), ("scope", "User.Read")];
    let (_, body) = mock.device(&mock.id(), &form).await;
    let code = body["device_code"].as_str().unwrap().to_owned();
    let now = mock.tenant.now();
    let sign_in = SignIn {
        family: Uuid::from_u128(3),
        tenant: mock.tenant.id,
        client: mock.facts.apps["native-app"].client_id,
        client_class: ClientClass::Public,
        user: mock.facts.users["alice"].id,
        auth_time: now,
        moment: now,
        method: AuthenticationMethod::Password,
        mfa_time: None,
        session: Uuid::from_u128(4),
        compliant_device: false,
    };
    assert!(mock.state.device_codes.approve(&code, sign_in));
    let first = mock.poll(URN, &id, &[("device_code", &code)]).await;
    assert_eq!(first.0, 200, "{}", first.1);
    let second = mock.poll(URN, &id, &[("device_code", &code)]).await;
    assert_eq!(code_of(&second), 7000014, "{}", second.1);
}

#[tokio::test]
async fn a_confidential_client_gets_a_code_and_authenticates_when_it_polls() {
    let mock = Mock::new();
    let (own, secret) = mock.client("own-app");
    let form = [("client_id", own.as_str()), ("scope", "Mail.Read")];
    let (status, body) = mock.device(&mock.id(), &form).await;
    assert_eq!(status, 200, "{body}");
    let code = body["device_code"].as_str().unwrap();
    // Without a credential, whatever the code.
    for code in [code, "unknown"] {
        let answer = mock.poll(URN, &own, &[("device_code", code)]).await;
        assert_eq!((answer.0, code_of(&answer)), (401, 7000218), "{}", answer.1);
    }
    let with_secret = [("device_code", code), ("client_secret", secret.as_str())];
    let answer = mock.poll(URN, &own, &with_secret).await;
    assert_eq!(code_of(&answer), 70016, "{}", answer.1);
}

#[tokio::test]
async fn an_old_library_asks_for_a_device_code_in_the_query() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let v1 = format!("/{}/oauth2/devicecode", mock.id());
    let query = format!("{v1}?client_id={id}&resource=https%3A%2F%2Fgraph.microsoft.com");
    let (status, body, _) = mock
        .send(Request::get(query).body(Body::empty()).unwrap())
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["expires_in"], "900");
    let v2 = format!(
        "/{}/oauth2/v2.0/devicecode?client_id={id}&scope=openid",
        mock.id()
    );
    let (_, body, _) = mock
        .send(Request::get(v2).body(Body::empty()).unwrap())
        .await;
    assert_eq!(body["error_codes"], json!([900561]));
}

#[tokio::test]
async fn each_mistake_of_a_device_has_its_code() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let (vendor, _) = mock.client("vendor-app");
    let unknown = "11111111-2222-3333-4444-555555555555";
    let tenant = mock.id();
    let cases = [
        (tenant.as_str(), id.as_str(), "", 900144),
        (&tenant, &id, "No.Such.Scope", 70011),
        (&tenant, unknown, "Mail.Read", 700016),
        ("organizations", unknown, "Mail.Read", 50059),
        ("organizations", &id, "Mail.Read", 50194),
        ("common", &vendor, "Mail.Read", 90133),
        ("nobody.example", &id, "Mail.Read", 90002),
    ];
    for (segment, client, scope, expected) in cases {
        let form = [("client_id", client), ("scope", scope)];
        let answer = mock.device(segment, &form).await;
        assert_eq!(
            code_of(&answer),
            expected,
            "{segment} {client}: {}",
            answer.1
        );
    }
}

/// Source: MicrosoftDocs/azure-docs#46110.
#[tokio::test]
async fn each_version_names_the_missing_code_as_it_calls_it() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    for (version, name) in [("", "'code'"), ("/v2.0", "'device_code'")] {
        let path = format!("/{}/oauth2{version}/token", mock.id());
        let form = [("grant_type", "device_code"), ("client_id", id.as_str())];
        let (_, body) = mock.post(&path, &form).await;
        let text = body["error_description"].as_str().unwrap();
        assert!(text.contains(name), "{text}");
    }
}
