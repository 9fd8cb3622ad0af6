//! Rows: values, filters, pages, changes, versions, and the items of libraries.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{found, invoices, row};
use crate::graph::tests::Bench;

#[tokio::test]
async fn a_row_is_made_changed_and_deleted() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    let fields = json!({
        "Title": "INV-7", "Amount": 120.5, "Due": "2026-05-01", "OwnerLookupId": 11,
        "Tags@odata.type": "Collection(Edm.String)", "Tags": ["a", "b"],
    });
    let path = format!("{list}/items");
    let made = bench
        .post(&app, &path, json!({"fields": fields}))
        .await
        .expect(201);
    assert_eq!(made.id(), "1");
    let fields = &made.body["fields"];
    assert_eq!(fields["Title"], "INV-7");
    assert_eq!(fields["Amount"], 120.5);
    assert_eq!(fields["Due"], "2026-05-01T00:00:00Z");
    assert_eq!(fields["OwnerLookupId"], "11");
    assert_eq!(fields["Tags"], json!(["a", "b"]));
    assert_eq!(fields["Paid"], false);
    assert_eq!(fields["_UIVersionString"], "1.0");
    assert_eq!(fields["ContentType"], "Item");
    let own = format!("{path}/1");
    let change = json!({"Amount": 1, "Due": null});
    let changed = bench
        .send("PATCH", &app, &format!("{own}/fields"), &[], change)
        .await
        .expect(200);
    assert_eq!(changed.body["Amount"], 1);
    assert_eq!(changed.body.get("Due"), None);
    assert_eq!(changed.body["Title"], "INV-7");
    assert_eq!(changed.body["_UIVersionString"], "2.0");
    let read = bench.get(&app, &own).await.expect(200);
    assert_eq!(read.body.get("fields"), None);
    assert_ne!(read.body["eTag"], made.body["eTag"]);
    let old = made.body["eTag"].as_str().unwrap();
    let stale = bench
        .send("DELETE", &app, &own, &[("if-match", old)], Value::Null)
        .await;
    assert_eq!(stale.refused(412), "resourceModified");
    bench
        .send("DELETE", &app, &own, &[], Value::Null)
        .await
        .expect(204);
    bench.get(&app, &own).await.expect(404);
    let next = bench.post(&app, &path, json!({})).await.expect(201);
    assert_eq!(next.id(), "2");
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_column_is_refused() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    row(&bench, &app, &list, json!({"Number": "n-1"})).await;
    let path = format!("{list}/items");
    for (fields, message) in [
        (json!({"Colour": 1}), "Field 'Colour' is not recognized"),
        (
            json!({"Created": "2026-01-01"}),
            "Field 'Created' is read-only",
        ),
        (json!({"Amount": "many"}), "Invalid request"),
        (json!({"Paid": "yes"}), "Invalid request"),
        (json!({"Due": "soon"}), "Invalid request"),
        (json!({"Title": 5}), "Invalid request"),
        (json!({"Title": "x".repeat(256)}), "Invalid request"),
        (json!({"Tags": ["a"]}), "Invalid request"),
        (json!({"Tags": {"results": ["a"]}}), "Invalid request"),
        (json!({"Owner": "alice"}), "Invalid request"),
        (json!({"OwnerLookupId": "alice"}), "Invalid request"),
        (json!({"ContentType": "Nothing"}), "Invalid request"),
    ] {
        let refused = bench
            .post(&app, &path, json!({"fields": fields}))
            .await
            .expect(400);
        assert_eq!(refused.body["error"]["code"], "invalidRequest", "{fields}");
        assert_eq!(refused.body["error"]["message"], message, "{fields}");
    }
    let same = json!({"fields": {"Number": "N-1"}});
    let refused = bench.post(&app, &path, same).await.expect(400);
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("duplicate values"), "{message}");
}

#[tokio::test]
async fn only_indexed_columns_are_filtered_unless_the_client_takes_the_risk() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    for number in 1..=3 {
        let fields = json!({"Title": format!("T{number}"), "Number": format!("n{number}"), "Amount": number * 10});
        row(&bench, &app, &list, fields).await;
    }
    let indexed = "$filter=fields/Number%20eq%20'n2'";
    assert_eq!(found(&bench, &app, &list, indexed).await, ["2"]);
    let plain =
        format!("{list}/items?$filter=fields/Amount%20gt%2015&$expand=fields($select=Amount)");
    let refused = bench.get(&app, &plain).await.expect(400);
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Field 'Amount' cannot be referenced"),
        "{message}"
    );
    let prefer = [("prefer", "HonorNonIndexedQueriesWarningMayFailRandomly")];
    let answer = bench
        .send("GET", &app, &plain, &prefer, Value::Null)
        .await
        .expect(200);
    assert_eq!(answer.values().len(), 2);
    let fields = answer.values()[0]["fields"].as_object().unwrap();
    let names: Vec<&String> = fields.keys().collect();
    assert_eq!(names, ["@odata.etag", "Amount"]);
    let ordered = format!("{list}/items?$orderby=fields/Amount%20desc&$top=2");
    bench.get(&app, &ordered).await.expect(400);
    let first = bench
        .send("GET", &app, &ordered, &prefer, Value::Null)
        .await
        .expect(200);
    let ids: Vec<&Value> = first.values().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["3", "2"]);
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    let next = next.split_once("microsoft.com").map_or(next, |it| it.1);
    let second = bench
        .send("GET", &app, next, &prefer, Value::Null)
        .await
        .expect(200);
    assert_eq!(second.values()[0]["id"], "1");
    let bare = format!("{list}/items?$filter=Number%20eq%20'n2'");
    let refused = bench.get(&app, &bare).await.expect(400);
    assert_eq!(refused.body["error"]["message"], "Invalid filter clause");
    let by_id = "$filter=fields/id%20eq%202";
    assert_eq!(found(&bench, &app, &list, by_id).await, ["2"]);
}

#[tokio::test]
async fn a_large_list_is_not_searched_without_an_index() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    let id = list.rsplit('/').next().unwrap().parse().unwrap();
    bench.tenant().write_drives(|drives| {
        let list = drives.lists.get_mut(id).unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        for number in 0..5001_u128 {
            let row = uuid::Uuid::from_u128(number);
            let fields = serde_json::Map::new();
            list.add(row, fields, None, crate::drives::Identity::default(), now)
                .unwrap();
        }
    });
    let prefer = [("prefer", "HonorNonIndexedQueriesWarningMayFailRandomly")];
    let path = format!("{list}/items?$filter=fields/Amount%20gt%2015");
    let refused = bench.send("GET", &app, &path, &prefer, Value::Null).await;
    assert_eq!(refused.refused(429), "activityLimitReached");
    let first = bench.get(&app, &format!("{list}/items")).await.expect(200);
    assert_eq!(first.values().len(), 200);
}

#[tokio::test]
async fn rows_come_page_by_page() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    for _ in 0..5 {
        row(&bench, &app, &list, json!({})).await;
    }
    let mut path = format!("{list}/items?$top=2");
    let mut seen = Vec::new();
    loop {
        let page = bench.get(&app, &path).await.expect(200);
        seen.extend(page.values().iter().map(|it| it["id"].clone()));
        let Some(next) = page.body["@odata.nextLink"].as_str() else {
            break;
        };
        assert!(next.contains("$top=2"), "{next}");
        path = next.split_once("microsoft.com").unwrap().1.to_owned();
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
    let bad = format!("{list}/items?$skiptoken=x");
    assert_eq!(bench.get(&app, &bad).await.refused(400), "invalidRequest");
}

#[tokio::test]
async fn a_delta_tells_what_changed_in_a_list() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    let first = row(&bench, &app, &list, json!({"Title": "A"})).await;
    let second = row(&bench, &app, &list, json!({"Title": "B"})).await;
    let path = format!("{list}/items/delta?$expand=fields");
    let all = bench.get(&app, &path).await.expect(200);
    assert_eq!(all.values().len(), 2);
    assert_eq!(all.values()[0]["fields"]["Title"], "A");
    let link = |body: &Value| {
        let link = body["@odata.deltaLink"].as_str().unwrap();
        link.split_once("microsoft.com").unwrap().1.to_owned()
    };
    let next = link(&all.body);
    let none = bench.get(&app, &next).await.expect(200);
    assert!(none.values().is_empty());
    let change = json!({"Title": "C"});
    bench
        .send("PATCH", &app, &format!("{second}/fields"), &[], change)
        .await
        .expect(200);
    bench
        .send("DELETE", &app, &first, &[], Value::Null)
        .await
        .expect(204);
    let some = bench.get(&app, &next).await.expect(200);
    assert_eq!(some.values()[0]["fields"]["Title"], "C");
    assert_eq!(some.values()[1]["id"], "1");
    assert_eq!(some.values()[1]["deleted"], json!({"state": "deleted"}));
    let latest = bench
        .get(&app, &format!("{list}/items/delta?token=latest"))
        .await
        .expect(200);
    assert!(latest.values().is_empty());
    let bad = format!("{list}/items/delta?token=nonsense");
    assert_eq!(bench.get(&app, &bad).await.refused(400), "invalidRequest");
}

#[tokio::test]
async fn earlier_values_are_kept_and_restored() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    let own = row(&bench, &app, &list, json!({"Title": "A"})).await;
    let fields = format!("{own}/fields");
    bench
        .send("PATCH", &app, &fields, &[], json!({"Title": "B"}))
        .await
        .expect(200);
    let versions = format!("{own}/versions");
    let all = bench.get(&app, &versions).await.expect(200);
    let ids: Vec<&Value> = all.values().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["2.0", "1.0"]);
    assert_eq!(all.values()[1]["fields"]["Title"], "A");
    let restore = format!("{versions}/1.0/restoreVersion");
    bench.post(&app, &restore, Value::Null).await.expect(204);
    let now = bench.get(&app, &fields).await.expect(200);
    assert_eq!(now.body["Title"], "A");
    assert_eq!(now.body["_UIVersionString"], "3.0");
    let other = format!("{versions}/9.0/restoreVersion");
    bench.post(&app, &other, Value::Null).await.expect(404);
}

#[tokio::test]
async fn a_file_is_a_row_of_its_library_and_the_row_leads_to_the_file() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All", "Files.ReadWrite.All"]);
    let folder = json!({"name": "Plans", "folder": {}});
    let folder = bench
        .post(&app, "/v1.0/sites/root/drive/root/children", folder)
        .await
        .expect(201);
    let list = "/v1.0/sites/root/lists/Documents";
    let column = json!({"name": "Colour", "text": {}});
    bench
        .post(&app, &format!("{list}/columns"), column)
        .await
        .expect(201);
    let by_path = "/v1.0/sites/root/drive/root:/Plans:/listItem?$expand=fields";
    let item = bench.get(&app, by_path).await.expect(200);
    assert_eq!(item.id(), "1");
    assert_eq!(item.body["fields"]["FileLeafRef"], "Plans");
    assert_eq!(item.body["contentType"]["name"], "Folder");
    let own = format!("{list}/items/1");
    let there = bench
        .get(&app, &format!("{own}/driveItem"))
        .await
        .expect(200);
    assert_eq!(there.id(), folder.id());
    let change = json!({"Colour": "red", "FileLeafRef": "Drafts"});
    let changed = bench
        .send("PATCH", &app, &format!("{own}/fields"), &[], change)
        .await
        .expect(200);
    assert_eq!(changed.body["Colour"], "red");
    let named = bench
        .get(&app, "/v1.0/sites/root/drive/root:/Drafts")
        .await
        .expect(200);
    assert_eq!(named.id(), folder.id());
    let rows = format!("{list}/items?$expand=fields,driveItem($select=name)");
    let rows = bench.get(&app, &rows).await.expect(200);
    assert_eq!(rows.values()[0]["driveItem"]["name"], "Drafts");
    let refused = bench
        .post(&app, &format!("{list}/items"), json!({"fields": {}}))
        .await;
    assert_eq!(refused.refused(400), "invalidRequest");
    let inside = format!("{own}/driveItem/children");
    let body = json!({"name": "Old", "folder": {}});
    bench.post(&app, &inside, body).await.expect(201);
    bench
        .send("DELETE", &app, &own, &[], Value::Null)
        .await
        .expect(204);
    bench
        .get(&app, "/v1.0/sites/root/drive/root:/Drafts")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_lists_rows_are_in_the_state() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    row(&bench, &app, &list, json!({"Title": "A"})).await;
    let text = bench.world().snapshot().to_text();
    let world = bench.world();
    let snapshot = crate::world::Snapshot::parse(text.as_bytes()).unwrap();
    world.restore(snapshot).unwrap();
    let read = bench
        .get(&app, &format!("{list}/items?$expand=fields"))
        .await
        .expect(200);
    assert_eq!(read.values()[0]["fields"]["Title"], "A");
    let next = row(&bench, &app, &list, json!({})).await;
    assert!(next.ends_with("/2"), "{next}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is written, filtered by or asked for, it is kept and read again, or refused.
    #[test]
    fn hostile_values_names_and_filters_are_kept_or_refused(
        title in "\\PC{0,300}",
        name in "\\PC{0,40}",
        filter in "fields/[A-Za-z]{1,8} (eq|gt|xx) ('\\PC{0,12}'|[0-9]{1,25}|-?[0-9.]{1,8})",
        key in "\\PC{1,20}",
        number in any::<f64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let app = bench.app_only(&["Sites.Manage.All"]);
            let list = invoices(&bench, &app).await;
            let path = format!("{list}/items");
            let fields = json!({"fields": {"Title": title, "Amount": number}});
            let made = bench.post(&app, &path, fields).await;
            if made.status == 201 {
                prop_assert_eq!(&made.body["fields"]["Title"], &json!(title));
            } else {
                prop_assert_eq!(made.status.as_u16(), 400, "{}", made.text);
            }
            let other = json!({"fields": {name.clone(): title}});
            let answer = bench.post(&app, &path, other).await;
            prop_assert!(answer.status.as_u16() < 500, "{}", answer.text);
            let body = json!({"displayName": name, "columns": [{"name": name, "text": {}}]});
            let answer = bench.post(&app, "/v1.0/sites/root/lists", body).await;
            prop_assert!(answer.status.as_u16() < 500, "{}", answer.text);
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            for path in [
                format!("{path}?$filter={}", encode(&filter)),
                format!("{path}?$skiptoken={}", encode(&key)),
                format!("{path}/delta?token={}", encode(&key)),
                format!("{path}/{}", encode(&key)),
                format!("/v1.0/sites/root/lists/{}", encode(&key)),
                format!("/v1.0/sites/{}/lists", encode(&key)),
            ] {
                let prefer = [("prefer", "HonorNonIndexedQueriesWarningMayFailRandomly")];
                let answer = bench.send("GET", &app, &path, &prefer, Value::Null).await;
                prop_assert!(answer.status.as_u16() <= 501, "{path}: {}", answer.text);
                prop_assert!(answer.status != 500, "{path}: {}", answer.text);
            }
            Ok(())
        })?;
    }
}
