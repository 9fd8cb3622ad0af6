//! Items: read, written, renamed, moved, copied, deleted.

use serde_json::{Value, json};

use super::Drive;

#[tokio::test]
async fn a_drive_tells_whose_it_is_and_how_full() {
    let drive = Drive::new();
    let found = drive.get("/v1.0/me/drive").await.expect(200);
    assert_eq!(found.body["driveType"], "business");
    assert_eq!(found.id().len(), 66);
    assert_eq!(
        found.body["owner"]["user"]["id"],
        drive.bench.user("alice").to_string()
    );
    assert_eq!(found.body["quota"]["total"], 1_u64 << 40);
    drive.put("a.txt", "12345").await.expect(201);
    let found = drive.get("/v1.0/me/drive").await.expect(200);
    assert_eq!(found.body["quota"]["used"], 7);
    let all = drive.get("/v1.0/me/drives").await.expect(200);
    assert_eq!(all.values()[0]["id"], found.body["id"]);
    let root = drive.get("/v1.0/me/drive/root").await.expect(200);
    assert!(root.id().ends_with("6Y2GOVW7725BZO354PWSELRRZ"));
    assert!(root.body.get("eTag").is_none() && root.body.get("cTag").is_none());
    assert_eq!(root.body["size"], 7);
}

#[tokio::test]
async fn an_item_is_the_same_at_all_its_addresses() {
    let drive = Drive::new();
    let made = drive.put("Q3/Größe%20%231%25.txt", "x").await.expect(201);
    assert_eq!(made.body["name"], "Größe #1%.txt");
    assert_eq!(
        made.body["file"]["hashes"]["quickXorHash"],
        super::super::draw::hash({
            let world = drive.bench.world();
            crate::drives::Blob::of(&world.contents, b"\"x\"")
                .unwrap()
                .hash()
        })
    );
    let id = made.id();
    let of = drive.get("/v1.0/me/drive").await.id();
    let folder = drive.get("/v1.0/me/drive/root:/q3").await.expect(200).id();
    for path in [
        format!("/v1.0/me/drive/items/{id}"),
        format!("/v1.0/drives/{of}/items/{id}"),
        format!("/v1.0/drive/items/{id}"),
        format!("/v1.0/users/alice@contoso.onmicrosoft.com/drive/items/{id}"),
        "/v1.0/me/drive/root:/Q3/gr%C3%B6%C3%9Fe%20%231%25.TXT".to_owned(),
        "/v1.0/me/drive/root:/Q3/gr%C3%B6%C3%9Fe%20%231%25.TXT:".to_owned(),
        "/v1.0/me/drive/root:/Q3/gr%C3%B6%C3%9Fe%20%231%25.TXT:/".to_owned(),
        format!("/v1.0/me/drive/items/{folder}:/Gr%C3%B6%C3%9Fe%20%231%25.txt"),
        format!(
            "/v1.0/drives/{}/items/root:/Q3/Gr%C3%B6%C3%9Fe%20%231%25.txt:",
            of.replace('!', "%21")
        ),
        format!("/v1.0/me/drive/items/{folder}/children('Gr%C3%B6%C3%9Fe%20%231%25.txt')"),
    ] {
        let found = drive.get(&path).await.expect(200);
        assert_eq!(found.id(), id, "{path}");
    }
    let own = drive.get(&format!("/v1.0/me/drive/items/{id}")).await;
    assert_eq!(own.body["parentReference"]["path"], "/drive/root:/Q3");
    let by_drive = drive.get(&format!("/v1.0/drives/{of}/items/{id}")).await;
    assert_eq!(
        by_drive.body["parentReference"]["path"],
        format!("/drives/{of}/root:/Q3")
    );
    let other = "01NQPTTUV6Y2GOVW7725BZO354PWSELRRZ";
    let wrong = drive.get(&format!("/v1.0/me/drive/items/{other}")).await;
    assert_eq!(wrong.refused(400), "invalidRequest");
    let wrong = drive.get("/v1.0/drives/b!short/root").await;
    assert_eq!(wrong.refused(400), "invalidRequest");
    let none = drive.get("/v1.0/me/drive/root:/nothing").await;
    assert_eq!(none.refused(404), "itemNotFound");
}

#[tokio::test]
async fn a_folder_of_the_same_name_is_refused_renamed_or_taken() {
    let drive = Drive::new();
    let children = "/v1.0/me/drive/root/children";
    let body = json!({"name": "New", "folder": {}});
    let first = drive.post(children, body.clone()).await.expect(201);
    assert!(first.body["eTag"].as_str().unwrap().ends_with(",1\""));
    assert!(first.body["cTag"].as_str().unwrap().ends_with(",0\""));
    assert!(first.header("location").contains("/_api/v2.0/sites('"));
    assert_eq!(
        drive.post(children, body).await.refused(409),
        "nameAlreadyExists"
    );
    let with =
        |how: &str| json!({"name": "new", "folder": {}, "@microsoft.graph.conflictBehavior": how});
    let renamed = drive.post(children, with("rename")).await.expect(201);
    assert_eq!(renamed.body["name"], "new 1");
    let there = drive.post(children, with("replace")).await.expect(200);
    assert_eq!(there.id(), first.id());
    let asked = format!("{children}?@microsoft.graph.conflictBehavior=rename");
    let body = json!({"name": "New", "folder": {}});
    let renamed = drive.post(&asked, body).await.expect(201);
    assert_eq!(renamed.body["name"], "New 2");
    for name in ["a:b", "CON", "x.", " x", "~$x"] {
        let answer = drive
            .post(children, json!({"name": name, "folder": {}}))
            .await;
        let inner = answer.body["error"]["innerError"]["code"].clone();
        assert_eq!(answer.refused(400), "invalidRequest", "{name}");
        assert_eq!(inner, "nameContainsInvalidCharacters", "{name}");
    }
}

#[tokio::test]
async fn tags_move_as_the_service_moves_them() {
    let drive = Drive::new();
    let numbers = |body: &Value| {
        let number = |name: &str| {
            let tag = body[name].as_str().unwrap();
            let (_, number) = tag.trim_matches('"').rsplit_once(',').unwrap();
            number.parse::<u32>().unwrap()
        };
        (number("eTag"), number("cTag"))
    };
    let made = drive.put("a.txt", "one").await.expect(201);
    assert_eq!(numbers(&made.body), (1, 1));
    let path = format!("/v1.0/me/drive/items/{}", made.id());
    let renamed = drive
        .send("PATCH", &path, json!({"name": "b.txt"}))
        .await
        .expect(200);
    assert_eq!(numbers(&renamed.body), (2, 1));
    let written = drive.put("b.txt", "two").await.expect(200);
    assert_eq!(numbers(&written.body), (3, 2));
    let old = made.body["eTag"].as_str().unwrap();
    let stale = drive
        .bench
        .send(
            "DELETE",
            &drive.alice,
            &path,
            &[("if-match", old)],
            Value::Null,
        )
        .await;
    assert_eq!(stale.refused(412), "resourceModified");
    let content = written.body["cTag"].as_str().unwrap();
    drive
        .bench
        .send(
            "DELETE",
            &drive.alice,
            &path,
            &[("if-match", content)],
            Value::Null,
        )
        .await
        .expect(204);
    assert_eq!(drive.get(&path).await.refused(404), "itemNotFound");
    // The published permissions open it to apps alone.
    let app = drive.bench.app_only(&["Files.ReadWrite.All"]);
    let user = drive.bench.user("alice");
    let restore = format!("/v1.0/users/{user}/drive/items/{}/restore", made.id());
    let back = drive
        .bench
        .post(&app, &restore, json!({}))
        .await
        .expect(200);
    assert_eq!(back.id(), made.id());
    drive
        .send("POST", &format!("{path}/permanentDelete"), Value::Null)
        .await
        .expect(204);
    drive
        .bench
        .post(&app, &restore, json!({}))
        .await
        .expect(404);
}

#[tokio::test]
async fn times_are_the_clients_and_whole_seconds() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "one").await.expect(201);
    let path = format!("/v1.0/me/drive/items/{}", made.id());
    let body = json!({"fileSystemInfo": {"lastModifiedDateTime": "2020-02-03T04:05:06.789Z"}});
    let told = drive.send("PATCH", &path, body).await.expect(200);
    assert_eq!(
        told.body["fileSystemInfo"]["lastModifiedDateTime"],
        "2020-02-03T04:05:06Z"
    );
    assert_eq!(told.body["lastModifiedDateTime"], "2020-02-03T04:05:06Z");
    assert_eq!(told.body["createdDateTime"], made.body["createdDateTime"]);
    let wrong = json!({"fileSystemInfo": {"lastModifiedDateTime": "yesterday"}});
    let wrong = drive.send("PATCH", &path, wrong).await;
    assert_eq!(wrong.refused(400), "invalidRequest");
}

#[tokio::test]
async fn an_item_is_moved_within_its_drive_and_not_into_itself() {
    let drive = Drive::new();
    let file = drive.put("A/B/a.txt", "one").await.expect(201);
    let outer = drive.get("/v1.0/me/drive/root:/A").await.expect(200);
    let inner = drive.get("/v1.0/me/drive/root:/A/B").await.expect(200);
    let path = format!("/v1.0/me/drive/items/{}", outer.id());
    let into = json!({"parentReference": {"id": inner.id()}});
    let refused = drive.send("PATCH", &path, into).await;
    assert_eq!(refused.refused(400), "invalidRequest");
    let path = format!("/v1.0/me/drive/items/{}", file.id());
    let root = drive.get("/v1.0/me/drive/root").await.id();
    let to = json!({"parentReference": {"id": root}, "name": "c.txt"});
    let moved = drive.send("PATCH", &path, to).await.expect(200);
    assert_eq!(moved.body["parentReference"]["path"], "/drive/root:");
    assert_eq!(moved.body["name"], "c.txt");
    drive
        .get("/v1.0/me/drive/root:/A/B/a.txt")
        .await
        .expect(404);
    let foreign = json!({"parentReference": {"driveId": "b!other", "id": root}});
    let refused = drive.send("PATCH", &path, foreign).await;
    assert_eq!(refused.refused(400), "invalidRequest");
}

#[tokio::test]
async fn a_copy_is_a_new_item_and_its_monitor_needs_no_bearer() {
    let drive = Drive::new();
    drive.put("A/B/a.txt", "one").await.expect(201);
    let folder = drive.get("/v1.0/me/drive/root:/A").await.expect(200);
    let path = format!("/v1.0/me/drive/items/{}/copy", folder.id());
    let answer = drive.post(&path, json!({"name": "C"})).await.expect(202);
    let monitor = answer.header("location").to_owned();
    let told = drive.ask("GET", &monitor, &[], b"").await.expect(200);
    assert_eq!(told.json()["status"], "completed");
    let copied = drive
        .get("/v1.0/me/drive/root:/C/B/a.txt")
        .await
        .expect(200);
    let source = drive
        .get("/v1.0/me/drive/root:/A/B/a.txt")
        .await
        .expect(200);
    assert_ne!(copied.id(), source.id());
    assert_eq!(copied.body["file"], source.body["file"]);
    let id = told.json()["resourceId"].clone();
    assert_eq!(drive.get("/v1.0/me/drive/root:/C").await.body["id"], id);
    let again = drive.post(&path, json!({"name": "C"})).await.expect(202);
    let told = drive.ask("GET", again.header("location"), &[], b"").await;
    assert_eq!(told.json()["status"], "failed");
    assert_eq!(told.json()["errorCode"], "nameAlreadyExists");
    let bearer = [("authorization", "Bearer x")];
    drive.ask("GET", &monitor, &bearer, b"").await.expect(401);
}

#[tokio::test]
async fn a_folder_is_listed_by_name_a_page_at_a_time() {
    let drive = Drive::new();
    for name in ["c.txt", "A.txt", "b.txt"] {
        drive.put(&format!("F/{name}"), "x").await.expect(201);
    }
    let mut path = "/v1.0/me/drive/root:/F:/children?$top=2&$select=name,id".to_owned();
    let mut names = Vec::new();
    loop {
        let page = drive.get(&path).await.expect(200);
        names.extend(page.values().iter().map(|it| it["name"].clone()));
        assert!(page.values()[0].get("size").is_none());
        let Some(next) = page.body["@odata.nextLink"].as_str() else {
            break;
        };
        let (_, rest) = next.split_once("graph.microsoft.com").unwrap();
        path = rest.to_owned();
    }
    assert_eq!(names, ["A.txt", "b.txt", "c.txt"]);
    let wrong = drive
        .get("/v1.0/me/drive/root/children?$orderby=size")
        .await;
    assert_eq!(wrong.refused(400), "invalidRequest");
    let found = drive
        .get("/v1.0/me/drive/root/search(q='B.tx')")
        .await
        .expect(200);
    assert_eq!(found.values().len(), 1);
    assert!(found.values()[0].get("eTag").is_none());
    assert_eq!(found.values()[0]["searchResult"], json!({}));
}

#[tokio::test]
async fn earlier_contents_are_versions() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "one").await.expect(201);
    drive.put("a.txt", "second").await.expect(200);
    let path = format!("/v1.0/me/drive/items/{}/versions", made.id());
    let versions = drive.get(&path).await.expect(200);
    let ids: Vec<&Value> = versions.values().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["2.0", "1.0"]);
    let url = versions.values()[1]["@microsoft.graph.downloadUrl"]
        .as_str()
        .unwrap();
    let old = drive.ask("GET", url, &[], b"").await.expect(200);
    assert_eq!(old.bytes, b"\"one\"");
    drive
        .send("POST", &format!("{path}/1.0/restoreVersion"), Value::Null)
        .await
        .expect(204);
    let now = drive
        .get("/v1.0/me/drive/root:/a.txt:/content")
        .await
        .expect(302);
    let now = drive.ask("GET", now.header("location"), &[], b"").await;
    assert_eq!(now.bytes, b"\"one\"");
    drive
        .send("DELETE", &format!("{path}/1.0"), Value::Null)
        .await
        .expect(204);
    let versions = drive.get(&path).await.expect(200);
    assert_eq!(versions.values().len(), 2);
}

#[tokio::test]
async fn what_is_checked_out_is_locked_for_others() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "one").await.expect(201);
    let path = format!("/v1.0/me/drive/items/{}", made.id());
    let body = json!({
        "recipients": [{"email": "bob@contoso.onmicrosoft.com"}], "roles": ["write"],
    });
    drive
        .post(&format!("{path}/invite"), body)
        .await
        .expect(200);
    drive
        .send("POST", &format!("{path}/checkout"), Value::Null)
        .await
        .expect(204);
    let bob = drive.bench.delegated("bob", &["Files.ReadWrite.All"]);
    let of = drive.get("/v1.0/me/drive").await.id();
    let theirs = format!("/v1.0/drives/{of}/items/{}", made.id());
    let body = json!({"name": "b.txt"});
    let locked = drive
        .bench
        .send("PATCH", &bob, &theirs, &[], body.clone())
        .await;
    assert_eq!(locked.body["error"]["innerError"]["code"], "resourceLocked");
    assert_eq!(locked.refused(423), "notAllowed");
    drive
        .post(&format!("{path}/checkin"), json!({"comment": "done"}))
        .await
        .expect(204);
    drive
        .bench
        .send("PATCH", &bob, &theirs, &[], body)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_full_drive_takes_nothing_more() {
    let drive = Drive::new();
    let id = drive.get("/v1.0/me/drive").await.id();
    drive.bench.tenant().write_drives(|drives| {
        drives.get_mut(&id).unwrap().quota = 4;
    });
    let full = drive.put("a.txt", "12345").await;
    assert_eq!(full.refused(507), "quotaLimitReached");
    let body = json!({"item": {"fileSize": 5}});
    let path = "/v1.0/me/drive/root:/b.txt:/createUploadSession";
    assert_eq!(
        drive.post(path, body).await.refused(507),
        "quotaLimitReached"
    );
}

#[tokio::test]
async fn the_folder_of_an_app_comes_to_be_when_it_is_asked() {
    let drive = Drive::new();
    let root = drive
        .get("/v1.0/me/drive/special/approot")
        .await
        .expect(200);
    assert_eq!(root.body["parentReference"]["path"], "/drive/root:/Apps");
    let path = "/v1.0/me/drive/special/approot:/x.txt:/content";
    let made = drive.send("PUT", path, json!("x")).await.expect(201);
    assert_eq!(made.body["parentReference"]["id"], root.id());
    let narrow = drive
        .bench
        .delegated("alice", &["Files.ReadWrite.AppFolder"]);
    let other = drive.put("a.txt", "x").await.expect(201);
    let path = format!("/v1.0/me/drive/items/{}", other.id());
    drive.bench.get(&narrow, &path).await.expect(403);
}
