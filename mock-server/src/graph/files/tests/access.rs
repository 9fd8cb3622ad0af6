//! Drives of groups and sites, and who reaches them.

use serde_json::json;

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
        "mailNickname": "sales", "securityEnabled": false,
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
