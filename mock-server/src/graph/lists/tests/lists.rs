//! Sites, lists, columns, content types.

use serde_json::{Value, json};

use super::invoices;
use crate::graph::tests::Bench;

#[tokio::test]
async fn a_site_has_its_library_among_its_lists() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Read.All", "Files.Read.All"]);
    let lists = bench.get(&app, "/v1.0/sites/root/lists").await.expect(200);
    let library = &lists.values()[0];
    assert_eq!(library["displayName"], "Documents");
    assert_eq!(library["name"], "Shared Documents");
    assert_eq!(library["list"]["template"], "documentLibrary");
    let drive = bench.get(&app, "/v1.0/sites/root/drive").await.expect(200);
    assert_eq!(library["webUrl"], drive.body["webUrl"]);
    for name in ["Documents", "shared%20documents"] {
        let path = format!("/v1.0/sites/root/lists/{name}");
        let list = bench.get(&app, &path).await.expect(200);
        assert_eq!(list.id(), library["id"]);
        let path = format!("{path}/drive");
        assert_eq!(bench.get(&app, &path).await.expect(200).id(), drive.id());
    }
    let path = format!("/v1.0/drives/{}/list", drive.id());
    let list = bench.get(&app, &path).await.expect(200);
    assert_eq!(list.id(), library["id"]);
}

#[tokio::test]
async fn a_list_is_made_changed_and_deleted() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let body = json!({"displayName": "Due dates", "description": "d", "list": {"template": "genericList"}});
    let lists = "/v1.0/sites/root/lists";
    let made = bench.post(&app, lists, body.clone()).await.expect(201);
    assert_eq!(made.body["eTag"], format!("{},0", made.id()));
    assert_eq!(made.body["list"]["template"], "genericList");
    assert!(
        made.header("location")
            .ends_with(&format!("/lists('{}')", made.id()))
    );
    assert_eq!(
        bench.post(&app, lists, body).await.refused(409),
        "nameAlreadyExists"
    );
    let path = format!("{lists}/{}", made.id());
    let change = json!({"displayName": "Deadlines"});
    let changed = bench
        .send("PATCH", &app, &path, &[], change)
        .await
        .expect(200);
    assert_eq!(changed.body["displayName"], "Deadlines");
    assert_eq!(changed.body["name"], "Due dates");
    bench
        .send("DELETE", &app, &path, &[], Value::Null)
        .await
        .expect(204);
    let gone = bench.get(&app, &path).await.expect(404);
    assert_eq!(
        gone.body["error"]["message"],
        "The specified list was not found"
    );
    for bad in [
        json!({}),
        json!({"displayName": ""}),
        json!({"displayName": "X", "list": {"template": "nothing"}}),
        json!({"displayName": "X", "columns": [{"text": {}, "number": {}, "name": "A"}]}),
        json!({"displayName": "X", "columns": [{"name": "A"}, {"name": "a"}]}),
    ] {
        let refused = bench.post(&app, lists, bad.clone()).await;
        assert!(refused.status.is_client_error(), "{bad}");
    }
}

#[tokio::test]
async fn a_new_library_has_a_drive_of_its_own() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All", "Files.ReadWrite.All"]);
    let body = json!({"displayName": "Scans", "list": {"template": "documentLibrary"}});
    let list = bench
        .post(&app, "/v1.0/sites/root/lists", body)
        .await
        .expect(201);
    let drives = bench.get(&app, "/v1.0/sites/root/drives").await.expect(200);
    let names: Vec<&Value> = drives.values().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["Documents", "Scans"]);
    let path = format!("/v1.0/sites/root/lists/{}/drive", list.id());
    let drive = bench.get(&app, &path).await.expect(200);
    assert_eq!(drive.id(), drives.values()[1]["id"]);
    let folder = json!({"name": "2026", "folder": {}});
    let children = format!("/v1.0/drives/{}/root/children", drive.id());
    bench.post(&app, &children, folder).await.expect(201);
    let first = bench
        .get(&app, "/v1.0/sites/root/drive/root/children")
        .await
        .expect(200);
    assert!(first.values().is_empty());
}

#[tokio::test]
async fn columns_are_added_changed_and_taken_away_with_their_values() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    let columns = format!("{list}/columns");
    let body = json!({"displayName": "Due date", "dateTime": {"format": "dateTime"}});
    let made = bench.post(&app, &columns, body.clone()).await.expect(201);
    assert_eq!(made.body["name"], "Due_x0020_date");
    assert_eq!(made.body["dateTime"]["displayAs"], "default");
    assert_eq!(made.body["indexed"], false);
    assert_eq!(
        bench.post(&app, &columns, body).await.refused(409),
        "nameAlreadyExists"
    );
    let path = format!("{columns}/{}", made.id());
    let change = json!({"indexed": true, "required": true});
    let changed = bench
        .send("PATCH", &app, &path, &[], change)
        .await
        .expect(200);
    assert_eq!(changed.body["indexed"], true);
    let other = json!({"text": {}});
    bench
        .send("PATCH", &app, &path, &[], other)
        .await
        .expect(400);
    let all = bench.get(&app, &columns).await.expect(200);
    let title = all
        .values()
        .iter()
        .find(|it| it["name"] == "Title")
        .cloned();
    let title = format!("{columns}/{}", title.unwrap()["id"].as_str().unwrap());
    bench
        .send("DELETE", &app, &title, &[], Value::Null)
        .await
        .expect(403);
    let row = super::row(&bench, &app, &list, json!({"Amount": 3})).await;
    let amount = format!("{columns}/Amount");
    bench
        .send("DELETE", &app, &amount, &[], Value::Null)
        .await
        .expect(204);
    let fields = bench.get(&app, &format!("{row}/fields")).await.expect(200);
    assert_eq!(fields.body.get("Amount"), None);
    bench.get(&app, &amount).await.expect(404);
}

#[tokio::test]
async fn content_types_are_made_copied_and_given_to_rows() {
    let bench = Bench::new();
    let app = bench.app_only(&["Sites.Manage.All"]);
    let list = invoices(&bench, &app).await;
    let types = "/v1.0/sites/root/contentTypes";
    let body = json!({"name": "Bill", "base": {"id": "0x01"}, "description": "d"});
    let made = bench.post(&app, types, body).await.expect(201);
    assert!(made.id().starts_with("0x0100"));
    let copy = format!("{list}/contentTypes/addCopy");
    let body = json!({"contentType": {"id": made.id()}});
    let copied = bench.post(&app, &copy, body.clone()).await.expect(201);
    assert!(copied.id().starts_with(&made.id()));
    bench.post(&app, &copy, body).await.expect(409);
    let body = json!({"fields": {"Title": "A"}, "contentType": {"id": copied.id()}});
    let row = bench
        .post(&app, &format!("{list}/items"), body)
        .await
        .expect(201);
    assert_eq!(row.body["contentType"]["name"], "Bill");
    assert_eq!(row.body["fields"]["ContentType"], "Bill");
    let item = format!("{types}/0x01");
    bench
        .send("DELETE", &app, &item, &[], Value::Null)
        .await
        .expect(403);
    let own = format!("{types}/{}", made.id());
    bench
        .send("DELETE", &app, &own, &[], Value::Null)
        .await
        .expect(204);
    bench.get(&app, &own).await.expect(404);
}

#[tokio::test]
async fn a_person_sees_the_lists_of_the_own_groups_and_of_the_root_site() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All", "Sites.Manage.All"]);
    let body = json!({
        "displayName": "Sales", "mailEnabled": true, "mailNickname": "sales",
        "securityEnabled": false, "groupTypes": ["Unified"], "visibility": "Private",
    });
    let group = bench.post(&app, "/v1.0/groups", body).await.expect(201);
    let site = format!("/v1.0/groups/{}/sites/root", group.id());
    let site = bench.get(&app, &site).await.expect(200);
    let lists = format!("/v1.0/sites/{}/lists", site.id());
    bench.get(&app, &lists).await.expect(200);
    let alice = bench.delegated("alice", &["Sites.Read.All"]);
    assert_eq!(bench.get(&alice, &lists).await.refused(403), "accessDenied");
    let link = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", bench.user("alice"))});
    let members = format!("/v1.0/groups/{}/members/$ref", group.id());
    bench.post(&app, &members, link).await.expect(204);
    bench.get(&alice, &lists).await.expect(200);
    bench
        .get(&alice, "/v1.0/sites/root/lists")
        .await
        .expect(200);
}

#[tokio::test]
async fn sites_are_searched_by_name() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All", "Sites.Read.All"]);
    let body = json!({
        "displayName": "Sales", "mailEnabled": true, "mailNickname": "sales",
        "securityEnabled": false, "groupTypes": ["Unified"],
    });
    bench.post(&app, "/v1.0/groups", body).await.expect(201);
    let names = |answer: crate::graph::tests::Answer| {
        let names = answer.values().iter();
        names
            .map(|it| it["displayName"].as_str().unwrap().to_owned())
            .collect::<Vec<String>>()
    };
    let all = bench.get(&app, "/v1.0/sites?search=*").await.expect(200);
    assert_eq!(names(all), ["Communication site", "Sales"]);
    let some = bench.get(&app, "/v1.0/sites?search=sal").await.expect(200);
    assert_eq!(names(some), ["Sales"]);
    let none = bench.get(&app, "/v1.0/sites?search=xyz").await.expect(200);
    assert!(names(none).is_empty());
    let all = bench.get(&app, "/v1.0/sites/getAllSites").await.expect(200);
    assert_eq!(names(all).len(), 2);
    let by_path = "/v1.0/sites/contoso.sharepoint.com:/sites/sales";
    let site = bench.get(&app, by_path).await.expect(200);
    assert_eq!(site.body["root"], json!({}));
    assert_eq!(
        bench
            .get(&app, "/v1.0/sites/contoso.sharepoint.com:/sites/nobody")
            .await
            .refused(404),
        "itemNotFound"
    );
}
