//! Directory roles given and taken by Graph: what the tokens say, and what their holders may do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

/// Source of the ids: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const READER: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
/// Whoever holds none.
const MEMBER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";

/// The `wids` of a person's next token.
fn roles(bench: &Bench, user: &'static str) -> Vec<String> {
    let token = bench.token(&bench.delegated(user, &["User.Read"]));
    let payload = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let roles = claims["wids"].as_array().unwrap();
    roles
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_role_that_is_given_is_in_the_next_token_and_counts() {
    let bench = Bench::new();
    let app = bench.app_only(&["RoleManagement.ReadWrite.Directory"]);
    let (alice, bob) = (bench.user("alice"), bench.user("bob"));
    let change = async || {
        let token = bench.delegated("alice", &["User.ReadWrite.All"]);
        let path = format!("/v1.0/users/{bob}");
        bench
            .send("PATCH", &token, &path, &[], json!({"jobTitle": "Buyer"}))
            .await
    };
    assert_eq!(roles(&bench, "alice"), [MEMBER]);
    assert_eq!(change().await.refused(403), "Authorization_RequestDenied");
    let activated = json!({"roleTemplateId": USER_ADMINISTRATOR});
    bench
        .post(&app, "/v1.0/directoryRoles", activated)
        .await
        .expect(201);
    let members = format!("/v1.0/directoryRoles(roleTemplateId='{USER_ADMINISTRATOR}')/members");
    let link = format!("https://graph.microsoft.com/v1.0/directoryObjects/{alice}");
    bench
        .post(&app, &format!("{members}/$ref"), json!({"@odata.id": link}))
        .await
        .expect(204);
    assert!(roles(&bench, "alice").contains(&USER_ADMINISTRATOR.to_owned()));
    assert_eq!(roles(&bench, "bob"), [MEMBER]);
    change().await.expect(204);
    let held = bench.get(&app, &members).await.expect(200);
    assert_eq!(held.values()[0]["id"], json!(alice));
    let gone = format!("{members}/{alice}/$ref");
    bench
        .send("DELETE", &app, &gone, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(roles(&bench, "alice"), [MEMBER]);
    assert_eq!(change().await.refused(403), "Authorization_RequestDenied");
}

#[tokio::test]
async fn an_assignment_is_a_role_held() {
    let bench = Bench::new();
    let app = bench.app_only(&["RoleManagement.ReadWrite.Directory"]);
    let alice = bench.user("alice");
    let assignments = "/v1.0/roleManagement/directory/roleAssignments";
    let wanted = json!({
        "@odata.type": "#microsoft.graph.unifiedRoleAssignment",
        "principalId": alice, "roleDefinitionId": READER, "directoryScopeId": "/",
    });
    let made = bench.post(&app, assignments, wanted.clone()).await;
    let made = made.expect(201);
    assert!(roles(&bench, "alice").contains(&READER.to_owned()));
    let twice = bench.post(&app, assignments, wanted).await;
    assert_eq!(twice.status, 400, "{}", twice.text);
    let path = format!("{assignments}/{}", made.body["id"].as_str().unwrap());
    bench
        .send("DELETE", &app, &path, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(roles(&bench, "alice"), [MEMBER]);
    // Who may only read gives no role.
    let weak = bench.app_only(&["RoleManagement.Read.Directory"]);
    let refused = bench.post(&weak, assignments, json!({})).await;
    assert_eq!(refused.refused(403), "Authorization_RequestDenied");
}
