use axum::http::{Request, StatusCode, header};
use proptest::prelude::*;
use scraper::{Html, Selector};

use super::Mock;

const NAMES: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "resource",
    "state",
    "nonce",
    "prompt",
    "login_hint",
    "domain_hint",
    "sid",
    "code_challenge",
    "code_challenge_method",
    "claims",
    "max_age",
    "client_info",
    "instance_aware",
    "flow",
    "action",
    "loginfmt",
    "passwd",
    "pick",
    "account",
    "otc",
    "code",
    "app",
    "post_logout_redirect_uri",
    "logout_hint",
    "justification",
];

const PATHS: &[&str] = &[
    "oauth2/v2.0/authorize",
    "oauth2/authorize",
    "adminconsent",
    "v2.0/adminconsent",
    "login",
    "oauth2/v2.0/logout",
    "oauth2/deviceauth",
    "consent-requests",
    "oauth2/nativeclient",
];

/// Anything is answered with a page or a redirect, and nothing panics.
#[test]
fn no_request_panics() {
    let mock = Mock::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let app = mock.app("own-app");
    let known = [
        app.app_id.to_string(),
        app.redirect_uris[0].uri.clone(),
        "code".into(),
        "code id_token".into(),
        "form_post".into(),
        "openid Mail.Read".into(),
        "none".into(),
        "login".into(),
        "{}".into(),
        mock.user("alice").user_principal_name.to_string(),
        "sign-in".into(),
    ];
    let value = prop_oneof![
        proptest::sample::select(known.to_vec()),
        ".{0,40}",
        proptest::collection::vec(any::<u8>(), 0..20)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ];
    let field = (proptest::sample::select(NAMES), value);
    let fields = proptest::collection::vec(field, 0..12);
    let segment = prop_oneof![
        Just(mock.tenant.id.to_string()),
        Just("common".to_owned()),
        Just("consumers".to_owned()),
        "[a-z0-9.-]{1,20}",
    ];
    let request = (
        segment,
        proptest::sample::select(PATHS),
        fields,
        any::<bool>(),
    );
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    };
    proptest!(config, |((segment, path, fields, as_form) in request)| {
        let pairs: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let query = super::query(&pairs);
        let (uri, body) = if as_form || path == "login" {
            (format!("/{segment}/{path}"), query)
        } else {
            (format!("/{segment}/{path}?{query}"), String::new())
        };
        let builder = if as_form || path == "login" { Request::post(uri) } else { Request::get(uri) }
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = runtime.block_on(mock.browser().send(builder, body.into()));
        let fine = [StatusCode::OK, StatusCode::FOUND, StatusCode::METHOD_NOT_ALLOWED];
        prop_assert!(fine.contains(&answer.status), "{}", answer.status);
    });
}

#[tokio::test]
async fn broken_escapes_and_flows_are_refused_politely() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let uri = format!(
        "/{}/oauth2/v2.0/authorize?client_id=%FF%ZZ&&=&%",
        mock.tenant.id
    );
    assert_eq!(browser.get(&uri).await.error_code(), 700016);
    let stale = Request::post("/common/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let page = browser
        .send(stale, "flow=nonsense&action=next".into())
        .await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 90013));
    let missing = browser.get("/contoso.onmicrosoft.com/what/is/this").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.annotation.unsupported.is_some());
}

#[tokio::test]
async fn what_a_client_sends_cannot_become_markup() {
    let mock = Mock::new();
    let nasty = "\"><script>alert(1)</script>";
    let uri = mock.authorize("own-app", &[("redirect_uri", nasty), ("state", nasty)]);
    let page = mock.browser().get(&uri).await;
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
    let uri = mock.authorize("own-app", &[("login_hint", nasty)]);
    let page = mock.browser().get(&uri).await;
    assert!(!page.html.contains("<script>alert"), "{}", page.html);
}

/// The rules of the common frame, on every page that can be reached without a sign-in.
#[tokio::test]
async fn pages_are_accessible_private_and_self_contained() {
    let mock = Mock::new();
    let paths = [
        mock.authorize("own-app", &[]),
        mock.authorize("own-app", &[("client_id", "x")]),
        "/error?code=50011".to_owned(),
        "/error".to_owned(),
        "/error?code=1".to_owned(),
        "/devicelogin".to_owned(),
        "/common/oauth2/nativeclient?code=1".to_owned(),
        "/common/oauth2/v2.0/logout".to_owned(),
        "/".to_owned(),
    ];
    let select = |text: &str| Selector::parse(text).unwrap();
    for path in paths {
        let page = mock.browser().get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let html = Html::parse_document(&page.html);
        for needed in [
            "html[lang]",
            "title",
            "main",
            "header",
            "footer",
            "h1",
            "body[data-page]",
        ] {
            assert!(
                html.select(&select(needed)).next().is_some(),
                "{path} has no {needed}"
            );
        }
        for input in html.select(&select("input:not([type=hidden]):not([hidden]), textarea")) {
            let id = input.attr("id").unwrap_or_default();
            let label = html.select(&select(&format!("label[for='{id}']"))).next();
            assert!(label.is_some(), "{path}: {id} has no label");
        }
        assert!(!page.html.contains("src="), "{path} loads something");
        assert!(page.html.contains("not Microsoft"));
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert!(header("cache-control").contains("no-store"));
        assert_eq!(header("x-frame-options"), "DENY");
        assert!(header("content-security-policy").contains("default-src 'none'"));
        assert!(page.headers.contains_key("x-ms-request-id"));
    }
}
