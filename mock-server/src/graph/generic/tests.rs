//! The generic level over HTTP.

mod delta;
mod documented;
mod files;
mod membership;
mod queries;
mod relations;

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::graph::tests::Bench;

/// The body that makes a group.
fn group(name: &str) -> Value {
    json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true})
}

#[tokio::test]
async fn a_group_is_created_read_changed_and_deleted() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All"]);
    let body = json!({"displayName": "Sales", "mailEnabled": false, "mailNickname": "sales", "securityEnabled": true});
    let created = bench.post(&app, "/v1.0/groups", body).await.expect(201);
    let path = format!("/v1.0/groups/{}", created.id());
    assert_eq!(created.body["displayName"], "Sales");
    assert_eq!(created.body["groupTypes"], json!([]));
    assert!(created.header("location").ends_with(&format!(
        "/directoryObjects/{}/Microsoft.DirectoryServices.Group",
        created.id()
    )));

    let listed = bench
        .get(
            &app,
            "/v1.0/groups?$filter=displayName%20eq%20'sales'&$select=id",
        )
        .await
        .expect(200);
    assert_eq!(listed.values(), [json!({"id": created.id()})]);
    let change = json!({"description": "Sells"});
    bench
        .send("PATCH", &app, &path, &[], change)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&app, &path).await.expect(200).body["description"],
        "Sells"
    );
    bench
        .send("DELETE", &app, &path, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&app, &path).await.refused(404),
        "Request_ResourceNotFound"
    );
}

#[tokio::test]
async fn links_lead_to_objects_of_the_directory_and_are_taken_away() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All", "GroupMember.ReadWrite.All"]);
    let group = bench
        .post(&app, "/v1.0/groups", group("Sales"))
        .await
        .expect(201);
    let members = format!("/v1.0/groups/{}/members", group.id());
    let alice = bench.user("alice");
    let link =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{alice}")});
    bench
        .post(&app, &format!("{members}/$ref"), link.clone())
        .await
        .expect(204);
    assert_eq!(
        bench
            .post(&app, &format!("{members}/$ref"), link)
            .await
            .refused(400),
        "Request_BadRequest"
    );

    let listed = bench.get(&app, &members).await.expect(200);
    assert_eq!(listed.values()[0]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(listed.values()[0]["displayName"], "Alice Archer");
    let count = format!("{members}/microsoft.graph.user/$count");
    let eventual = [("consistencylevel", "eventual")];
    let users = bench
        .send("GET", &app, &count, &eventual, Value::Null)
        .await
        .expect(200);
    assert_eq!(users.text, "1");
    let none = bench
        .get(&app, &format!("{members}/microsoft.graph.device"))
        .await
        .expect(200);
    assert!(none.values().is_empty());
    let nobody = json!({"@odata.id": "https://graph.microsoft.com/v1.0/users/5f0bf3a7-0000-4000-8000-000000000000"});
    assert_eq!(
        bench
            .post(&app, &format!("{members}/$ref"), nobody)
            .await
            .refused(404),
        "Request_ResourceNotFound"
    );
    let one = format!("{members}/{alice}/$ref");
    bench
        .send("DELETE", &app, &one, &[], Value::Null)
        .await
        .expect(204);
    bench
        .send("DELETE", &app, &one, &[], Value::Null)
        .await
        .expect(404);
    assert!(
        bench
            .get(&app, &members)
            .await
            .expect(200)
            .values()
            .is_empty()
    );
}

#[tokio::test]
async fn what_lives_below_a_person_is_the_persons_own() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Tasks.ReadWrite"]);
    let list = bench
        .post(
            &alice,
            "/v1.0/me/todo/lists",
            json!({"displayName": "Errands"}),
        )
        .await
        .expect(201);
    let tasks = format!("/v1.0/me/todo/lists/{}/tasks", list.id());
    bench
        .post(
            &alice,
            &tasks,
            json!({"title": "Milk", "importance": "HIGH"}),
        )
        .await
        .expect(201);
    let read = bench.get(&alice, &tasks).await.expect(200);
    assert_eq!(
        (read.values().len(), &read.values()[0]["importance"]),
        (1, &json!("high"))
    );

    let by_name = format!("/v1.0/users/{}/todo/lists", bench.user("alice"));
    assert_eq!(
        bench.get(&alice, &by_name).await.expect(200).values().len(),
        1
    );
    let bob = bench.delegated("bob", &["Tasks.ReadWrite"]);
    bench.get(&bob, &by_name).await.expect(403);
    assert!(
        bench
            .get(&bob, "/v1.0/me/todo/lists")
            .await
            .expect(200)
            .values()
            .is_empty()
    );
    assert_eq!(
        bench
            .get(&alice, "/v1.0/me/todo/lists/nonsense/tasks")
            .await
            .refused(404),
        "ErrorItemNotFound"
    );
}

#[tokio::test]
async fn bodies_are_checked_against_the_type() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Tasks.ReadWrite"]);
    let list = bench
        .post(
            &alice,
            "/v1.0/me/todo/lists",
            json!({"displayName": "Errands"}),
        )
        .await
        .expect(201);
    let tasks = format!("/v1.0/me/todo/lists/{}/tasks", list.id());
    for (body, text) in [
        (
            json!({"titel": "Milk"}),
            "The property 'titel' does not exist on type 'microsoft.graph.todoTask'",
        ),
        (json!({"importance": "huge"}), "importance"),
        (json!({"reminderDateTime": 5}), "StartObject"),
    ] {
        let answer = bench.post(&alice, &tasks, body).await.expect(400);
        assert!(answer.text.contains(text), "{}", answer.text);
    }
    assert!(
        bench
            .get(&alice, &tasks)
            .await
            .expect(200)
            .values()
            .is_empty()
    );
}

#[tokio::test]
async fn actions_and_functions_without_behaviour_are_refused_and_marked() {
    let bench = Bench::new();
    let app = bench.app_only(&["Reports.Read.All"]);
    let path = "/v1.0/reports/getEmailActivityCounts(period='D7')";
    let answer = bench.get(&app, path).await;
    assert!(answer.annotation.unsupported.is_some());
    assert_eq!(answer.refused(501), "NotInTheMock");
    let other = bench.app_only(&["User.Read.All"]);
    bench.get(&other, path).await.expect(403);
}

#[tokio::test]
async fn a_cloud_has_what_its_schema_has() {
    let world = Bench::new();
    let app = world.app_only(&["IdentityRiskyUser.Read.All"]);
    world
        .get(&app, "/v1.0/identityProtection/riskDetections")
        .await
        .expect(403);
    let china = Bench::at(Environment::China, "contoso.partner.onmschina.cn");
    let app = china.app_only(&["IdentityRiskEvent.Read.All"]);
    let answer = china
        .get(&app, "/v1.0/identityProtection/riskDetections")
        .await;
    assert_eq!(answer.refused(400), "BadRequest");
}

#[tokio::test]
async fn a_delta_follows_changes() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All"]);
    bench
        .post(&app, "/v1.0/groups", group("One"))
        .await
        .expect(201);
    let first = bench.get(&app, "/v1.0/groups/delta").await.expect(200);
    assert_eq!(first.values().len(), 1);
    let link = first.body["@odata.deltaLink"].as_str().unwrap().to_owned();
    let path = link.split_once(".com").unwrap().1.to_owned();
    let two = bench
        .post(&app, "/v1.0/groups", group("Two"))
        .await
        .expect(201);
    let next = bench.get(&app, &path).await.expect(200);
    assert_eq!(next.values().len(), 1);
    assert_eq!(next.values()[0]["displayName"], "Two");
    bench
        .send(
            "DELETE",
            &app,
            &format!("/v1.0/groups/{}", two.id()),
            &[],
            Value::Null,
        )
        .await
        .expect(204);
    let last = bench.get(&app, &path).await.expect(200);
    assert_eq!(
        last.values(),
        [json!({"id": two.id(), "@removed": {"reason": "deleted"}})]
    );
}
