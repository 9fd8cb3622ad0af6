//! Links, and who comes by them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Drive;
use crate::graph::tests::Answer;

async fn link(drive: &Drive, item: &str, body: Value) -> Answer {
    let path = format!("/v1.0/me/drive/items/{item}/createLink");
    drive.post(&path, body).await
}

fn share(link: &Answer) -> String {
    let url = link.body["link"]["webUrl"].as_str().unwrap();
    format!("/v1.0/shares/u!{}", URL_SAFE_NO_PAD.encode(url))
}

#[tokio::test]
async fn a_link_opens_the_item_to_those_who_came_by_it() {
    let drive = Drive::new();
    let bench = &drive.bench;
    let made = drive.put("a.txt", "x").await.expect(201);
    let view = json!({"type": "view", "scope": "organization"});
    let view = link(&drive, &made.id(), view).await.expect(201);
    let bob = bench.delegated("bob", &["Files.ReadWrite.All"]);
    let of = drive.get("/v1.0/me/drive").await.id();
    let own = format!("/v1.0/drives/{of}/items/{}", made.id());
    assert_eq!(bench.get(&bob, &own).await.refused(403), "accessDenied");
    let path = format!("{}/driveItem", share(&view));
    bench.get(&bob, &path).await.expect(200);
    // To have looked at it is not to have it.
    bench.get(&bob, &own).await.expect(403);
    let prefer = [("prefer", "redeemSharingLink")];
    let got = bench.send("GET", &bob, &path, &prefer, Value::Null).await;
    got.expect(200);
    bench.get(&bob, &own).await.expect(200);
    let change = json!({"name": "b.txt"});
    let refused = bench.send("PATCH", &bob, &path, &[], change.clone()).await;
    assert_eq!(refused.refused(403), "accessDenied");
    let edit = json!({"type": "edit", "scope": "organization"});
    let edit = link(&drive, &made.id(), edit).await.expect(201);
    let path = format!("{}/driveItem", share(&edit));
    let changed = bench.send("PATCH", &bob, &path, &[], change).await;
    assert_eq!(changed.expect(200).body["name"], "b.txt");
    let permission = format!("{}/permission", share(&edit));
    let permission = bench.get(&bob, &permission).await.expect(200);
    assert_eq!(permission.id(), edit.id());
    assert_eq!(permission.body["link"]["type"], "edit");
}

#[tokio::test]
async fn a_link_ends_when_it_was_said() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "x").await.expect(201);
    let past = json!({"type": "view", "expirationDateTime": "2020-01-01T00:00:00Z"});
    let refused = link(&drive, &made.id(), past).await;
    assert_eq!(refused.refused(400), "invalidRequest");
    let end = drive.bench.tenant().now() + jiff::SignedDuration::from_mins(10);
    let soon = json!({"type": "view", "scope": "", "expirationDateTime": end.to_string()});
    let soon = link(&drive, &made.id(), soon).await.expect(201);
    // No scope is the scope of the tenant's usual links.
    assert_eq!(soon.body["link"]["scope"], "organization");
    let path = format!("{}/driveItem", share(&soon));
    let bob = drive.bench.delegated("bob", &["Files.ReadWrite.All"]);
    let prefer = [("prefer", "redeemSharingLink")];
    let got = drive
        .bench
        .send("GET", &bob, &path, &prefer, Value::Null)
        .await;
    got.expect(200);
    let later = jiff::SignedDuration::from_mins(11);
    drive.bench.tenant().clock.advance(later);
    drive.bench.get(&bob, &path).await.expect(400);
    let parent = &made.body["parentReference"]["driveId"];
    let own = format!(
        "/v1.0/drives/{}/items/{}",
        parent.as_str().unwrap(),
        made.id()
    );
    drive.bench.get(&bob, &own).await.expect(403);
}

#[tokio::test]
async fn a_link_for_everybody_is_read_without_a_sign_in() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "x").await.expect(201);
    let address = |link: &Answer| {
        let url = link.body["link"]["webUrl"].as_str().unwrap().to_owned();
        let token = url.rsplit('/').next().unwrap();
        let site = "https://contoso-my.sharepoint.com/personal/alice_contoso_onmicrosoft_com";
        let direct = format!("{site}/_layouts/15/download.aspx?share={token}");
        (direct, format!("{url}?e=abc&download=1"), url.clone())
    };
    let open = json!({"type": "view", "scope": "anonymous"});
    let open = link(&drive, &made.id(), open).await.expect(201);
    let (direct, asked, url) = address(&open);
    for url in [&direct, &asked] {
        let got = drive.ask("GET", url, &[], b"").await.expect(200);
        assert_eq!(got.bytes, b"\"x\"", "{url}");
    }
    // What a browser shows there is not in the mock.
    drive.ask("GET", &url, &[], b"").await.expect(401);
    let secret = json!({"type": "view", "scope": "anonymous", "password": "secret"});
    let inside = json!({"type": "view", "scope": "organization"});
    for body in [secret, inside] {
        let closed = link(&drive, &made.id(), body).await.expect(201);
        let (direct, ..) = address(&closed);
        drive.ask("GET", &direct, &[], b"").await.expect(401);
    }
}

#[tokio::test]
async fn people_of_other_organizations_are_invited() {
    let drive = Drive::new();
    drive.put("F/a.txt", "x").await.expect(201);
    let invite = |sends: bool| {
        json!({
            "recipients": [{"email": "Gina@fabrikam.example"}], "roles": ["read"],
            "requireSignIn": true, "sendInvitation": sends,
            "expirationDateTime": "2099-01-01T00:00:00Z",
        })
    };
    let path = "/v1.0/me/drive/root:/F:/invite";
    let silent = drive.post(path, invite(false)).await;
    assert_eq!(silent.refused(400), "noResolvedUsers");
    let invited = drive.post(path, invite(true)).await.expect(200);
    let one = &invited.values()[0];
    assert_eq!(one["invitation"]["email"], "gina@fabrikam.example");
    assert_eq!(one["grantedToV2"]["user"]["email"], "gina@fabrikam.example");
    assert_eq!(one["expirationDateTime"], "2099-01-01T00:00:00Z");
    let listed = drive.get("/v1.0/me/drive/root:/F/a.txt:/permissions").await;
    let listed = listed.expect(200);
    assert_eq!(listed.values()[1]["id"], one["id"]);
    assert_eq!(listed.values()[1]["inheritedFrom"], json!({}));
}
