//! What the dashboard needs, and who may have it.

use reqwest::Method;
use serde_json::{Value, json};

use super::http::{Answer, Bench, assert_problem, read};
use crate::environment::Environment;
use crate::journal::fingerprint;
use crate::server::TenantHandle;

impl Bench {
    async fn read_as_page(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::GET, path);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        read(request.send().await.unwrap()).await
    }

    async fn happen(&self, tenant: &TenantHandle, what: &str, body: Value) {
        let path = format!("/api/v1/tenants/{}/{what}", tenant.id());
        let answer = self.send(Method::POST, &path, &body).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    async fn profile(&self, tenant: &TenantHandle, tokens: &Value) -> u16 {
        let root = self.mock.graph(tenant.environment());
        let request = self.client.get(format!("{root}/v1.0/me"));
        let token = tokens["access_token"].as_str().unwrap();
        let response = request.bearer_auth(token).send().await.unwrap();
        response.status().as_u16()
    }
}

#[tokio::test]
async fn the_dashboard_runs_no_code_but_its_own() {
    let bench = Bench::start().await;
    let page = bench.request(Method::GET, "/").send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(page.headers()["content-type"], "text/html");
    let page = page.text().await.unwrap();
    // Every file that the page names is there, with its media type.
    let mut files = 0;
    for part in page.split("\"/dashboard/").skip(1) {
        let name = part.split('"').next().unwrap();
        let file = bench.get(&format!("/dashboard/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert!(!file.text.is_empty(), "{name}");
        let kind = match name.rsplit_once('.').unwrap().1 {
            "css" => "text/css",
            "js" => "text/javascript",
            _ => "image/svg+xml",
        };
        assert_eq!(file.kind, kind, "{name}");
        files += 1;
    }
    assert!(files > 5);
    assert_problem(&bench.get("/dashboard/../Cargo.toml").await, 404);
    assert_problem(&bench.get("/dashboard/nothing.js").await, 404);
}

#[tokio::test]
async fn other_pages_may_link_to_the_dashboard_and_nothing_else() {
    let bench = Bench::start().await;
    for site in ["cross-site", "same-site"] {
        for (mode, dest) in [
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("navigate", "iframe"),
        ] {
            let said = [
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            for path in ["/", "/dashboard/app.js", "/api/v1/ready"] {
                assert_problem(&bench.read_as_page(path, &said).await, 403);
            }
        }
        let link = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(bench.read_as_page("/", &link).await.status, 200);
        assert_problem(&bench.read_as_page("/api/v1/ready", &link).await, 403);
    }
    for own in ["same-origin", "none"] {
        let said = [("sec-fetch-site", own)];
        assert_eq!(bench.read_as_page("/api/v1/ready", &said).await.status, 200);
    }
    assert_problem(&bench.read_as_page("/", &[("origin", "null")]).await, 403);
}

#[tokio::test]
async fn codes_and_tokens_of_the_journal_are_explained() {
    let bench = Bench::start().await;
    let code = bench.get("/api/v1/aadsts/50173").await;
    assert_eq!(code.json["fix"], "reauthenticate", "{}", code.text);
    assert_problem(&bench.get("/api/v1/aadsts/1").await, 404);
    assert_problem(&bench.get("/api/v1/aadsts/many").await, 400);

    let tenant = bench.mock.create_tenant(Environment::Office365);
    let tokens = bench.sign_in(&tenant).await;
    for (member, kind) in [
        ("access_token", "access-token"),
        ("refresh_token", "refresh-token"),
    ] {
        let token = tokens[member].as_str().unwrap();
        let path = format!("/api/v1/tokens/{}", fingerprint(token));
        let explained = bench.get(&path).await;
        assert_eq!(explained.json["kind"], kind, "{}", explained.text);
        assert_eq!(explained.json["verdict"]["valid"], true);
        assert!(!explained.text.contains(token.rsplit('.').next().unwrap()));
    }
    assert_problem(&bench.get("/api/v1/tokens/never-seen").await, 404);
}

#[tokio::test]
async fn the_journal_has_faults_and_clocks_and_the_newest_of_it_can_be_read() {
    let bench = Bench::start().await;
    let tenant = bench.mock.create_tenant(Environment::Office365);
    let tokens = bench.sign_in(&tenant).await;
    let faults = format!("/api/v1/tenants/{}/faults", tenant.id());
    let throttle = json!({"on": {"surface": "graph"}, "when": {"nth": 2}, "do": {"throttle": {}}});
    bench.happen(&tenant, "faults", throttle).await;
    assert_eq!(bench.profile(&tenant, &tokens).await, 200);
    assert_eq!(bench.profile(&tenant, &tokens).await, 429);
    let set = bench.get(&faults).await.json[0].clone();
    assert_eq!(
        (&set["met"], &set["touched"]),
        (&json!(2), &json!(1)),
        "{set}"
    );
    bench
        .happen(&tenant, "clock", json!({"advance": "61m"}))
        .await;
    let gone = format!("{faults}/{}", set["number"]);
    assert_eq!(
        bench.send(Method::DELETE, &gone, &json!({})).await.status,
        204
    );
    assert_problem(&bench.send(Method::DELETE, &gone, &json!({})).await, 404);

    let newest = bench.get("/api/v1/journal?last=2").await.json;
    assert_eq!(newest[0]["change"], json!({"advance": "61m"}), "{newest}");
    assert_eq!(
        newest[1]["change"]["removed"]["number"], set["number"],
        "{newest}"
    );
    assert_eq!(newest.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_happened_becomes_steps() {
    let bench = Bench::start().await;
    let tenant = bench.mock.create_tenant(Environment::Office365);
    let before = bench.mock.journal().position();
    let tokens = bench.sign_in(&tenant).await;
    let alice = tenant.describe().users["alice"].clone();
    bench.profile(&tenant, &tokens).await;
    bench.profile(&tenant, &tokens).await;
    let revoke = json!({"revoke-sessions": {"user": alice.upn, "by": "admin"}});
    bench.happen(&tenant, "events", revoke).await;
    bench
        .happen(&tenant, "clock", json!({"advance": "1h 31m"}))
        .await;
    assert_ne!(
        bench.refresh(&tenant, &tokens["refresh_token"]).await.0,
        200
    );
    let fault = json!({"on": {"surface": "graph"}, "do": {"status": 503}});
    bench.happen(&tenant, "faults", fault).await;
    bench.sign_in(&tenant).await;

    let path = format!("/api/v1/tenants/{}/recording?since={before}", tenant.id());
    let recorded = bench.get(&path).await.json;
    assert_eq!(
        recorded["scenario"]["steps"],
        json!([
            {"connect": {"as": "alice"}},
            {"call": "get-profile"},
            {"event": {"revoke-sessions": {"user": "alice", "by": "admin"}}},
            {"advance": "1h31m"},
            {"call": "get-profile", "fails": "reconnect-required"},
            {"fault": {"on": {"surface": "graph"}, "do": {"status": 503}}},
            {"reconnect": {"as": "alice"}},
        ]),
        "{recorded}"
    );
    assert_eq!(recorded["scenario"]["needs"], json!(["get-profile"]));
    // An app that is none of the suite's is told.
    assert!(
        recorded["notes"][0]
            .as_str()
            .unwrap()
            .contains("native-app")
    );
    let yaml = bench.get(&format!("{path}&format=yaml")).await;
    assert_eq!(yaml.kind, "application/yaml");
    assert!(yaml.text.contains("schema: 1"), "{}", yaml.text);
    assert!(
        yaml.text
            .starts_with("# What no step says:\n# - native-app")
    );
    let path = path.replace("since=", "since=9");
    let nothing = bench.get(&path).await.json;
    assert_eq!(nothing["scenario"]["steps"], json!([]));
}

#[tokio::test]
async fn secrets_of_events_stand_neither_in_the_journal_nor_in_a_recording() {
    let bench = Bench::start().await;
    let tenant = bench.mock.create_tenant(Environment::Office365);
    let before = bench.mock.journal().position();
    let secret = "Tr0ub4dor-and-3";
    let change = json!({"change-password": {"user": "alice", "password": secret}});
    let add = json!({"add-secret": {"app": "own-app", "secret": secret}});
    let events = [
        change.clone(),
        json!({"reset-password": {"user": "bob", "by": "self-service", "password": secret}}),
        add.clone(),
        json!({"remove-secret": {"app": "own-app", "secret": secret}}),
        json!({"remove-secret": {"app": "daemon-secret"}}),
    ];
    for event in &events {
        bench.happen(&tenant, "events", event.clone()).await;
    }
    for event in [change, add] {
        let fault = json!({"on": {"grant": "password"}, "do": {"event": event}});
        bench.happen(&tenant, "faults", fault).await;
    }
    let coded = json!({"do": {"graph-error": {"status": 403, "code": "ErrorAccessDenied"}}});
    bench.happen(&tenant, "faults", coded.clone()).await;
    // The first fault changes the password as alice signs in with it.
    let described = tenant.describe();
    assert_eq!(described.users["alice"].password, secret);
    bench.sign_in(&tenant).await;

    let path = format!("/api/v1/journal?since={before}&tenant={}", tenant.id());
    let journal = bench.get(&path).await;
    assert!(!journal.text.contains(secret), "{}", journal.text);
    let replaced = format!("<{}>", fingerprint(secret));
    let entries = journal.json.as_array().unwrap();
    assert_eq!(entries[0]["event"]["change-password"]["password"], replaced);
    assert_eq!(entries[2]["event"]["add-secret"]["secret"], replaced);
    let by_fault = entries.iter().find(|it| !it["fault"].is_null());
    let by_fault = by_fault.expect("a fault touched the sign-in");
    assert!(
        by_fault["event"]["change-password"].is_object(),
        "{by_fault}"
    );
    // What is no secret of an event stays as it was set.
    assert!(
        journal.text.contains("ErrorAccessDenied"),
        "{}",
        journal.text
    );

    let path = format!("/api/v1/tenants/{}/recording?since={before}", tenant.id());
    let recorded = bench.get(&path).await;
    assert!(!recorded.text.contains(secret), "{}", recorded.text);
    assert!(
        !recorded.text.contains(&fingerprint(secret)),
        "{}",
        recorded.text
    );
    let steps = recorded.json["scenario"]["steps"].as_array().unwrap();
    let own = [
        json!({"event": {"change-password": {"user": "alice"}}}),
        json!({"event": {"reset-password": {"user": "bob", "by": "self-service"}}}),
        json!({"event": {"remove-secret": {"app": "daemon-secret"}}}),
        json!({"fault": {"on": {"grant": "password"}, "do": {"event": {"change-password": {"user": "alice"}}}}}),
        json!({"fault": {"on": {}, "do": coded["do"]}}),
    ];
    assert_eq!(steps[..own.len()], own[..], "{}", recorded.text);
    let notes: Vec<&str> = recorded.json["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for (name, whose) in [
        ("change-password", "alice"),
        ("reset-password", "bob"),
        ("add-secret", "own-app"),
        ("remove-secret", "own-app"),
    ] {
        let told = notes
            .iter()
            .filter(|it| it.contains(name) && it.contains(whose));
        assert_eq!(told.count(), 1, "{name}: {notes:?}");
    }
}

#[tokio::test]
async fn calls_are_not_folded_while_a_fault_counts_them() {
    let bench = Bench::start().await;
    let tenant = bench.mock.create_tenant(Environment::Office365);
    let tokens = bench.sign_in(&tenant).await;
    let before = bench.mock.journal().position();
    let fault = json!({"on": {"surface": "graph"}, "when": {"nth": 9}, "do": {"status": 503}});
    bench.happen(&tenant, "faults", fault).await;
    for _ in 0..3 {
        assert_eq!(bench.profile(&tenant, &tokens).await, 200);
    }
    let faults = format!("/api/v1/tenants/{}/faults", tenant.id());
    bench.send(Method::DELETE, &faults, &json!({})).await;
    for _ in 0..3 {
        bench.profile(&tenant, &tokens).await;
    }
    let path = format!("/api/v1/tenants/{}/recording?since={before}", tenant.id());
    let recorded = bench.get(&path).await.json;
    let steps = recorded["scenario"]["steps"].as_array().unwrap();
    let calls = |steps: &[Value]| {
        steps
            .iter()
            .filter(|it| it["call"] == "get-profile")
            .count()
    };
    let cleared = steps.iter().position(|it| !it["clear-faults"].is_null());
    let (during, after) = steps.split_at(cleared.expect("a step that clears"));
    assert_eq!((calls(during), calls(after)), (3, 1), "{recorded}");
}

#[tokio::test]
async fn what_a_fault_answers_once_is_a_call_that_fails() {
    for (fault, status, fails) in [
        (json!({"throttle": {"retry-after": 7}}), 429, "throttled"),
        (json!({"status": 503}), 503, "unavailable"),
        (json!("claims-challenge"), 401, "reconnect-required"),
    ] {
        let bench = Bench::start().await;
        let tenant = bench.mock.create_tenant(Environment::Office365);
        let tokens = bench.sign_in(&tenant).await;
        let before = bench.mock.journal().position();
        let fault = json!({"on": {"surface": "graph"}, "when": {"nth": 1}, "do": fault});
        bench.happen(&tenant, "faults", fault.clone()).await;
        assert_eq!(bench.profile(&tenant, &tokens).await, status, "{fault}");
        let path = format!("/api/v1/tenants/{}/recording?since={before}", tenant.id());
        let recorded = bench.get(&path).await.json;
        assert_eq!(
            recorded["scenario"]["steps"],
            json!([
                {"fault": fault},
                {"connect": {"as": "alice"}},
                {"call": "get-profile", "fails": fails},
            ]),
            "{recorded}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_that_is_refused_at_the_page_is_told() {
    let bench = Bench::start().await;
    let tenant = bench.mock.create_tenant(Environment::Office365);
    let client = tenant.describe().apps["own-app"].client_id;
    let root = bench.mock.authority(tenant.environment());
    let page = format!("{root}/{}/oauth2/v2.0/authorize", tenant.id());
    let query = "response_type=code&scope=openid&redirect_uri=https%3A%2F%2Felsewhere.example%2F";
    let request = bench
        .client
        .get(format!("{page}?client_id={client}&{query}"));
    request.send().await.unwrap();
    let path = format!("/api/v1/tenants/{}/recording", tenant.id());
    let recorded = bench.get(&path).await.json;
    assert_eq!(
        recorded["notes"],
        json!(["AADSTS50011: a sign-in of somebody at own-app was refused, and is left out"]),
        "{recorded}"
    );
}

#[tokio::test]
async fn an_app_for_itself_is_connected_as_the_one_whose_mailbox_it_reads() {
    let bench = Bench::start().await;
    let tenant = bench.mock.create_tenant(Environment::China);
    let described = tenant.describe();
    let app = &described.apps["daemon-secret"];
    let form = |secret: &str| {
        [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", app.client_id.to_string()),
            ("client_secret", secret.to_owned()),
            (
                "scope",
                "https://microsoftgraph.chinacloudapi.cn/.default".to_owned(),
            ),
        ]
    };
    let (status, _) = bench.token(&tenant, &form("not~the~secret")).await;
    assert_eq!(status, 401);
    let secret = app.client_secret.clone().unwrap();
    let (_, tokens) = bench.token(&tenant, &form(&secret)).await;
    let root = bench.mock.graph(tenant.environment());
    let bob = &described.users["bob"].upn;
    for query in ["", "?$skip=10", "/nothing"] {
        let url = format!("{root}/v1.0/users/{bob}/messages{query}");
        let token = tokens["access_token"].as_str().unwrap();
        bench
            .client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
    }
    let events = json!({"expire-secret": {"app": app.client_id}});
    bench.happen(&tenant, "events", events).await;

    let path = format!("/api/v1/tenants/{}/recording", tenant.id());
    let recorded = bench.get(&path).await.json;
    let scenario = &recorded["scenario"];
    assert_eq!(
        scenario["auth"],
        json!(["client-credentials"]),
        "{recorded}"
    );
    assert_eq!(scenario["environment"], json!(["china"]));
    assert_eq!(
        scenario["steps"],
        json!([
            {"connect": {"as": "alice"}, "fails": "invalid-credentials"},
            {"connect": {"as": "bob"}},
            {"call": "list-messages"},
            {"event": {"expire-secret": {"app": "daemon-secret"}}},
        ]),
        "{recorded}"
    );
    let note = recorded["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("GET /users/{id}/messages/{message}"),
        "{note}"
    );
}
