//! Permissions that select, and their grants.

use serde_json::{Value, json};

use super::invoices;
use crate::graph::tests::{Bench, Token};

/// Lets the app of the tests in.
async fn let_in(bench: &Bench, at: &str, role: &str) -> String {
    let admin = bench.app_only(&["Sites.FullControl.All"]);
    let body = json!({
        "roles": [role],
        "grantedToIdentities": [{"application": {"id": bench.client(), "displayName": "Lab"}}],
    });
    let path = format!("{at}/permissions");
    let made = bench.post(&admin, &path, body).await.expect(201);
    assert_eq!(made.body["roles"], json!([role]));
    assert_eq!(
        made.body["grantedToIdentitiesV2"][0]["application"]["displayName"],
        "Lab"
    );
    format!("{path}/{}", made.id())
}

async fn denied(bench: &Bench, token: &Token, path: &str) {
    let refused = bench.get(token, path).await.expect(403);
    assert_eq!(refused.body["error"]["code"], "accessDenied", "{path}");
    assert_eq!(refused.body["error"]["message"], "Access denied", "{path}");
}

#[tokio::test]
async fn a_site_that_is_not_selected_is_denied() {
    let bench = Bench::new();
    let admin = bench.app_only(&["Sites.Read.All"]);
    let site = bench.get(&admin, "/v1.0/sites/root").await.expect(200).id();
    let app = bench.app_only(&["Sites.Selected"]);
    let own = format!("/v1.0/sites/{site}");
    let paths = [
        own.clone(),
        format!("{own}/lists"),
        format!("{own}/drive"),
        format!("{own}/drives"),
        format!("{own}/drive/root/children"),
        "/v1.0/sites/contoso.sharepoint.com:/".to_owned(),
    ];
    for path in &paths {
        denied(&bench, &app, path).await;
    }
    for path in [
        "/v1.0/sites?search=*",
        "/v1.0/sites",
        "/v1.0/sites/getAllSites",
    ] {
        denied(&bench, &app, path).await;
    }
    let grant = let_in(&bench, &own, "read").await;
    for path in &paths {
        bench.get(&app, path).await.expect(200);
    }
    denied(&bench, &app, "/v1.0/sites?search=*").await;
    let body = json!({"name": "A", "folder": {}});
    let children = format!("{own}/drive/root/children");
    assert_eq!(
        bench.post(&app, &children, body.clone()).await.refused(403),
        "accessDenied"
    );
    let admin = bench.app_only(&["Sites.FullControl.All"]);
    let write = json!({"roles": ["write"]});
    bench
        .send("PATCH", &admin, &grant, &[], write)
        .await
        .expect(200);
    bench.post(&app, &children, body).await.expect(201);
    let lists = format!("{own}/lists");
    let body = json!({"displayName": "L"});
    bench.post(&app, &lists, body.clone()).await.expect(403);
    let owner = json!({"roles": ["owner"]});
    bench
        .send("PATCH", &admin, &grant, &[], owner)
        .await
        .expect(200);
    bench.post(&app, &lists, body).await.expect(201);
    let shown = bench
        .get(&admin, &format!("{own}/permissions"))
        .await
        .expect(200);
    assert_eq!(shown.values().len(), 1);
    assert_eq!(shown.values()[0].get("roles"), None);
    bench
        .get(&app, &format!("{own}/permissions"))
        .await
        .expect(403);
    bench
        .send("DELETE", &admin, &grant, &[], Value::Null)
        .await
        .expect(204);
    denied(&bench, &app, &own).await;
}

#[tokio::test]
async fn a_broad_permission_needs_no_grant() {
    let bench = Bench::new();
    let both = bench.app_only(&["Sites.Selected", "Sites.Read.All"]);
    bench.get(&both, "/v1.0/sites/root/lists").await.expect(200);
    let body = json!({"displayName": "L"});
    bench
        .post(&both, "/v1.0/sites/root/lists", body)
        .await
        .expect(403);
}

#[tokio::test]
async fn a_person_needs_the_right_and_the_app_the_grant() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Sites.Selected"]);
    denied(&bench, &alice, "/v1.0/sites/root/lists").await;
    let_in(&bench, "/v1.0/sites/root", "read").await;
    bench
        .get(&alice, "/v1.0/sites/root/lists")
        .await
        .expect(200);
    bench
        .get(&alice, "/v1.0/sites/root/drive/root/children")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_list_and_a_file_are_selected_alone() {
    let bench = Bench::new();
    let admin = bench.app_only(&["Sites.Manage.All", "Files.ReadWrite.All"]);
    let list = invoices(&bench, &admin).await;
    let app = bench.app_only(&["Lists.SelectedOperations.Selected"]);
    denied(&bench, &app, &format!("{list}/items")).await;
    let_in(&bench, &list, "write").await;
    bench.get(&app, &format!("{list}/items")).await.expect(200);
    let body = json!({"fields": {"Title": "A"}});
    bench
        .post(&app, &format!("{list}/items"), body)
        .await
        .expect(201);
    denied(&bench, &app, "/v1.0/sites/root/lists/Documents/items").await;
    denied(&bench, &app, "/v1.0/sites/root").await;

    let children = "/v1.0/sites/root/drive/root/children";
    for name in ["In", "Out"] {
        let body = json!({"name": name, "folder": {}});
        bench.post(&admin, children, body).await.expect(201);
    }
    let files = bench.app_only(&["Files.SelectedOperations.Selected"]);
    let inside = "/v1.0/sites/root/drive/root:/In";
    denied(&bench, &files, inside).await;
    let item = "/v1.0/sites/root/lists/Documents/items/1";
    let_in(&bench, item, "read").await;
    bench.get(&files, inside).await.expect(200);
    bench
        .get(&files, &format!("{inside}:/children"))
        .await
        .expect(200);
    denied(&bench, &files, "/v1.0/sites/root/drive/root:/Out").await;
}

#[tokio::test]
async fn a_grant_without_a_role_or_an_app_is_refused() {
    let bench = Bench::new();
    let admin = bench.app_only(&["Sites.FullControl.All"]);
    let path = "/v1.0/sites/root/permissions";
    let app = json!([{"application": {"id": bench.client()}}]);
    for body in [
        json!({}),
        json!({"roles": ["read"]}),
        json!({"roles": [], "grantedToIdentities": app}),
        json!({"roles": ["king"], "grantedToIdentities": app}),
        json!({"roles": ["read"], "grantedToIdentities": [{"application": {"id": "x"}}]}),
    ] {
        let refused = bench.post(&admin, path, body.clone()).await;
        assert_eq!(refused.refused(400), "invalidRequest", "{body}");
    }
    let less = bench.app_only(&["Sites.ReadWrite.All"]);
    let body = json!({"roles": ["read"], "grantedToIdentities": app});
    bench.post(&less, path, body).await.expect(403);
}
