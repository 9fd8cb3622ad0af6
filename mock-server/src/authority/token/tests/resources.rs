//! Which API a token is for: the app itself, one that is switched off, one of several, none.

use super::*;

impl Mock {
    /// Gives an app an API of its own, and consent of the tenant for it.
    fn with_own_api(&self, alias: &str, uri: &str, version: u8) {
        let id = self.facts.apps[alias].client_id;
        self.tenant.write(|directory| {
            let app = directory.applications.get_mut(&id).unwrap();
            app.api = Some(crate::directory::ExposedApi {
                identifier_uris: vec![uri.to_owned()],
                scopes: vec![crate::directory::ExposedScope {
                    id: Uuid::from_u128(9),
                    value: "access".to_owned(),
                    display_name: String::new(),
                    admin_only: false,
                    enabled: true,
                    details: serde_json::Map::new(),
                }],
                access_token_version: Some(version),
                ..Default::default()
            });
            let everybody = crate::directory::ConsentType::AllPrincipals;
            let random = &self.world.random;
            directory.grant(random.uuid(), id, id, everybody, ["access".to_owned()]);
        });
    }

    /// A user's token by password, for an app without a secret.
    async fn by_password(&self, path: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let (id, _) = self.client("native-app");
        let alice = &self.facts.users["alice"];
        let form = [
            &[
                ("grant_type", "password"),
                ("client_id", id.as_str()),
                ("username", alice.upn.as_str()),
                ("password", alice.password.as_str()),
            ],
            more,
        ]
        .concat();
        self.post(&format!("/{}/{path}", self.id()), &form).await
    }

    async fn refresh_own_app(&self, token: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let (id, secret) = self.client("own-app");
        let form = [
            &[
                ("grant_type", "refresh_token"),
                ("client_id", id.as_str()),
                ("client_secret", secret.as_str()),
                ("refresh_token", token),
            ],
            more,
        ]
        .concat();
        self.token(&form).await
    }
}

const V1: &str = "oauth2/token";
const V2: &str = "oauth2/v2.0/token";

#[tokio::test]
async fn an_app_that_asks_for_itself_says_so_each_time_or_names_its_id() {
    let mock = Mock::new();
    mock.with_own_api("own-app", "api://mail-connector", 2);
    let (id, _) = mock.client("own-app");
    let scope = "openid offline_access api://mail-connector/access";
    let code = mock.code(|code| code.scope = scope.to_owned());
    let (status, body) = mock.redeem(&code, &[]).await;
    assert_eq!(status, 200, "{body}");
    let token = body["refresh_token"].as_str().unwrap();
    for more in [
        &[][..],
        &[("scope", "openid profile offline_access")],
        &[("scope", "api://mail-connector/.default")],
    ] {
        let (status, body) = mock.refresh_own_app(token, more).await;
        assert_eq!(
            (status, &body["error"], &body["error_codes"]),
            (400, &json!("invalid_request"), &json!([90009])),
            "{more:?}: {body}"
        );
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .contains("only if resource is specified using the GUID based App Identifier."),
            "{body}"
        );
    }
    let by_id = format!("{id}/.default");
    for scope in [scope, &by_id] {
        let (status, body) = mock.refresh_own_app(token, &[("scope", scope)]).await;
        assert_eq!(status, 200, "{scope}: {body}");
        // What was named by its id may be left out.
        let again = body["refresh_token"].as_str().unwrap();
        let expected = if scope == by_id { 200 } else { 400 };
        let (status, body) = mock.refresh_own_app(again, &[]).await;
        assert_eq!(status, expected, "{scope}: {body}");
    }
}

#[tokio::test]
async fn an_app_needs_neither_an_api_nor_consent_for_itself() {
    let mock = Mock::new();
    let (id, secret) = mock.client("own-app");
    let code = mock.code(|code| code.scope = format!("openid {id}/.default"));
    let (status, body) = mock.redeem(&code, &[]).await;
    assert_eq!(status, 200, "{body}");
    let claims = claims_of(&body);
    assert_eq!(claims["aud"], id.as_str());
    assert_eq!(claims["scp"], "openid");
    let v1 = format!("/{}/{V1}", mock.id());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("resource", id.as_str()),
    ];
    let (status, body) = mock.post(&v1, &form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims_of(&body)["aud"], id.as_str());
}

fn claims_of(body: &Value) -> Value {
    use base64::Engine as _;
    let token = body["access_token"].as_str().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    serde_json::from_slice(&engine.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn tokens_of_own_apis_tell_their_region_and_those_of_graph_do_not() {
    use base64::Engine as _;
    let mock = Mock::new();
    let (api, _) = mock.client("middle-tier-api");
    let own = mock
        .by_password(V2, &[("scope", &format!("api://{api}/access_as_user"))])
        .await;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let region = claims_of(&own.1)["xms_ftd"].as_str().unwrap().to_owned();
    let region = engine.decode(region).unwrap();
    assert_eq!(region[32], 1);
    assert!(region.ends_with(b"-dsms"), "{region:?}");
    let graph = mock.by_password(V2, &[("scope", "User.Read")]).await;
    assert_eq!(claims_of(&graph.1)["xms_ftd"], Value::Null);
}

#[tokio::test]
async fn nobody_gets_a_token_for_an_api_that_is_switched_off() {
    let mock = Mock::new();
    let (api, _) = mock.client("middle-tier-api");
    let named = format!("api://{api}/access_as_user");
    let both = format!("{named} offline_access");
    let (status, before) = mock.by_password(V2, &[("scope", &both)]).await;
    assert_eq!(status, 200, "{before}");
    let event = |on| {
        let app = "middle-tier-api".to_owned();
        if on {
            Event::EnableApp { app }
        } else {
            Event::DisableApp { app }
        }
    };
    mock.happen(&event(false));
    let answers = [
        mock.by_password(V2, &[("scope", &named)]).await,
        mock.by_password(V1, &[("resource", &format!("api://{api}"))])
            .await,
        mock.refresh(&before).await,
        mock.daemon(&[("scope", &format!("{api}/.default"))]).await,
    ];
    for answer in answers {
        assert_eq!(code_of(&answer), 500014, "{}", answer.1);
        assert_eq!(answer.1["error"], "invalid_resource");
    }
    // The same refresh token is good for another API.
    let (native, _) = mock.client("native-app");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", native.as_str()),
        ("refresh_token", before["refresh_token"].as_str().unwrap()),
        ("scope", "User.Read"),
    ];
    assert_eq!(mock.token(&form).await.0, 200);
    mock.happen(&event(true));
    assert_eq!(mock.refresh(&before).await.0, 200);
}

#[tokio::test]
async fn a_code_for_two_apis_is_redeemed_for_one_of_them() {
    let mock = Mock::new();
    let (api, _) = mock.client("middle-tier-api");
    let id = mock.facts.apps["middle-tier-api"].client_id;
    let own = mock.facts.apps["own-app"].client_id;
    {
        mock.tenant.write(|directory| {
            let everybody = crate::directory::ConsentType::AllPrincipals;
            let scopes = ["access_as_user".to_owned()];
            directory.grant(mock.world.random.uuid(), own, id, everybody, scopes);
        });
    }
    let one = format!("api://{api}/access_as_user");
    let two = format!("openid offline_access User.Read {one}");
    let cases = [
        (&[][..], 28003),
        (&[("scope", "openid profile offline_access")], 28002),
        (&[("scope", two.as_str())], 28000),
        (&[("scope", one.as_str())], 0),
        (&[("scope", "User.Read")], 0),
    ];
    for (more, expected) in cases {
        let code = mock.code(|code| code.scope.clone_from(&two));
        let answer = mock.redeem(&code, more).await;
        assert_eq!(code_of(&answer), expected, "{more:?}: {}", answer.1);
        if expected != 0 {
            assert_eq!(answer.1["error"], "invalid_request", "{}", answer.1);
        }
    }
    let code = mock.code(|code| code.scope = format!("openid {one}"));
    let answer = mock.redeem(&code, &[("scope", "openid profile")]).await;
    assert_eq!(claims_of(&answer.1)["scp"], "access_as_user");
}

#[tokio::test]
async fn all_that_is_registered_goes_with_no_other_api() {
    let mock = Mock::new();
    let (api, _) = mock.client("middle-tier-api");
    let other = format!("api://{api}/.default");
    for scope in [
        format!("{GRAPH} {other}"),
        format!("{other} {GRAPH}"),
        format!("{GRAPH} https://graph.microsoft.com/User.Read"),
    ] {
        let (status, body) = mock.daemon(&[("scope", &scope)]).await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("invalid_scope")),
            "{scope}: {body}"
        );
        assert_eq!(body["error_uri"], Value::Null, "{body}");
    }
    let (_, body) = mock.daemon(&[("scope", &format!("{GRAPH} {other}"))]).await;
    assert!(
        body["error_description"]
            .as_str()
            .unwrap()
            .contains(&format!("The scope {GRAPH} {other} is not valid.")),
        "{body}"
    );
    let scope = format!("{GRAPH} openid profile offline_access");
    assert_eq!(mock.daemon(&[("scope", &scope)]).await.0, 200);
}

#[tokio::test]
async fn a_resource_beside_scopes_names_their_api() {
    let mock = Mock::new();
    let (api, _) = mock.client("middle-tier-api");
    let uri = format!("api://{api}");
    let named = format!("{uri}/access_as_user");
    let cases = [
        (
            "https://graph.microsoft.com/User.Read",
            "https://graph.microsoft.com",
            0,
        ),
        ("User.Read", "https://graph.microsoft.com", 0),
        ("User.Read", "https://graph.microsoft.com/", 9010010),
        ("User.Read", uri.as_str(), 9010010),
        (named.as_str(), uri.as_str(), 0),
        (named.as_str(), "https://mcp.contoso.example", 9010010),
        ("openid profile", "https://graph.microsoft.com", 9010010),
    ];
    for (scope, resource, expected) in cases {
        let more = [("scope", scope), ("resource", resource)];
        let answer = mock.by_password(V2, &more).await;
        assert_eq!(code_of(&answer), expected, "{more:?}: {}", answer.1);
        if expected != 0 {
            assert_eq!(answer.1["error"], "invalid_target", "{}", answer.1);
        }
    }
    let graph = [("resource", "https://graph.microsoft.com")];
    assert_eq!(mock.daemon(&graph).await.0, 200);
    // At v1 the resource is what is asked for, and scopes count for nothing.
    let v1 = [
        ("scope", "openid"),
        ("resource", "https://graph.microsoft.com/"),
    ];
    assert_eq!(mock.by_password(V1, &v1).await.0, 200);
}

#[tokio::test]
async fn without_a_resource_a_v1_token_is_for_azure_ad_graph() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let path = format!("/{}/{V1}", mock.id());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let legacy = "00000002-0000-0000-c000-000000000000";
    for (status, body) in [
        mock.post(&path, &form).await,
        mock.by_password(V1, &[]).await,
    ] {
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["resource"], legacy);
        assert_eq!(claims_of(&body)["aud"], legacy);
    }
    for resource in [
        "https://graph.windows.net",
        "https://graph.windows.net/",
        legacy,
    ] {
        let (status, body) = mock.by_password(V1, &[("resource", resource)]).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["resource"], resource);
    }
    let china = mock
        .by_password(V1, &[("resource", "https://graph.chinacloudapi.cn")])
        .await;
    assert_eq!(code_of(&china), 500011);
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_uri_makes_no_difference() {
    let mock = Mock::new();
    for uri in [
        "https://mail.contoso.onmicrosoft.com/",
        "https://mail.contoso.onmicrosoft.com",
    ] {
        mock.with_own_api("daemon-secret", uri, 1);
        let plain = "https://mail.contoso.onmicrosoft.com";
        for spelled in [plain.to_owned(), format!("{plain}/")] {
            let (status, body) = mock
                .daemon(&[("scope", &format!("{spelled}/.default"))])
                .await;
            assert_eq!(status, 200, "{uri} {spelled}: {body}");
            assert_eq!(
                claims_of(&body)["aud"],
                spelled.as_str(),
                "as it was asked for"
            );
        }
    }
}

#[tokio::test]
async fn scopes_are_sorted_whatever_their_case() {
    let mock = Mock::new();
    let (_, body) = mock
        .by_password(
            V2,
            &[("scope", "openid profile email offline_access User.Read")],
        )
        .await;
    assert_eq!(
        body["scope"],
        "Calendars.ReadWrite Contacts.ReadWrite email Mail.ReadWrite Mail.Send openid profile \
         User.Read"
    );
    assert_eq!(body["refresh_in"], Value::Null);
}

#[tokio::test]
async fn consent_that_was_withdrawn_is_missed_by_every_spelling_of_a_refresh() {
    let mock = Mock::new();
    for scope in [
        "openid offline_access",
        "offline_access https://graph.microsoft.com/.default",
        "offline_access User.Read",
    ] {
        let mock = &mock;
        mock.happen(&Event::GrantConsent {
            app: "native-app".to_owned(),
            user: None,
            scopes: ["User.Read", "openid", "offline_access"]
                .map(str::to_owned)
                .to_vec(),
        });
        let token = mock.sign_in(scope).await;
        assert_eq!(mock.refresh(&token).await.0, 200, "{scope}");
        mock.happen(&Event::RevokeConsent {
            app: "native-app".to_owned(),
            user: None,
        });
        assert_eq!(code_of(&mock.refresh(&token).await), 65001, "{scope}");
    }
}

#[tokio::test]
async fn the_uri_of_an_api_is_found_in_any_case_and_shown_as_it_was_spelled() {
    let mock = Mock::new();
    mock.with_own_api("own-app", "api://Mail-Connector", 1);
    for named in [
        "api://Mail-Connector",
        "api://mail-connector",
        "API://MAIL-CONNECTOR/",
        "https://Graph.Microsoft.com",
        "https://GRAPH.MICROSOFT.COM/",
    ] {
        let (status, body) = mock
            .daemon(&[("scope", &format!("{named}/.default"))])
            .await;
        assert_eq!(status, 200, "{named}: {body}");
        assert_eq!(claims_of(&body)["aud"], named);
    }
    let other = mock
        .daemon(&[("scope", "api://mail-connectors/.default")])
        .await;
    assert_eq!(code_of(&other), 500011);
}
