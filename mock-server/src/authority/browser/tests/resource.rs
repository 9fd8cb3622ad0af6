//! For which API an app asks at the authorize endpoint.

use super::Mock;

#[tokio::test]
async fn a_resource_beside_scopes_names_their_api() {
    let mock = Mock::new();
    let api = mock.app("middle-tier-api");
    let uri = api.api.as_ref().unwrap().identifier_uris[0].clone();
    let scope = format!("{uri}/access_as_user");
    let graph = "https://graph.microsoft.com";
    let slash = format!("{graph}/");
    let read = format!("{graph}/User.Read");
    for (scope, resource, refused) in [
        (read.as_str(), graph, false),
        (&read, &slash, true),
        (&read, uri.as_str(), true),
        (&scope, &uri, false),
        (&scope, graph, true),
        ("openid profile", graph, true),
        (&scope, "https://nobody.example", true),
    ] {
        let fields = [("scope", scope), ("resource", resource)];
        let page = mock
            .browser()
            .get(&mock.authorize("native-app", &fields))
            .await;
        let found = (page.page(), page.error_code());
        let expected = if refused {
            ("error", 9010010)
        } else {
            ("sign-in", 0)
        };
        assert_eq!((found.0.as_str(), found.1), expected, "{scope} {resource}");
    }
}

#[tokio::test]
async fn a_tenant_that_is_not_known_yet_checks_the_resource_after_the_sign_in() {
    let mock = Mock::new();
    mock.change_app("own-app", |app| {
        app.sign_in_audience = crate::directory::SignInAudience::MultiTenant;
    });
    let fields = [("resource", "https://nobody.example")];
    let uri = mock.authorize("own-app", &fields);
    let uri = uri.replace(&mock.tenant.id.to_string(), "organizations");
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("error", 9010010)
    );
}

#[tokio::test]
async fn an_app_asks_for_itself_by_its_id_only() {
    let mock = Mock::new();
    let api = mock.app("middle-tier-api");
    let uri = &api.api.as_ref().unwrap().identifier_uris[0];
    let redirect_uris = mock.app("own-app").redirect_uris;
    mock.change_app("middle-tier-api", |app| app.redirect_uris = redirect_uris);
    let scope = format!("{uri}/.default");
    let url = mock.authorize("middle-tier-api", &[("scope", &scope)]);
    let told = mock.browser().sign_in(&url, "alice").await;
    let text = &told.parameters()["error_description"];
    assert!(text.starts_with("AADSTS90009: "), "{text}");
}

#[tokio::test]
async fn claims_that_are_not_heeded_are_marked() {
    let mock = Mock::new();
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let page = mock
        .browser()
        .get(&mock.authorize("own-app", &[("claims", claims)]))
        .await;
    let marked = page.annotation.unsupported;
    assert!(marked.is_some_and(|it| it.contains("access_token.acrs")));
}
