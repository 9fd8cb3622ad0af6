//! Every parameter of every page's endpoint: absent, empty, doubled, in another spelling, hostile.
//!
//! What is checked holds for all of them: an answer comes, it is no error of the server, what a
//! client sent never becomes part of a page or of an address unescaped, and nobody is sent to an
//! address that is not registered.

use axum::http::{HeaderMap, StatusCode, header};

use super::{Answer, Mock, query};

const HOSTILE: [&str; 12] = [
    "",
    " ",
    "\0",
    "\r\nSet-Cookie: evil=1",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "https://evil.example/",
    "%00%0d%0a",
    "{\"a\":[",
    "\u{202e}\u{0}\u{feff}é",
    "../../../../etc/passwd",
];

/// Endpoints with the parameters that they read.
const ENDPOINTS: [(&str, &[&str]); 9] = [
    ("oauth2/v2.0/authorize", &AUTHORIZE),
    ("oauth2/authorize", &AUTHORIZE),
    (
        "adminconsent",
        &["client_id", "redirect_uri", "state", "scope"],
    ),
    (
        "v2.0/adminconsent",
        &["client_id", "redirect_uri", "state", "scope"],
    ),
    ("oauth2/v2.0/logout", &LOGOUT),
    ("oauth2/logout", &LOGOUT),
    ("oauth2/deviceauth", &["otc", "user_code"]),
    ("oauth2/nativeclient", &["error", "code"]),
    ("v2.0/.well-known/openid-configuration", &["appid"]),
];

const LOGOUT: [&str; 4] = ["post_logout_redirect_uri", "logout_hint", "state", "sid"];

const AUTHORIZE: [&str; 19] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "resource",
    "response_mode",
    "state",
    "nonce",
    "prompt",
    "login_hint",
    "domain_hint",
    "code_challenge",
    "code_challenge_method",
    "claims",
    "sid",
    "max_age",
    "client-request-id",
    "client_info",
    "instance_aware",
];

fn is_sound(answer: &Answer, what: &str) {
    assert!(
        !answer.status.is_server_error(),
        "{what}: {}",
        answer.status
    );
    assert!(
        !answer.html.contains("<script>alert(1)") && !answer.html.contains("<img src=x"),
        "{what}: {}",
        answer.html
    );
    let headers: &HeaderMap = &answer.headers;
    for cookie in headers.get_all(header::SET_COOKIE) {
        assert!(!cookie.to_str().unwrap().starts_with("evil"), "{what}");
    }
    if answer.status == StatusCode::FOUND {
        let location = answer.location();
        assert!(!location.starts_with("https://evil"), "{what}: {location}");
        assert!(!location.starts_with("javascript:"), "{what}: {location}");
    }
}

#[tokio::test]
async fn every_parameter_may_be_anything() {
    let mock = Mock::new();
    let app = mock.app("own-app");
    let client_id = app.app_id.to_string();
    let good = |name: &str| match name {
        "client_id" => client_id.clone(),
        "response_type" => "code".to_owned(),
        "redirect_uri" | "post_logout_redirect_uri" => app.redirect_uris[0].uri.clone(),
        "scope" => "openid User.Read".to_owned(),
        "state" => "s".to_owned(),
        _ => String::new(),
    };
    let mut asked = 0;
    for (endpoint, names) in ENDPOINTS {
        for name in names {
            let others: Vec<(&str, String)> = names
                .iter()
                .filter(|it| *it != name)
                .map(|it| (*it, good(it)))
                .filter(|(_, value)| !value.is_empty())
                .collect();
            let mut variants: Vec<Vec<(&str, String)>> = vec![vec![]];
            variants.extend(HOSTILE.map(|it| vec![(*name, it.to_owned())]));
            variants.push(vec![(name, "x".repeat(9000))]);
            variants.push(vec![(name, good(name)), (name, good(name))]);
            variants.push(vec![
                (name, good(name)),
                (name, "https://evil.example/".to_owned()),
            ]);
            for variant in variants {
                let fields: Vec<(&str, &str)> = others
                    .iter()
                    .chain(&variant)
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                let uri = format!("/{}/{endpoint}?{}", mock.tenant.id, query(&fields));
                let answer = mock.browser().get(&uri).await;
                is_sound(&answer, &format!("{endpoint} {name}"));
                asked += 1;
            }
        }
    }
    assert!(asked > 900, "{asked}");
}

#[tokio::test]
async fn a_doubled_parameter_is_refused_everywhere_it_counts() {
    let mock = Mock::new();
    let app = mock.app("own-app");
    let client_id = app.app_id.to_string();
    for name in AUTHORIZE {
        // Read as a browser sends them, or telemetry: the first counts.
        if ["client-request-id", "client_info", "instance_aware"].contains(&name) {
            continue;
        }
        let uri = mock.authorize("own-app", &[("client_id", &client_id), (name, "")]);
        let uri = format!("{uri}&{name}=a&{name}=b");
        let answer = mock.browser().get(&uri).await;
        let code = answer.annotation.aadsts.first().copied();
        assert_eq!(
            code,
            Some(9000411),
            "{name}: {:?}",
            answer.annotation.decision
        );
    }
    for name in LOGOUT {
        let uri = format!("/common/oauth2/v2.0/logout?{name}=a&{name}=b");
        let page = mock.browser().get(&uri).await;
        assert_eq!(page.error_code(), 9000411, "{name}");
    }
}

#[tokio::test]
async fn a_disabled_foreign_or_unknown_app_gets_nobody() {
    let mock = Mock::new();
    let client = |alias: &str| mock.app(alias).app_id.to_string();
    let gone = uuid::Uuid::from_u128(5).to_string();
    let own = client("own-app");
    mock.change_app("own-app", |app| app.disabled = true);
    for (client_id, expected) in [
        (own.as_str(), 7000112),
        (gone.as_str(), 700016),
        ("00000000-0000-0000-0000-000000000000", 700038),
        ("nobody", 700016),
    ] {
        for endpoint in [
            "oauth2/v2.0/authorize",
            "oauth2/authorize",
            "adminconsent",
            "v2.0/adminconsent",
        ] {
            let fields = [
                ("client_id", client_id),
                ("response_type", "code"),
                ("scope", "openid"),
            ];
            let uri = format!("/{}/{endpoint}?{}", mock.tenant.id, query(&fields));
            let page = mock.browser().get(&uri).await;
            assert_eq!(page.error_code(), expected, "{endpoint} {client_id}");
        }
    }
}
