//! What a redirect URI must be before anybody is sent there.

use super::{Mock, query};

#[tokio::test]
async fn what_is_no_absolute_uri_is_refused_before_it_is_compared() {
    let mock = Mock::new();
    let app = mock.app("own-app");
    for (uri, expected) in [
        ("/callback", 90102),
        ("callback", 90102),
        ("connector.contoso.example/callback", 90102),
        ("https://", 90102),
        ("//connector.contoso.example/callback", 90102),
        ("urn:ietf:wg:oauth:2.0:oob", 500119),
        ("URN:ietf:wg:oauth:2.0:oob", 500119),
        ("https://connector.contoso.example/other", 50011),
        ("http://connector.contoso.example/", 50011),
        ("myapp://auth", 50011),
    ] {
        let page = mock
            .browser()
            .get(&mock.authorize("own-app", &[("redirect_uri", uri)]))
            .await;
        assert_eq!(
            (page.page().as_str(), page.error_code()),
            ("error", expected),
            "{uri}"
        );
        let client_id = app.app_id.to_string();
        for path in ["adminconsent", "v2.0/adminconsent"] {
            let fields = [("client_id", client_id.as_str()), ("redirect_uri", uri)];
            let path = format!("/{}/{path}?{}", mock.tenant.id, query(&fields));
            let page = mock.browser().get(&path).await;
            assert_eq!(page.error_code(), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn the_text_names_the_parameter() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[("redirect_uri", "/callback")]);
    let page = mock.browser().get(&uri).await;
    let text = "'redirect_uri' value must be a valid absolute URI.";
    assert!(page.html.contains(&text.replace('\'', "&#39;")) || page.html.contains(text));
}
