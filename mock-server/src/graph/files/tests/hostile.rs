//! Hostile names, bodies, fragments and ranges: refused with a reason, and nothing is left behind.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Drive;

fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What clients have tried, or could.
fn names() -> impl Strategy<Value = String> {
    let known = [
        "CON",
        "com1",
        "LPT9",
        "nul",
        ".lock",
        "desktop.ini",
        "forms",
        "~$a.docx",
        "a_vti_b",
        "a.",
        " a",
        "a ",
        ".",
        "..",
        "a%2Fb",
        "%25",
        "#1",
        "é",
        "e\u{301}",
        "\u{1f600}",
        "\u{202e}a",
        "a\u{0}b",
        "a\u{7f}",
        "\u{fff0}",
        "a'b",
        "a(b)",
        "@a1",
        "01ABCDEF",
        "root",
        "children",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        "[a-zA-Z0-9 .~$%#'@()+&=;,!-]{1,40}",
        "\\PC{1,30}",
        any::<String>().prop_filter("a name", |it| !it.is_empty()),
        "[xé]{250,420}",
    ]
}

#[test]
fn any_name_is_taken_as_it_is_or_refused_everywhere() {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(48));
    let drive = Drive::new();
    let outcome = runner.run(&names(), |name| {
        runtime.block_on(async {
            let path = encoded(&name);
            let base = format!("/v1.0/me/drive/root:/{path}");
            let body = json!({"name": name, "folder": {}});
            let made = drive.post("/v1.0/me/drive/root/children", body).await;
            let status = made.status.as_u16();
            prop_assert!(matches!(status, 201 | 400), "{status}: {:?}", made.body);
            let taken = status == 201;
            if taken {
                prop_assert_eq!(made.body["name"].as_str(), Some(name.as_str()));
                let id = format!("/v1.0/me/drive/items/{}", made.id());
                let deleted = drive.send("DELETE", &id, Value::Null).await;
                prop_assert_eq!(deleted.status.as_u16(), 204);
            } else {
                let inner = made.body["error"]["innerError"]["code"].as_str();
                let reasons = ["nameContainsInvalidCharacters", "pathIsTooLong"];
                prop_assert!(
                    inner.is_some_and(|it| reasons.contains(&it)),
                    "{:?}",
                    made.body
                );
            }
            // Nothing else takes what this does not, and a path leaves no folder behind. A slash
            // and a colon end names in addresses.
            if name.contains(['/', ':']) {
                return Ok(());
            }
            let put = drive
                .send("PUT", &format!("{base}:/content"), json!("x"))
                .await;
            prop_assert_eq!(
                put.status.as_u16(),
                if taken { 201 } else { 400 },
                "{:?}",
                put.body
            );
            let session = drive
                .post(&format!("{base}:/createUploadSession"), json!({}))
                .await;
            prop_assert_eq!(session.status.as_u16(), if taken { 200 } else { 400 });
            let deep = format!("/v1.0/me/drive/root:/Left/{path}/y.txt:/content");
            let put = drive.send("PUT", &deep, json!("x")).await;
            let left = drive.get("/v1.0/me/drive/root:/Left").await;
            if put.status.as_u16() == 201 {
                prop_assert_eq!(left.status.as_u16(), 200);
                let gone = drive
                    .send("DELETE", "/v1.0/me/drive/root:/Left", Value::Null)
                    .await;
                prop_assert_eq!(gone.status.as_u16(), 204);
            } else {
                prop_assert_eq!(put.status.as_u16(), 400);
                prop_assert_eq!(left.status.as_u16(), 404, "{}", name);
            }
            if taken {
                let gone = drive.send("DELETE", &base, Value::Null).await;
                prop_assert_eq!(gone.status.as_u16(), 204);
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[test]
fn fragments_in_any_order_make_the_file_or_are_refused() {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(48));
    let drive = Drive::new();
    let fragments = prop::collection::vec((0_u64..24, 0_u64..24, 20_u64..23, 0_usize..24), 1..8);
    let outcome = runner.run(&fragments, |fragments| {
        runtime.block_on(async {
            let path = "/v1.0/me/drive/root:/f.bin:/createUploadSession";
            let session = drive.post(path, json!({})).await.expect(200);
            let url = session.body["uploadUrl"].as_str().unwrap().to_owned();
            let (mut there, mut total) = (0, None);
            for (first, last, whole, length) in fragments {
                let range = format!("bytes {first}-{last}/{whole}");
                let bytes = vec![7; length];
                let told = drive
                    .ask("PUT", &url, &[("content-range", &range)], &bytes)
                    .await;
                let sane = first <= last && last < whole && last - first + 1 == length as u64;
                let expected = if !sane || total.is_some_and(|it| it != whole) {
                    400
                } else if first != there {
                    // The first fragment says how long the whole is, be it taken or not.
                    total = Some(whole);
                    416
                } else {
                    total = Some(whole);
                    there = last + 1;
                    if there == whole { 201 } else { 202 }
                };
                let status = told.status.as_u16();
                if expected == 201 {
                    prop_assert!(matches!(status, 200 | 201), "{status}");
                    let after = drive.ask("GET", &url, &[], b"").await;
                    prop_assert_eq!(after.status.as_u16(), 404);
                    return Ok(());
                }
                prop_assert_eq!(status, expected, "{}: {}", range, told.json());
                let next = drive.ask("GET", &url, &[], b"").await.json();
                let next = next["nextExpectedRanges"][0]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                prop_assert!(next.starts_with(&format!("{there}-")), "{next}");
            }
            drive.ask("DELETE", &url, &[], b"").await.expect(204);
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused() {
    let drive = Drive::new();
    for body in [
        json!({"name": "a"}),
        json!({"folder": {}}),
        json!({"name": 5, "folder": {}}),
        json!({"name": "a", "folder": 5}),
        json!({"name": "a", "folder": {}, "file": {}}),
        json!({"name": "a", "folder": {}, "@microsoft.graph.conflictBehavior": "maybe"}),
        json!({"name": "a", "folder": {}, "fileSystemInfo": {"createdDateTime": "soon"}}),
        json!([]),
    ] {
        let refused = drive
            .post("/v1.0/me/drive/root/children", body.clone())
            .await;
        let refused = refused.expect(400);
        assert!(refused.body["error"]["message"].is_string(), "{body}");
    }
    for body in [
        json!({"item": 5}),
        json!({"item": {"fileSize": -1}}),
        json!({"item": {"fileSize": "many"}}),
        json!({"item": {"fileSize": 1.5}}),
        json!({"item": {"name": 5}}),
        json!({"item": {"name": "other.bin"}}),
        json!({"item": {"@microsoft.graph.conflictBehavior": "maybe"}}),
        json!({"deferCommit": "yes"}),
    ] {
        let path = "/v1.0/me/drive/root:/a.bin:/createUploadSession";
        let refused = drive.post(path, body.clone()).await;
        assert_eq!(refused.refused(400), "invalidRequest", "{body}");
    }
    let listed = drive.get("/v1.0/me/drive/root/children").await.expect(200);
    assert_eq!(listed.values(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_content_is_sent_anew_only_where_it_is_another() {
    let drive = Drive::new();
    let made = drive.put("a.txt", "hello").await.expect(201);
    let url = made.body["@microsoft.graph.downloadUrl"].as_str().unwrap();
    let whole = drive.ask("GET", url, &[], b"").await.expect(200);
    let tag = whole.header("etag").to_owned();
    let same = drive.ask("GET", url, &[("if-none-match", &tag)], b"").await;
    assert_eq!(same.expect(304).bytes, b"");
    let range = ("range", "bytes=0-2");
    let part = drive
        .ask("GET", url, &[range, ("if-range", &tag)], b"")
        .await;
    assert_eq!(part.expect(206).bytes, b"\"he");
    let other = drive
        .ask("GET", url, &[range, ("if-range", "\"x\"")], b"")
        .await;
    assert_eq!(other.expect(200).bytes, whole.bytes);
}
