//! Scenarios over the control API, with a client that really asks.

use super::*;

const SCENARIO: &str = "/api/v1/tenants/contoso.onmicrosoft.com/scenario";

const FILE: &str = "\
schema: 1
title: Graph fails
source: a document
auth: device-code
environment: office365
steps:
  - connect: {as: alice}
  - call: get-profile
  - fault: {on: {surface: graph}, do: {status: 503}}
  - event: {revoke-sessions: {user: alice}}
  - call: get-profile
    fails: unavailable
  - clear-faults: {}
";

#[tokio::test]
async fn the_next_steps_happen_before_the_client_has_its_answer() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let file = json!({ "yaml": FILE });
    let loaded = bench.send(Method::POST, SCENARIO, &file).await;
    assert_eq!(loaded.status, StatusCode::CREATED, "{}", loaded.text);
    assert_eq!(loaded.json["state"], "waiting");
    assert_eq!(loaded.json["auth_method"], "device-code");
    assert_eq!(loaded.json["steps"][2]["by"], "mock");
    assert_eq!(
        loaded.json["waiting_for"],
        "a sign-in of alice that ends with a token"
    );

    let tokens = bench.sign_in(&tenant).await;
    let me = format!("{}/v1.0/me", bench.mock.graph(Environment::Office365));
    let mut answers = Vec::new();
    for _ in 0..3 {
        let token = tokens["access_token"].as_str().unwrap();
        let request = bench.client.get(&me).bearer_auth(token);
        answers.push(request.send().await.unwrap().status().as_u16());
    }
    // The first call sets the fault, the second one takes it away.
    assert_eq!(answers, [200, 503, 200]);
    let refreshed = bench.refresh(&tenant, &tokens["refresh_token"]).await;
    assert_eq!(refreshed.0, StatusCode::BAD_REQUEST);
    let shown = bench.get(SCENARIO).await;
    assert_eq!(shown.json["state"], "ended", "{}", shown.text);
    assert_eq!(shown.json["steps"][4]["state"], "done");
}

#[tokio::test]
async fn a_tenant_takes_its_scenario_with_it_when_it_is_deleted() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let file = json!({ "yaml": FILE });
    let loaded = bench.send(Method::POST, SCENARIO, &file).await;
    assert_eq!(loaded.json["state"], "waiting", "{}", loaded.text);
    let root = format!("/api/v1/tenants/{}", tenant.id());
    let seed = bench.get(&format!("{root}/export")).await.json;
    for name in seed["tenants"].as_object().unwrap().values() {
        let path = format!("/api/v1/tenants/{}", name["id"].as_str().unwrap());
        let gone = bench.send(Method::DELETE, &path, &json!({})).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    }
    // Another tenant of the same id has none to go on with.
    let made = json!({ "seed": seed });
    let made = bench.send(Method::POST, "/api/v1/tenants", &made).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let next = format!("{SCENARIO}/next");
    assert_problem(&bench.send(Method::POST, &next, &json!({})).await, 404);

    let other = bench.mock.create_tenant(Environment::China);
    let path = format!("/api/v1/tenants/{}/scenario", other.id());
    let file = json!({ "yaml": FILE.replace("office365", "china") });
    let loaded = bench.send(Method::POST, &path, &file).await;
    assert_eq!(loaded.status, StatusCode::CREATED, "{}", loaded.text);
    assert!(other.played().is_some());
    bench.mock.remove_tenant(other.id());
    assert!(other.played().is_none());
}

#[tokio::test]
async fn a_file_with_a_mistake_is_refused_with_its_place() {
    let bench = Bench::start().await;
    let wrong = FILE.replace("get-profile", "get-profil");
    let request = bench.request(Method::POST, SCENARIO);
    let request = request.header("content-type", "application/yaml");
    let refused = read(request.body(wrong).send().await.unwrap()).await;
    assert_problem(&refused, 422);
    assert_eq!(refused.json["line"], 8, "{}", refused.text);
    assert!(refused.text.contains("did you mean 'get-profile'?"));

    let misspelt = json!({ "yaml": FILE.replace("title", "titel") });
    let misspelt = bench.send(Method::POST, SCENARIO, &misspelt).await;
    assert_problem(&misspelt, 422);
    assert_eq!(misspelt.json["help"], "did you mean 'title'?");

    let nobody = json!({ "yaml": FILE.replace("alice", "alcie") });
    let nobody = bench.send(Method::POST, SCENARIO, &nobody).await;
    assert_problem(&nobody, 409);
    assert!(nobody.text.contains("step 1"), "{}", nobody.text);
    let request = bench.request(Method::POST, SCENARIO).body(FILE);
    assert_problem(&read(request.send().await.unwrap()).await, 415);
}

#[tokio::test]
async fn a_scenario_is_told_to_go_on_and_stopped() {
    let bench = Bench::start().await;
    let next = format!("{SCENARIO}/next");
    for (method, path) in [
        (Method::GET, SCENARIO),
        (Method::DELETE, SCENARIO),
        (Method::POST, next.as_str()),
    ] {
        assert_problem(&bench.send(method, path, &json!({})).await, 404);
    }
    let wrong = format!("{SCENARIO}?auth=own-app");
    let file = json!({ "yaml": FILE });
    assert_problem(&bench.send(Method::POST, &wrong, &file).await, 409);
    let none = format!("{SCENARIO}?auth=fax");
    assert_problem(&bench.send(Method::POST, &none, &file).await, 400);

    bench.send(Method::POST, SCENARIO, &file).await;
    let mut state = Value::Null;
    for _ in 0..3 {
        state = bench.send(Method::POST, &next, &json!({})).await.json["state"].clone();
    }
    assert_eq!(state, "ended");
    let ended = bench.send(Method::POST, &next, &json!({})).await;
    assert_problem(&ended, 409);
    let stopped = bench.send(Method::DELETE, SCENARIO, &json!({})).await;
    assert_eq!(stopped.status, StatusCode::NO_CONTENT);

    bench.send(Method::POST, SCENARIO, &file).await;
    let reset = bench
        .send(Method::POST, "/api/v1/state/reset", &json!({}))
        .await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT);
    assert_problem(&bench.get(SCENARIO).await, 404);
}
