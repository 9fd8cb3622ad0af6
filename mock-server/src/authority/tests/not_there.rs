//! What the list "Not there" of the documentation says of the login hosts is marked in the journal
//! where it is asked for.

use axum::body::Body;
use axum::http::{Request, header};

use crate::authority::browser::tests::{Answer, Mock, id, query};

/// The list.
fn list() -> String {
    let page = include_str!("../../../docs/known-differences.md");
    let list = page.split("\n## Not there\n").nth(1).unwrap();
    let list = list.split("\n## ").next().unwrap();
    list.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn token(mock: &Mock, more: &[(&str, &str)]) -> Answer {
    let daemon = mock.app("daemon-secret");
    let secret = daemon.secrets[0].secret.clone();
    let client = id(daemon.app_id);
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    fields.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    fields.extend(more);
    let request = Request::post(format!("/{}/oauth2/v2.0/token", mock.tenant.id))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    mock.browser()
        .send(request, Body::from(query(&fields)))
        .await
}

#[track_caller]
fn assert_marked(phrase: &str, asked: &str, answer: &Answer, mark: &str) {
    assert!(
        list().contains(phrase),
        "\"Not there\" does not have '{phrase}'"
    );
    let found = answer
        .annotation
        .unsupported
        .as_deref()
        .unwrap_or("nothing");
    assert!(found.contains(mark), "{asked} is marked with {found}");
}

#[tokio::test]
async fn addresses_that_are_not_there_are_marked() {
    let mock = Mock::new();
    let tenant = mock.tenant.id;
    for (phrase, path) in [
        ("SAML, ", format!("/{tenant}/saml2")),
        ("WS-Trust", "/rst2.srf".to_owned()),
        ("WS-Federation", format!("/{tenant}/wsfed")),
        (
            "`checksession`",
            format!("/{tenant}/oauth2/v2.0/checksession"),
        ),
        ("`openid/userinfo`", format!("/{tenant}/openid/userinfo")),
        ("`kerberos`", format!("/{tenant}/kerberos")),
        ("password-change page", format!("/{tenant}/changepassword")),
    ] {
        let answer = mock.browser().get(&path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_marked(phrase, &path, &answer, &format!("no endpoint {path}"));
    }
    let path = "/getuserrealm.srf?login=alice@contoso.onmicrosoft.com&xml=1";
    let answer = mock.browser().get(path).await;
    assert_marked("the XML form of `getuserrealm.srf`", path, &answer, "XML");
}

#[tokio::test]
async fn parameters_that_are_not_looked_at_are_marked() {
    let mock = Mock::new();
    for (phrase, name, value, mark) in [
        (
            "proof-of-possession tokens",
            "token_type",
            "pop",
            "proof-of-possession",
        ),
        (
            "proof-of-possession tokens",
            "req_cnf",
            "eyJ9",
            "proof-of-possession",
        ),
        (
            "SAML, ",
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:saml2",
            "SAML",
        ),
        (
            "Authentication contexts (`acrs`)",
            "claims",
            r#"{"access_token":{"acrs":{"value":"c1"}}}"#,
            "acrs",
        ),
        (
            "tokens of agents (`fmi_path`)",
            "fmi_path",
            "a/b",
            "fmi_path",
        ),
        (
            "tokens for Outlook",
            "scope",
            "https://outlook.office365.com/.default",
            "Exchange",
        ),
        (
            "Azure Resource Manager",
            "scope",
            "https://management.azure.com/.default",
            "Resource Manager",
        ),
        (
            "Key Vault",
            "scope",
            "https://vault.azure.net/.default",
            "Key Vault",
        ),
    ] {
        let answer = token(&mock, &[(name, value)]).await;
        assert_marked(phrase, name, &answer, mark);
    }
    for (phrase, name, value, mark) in [
        (
            "request objects (`request`, `request_uri`)",
            "request",
            "eyJ9",
            "request objects",
        ),
        (
            "request objects (`request`, `request_uri`)",
            "request_uri",
            "https://x.example/r",
            "request objects",
        ),
        (
            "tokens for Outlook",
            "scope",
            "https://outlook.office.com/IMAP.AccessAsUser.All",
            "Exchange",
        ),
    ] {
        let uri = mock.authorize("own-app", &[(name, value)]);
        let answer = mock.browser().get(&uri).await;
        assert_marked(phrase, name, &answer, mark);
    }
}

#[tokio::test]
async fn restrictions_by_policy_are_marked() {
    let mock = Mock::new();
    let phrase = "tenant restrictions by policy (`sec-Restrict-Tenant-Access-Policy`";
    let header = "sec-restrict-tenant-access-policy";
    for path in ["oauth2/v2.0/token", "oauth2/v2.0/devicecode"] {
        let request = Request::post(format!("/{}/{path}", mock.tenant.id))
            .header(header, "1:2")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let client = id(mock.app("native-app").app_id);
        let form = query(&[
            ("grant_type", "password"),
            ("client_id", &client),
            ("scope", "openid"),
        ]);
        let answer = mock.browser().send(request, Body::from(form)).await;
        assert_marked(phrase, path, &answer, header);
    }
    let request = Request::get(mock.authorize("own-app", &[])).header(header, "1:2");
    let answer = mock.browser().send(request, Body::empty()).await;
    assert_marked(phrase, "authorize", &answer, header);
}

#[tokio::test]
async fn what_is_there_is_not_marked() {
    let mock = Mock::new();
    let answer = token(&mock, &[]).await;
    assert_eq!(answer.annotation.unsupported, None);
    let answer = mock.browser().get(&mock.authorize("own-app", &[])).await;
    assert_eq!(answer.annotation.unsupported, None);
}
