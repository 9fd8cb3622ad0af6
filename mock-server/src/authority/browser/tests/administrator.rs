use super::{Mock, id, query, redacted};
use crate::directory::DirectoryRole;

fn link(mock: &Mock, version: &str, parameters: &[(&str, &str)]) -> String {
    let client_id = id(mock.app("unconsented-app").app_id);
    let mut all = vec![
        ("client_id", client_id.as_str()),
        ("redirect_uri", "http://localhost/callback"),
        ("state", "12 345"),
    ];
    all.retain(|(name, _)| !parameters.iter().any(|(it, _)| it == name));
    all.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
    format!("/{}/{version}adminconsent?{}", mock.tenant.id, query(&all))
}

#[tokio::test]
async fn v1_grants_all_that_is_registered() {
    let mock = Mock::new();
    let mut admin = mock.browser();
    let page = admin.sign_in(&link(&mock, "", &[]), "admin").await;
    assert_eq!(page.page(), "admin-consent");
    assert_eq!(
        page.permissions()
            .iter()
            .filter(|it| *it == "Mail.Read")
            .count(),
        2
    );
    let answer = admin.press(&page, "accept", &[]).await;
    let tenant = mock.tenant.id;
    assert_eq!(
        answer.location(),
        format!("http://localhost/callback?tenant={tenant}&state=12+345&admin_consent=True")
    );
    let app = mock.app("unconsented-app").app_id;
    let graph = crate::authority::resolve::graph_id();
    let bob = mock.user("bob").id;
    let (roles, scopes) = mock.tenant.read(|it| {
        let roles = it.granted_roles(app, graph);
        (roles, it.granted_scopes(app, bob, graph))
    });
    assert!(roles.contains("Mail.Read"), "{roles:?}");
    assert!(scopes.contains("User.Read"), "{scopes:?}");
    // Without a redirect URI a page tells the end.
    let page = admin.get(&link(&mock, "", &[("redirect_uri", "")])).await;
    assert_eq!(
        admin.press(&page, "accept", &[]).await.page(),
        "admin-consent-done"
    );
}

#[tokio::test]
async fn v2_grants_the_named_scopes_and_app_roles_with_default_only() {
    let mock = Mock::new();
    let mut admin = mock.browser();
    let named = "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read.All";
    let page = admin
        .sign_in(&link(&mock, "v2.0/", &[("scope", named)]), "admin")
        .await;
    assert_eq!(page.permissions(), ["Mail.Read", "User.Read.All"]);
    let answer = admin.press(&page, "accept", &[]).await;
    let tenant = mock.tenant.id;
    assert_eq!(
        answer.location(),
        format!(
            "http://localhost/callback?admin_consent=True&tenant={tenant}&scope=https%3a%2f%2f\
             graph.microsoft.com%2fMail.Read+https%3a%2f%2fgraph.microsoft.com%2fUser.Read.All\
             &state=12+345"
        )
    );
    let app = mock.app("unconsented-app").app_id;
    let graph = crate::authority::resolve::graph_id();
    assert!(
        mock.tenant
            .read(|it| it.granted_roles(app, graph).is_empty())
    );
    let default = [("scope", "https://graph.microsoft.com/.default")];
    let page = admin.get(&link(&mock, "v2.0/", &default)).await;
    admin.press(&page, "accept", &[]).await;
    assert!(
        mock.tenant
            .read(|it| it.granted_roles(app, graph).contains("Mail.Read"))
    );
}

#[tokio::test]
async fn refusals_go_back_as_documented() {
    let mock = Mock::new();
    let mut admin = mock.browser();
    let scope = [("scope", "https://graph.microsoft.com/.default")];
    let page = admin.sign_in(&link(&mock, "v2.0/", &scope), "admin").await;
    let cancelled = admin.press(&page, "cancel", &[]).await;
    insta::assert_snapshot!(
        redacted(cancelled.location()),
        @"http://localhost/callback?error=access_denied&error_description=AADSTS65004%3a+User+declined+to+consent+to+access+the+app.%0d%0aTrace+ID%3a+…%0d%0aCorrelation+ID%3a+…%0d%0aTimestamp%3a+…&error_uri=https%3a%2f%2flocalhost%3a8443%2ferror%3fcode%3d65004&admin_consent=True&state=12+345"
    );
    let page = admin.get(&link(&mock, "", &[])).await;
    let cancelled = admin.press(&page, "cancel", &[]).await;
    insta::assert_snapshot!(
        redacted(cancelled.location()),
        @"http://localhost/callback?error=access_denied&error_description=AADSTS65004%3a+User+declined+to+consent+to+access+the+app.%0d%0aTrace+ID%3a+…%0d%0aCorrelation+ID%3a+…%0d%0aTimestamp%3a+…&error_uri=https%3a%2f%2flocalhost%3a8443%2ferror%3fcode%3d65004&state=12+345"
    );
    let no_scope = admin.get(&link(&mock, "v2.0/", &[])).await;
    assert_eq!(no_scope.parameters()["error"], "invalid_request");
    for (version, parameters, code) in [
        ("v2.0/", vec![("redirect_uri", "")], 900144),
        (
            "v2.0/",
            vec![("redirect_uri", "http://localhost/callback/more")],
            50011,
        ),
        ("", vec![("redirect_uri", "https://evil.example/")], 50011),
        ("", vec![("client_id", "")], 900144),
    ] {
        let page = admin.get(&link(&mock, version, &parameters)).await;
        assert_eq!(
            (page.page().as_str(), page.error_code()),
            ("error", code),
            "{parameters:?}"
        );
    }
    // v1 takes further path segments.
    let deeper = admin
        .get(&link(
            &mock,
            "",
            &[("redirect_uri", "http://localhost/callback/more")],
        ))
        .await;
    assert_eq!(deeper.page(), "admin-consent");
}

#[tokio::test]
async fn only_those_who_may_grant_see_the_page() {
    let mock = Mock::new();
    let page = mock.browser().sign_in(&link(&mock, "", &[]), "bob").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("approval-required", 90094)
    );
    let bob = mock.user("bob").id;
    mock.tenant.write(|it| {
        it.users[&bob]
            .roles
            .insert(DirectoryRole::ApplicationAdministrator)
    });
    let page = mock.browser().sign_in(&link(&mock, "", &[]), "bob").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("approval-required", 90093)
    );
    let named = [("scope", "https://graph.microsoft.com/Mail.Read")];
    let page = mock
        .browser()
        .sign_in(&link(&mock, "v2.0/", &named), "bob")
        .await;
    assert_eq!(page.page(), "admin-consent");
}

#[tokio::test]
async fn v1_prompt_admin_consent_grants_for_the_tenant() {
    let mock = Mock::new();
    let parameters = [
        ("prompt", "admin_consent"),
        ("scope", ""),
        ("resource", "https://graph.microsoft.com"),
    ];
    let uri = mock
        .authorize("unconsented-app", &parameters)
        .replace("/v2.0/", "/");
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("approval-required", 90094)
    );
    let mut admin = mock.browser();
    let page = admin.sign_in(&uri, "admin").await;
    assert_eq!(page.page(), "admin-consent");
    let answer = admin.press(&page, "accept", &[]).await;
    assert_eq!(answer.parameters()["admin_consent"], "True");
    assert!(answer.parameters().contains_key("code"));
}

#[tokio::test]
async fn who_may_not_consent_goes_back_without_a_description() {
    let mock = Mock::new();
    let scope = [("scope", "https://graph.microsoft.com/.default")];
    for (version, parameters) in [("", &[][..]), ("v2.0/", &scope[..])] {
        let mut browser = mock.browser();
        let link = link(&mock, version, parameters);
        let page = browser.get(&link).await;
        let back = browser.press(&page, "cancel", &[]).await;
        let expected =
            "http://localhost/callback?error=access_denied&error_subcode=cancel&state=12+345";
        assert_eq!(back.location(), expected, "before anybody is signed in");
        let page = browser.sign_in(&link, "bob").await;
        assert_eq!(page.page(), "approval-required");
        let back = browser.press(&page, "cancel", &[]).await;
        assert_eq!(back.location(), expected);
    }
}

#[tokio::test]
async fn an_administrator_of_another_directory_is_told_to_the_app() {
    let mock = Mock::new();
    let scope = [("scope", "https://graph.microsoft.com/.default")];
    let mut browser = mock.browser();
    let page = browser.get(&link(&mock, "v2.0/", &scope)).await;
    let upn = "vendor-admin@litware.onmicrosoft.com";
    let told = browser.press(&page, "next", &[("loginfmt", upn)]).await;
    let fields = told.parameters();
    assert_eq!(fields["error"], "access_denied");
    let text = &fields["error_description"];
    assert!(
        text.starts_with("AADSTS50020: User account '{EmailHidden}' from identity"),
        "{text}"
    );
    assert!(fields["error_uri"].ends_with("/error?code=50020"));
    assert_eq!(fields["admin_consent"], "True");
}
