//! Contents and uploads at the hosts of sites.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Drive, Told};

/// What an upload in fragments is sent to.
async fn session(drive: &Drive, path: &str, body: Value) -> String {
    let path = format!("/v1.0/me/drive/root:/{path}:/createUploadSession");
    let answer = drive.post(&path, body).await.expect(200);
    assert_eq!(answer.body["nextExpectedRanges"], json!(["0-"]));
    answer.body["uploadUrl"].as_str().unwrap().to_owned()
}

async fn fragment(drive: &Drive, url: &str, range: &str, bytes: &[u8]) -> Told {
    drive
        .ask("PUT", url, &[("content-range", range)], bytes)
        .await
}

#[tokio::test]
async fn a_content_is_read_without_a_bearer_in_parts_and_for_an_hour() {
    let drive = Drive::new();
    let made = drive
        .put("R%C3%A9sum%C3%A9.txt", "0123456789")
        .await
        .expect(201);
    let url = made.body["@microsoft.graph.downloadUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    let whole = drive.ask("GET", &url, &[], b"").await.expect(200);
    assert_eq!(whole.bytes, b"\"0123456789\"");
    assert_eq!(whole.header("content-type"), "text/plain");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert!(
        whole
            .header("content-disposition")
            .contains("R%C3%A9sum%C3%A9.txt")
    );
    let part = drive.ask("GET", &url, &[("range", "bytes=1-3")], b"").await;
    assert_eq!(part.header("content-range"), "bytes 1-3/12");
    assert_eq!(part.expect(206).bytes, b"012");
    let beyond = drive.ask("GET", &url, &[("range", "bytes=12-")], b"").await;
    assert_eq!(beyond.header("content-range"), "bytes */12");
    beyond.expect(416);
    let bearer = [("authorization", "Bearer x")];
    let refused = drive.ask("GET", &url, &bearer, b"").await.expect(401);
    assert!(
        refused
            .header("www-authenticate")
            .contains("00000003-0000-0ff1-ce00-000000000000")
    );
    let forged = url.replace("tempauth=v1.", "tempauth=v1.A");
    drive.ask("GET", &forged, &[], b"").await.expect(401);
    drive.ask("PUT", &url, &[], b"").await.expect(405);
    drive
        .bench
        .tenant()
        .clock
        .advance(jiff::SignedDuration::from_mins(61));
    drive.ask("GET", &url, &[], b"").await.expect(401);
}

#[tokio::test]
async fn fragments_become_a_file() {
    let drive = Drive::new();
    let said =
        json!({"item": {"fileSystemInfo": {"lastModifiedDateTime": "2020-01-01T00:00:00Z"}}});
    let url = session(&drive, "F/a.bin", said).await;
    assert!(url.contains("overwrite=True&rename=False"), "{url}");
    let first = fragment(&drive, &url, "bytes 0-3/6", b"abcd")
        .await
        .expect(202);
    assert_eq!(first.json()["nextExpectedRanges"], json!(["4-5"]));
    let status = drive.ask("GET", &url, &[], b"").await.expect(200);
    assert_eq!(status.json()["nextExpectedRanges"], json!(["4-5"]));
    let made = fragment(&drive, &url, "bytes 4-5/6", b"ef")
        .await
        .expect(201);
    assert_eq!(made.json()["size"], 6);
    assert_eq!(made.json()["lastModifiedDateTime"], "2020-01-01T00:00:00Z");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(url.contains(&id), "the address has the id of the new file");
    let found = drive.get("/v1.0/me/drive/root:/F/a.bin").await.expect(200);
    assert_eq!(found.id(), id);
    let gone = drive.ask("GET", &url, &[], b"").await.expect(404);
    assert_eq!(
        gone.json()["error"]["innererror"]["code"],
        "uploadSessionNotFound"
    );
    // Written over where nothing else is said.
    let url = session(&drive, "F/a.bin", json!({})).await;
    let again = fragment(&drive, &url, "bytes 0-1/2", b"xy")
        .await
        .expect(200);
    assert_eq!(again.json()["id"], id.as_str());
}

#[tokio::test]
async fn fragments_that_do_not_fit_are_refused_with_their_reason() {
    let drive = Drive::new();
    let url = session(&drive, "a.bin", json!({})).await;
    fragment(&drive, &url, "bytes 0-3/9", b"abcd")
        .await
        .expect(202);
    for (range, bytes, status, inner) in [
        ("bytes 0-3/9", "abcd", 416, json!("fragmentOverlap")),
        ("bytes 2-5/9", "abcd", 416, json!("fragmentOverlap")),
        ("bytes 6-8/9", "abc", 416, json!("fragmentOutOfOrder")),
        ("bytes 4-5/8", "ef", 400, json!("fragmentLengthMismatch")),
        ("bytes 4-5/9", "abc", 400, Value::Null),
        ("bytes 4-9/9", "abcdef", 400, Value::Null),
        ("", "x", 400, Value::Null),
    ] {
        let told = fragment(&drive, &url, range, bytes.as_bytes()).await;
        let told = told.expect(status);
        assert_eq!(told.json()["error"]["innererror"]["code"], inner, "{range}");
    }
    // Nothing of that has changed the session.
    let status = drive.ask("GET", &url, &[], b"").await;
    assert_eq!(status.json()["nextExpectedRanges"], json!(["4-8"]));
    let path = "/v1.0/me/drive/root:/A.bin:/createUploadSession";
    let second = drive.post(path, json!({})).await;
    assert_eq!(second.refused(409), "nameAlreadyExists");
    let bearer = [
        ("authorization", "Bearer x"),
        ("content-range", "bytes 4-8/9"),
    ];
    drive.ask("PUT", &url, &bearer, b"efghi").await.expect(401);
    drive.ask("DELETE", &url, &[], b"").await.expect(204);
    drive.ask("DELETE", &url, &[], b"").await.expect(404);
}

#[tokio::test]
async fn a_session_ends_after_fifteen_minutes_without_a_fragment() {
    let drive = Drive::new();
    let url = session(&drive, "a.bin", json!({})).await;
    let minutes = |number| {
        let by = jiff::SignedDuration::from_mins(number);
        drive.bench.tenant().clock.advance(by);
    };
    minutes(14);
    fragment(&drive, &url, "bytes 0-0/9", b"a")
        .await
        .expect(202);
    minutes(14);
    fragment(&drive, &url, "bytes 1-1/9", b"b")
        .await
        .expect(202);
    minutes(16);
    fragment(&drive, &url, "bytes 2-2/9", b"c")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_is_told_at_the_end() {
    let drive = Drive::new();
    let how = |how: &str| json!({"item": {"@microsoft.graph.conflictBehavior": how}});
    let url = session(&drive, "a.bin", how("fail")).await;
    drive.put("a.bin", "x").await.expect(201);
    let told = fragment(&drive, &url, "bytes 0-1/2", b"ab")
        .await
        .expect(409);
    assert_eq!(told.json()["error"]["code"], "nameAlreadyExists");
    drive.ask("DELETE", &url, &[], b"").await.expect(204);
    let url = session(&drive, "a.bin", how("rename")).await;
    let made = fragment(&drive, &url, "bytes 0-1/2", b"ab")
        .await
        .expect(201);
    assert_eq!(made.json()["name"], "a 1.bin");
    let deferred = json!({"deferCommit": true});
    let url = session(&drive, "b.bin", deferred).await;
    drive.ask("POST", &url, &[], b"").await.expect(400);
    fragment(&drive, &url, "bytes 0-1/2", b"ab")
        .await
        .expect(202);
    drive.get("/v1.0/me/drive/root:/b.bin").await.expect(404);
    drive.ask("POST", &url, &[], b"").await.expect(201);
    drive.get("/v1.0/me/drive/root:/b.bin").await.expect(200);
    let other = json!({"item": {"name": "c.bin"}});
    let path = "/v1.0/me/drive/root:/d.bin:/createUploadSession";
    assert_eq!(drive.post(path, other).await.refused(400), "invalidRequest");
    drive
        .post(
            "/v1.0/me/drive/root:/F:/children",
            json!({"name": "x", "folder": {}}),
        )
        .await;
    drive.put("G/a.txt", "x").await.expect(201);
    let path = "/v1.0/me/drive/root:/G:/createUploadSession";
    drive.post(path, json!({})).await.expect(409);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever fragments come, those that are taken are the file, and the others change nothing.
    #[test]
    fn any_fragments_are_taken_in_order_or_refused(
        sent in proptest::collection::vec((0_u64..20, 0_u64..20, 15_u64..17, 0_usize..20), 0..12),
        name in "\\PC{1,12}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let drive = Drive::new();
            let encoded = percent_encoding::utf8_percent_encode(
                &name, percent_encoding::NON_ALPHANUMERIC,
            );
            let any = format!("/v1.0/me/drive/root:/{encoded}:/createUploadSession");
            let answer = drive.post(&any, json!({})).await;
            prop_assert!(answer.status.as_u16() < 500, "{}", answer.text);
            let url = session(&drive, "a.bin", json!({})).await;
            let mut there = 0;
            for (first, last, total, length) in sent {
                let range = format!("bytes {first}-{last}/{total}");
                let told = fragment(&drive, &url, &range, &vec![b'x'; length]).await;
                match told.status.as_u16() {
                    202 => there = last + 1,
                    201 => {
                        prop_assert_eq!(told.json()["size"].as_u64(), Some(last + 1));
                        return Ok(());
                    }
                    400 | 404 | 416 => {}
                    other => prop_assert!(false, "{other} for {range}"),
                }
                let status = drive.ask("GET", &url, &[], b"").await.json();
                let next = status["nextExpectedRanges"][0].as_str().unwrap_or_default();
                prop_assert!(next.starts_with(&format!("{there}-")), "{next}");
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_length_that_is_not_known_is_told_by_the_end() {
    let drive = Drive::new();
    let url = session(&drive, "a.bin", json!({"deferCommit": true})).await;
    let next = fragment(&drive, &url, "bytes 0-2/*", b"abc")
        .await
        .expect(202);
    assert_eq!(next.json()["nextExpectedRanges"], json!(["3-"]));
    fragment(&drive, &url, "bytes 3-4/*", b"de")
        .await
        .expect(202);
    fragment(&drive, &url, "bytes 9-9/*", b"x")
        .await
        .expect(416);
    let made = drive.ask("POST", &url, &[], b"").await.expect(201);
    assert_eq!(made.json()["size"], 5);
    // Without a word that the end is told, the length has to be.
    let url = session(&drive, "b.bin", json!({})).await;
    fragment(&drive, &url, "bytes 0-2/*", b"abc")
        .await
        .expect(202);
    drive.ask("POST", &url, &[], b"").await.expect(400);
    fragment(&drive, &url, "bytes 3-4/5", b"de")
        .await
        .expect(201);
}

#[tokio::test]
async fn a_bearer_at_an_address_is_taken_where_the_tenant_says_so() {
    let drive = Drive::new();
    let url = session(&drive, "a.bin", json!({})).await;
    let bearer = [
        ("authorization", "Bearer x"),
        ("content-range", "bytes 0-0/1"),
    ];
    drive.ask("PUT", &url, &bearer, b"a").await.expect(401);
    let tenant = drive.bench.tenant();
    tenant.write(|it| it.switches.bearers_at_sites = true);
    drive.ask("PUT", &url, &bearer, b"a").await.expect(201);
}
