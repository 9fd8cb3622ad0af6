//! Signing out of the browser.

use super::{Mock, query};

#[tokio::test]
async fn signing_out_ends_the_session_and_returns_to_registered_uris_only() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    let uri = mock.app("own-app").redirect_uris[0].uri.clone();
    let to = |uri: &str| {
        let query = query(&[("post_logout_redirect_uri", uri), ("state", "a b")]);
        format!("/common/oauth2/v2.0/logout?{query}")
    };
    let foreign = browser.get(&to("https://evil.example/")).await;
    assert_eq!(
        (foreign.page().as_str(), foreign.error_code()),
        ("signed-out", 700041)
    );
    assert!(!browser.has_cookies());
    let answer = browser.get(&to(&uri)).await;
    assert_eq!(answer.location(), format!("{uri}?state=a+b"));
}

#[tokio::test]
async fn nobody_is_signed_out_by_a_hint_that_cannot_be_read() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    for (name, value, code) in [("logout_hint", "nonsense", 1002017), ("sid", "1", 90007)] {
        let uri = format!("/common/oauth2/v2.0/logout?{}", query(&[(name, value)]));
        let page = browser.get(&uri).await;
        assert_eq!((page.page().as_str(), page.error_code()), ("error", code));
        assert!(browser.has_cookies());
    }
    for hint in ["O.CiQ", "alice@contoso.onmicrosoft.com"] {
        let uri = format!(
            "/common/oauth2/v2.0/logout?{}",
            query(&[("logout_hint", hint)])
        );
        assert_eq!(browser.get(&uri).await.page(), "signed-out");
    }
}
