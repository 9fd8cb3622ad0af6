//! Who owns what, the objects of the directory by their common set, and what is expanded.

use serde_json::{Value, json};

use super::group;
use crate::graph::tests::{Bench, Token};

/// The body of a link to an object.
fn link(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

/// Creates something, and returns its id.
async fn created(bench: &Bench, app: &Token, set: &str, body: Value) -> String {
    bench
        .post(app, &format!("/v1.0/{set}"), body)
        .await
        .expect(201)
        .id()
}

#[tokio::test]
async fn owners_of_apps_and_service_principals_are_added_listed_and_taken_away() {
    let bench = Bench::new();
    let permissions = ["Application.ReadWrite.All", "Directory.Read.All"];
    let app = bench.app_only(&permissions);
    let alice = bench.user("alice").to_string();
    let registration = bench
        .post(&app, "/v1.0/applications", json!({"displayName": "Robot"}))
        .await
        .expect(201);
    let client = registration.body["appId"].clone();
    let principal = created(&bench, &app, "servicePrincipals", json!({"appId": client})).await;
    for of in [
        format!("applications/{}", registration.id()),
        format!("servicePrincipals/{principal}"),
    ] {
        let owners = format!("/v1.0/{of}/owners");
        let reference = format!("{owners}/$ref");
        bench.post(&app, &reference, link(&alice)).await.expect(204);
        let again = bench.post(&app, &reference, link(&alice)).await;
        assert_eq!(again.refused(400), "Request_BadRequest");
        let listed = bench.get(&app, &owners).await.expect(200);
        assert_eq!(listed.values()[0]["id"], alice.as_str(), "{of}");
        let expanded = bench
            .get(&app, &format!("/v1.0/{of}?$expand=owners($select=id)"))
            .await
            .expect(200);
        assert_eq!(expanded.body["owners"][0]["id"], alice.as_str());
        let owned = bench
            .get(&app, &format!("/v1.0/users/{alice}/ownedObjects"))
            .await
            .expect(200);
        assert_eq!(owned.values().len(), 1, "{of}: {}", owned.text);
        let one = format!("{owners}/{alice}/$ref");
        bench
            .send("DELETE", &app, &one, &[], Value::Null)
            .await
            .expect(204);
        let listed = bench.get(&app, &owners).await.expect(200);
        assert!(listed.values().is_empty(), "{of}");
    }
}

#[tokio::test]
async fn an_app_that_manages_its_own_changes_no_owners_of_others() {
    let bench = Bench::new();
    let all = bench.app_only(&["Application.ReadWrite.All"]);
    let id = created(
        &bench,
        &all,
        "applications",
        json!({"displayName": "Robot"}),
    )
    .await;
    let own = bench.app_only(&["Application.ReadWrite.OwnedBy", "Directory.Read.All"]);
    let alice = bench.user("alice").to_string();
    let owners = format!("/v1.0/applications/{id}/owners/$ref");
    let refused = bench.post(&own, &owners, link(&alice)).await;
    assert_eq!(refused.refused(403), "Authorization_RequestDenied");
}

#[tokio::test]
async fn an_object_of_the_directory_is_the_same_by_its_common_set() {
    let bench = Bench::new();
    let app = bench.app_only(&["Directory.ReadWrite.All", "Group.ReadWrite.All"]);
    let alice = bench.user("alice").to_string();
    let sales = created(&bench, &app, "groups", group("Sales")).await;
    let members = format!("/v1.0/groups/{sales}/members/$ref");
    bench.post(&app, &members, link(&alice)).await.expect(204);

    let found = bench
        .get(&app, &format!("/v1.0/directoryObjects/{sales}"))
        .await
        .expect(200);
    assert_eq!(found.body["@odata.type"], "#microsoft.graph.group");
    assert_eq!(found.body["displayName"], "Sales");
    let check = format!("/v1.0/directoryObjects/{alice}/checkMemberGroups");
    let asked = bench
        .post(&app, &check, json!({"groupIds": [sales]}))
        .await
        .expect(200);
    assert_eq!(asked.values(), [json!(sales)]);
}

#[tokio::test]
async fn options_in_parentheses_narrow_what_is_expanded() {
    let bench = Bench::new();
    let app = bench.app_only(&["Tasks.ReadWrite.All", "Group.ReadWrite.All"]);
    let alice = bench.user("alice");
    let lists = format!("users/{alice}/todo/lists");
    let list = created(&bench, &app, &lists, json!({"displayName": "Home"})).await;
    let tasks = format!("{lists}/{list}/tasks");
    for (title, importance) in [("Bread", "low"), ("Apples", "high"), ("Coal", "high")] {
        let body = json!({"title": title, "importance": importance});
        created(&bench, &app, &tasks, body).await;
    }
    let shown = async |options: &str| {
        let path = format!("/v1.0/{lists}/{list}?$expand=tasks({options})");
        let found = bench.get(&app, &path).await.expect(200);
        let tasks = found.body["tasks"].as_array().unwrap().clone();
        let titles = tasks.iter().map(|it| it["title"].clone());
        Value::from(titles.collect::<Vec<_>>())
    };
    assert_eq!(
        shown("$select=title;$filter=importance%20eq%20'high';$orderby=title%20desc").await,
        json!(["Coal", "Apples"])
    );
    assert_eq!(
        shown("$orderby=title;$top=1;$skip=1").await,
        json!(["Bread"])
    );
    let nested = format!("/v1.0/{lists}/{list}?$expand=tasks($expand=checklistItems;$top=1)");
    let found = bench.get(&app, &nested).await.expect(200);
    assert_eq!(found.body["tasks"][0]["checklistItems"], json!([]));
    let unknown = format!("/v1.0/{lists}/{list}?$expand=tasks($filter=colour%20eq%20'red')");
    bench.get(&app, &unknown).await.expect(400);

    // Relations of the directory take members to show, and nothing else.
    let sales = created(&bench, &app, "groups", group("Sales")).await;
    let members = format!("/v1.0/groups/{sales}?$expand=members($top=1)");
    assert_eq!(
        bench.get(&app, &members).await.refused(400),
        "Request_UnsupportedQuery"
    );
}
