//! Sites and lists over HTTP.

mod lists;
mod rows;
mod selected;

use serde_json::{Value, json};

use crate::graph::tests::{Bench, Token};

/// A list with columns of several kinds; its address.
async fn invoices(bench: &Bench, token: &Token) -> String {
    let body = json!({
        "displayName": "Invoices",
        "columns": [
            {"name": "Amount", "number": {}},
            {"name": "Number", "text": {}, "indexed": true, "enforceUniqueValues": true},
            {"name": "Paid", "boolean": {}, "defaultValue": {"value": "0"}},
            {"name": "Due", "dateTime": {"format": "dateOnly"}},
            {"name": "Tags", "choice": {"choices": ["a", "b"]}},
            {"name": "Owner", "personOrGroup": {}},
        ],
    });
    let made = bench
        .post(token, "/v1.0/sites/root/lists", body)
        .await
        .expect(201);
    format!("/v1.0/sites/root/lists/{}", made.id())
}

/// A row with a title; its address.
async fn row(bench: &Bench, token: &Token, list: &str, fields: Value) -> String {
    let body = json!({"fields": fields});
    let path = format!("{list}/items");
    let made = bench.post(token, &path, body).await.expect(201);
    format!("{path}/{}", made.id())
}

/// What a filter leaves, by number.
async fn found(bench: &Bench, token: &Token, list: &str, query: &str) -> Vec<String> {
    let path = format!("{list}/items?{query}");
    let answer = bench.get(token, &path).await.expect(200);
    let ids = answer.values().iter();
    ids.map(|it| it["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}
