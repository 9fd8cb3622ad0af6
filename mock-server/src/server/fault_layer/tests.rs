//! Each fault, as a real client sees it on the wire.

use std::time::Instant;

use reqwest::{Client, Response};

use crate::directory::Event;
use crate::fault::{Fault, FaultAction, FaultSurface, FaultTarget, FaultWhen, ResetAt};
use crate::server::{MockEntra, TenantHandle};

struct Bench {
    mock: MockEntra,
    tenant: TenantHandle,
    client: Client,
    root: String,
}

impl Bench {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let builder = MockEntra::builder().plain_http(true);
        let mock = builder.data_directory(home.path()).start().await.unwrap();
        let tenant = mock.create_tenant(crate::environment::Environment::Office365);
        let no_redirect = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(no_redirect);
        let endpoint = tenant.token_endpoint().replacen("https:", "http:", 1);
        let (root, _) = endpoint.split_once(&format!("/{}/", tenant.id())).unwrap();
        Self {
            root: root.to_owned(),
            mock,
            tenant,
            client: client.build().unwrap(),
        }
    }

    fn on(&self, surface: FaultSurface, action: FaultAction) {
        self.tenant.clear_faults();
        self.tenant.fault(Fault {
            on: FaultTarget {
                surfaces: vec![surface],
                ..FaultTarget::default()
            },
            when: None,
            action,
        });
    }

    async fn token(&self) -> reqwest::Result<Response> {
        let app = &self.tenant.describe().apps["daemon-secret"];
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", app.client_id.to_string()),
            ("client_secret", app.client_secret.clone().unwrap()),
            ("scope", "https://graph.microsoft.com/.default".to_owned()),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", self.root, self.tenant.id());
        self.client.post(url).form(&form).send().await
    }

    async fn users(&self, token: &str) -> reqwest::Result<Response> {
        let url = format!("{}/v1.0/users", self.root);
        self.client.get(url).bearer_auth(token).send().await
    }
}

#[expect(clippy::disallowed_methods, reason = "delays take real time")]
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_seen_on_the_wire() {
    let bench = Bench::start().await;
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let graph = |action| bench.on(FaultSurface::Graph, action);
    let at_token = |action| bench.on(FaultSurface::Token, action);

    graph(FaultAction::Status(503));
    assert_eq!(bench.users(&token).await.unwrap().status(), 503);
    // The fault is Graph's: the token endpoint answers.
    assert_eq!(bench.token().await.unwrap().status(), 200);

    let retry_after = Some("7".to_owned());
    graph(FaultAction::Throttle { retry_after });
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "TooManyRequests");

    let code = "ErrorItemNotFound".to_owned();
    graph(FaultAction::GraphError { status: 404, code });
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.headers().contains_key("request-id"));

    at_token(FaultAction::Aadsts(50173));
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&body["error"], &body["error_codes"][0]),
        (&"invalid_grant".into(), &50173.into())
    );

    graph(FaultAction::Redirect(
        "https://elsewhere.example/".to_owned(),
    ));
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.headers()["location"], "https://elsewhere.example/");

    graph(FaultAction::Empty);
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().is_empty());

    graph(FaultAction::WrongContentType("text/html".to_owned()));
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html");

    at_token(FaultAction::MalformedJson);
    let text = bench.token().await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());

    graph(FaultAction::Delay(150));
    let begin = Instant::now();
    assert_eq!(bench.users(&token).await.unwrap().status(), 200);
    assert!(begin.elapsed().as_millis() >= 150);

    graph(FaultAction::SlowBody(200));
    let begin = Instant::now();
    let body: serde_json::Value = bench.users(&token).await.unwrap().json().await.unwrap();
    assert!(body["value"].is_array() && begin.elapsed().as_millis() >= 150);

    graph(FaultAction::HugeBody);
    let mut answer = bench.users(&token).await.unwrap();
    let mut bytes = 0;
    while bytes < 20 << 20 {
        bytes += answer.chunk().await.unwrap().unwrap().len();
    }
    drop(answer);
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_break_where_the_fault_says() {
    let bench = Bench::start().await;
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let graph = |action| bench.on(FaultSurface::Graph, action);

    graph(FaultAction::Reset(ResetAt::BeforeHeaders));
    assert!(bench.users(&token).await.is_err());
    graph(FaultAction::LoseResponse);
    assert!(bench.users(&token).await.is_err());
    for action in [
        FaultAction::Reset(ResetAt::AfterHeaders),
        FaultAction::Reset(ResetAt::MidBody),
        FaultAction::Truncate,
    ] {
        let name = action.name();
        graph(action);
        let answer = bench.users(&token).await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(answer.bytes().await.is_err(), "{name}");
    }
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_happens_at_the_request_and_other_tenants_see_nothing() {
    let bench = Bench::start().await;
    let app = || "daemon-secret".to_owned();
    bench.tenant.fault(Fault {
        on: FaultTarget::default(),
        when: Some(FaultWhen::Nth(2)),
        action: FaultAction::Event(Event::DisableApp { app: app() }),
    });
    assert_eq!(bench.token().await.unwrap().status(), 200);
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    assert_eq!(body["error_codes"][0], 7_000_112);

    let journal = bench.mock.journal().exchanges_since(0);
    let touched: Vec<_> = journal
        .iter()
        .filter_map(|it| it.fault.as_deref())
        .collect();
    assert_eq!(touched, ["event (fault 1)"]);

    let other = bench
        .mock
        .create_tenant(crate::environment::Environment::Office365);
    assert!(other.tenant().faults.is_empty());
    let other = Bench {
        tenant: other,
        ..bench
    };
    assert_eq!(other.token().await.unwrap().status(), 200);
    other.mock.stop().await;
}
