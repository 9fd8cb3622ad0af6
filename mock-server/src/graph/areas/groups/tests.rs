//! Groups over HTTP.

use serde_json::{Value, json};

use crate::graph::tests::{Bench, Token};

fn unified(name: &str) -> Value {
    json!({
        "displayName": name, "groupTypes": ["Unified"], "mailEnabled": true,
        "mailNickname": name, "securityEnabled": false,
    })
}

fn app(bench: &Bench) -> Token {
    bench.app_only(&[
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "User.ReadWrite.All",
    ])
}

#[tokio::test]
async fn a_group_needs_a_name_and_a_nickname_of_its_own() {
    let bench = Bench::new();
    let app = app(&bench);
    for missing in [
        "displayName",
        "mailEnabled",
        "mailNickname",
        "securityEnabled",
    ] {
        let mut body = unified("sales");
        body.as_object_mut().unwrap().remove(missing);
        let answer = bench.post(&app, "/v1.0/groups", body).await.expect(400);
        assert_eq!(
            answer.body["error"]["message"],
            format!("A value is required for property '{missing}' of resource 'Group'.")
        );
    }
    let group = bench
        .post(&app, "/v1.0/groups", unified("sales"))
        .await
        .expect(201);
    assert_eq!(group.body["mail"], "sales@contoso.onmicrosoft.com");
    assert_eq!(
        bench
            .post(&app, "/v1.0/groups", unified("Sales"))
            .await
            .refused(400),
        "Request_BadRequest"
    );
    let find = "/v1.0/groups?$search=%22displayName:sal%22";
    let eventual = [("consistencylevel", "eventual")];
    let found = bench
        .send("GET", &app, find, &eventual, Value::Null)
        .await
        .expect(200);
    assert_eq!(found.values().len(), 1);
}

#[tokio::test]
async fn a_deleted_microsoft_365_group_can_be_restored_with_its_members() {
    let bench = Bench::new();
    let app = app(&bench);
    let alice = bench.user("alice");
    let mut body = unified("sales");
    body["members@odata.bind"] = json!([format!("https://graph.microsoft.com/v1.0/users/{alice}")]);
    let id = bench
        .post(&app, "/v1.0/groups", body)
        .await
        .expect(201)
        .id();
    let group = format!("/v1.0/groups/{id}");
    bench
        .send("DELETE", &app, &group, &[], Value::Null)
        .await
        .expect(204);
    bench.get(&app, &group).await.expect(404);
    let of_alice = format!("/v1.0/users/{alice}/memberOf");
    assert!(
        bench
            .get(&app, &of_alice)
            .await
            .expect(200)
            .values()
            .is_empty()
    );
    let deleted = "/v1.0/directory/deletedItems";
    let list = bench
        .get(&app, &format!("{deleted}/microsoft.graph.group"))
        .await
        .expect(200);
    assert_eq!(list.values()[0]["id"], id);
    assert!(list.values()[0]["deletedDateTime"].is_string());
    let people = bench
        .get(&app, &format!("{deleted}/microsoft.graph.user"))
        .await
        .expect(200);
    assert!(people.values().is_empty());

    bench
        .post(&app, &format!("{deleted}/{id}/restore"), Value::Null)
        .await
        .expect(200);
    assert_eq!(
        bench.get(&app, &group).await.expect(200).body["deletedDateTime"],
        Value::Null
    );
    let members = bench
        .get(&app, &format!("{group}/members"))
        .await
        .expect(200);
    assert_eq!(members.values()[0]["id"], alice.to_string());

    bench
        .send("DELETE", &app, &group, &[], Value::Null)
        .await
        .expect(204);
    let one = format!("{deleted}/{id}");
    bench
        .send("DELETE", &app, &one, &[], Value::Null)
        .await
        .expect(204);
    bench.get(&app, &one).await.expect(404);
}

#[tokio::test]
async fn members_of_a_dynamic_group_follow_its_rule() {
    let bench = Bench::new();
    let app = app(&bench);
    let body = json!({
        "displayName": "Sales", "groupTypes": ["DynamicMembership"], "mailEnabled": false,
        "mailNickname": "sales", "membershipRule": "user.department -eq \"Sales\"",
        "membershipRuleProcessingState": "On", "securityEnabled": true,
    });
    let id = bench
        .post(&app, "/v1.0/groups", body)
        .await
        .expect(201)
        .id();
    let members = format!("/v1.0/groups/{id}/members");
    assert!(
        bench
            .get(&app, &members)
            .await
            .expect(200)
            .values()
            .is_empty()
    );
    let alice = bench.user("alice");
    let path = format!("/v1.0/users/{alice}");
    let change = json!({"department": "Sales"});
    bench
        .send("PATCH", &app, &path, &[], change)
        .await
        .expect(204);
    let found = bench.get(&app, &members).await.expect(200);
    assert_eq!(found.values()[0]["id"], alice.to_string());
    let asked = bench
        .post(
            &app,
            &format!("{path}/getMemberGroups"),
            json!({"securityEnabledOnly": true}),
        )
        .await
        .expect(200);
    assert_eq!(asked.body["value"], json!([id]));
    let link = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", bench.user("bob"))});
    bench
        .post(&app, &format!("{members}/$ref"), link)
        .await
        .expect(403);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let bench = Bench::new();
    let root = bench.delegated("root", &["Group.ReadWrite.All"]);
    let id = bench
        .post(&root, "/v1.0/groups", unified("sales"))
        .await
        .expect(201)
        .id();
    let owners = format!("/v1.0/groups/{id}/owners");
    let list = bench.get(&root, &owners).await.expect(200);
    assert_eq!(list.values()[0]["id"], bench.user("root").to_string());
    let one = format!("{owners}/{}/$ref", bench.user("root"));
    assert_eq!(
        bench
            .send("DELETE", &root, &one, &[], Value::Null)
            .await
            .refused(400),
        "Request_BadRequest"
    );
}

#[tokio::test]
async fn groups_expand_their_members_and_deltas_say_what_can_be_restored() {
    let bench = Bench::new();
    let app = app(&bench);
    let alice = bench.user("alice");
    let mut body = unified("sales");
    body["members@odata.bind"] = json!([format!("https://graph.microsoft.com/v1.0/users/{alice}")]);
    let id = bench
        .post(&app, "/v1.0/groups", body)
        .await
        .expect(201)
        .id();
    let expanded = bench
        .get(
            &app,
            &format!("/v1.0/groups/{id}?$expand=members($select=id,displayName)"),
        )
        .await
        .expect(200);
    assert_eq!(expanded.body["members"][0]["displayName"], "Alice Archer");
    let of_user = bench
        .get(&app, &format!("/v1.0/users/{alice}?$expand=memberOf"))
        .await
        .expect(200);
    assert_eq!(of_user.body["memberOf"][0]["id"], id);
    let first = bench.get(&app, "/v1.0/groups/delta").await.expect(200);
    let link = first.body["@odata.deltaLink"].as_str().unwrap().to_owned();
    let path = link.split_once("graph.microsoft.com").unwrap().1.to_owned();
    let group = format!("/v1.0/groups/{id}");
    bench
        .send("DELETE", &app, &group, &[], Value::Null)
        .await
        .expect(204);
    let last = bench.get(&app, &path).await.expect(200);
    assert_eq!(
        last.values(),
        [json!({"id": id, "@removed": {"reason": "changed"}})]
    );
}

#[tokio::test]
async fn changes_of_people_are_told_by_a_delta() {
    let bench = Bench::new();
    let app = app(&bench);
    let first = bench
        .get(&app, "/v1.0/users/delta?$select=displayName,department")
        .await
        .expect(200);
    assert!(first.values().len() >= 5);
    let next = |answer: &crate::graph::tests::Answer| {
        let link = answer.body["@odata.deltaLink"].as_str().unwrap().to_owned();
        link.split_once("graph.microsoft.com").unwrap().1.to_owned()
    };
    let path = next(&first);
    assert!(bench.get(&app, &path).await.expect(200).values().is_empty());
    let bob = format!("/v1.0/users/{}", bench.user("bob"));
    let change = json!({"department": "Legal"});
    bench
        .send("PATCH", &app, &bob, &[], change)
        .await
        .expect(204);
    let changed = bench.get(&app, &path).await.expect(200);
    assert_eq!(changed.values().len(), 1);
    assert_eq!(changed.values()[0]["department"], "Legal");
    bench
        .send("DELETE", &app, &bob, &[], Value::Null)
        .await
        .expect(204);
    let gone = bench.get(&app, &next(&changed)).await.expect(200);
    assert_eq!(gone.values()[0]["@removed"]["reason"], "changed");
}

#[test]
fn the_identifier_is_the_one_that_the_service_makes_of_an_id() {
    // Recorded: Azure/azure-cli, test_group_scenario (2022).
    assert_eq!(
        super::security_identifier("a3f6c606-38ec-42d7-8c0e-d4ecaf0d9d61"),
        "S-1-12-1-2750858758-1121401068-3973320332-1637682607"
    );
}

#[tokio::test]
async fn a_group_is_no_member_of_itself() {
    let bench = Bench::new();
    let app = app(&bench);
    let made = bench.post(&app, "/v1.0/groups", unified("round")).await;
    let id = made.expect(201).id();
    let link =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    let members = format!("/v1.0/groups/{id}/members");
    let refused = bench.post(&app, &format!("{members}/$ref"), link).await;
    assert_eq!(refused.refused(400), "Request_BadRequest");
    let list = bench.get(&app, &members).await.expect(200);
    assert!(list.values().is_empty());
}

#[tokio::test]
async fn members_that_a_change_binds_are_checked_like_those_that_are_added() {
    let bench = Bench::new();
    let app = app(&bench);
    let id = bench
        .post(&app, "/v1.0/groups", unified("several"))
        .await
        .expect(201)
        .id();
    let group = format!("/v1.0/groups/{id}");
    let bound = |object: &str| {
        let address = format!("https://graph.microsoft.com/v1.0/directoryObjects/{object}");
        json!({"members@odata.bind": [address]})
    };
    let (alice, bob) = (bench.user("alice"), bench.user("bob"));
    let change = async |body: Value| bench.send("PATCH", &app, &group, &[], body).await;
    change(bound(&alice.to_string())).await.expect(204);
    let again = change(bound(&alice.to_string())).await;
    assert!(again.text.contains("already exist"), "{}", again.text);
    assert_eq!(again.refused(400), "Request_BadRequest");
    let itself = change(bound(&id)).await;
    assert!(itself.text.contains("member of itself"), "{}", itself.text);
    change(bound(&bob.to_string())).await.expect(204);
    let members = bench.get(&app, &format!("{group}/members")).await;
    assert_eq!(members.expect(200).values().len(), 2);
}
