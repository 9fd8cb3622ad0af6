//! What is listed, expanded and found.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Drive;

fn names(values: &[Value]) -> Vec<&str> {
    values.iter().filter_map(|it| it["name"].as_str()).collect()
}

#[tokio::test]
async fn children_are_filtered_and_refused_what_drives_do_not_do() {
    let drive = Drive::new();
    for path in ["a.txt", "b.txt", "F/c.txt", "G/d.txt"] {
        drive.put(path, "x").await.expect(201);
    }
    let children = "/v1.0/me/drive/root/children";
    for (filter, expected) in [
        ("folder%20ne%20null", vec!["F", "G"]),
        ("file ne null", vec!["a.txt", "b.txt"]),
        ("name eq 'B.txt'", vec!["b.txt"]),
        ("startswith(name,'a')", vec!["a.txt"]),
        ("size gt 100", vec![]),
    ] {
        let path = format!("{children}?$filter={}", filter.replace(' ', "%20"));
        let found = drive.get(&path).await.expect(200);
        assert_eq!(names(found.values()), expected, "{filter}");
    }
    let first = format!("{children}?$filter=file%20ne%20null&$top=1");
    let paged = drive.get(&first).await.expect(200);
    let next = paged.body["@odata.nextLink"].as_str().unwrap();
    let rest = drive
        .get(next.split_once(".com").unwrap().1)
        .await
        .expect(200);
    assert_eq!(names(rest.values()), ["b.txt"]);
    for (query, code) in [
        ("$filter=nonsense%20eq%201", "BadRequest"),
        ("$skip=1", "invalidRequest"),
        ("$expand=nonsense", "BadRequest"),
        ("$expand=analytics", "ExpandNotSupported"),
        ("$orderby=size", "invalidRequest"),
    ] {
        let refused = drive.get(&format!("{children}?{query}")).await;
        assert_eq!(refused.refused(400), code, "{query}");
    }
}

#[tokio::test]
async fn an_item_is_shown_with_what_it_has() {
    let drive = Drive::new();
    drive.put("F/a.txt", "x").await.expect(201);
    let query = "$expand=children($select=id,name),permissions";
    let folder = drive.get(&format!("/v1.0/me/drive/root:/F?{query}")).await;
    let folder = folder.expect(200);
    let child = &folder.body["children"][0];
    assert_eq!(child["name"], "a.txt");
    assert_eq!(child.as_object().unwrap().len(), 2, "{child}");
    assert_eq!(folder.body["permissions"][0]["roles"], json!(["owner"]));
    drive.put("F/a.txt", "xy").await.expect(200);
    let file = "/v1.0/me/drive/root:/F/a.txt?$expand=versions";
    let file = drive.get(file).await.expect(200);
    let ids = file.body["versions"].as_array().unwrap().iter();
    let ids: Vec<&Value> = ids.map(|it| &it["id"]).collect();
    assert_eq!(ids, ["2.0", "1.0"]);
}

#[tokio::test]
async fn a_name_may_stand_behind_an_alias() {
    let drive = Drive::new();
    let made = drive.put("F/it's%201.txt", "x").await.expect(201);
    let root = "/v1.0/me/drive/root/children('@a1')";
    let found = drive.get(&format!("{root}?@a1='F/it''s%201.txt'")).await;
    assert_eq!(found.expect(200).id(), made.id());
    let put = format!("{root}/content?@a1=%27F%2Fnew.txt%27");
    drive.send("PUT", &put, json!("x")).await.expect(201);
    let folder = drive.get(&format!("{root}/children?@a1='F'")).await;
    assert_eq!(folder.expect(200).values().len(), 2);
    assert_eq!(drive.get(root).await.refused(404), "itemNotFound");
    let found = drive.get("/v1.0/me/drive/root/search(q=@q)?@q='new'").await;
    assert_eq!(names(found.expect(200).values()), ["new.txt"]);
}

#[tokio::test]
async fn a_search_is_behind_where_the_tenant_says_so() {
    let drive = Drive::new();
    drive.put("a-b.txt", "hello / there").await.expect(201);
    let by_name = "/v1.0/me/drive/root/search(q='a-b')";
    let by_content = "/v1.0/me/drive/root/search(q='hello / there')".replace(' ', "%20");
    for path in [by_name, &by_content] {
        let found = drive.get(path).await.expect(200);
        assert_eq!(names(found.values()), ["a-b.txt"], "{path}");
    }
    let refused = drive.get("/v1.0/me/drive/root/search").await;
    assert_eq!(refused.refused(400), "invalidRequest");
    let tenant = drive.bench.tenant();
    tenant.write(|it| it.switches.delayed_search = true);
    let later = drive.get(by_name).await.expect(200);
    assert_eq!(names(later.values()), Vec::<&str>::new());
    tenant.clock.advance(SignedDuration::from_secs(30));
    let found = drive.get(by_name).await.expect(200);
    assert_eq!(names(found.values()), ["a-b.txt"]);
}

#[tokio::test]
async fn what_the_mock_does_not_do_with_items_is_said() {
    let drive = Drive::new();
    let made = drive.put("a.xlsx", "x").await.expect(201);
    let own = made.body["parentReference"]["driveId"].as_str().unwrap();
    for path in [
        format!("me/drive/items/{}/workbook/worksheets", made.id()),
        format!("drives/{own}/items/{}/workbook/worksheets", made.id()),
        format!("drives/{own}/items/{}/content?format=pdf", made.id()),
        format!("drives/{own}/items/{}/retentionLabel", made.id()),
        format!("drives/{own}/bundles"),
    ] {
        let refused = drive.get(&format!("/v1.0/{path}")).await;
        assert_eq!(refused.refused(501), "NotInTheMock", "{path}");
    }
    for action in ["preview", "follow", "extractSensitivityLabels"] {
        let path = format!("/v1.0/me/drive/items/{}/{action}", made.id());
        let refused = drive.post(&path, json!({})).await;
        assert_eq!(refused.refused(501), "NotInTheMock", "{action}");
    }
}
