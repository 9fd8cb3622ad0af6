//! The control API over HTTP, as a client sees it.

mod scenario;

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::environment::Environment;
use crate::journal::Surface;
use crate::server::{Builder, TenantHandle};
use crate::{Event, MockEntra};

pub(super) struct Bench {
    pub(super) mock: MockEntra,
    pub(super) client: Client,
    _folder: TempDir,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) kind: String,
    allow: String,
    /// Whether other pages may frame it.
    frames: String,
    pub(super) json: Value,
    pub(super) text: String,
}

impl Bench {
    pub(super) async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    pub(super) async fn start_with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let builder = MockEntra::builder().data_directory(folder.path());
        let mock = change(builder).start().await.unwrap();
        let trust = reqwest::Certificate::from_pem(mock.ca_pem().as_bytes()).unwrap();
        Self {
            client: Client::builder()
                .tls_certs_only([trust])
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            mock,
            _folder: folder,
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.mock.control_url()))
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        read(self.request(method, path).json(body).send().await.unwrap()).await
    }

    /// Tokens of a user by password, which native apps may still use.
    pub(super) async fn sign_in(&self, tenant: &TenantHandle) -> Value {
        let described = tenant.describe();
        let form = [
            ("grant_type", "password".to_owned()),
            (
                "client_id",
                described.apps["native-app"].client_id.to_string(),
            ),
            ("username", described.users["alice"].upn.clone()),
            ("password", described.users["alice"].password.clone()),
            ("scope", "User.Read offline_access".to_owned()),
        ];
        self.token(tenant, &form).await.1
    }

    pub(super) async fn token(
        &self,
        tenant: &TenantHandle,
        form: &[(&str, String)],
    ) -> (StatusCode, Value) {
        let request = self.client.post(tenant.token_endpoint()).form(form);
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub(super) async fn refresh(
        &self,
        tenant: &TenantHandle,
        token: &Value,
    ) -> (StatusCode, Value) {
        let client = tenant.describe().apps["native-app"].client_id;
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", client.to_string()),
            ("refresh_token", token.as_str().unwrap().to_owned()),
        ];
        self.token(tenant, &form).await
    }
}

pub(super) async fn read(response: Response) -> Answer {
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map_or_else(String::new, |it| it.to_str().unwrap().to_owned())
    };
    let (status, kind, allow) = (response.status(), header("content-type"), header("allow"));
    let frames = header("x-frame-options");
    let text = response.text().await.unwrap();
    Answer {
        status,
        kind,
        allow,
        frames,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}

pub(super) fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.kind, "application/problem+json", "{}", answer.text);
    assert_eq!(answer.json["status"], status);
    assert!(answer.json["title"].is_string());
}

#[tokio::test]
async fn refusals_are_problems() {
    let bench = Bench::start().await;
    assert_problem(&bench.get("/api/v1/nowhere").await, 404);
    assert_problem(&bench.get("/api/v1/tenants/nobody.example").await, 404);
    assert_problem(&bench.get("/api/v1/journal?colour=red").await, 400);
    assert_problem(&bench.get("/api/v1/journal?since=1&since=2").await, 400);
    assert_problem(&bench.get("/api/v1/tenants/%FF").await, 400);

    let wrong = bench
        .send(Method::DELETE, "/api/v1/ready", &json!({}))
        .await;
    assert_problem(&wrong, 405);
    assert_eq!(wrong.allow, "GET,HEAD");
    let unreadable = bench.get("/api/v1/aadsts/many").await;
    assert_problem(&unreadable, 400);
    // Refusals of the router are for no other page, either.
    assert_eq!((&*wrong.frames, &*unreadable.frames), ("DENY", "DENY"));

    let text = bench.request(Method::POST, "/api/v1/tenants").body("{}");
    assert_problem(&read(text.send().await.unwrap()).await, 415);

    let long = json!({ "template": "x".repeat(5 << 20) });
    let long = bench.send(Method::POST, "/api/v1/tenants", &long).await;
    assert_problem(&long, 413);

    let misspelt = json!({ "enviroment": "china" });
    let misspelt = bench.send(Method::POST, "/api/v1/tenants", &misspelt).await;
    assert_problem(&misspelt, 400);
    assert!(misspelt.text.contains("enviroment"), "{}", misspelt.text);
}

#[tokio::test]
async fn a_wrong_name_is_refused_with_the_nearest_right_one() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    for (path, status, meant) in [
        ("/api/v1/tenant", 404, "did you mean '/api/v1/tenants'?"),
        ("/api/v1/Journal", 404, "did you mean '/api/v1/journal'?"),
        ("/api/v1/journal?tenat=x", 400, "did you mean 'tenant'?"),
        (
            "/api/v1/journal?tenant=contoso.onmicrosoft.co",
            400,
            "did you mean 'contoso.onmicrosoft.com'?",
        ),
        (
            "/api/v1/journal?client=OWN-APP",
            400,
            "did you mean 'own-app'?",
        ),
        ("/api/v1/journal?user=alise", 400, "did you mean 'alice'?"),
        (
            "/api/v1/journal?surface=tokens",
            400,
            "did you mean 'token'?",
        ),
        (
            "/api/v1/journal?grant=refresh-token",
            400,
            "did you mean 'refresh_token'?",
        ),
        (
            "/api/v1/variables?environment=office356",
            400,
            "did you mean 'office365'?",
        ),
    ] {
        let answer = bench.get(path).await;
        assert_problem(&answer, status);
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains(meant), "{path}: {detail}");
    }
    let events = format!("/api/v1/tenants/{}/events", tenant.id());
    let event = "expected an object with one member, a name with an object of its details";
    for (body, meant) in [
        (
            json!({"disable-user": {"user": "ALICE"}}),
            "did you mean 'alice'?",
        ),
        (
            json!({"disable-users": {"user": "alice"}}),
            "did you mean 'disable-user'?",
        ),
        (json!({}), event),
        (json!([]), event),
        (json!("disable-user"), event),
        (json!({"disable-user": "alice"}), event),
    ] {
        let answer = bench.send(Method::POST, &events, &body).await;
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains(meant), "{body}: {detail}");
    }
    let broken = bench
        .request(Method::POST, &events)
        .body("{\"disable-user\"");
    let broken = broken.header("content-type", "application/json");
    let answer = read(broken.send().await.unwrap()).await;
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.starts_with("it is no JSON: "), "{detail}");
    let wrong = bench.get(&events).await;
    assert_problem(&wrong, 405);
    assert!(
        wrong
            .text
            .contains("does not take GET: the header Allow says what it takes"),
        "{}",
        wrong.text
    );
}

#[test]
fn the_names_of_surfaces_are_those_that_are_written() {
    for name in Surface::NAMES {
        let surface: Surface = serde_json::from_value(json!(name)).unwrap();
        assert_eq!(json!(surface), json!(name));
    }
    let schema = serde_json::to_string(&schemars::schema_for!(Surface)).unwrap();
    assert_eq!(
        schema.matches("\"const\"").count(),
        Surface::NAMES.len(),
        "{schema}"
    );
}

#[tokio::test]
async fn resources_show_the_directory_without_secrets() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let root = format!("/api/v1/tenants/{}", tenant.domain());
    let users = bench.get(&format!("{root}/users")).await;
    assert_eq!(users.json.as_array().unwrap().len(), 6);
    let alice = bench.get(&format!("{root}/users/alice")).await;
    assert_eq!(alice.json["enabled"], true);
    let app = bench.get(&format!("{root}/apps/own-app")).await;
    let credential = &app.json["registration"]["credentials"][0];
    assert_eq!(credential["kind"], "secret");
    assert_eq!(credential["valid"], true);
    let apps = bench.get(&format!("{root}/apps")).await;
    assert!(apps.text.contains("unconsented-app"), "{}", apps.text);
    let described = tenant.describe();
    for (name, secret) in [
        ("users", Some(&described.users["alice"].password)),
        ("apps", described.apps["own-app"].client_secret.as_ref()),
    ] {
        let text = bench.get(&format!("{root}/{name}")).await.text;
        assert!(!text.contains(secret.unwrap().as_str()), "{name}");
    }
    let grants = bench.get(&format!("{root}/grants")).await;
    assert!(!grants.json["delegated"].as_array().unwrap().is_empty());
    assert!(!grants.json["application"].as_array().unwrap().is_empty());
    assert_problem(&bench.get(&format!("{root}/users/zoe")).await, 404);
    assert_problem(&bench.get(&format!("{root}/apps/zoe")).await, 404);
    let policies = bench.get(&format!("{root}/policies")).await;
    assert_eq!(policies.json["policies"]["user_consent"], "all");
}

#[tokio::test]
async fn a_consent_request_is_listed_and_decided_by_an_event() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let root = format!("/api/v1/tenants/{}", tenant.id());
    for event in [
        json!({"set-user-consent-policy": {"user_consent": "all", "admin_consent_requests": true}}),
        json!({"request-consent": {"app": "unconsented-app", "user": "bob", "scopes": ["Mail.Read"]}}),
    ] {
        let done = bench
            .send(Method::POST, &format!("{root}/events"), &event)
            .await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        assert_eq!(done.json["changed"], true, "{}", done.text);
    }
    let list = format!("{root}/consent-requests");
    assert_eq!(bench.get(&list).await.json[0]["status"], "pending");
    let approve = json!({"approve-request": {"app": "unconsented-app"}});
    bench
        .send(Method::POST, &format!("{root}/events"), &approve)
        .await;
    assert_eq!(bench.get(&list).await.json[0]["status"], "approved");
}

#[tokio::test]
async fn a_tenant_is_exported_deleted_and_made_again_from_its_seed() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::UsGovL5);
    let before = tenant.describe();
    let root = format!("/api/v1/tenants/{}", tenant.id());
    let export = bench.get(&format!("{root}/export")).await;
    assert_eq!(export.json["tenants"].as_object().unwrap().len(), 2);
    let body = json!({ "seed": export.json });
    let taken = bench.send(Method::POST, "/api/v1/tenants", &body).await;
    assert_problem(&taken, 409);
    for name in export.json["tenants"].as_object().unwrap().values() {
        let id = name["id"].as_str().unwrap();
        let gone = bench
            .send(Method::DELETE, &format!("/api/v1/tenants/{id}"), &json!({}))
            .await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    assert_problem(&bench.get(&root).await, 404);
    let made = bench.send(Method::POST, "/api/v1/tenants", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = before.apps["own-app"].client_secret.as_ref().unwrap();
    assert_eq!(made.json["apps"]["own-app"]["client_secret"], **secret);
    let yaml = bench.get(&format!("{root}/export?format=yaml")).await;
    assert!(yaml.text.starts_with("schema: 1"), "{}", yaml.text);
}

#[tokio::test]
async fn what_graph_is_asked_has_a_level_and_all_levels_are_listed() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let tokens = bench.sign_in(&tenant).await;
    let token = tokens["access_token"].as_str().unwrap();
    let ask = async |method: Method, path: &str| {
        let request = bench
            .client
            .request(method, format!("{}/v1.0{path}", tenant.graph()));
        let request = request.bearer_auth(token).header("content-length", "0");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(Method::GET, "/me").await, 200);
    assert_eq!(ask(Method::GET, "/print/connectors").await, 403);
    assert_eq!(ask(Method::POST, "/me/exportPersonalData").await, 403);
    assert_eq!(ask(Method::GET, "/me/nonsense").await, 400);
    let levels = async |query: &str| {
        let answer = bench
            .get(&format!("/api/v1/journal?surface=graph{query}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let entries = answer.json.as_array().unwrap();
        let levels = entries.iter().map(|it| it["level"].clone());
        Value::from(levels.collect::<Vec<_>>())
    };
    let all = json!(["modelled", "generic", "unsupported", "absent"]);
    assert_eq!(levels("").await, all);
    assert_eq!(levels("&level=generic").await, json!(["generic"]));
    assert_problem(&bench.get("/api/v1/journal?level=full").await, 400);

    let coverage = bench.get("/api/v1/coverage?path=/Print").await;
    let areas = coverage.json["areas"].as_array().unwrap();
    assert_eq!(areas.len(), 1, "{}", coverage.text);
    assert_eq!(areas[0]["area"], "print");
    assert!(areas[0]["generic"].as_u64().unwrap() > 20);
    assert!(coverage.json["requests"].is_null());
    let elsewhere = bench
        .get("/api/v1/coverage?path=/print&environment=china&level=generic")
        .await;
    assert_eq!(elsewhere.json["areas"], json!([]));
    assert_eq!(elsewhere.json["requests"], json!([]));
    assert_problem(&bench.get("/api/v1/coverage?level=absent").await, 400);
    assert_problem(&bench.get("/api/v1/coverage?path=me").await, 400);
}

#[tokio::test]
async fn the_journal_is_filtered_and_waited_for() {
    let bench = Bench::start().await;
    let (one, other) = (
        bench.mock.tenant(Environment::Office365),
        bench.mock.create_tenant(Environment::Office365),
    );
    bench.sign_in(&one).await;
    bench.sign_in(&other).await;
    let (status, _) = bench.refresh(&one, &json!("no such token")).await;
    assert_eq!(status, 400);
    let count = async |query: &str| {
        let answer = bench.get(&format!("/api/v1/journal?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json.as_array().unwrap().len()
    };
    assert_eq!(count("surface=token").await, 3);
    assert_eq!(count("grant=password").await, 2);
    assert_eq!(count("status=4xx&grant=refresh_token").await, 1);
    assert_eq!(
        count(&format!("grant=password&tenant={}", one.id())).await,
        1
    );
    assert_eq!(
        count(&format!("user=alice&tenant={}", other.domain())).await,
        1
    );
    assert_eq!(count("client=native-app").await, 3);
    assert_eq!(count("surface=graph").await, 0);
    assert_eq!(count("since=2").await, 1);

    let found = bench
        .get("/api/v1/journal/wait?status=400&deadline=5s")
        .await;
    assert_eq!(found.json["grant"], "refresh_token");
    let since = bench.mock.journal().position();
    let path = format!("/api/v1/journal/wait?since={since}&deadline=20ms");
    assert_problem(&bench.get(&path).await, 408);
    let path = format!("/api/v1/journal/wait?since={since}&grant=password&deadline=30s");
    let (later, _) = tokio::join!(bench.get(&path), bench.sign_in(&one));
    assert_eq!(later.json["status"], 200, "{}", later.text);
    assert_problem(&bench.get("/api/v1/journal/wait?deadline=1d").await, 400);
    assert_problem(&bench.get("/api/v1/journal?client=nobody").await, 400);
}

#[tokio::test]
async fn followers_hear_what_they_asked_for_and_nothing_else() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    bench.sign_in(&tenant).await;
    let path = "/api/v1/journal/follow?grant=refresh_token";
    let mut feed = bench.request(Method::GET, path).send().await.unwrap();
    assert_eq!(feed.headers()["content-type"], "text/event-stream");
    bench.sign_in(&tenant).await;
    bench.refresh(&tenant, &json!("no such token")).await;
    let mut text = String::new();
    while !text.contains("\n\n") {
        text.push_str(&String::from_utf8_lossy(
            &feed.chunk().await.unwrap().unwrap(),
        ));
    }
    assert!(text.starts_with("id: 3\ndata: {"), "{text}");
    assert_eq!(text.matches("data: ").count(), 1, "{text}");
}

#[tokio::test]
async fn tokens_are_explained_as_the_endpoints_would_answer() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let tokens = bench.sign_in(&tenant).await;
    let explain = async |token: &Value| {
        let body = json!({ "token": token });
        bench
            .send(Method::POST, "/api/v1/explain", &body)
            .await
            .json
    };
    let access = explain(&tokens["access_token"]).await;
    assert_eq!(access["kind"], "access-token");
    assert_eq!(access["verdict"]["valid"], true, "{access}");
    assert_eq!(access["user"]["upn"], "alice@contoso.onmicrosoft.com");
    assert_eq!(access["header"]["alg"], "RS256");
    let refresh = explain(&tokens["refresh_token"]).await;
    assert_eq!(refresh["kind"], "refresh-token");
    assert_eq!(refresh["client"]["alias"], "native-app");
    assert_eq!(refresh["verdict"]["valid"], true, "{refresh}");

    let list = format!("/api/v1/tenants/{}/connections", tenant.id());
    let connection = bench.get(&list).await.json[0].clone();
    assert_eq!(connection["verdict"]["valid"], true, "{connection}");
    assert_eq!(connection["user"]["upn"], "alice@contoso.onmicrosoft.com");

    // Each event, and what the token endpoint says then, is what the explanation said.
    for event in [
        json!({"revoke-consent": {"app": "native-app"}}),
        json!({"revoke-sessions": {"user": "alice", "by": "admin"}}),
        json!({"disable-user": {"user": "alice"}}),
        json!({"disable-app": {"app": "native-app"}}),
    ] {
        tenant
            .event(serde_json::from_value::<Event>(event.clone()).unwrap())
            .unwrap();
        let verdict = explain(&tokens["refresh_token"]).await["verdict"].clone();
        let (status, answer) = bench.refresh(&tenant, &tokens["refresh_token"]).await;
        assert_ne!(status, 200, "{event}");
        assert_eq!(verdict["valid"], false, "{event}");
        assert_eq!(
            verdict["aadsts"], answer["error_codes"][0],
            "{event}: {answer}"
        );
        assert_eq!(verdict["error"], answer["error"], "{event}");
        let connection = bench.get(&list).await.json[0].clone();
        assert_eq!(connection["verdict"], verdict, "{event}");
    }
    // Access tokens live until they expire, whatever happens to the connection.
    let access = explain(&tokens["access_token"]).await;
    assert_eq!(access["verdict"]["valid"], true, "{access}");
    tenant.advance(jiff::SignedDuration::from_hours(2));
    let access = explain(&tokens["access_token"]).await;
    assert_eq!(access["verdict"]["valid"], false, "{access}");
    let foreign = explain(&json!("rubbish")).await;
    assert_eq!(foreign["kind"], "unknown");
    assert_eq!(foreign["verdict"]["valid"], false);
    // A token that nobody signed, with the claims of the mock's and with next to none.
    let whole = tokens["access_token"].as_str().unwrap();
    let claims = whole.split('.').nth(1).unwrap();
    let header = "eyJhbGciOiJub25lIn0";
    for claims in [claims, "eyJzY3AiOiJNYWlsLlJlYWQifQ"] {
        let unsigned = explain(&json!(format!("{header}.{claims}."))).await;
        assert_eq!(unsigned["kind"], "access-token", "{unsigned}");
        let reason = unsigned["verdict"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("it is not signed"), "{reason}");
        assert!(unsigned["contents"]["scp"].is_string(), "{unsigned}");
    }
}

#[tokio::test]
async fn an_imported_state_honours_the_tokens_of_its_time() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let tokens = bench.sign_in(&tenant).await;
    let state = bench.get("/api/v1/state").await;
    assert_eq!(state.json["version"], 1);

    let reset = bench
        .send(Method::POST, "/api/v1/state/reset", &json!({}))
        .await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT);
    let fresh = bench.mock.tenant(Environment::Office365);
    assert_eq!(fresh.id(), tenant.id());
    let (status, _) = bench.refresh(&fresh, &tokens["refresh_token"]).await;
    assert_eq!(status, 400);

    let imported = bench.send(Method::PUT, "/api/v1/state", &state.json).await;
    assert_eq!(imported.status, StatusCode::NO_CONTENT, "{}", imported.text);
    let kept = bench.mock.tenant(Environment::Office365);
    let (status, answer) = bench.refresh(&kept, &tokens["refresh_token"]).await;
    assert_eq!(status, 200, "{answer}");

    let newer = json!({"version": 99});
    let newer = bench.send(Method::PUT, "/api/v1/state", &newer).await;
    assert_problem(&newer, 400);
    assert!(newer.text.contains("version 99"), "{}", newer.text);
    let yaml = bench.get("/api/v1/state?format=yaml").await;
    assert_eq!(yaml.kind, "application/yaml");
    crate::world::seed::SeedFile::parse(&yaml.text).unwrap();
}

/// One suite of a team: it moves its clock, revokes, and reads its journal.
async fn suite(bench: &Bench, tenant: &TenantHandle, days: i64) {
    let root = format!("/api/v1/tenants/{}", tenant.id());
    let journal = format!("/api/v1/journal?tenant={}&surface=token", tenant.id());
    for round in 0..4 {
        let tokens = bench.sign_in(tenant).await;
        assert!(tokens["refresh_token"].is_string(), "{tokens}");
        let advance = json!({ "advance": format!("{days}d") });
        let clock = bench
            .send(Method::POST, &format!("{root}/clock"), &advance)
            .await;
        assert_eq!(clock.status, 200, "{}", clock.text);
        tokio::task::yield_now().await;
        let (status, answer) = bench.refresh(tenant, &tokens["refresh_token"]).await;
        // 90 days without use end a refresh token, in this tenant's time only.
        let is_dead = days >= 90;
        assert_eq!(status == 400, is_dead, "{answer}");
        if !is_dead {
            let event = json!({"revoke-sessions": {"user": "alice", "by": "admin"}});
            bench
                .send(Method::POST, &format!("{root}/events"), &event)
                .await;
            let (status, answer) = bench.refresh(tenant, &tokens["refresh_token"]).await;
            assert_eq!(
                (status.as_u16(), &answer["error_codes"][0]),
                (400, &json!(50173))
            );
        }
        let entries = bench.get(&journal).await.json;
        let each = if is_dead { 2 } else { 3 };
        assert_eq!(entries.as_array().unwrap().len(), each * (round + 1));
    }
}

#[tokio::test]
async fn suites_in_tenants_of_their_own_do_not_see_each_other() {
    let bench = Bench::start().await;
    let one = bench.mock.create_tenant(Environment::Office365);
    let other = bench.mock.create_tenant(Environment::Office365);
    tokio::join!(suite(&bench, &one, 30), suite(&bench, &other, 91));
    let ahead = |tenant: &TenantHandle| tenant.tenant().clock.state().offset.as_hours();
    assert_eq!((ahead(&one), ahead(&other)), (4 * 30 * 24, 4 * 91 * 24));
    // The default tenant saw nothing of it.
    let quiet = bench.mock.tenant(Environment::Office365);
    assert_eq!(ahead(&quiet), 0);
    bench.mock.journal().expect().in_tenant(quiet.id()).never();
    let alice = quiet
        .tenant()
        .read(|it| it.find_user("alice").unwrap().clone());
    assert!(alice.revocations.is_empty());
}
