//! What the directory answers about groups and relations, and extensions.

use serde_json::{Value, json};

use super::group;
use crate::graph::tests::Bench;

const EVENTUAL: [(&str, &str); 1] = [("consistencylevel", "eventual")];

#[tokio::test]
async fn relations_are_filtered_with_the_advanced_query_parameters_alone() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All", "Directory.Read.All"]);
    let sales = bench
        .post(&app, "/v1.0/groups", group("Sales"))
        .await
        .expect(201);
    let alice = bench.user("alice");
    let link =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{alice}")});
    let members = format!("/v1.0/groups/{}/members", sales.id());
    bench
        .post(&app, &format!("{members}/$ref"), link)
        .await
        .expect(204);
    let filter = "$filter=startswith(displayName,'A')";
    for cast in ["", "/microsoft.graph.user"] {
        let plain = bench.get(&app, &format!("{members}{cast}?{filter}")).await;
        assert_eq!(plain.refused(400), "Request_UnsupportedQuery");
        let path = format!("{members}{cast}?{filter}&$count=true");
        let found = bench
            .send("GET", &app, &path, &EVENTUAL, Value::Null)
            .await
            .expect(200);
        assert_eq!(found.values().len(), 1, "{}", found.text);
    }
}

#[tokio::test]
async fn groups_are_searched_counted_and_filtered_as_the_directory_allows() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All"]);
    bench
        .post(&app, "/v1.0/groups", group("Sales"))
        .await
        .expect(201);
    let search = "/v1.0/groups?$search=%22displayName:Sales%22";
    assert_eq!(
        bench.get(&app, search).await.refused(400),
        "Request_UnsupportedQuery"
    );
    let found = bench
        .send("GET", &app, search, &EVENTUAL, Value::Null)
        .await
        .expect(200);
    assert_eq!(found.values().len(), 1);
    let plain = bench.get(&app, "/v1.0/groups/$count").await;
    assert_eq!(plain.refused(400), "Request_UnsupportedQuery");
    for filter in [
        "displayName%20eq%20'Sales'",
        "groupTypes/any(c:c%20eq%20'Unified')",
        "securityEnabled%20eq%20true",
    ] {
        let path = format!("/v1.0/groups?$filter={filter}");
        bench.get(&app, &path).await.expect(200);
    }
    let path = "/v1.0/groups?$filter=description%20eq%20'x'";
    assert_eq!(
        bench.get(&app, path).await.refused(400),
        "Request_UnsupportedQuery"
    );
}

#[tokio::test]
async fn a_role_is_found_by_its_template() {
    let bench = Bench::new();
    let app = bench.app_only(&["RoleManagement.Read.Directory"]);
    let path = "/v1.0/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')";
    let found = bench.get(&app, path).await.expect(200);
    assert_eq!(found.body["displayName"], "Global Administrator");
}

#[tokio::test]
async fn extensions_have_their_names() {
    let bench = Bench::new();
    let app = bench.app_only(&["User.ReadWrite.All", "Application.ReadWrite.All"]);
    let alice = bench.user("alice");
    let extensions = format!("/v1.0/users/{alice}/extensions");
    let body = json!({
        "@odata.type": "microsoft.graph.openTypeExtension",
        "extensionName": "com.contoso.settings",
        "theme": "dark",
    });
    bench
        .post(&app, &extensions, body.clone())
        .await
        .expect(201);
    bench.post(&app, &extensions, body).await.expect(400);
    let one = format!("{extensions}/com.contoso.settings");
    let found = bench.get(&app, &one).await.expect(200);
    assert_eq!(found.body["theme"], "dark");
    let reader = bench.app_only(&["User.Read.All"]);
    bench.get(&reader, &one).await.expect(200);
    bench
        .send("DELETE", &reader, &one, &[], Value::Null)
        .await
        .expect(403);
    let registration = bench
        .post(&app, "/v1.0/applications", json!({"displayName": "Robot"}))
        .await
        .expect(201);
    let client = registration.body["appId"]
        .as_str()
        .unwrap()
        .replace('-', "");
    let path = format!(
        "/v1.0/applications/{}/extensionProperties",
        registration.id()
    );
    let body = json!({"name": "jobGroup", "dataType": "String", "targetObjects": ["User"]});
    let made = bench.post(&app, &path, body).await.expect(201);
    assert_eq!(made.body["name"], format!("extension_{client}_jobGroup"));
    assert_eq!(made.body["appDisplayName"], "Robot");
}
