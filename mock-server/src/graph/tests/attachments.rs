use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::mailbox::{Attachment, AttachmentKind, Owner, QUOTA};

const RW: &[&str] = &["Mail.ReadWrite", "Calendars.ReadWrite"];

/// The address of the attachments of a new draft.
async fn draft(bench: &Bench, token: &Token) -> String {
    let made = bench
        .post(token, "/v1.0/me/messages", json!({"subject": "With files"}))
        .await
        .expect(201);
    format!("/v1.0/me/messages/{}/attachments", made.id())
}

async fn event(bench: &Bench, token: &Token) -> String {
    let body = json!({
        "subject": "With files",
        "start": {"dateTime": "2026-02-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-02-01T11:00:00", "timeZone": "UTC"},
    });
    let made = bench.post(token, "/v1.0/me/events", body).await.expect(201);
    format!("/v1.0/me/events/{}/attachments", made.id())
}

#[tokio::test]
async fn files_are_attached_to_messages_and_events_alike() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    for list in [draft(&bench, &token).await, event(&bench, &token).await] {
        let file = json!({
            "@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt",
            "contentType": "text/plain", "contentBytes": STANDARD.encode("abc"),
        });
        let made = bench.post(&token, &list, file).await.expect(201);
        assert_eq!(made.body["size"], 3);
        let one = format!("{list}/{}", made.id());
        let read = bench.get(&token, &one).await.expect(200);
        assert_eq!(read.body["contentBytes"], STANDARD.encode("abc"));
        let bytes = bench
            .get(&token, &format!("{one}/$value"))
            .await
            .expect(200);
        assert_eq!(
            (bytes.text.as_str(), bytes.header("content-type")),
            ("abc", "text/plain")
        );
        let (owner, _) = list.rsplit_once('/').unwrap();
        let whole = format!("{owner}?$expand=attachments($select=name)");
        let whole = bench.get(&token, &whole).await.expect(200);
        assert_eq!(whole.body["hasAttachments"], true);
        assert_eq!(whole.body["attachments"][0]["name"], "a.txt");
        bench
            .send("DELETE", &token, &one, &[], Value::Null)
            .await
            .expect(204);
        assert_eq!(
            bench.get(&token, &one).await.refused(404),
            "ErrorItemNotFound"
        );
        assert!(
            bench
                .get(&token, &list)
                .await
                .expect(200)
                .values()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn another_item_is_attached_and_shown_where_it_is_expanded() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let list = draft(&bench, &token).await;
    let attached = [
        (
            json!({"@odata.type": "microsoft.graph.message", "subject": "Inner",
                "body": {"contentType": "text", "content": "words"}}),
            "Subject: Inner",
        ),
        (
            json!({"@odata.type": "microsoft.graph.event", "subject": "Inner",
                "start": {"dateTime": "2026-02-01T10:00:00", "timeZone": "UTC"},
                "end": {"dateTime": "2026-02-01T11:00:00", "timeZone": "UTC"}}),
            "DTSTART:20260201T100000Z",
        ),
        (
            json!({"@odata.type": "microsoft.graph.contact", "displayName": "Inner"}),
            "FN:Inner",
        ),
    ];
    for (item, written) in attached {
        let body = json!({
            "@odata.type": "#microsoft.graph.itemAttachment", "name": "Inner", "item": item,
        });
        let made = bench.post(&token, &list, body).await.expect(201);
        assert!(made.body["item"].is_null() && made.body["contentBytes"].is_null());
        let one = format!("{list}/{}", made.id());
        let expanded = format!("{one}?$expand=microsoft.graph.itemattachment/item");
        let expanded = bench.get(&token, &expanded).await.expect(200);
        let kind = item["@odata.type"].as_str().unwrap();
        assert_eq!(expanded.body["item"]["@odata.type"], format!("#{kind}"));
        let text = bench
            .get(&token, &format!("{one}/$value"))
            .await
            .expect(200);
        assert!(text.text.contains(written), "{}", text.text);
    }
    let wrong = json!({"@odata.type": "#microsoft.graph.itemAttachment", "name": "x"});
    let refused = bench.post(&token, &list, wrong).await;
    assert_eq!(refused.refused(400), "ErrorInvalidRequest");
}

#[tokio::test]
async fn a_link_has_no_content() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let list = draft(&bench, &token).await.replace("v1.0", "beta");
    let link = json!({
        "@odata.type": "#microsoft.graph.referenceAttachment", "name": "Pictures",
        "sourceUrl": "https://contoso.example/pictures", "permission": "edit",
    });
    let made = bench.post(&token, &list, link.clone()).await.expect(201);
    assert_eq!(made.body["sourceUrl"], "https://contoso.example/pictures");
    let content = format!("{list}/{}/$value", made.id());
    assert_eq!(
        bench.get(&token, &content).await.refused(405),
        "ErrorInvalidRequest"
    );
    // v1.0's type has no such members.
    let v1 = list.replace("beta", "v1.0");
    assert_eq!(
        bench.post(&token, &v1, link).await.refused(400),
        "RequestBodyRead"
    );
}

/// What the address of an upload answers; it takes no token.
async fn upload(bench: &Bench, method: &str, address: &str, range: &str, bytes: &[u8]) -> Answer {
    let path = address.split_once("outlook.office.com").unwrap().1;
    let mut request = Request::builder().method(method).uri(path);
    if !range.is_empty() {
        request = request.header("content-range", range);
    }
    let mut request = request.body(Body::from(bytes.to_vec())).unwrap();
    let mut at = arrival(bench.tenant.environment);
    at.origin = "https://outlook.office.com".to_owned();
    request.extensions_mut().insert(at);
    bench.answer(request).await
}

fn session(size: usize) -> Value {
    json!({"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": size}})
}

const SIZE: usize = 3_500_000;

#[tokio::test]
async fn a_large_file_comes_in_parts() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    for list in [draft(&bench, &token).await, event(&bench, &token).await] {
        let begin = format!("{list}/createUploadSession");
        let begun = bench.post(&token, &begin, session(SIZE)).await.expect(201);
        assert_eq!(begun.body["nextExpectedRanges"], json!(["0-"]));
        let address = begun.body["uploadUrl"].as_str().unwrap().to_owned();
        let bytes: Vec<u8> = (0..SIZE)
            .map(|it| u8::try_from(it % 251).unwrap())
            .collect();
        let half = 2_000_000;
        let range = format!("bytes 0-{}/{SIZE}", half - 1);
        let first = upload(&bench, "PUT", &address, &range, &bytes[..half]).await;
        let first = first.expect(200);
        assert_eq!(first.body["NextExpectedRanges"], json!([half.to_string()]));
        let stands = upload(&bench, "GET", &address, "", b"").await.expect(200);
        assert_eq!(
            stands.body["NextExpectedRanges"],
            first.body["NextExpectedRanges"]
        );
        let range = format!("bytes {half}-{}/{SIZE}", SIZE - 1);
        let last = upload(&bench, "PUT", &address, &range, &bytes[half..]).await;
        let last = last.expect(201);
        let id = last
            .header("location")
            .rsplit('\'')
            .nth(1)
            .unwrap()
            .to_owned();
        let read = bench.get(&token, &format!("{list}/{id}")).await.expect(200);
        assert_eq!(read.body["name"], "big.bin");
        assert_eq!(read.body["contentBytes"], STANDARD.encode(&bytes));
        let again = upload(&bench, "PUT", &address, &range, &bytes[half..]).await;
        assert_eq!(again.refused(404), "ErrorItemNotFound");
    }
}

#[tokio::test]
async fn what_does_not_fit_an_upload_is_refused() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let begin = format!("{}/createUploadSession", draft(&bench, &token).await);
    for (size, code) in [
        (1024, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (200_000_000, "ErrorAttachmentSizeLimitExceeded"),
    ] {
        let refused = bench.post(&token, &begin, session(size)).await;
        assert_eq!(refused.refused(400), code);
    }
    let begun = bench.post(&token, &begin, session(SIZE)).await.expect(201);
    let address = begun.body["uploadUrl"].as_str().unwrap().to_owned();
    let part = [0; 10];
    for (range, status) in [
        ("", 400),
        ("bytes 0-9", 400),
        ("bytes 0-9/10", 400),
        ("bytes 0-8/3500000", 400),
        ("bytes 10-19/3500000", 416),
    ] {
        let answer = upload(&bench, "PUT", &address, range, &part).await;
        assert_eq!(answer.refused(status), "ErrorInvalidParameter", "{range}");
    }
    let foreign = address.replace("authtoken=", "authtoken=0");
    let answer = upload(&bench, "PUT", &foreign, "bytes 0-9/3500000", &part).await;
    assert_eq!(answer.refused(404), "ErrorItemNotFound");
    upload(&bench, "DELETE", &address, "", b"")
        .await
        .expect(204);
    assert_eq!(
        upload(&bench, "GET", &address, "", b"").await.refused(404),
        "ErrorItemNotFound"
    );
    let usgov = Bench::at(Environment::UsGovL4, "contoso.onmicrosoft.us");
    let token = usgov.delegated("alice", RW);
    let begin = format!("{}/createUploadSession", draft(&usgov, &token).await);
    let refused = usgov.post(&token, &begin, session(SIZE)).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
}

/// A file that takes as much room as a mailbox has: memory of zeros that nobody touches.
fn huge(now: Timestamp) -> Attachment {
    Attachment {
        key: 1,
        name: "huge.bin".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        inline: false,
        content_id: None,
        content: vec![0; QUOTA],
        modified: now,
        kind: AttachmentKind::default(),
    }
}

#[tokio::test]
async fn a_full_mailbox_takes_nothing_more() {
    let bench = Bench::new();
    let scopes = [
        "Mail.ReadWrite",
        "Mail.Send",
        "Calendars.ReadWrite",
        "Contacts.ReadWrite",
    ];
    let token = bench.delegated("alice", &scopes);
    let (message, event) = (draft(&bench, &token).await, event(&bench, &token).await);
    let tenant = bench.tenant();
    let alice = bench.user("alice");
    let owner = tenant.read(|it| Owner::of(it, alice)).unwrap();
    let mailbox = tenant.mailboxes.open(&owner, tenant.now());
    let (filled, count) = mailbox.write(|contents| {
        let filled = contents.messages.newest_first().last().unwrap().key;
        let now = tenant.now();
        contents
            .messages
            .change(filled, |it| it.attachments.push(huge(now)));
        let first = contents.events.values_mut().next().unwrap();
        first.attachments.push(huge(now));
        (filled, contents.messages.len())
    });
    let file = json!({
        "@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt",
        "contentType": "text/plain", "contentBytes": STANDARD.encode("abc"),
    });
    let mail = json!({"message": {
        "subject": "x", "toRecipients": [{"emailAddress": {"address": "alice@contoso.onmicrosoft.com"}}],
    }});
    let meeting = json!({
        "subject": "x",
        "start": {"dateTime": "2026-02-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-02-01T11:00:00", "timeZone": "UTC"},
    });
    for (path, body) in [
        ("/v1.0/me/messages", json!({"subject": "x"})),
        (&message, file.clone()),
        (&event, file),
        ("/v1.0/me/sendMail", mail.clone()),
        ("/v1.0/me/events", meeting),
        ("/v1.0/me/contacts", json!({"givenName": "x"})),
        (
            "/v1.0/me/mailFolders/inbox/copy",
            json!({"destinationId": "archive"}),
        ),
    ] {
        let answer = bench.post(&token, path, body).await;
        assert_eq!(answer.refused(507), "ErrorQuotaExceeded", "{path}");
    }
    // What others send is lost, and they are not told by the request.
    let bob = bench.delegated("bob", &["Mail.Send"]);
    bench
        .post(&bob, "/v1.0/me/sendMail", mail)
        .await
        .expect(202);
    assert_eq!(mailbox.read(|it| it.messages.len()), count);
    mailbox.write(|contents| contents.remove_message(filled));
    draft(&bench, &token).await;
}
