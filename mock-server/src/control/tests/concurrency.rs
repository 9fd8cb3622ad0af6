//! Everything at once: readers of the journal and of the state beside events, Graph, and tenants
//! that come and go. In debug builds each lock that is taken out of order panics, which ends its
//! request; no request may wait longer than ten times what is usual for its kind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::http::Bench;
use crate::environment::Environment;

/// Makes the request with a number.
type Make = Box<dyn Fn(&Bench, u64) -> RequestBuilder + Send>;

/// A kind of request, how often it was answered, and how long each took.
type Times = BTreeMap<&'static str, Vec<Duration>>;

/// What one client asks for, again and again.
type Ask = Box<dyn Fn(u64) -> (&'static str, RequestBuilder) + Send>;

/// A request that takes so long has been waiting for what never comes.
const HANGS: Duration = Duration::from_secs(15);

/// Where the median is shorter, the machine's other work decides.
const FLOOR: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn no_request_waits_for_long_while_everything_happens_at_once() {
    check(&everything_at_once(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "takes a minute: tests/concurrency runs it"]
async fn no_request_waits_for_long_in_a_minute_of_everything_at_once() {
    check(&everything_at_once(Duration::from_mins(1)).await);
}

fn check(times: &Times) {
    let mut slow = Vec::new();
    for (kind, times) in times {
        let mut sorted = times.clone();
        sorted.sort();
        let (median, longest) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
        let line = format!(
            "{kind}: {} times, median {median:?}, longest {longest:?}",
            sorted.len()
        );
        println!("{line}");
        if longest > 10 * median.max(FLOOR) {
            slow.push(line);
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Runs all clients for a while. Each kind of request is answered at least once.
async fn everything_at_once(length: Duration) -> Times {
    let bench = Arc::new(Bench::start().await);
    let mut clients = JoinSet::new();
    let end = Instant::now() + length;
    for ask in asks(&bench).await {
        clients.spawn(async move {
            let mut times = Times::new();
            let mut round = 0;
            while round == 0 || Instant::now() < end {
                let (kind, request) = ask(round);
                let start = Instant::now();
                let answer = request.timeout(HANGS).send().await;
                let answer = answer.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
                let status = answer.status();
                // To its end: what is read is part of the answer.
                let text = answer.text().await.unwrap_or_default();
                assert!(status.is_success(), "{kind}: {status} {text}");
                times.entry(kind).or_default().push(start.elapsed());
                round += 1;
            }
            times
        });
    }
    clients.spawn(tenants_come_and_go(Arc::clone(&bench), end));
    let mut all = Times::new();
    while let Some(times) = clients.join_next().await {
        for (kind, times) in times.unwrap() {
            all.entry(kind).or_default().extend(times);
        }
    }
    all
}

/// Makes tenants and deletes them.
async fn tenants_come_and_go(bench: Arc<Bench>, end: Instant) -> Times {
    let mut times = Times::new();
    while times.is_empty() || Instant::now() < end {
        let start = Instant::now();
        let made = bench
            .send(Method::POST, "/api/v1/tenants", &json!({}))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        times
            .entry("make a tenant")
            .or_default()
            .push(start.elapsed());
        let start = Instant::now();
        let path = format!(
            "/api/v1/tenants/{}",
            made.json["tenant"]["id"].as_str().unwrap()
        );
        let gone = bench.send(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
        times
            .entry("delete a tenant")
            .or_default()
            .push(start.elapsed());
    }
    times
}

async fn asks(bench: &Arc<Bench>) -> Vec<Ask> {
    let tenant = bench.mock.tenant(Environment::Office365);
    let id = tenant.id().to_string();
    let described = tenant.describe();
    let form = [
        ("grant_type", "password".to_owned()),
        (
            "client_id",
            described.apps["native-app"].client_id.to_string(),
        ),
        ("username", described.users["alice"].upn.clone()),
        ("password", described.users["alice"].password.clone()),
        ("scope", "Mail.ReadWrite User.Read".to_owned()),
    ];
    let (status, tokens) = bench.token(&tenant, &form).await;
    assert_eq!(status, 200, "{tokens}");
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let graph = bench.mock.graph(Environment::Office365);
    let mut asks: Vec<Ask> = Vec::new();
    let mut ask = |kind: &'static str, make: Make| {
        let bench = Arc::clone(bench);
        asks.push(Box::new(move |round| (kind, make(&bench, round))));
    };
    // By names, which are looked up in the tenants; the app is the tenant's own, and the vendor's.
    for app in ["own-app", "daemon-secret", "own-app"] {
        let path = format!("/api/v1/journal?tenant={id}&client={app}&last=1");
        ask(
            "journal by client",
            Box::new(move |bench, _| bench.request(Method::GET, &path)),
        );
    }
    let path = format!("/api/v1/journal?tenant={id}&user=alice&last=1");
    ask(
        "journal by user",
        Box::new(move |bench, _| bench.request(Method::GET, &path)),
    );
    for user in ["bob", "bob", "admin", "shared"] {
        let path = format!("/api/v1/tenants/{id}/events");
        let described = described.users.contains_key(user);
        let user = if described { user } else { "bob" };
        let events = [
            json!({"revoke-sessions": {"user": user}}),
            json!({"assign-user": {"app": "own-app", "user": user}}),
            json!({"register-second-factor": {"user": user}}),
            json!({"change-redirect-uris": {"app": "daemon-secret", "redirect_uris": ["https://a/b"]}}),
            json!({"deliver-message": {"user": "bob", "subject": "At once"}}),
        ];
        ask(
            "event",
            Box::new(move |bench, round| {
                let event = &events[usize::try_from(round).unwrap() % events.len()];
                bench.request(Method::POST, &path).json(event)
            }),
        );
    }
    for (kind, path) in [
        ("export of the state", "/api/v1/state".to_owned()),
        ("export as a seed", "/api/v1/state?format=yaml".to_owned()),
        ("export of a tenant", format!("/api/v1/tenants/{id}/export")),
        ("list of tenants", "/api/v1/tenants".to_owned()),
        ("list of apps", format!("/api/v1/tenants/{id}/apps")),
    ] {
        ask(
            kind,
            Box::new(move |bench, _| bench.request(Method::GET, &path)),
        );
    }
    for (kind, path) in [
        ("read of mail", "/v1.0/me/messages?$top=5"),
        ("read of a user", "/v1.0/me"),
    ] {
        let (url, token) = (format!("{graph}{path}"), token.clone());
        ask(
            kind,
            Box::new(move |bench, _| bench.client.get(&url).bearer_auth(&token)),
        );
    }
    let url = format!("{graph}/v1.0/me/messages");
    ask(
        "write of mail",
        Box::new(move |bench, round| {
            let draft = json!({"subject": format!("At once {round}")});
            bench.client.post(&url).bearer_auth(&token).json(&draft)
        }),
    );
    let endpoint = tenant.token_endpoint();
    ask(
        "sign-in",
        Box::new(move |bench, _| bench.client.post(&endpoint).form(&form)),
    );
    asks
}
