//! Marked secrets, put wherever a client, a person or a test can put them: nobody reads one whole
//! but where it was asked for.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::http::Bench;
use crate::environment::Environment;
use crate::journal::{Redaction, fingerprint};
use crate::server::TenantHandle;

const PASSWORD: &str = "Canary~Passw0rd/+&1 2";
const SECRET: &str = "canary.secret+value=1&2";

/// Secrets of all kinds, by what they are.
async fn secrets(bench: &Bench, tenant: &TenantHandle) -> BTreeMap<&'static str, String> {
    for event in [
        json!({"change-password": {"user": "bob", "password": PASSWORD}}),
        json!({"add-secret": {"app": "own-app", "secret": SECRET}}),
    ] {
        let path = format!("/api/v1/tenants/{}/events", tenant.id());
        let answer = bench.send(Method::POST, &path, &event).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let described = tenant.describe();
    let tokens = bench.sign_in(tenant).await;
    let form = [
        (
            "client_id",
            described.apps["native-app"].client_id.to_string(),
        ),
        ("scope", "User.Read openid".to_owned()),
    ];
    let endpoint = tenant.token_endpoint().replace("/token", "/devicecode");
    let device = bench
        .client
        .post(endpoint)
        .form(&form)
        .send()
        .await
        .unwrap();
    let device: Value = device.json().await.unwrap();
    let certificate = &described.apps["daemon-certificate"];
    let file = |path: &Option<String>| std::fs::read(path.as_ref().unwrap()).unwrap();
    let text = |from: &Value, name: &str| from[name].as_str().unwrap().to_owned();
    BTreeMap::from([
        ("password", PASSWORD.to_owned()),
        (
            "password of the world",
            described.users["alice"].password.clone(),
        ),
        ("secret", SECRET.to_owned()),
        (
            "secret of the world",
            described.apps["own-app"].client_secret.clone().unwrap(),
        ),
        ("access token", text(&tokens, "access_token")),
        ("refresh token", text(&tokens, "refresh_token")),
        ("device code", text(&device, "device_code")),
        ("user code", text(&device, "user_code")),
        (
            "user code as typed",
            text(&device, "user_code").to_lowercase(),
        ),
        (
            "private key",
            String::from_utf8(file(&certificate.key_file))
                .unwrap()
                .trim()
                .to_owned(),
        ),
        ("pfx", STANDARD.encode(file(&certificate.pfx_file))),
        ("foreign secret", format!("abc8Q~{}", "Foreign-1".repeat(4))),
        ("unsigned token", {
            let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
            format!(
                "{}.{}.",
                part(r#"{"alg":"none"}"#),
                part(r#"{"aud":"canary"}"#)
            )
        }),
    ])
}

/// Sends a secret to all endpoints, in all places.
async fn plant(bench: &Bench, tenant: &TenantHandle, access: &str, secret: &str) {
    let token = tenant.token_endpoint();
    let client = tenant.describe().apps["own-app"].client_id.to_string();
    let root = bench.mock.graph(Environment::Office365);
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let post = |url: &str, kind: &'static str, body: String| {
        bench
            .client
            .post(url)
            .header("content-type", kind)
            .body(body)
    };
    let graph = |method: Method, path: &str| {
        let request = bench.client.request(method, format!("{root}{path}"));
        request.bearer_auth(access)
    };
    let mail = format!("Subject: {secret}\r\n\r\n{secret}");
    let forms = [
        vec![
            ("grant_type", "refresh_token"),
            ("client_id", &client),
            ("clientsecret", secret),
        ],
        vec![
            ("grant_type", "password"),
            ("username", secret),
            ("passwrd", secret),
        ],
        vec![("grant_type", secret), ("scope", secret), (secret, "value")],
        vec![
            ("client_id", secret),
            ("grant_type", "client_credentials"),
            ("resource", secret),
        ],
        vec![
            ("grant_type", "authorization_code"),
            ("code", secret),
            ("redirect_uri", secret),
        ],
    ];
    let mut requests: Vec<reqwest::RequestBuilder> = forms
        .iter()
        .map(|form| bench.client.post(token.as_str()).form(form))
        .collect();
    let authorize = token.replace("/token", "/authorize");
    let base64 = URL_SAFE_NO_PAD.encode(secret);
    let basic = STANDARD.encode(format!("client:{secret}"));
    let hex: String = secret.bytes().map(|it| format!("{it:02x}")).collect();
    let nested = json!({"deep": json!({"deeper": secret}).to_string()}).to_string();
    let escaped = utf8_percent_encode(&nested, NON_ALPHANUMERIC);
    let packed = |encoding: &str, text: &str| {
        let into = Vec::new();
        if encoding == "gzip" {
            let mut encoder = GzEncoder::new(into, Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        } else {
            let mut encoder = ZlibEncoder::new(into, Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
    };
    let parts = format!(
        "--b\r\nContent-Disposition: form-data; name=\"client_secret\"\r\n\r\n{secret}\r\n--b--\r\n"
    );
    requests.extend([
        post(&token, "text/plain", nested.clone()),
        post(
            &token,
            "text/plain",
            format!("it is {hex}, or {}", json!(nested)),
        ),
        post(&token, "application/json", json!({"x": nested}).to_string()),
        post(&token, "multipart/form-data; boundary=b", parts.clone()),
        post(&token, "text/plain; boundary=b", parts.clone()),
        bench
            .client
            .get(format!("{authorize}?client_id={client}&state={hex}")),
        bench
            .client
            .get(format!("{authorize}?client_id={client}&state={escaped}")),
        bench.client.get(format!("{token}/{hex}")),
        graph(Method::GET, &format!("/v1.0/me/messages/{hex}")),
        graph(
            Method::GET,
            &format!("/v1.0/me/messages?$search=%22{hex}%22"),
        ),
        graph(Method::POST, "/v1.0/me/messages").json(&json!({
            "subject": hex, "body": {"content": nested},
        })),
        graph(Method::POST, "/v1.0/$batch")
            .header("content-type", "multipart/mixed; boundary=b")
            .body(parts.clone()),
    ]);
    for encoding in ["gzip", "deflate"] {
        for (url, kind, body) in [
            (
                token.as_str(),
                "application/x-www-form-urlencoded",
                format!("client_secret={encoded}"),
            ),
            (token.as_str(), "text/plain", nested.clone()),
            (
                &*format!("{root}/v1.0/me/messages"),
                "application/json",
                json!({"subject": secret}).to_string(),
            ),
            (
                &*format!("{root}/v1.0/me/messages"),
                "text/plain",
                parts.clone(),
            ),
        ] {
            let request = bench.client.post(url).bearer_auth(access);
            requests.push(
                request
                    .header("content-type", kind)
                    .header("content-encoding", encoding)
                    .body(packed(encoding, &body)),
            );
        }
    }
    requests.extend([
        post(&token, "text/plain", format!("client_secret={encoded}&x=y")),
        post(&token, "text/plain", format!("a secret is {secret}, he said")),
        post(&token, "text/plain", json!({"x": secret}).to_string()),
        post(&token, "text/plain", format!("note: Basic {basic}, he said")),
        bench.client.get(format!("{authorize}?client_id={client}&state=data:text/plain;base64,{base64}")),
        graph(Method::POST, "/v1.0/me/messages").json(&json!({
            "subject": format!("it is {base64}, {basic}"), "body": {"content": format!("{secret} {base64}")},
        })),
        post(&token, "application/json", json!({"a": {"b": [secret]}}).to_string()),
        bench.client.get(format!("{authorize}?client_id={client}&state={encoded}&token={encoded}")),
        bench.client.get(format!(
            "{authorize}?client_id={client}&redirect_uri=https%3A%2F%2Fapp.example%2F%3Fx%3D{encoded}"
        )),
        bench.client.get(format!("{token}/{encoded}?{encoded}")),
        graph(Method::GET, &format!("/v1.0/{encoded}")),
        graph(Method::GET, &format!("/v1.0/me/messages/{encoded}?$filter={encoded}")),
        graph(Method::GET, &format!("/v1.0/me/messages?$filter=subject%20eq%20%27{encoded}%27")),
        graph(Method::POST, "/v1.0/me/messages").json(&json!({
            "subject": format!("Re: {secret}"), "body": {"content": secret},
            secret: "a name", "clientsecret": secret, "code": secret,
        })),
        graph(Method::POST, "/v1.0/me/messages")
            .header("content-type", "text/plain")
            .body(STANDARD.encode(mail)),
        graph(Method::POST, "/v1.0/$batch").json(&json!({"requests": [{
            "id": secret, "method": "GET", "url": format!("/me?x={encoded}"),
            "headers": {"Authorization": format!("Bearer {secret}"), "X-Note": secret},
            "body": {"x": secret},
        }]})),
        bench.client.get(format!("{root}/v1.0/me?token={encoded}")),
    ]);
    // Not all secrets are values of headers.
    if let Ok(value) = HeaderValue::from_str(secret) {
        for name in [
            "referer",
            "user-agent",
            "x-note",
            "client-request-id",
            "cookie",
            "origin",
        ] {
            let request = bench.client.get(format!("{root}/v1.0/me"));
            requests.push(request.header(HeaderName::from_static(name), value.clone()));
        }
        let basic = STANDARD.encode(format!("client:{secret}"));
        requests.push(
            bench
                .client
                .get(token.as_str())
                .header("x-auth", format!("Basic {basic}")),
        );
    }
    for request in requests {
        // Some are no requests, as a key has no place in an address.
        if let Ok(request) = request.build() {
            bench.client.execute(request).await.unwrap();
        }
    }
    let address = bench.mock.control_url().replace("http://", "");
    for line in [
        format!("GET http://foreign.example/{encoded}?x={encoded}"),
        format!("CONNECT {encoded}.example:443"),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: foreign.example\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
    }
    let own = format!("/api/v1/tenants/{}", tenant.id());
    let yaml = format!(
        "schema: 1\ntitle: A canary\nsource: a test\nauth: [own-app]\nenvironment: [office365]\n\
         steps:\n  - note: {}\n  - event: {{reset-password: {{user: bob, by: admin-center, password: {}}}}}\n",
        json!(secret),
        json!(PASSWORD),
    );
    for (path, body) in [
        (
            "events",
            json!({"deliver-message": {"user": "alice", "subject": secret, "body": secret}}),
        ),
        (
            "events",
            json!({"request-consent": {"user": "bob", "app": "unconsented-app",
            "reason": secret, "scopes": ["Mail.Read"]}}),
        ),
        ("events", json!({"no-such-event": {"user": secret}})),
        (
            "faults",
            json!({"on": {"path": format!("/nowhere/{secret}")}, "do": {"status": 503}}),
        ),
        (
            "faults",
            json!({"on": {"path": "/nowhere"}, "do": {"edit": {"set": {"/x": secret}}}}),
        ),
        (
            "faults",
            json!({"on": {"path": "/nowhere"},
            "do": {"event": {"change-password": {"user": "bob", "password": secret}}}}),
        ),
        ("scenario", json!({ "yaml": yaml })),
    ] {
        bench
            .send(Method::POST, &format!("{own}/{path}"), &body)
            .await;
    }
    bench
        .send(
            Method::POST,
            "/api/v1/explain",
            &json!({"token": secret, "x": secret}),
        )
        .await;
}

/// All that can be read, by its path, but what is read for its credentials.
async fn readable(
    bench: &Bench,
    tenant: &TenantHandle,
    secrets: &[&String],
) -> Vec<(String, String)> {
    let document = bench.get("/api/v1/openapi.json").await;
    let mut paths: Vec<String> = document.json["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, item)| item.get("get").is_some())
        .map(|(path, _)| path.replace("{tenant}", &tenant.id().to_string()))
        .filter(|path| {
            !path.contains('{') && !path.ends_with("/follow") && !path.ends_with("/wait")
        })
        .collect();
    let own = format!("/api/v1/tenants/{}", tenant.id());
    for given in [
        "/api/v1/ready",
        "/api/v1/variables",
        "/api/v1/state",
        "/api/v1/tenants",
        &own,
        &format!("{own}/export"),
    ] {
        let before = paths.len();
        paths.retain(|path| path != given);
        assert_eq!(paths.len() + 1, before, "{given}");
    }
    assert!(paths.len() > 10, "{paths:?}");
    paths.push(format!("{own}/recording?format=yaml"));
    paths.push("/api/v1/journal/wait?status=4xx".to_owned());
    paths.extend(
        secrets
            .iter()
            .map(|it| format!("/api/v1/tokens/{}", fingerprint(it))),
    );
    let mut texts = Vec::new();
    for path in paths {
        let answer = bench.get(&path).await;
        texts.push((path, answer.text));
    }
    for secret in secrets {
        let answer = bench
            .send(Method::POST, "/api/v1/explain", &json!({ "token": secret }))
            .await;
        texts.push(("explain".to_owned(), answer.text));
    }
    let newest = bench.mock.journal().position();
    let follow = format!(
        "/api/v1/journal/follow?since={}",
        newest.saturating_sub(2_000).max(1)
    );
    let mut stream = bench.request(Method::GET, &follow).send().await.unwrap();
    let mut text = String::new();
    while !text.contains(&format!("id: {newest}\n")) {
        let chunk = stream.chunk().await.unwrap().unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    texts.push((follow, text));
    for exchange in bench.mock.journal().exchanges_since(0) {
        texts.push(("a line".to_owned(), exchange.line()));
        texts.push(("debug output".to_owned(), format!("{exchange:?}")));
    }
    texts
}

/// What of a text has a secret in it, if it has.
fn whole<'a>(text: &'a str, secret: &str) -> Option<&'a str> {
    let quoted = json!(secret).to_string();
    let hex: String = secret.bytes().map(|it| format!("{it:02x}")).collect();
    let escaped = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let formed: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [
        secret,
        quoted.trim_matches('"'),
        &escaped,
        &formed,
        &STANDARD.encode(secret),
        &URL_SAFE_NO_PAD.encode(secret),
        &STANDARD.encode(format!("client:{secret}")),
        &hex,
        &hex.to_uppercase(),
        json!(quoted).to_string().trim_matches(['"', '\\']),
    ]
    .into_iter()
    .find_map(|it| {
        let at = text.find(it)?;
        let from = text.floor_char_boundary(at.saturating_sub(80));
        Some(&text[from..text.ceil_char_boundary(at + 40)])
    })
}

#[tokio::test]
async fn no_secret_is_read_whole_wherever_it_was_put() {
    // The log of this thread, on which all tasks of the test run, with all that it may say.
    let log = tempfile::NamedTempFile::new().unwrap();
    let file = log.reopen().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || file.try_clone().unwrap())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("the log is read");

    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let secrets = secrets(&bench, &tenant).await;
    for secret in secrets.values() {
        plant(&bench, &tenant, &secrets["access token"], secret).await;
    }
    let values: Vec<&String> = secrets.values().collect();
    let mut texts = readable(&bench, &tenant, &values).await;
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("the log is read"));
    texts.push(("the log".to_owned(), log));
    let mut found: Vec<String> = Vec::new();
    for (place, text) in &texts {
        for (name, secret) in &secrets {
            if let Some(part) = whole(text, secret) {
                found.push(format!("{place} has the {name}: {part}"));
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // They were there: each left its fingerprint.
    let journal = &texts.iter().find(|it| it.0 == "/api/v1/journal").unwrap().1;
    for (name, secret) in &secrets {
        let marks = journal.matches(&fingerprint(secret)).count();
        assert!(marks > 10, "{name}: {marks}");
    }
}

#[tokio::test]
async fn a_state_has_the_secrets_of_its_directories_and_no_token() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let secrets = secrets(&bench, &tenant).await;
    let state = bench.get("/api/v1/state").await.text;
    for name in ["password", "secret"] {
        assert!(whole(&state, &secrets[name]).is_some(), "{name}");
    }
    for name in [
        "access token",
        "refresh token",
        "device code",
        "user code",
        "private key",
        "pfx",
    ] {
        assert_eq!(whole(&state, &secrets[name]), None, "{name}");
    }
}

#[tokio::test]
async fn who_asks_for_secrets_reads_them_in_the_journal() {
    let bench = Bench::start_with(|it| it.redaction(Redaction::Off)).await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let secrets = secrets(&bench, &tenant).await;
    plant(
        &bench,
        &tenant,
        &secrets["access token"],
        &secrets["password"],
    )
    .await;
    let journal = bench.get("/api/v1/journal").await.text;
    for name in [
        "password",
        "secret",
        "access token",
        "refresh token",
        "user code",
    ] {
        assert!(whole(&journal, &secrets[name]).is_some(), "{name}");
    }
}

#[tokio::test]
async fn the_code_of_an_error_of_graph_is_shown() {
    let bench = Bench::start().await;
    let root = bench.mock.graph(Environment::Office365);
    bench
        .client
        .get(format!("{root}/v1.0/me"))
        .send()
        .await
        .unwrap();
    let journal = bench.get("/api/v1/journal?surface=graph").await;
    let code = &journal.json[0]["response_body"]["error"]["code"];
    assert_eq!(code, "InvalidAuthenticationToken", "{}", journal.text);
}
