//! Drives of groups and sites, and who reaches them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Drive;

#[tokio::test]
async fn the_root_site_has_a_library_and_so_has_a_group() {
    let drive = Drive::new();
    let bench = &drive.bench;
    let app = bench.app_only(&[
        "Files.ReadWrite.All",
        "Sites.Read.All",
        "Group.ReadWrite.All",
    ]);
    let library = bench.get(&app, "/v1.0/sites/root/drive").await.expect(200);
    assert_eq!(library.body["driveType"], "documentLibrary");
    assert_eq!(
        library.body["webUrl"],
        "https://contoso.sharepoint.com/Shared%20Documents"
    );
    let listed = bench.get(&app, "/v1.0/sites/root/drives").await.expect(200);
    assert_eq!(listed.values()[0]["id"], library.id());
    assert_eq!(
        bench
            .get(&app, "/v1.0/drives")
            .await
            .expect(200)
            .values()
            .len(),
        1
    );
    let body = json!({
        "displayName": "Sales", "groupTypes": ["Unified"], "mailEnabled": true,
        "mailNickname": "sales", "securityEnabled": false, "visibility": "Private",
    });
    let group = bench
        .post(&app, "/v1.0/groups", body)
        .await
        .expect(201)
        .id();
    let path = format!("/v1.0/groups/{group}/drive");
    let own = bench.get(&app, &path).await.expect(200);
    assert_ne!(own.id(), library.id());
    let site = "/v1.0/sites/contoso.sharepoint.com:/sites/sales:/drive";
    assert_eq!(bench.get(&app, site).await.expect(200).id(), own.id());
    for (text, names) in [("*", 2), ("sales", 1), ("nothing", 0)] {
        let found = bench.get(&app, &format!("/v1.0/sites?search={text}")).await;
        assert_eq!(found.expect(200).values().len(), names, "{text}");
    }
    // Alice is no member.
    let refused = drive.get(&format!("{path}/root")).await;
    assert_eq!(refused.refused(403), "accessDenied");
    drive.get("/v1.0/sites/root/drive/root").await.expect(200);
    let open = json!({"visibility": "Public"});
    let change = bench
        .send("PATCH", &app, &format!("/v1.0/groups/{group}"), &[], open)
        .await;
    change.expect(204);
    drive.get(&format!("{path}/root")).await.expect(200);
}

#[tokio::test]
async fn a_site_has_many_addresses() {
    let drive = Drive::new();
    let bench = &drive.bench;
    let app = bench.app_only(&["Sites.Read.All", "Files.Read.All", "Group.ReadWrite.All"]);
    let body = json!({
        "displayName": "Sales", "groupTypes": ["Unified"], "mailEnabled": true,
        "mailNickname": "sales", "securityEnabled": false,
    });
    let group = bench
        .post(&app, "/v1.0/groups", body)
        .await
        .expect(201)
        .id();
    let site = "/v1.0/sites/contoso.sharepoint.com:/sites/sales";
    let id = bench.get(&app, site).await.expect(200).id();
    let root = bench.get(&app, "/v1.0/sites/root").await.expect(200).id();
    let guids: Vec<&str> = id.split(',').collect();
    for path in [
        "root:/sites/sales".to_owned(),
        "root:/sites/SALES:".to_owned(),
        format!("{root}:/sites/sales"),
        format!("{root}/getByPath(path='/sites/sales')"),
        "root/microsoft.graph.getByPath(path='sites/sales')".to_owned(),
        "contoso.sharepoint.com/getByPath(path=%27%2Fsites%2Fsales%27)".to_owned(),
        guids[1].to_owned(),
        format!("{},{}", guids[1].to_uppercase(), guids[2]),
    ] {
        let found = bench.get(&app, &format!("/v1.0/sites/{path}")).await;
        assert_eq!(found.expect(200).id(), id, "{path}");
    }
    for path in [
        "root:/sites/sales:/drive",
        "root/getByPath(path='/sites/sales')/drive",
    ] {
        let found = bench.get(&app, &format!("/v1.0/sites/{path}")).await;
        assert_eq!(found.expect(200).body["name"], "Documents", "{path}");
    }
    let listed = bench
        .get(&app, &format!("/v1.0/groups/{group}/sites"))
        .await;
    assert_eq!(listed.expect(200).values()[0]["id"], id);
    let geo = "/v1.0/sites?$filter=siteCollection/root%20ne%20null&$select=webUrl,siteCollection";
    let listed = bench.get(&app, geo).await.expect(200);
    assert_eq!(
        listed.values(),
        [json!({
            "webUrl": "https://contoso.sharepoint.com",
            "siteCollection": {"hostname": "contoso.sharepoint.com", "root": {}},
        })]
    );
    for path in [
        "root:/sites/none",
        "contoso.sharepoint.com:/sites/none:/drive",
    ] {
        let refused = bench.get(&app, &format!("/v1.0/sites/{path}")).await;
        let error = &refused.expect(404).body["error"];
        assert_eq!(error["code"], "itemNotFound", "{path}");
        assert_eq!(
            error["message"], "Requested site could not be found",
            "{path}"
        );
    }
    // A person's site is where the person's drive is.
    drive.get("/v1.0/me/drive").await.expect(200);
    let own = "/v1.0/sites/contoso-my.sharepoint.com:/personal/alice_contoso_onmicrosoft_com";
    let own = bench.get(&app, own).await.expect(200);
    let again = bench.get(&app, &format!("/v1.0/sites/{}", own.id())).await;
    assert_eq!(
        again.expect(200).body["displayName"],
        own.body["displayName"]
    );
    let of = bench
        .get(&app, &format!("/v1.0/sites/{}/drive", own.id()))
        .await
        .expect(200);
    assert_eq!(of.body["driveType"], "business");
}

#[tokio::test]
async fn a_narrow_scope_reaches_the_own_drive_alone() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "x").await.expect(201);
    let of = drive.get("/v1.0/me/drive").await.id();
    let narrow = drive.bench.delegated("alice", &["Files.Read"]);
    let path = format!("/v1.0/drives/{of}/items/{}", made.id());
    drive.bench.get(&narrow, &path).await.expect(200);
    drive
        .bench
        .get(&narrow, "/v1.0/sites/root/drive/root")
        .await
        .expect(403);
    let bob = drive.bench.delegated("bob", &["Files.Read"]);
    drive.bench.get(&bob, &path).await.expect(403);
}

#[tokio::test]
async fn a_site_has_sites_below_it() {
    let drive = Drive::new();
    let bench = &drive.bench;
    let app = bench.app_only(&["Sites.ReadWrite.All", "Files.Read.All"]);
    let host = "contoso.sharepoint.com";
    let (collection, web, below) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    let [top, inner] = [web, below].map(|web| format!("{host},{collection},{web}"));
    let now = bench.tenant().now();
    bench.tenant().write_documents(|documents| {
        for (id, path, is_top) in [(&top, "a", true), (&inner, "a/b", false)] {
            let mut site = json!({
                "displayName": path, "webUrl": format!("https://{host}/sites/{path}"),
                "siteCollection": {"hostname": host},
            });
            if is_top {
                site["root"] = json!({});
            }
            let site = crate::graph::collection::members(site);
            documents.put("sites", id, site, now).unwrap();
        }
    });
    let sites = format!("/v1.0/sites/{top}/sites");
    let listed = bench.get(&app, &sites).await.expect(200);
    let ids: Vec<&str> = listed
        .values()
        .iter()
        .filter_map(|it| it["id"].as_str())
        .collect();
    assert_eq!(ids, [inner.as_str()]);
    for path in [
        format!("{sites}/{inner}"),
        format!("{sites}/{below}"),
        format!("/v1.0/sites/{inner}"),
        format!("/v1.0/sites/{host}:/sites/a/b"),
        format!("/v1.0/sites/{top}:/b"),
    ] {
        assert_eq!(
            bench.get(&app, &path).await.expect(200).id(),
            inner,
            "{path}"
        );
    }
    let of = |site: &str| format!("/v1.0/sites/{site}/drive");
    let one = bench.get(&app, &of(&top)).await.expect(200).id();
    let other = bench.get(&app, &of(&inner)).await.expect(200).id();
    assert_ne!(one, other);
    let none = format!("/v1.0/sites/{inner}/sites");
    assert_eq!(
        bench.get(&app, &none).await.expect(200).values(),
        [] as [Value; 0]
    );
}
