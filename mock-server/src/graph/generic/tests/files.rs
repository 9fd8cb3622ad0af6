//! Paths inside drives, streams, and what is shown at several addresses.

use serde_json::{Value, json};

use crate::graph::tests::Bench;

#[tokio::test]
async fn a_file_is_written_and_read_by_its_path() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Files.ReadWrite"]);
    let path = "/v1.0/me/drive/root:/Reports/May%202026.txt";
    assert_eq!(bench.get(&alice, path).await.refused(404), "itemNotFound");
    let body = json!("the report");
    let content = format!("{path}:/content");
    let made = bench
        .send("PUT", &alice, &content, &[], body.clone())
        .await
        .expect(201);
    assert_eq!(made.body["name"], "May 2026.txt");
    assert_eq!(made.body["size"], body.to_string().len());
    let there = bench.get(&alice, &content).await.expect(302);
    let there = there.header("location").to_owned();
    assert!(
        there.starts_with("https://contoso-my.sharepoint.com/personal/"),
        "{there}"
    );
    let again = bench
        .send("PUT", &alice, &content, &[], json!("x"))
        .await
        .expect(200);
    assert_eq!(again.id(), made.id());

    let by_id = format!("/v1.0/me/drive/items/{}", made.id());
    assert_eq!(
        bench.get(&alice, &by_id).await.expect(200).body["name"],
        "May 2026.txt"
    );
    let folder = bench
        .get(&alice, "/v1.0/me/drive/root:/reports")
        .await
        .expect(200);
    assert_eq!(made.body["parentReference"]["id"], folder.id());
    let children = bench
        .get(&alice, "/v1.0/me/drive/root:/Reports:/children")
        .await
        .expect(200);
    assert_eq!(children.values().len(), 1);
    let root = bench
        .get(&alice, "/v1.0/me/drive/root/children")
        .await
        .expect(200);
    assert_eq!(root.values()[0]["id"], folder.id());
    let body = json!({"name": "New", "folder": {}});
    let sub = bench
        .post(&alice, "/v1.0/me/drive/root:/Reports:/children", body)
        .await
        .expect(201);
    assert_eq!(sub.body["parentReference"]["id"], folder.id());
    bench
        .send("DELETE", &alice, &by_id, &[], Value::Null)
        .await
        .expect(204);
    bench.get(&alice, &content).await.expect(404);
}

#[tokio::test]
async fn an_app_finds_no_drive_that_nobody_has_opened() {
    let bench = Bench::new();
    let app = bench.app_only(&["Files.Read.All"]);
    let path = format!("/v1.0/users/{}/drive", bench.user("alice"));
    let answer = bench.get(&app, &path).await.expect(404);
    assert_eq!(answer.body["error"]["message"], "User's mysite not found.");
    let alice = bench.delegated("alice", &["Files.Read"]);
    let drive = bench.get(&alice, "/v1.0/me/drive").await.expect(200);
    let found = bench.get(&app, &path).await.expect(200);
    assert_eq!(found.id(), drive.id());
    let same = format!("/v1.0/drives/{}", drive.id());
    assert_eq!(
        bench.get(&app, &same).await.expect(200).body["driveType"],
        "business"
    );
}

#[tokio::test]
async fn a_task_of_a_plan_stands_in_its_bucket_too() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Tasks.ReadWrite", "Group.ReadWrite.All"]);
    let group = json!({
        "displayName": "Sales", "groupTypes": ["Unified"], "mailEnabled": true,
        "mailNickname": "sales", "securityEnabled": false,
    });
    let group = bench.post(&alice, "/v1.0/groups", group).await.expect(201);
    let plan = json!({"title": "P", "owner": group.id()});
    let plan = bench
        .post(&alice, "/v1.0/planner/plans", plan)
        .await
        .expect(201);
    let body = json!({"name": "B", "planId": plan.id()});
    let bucket = bench
        .post(&alice, "/v1.0/planner/buckets", body)
        .await
        .expect(201);
    let body = json!({"title": "T", "planId": plan.id(), "bucketId": bucket.id()});
    let task = bench
        .post(&alice, "/v1.0/planner/tasks", body)
        .await
        .expect(201);
    for path in [
        format!("/v1.0/planner/plans/{}/tasks", plan.id()),
        format!("/v1.0/planner/buckets/{}/tasks", bucket.id()),
    ] {
        assert_eq!(
            bench.get(&alice, &path).await.expect(200).values()[0]["id"],
            task.id()
        );
    }
}
