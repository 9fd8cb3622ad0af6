//! What changed in a drive.

use serde_json::{Value, json};

use super::Drive;
use crate::directory::Event;

/// Follows a round to its end: the items, and where the next one begins.
async fn round(drive: &Drive, start: &str) -> (Vec<Value>, String) {
    let mut path = start.to_owned();
    let mut items = Vec::new();
    loop {
        let page = drive.get(&path).await.expect(200);
        items.extend(page.values().to_vec());
        let next = page.body["@odata.nextLink"].as_str();
        let last = page.body["@odata.deltaLink"].as_str();
        let link = next.or(last).unwrap();
        let (_, rest) = link.split_once("graph.microsoft.com").unwrap();
        path = rest.to_owned();
        if next.is_none() {
            return (items, path);
        }
    }
}

fn names(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|it| it["name"].as_str().unwrap_or("-"))
        .collect()
}

#[tokio::test]
async fn a_first_round_has_everything_and_later_ones_what_changed() {
    let drive = Drive::new();
    drive.put("F/a.txt", "a").await.expect(201);
    let gone = drive.put("F/b.txt", "b").await.expect(201);
    let start = "/v1.0/me/drive/root/delta?$top=2";
    let (items, link) = round(&drive, start).await;
    assert_eq!(names(&items), ["root", "F", "a.txt", "b.txt"]);
    assert!(
        items
            .iter()
            .all(|it| it.get("@microsoft.graph.downloadUrl").is_none())
    );
    assert!(link.contains("token=") && link.contains("$top=2"), "{link}");
    let (items, link) = round(&drive, &link).await;
    assert!(items.is_empty());
    let path = format!("/v1.0/me/drive/items/{}", gone.id());
    drive.send("DELETE", &path, Value::Null).await.expect(204);
    drive.put("c.txt", "c").await.expect(201);
    let (items, _) = round(&drive, &link).await;
    assert_eq!(names(&items), ["-", "root", "c.txt"]);
    assert_eq!(items[0]["id"], gone.id());
    assert_eq!(items[0]["deleted"], json!({"state": "deleted"}));
    assert!(items[0]["cTag"].as_str().unwrap().ends_with(",-1\""));
}

#[tokio::test]
async fn a_round_begins_now_or_at_a_moment() {
    let drive = Drive::new();
    drive.put("a.txt", "a").await.expect(201);
    let latest = "/v1.0/me/drive/root/delta?token=latest";
    let (items, link) = round(&drive, latest).await;
    assert!(items.is_empty());
    let hour = jiff::SignedDuration::from_hours(1);
    drive.bench.tenant().clock.advance(hour);
    drive.put("b.txt", "b").await.expect(201);
    let (items, _) = round(&drive, &link).await;
    assert_eq!(names(&items), ["root", "b.txt"]);
    let since = "/v1.0/me/drive/root/delta(token='2026-01-15T12:30:00Z')";
    let (items, _) = round(&drive, since).await;
    assert_eq!(names(&items), ["root", "b.txt"]);
}

#[tokio::test]
async fn a_link_goes_on_where_a_function_with_a_token_began() {
    let drive = Drive::new();
    drive.put("a.txt", "x").await.expect(201);
    let start = "/v1.0/me/drive/root/delta(token='latest')";
    let (values, link) = round(&drive, start).await;
    assert_eq!(values, Vec::<Value>::new());
    drive.put("b.txt", "x").await.expect(201);
    let (values, _) = round(&drive, &link).await;
    assert_eq!(values.last().unwrap()["name"], "b.txt");
}

#[tokio::test]
async fn tokens_that_are_too_old_or_none_are_refused() {
    let drive = Drive::new();
    let (_, link) = round(&drive, "/v1.0/me/drive/root/delta").await;
    let garbage = drive.get("/v1.0/me/drive/root/delta?token=x!y").await;
    assert_eq!(
        garbage.body["error"]["message"],
        "Provided sync token is malformed"
    );
    assert_eq!(garbage.refused(400), "invalidRequest");
    let id = drive.get("/v1.0/me/drive").await.id();
    drive
        .bench
        .tenant()
        .write_drives(|it| it.get_mut(&id).unwrap().forget_changes());
    let old = drive.get(&link).await;
    assert!(
        old.header("location")
            .ends_with("/me/drive/root/delta?token=")
    );
    assert_eq!(
        old.body["error"]["innerError"]["code"],
        "resyncChangesApplyDifferences"
    );
    assert_eq!(old.refused(410), "resyncRequired");
    let old = drive.get("/v1.0/me/drive/root/delta?token=2025-10-01T00:00:00Z");
    assert_eq!(old.await.refused(410), "resyncRequired");
    // A round that was begun anew has a link that works.
    let (_, link) = round(&drive, "/v1.0/me/drive/root/delta").await;
    let (items, _) = round(&drive, &link).await;
    assert!(items.is_empty(), "{items:?}");
}

#[tokio::test]
async fn files_come_change_and_go_by_events() {
    let drive = Drive::new();
    let user = || "alice".to_owned();
    let put = |path: &str, text: &str, keep_both| Event::PutFile {
        user: user(),
        path: path.to_owned(),
        text: Some(text.to_owned()),
        keep_both: Some(keep_both),
    };
    let delete = |path: &str| Event::DeleteFile {
        user: user(),
        path: path.to_owned(),
    };
    let happen = |event| drive.bench.world().apply(&drive.bench.tenant(), &event);
    // The drive comes to be with its first file.
    happen(put("Reports/May.txt", "one", false)).unwrap();
    happen(put("Reports/May.txt", "another", false)).unwrap();
    happen(put("Reports/May.txt", "third", true)).unwrap();
    let listed = drive
        .get("/v1.0/me/drive/root:/Reports:/children?$select=name,size,createdBy")
        .await;
    let items = listed.body["value"].as_array().unwrap().clone();
    assert_eq!(names(&items), ["May 1.txt", "May.txt"]);
    assert_eq!(items[1]["size"], 7);
    assert_eq!(items[1]["createdBy"]["user"]["displayName"], "Alice Archer");
    let (_, link) = round(&drive, "/v1.0/me/drive/root/delta").await;
    happen(delete("Reports/May.txt")).unwrap();
    let (items, _) = round(&drive, &link).await;
    assert!(
        items.iter().any(|it| it.get("deleted").is_some()),
        "{items:?}"
    );
    for (event, told) in [
        (
            delete("Reports/June.txt"),
            "there is no file 'Reports/June.txt'",
        ),
        (put("a|b.txt", "", false), "'a|b.txt' is no path of a file"),
        (put("", "", false), "'' is no path of a file"),
    ] {
        let error = happen(event).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let forget = Event::ExpireDeltaTokens { user: user() };
    happen(forget).unwrap();
    assert_eq!(drive.get(&link).await.refused(410), "resyncRequired");
}
