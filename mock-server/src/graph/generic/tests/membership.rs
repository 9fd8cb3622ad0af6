//! Membership: what follows from links, and the questions about it.

use serde_json::{Value, json};

use crate::graph::tests::{Bench, Token};

async fn group(bench: &Bench, app: &Token, name: &str) -> String {
    let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
    bench.post(app, "/v1.0/groups", body).await.expect(201).id()
}

async fn add(bench: &Bench, app: &Token, group: &str, member: &str) {
    let link =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{member}")});
    bench
        .post(app, &format!("/v1.0/groups/{group}/members/$ref"), link)
        .await
        .expect(204);
}

#[tokio::test]
async fn membership_is_transitive_where_it_is_asked_so() {
    let bench = Bench::new();
    let app = bench.app_only(&[
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
        "User.Read.All",
    ]);
    let (inner, outer) = (
        group(&bench, &app, "Inner").await,
        group(&bench, &app, "Outer").await,
    );
    let alice = bench.user("alice").to_string();
    add(&bench, &app, &inner, &alice).await;
    add(&bench, &app, &outer, &inner).await;
    // A circle ends.
    add(&bench, &app, &inner, &outer).await;

    let ids = |answer: &crate::graph::tests::Answer| -> Vec<String> {
        answer
            .values()
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let direct = bench
        .get(&app, &format!("/v1.0/users/{alice}/memberOf"))
        .await
        .expect(200);
    assert_eq!(ids(&direct), std::slice::from_ref(&inner));
    assert_eq!(direct.values()[0]["@odata.type"], "#microsoft.graph.group");
    let all = bench
        .get(&app, &format!("/v1.0/users/{alice}/transitiveMemberOf"))
        .await
        .expect(200);
    assert_eq!(all.values().len(), 2);
    let members = bench
        .get(&app, &format!("/v1.0/groups/{outer}/transitiveMembers"))
        .await
        .expect(200);
    assert!(ids(&members).contains(&alice) && !ids(&members).contains(&outer));

    let own = bench.delegated("alice", &["GroupMember.Read.All", "User.Read"]);
    let asked = bench
        .post(
            &own,
            "/v1.0/me/getMemberGroups",
            json!({"securityEnabledOnly": true}),
        )
        .await
        .expect(200);
    assert_eq!(asked.values().len(), 2);
    let check = json!({"groupIds": [outer, "5f0bf3a7-0000-4000-8000-000000000000"]});
    let checked = bench
        .post(&own, "/v1.0/me/checkMemberGroups", check)
        .await
        .expect(200);
    assert_eq!(checked.values(), [json!(outer)]);
    let many: Vec<Value> = (0..21).map(|it| json!(it.to_string())).collect();
    let refused = bench
        .post(
            &own,
            "/v1.0/me/checkMemberGroups",
            json!({"groupIds": many}),
        )
        .await;
    assert_eq!(refused.refused(400), "Request_BadRequest");
    let found = bench
        .post(
            &app,
            "/v1.0/directoryObjects/getByIds",
            json!({"ids": [alice, inner], "types": ["user"]}),
        )
        .await
        .expect(200);
    assert_eq!(ids(&found), [alice]);
}

#[tokio::test]
async fn who_registers_an_app_owns_it() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Application.ReadWrite.All", "User.Read"]);
    let app = bench
        .post(&alice, "/v1.0/applications", json!({"displayName": "Own"}))
        .await
        .expect(201);
    let owners = bench
        .get(&alice, &format!("/v1.0/applications/{}/owners", app.id()))
        .await
        .expect(200);
    assert_eq!(owners.values()[0]["displayName"], "Alice Archer");
    let owned = bench.get(&alice, "/v1.0/me/ownedObjects").await.expect(200);
    assert_eq!(owned.values()[0]["displayName"], "Own");
}

#[tokio::test]
async fn what_other_endpoints_keep_is_not_written_beside_them() {
    let bench = Bench::new();
    let app = bench.app_only(&[
        "Organization.ReadWrite.All",
        "Directory.ReadWrite.All",
        "Domain.ReadWrite.All",
    ]);
    let answer = bench
        .post(&app, "/v1.0/domains", json!({"id": "new.example"}))
        .await;
    assert_eq!(answer.refused(501), "NotInTheMock");
}

#[tokio::test]
async fn what_a_body_brings_along_is_below_what_it_creates() {
    let bench = Bench::new();
    let alice = bench.delegated(
        "alice",
        &["Chat.Create", "Chat.ReadWrite", "ChatMember.ReadWrite"],
    );
    let member = |user: &str| {
        json!({"@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
            "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{}')", bench.user(user))})
    };
    let body = json!({"chatType": "group", "members": [member("alice"), member("bob")]});
    let chat = bench.post(&alice, "/v1.0/chats", body).await.expect(201);
    assert!(chat.body.get("members").is_none(), "{}", chat.text);
    let members = bench
        .get(&alice, &format!("/v1.0/chats/{}/members", chat.id()))
        .await
        .expect(200);
    assert_eq!(members.body["@odata.count"], 2);
    assert_eq!(members.values()[1]["userId"], bench.user("bob").to_string());
}

#[tokio::test]
async fn a_manager_has_reports() {
    let bench = Bench::new();
    let app = bench.app_only(&["User.ReadWrite.All", "Directory.ReadWrite.All"]);
    let (alice, bob) = (bench.user("alice"), bench.user("bob"));
    let link = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/users/{bob}")});
    let path = format!("/v1.0/users/{alice}/manager");
    bench.get(&app, &path).await.expect(404);
    bench
        .send("PUT", &app, &format!("{path}/$ref"), &[], link)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&app, &path).await.expect(200).body["displayName"],
        "Bob Baker"
    );
    let reports = bench
        .get(&app, &format!("/v1.0/users/{bob}/directReports"))
        .await
        .expect(200);
    assert_eq!(reports.values()[0]["displayName"], "Alice Archer");
    bench
        .send("DELETE", &app, &format!("{path}/$ref"), &[], Value::Null)
        .await
        .expect(204);
    bench.get(&app, &path).await.expect(404);
}
