use serde_json::json;

use super::*;

const RW: &[&str] = &["Mail.ReadWrite", "MailboxSettings.ReadWrite"];

#[tokio::test]
async fn a_message_looks_like_the_services() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read"]);
    let answer = bench
        .get(&token, "/v1.0/me/messages?$top=1")
        .await
        .expect(200);
    let names: Vec<&String> = answer.values()[0].as_object().unwrap().keys().collect();
    insta::assert_json_snapshot!(names, @r#"
    [
      "@odata.etag",
      "id",
      "createdDateTime",
      "lastModifiedDateTime",
      "changeKey",
      "categories",
      "receivedDateTime",
      "sentDateTime",
      "hasAttachments",
      "internetMessageId",
      "subject",
      "bodyPreview",
      "importance",
      "parentFolderId",
      "conversationId",
      "conversationIndex",
      "isDeliveryReceiptRequested",
      "isReadReceiptRequested",
      "isRead",
      "isDraft",
      "webLink",
      "inferenceClassification",
      "body",
      "sender",
      "from",
      "toRecipients",
      "ccRecipients",
      "bccRecipients",
      "replyTo",
      "flag"
    ]
    "#);
    let id = bench.user("alice");
    assert_eq!(
        answer.body["@odata.context"],
        format!("https://graph.microsoft.com/v1.0/$metadata#users('{id}')/messages")
    );
    assert_eq!(
        answer.header("content-type"),
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    );
}

#[tokio::test]
async fn a_draft_is_created_changed_and_deleted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let draft = json!({
        "Subject": "Hello",
        "body": {"contentType": "HTML", "content": "<p>Hi</p>"},
        "toRecipients": [{"emailAddress": {"address": "bob@contoso.onmicrosoft.com"}}],
        "importance": "High",
    });
    let made = bench
        .post(&token, "/v1.0/me/messages", draft)
        .await
        .expect(201);
    assert_eq!(made.body["isDraft"], true);
    assert_eq!(
        (&made.body["importance"], &made.body["body"]["contentType"]),
        (&json!("high"), &json!("html"))
    );
    assert!(
        made.header("location")
            .starts_with("https://graph.microsoft.com/v1.0/users('")
    );
    let path = format!("/v1.0/me/messages/{}", made.id());
    let changed = bench
        .send("PATCH", &token, &path, &[], json!({"subject": "Changed"}))
        .await
        .expect(200);
    assert_eq!(changed.body["subject"], "Changed");
    assert_ne!(changed.body["changeKey"], made.body["changeKey"]);
    let stale = made.header("etag").to_owned();
    let refused = bench
        .send(
            "PATCH",
            &token,
            &path,
            &[("if-match", &stale)],
            json!({"subject": "x"}),
        )
        .await;
    assert_eq!(refused.refused(412), "ErrorIrresolvableConflict");
    let etag = changed.header("etag").to_owned();
    bench
        .send(
            "GET",
            &token,
            &path,
            &[("if-none-match", &etag)],
            Value::Null,
        )
        .await
        .expect(304);
    bench
        .send("DELETE", &token, &path, &[("if-match", &etag)], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &path).await.refused(404),
        "ErrorItemNotFound"
    );
    let deleted = bench
        .get(&token, "/v1.0/me/mailFolders/DeletedItems/messages?$top=50")
        .await
        .expect(200);
    assert!(deleted.values().iter().any(|it| it["subject"] == "Changed"));
}

#[tokio::test]
async fn what_a_received_message_may_not_change_is_named() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let first = bench
        .get(&token, "/v1.0/me/mailFolders/inbox/messages?$top=1")
        .await
        .expect(200);
    let path = format!(
        "/v1.0/me/messages/{}",
        first.values()[0]["id"].as_str().unwrap()
    );
    let change = |body: Value| bench.send("PATCH", &token, &path, &[], body);
    let marked = change(json!({"isRead": true, "flag": {"flagStatus": "flagged"}}))
        .await
        .expect(200);
    assert_eq!(
        (&marked.body["isRead"], &marked.body["flag"]["flagStatus"]),
        (&json!(true), &json!("flagged"))
    );
    assert!(
        change(json!({"subject": "x"}))
            .await
            .expect(400)
            .text
            .contains("'subject'")
    );
    assert!(
        change(json!({"colour": "x"}))
            .await
            .expect(400)
            .text
            .contains("'colour'")
    );
    let wrong = change(json!({"isRead": "yes"})).await.expect(400);
    assert!(
        wrong.text.contains("'yes'") && wrong.text.contains("Edm.Boolean"),
        "{}",
        wrong.text
    );
    assert!(
        change(json!({"importance": "urgent"}))
            .await
            .expect(400)
            .text
            .contains("microsoft.graph.importance")
    );
}

#[tokio::test]
async fn moving_changes_the_id_unless_it_is_immutable() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let list = "/v1.0/me/mailFolders/inbox/messages?$top=1";
    let first = bench.get(&token, list).await.expect(200);
    let id = first.values()[0]["id"].as_str().unwrap().to_owned();
    let prefer = [("prefer", "IdType=\"ImmutableId\"")];
    let answer = bench
        .send("GET", &token, list, &prefer, Value::Null)
        .await
        .expect(200);
    assert_eq!(
        answer.header("preference-applied"),
        "IdType=\"ImmutableId\""
    );
    let immutable = answer.values()[0]["id"].as_str().unwrap().to_owned();
    let body = json!({"destinationId": "archive"});
    let moved = bench
        .post(&token, &format!("/v1.0/me/messages/{id}/move"), body)
        .await
        .expect(201);
    assert_ne!(moved.id(), id);
    assert_eq!(
        bench
            .get(&token, &format!("/v1.0/me/messages/{id}"))
            .await
            .refused(404),
        "ErrorItemNotFound"
    );
    bench
        .get(&token, &format!("/v1.0/me/messages/{immutable}"))
        .await
        .expect(200);
    let copy = bench
        .post(
            &token,
            &format!("/v1.0/me/messages/{immutable}/copy"),
            json!({"DestinationId": "drafts"}),
        )
        .await
        .expect(201);
    assert_ne!(copy.body["parentFolderId"], moved.body["parentFolderId"]);
}

#[tokio::test]
async fn ids_that_can_not_be_read_are_malformed() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    for path in [
        "/v1.0/me/messages/abc",
        "/v1.0/me/mailFolders/nosuch",
        "/v1.0/me/messages('x')",
    ] {
        assert_eq!(
            bench.get(&token, path).await.refused(400),
            "ErrorInvalidIdMalformed",
            "{path}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let bench = Bench::new();
    let token = bench.token(&bench.delegated("alice", RW));
    for (content_type, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", ""),
    ] {
        let request = Request::builder()
            .method("POST")
            .uri("/v1.0/me/messages")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", content_type)
            .header("content-length", body.len())
            .body(Body::from(body))
            .unwrap();
        let answer = bench.answer(request).await.expect(400);
        assert!(
            answer.text.contains("Unable to read JSON request payload"),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn folders_that_mailboxes_do_not_have_here_are_refused_as_such() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.ReadWrite"]);
    for name in ["SyncIssues", "clutter"] {
        let path = format!("/v1.0/me/mailFolders/{name}");
        let there = bench.get(&token, &path).await;
        assert_eq!(there.refused(501), "NotInTheMock", "{name}");
    }
}

#[tokio::test]
async fn folders_are_listed_made_and_deleted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let listed = bench
        .get(&token, "/v1.0/me/mailFolders?$top=100")
        .await
        .expect(200);
    let names: Vec<&str> = listed
        .values()
        .iter()
        .map(|it| it["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Archive",
            "Deleted Items",
            "Drafts",
            "Inbox",
            "Junk Email",
            "Outbox",
            "Projects",
            "Sent Items"
        ]
    );
    let inbox = bench
        .get(&token, "/v1.0/me/mailfolders('Inbox')")
        .await
        .expect(200);
    assert_eq!(inbox.body["childFolderCount"], 2);
    assert!(inbox.body["unreadItemCount"].as_u64() > Some(0));
    let made = bench
        .post(
            &token,
            "/v1.0/me/mailFolders/inbox/childFolders",
            json!({"displayName": "New"}),
        )
        .await
        .expect(201);
    let again = bench
        .post(
            &token,
            "/v1.0/me/mailFolders/inbox/childFolders",
            json!({"displayName": "new"}),
        )
        .await;
    assert_eq!(again.refused(409), "ErrorFolderExists");
    let path = format!("/v1.0/me/mailFolders/{}", made.id());
    bench
        .send("PATCH", &token, &path, &[], json!({"displayName": "Other"}))
        .await
        .expect(200);
    bench
        .send("DELETE", &token, &path, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &path).await.refused(404),
        "ErrorItemNotFound"
    );
    bench
        .send(
            "DELETE",
            &token,
            "/v1.0/me/mailFolders/inbox",
            &[],
            Value::Null,
        )
        .await
        .expect(403);
}

#[tokio::test]
async fn attachments_are_added_read_and_removed() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let made = bench
        .post(
            &token,
            "/v1.0/me/messages",
            json!({"subject": "With a file"}),
        )
        .await
        .expect(201);
    let path = format!("/v1.0/me/messages/{}/attachments", made.id());
    let file = json!({
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "a.txt", "contentType": "text/plain", "contentBytes": "aGVsbG8=",
    });
    let added = bench.post(&token, &path, file).await.expect(201);
    assert_eq!(
        (&added.body["size"], &added.body["contentBytes"]),
        (&json!(5), &json!("aGVsbG8="))
    );
    let listed = bench.get(&token, &path).await.expect(200);
    assert_eq!(listed.values()[0]["contentBytes"], "aGVsbG8=");
    let refused = bench
        .get(&token, &format!("{path}?$select=name,contentBytes"))
        .await
        .expect(400);
    assert!(
        refused
            .text
            .contains("named 'contentBytes' on type 'microsoft.graph.attachment'")
    );
    let value = bench
        .get(&token, &format!("{path}/{}/$value", added.id()))
        .await
        .expect(200);
    assert_eq!(value.text, "hello");
    let with = bench
        .get(
            &token,
            &format!("/v1.0/me/messages/{}?$expand=attachments", made.id()),
        )
        .await
        .expect(200);
    assert_eq!(with.body["attachments"][0]["name"], "a.txt");
    let removed = format!("{path}/{}", added.id());
    bench
        .send("DELETE", &token, &removed, &[], Value::Null)
        .await
        .expect(204);
    assert!(
        bench
            .get(&token, &path)
            .await
            .expect(200)
            .values()
            .is_empty()
    );
    assert!(
        bench
            .post(&token, &path, json!({"name": "x"}))
            .await
            .expect(400)
            .text
            .contains("abstract type 'microsoft.graph.attachment'")
    );
}

#[tokio::test]
async fn settings_are_read_and_changed() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let settings = bench
        .get(&token, "/v1.0/me/mailboxSettings")
        .await
        .expect(200);
    assert_eq!(settings.body["userPurpose"], "user");
    let changes = json!({"timeZone": "Pacific Standard Time", "automaticRepliesSetting": {"status": "alwaysEnabled"}});
    let answer = bench
        .send("PATCH", &token, "/v1.0/me/mailboxSettings", &[], changes)
        .await
        .expect(200);
    assert!(answer.body.get("language").is_none());
    assert_eq!(
        answer.body["automaticRepliesSetting"]["externalAudience"],
        "all"
    );
    let one = bench
        .get(&token, "/v1.0/me/mailboxSettings/timeZone")
        .await
        .expect(200);
    assert_eq!(one.body["value"], "Pacific Standard Time");
    let wrong = json!({"timeZone": "Nowhere"});
    bench
        .send("PATCH", &token, "/v1.0/me/mailboxSettings", &[], wrong)
        .await
        .expect(400);
}
