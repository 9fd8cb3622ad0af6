use serde_json::json;

use super::*;

#[tokio::test]
async fn a_batch_answers_each_request_on_its_own() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read", "Mail.ReadWrite", "Files.Read"]);
    let body = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/me?$select=displayName"},
        {"id": "2", "method": "GET", "url": "me/messages?$top=1&$filter=isRead eq false"},
        {"id": "3", "method": "POST", "url": "/me/messages", "body": {"subject": "x"},
         "headers": {"Content-Type": "application/json"}},
        {"id": "4", "method": "GET", "url": "/users"},
        {"id": "5", "method": "GET", "url": "/me", "dependsOn": ["4"]},
        {"id": "6", "method": "GET", "url": "/me/drive/following"},
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
        [200, 200, 201, 403, 424, 501, 200],
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
        Some("GET /me/drive/following")
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
    let typed = json!({"Content-Type": "application/json"});
    let nested = json!({"requests": [
        {"id": "1", "method": "POST", "url": "/$batch", "headers": typed, "body": {}}]});
    let answer = bench.post(&token, "/v1.0/$batch", nested).await.expect(200);
    assert_eq!(answer.body["responses"][0]["status"], 400);
}

#[tokio::test]
async fn a_write_without_content_type_or_body_refuses_the_whole_batch() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.ReadWrite", "Mail.Send"]);
    let draft = json!({"subject": "x", "toRecipients": [
        {"emailAddress": {"address": "bob@contoso.onmicrosoft.com"}}]});
    let draft = bench.post(&token, "/v1.0/me/messages", draft).await;
    let draft = draft.expect(201).id();
    let send = format!("/me/messages/{draft}/send");
    let batch = async |parts: Value| {
        let body = json!({ "requests": parts });
        bench.post(&token, "/v1.0/$batch", body).await
    };
    let typed = json!({"content-type": "application/json"});
    for (part, text) in [
        (
            json!({"id": "7", "method": "POST", "url": send}),
            "Write request id : 7 does not contain Content-Type header or body.",
        ),
        (
            json!({"id": "7", "method": "post", "url": send, "headers": typed}),
            "Write request id : 7 does not contain Content-Type header or body.",
        ),
        (
            json!({"id": "7", "method": "PATCH", "url": "/me/messages/x", "body": {}}),
            "Write request with id '7' does not contain a Content-Type header.",
        ),
    ] {
        let parts =
            json!([{"id": "1", "method": "POST", "url": send, "headers": typed, "body": {}}, part]);
        let refused = batch(parts).await.expect(400);
        assert_eq!(refused.body["error"]["code"], "BadRequest");
        assert_eq!(refused.body["error"]["message"], text);
    }
    let path = format!("/v1.0/me/messages/{draft}");
    let kept = bench.get(&token, &path).await.expect(200);
    assert_eq!(kept.body["isDraft"], true, "no part ran");
    let parts = json!([
        {"id": "1", "method": "POST", "url": send, "headers": typed, "body": {}},
        {"id": "2", "method": "DELETE", "url": "/me/messages/x"},
    ]);
    let done = batch(parts).await.expect(200);
    assert_eq!(done.body["responses"][0]["status"], 202, "{}", done.text);
    assert_eq!(done.body["responses"][1]["status"], 400);
}

#[tokio::test]
async fn a_part_has_the_headers_of_the_service_that_answered_it() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read", "Mail.Read"]);
    let body = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/me"},
        {"id": "2", "method": "GET", "url": "/me/messages?$top=1"},
        {"id": "3", "method": "GET", "url": "/users"},
        {"id": "4", "method": "GET", "url": "/me/mailFolders/inbox/messages/$count"},
    ]});
    let answer = bench.post(&token, "/v1.0/$batch", body).await.expect(200);
    assert_eq!(answer.header("odata-version"), "4.0");
    let headers = |at: usize| &answer.body["responses"][at]["headers"];
    assert_eq!(headers(0)["OData-Version"], "4.0");
    assert_eq!(headers(0)["x-ms-resource-unit"], "1");
    assert_eq!(headers(1)["OData-Version"], "4.0");
    assert_eq!(headers(1)["x-ms-resource-unit"], Value::Null);
    assert_eq!(headers(2)["Content-Type"], "application/json");
    for at in 0..4 {
        for gateways in ["request-id", "x-ms-ags-diagnostic", "date", "vary"] {
            assert_eq!(headers(at)[gateways], Value::Null, "{gateways}");
        }
    }
}

#[tokio::test]
async fn only_post_reaches_the_batch_endpoint() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    let answer = bench.get(&token, "/v1.0/$batch").await;
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(answer.refused(405), "UnknownError");
}

#[tokio::test]
async fn others_are_served_while_a_batch_is_at_work() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read"]);
    let url = "/me/messages?$top=1000&$search=invoice";
    let parts: Vec<Value> = (0..20)
        .map(|id| json!({"id": id.to_string(), "method": "GET", "url": url}))
        .collect();
    let batch = bench.post(&token, "/v1.0/$batch", json!({ "requests": parts }));
    let mut batch = std::pin::pin!(batch);
    // One thread serves both: it would be held until the batch is done.
    let mut others = 0;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut batch => break answer,
            () = tokio::task::yield_now() => others += 1,
        }
    };
    assert_eq!(answer.expect(200).body["responses"][19]["status"], 200);
    assert!(others > 20, "{others}");
}
