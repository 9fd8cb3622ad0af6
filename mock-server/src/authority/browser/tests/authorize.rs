use std::collections::BTreeMap;

use axum::http::header;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Mock, id, redacted};
use crate::directory::Event;

/// The error that the app is told, as `error` and the number of the description.
async fn told(mock: &Mock, app: &str, parameters: &[(&str, &str)]) -> (String, u32) {
    let answer = mock.browser().get(&mock.authorize(app, parameters)).await;
    let fields = answer.parameters();
    assert_eq!(fields["state"], "s t&1");
    (fields["error"].clone(), number(&fields))
}

fn number(fields: &BTreeMap<String, String>) -> u32 {
    let text = fields["error_description"].strip_prefix("AADSTS").unwrap();
    text.split(':').next().unwrap().parse().unwrap()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn without_app_and_redirect_uri_the_person_is_told() {
    let mock = Mock::new();
    mock.change_app("daemon-secret", |app| app.redirect_uris.clear());
    let long = "x".repeat(400);
    let daemon = id(mock.app("daemon-secret").app_id);
    for (parameters, code) in [
        (vec![("client_id", "")], 900144),
        (vec![("client_id", "nonsense")], 700016),
        (
            vec![("client_id", "00000000-0000-0000-0000-000000000001")],
            700016,
        ),
        (vec![("client_id", daemon.as_str())], 500113),
        (vec![("redirect_uri", "https://evil.example/")], 50011),
        (vec![("redirect_uri", long.as_str())], 90102),
    ] {
        let page = mock
            .browser()
            .get(&mock.authorize("own-app", &parameters))
            .await;
        assert_eq!(
            (page.page().as_str(), page.error_code()),
            ("error", code),
            "{parameters:?}"
        );
        assert!(
            page.text("#exceptionMessageContainer")
                .starts_with(&format!("AADSTS{code}:"))
        );
        assert!(!page.text("#requestId").is_empty() && !page.text("#whatToDo").is_empty());
        assert_eq!(page.annotation.aadsts, [code]);
    }
    for (segment, code) in [("nowhere.example", 90002), ("no_where", 900023)] {
        let uri = mock
            .authorize("own-app", &[])
            .replace(&mock.tenant.id.to_string(), segment);
        assert_eq!(
            mock.browser().get(&uri).await.error_code(),
            code,
            "{segment}"
        );
    }
}

#[tokio::test]
async fn other_faults_are_told_to_the_app() {
    let mock = Mock::new();
    let (short, long) = ("a".repeat(42), "a".repeat(43));
    let session = "11111111-2222-3333-4444-555555555555";
    for (parameters, error, code) in [
        (vec![("response_type", "")], "invalid_request", 900144),
        (
            vec![("response_type", "saml")],
            "unsupported_response_type",
            70005,
        ),
        (vec![("scope", "")], "invalid_request", 900144),
        (
            vec![("response_mode", "web_message")],
            "invalid_request",
            70007,
        ),
        (vec![("prompt", "please")], "invalid_request", 90023),
        (vec![("prompt", "admin_consent")], "invalid_request", 90023),
        (
            vec![("prompt", "refresh_session")],
            "invalid_request",
            90023,
        ),
        (
            vec![("prompt", "select_account consent")],
            "invalid_request",
            90023,
        ),
        (vec![("prompt", "attempt_none")], "login_required", 50058),
        (vec![("code_challenge", &short)], "invalid_request", 501491),
        (
            vec![("code_challenge_method", "S256")],
            "invalid_request",
            501471,
        ),
        (
            vec![("code_challenge_method", "S512"), ("code_challenge", &long)],
            "invalid_request",
            50149,
        ),
        (vec![("claims", "{")], "invalid_request", 9002313),
        (
            vec![("sid", session), ("login_hint", "a@b.c")],
            "invalid_request",
            90138,
        ),
        (
            vec![("sid", session), ("prompt", "login")],
            "invalid_request",
            90131,
        ),
        (
            vec![("sid", session), ("prompt", "select_account")],
            "invalid_request",
            90131,
        ),
        (vec![("sid", "1")], "invalid_request", 90007),
        (vec![("max_age", "soon")], "invalid_request", 90100),
        (
            vec![("domain_hint", "contoso.com"), ("login_hint", "O.CiQ")],
            "invalid_request",
            1002014,
        ),
        (
            vec![("sid", session), ("prompt", "none")],
            "interaction_required",
            160021,
        ),
        (vec![("prompt", "none")], "login_required", 50058),
        (
            vec![("nonce", "1"), ("nonce", "2")],
            "invalid_request",
            9000411,
        ),
    ] {
        let got = told(&mock, "own-app", &parameters).await;
        assert_eq!(got, (error.to_owned(), code), "{parameters:?}");
    }
}

#[tokio::test]
async fn scopes_are_looked_at_once_somebody_is_there() {
    let mock = Mock::new();
    for (scope, error, code) in [
        ("Mail.Frobnicate", "invalid_client", 650053),
        (
            "https://graph.microsoft.com/.default Mail.Read",
            "invalid_scope",
            70011,
        ),
        (
            "https://graph.microsoft.us/Mail.Read",
            "invalid_resource",
            500011,
        ),
        ("api://nothing/x", "invalid_resource", 500011),
    ] {
        let uri = mock.authorize("own-app", &[("scope", scope)]);
        let answer = mock.browser().sign_in(&uri, "alice").await;
        let fields = answer.parameters();
        assert_eq!(
            (fields["error"].as_str(), number(&fields)),
            (error, code),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn tokens_in_the_answer_need_the_implicit_switches() {
    let mock = Mock::new();
    let both = [("response_type", "code id_token"), ("nonce", "n-1")];
    let uri = mock.authorize("own-app", &both);
    let answer = mock.browser().get(&uri).await;
    assert_eq!(number(&answer.parameters()), 700054);
    assert!(
        answer.location().contains("/callback#error="),
        "{}",
        answer.location()
    );
    let token = [("response_type", "token")];
    assert_eq!(told(&mock, "own-app", &token).await.1, 700051);

    mock.change_app("own-app", |app| {
        app.implicit_id_token = true;
        app.implicit_access_token = true;
    });
    assert_eq!(
        told(&mock, "own-app", &[("response_type", "id_token")])
            .await
            .1,
        90014
    );
    let in_query = [
        ("response_type", "id_token"),
        ("nonce", "1"),
        ("response_mode", "query"),
    ];
    assert_eq!(told(&mock, "own-app", &in_query).await.1, 70007);
    let no_openid = [
        ("response_type", "id_token"),
        ("nonce", "1"),
        ("scope", "User.Read"),
    ];
    assert_eq!(told(&mock, "own-app", &no_openid).await.1, 700053);

    let all = [("response_type", "token id_token code"), ("nonce", "n-1")];
    let answer = mock
        .browser()
        .sign_in(&mock.authorize("own-app", &all), "alice")
        .await;
    assert!(
        answer.location().contains("/callback#code="),
        "{}",
        answer.location()
    );
    let fields = answer.parameters();
    let claims = claims(&fields["id_token"]);
    assert_eq!(claims["nonce"], "n-1");
    assert!(
        claims["c_hash"].is_string() && claims["at_hash"].is_string(),
        "{claims}"
    );
    assert_eq!(claims["ver"], "2.0");
    assert_eq!(fields["token_type"], "Bearer");
    assert!(fields["expires_in"].parse::<u32>().unwrap() > 3000);
    assert!(fields["scope"].contains("User.Read"), "{}", fields["scope"]);
    assert!(!fields.contains_key("refresh_token"));
    assert_eq!(answer.annotation.tokens.len(), 3);
}

#[tokio::test]
async fn form_post_sends_the_fields_by_a_form() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[("response_mode", "form_post")]);
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "form-post");
    let redirect_uri = &mock.app("own-app").redirect_uris[0].uri;
    assert!(
        page.html.contains(&format!("action=\"{redirect_uri}\"")),
        "{}",
        page.html
    );
    assert!(page.html.contains("name=\"code\" value=\"1.A"));
    assert!(page.html.contains("name=\"state\" value=\"s t&amp;1\""));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("script-src 'nonce-"), "{policy}");
}

#[tokio::test]
async fn the_answer_says_what_was_asked_for() {
    let mock = Mock::new();
    let more = [
        ("client_info", "1"),
        ("instance_aware", "true"),
        ("redirect_uri", "http://localhost:5001"),
    ];
    let answer = mock
        .browser()
        .sign_in(&mock.authorize("native-app", &more), "alice")
        .await;
    assert!(
        answer
            .location()
            .starts_with("http://localhost:5001/?code="),
        "{}",
        answer.location()
    );
    let fields = answer.parameters();
    let info: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&fields["client_info"]).unwrap()).unwrap();
    assert_eq!(info["uid"], mock.user("alice").id.to_string());
    assert_eq!(info["utid"], mock.tenant.id.to_string());
    assert_eq!(fields["cloud_instance_name"], "microsoftonline.com");
}

#[tokio::test]
async fn single_page_applications_need_a_challenge() {
    let mock = Mock::new();
    assert_eq!(
        told(&mock, "spa-app", &[]).await,
        ("invalid_request".to_owned(), 9002325)
    );
    let challenge = "a".repeat(43);
    let with = [
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(
        mock.browser()
            .get(&mock.authorize("spa-app", &with))
            .await
            .page(),
        "sign-in"
    );
}

#[tokio::test]
async fn max_age_asks_again() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let uri = mock.authorize("own-app", &[("max_age", "60")]);
    browser.sign_in(&uri, "alice").await;
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
    mock.tenant
        .clock
        .advance(jiff::SignedDuration::from_mins(2));
    assert_eq!(browser.get(&uri).await.page(), "password");
}

#[tokio::test]
async fn v1_asks_by_resource() {
    let mock = Mock::new();
    let uri = mock
        .authorize(
            "own-app",
            &[("scope", ""), ("resource", "https://graph.microsoft.com/")],
        )
        .replace("/v2.0/", "/");
    let answer = mock.browser().sign_in(&uri, "alice").await;
    assert!(answer.parameters().contains_key("code"));
    let wrong = uri.replace("graph.microsoft.com", "graph.microsoft.us");
    let answer = mock.browser().sign_in(&wrong, "alice").await;
    assert_eq!(answer.parameters()["error"], "invalid_resource");
}

#[tokio::test]
async fn redirects_are_written_as_the_service_writes_them() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let cancelled = browser.press(&page, "cancel", &[]).await;
    insta::assert_snapshot!(
        redacted(cancelled.location()),
        @"https://connector.contoso.example/callback?error=access_denied&error_subcode=cancel&state=s+t%261"
    );
    let silent = browser
        .get(&mock.authorize("own-app", &[("prompt", "none")]))
        .await;
    insta::assert_snapshot!(
        redacted(silent.location()),
        @"https://connector.contoso.example/callback?error=login_required&error_description=AADSTS50058%3a+A+silent+sign-in+request+was+sent+but+no+user+is+signed+in.%0d%0aTrace+ID%3a+…%0d%0aCorrelation+ID%3a+…%0d%0aTimestamp%3a+…&error_uri=https%3a%2f%2flocalhost%3a8443%2ferror%3fcode%3d50058&state=s+t%261"
    );
    let upn = mock.user("alice").user_principal_name.to_string();
    let answer = browser.press(&page, &format!("pick={upn}"), &[]).await;
    insta::assert_snapshot!(
        redacted(answer.location()),
        @"https://connector.contoso.example/callback?code=…&state=s+t%261&session_state=…"
    );
    mock.event(&Event::RevokeConsent {
        app: "own-app".into(),
        user: None,
    });
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    assert_eq!(page.page(), "consent");
    let declined = browser.press(&page, "cancel", &[]).await;
    insta::assert_snapshot!(
        redacted(declined.location()),
        @"https://connector.contoso.example/callback?error=access_denied&error_description=AADSTS65004%3a+User+declined+to+consent+to+access+the+app.%0d%0aTrace+ID%3a+…%0d%0aCorrelation+ID%3a+…%0d%0aTimestamp%3a+…&error_uri=https%3a%2f%2flocalhost%3a8443%2ferror%3fcode%3d65004&state=s+t%261"
    );
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[]);
    let (path, body) = uri.split_once('?').unwrap();
    let post = || {
        axum::http::Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    };
    let page = mock.browser().send(post(), body.to_owned().into()).await;
    assert_eq!(page.page(), "sign-in");
    let wrong_type =
        axum::http::Request::post(path).header(header::CONTENT_TYPE, "application/json");
    let page = mock
        .browser()
        .send(wrong_type, body.to_owned().into())
        .await;
    assert_eq!(page.error_code(), 900144);
}

#[tokio::test]
async fn a_code_is_redeemed_with_its_proof() {
    let mock = Mock::new();
    let verifier = "v".repeat(43);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = URL_SAFE_NO_PAD.encode(digest);
    let more = [
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("nonce", "n-1"),
        ("redirect_uri", "http://localhost:5001"),
    ];
    let mut browser = mock.browser();
    let answer = browser
        .sign_in(&mock.authorize("native-app", &more), "alice")
        .await;
    let code = answer.parameters()["code"].clone();
    let client_id = id(mock.app("native-app").app_id);
    let fields = [
        ("client_id", client_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", verifier.as_str()),
        ("redirect_uri", "http://localhost:5001"),
    ];
    let post = axum::http::Request::post(format!("/{}/oauth2/v2.0/token", mock.tenant.id))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = browser.send(post, super::query(&fields).into()).await;
    let body: Value = serde_json::from_str(&answer.html).unwrap();
    assert_eq!(
        claims(body["id_token"].as_str().unwrap())["nonce"],
        "n-1",
        "{body}"
    );
    assert_eq!(
        claims(body["access_token"].as_str().unwrap())["oid"],
        mock.user("alice").id.to_string()
    );
    assert!(body["refresh_token"].is_string());
}
