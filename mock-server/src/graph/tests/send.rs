use base64::Engine as _;
use serde_json::json;

use super::*;

const SEND: &[&str] = &["Mail.Send", "Mail.ReadWrite"];

fn to(address: &str) -> Value {
    json!([{"emailAddress": {"address": address}}])
}

fn mail(address: &str) -> Value {
    json!({"message": {
        "subject": "Sent", "body": {"contentType": "Text", "content": "Hello"},
        "toRecipients": to(address),
    }})
}

async fn newest(bench: &Bench, user: &'static str, folder: &str) -> Value {
    let token = bench.delegated(user, &["Mail.Read"]);
    let path = format!("/v1.0/me/mailFolders/{folder}/messages?$top=1");
    bench.get(&token, &path).await.expect(200).values()[0].clone()
}

#[tokio::test]
async fn a_sent_mail_is_saved_and_arrives() {
    let bench = Bench::new();
    let token = bench.delegated("alice", SEND);
    let answer = bench
        .post(
            &token,
            "/v1.0/me/sendMail",
            mail("bob@contoso.onmicrosoft.com"),
        )
        .await
        .expect(202);
    assert!(answer.text.is_empty());
    let sent = newest(&bench, "alice", "sentitems").await;
    let arrived = newest(&bench, "bob", "inbox").await;
    assert_eq!(arrived["subject"], "Sent");
    assert_eq!(
        arrived["from"]["emailAddress"]["address"],
        "alice@contoso.onmicrosoft.com"
    );
    assert_eq!(
        (&arrived["isRead"], &sent["isRead"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(arrived["internetMessageId"], sent["internetMessageId"]);
    assert_eq!(
        arrived["body"],
        json!({"contentType": "text", "content": "Hello"})
    );
}

#[tokio::test]
async fn a_mail_need_not_be_saved() {
    let bench = Bench::new();
    let token = bench.delegated("alice", SEND);
    let mut body = mail("petra@tarnbeck.example");
    body["SaveToSentItems"] = json!(false);
    bench
        .post(&token, "/v1.0/me/sendMail", body)
        .await
        .expect(202);
    assert_ne!(
        newest(&bench, "alice", "sentitems").await["subject"],
        "Sent"
    );
}

#[tokio::test]
async fn recipients_are_needed_and_checked() {
    let bench = Bench::new();
    let token = bench.delegated("alice", SEND);
    for (recipients, problem) in [
        (json!([]), "it contains no recipients."),
        (to("nobody"), "Recipient \"nobody\" isn't resolved."),
        (to(""), "Recipient \"\" isn't resolved."),
    ] {
        let body = json!({"message": {"subject": "x", "toRecipients": recipients}});
        let refused = bench.post(&token, "/v1.0/me/sendMail", body).await;
        let text = refused.body["error"]["message"].as_str().unwrap();
        assert!(
            text.starts_with("At least one recipient is not valid., ") && text.contains(problem),
            "{text}"
        );
        assert_eq!(refused.refused(400), "ErrorInvalidRecipients");
    }
    let wrong = json!({"message": {"subject": "x", "toRecipient": []}});
    assert!(
        bench
            .post(&token, "/v1.0/me/sendMail", wrong)
            .await
            .expect(400)
            .text
            .contains("'toRecipient'")
    );
    let wrong = json!({"message": {"subject": 7}});
    assert!(
        bench
            .post(&token, "/v1.0/me/sendMail", wrong)
            .await
            .expect(400)
            .text
            .contains("'7' to the expected type 'Edm.String'")
    );
}

#[tokio::test]
async fn sending_as_another_needs_the_permission_and_the_right() {
    let bench = Bench::new();
    let mut body = mail("bob@contoso.onmicrosoft.com");
    body["message"]["from"] =
        json!({"emailAddress": {"address": "support@contoso.onmicrosoft.com"}});
    let send = |user: &'static str, scopes: &[&str], path: &'static str| {
        let token = bench.delegated(user, scopes);
        let (bench, body) = (&bench, body.clone());
        async move { bench.post(&token, path, body).await }
    };
    let me = "/v1.0/me/sendMail";
    let shared = "/v1.0/users/support@contoso.onmicrosoft.com/sendMail";
    assert_eq!(
        send("alice", &["Mail.Send"], me).await.refused(403),
        "ErrorSendAsDenied"
    );
    assert_eq!(
        send("bob", &["Mail.Send", "Mail.Send.Shared"], me)
            .await
            .refused(403),
        "ErrorSendAsDenied"
    );
    assert_eq!(
        send("bob", &["Mail.Send.Shared"], shared)
            .await
            .refused(403),
        "ErrorSendAsDenied"
    );
    send("alice", &["Mail.Send.Shared"], me).await.expect(202);
    let arrived = newest(&bench, "bob", "inbox").await;
    assert_eq!(
        arrived["from"]["emailAddress"]["address"],
        "support@contoso.onmicrosoft.com"
    );
    assert_eq!(arrived["sender"], arrived["from"]);
    send("alice", &["Mail.Send.Shared"], shared)
        .await
        .expect(202);
    send("carol", &["Mail.Send.Shared"], me).await.expect(202);
    let arrived = newest(&bench, "bob", "inbox").await;
    assert_eq!(
        arrived["sender"]["emailAddress"]["address"],
        "carol@contoso.onmicrosoft.com"
    );
}

#[tokio::test]
async fn an_app_sends_as_the_mailbox_of_the_path() {
    let bench = Bench::new();
    let app = bench.app_only(&["Mail.Send"]);
    let path = "/v1.0/users/alice@contoso.onmicrosoft.com/sendMail";
    bench
        .post(&app, path, mail("bob@contoso.onmicrosoft.com"))
        .await
        .expect(202);
    let arrived = newest(&bench, "bob", "inbox").await;
    assert_eq!(arrived["from"]["emailAddress"]["name"], "Alice Archer");
}

#[tokio::test]
async fn a_reply_goes_to_the_sender_and_stays_in_the_conversation() {
    let bench = Bench::new();
    let token = bench.delegated("alice", SEND);
    bench
        .post(
            &token,
            "/v1.0/me/sendMail",
            mail("bob@contoso.onmicrosoft.com"),
        )
        .await
        .expect(202);
    let arrived = newest(&bench, "bob", "inbox").await;
    let bob = bench.delegated("bob", SEND);
    let path = format!("/v1.0/me/messages/{}", arrived["id"].as_str().unwrap());
    let draft = bench
        .post(
            &bob,
            &format!("{path}/createReply"),
            json!({"comment": "Sure"}),
        )
        .await
        .expect(201);
    assert_eq!(draft.body["subject"], "RE: Sent");
    assert_eq!(draft.body["conversationId"], arrived["conversationId"]);
    assert_eq!(
        draft.body["toRecipients"][0]["emailAddress"]["address"],
        "alice@contoso.onmicrosoft.com"
    );
    bench
        .post(
            &bob,
            &format!("/v1.0/me/messages/{}/send", draft.id()),
            Value::Null,
        )
        .await
        .expect(202);
    let answer = newest(&bench, "alice", "inbox").await;
    assert_eq!(answer["subject"], "RE: Sent");
    let both = json!({"comment": "x", "message": {"body": {"content": "y"}}});
    bench
        .post(&bob, &format!("{path}/reply"), both)
        .await
        .expect(400);
    bench
        .post(
            &bob,
            &format!("{path}/forward"),
            json!({"toRecipients": to("carol@contoso.onmicrosoft.com")}),
        )
        .await
        .expect(202);
    assert_eq!(
        newest(&bench, "carol", "inbox").await["subject"],
        "FW: Sent"
    );
    bench
        .post(&bob, &format!("{path}/replyAll"), json!({"comment": "all"}))
        .await
        .expect(202);
}

#[tokio::test]
async fn mime_is_sent_and_read_back() {
    let bench = Bench::new();
    let token = bench.token(&bench.delegated("alice", SEND));
    let mime = "From: alice@contoso.onmicrosoft.com\r\nTo: Bob <bob@contoso.onmicrosoft.com>\r\n\
                Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\nMIME-Version: 1.0\r\nContent-Type: \
                multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/html\r\n\
                Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>a=3Db</p>\r\n--b\r\n\
                Content-Type: text/plain; name=\"a.txt\"\r\nContent-Disposition: attachment\r\n\
                Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n";
    let send = |body: String| {
        let request = Request::builder()
            .method("POST")
            .uri("/v1.0/me/sendMail")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "text/plain")
            .body(Body::from(body))
            .unwrap();
        bench.answer(request)
    };
    send(base64::engine::general_purpose::STANDARD.encode(mime))
        .await
        .expect(202);
    let arrived = newest(&bench, "bob", "inbox").await;
    assert_eq!(arrived["subject"], "Grüße");
    assert_eq!(
        arrived["body"],
        json!({"contentType": "html", "content": "<p>a=b</p>"})
    );
    assert_eq!(arrived["hasAttachments"], true);
    let bob = bench.delegated("bob", &["Mail.Read"]);
    let path = format!(
        "/v1.0/me/messages/{}/$value",
        arrived["id"].as_str().unwrap()
    );
    let text = bench.get(&bob, &path).await.expect(200).text;
    assert!(text.contains("Subject: =?utf-8?B?R3LDvMOfZQ==?=") && text.contains("multipart/mixed"));
    assert_eq!(
        send("***".into()).await.refused(400),
        "ErrorMimeContentInvalidBase64String"
    );
}

#[tokio::test]
async fn the_id_on_the_internet_stays_from_the_draft_to_every_copy() {
    let bench = Bench::new();
    let token = bench.delegated("alice", SEND);
    let path = |folder: &str, id: &str| {
        let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        format!("/v1.0/me/mailFolders/{folder}/messages?$filter=internetMessageId%20eq%20'{id}'")
    };
    let body = json!({"subject": "Kept", "toRecipients": to("bob@contoso.onmicrosoft.com")});
    let draft = bench
        .post(&token, "/v1.0/me/messages", body)
        .await
        .expect(201);
    let first = bench
        .get(
            &token,
            "/v1.0/me/mailFolders/inbox/messages?$top=1&$select=id",
        )
        .await
        .expect(200);
    let answer = format!(
        "/v1.0/me/messages/{}/createReply",
        first.values()[0]["id"].as_str().unwrap()
    );
    let reply = bench
        .post(&token, &answer, json!({"comment": "c"}))
        .await
        .expect(201);
    assert_eq!(
        reply.body["from"]["emailAddress"]["name"], "Alice Archer",
        "an answer names who gives it"
    );
    let patch = format!("/v1.0/me/messages/{}", reply.id());
    let recipients = json!({"toRecipients": to("bob@contoso.onmicrosoft.com")});
    bench
        .send("PATCH", &token, &patch, &[], recipients)
        .await
        .expect(200);
    for made in [draft, reply] {
        let id = made.body["internetMessageId"].as_str().unwrap();
        bench
            .post(
                &token,
                &format!("/v1.0/me/messages/{}/send", made.id()),
                Value::Null,
            )
            .await
            .expect(202);
        let sent = bench.get(&token, &path("sentitems", id)).await.expect(200);
        assert_eq!(sent.values().len(), 1);
        assert_eq!(
            sent.values()[0]["conversationId"],
            made.body["conversationId"]
        );
        let bob = bench.delegated("bob", SEND);
        let arrived = bench.get(&bob, &path("inbox", id)).await.expect(200);
        assert_eq!(arrived.values().len(), 1);
        let sent = sent.values()[0]["id"].as_str().unwrap().to_owned();
        let copy = bench
            .post(
                &token,
                &format!("/v1.0/me/messages/{sent}/copy"),
                json!({"destinationId": "archive"}),
            )
            .await
            .expect(201);
        assert_eq!(copy.body["internetMessageId"], id);
    }
}

#[tokio::test]
async fn what_a_message_does_not_say_is_filled_in() {
    let bench = Bench::new();
    let token = bench.delegated("alice", SEND);
    let recipients = json!([
        {"emailAddress": {"address": "bob@contoso.onmicrosoft.com"}},
        {"emailAddress": {"address": "petra@tarnbeck.example"}},
        {"emailAddress": {"address": "carol@contoso.onmicrosoft.com", "name": "C."}},
    ]);
    let named = json!([
        {"emailAddress": {"name": "Bob Baker", "address": "bob@contoso.onmicrosoft.com"}},
        {"emailAddress": {"name": "petra@tarnbeck.example", "address": "petra@tarnbeck.example"}},
        {"emailAddress": {"address": "carol@contoso.onmicrosoft.com", "name": "C."}},
    ]);
    let html = "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; \
                charset=utf-8\"></head><body>They were <b>awesome</b>!</body></html>";
    let message = json!({
        "subject": "Filled in", "toRecipients": recipients,
        "body": {"contentType": "HTML", "content": "They were <b>awesome</b>!"},
    });
    let draft = bench
        .post(&token, "/v1.0/me/messages", message.clone())
        .await
        .expect(201);
    assert_eq!(draft.body["isDeliveryReceiptRequested"], false);
    assert_eq!(draft.body.get("from"), None, "nobody sends it yet");
    bench
        .post(&token, "/v1.0/me/sendMail", json!({"message": message}))
        .await
        .expect(202);
    let sent = newest(&bench, "alice", "sentitems").await;
    let arrived = newest(&bench, "bob", "inbox").await;
    for document in [&draft.body, &sent, &arrived] {
        assert_eq!(document["toRecipients"], named);
        assert_eq!(document["body"]["content"], html);
        assert_eq!(document["bodyPreview"], "They were awesome!");
    }
    assert_eq!(arrived["from"], sent["from"]);
    let path = format!("/v1.0/me/messages/{}", draft.id());
    let changes = json!({"subject": null, "body": {"contentType": "text", "content": "a\n b"}});
    let changed = bench
        .send("PATCH", &token, &path, &[], changes)
        .await
        .expect(200);
    assert_eq!(changed.body["subject"], "");
    assert_eq!(changed.body["body"]["content"], "a\n b");
}
