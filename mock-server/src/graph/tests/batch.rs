use serde_json::json;

use super::*;

#[tokio::test]
async fn a_batch_answers_each_request_on_its_own() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read", "Mail.ReadWrite"]);
    let body = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/me?$select=displayName"},
        {"id": "2", "method": "GET", "url": "me/messages?$top=1&$filter=isRead eq false"},
        {"id": "3", "method": "POST", "url": "/me/messages", "body": {"subject": "x"},
         "headers": {"Content-Type": "application/json"}},
        {"id": "4", "method": "GET", "url": "/users"},
        {"id": "5", "method": "GET", "url": "/me", "dependsOn": ["4"]},
        {"id": "6", "method": "GET", "url": "/me/drive"},
        {"id": "7", "method": "GET", "url": "/me", "dependsOn": ["1"]},
    ]});
    let answer = bench.post(&token, "/v1.0/$batch", body).await.expect(200);
    let responses = answer.body["responses"].as_array().unwrap();
    let statuses: Vec<u64> = responses
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [200, 200, 201, 403, 424, 400, 200],
        "{}",
        answer.text
    );
    assert_eq!(responses[0]["body"]["displayName"], "Alice Archer");
    assert_eq!(
        responses[3]["body"]["error"]["code"],
        "Authorization_RequestDenied"
    );
    assert_eq!(
        answer.annotation.unsupported.as_deref(),
        Some("GET /me/drive")
    );
}

#[tokio::test]
async fn a_malformed_batch_is_refused_as_a_whole() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    let one = json!({"id": "1", "method": "GET", "url": "/me"});
    for body in [
        json!({"requests": []}),
        json!({"requests": vec![one.clone(); 21]}),
        json!({"requests": [one.clone(), one.clone()]}),
        json!({"requests": [{"id": "2", "method": "GET", "url": "/me", "dependsOn": ["3"]}]}),
        json!({"request": []}),
    ] {
        assert_eq!(
            bench.post(&token, "/v1.0/$batch", body).await.refused(400),
            "BadRequest"
        );
    }
    let nested = json!({"requests": [{"id": "1", "method": "POST", "url": "/$batch"}]});
    let answer = bench.post(&token, "/v1.0/$batch", nested).await.expect(200);
    assert_eq!(answer.body["responses"][0]["status"], 400);
}
