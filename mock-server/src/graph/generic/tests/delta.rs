//! Rounds of changes: pages, what is removed, links, tokens.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::group;
use crate::graph::tests::{Answer, Bench, Token};

/// The path in a link of an answer.
fn link(answer: &Answer, name: &str) -> Option<String> {
    let link = answer.body[name].as_str()?;
    Some(link["https://graph.microsoft.com".len()..].to_owned())
}

/// All pages of a round: what they have, how many there were, and where the next round begins.
async fn round(bench: &Bench, app: &Token, path: &str) -> (Vec<Value>, usize, String) {
    let (mut all, mut pages, mut path) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = bench.get(app, &path).await.expect(200);
        all.extend(page.values().to_vec());
        pages += 1;
        if let Some(next) = link(&page, "@odata.nextLink") {
            assert!(link(&page, "@odata.deltaLink").is_none());
            assert!(next.contains("$skiptoken="), "{next}");
            path = next;
            continue;
        }
        let end = link(&page, "@odata.deltaLink").unwrap();
        assert!(end.contains("$deltatoken="), "{end}");
        return (all, pages, end);
    }
}

#[tokio::test]
async fn a_round_of_people_comes_in_pages_and_the_next_has_what_changed_since() {
    let bench = Bench::new();
    let app = bench.app_only(&["User.ReadWrite.All"]);
    let everybody = bench.get(&app, "/v1.0/users").await.expect(200);
    let count = everybody.values().len();
    let path = "/v1.0/users/delta?$select=displayName,jobTitle&$top=2";
    let (all, pages, end) = round(&bench, &app, path).await;
    assert_eq!(all.len(), count);
    assert_eq!(pages, count.div_ceil(2));
    assert!(all.iter().all(|it| it["id"].is_string()), "{all:?}");
    let alice = bench.user("alice");
    let change = json!({"jobTitle": "Chief"});
    let person = format!("/v1.0/users/{alice}");
    bench
        .send("PATCH", &app, &person, &[], change)
        .await
        .expect(204);
    let (changed, _, end) = round(&bench, &app, &end).await;
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0]["jobTitle"], "Chief");
    let (none, _, end) = round(&bench, &app, &end).await;
    assert!(none.is_empty());
    bench
        .send("DELETE", &app, &person, &[], Value::Null)
        .await
        .expect(204);
    let (gone, _, _) = round(&bench, &app, &end).await;
    let removed = json!({"id": alice.to_string(), "@removed": {"reason": "changed"}});
    assert_eq!(gone, [removed]);
}

#[tokio::test]
async fn a_round_of_groups_tells_who_came_and_who_went() {
    let bench = Bench::new();
    let app = bench.app_only(&["Group.ReadWrite.All", "Directory.Read.All"]);
    let sales = bench
        .post(&app, "/v1.0/groups", group("Sales"))
        .await
        .expect(201);
    let members = format!("/v1.0/groups/{}/members", sales.id());
    let alice = bench.user("alice").to_string();
    let reference =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{alice}")});
    let (all, _, end) = round(&bench, &app, "/v1.0/groups/delta").await;
    assert!(all[0].get("members@delta").is_none());
    bench
        .post(&app, &format!("{members}/$ref"), reference)
        .await
        .expect(204);
    let came = json!([{"@odata.type": "#microsoft.graph.user", "id": alice}]);
    let (changed, _, end) = round(&bench, &app, &end).await;
    assert_eq!(changed[0]["members@delta"], came);
    let (all, _, _) = round(
        &bench,
        &app,
        "/v1.0/groups/delta?$select=displayName,members",
    )
    .await;
    assert_eq!(all[0]["members@delta"], came);
    let (all, _, _) = round(&bench, &app, "/v1.0/groups/delta?$select=displayName").await;
    assert!(all[0].get("members@delta").is_none());
    bench
        .send(
            "DELETE",
            &app,
            &format!("{members}/{alice}/$ref"),
            &[],
            Value::Null,
        )
        .await
        .expect(204);
    let (changed, _, _) = round(&bench, &app, &end).await;
    assert_eq!(
        changed[0]["members@delta"],
        json!([{
            "@odata.type": "#microsoft.graph.user",
            "id": alice,
            "@removed": {"reason": "deleted"},
        }])
    );
}

#[tokio::test]
async fn a_round_may_begin_now_be_about_some_alone_and_be_too_old() {
    let bench = Bench::new();
    let app = bench.app_only(&["User.ReadWrite.All"]);
    let (none, _, end) = round(&bench, &app, "/v1.0/users/delta?$deltatoken=latest").await;
    assert!(none.is_empty());
    let alice = bench.user("alice").to_string();
    let path = format!("/v1.0/users/delta?$filter=id%20eq%20'{alice}'");
    let (one, _, _) = round(&bench, &app, &path).await;
    assert_eq!(one.len(), 1);
    let sorted = "/v1.0/users/delta?$orderby=displayName";
    bench.get(&app, sorted).await.expect(400);
    bench
        .get(&app, "/v1.0/users/delta?$deltatoken=abc")
        .await
        .expect(400);
    let month = SignedDuration::from_hours(31 * 24);
    let app = bench.app_only_after(month, &["User.ReadWrite.All"]);
    let old = bench.get(&app, &end).await;
    assert_eq!(old.refused(400), "Request_UnsupportedQuery");
}
