//! A large drive is as fast as a small one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::Drive;
use crate::drives::{Conflict, Identity, Item, id};

/// A drive with so many items, a thousand in each folder.
async fn with_items(items: u128) -> Drive {
    let drive = Drive::new();
    let own = drive.get("/v1.0/me/drive").await.expect(200).id();
    let now = drive.bench.tenant().now();
    drive.bench.tenant().write_drives(|drives| {
        let drive = drives.get_mut(&own).unwrap();
        let by = Identity::default();
        let mut folder = id::ROOT;
        for number in 0..items {
            let id = Uuid::from_u128(number + 1);
            if number % 1000 == 0 {
                let made = Item::new(id, &format!("folder {}", number / 1000), by, now);
                folder = drive.add(id::ROOT, made, Conflict::Fail).unwrap().0;
            } else {
                let made = Item::new(id, &format!("item {}", number % 1000), by, now);
                drive.add(folder, made, Conflict::Fail).unwrap();
            }
        }
    });
    drive
}

/// How long a request takes: the middle of a series.
async fn median(drive: &Drive, path: &str) -> Duration {
    let mut all = Vec::new();
    for _ in 0..31 {
        #[expect(clippy::disallowed_methods, reason = "time is what is measured")]
        let begun = Instant::now();
        drive.get(path).await.expect(200);
        all.push(begun.elapsed());
    }
    all.sort();
    all[all.len() / 2]
}

#[tokio::test]
async fn a_hundred_thousand_items_are_listed_found_and_told_like_a_thousand() {
    let (small, large) = (with_items(1000).await, with_items(100_000).await);
    let mut paths = vec![
        "/v1.0/me/drive/root:/folder%200:/children".to_owned(),
        "/v1.0/me/drive/root:/folder%200/item%20777".to_owned(),
        "/v1.0/me/drive/root/delta?$top=100".to_owned(),
    ];
    let latest = "/v1.0/me/drive/root/delta?token=latest";
    paths.push(latest.to_owned());
    for path in paths {
        // Another process may have the machine in between: the best of some tries each.
        let (mut few, mut many) = (median(&small, &path).await, median(&large, &path).await);
        for _ in 0..20 {
            if many < few * 3 / 2 {
                break;
            }
            few = few.min(median(&small, &path).await);
            many = many.min(median(&large, &path).await);
        }
        println!("{path}: {few:?} and {many:?}");
        assert!(many < few * 3 / 2, "{path}: {few:?} and {many:?}");
    }
    // What changed meanwhile is told, and nothing else.
    let next = large.get(latest).await.expect(200);
    let link = next.body["@odata.deltaLink"].as_str().unwrap().to_owned();
    let body = json!({"name": "new", "folder": {}});
    large
        .post("/v1.0/me/drive/root:/folder%2099:/children", body)
        .await
        .expect(201);
    let path = link.split_once("microsoft.com").unwrap().1;
    let changed = large.get(path).await.expect(200);
    let names: Vec<&Value> = changed.values().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["root", "folder 99", "new"]);
}
