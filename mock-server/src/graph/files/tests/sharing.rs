//! Permissions, links, and what is shared.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Drive;

#[tokio::test]
async fn a_link_is_made_once_and_leads_to_the_item() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "x").await.expect(201);
    let path = format!("/v1.0/me/drive/items/{}/createLink", made.id());
    let body = json!({"type": "view", "scope": "organization"});
    let link = drive.post(&path, body.clone()).await.expect(201);
    assert_eq!(link.body["roles"], json!(["read"]));
    let url = link.body["link"]["webUrl"].as_str().unwrap();
    assert!(
        url.starts_with("https://contoso-my.sharepoint.com/:t:/g/personal/"),
        "{url}"
    );
    let again = drive.post(&path, body).await.expect(200);
    assert_eq!(again.id(), link.id());
    let share = format!("u!{}", URL_SAFE_NO_PAD.encode(url));
    assert_eq!(link.body["shareId"], share.as_str());
    let bob = drive.bench.delegated("bob", &["Files.ReadWrite.All"]);
    let found = drive
        .bench
        .get(&bob, &format!("/v1.0/shares/{share}/driveItem"))
        .await;
    assert_eq!(found.expect(200).id(), made.id());
    let nothing = format!(
        "u!{}",
        URL_SAFE_NO_PAD.encode("https://contoso.sharepoint.com/x")
    );
    let none = drive
        .get(&format!("/v1.0/shares/{nothing}/driveItem"))
        .await;
    assert_eq!(none.refused(400), "invalidRequest");
    let root = drive.get("/v1.0/me/drive/root").await.id();
    let path = format!("/v1.0/me/drive/items/{root}/createLink");
    let refused = drive.post(&path, json!({"type": "view"})).await;
    assert_eq!(refused.refused(501), "notSupported");
}

#[tokio::test]
async fn who_is_invited_may_what_the_role_says() {
    let drive = Drive::new();
    let made = drive.put("F/a.txt", "x").await.expect(201);
    let of = drive.get("/v1.0/me/drive").await.id();
    let bob = drive.bench.delegated("bob", &["Files.ReadWrite.All"]);
    let theirs = format!("/v1.0/drives/{of}/items/{}", made.id());
    drive.bench.get(&bob, &theirs).await.expect(403);
    let body = json!({
        "recipients": [{"email": "bob@contoso.onmicrosoft.com"}], "roles": ["read"],
        "requireSignIn": true, "sendInvitation": false,
    });
    let invited = drive
        .post("/v1.0/me/drive/root:/F:/invite", body)
        .await
        .expect(200);
    assert_eq!(
        invited.values()[0]["grantedToV2"]["user"]["displayName"],
        "Bob Baker"
    );
    drive.bench.get(&bob, &theirs).await.expect(200);
    let change = json!({"name": "b.txt"});
    let refused = drive
        .bench
        .send("PATCH", &bob, &theirs, &[], change.clone())
        .await;
    assert_eq!(refused.refused(403), "accessDenied");
    let folder = drive.get("/v1.0/me/drive/root:/F").await.id();
    let permissions = format!("/v1.0/me/drive/items/{folder}/permissions");
    let listed = drive.get(&permissions).await.expect(200);
    assert_eq!(listed.values()[0]["roles"], json!(["owner"]));
    let id = listed.values()[1]["id"].as_str().unwrap().to_owned();
    let body = json!({"roles": ["write"]});
    let own = format!("{permissions}/{id}");
    drive.send("PATCH", &own, body).await.expect(200);
    drive
        .bench
        .send("PATCH", &bob, &theirs, &[], change)
        .await
        .expect(200);
    let inherited = format!("/v1.0/me/drive/items/{}/permissions/{id}", made.id());
    drive
        .send("DELETE", &inherited, Value::Null)
        .await
        .expect(400);
    drive.send("DELETE", &own, Value::Null).await.expect(204);
    drive.bench.get(&bob, &theirs).await.expect(403);
    let nobody = json!({"recipients": [{"email": "x@example.com"}], "roles": ["read"]});
    let nobody = drive.post("/v1.0/me/drive/root:/F:/invite", nobody).await;
    assert_eq!(nobody.refused(400), "noResolvedUsers");
}
