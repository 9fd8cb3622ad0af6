//! Categories, folders of contacts, photos, mail tips and ids in other forms.

use image::ImageFormat;
use serde_json::json;

use super::*;
use crate::picture::tests::picture;

const ALL: &[&str] = &[
    "Contacts.ReadWrite",
    "Mail.ReadWrite",
    "MailboxSettings.ReadWrite",
    "User.ReadWrite",
];

#[tokio::test]
async fn categories_are_made_painted_and_deleted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let list = "/v1.0/me/outlook/masterCategories";
    let body = json!({"displayName": "Projects", "color": "preset9"});
    let made = bench.post(&token, list, body.clone()).await.expect(201);
    bench.post(&token, list, body).await.refused(409);
    let one = format!("{list}/{}", made.id());
    let painted = bench
        .send("PATCH", &token, &one, &[], json!({"color": "preset1"}))
        .await
        .expect(200);
    assert_eq!(painted.body["color"], "preset1");
    let renamed = json!({"displayName": "Other"});
    let refused = bench.send("PATCH", &token, &one, &[], renamed).await;
    assert_eq!(refused.refused(400), "ErrorInvalidRequest");
    assert_eq!(bench.get(&token, list).await.expect(200).values().len(), 7);
    bench
        .send("DELETE", &token, &one, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &one).await.refused(404),
        "ErrorItemNotFound"
    );
}

#[tokio::test]
async fn folders_of_contacts_are_renamed_nested_and_deleted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let list = "/v1.0/me/contactFolders";
    let made = bench
        .post(&token, list, json!({"displayName": "Clients"}))
        .await
        .expect(201);
    let one = format!("{list}/{}", made.id());
    let inner = bench
        .post(
            &token,
            &format!("{one}/childFolders"),
            json!({"displayName": "Old"}),
        )
        .await
        .expect(201);
    assert_eq!(inner.body["parentFolderId"], made.body["id"]);
    let deep = format!("{one}/childFolders/{}/contacts", inner.id());
    bench
        .post(&token, &deep, json!({"givenName": "Ada"}))
        .await
        .expect(201);
    assert_eq!(
        bench
            .get(&token, &format!("{deep}/$count"))
            .await
            .expect(200)
            .text,
        "1"
    );
    let renamed = bench
        .send(
            "PATCH",
            &token,
            &one,
            &[],
            json!({"displayName": "Customers"}),
        )
        .await
        .expect(200);
    assert_eq!(renamed.body["displayName"], "Customers");
    bench
        .send("DELETE", &token, &one, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &deep).await.refused(404),
        "ErrorItemNotFound"
    );
}

#[tokio::test]
async fn a_folder_is_copied_with_all_that_lies_in_it() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let list = "/v1.0/me/mailFolders";
    let made = bench
        .post(&token, list, json!({"displayName": "Source"}))
        .await
        .expect(201);
    let one = format!("{list}/{}", made.id());
    bench
        .post(
            &token,
            &format!("{one}/childFolders"),
            json!({"displayName": "Inner"}),
        )
        .await
        .expect(201);
    bench
        .post(&token, &format!("{one}/messages"), json!({"subject": "x"}))
        .await
        .expect(201);
    let copy = bench
        .post(
            &token,
            &format!("{one}/copy"),
            json!({"destinationId": "archive"}),
        )
        .await
        .expect(201);
    assert_ne!(copy.body["id"], made.body["id"]);
    assert_eq!(
        (&copy.body["totalItemCount"], &copy.body["childFolderCount"]),
        (&json!(1), &json!(1))
    );
    let taken = bench
        .post(
            &token,
            &format!("{one}/copy"),
            json!({"destinationId": "archive"}),
        )
        .await;
    assert_eq!(taken.refused(409), "ErrorFolderExists");
    bench
        .post(&token, &format!("{one}/permanentDelete"), Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &one).await.refused(404),
        "ErrorItemNotFound"
    );
}

#[tokio::test]
async fn a_photo_is_read_as_it_was_sent() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let contact = bench
        .post(&token, "/v1.0/me/contacts", json!({"givenName": "Ada"}))
        .await
        .expect(201);
    let of_contact = format!("/v1.0/me/contacts/{}/photo", contact.id());
    for path in ["/v1.0/me/photo".to_owned(), of_contact] {
        let content = format!("{path}/$value");
        bench.get(&token, &content).await.expect(404);
        for (kind, status) in [("text/plain", 400), ("image/jpeg", 200)] {
            let request = Request::builder()
                .method("PUT")
                .uri(&content)
                .header("authorization", bench.bearer(&token))
                .header("content-type", kind)
                .body(Body::from("photo"))
                .unwrap();
            bench.answer(request).await.expect(status);
        }
        let read = bench.get(&token, &content).await.expect(200);
        assert_eq!(
            (read.text.as_str(), read.header("content-type")),
            ("photo", "image/jpeg")
        );
        let told = bench.get(&token, &path).await.expect(200);
        assert_eq!(
            (&told.body["id"], &told.body["width"]),
            (&json!("648x648"), &json!(648))
        );
    }
    let small = bench.get(&token, "/v1.0/me/photos/48x48").await.expect(200);
    assert_eq!(small.body["height"], 48);
    assert_eq!(
        bench
            .get(&token, "/v1.0/me/photos")
            .await
            .expect(200)
            .values()
            .len(),
        9
    );
    let none = bench.get(&token, "/v1.0/me/photos/1x1").await;
    assert_eq!(none.refused(404), "ErrorInvalidImageId");
    bench
        .send("DELETE", &token, "/v1.0/me/photo", &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, "/v1.0/me/photo").await.refused(404),
        "ImageNotFound"
    );
}

#[tokio::test]
async fn smaller_sizes_of_a_photo_are_made_of_it() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let sent = picture(300, 200, ImageFormat::Png);
    let request = Request::builder()
        .method("PUT")
        .uri("/v1.0/me/photo/$value")
        .header("authorization", bench.bearer(&token))
        .header("content-type", "image/png")
        .body(Body::from(sent.clone()))
        .unwrap();
    bench.answer(request).await.expect(200);
    let small = bench.get(&token, "/v1.0/me/photos/96x96/$value").await;
    let small = small.expect(200);
    assert_eq!(small.header("content-type"), "image/jpeg");
    assert_eq!(crate::picture::size(&small.bytes), Some((96, 96)));
    // What would have to be made larger, and the photo itself, are as they were sent.
    for path in ["photo/$value", "photos/240x240/$value"] {
        let answer = bench.get(&token, &format!("/v1.0/me/{path}")).await;
        assert_eq!(answer.expect(200).bytes, sent, "{path}");
    }
}

#[tokio::test]
async fn ids_are_translated_there_and_back() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read", "User.Read"]);
    let list = bench
        .get(&token, "/v1.0/me/messages?$top=1&$select=id")
        .await
        .expect(200);
    let id = list.values()[0]["id"].as_str().unwrap().to_owned();
    let path = "/v1.0/me/translateExchangeIds";
    let ask = |id: &str, from: &str, to: &str| json!({"inputIds": [id], "sourceIdType": from, "targetIdType": to});
    for form in [
        "entryId",
        "ewsId",
        "immutableEntryId",
        "restImmutableEntryId",
    ] {
        let there = bench
            .post(&token, path, ask(&id, "restId", form))
            .await
            .expect(200);
        let other = there.values()[0]["targetId"].as_str().unwrap();
        let back = bench
            .post(&token, path, ask(other, form, "restId"))
            .await
            .expect(200);
        assert_eq!(
            back.values()[0]["targetId"],
            json!(id),
            "{form}: {}",
            back.text
        );
    }
    let wrong = bench
        .post(&token, path, ask("x", "restId", "ewsId"))
        .await
        .expect(200);
    assert_eq!(
        wrong.values()[0]["errorDetails"]["code"],
        "ErrorInvalidIdMalformed"
    );
    let refused = bench.post(&token, path, ask(&id, "restId", "other")).await;
    assert_eq!(refused.refused(400), "ErrorInvalidRequest");
}

#[tokio::test]
async fn mail_tips_tell_of_automatic_replies() {
    let bench = Bench::new();
    let bob = bench.delegated("bob", ALL);
    let away = json!({"automaticRepliesSetting": {
        "status": "alwaysEnabled", "internalReplyMessage": "On holiday"}});
    bench
        .send("PATCH", &bob, "/v1.0/me/mailboxSettings", &[], away)
        .await
        .expect(200);
    let alice = bench.delegated("alice", ALL);
    let ask = json!({
        "EmailAddresses": ["bob@contoso.onmicrosoft.com", "x@elsewhere.example"],
        "MailTipsOptions": "automaticReplies, recipientScope",
    });
    let answer = bench
        .post(&alice, "/v1.0/me/getMailTips", ask)
        .await
        .expect(200);
    let [of_bob, stranger] = answer.values() else {
        panic!("{}", answer.text)
    };
    assert_eq!(of_bob["automaticReplies"]["message"], "On holiday");
    assert_eq!(
        (&of_bob["recipientScope"], &stranger["recipientScope"]),
        (&json!("internal"), &json!("external"))
    );
    assert!(of_bob["mailboxFull"].is_null());
}
