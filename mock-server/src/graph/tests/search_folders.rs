use serde_json::json;

use super::*;

const RW: &[&str] = &["Mail.ReadWrite"];
const FOLDERS: &str = "/v1.0/me/mailFolders";

fn wanted() -> Value {
    json!({
        "@odata.type": "microsoft.graph.mailSearchFolder",
        "displayName": "Digests",
        "includeNestedFolders": true,
        "sourceFolderIds": ["inbox"],
        "filterQuery": "contains(subject, 'digest')",
    })
}

/// A message with a subject in a folder.
async fn message(bench: &Bench, token: &Token, folder: &str, subject: &str) -> String {
    let path = format!("{FOLDERS}/{folder}/messages");
    let made = bench.post(token, &path, json!({"subject": subject})).await;
    let made = made.expect(201);
    made.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_search_folder_shows_what_it_finds() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let below = bench
        .post(
            &token,
            &format!("{FOLDERS}/inbox/childFolders"),
            json!({"displayName": "Below"}),
        )
        .await
        .expect(201);
    let below = below.body["id"].as_str().unwrap().to_owned();
    let first = message(&bench, &token, "inbox", "A weekly digest").await;
    let second = message(&bench, &token, &below, "The digest of June").await;
    message(&bench, &token, "inbox", "Something else").await;
    message(&bench, &token, "drafts", "A digest elsewhere").await;
    let made = bench
        .post(
            &token,
            &format!("{FOLDERS}/searchfolders/childFolders"),
            wanted(),
        )
        .await
        .expect(201);
    assert_eq!(
        made.body["@odata.type"],
        "#microsoft.graph.mailSearchFolder"
    );
    assert_eq!(made.body["isSupported"], true);
    assert_eq!(made.body["totalItemCount"], 2);
    let path = format!("{FOLDERS}/{}", made.body["id"].as_str().unwrap());
    let shown = bench.get(&token, &format!("{path}/messages")).await;
    let shown = shown.expect(200);
    let subjects: Vec<&Value> = shown.values().iter().map(|it| &it["subject"]).collect();
    assert_eq!(subjects, ["The digest of June", "A weekly digest"]);
    assert_eq!(shown.values()[0]["parentFolderId"], json!(below));
    let count = bench.get(&token, &format!("{path}/messages/$count")).await;
    assert_eq!(count.expect(200).text, "2");
    bench
        .get(&token, &format!("{path}/messages/{first}"))
        .await
        .expect(200);
    // Without those that lie below.
    let changed = bench
        .send(
            "PATCH",
            &token,
            &path,
            &[],
            json!({"@odata.type": "microsoft.graph.mailSearchFolder", "includeNestedFolders": false}),
        )
        .await
        .expect(200);
    assert_eq!(changed.body["totalItemCount"], 1);
    let gone = bench
        .get(&token, &format!("{path}/messages/{second}"))
        .await;
    assert_eq!(gone.refused(404), "ErrorItemNotFound");
    bench
        .send("DELETE", &token, &path, &[], Value::Null)
        .await
        .expect(204);
    // What it showed is where it was.
    bench
        .get(&token, &format!("/v1.0/me/messages/{first}"))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_search_folder_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let path = format!("{FOLDERS}/searchfolders/childFolders");
    for (member, value, code) in [
        ("filterQuery", Value::Null, "ErrorInvalidRequest"),
        ("filterQuery", json!(""), "ErrorInvalidUrlQueryFilter"),
        (
            "filterQuery",
            json!("endswith(subject, 'x')"),
            "ErrorInvalidUrlQueryFilter",
        ),
        (
            "filterQuery",
            json!("subject eq"),
            "ErrorInvalidUrlQueryFilter",
        ),
        ("sourceFolderIds", json!([]), "ErrorInvalidRequest"),
        (
            "sourceFolderIds",
            json!(["nowhere"]),
            "ErrorInvalidIdMalformed",
        ),
    ] {
        let mut body = wanted();
        body[member] = value.clone();
        let refused = bench.post(&token, &path, body).await;
        assert_eq!(refused.refused(400), code, "{member}: {value}");
    }
    let made = bench.post(&token, &path, wanted()).await.expect(201);
    let id = made.body["id"].as_str().unwrap();
    let into = bench
        .post(
            &token,
            &format!("{FOLDERS}/{id}/messages"),
            json!({"subject": "A digest"}),
        )
        .await;
    assert_eq!(into.refused(400), "ErrorInvalidOperation");
    let delta = bench
        .get(&token, &format!("{FOLDERS}/{id}/messages/delta"))
        .await;
    assert_eq!(delta.refused(501), "NotInTheMock");
}
