//! Extended properties of mail, events, contacts and folders.

use serde_json::{Value, json};

use super::{Bench, Token};

const ALL: &[&str] = &[
    "Mail.ReadWrite",
    "Calendars.ReadWrite",
    "Contacts.ReadWrite",
];
const FUN: &str = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Fun";

/// The value of a query option that names a property.
fn named(id: &str) -> String {
    format!("id%20eq%20'{}'", id.replace(' ', "%20"))
}

fn one(id: &str) -> String {
    format!(
        "$expand=singleValueExtendedProperties($filter={})",
        named(id)
    )
}

async fn values(bench: &Bench, token: &Token, path: &str, id: &str) -> Value {
    let path = format!("{path}?{}", one(id));
    let read = bench.get(token, &path).await.expect(200);
    read.body["singleValueExtendedProperties"].clone()
}

#[tokio::test]
async fn what_is_set_is_expanded_changed_and_taken_away() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    for (path, member) in [
        ("messages", "subject"),
        ("events", "subject"),
        ("contacts", "givenName"),
        ("mailFolders", "displayName"),
        ("contactFolders", "displayName"),
        ("calendars", "name"),
    ] {
        let list = format!("/v1.0/me/{path}");
        let id = FUN.replace("66f5", "66F5");
        let body =
            json!({member: "x", "singleValueExtendedProperties": [{"id": id, "value": "Food"}]});
        let made = bench.post(&token, &list, body).await.expect(201);
        assert!(made.body.get("singleValueExtendedProperties").is_none());
        assert_eq!(made.annotation.unsupported, None, "{path}");
        let item = format!("{list}/{}", made.id());
        let kept = json!([{"id": FUN, "value": "Food"}]);
        assert_eq!(values(&bench, &token, &item, FUN).await, kept, "{path}");
        // Another one stays beside it.
        let other = "Integer {66f5a359-4659-4830-9070-00047ec6ac6e} Id 0x8012";
        let more = json!({"singleValueExtendedProperties": [{"id": other, "value": "5"}]});
        bench
            .send("PATCH", &token, &item, &[], more)
            .await
            .expect(200);
        assert_eq!(values(&bench, &token, &item, FUN).await, kept, "{path}");
        let five = json!([{"id": other, "value": "5"}]);
        assert_eq!(values(&bench, &token, &item, other).await, five, "{path}");
        // In lists, and where nothing is set.
        let listed = bench
            .get(&token, &format!("{list}?{}&$top=100", one(FUN)))
            .await
            .expect(200);
        let with = |it: &&Value| it.get("singleValueExtendedProperties").is_some();
        let shown: Vec<&Value> = listed.values().iter().filter(with).collect();
        assert_eq!(shown.len(), 1, "{path}");
        assert_eq!(shown[0]["singleValueExtendedProperties"], kept);
        let gone = json!({"singleValueExtendedProperties": [{"id": FUN, "value": null}]});
        bench
            .send("PATCH", &token, &item, &[], gone)
            .await
            .expect(200);
        assert_eq!(
            values(&bench, &token, &item, FUN).await,
            Value::Null,
            "{path}"
        );
    }
}

#[tokio::test]
async fn items_are_found_by_their_extended_properties() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let id = FUN.replace(' ', "%20");
    for (path, member) in [
        ("messages", "subject"),
        ("events", "subject"),
        ("contacts", "givenName"),
    ] {
        let list = format!("/v1.0/me/{path}");
        for value in ["Food", "Play"] {
            let body = json!({member: value, "singleValueExtendedProperties": [{"id": FUN, "value": value}]});
            bench.post(&token, &list, body).await.expect(201);
        }
        let any = format!(
            "{list}?$filter=singleValueExtendedProperties/Any(ep:%20ep/id%20eq%20'{id}'%20and%20ep/value%20eq%20'Play')"
        );
        let found = bench.get(&token, &any).await.expect(200);
        assert_eq!(found.values().len(), 1, "{path}: {}", found.text);
        assert_eq!(found.values()[0][member], "Play");
        assert!(
            found.values()[0]
                .get("singleValueExtendedProperties")
                .is_none()
        );
    }
    // Many values, of what one property has.
    let body = json!({"subject": "many", "multiValueExtendedProperties": [
        {"id": "StringArray {66f5a359-4659-4830-9070-00047ec6ac6e} Name Palette", "value": ["Green", "Red"]},
    ]});
    let made = bench
        .post(&token, "/v1.0/me/events", body)
        .await
        .expect(201);
    let palette = named("StringArray {66f5a359-4659-4830-9070-00047ec6ac6e} Name Palette");
    let path = format!(
        "/v1.0/me/events/{}?$expand=multiValueExtendedProperties($filter={palette})",
        made.id()
    );
    let read = bench.get(&token, &path).await.expect(200);
    assert_eq!(
        read.body["multiValueExtendedProperties"][0]["value"],
        json!(["Green", "Red"])
    );
}

#[tokio::test]
async fn what_exchange_has_of_its_own_is_there_by_its_tag() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let inbox = "/v1.0/me/mailFolders/inbox";
    let class = values(&bench, &token, inbox, "String 0x3613").await;
    assert_eq!(class, json!([{"id": "String 0x3613", "value": "IPF.Note"}]));
    // Flags that are set when a message is made make it no draft.
    let body = json!({"subject": "imported", "singleValueExtendedProperties": [
        {"id": "Integer 0x0E07", "value": "1"},
        {"id": "SystemTime 0x0E06", "value": "2020-05-04T03:02:01Z"},
    ]});
    let made = bench
        .post(&token, &format!("{inbox}/messages"), body)
        .await
        .expect(201);
    assert_eq!(made.body["isDraft"], false);
    assert_eq!(made.body["receivedDateTime"], "2020-05-04T03:02:01Z");
    let item = format!("/v1.0/me/messages/{}", made.id());
    let subject = values(&bench, &token, &item, "String 0x0037").await;
    assert_eq!(subject, json!([{"id": "String 0x37", "value": "imported"}]));
    let flags = values(&bench, &token, &item, "Integer 0x0E07").await;
    assert_eq!(flags[0]["value"], "1");
}

#[tokio::test]
async fn what_is_no_property_is_refused() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let list = "/v1.0/me/messages";
    let body = json!({"subject": "x", "singleValueExtendedProperties": [{"id": "Text Fun", "value": "v"}]});
    let wrong = bench.post(&token, list, body).await;
    assert_eq!(wrong.refused(400), "ErrorInvalidExtendedProperty");
    let wrong = bench.get(&token, &format!("{list}?{}", one("Fun"))).await;
    assert_eq!(wrong.refused(400), "ErrorInvalidExtendedProperty");
    let all = bench
        .get(
            &token,
            &format!("{list}?$expand=singleValueExtendedProperties"),
        )
        .await;
    assert!(all.annotation.unsupported.is_some());
    all.refused(400);
}
