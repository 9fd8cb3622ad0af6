//! The connector's own behaviour, against answers that the mock does not give.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::http::{delay, patience};
use super::token::merge_capabilities;
use super::{Guise, Kind, Store, serve};

#[test]
fn times_to_wait_are_read_in_both_forms() {
    let date = Some("Mon, 23 Nov 2026 10:00:00 GMT");
    assert_eq!(delay("7", None), Some(7.0));
    assert_eq!(delay("Mon, 23 Nov 2026 10:01:30 GMT", date), Some(90.0));
    assert_eq!(delay("inf", None), Some(86_400.0));
    for nonsense in ["NaN", "-5", "soon", "", "Mon, 23 Nov 2026 10:01:30 GMT"] {
        assert_eq!(delay(nonsense, None), None, "{nonsense}");
    }
}

#[test]
fn nobody_comes_back_at_once() {
    for asked in [None, Some(0.0)] {
        assert!(patience(asked, 1) >= Duration::from_secs(1));
        assert!(patience(asked, 2) >= Duration::from_secs(2));
    }
    assert_eq!(patience(Some(7.0), 1), Duration::from_secs(7));
}

#[test]
fn claims_of_any_shape_are_merged() {
    for claims in [
        r#"{"access_token":"x"}"#,
        r#"{"access_token":[1]}"#,
        "[]",
        "{",
    ] {
        let merged: Value =
            serde_json::from_str(&merge_capabilities(Some(claims), Kind::Sound)).unwrap();
        assert_eq!(merged["access_token"]["xms_cc"]["values"][0], "cp1");
    }
}

#[tokio::test]
async fn links_in_a_circle_end_with_an_error() {
    let service = Service::start().await;
    service.tokens(json!({})).await;
    let link = format!("{}/v1.0/again", service.server.uri());
    service
        .graph(json!({"value": [], "@odata.nextLink": link}))
        .await;
    let mut connector = Connector::start().await;
    connector.ask("connect", service.app_only()).await;
    let answer = connector.ask("call", list()).await;
    assert_eq!(answer["error"]["data"]["category"], "unavailable");
    assert_eq!(service.count("/v1.0/").await, 2);
}

#[tokio::test]
async fn an_endless_lifetime_is_no_overflow() {
    let service = Service::start().await;
    service.tokens(json!({"expires_in": i64::MAX})).await;
    service.graph(json!({"value": []})).await;
    let mut connector = Connector::start().await;
    connector.ask("connect", service.app_only()).await;
    let answer = connector.ask("call", list()).await;
    assert_eq!(answer["result"]["value"], json!({"value": []}));
}

#[tokio::test]
async fn all_who_wait_for_a_renewal_hear_why_it_failed() {
    let (service, mut connector) = signed_in().await;
    let refusal = json!({"error": "invalid_grant", "suberror": "consent_required"});
    service.refusal(refusal, Duration::from_millis(100)).await;
    for _ in 0..20 {
        connector.send("call", list()).await;
    }
    for _ in 0..20 {
        let answer = connector.next().await;
        assert_eq!(answer["error"]["data"]["category"], "consent-required");
    }
    // The code, and one refresh.
    assert_eq!(service.count("/oauth2/").await, 2);
}

#[tokio::test]
async fn the_repair_proves_what_was_asked_for() {
    let (service, mut connector) = signed_in().await;
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let refusal = json!({"error": "interaction_required", "claims": claims});
    service.refusal(refusal, Duration::ZERO).await;
    let answer = connector.ask("call", list()).await;
    assert_eq!(answer["error"]["data"]["category"], "reconnect-required");
    let answer = connector.ask("reconnect", service.own_app()).await;
    let sent: Value = serde_json::from_str(&parameter(&answer, "claims")).unwrap();
    assert_eq!(sent["access_token"]["acrs"]["value"], "c1");
    assert_eq!(sent["access_token"]["xms_cc"]["values"][0], "cp1");
}

#[tokio::test]
async fn a_callback_of_another_issuer_is_not_redeemed() {
    let service = Service::start().await;
    let mut connector = Connector::start().await;
    let begun = connector.ask("connect", service.own_app()).await;
    let state = parameter(&begun, "state");
    let url = format!("https://app.example/cb?code=c&state={state}&iss=https%3A%2F%2Fevil.example");
    let answer = connector.ask("finish-authorization", finish(&url)).await;
    assert_eq!(answer["error"]["data"]["category"], "untrusted");
    assert_eq!(service.count("/oauth2/").await, 0);
}

/// A connection whose access token has run out.
async fn signed_in() -> (Service, Connector) {
    let service = Service::start().await;
    service.tokens(json!({"refresh_token": "r"})).await;
    let mut connector = Connector::start().await;
    let begun = connector.ask("connect", service.own_app()).await;
    let url = format!(
        "https://app.example/cb?code=c&state={}",
        parameter(&begun, "state")
    );
    let answer = connector.ask("finish-authorization", finish(&url)).await;
    assert_eq!(answer["result"]["state"], "connected");
    connector
        .ask("advance-clock", json!({"seconds": 4_000}))
        .await;
    (service, connector)
}

fn list() -> Value {
    json!({"connection": "c", "operation": "list-folders", "arguments": {}})
}

fn finish(url: &str) -> Value {
    json!({"connection": "c", "redirect_url": url})
}

fn parameter(begun: &Value, name: &str) -> String {
    let url = url::Url::parse(begun["result"]["authorize_url"].as_str().unwrap()).unwrap();
    let (_, value) = url.query_pairs().find(|(it, _)| it == name).unwrap();
    value.into_owned()
}

/// Authority and Graph in one.
struct Service {
    server: MockServer,
}

impl Service {
    async fn start() -> Self {
        Self {
            server: MockServer::start().await,
        }
    }

    async fn tokens(&self, more: Value) {
        let mut body = json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3_600});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Mock::given(method("POST"))
            .and(path_regex("/oauth2/"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .up_to_n_times(1)
            .mount(&self.server)
            .await;
    }

    async fn refusal(&self, body: Value, after: Duration) {
        Mock::given(method("POST"))
            .and(path_regex("/oauth2/"))
            .respond_with(
                ResponseTemplate::new(400)
                    .set_body_json(body)
                    .set_delay(after),
            )
            .mount(&self.server)
            .await;
    }

    async fn graph(&self, body: Value) {
        Mock::given(method("GET"))
            .and(path_regex("^/v1.0/"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&self.server)
            .await;
    }

    async fn count(&self, part: &str) -> usize {
        let requests = self.server.received_requests().await.unwrap();
        requests
            .iter()
            .filter(|it| it.url.path().contains(part))
            .count()
    }

    fn connect(&self, auth_method: &str, more: &Value) -> Value {
        let mut settings = json!({"client_id": ID, "client_secret": "s", "tenant_id": ID});
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let root = self.server.uri();
        json!({
            "connection": "c", "auth_method": auth_method, "environment": "office365",
            "settings": settings, "endpoints": {"authority": root, "graph": root},
        })
    }

    fn app_only(&self) -> Value {
        self.connect(
            "client-credentials",
            &json!({"account": "alice@contoso.com"}),
        )
    }

    fn own_app(&self) -> Value {
        let redirect = "https://app.example/cb";
        self.connect(
            "own-app",
            &json!({"scopes": ["Mail.Read", "offline_access"], "redirect_uri": redirect}),
        )
    }
}

/// The connector, at the other end of a line.
struct Connector {
    answers: Lines<BufReader<ReadHalf<DuplexStream>>>,
    questions: WriteHalf<DuplexStream>,
}

impl Connector {
    async fn start() -> Self {
        let (near, far) = tokio::io::duplex(65_536);
        let (reader, writer) = tokio::io::split(far);
        tokio::spawn(serve(
            reader,
            writer,
            (Kind::Sound, Guise::Mail),
            Some(Store::default()),
            std::sync::Arc::new(|_: &str| {}),
        ));
        let (answers, questions) = tokio::io::split(near);
        let mut connector = Self {
            answers: BufReader::new(answers).lines(),
            questions,
        };
        let hello = json!({"protocol": [1], "suite": "test", "network": {}});
        connector.ask("initialize", hello).await;
        connector
    }

    async fn send(&mut self, method: &str, params: Value) {
        let line = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.questions
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.answers.next_line().await.unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(method, params).await;
        self.next().await
    }
}

const ID: &str = "11111111-2222-3333-4444-555555555555";
