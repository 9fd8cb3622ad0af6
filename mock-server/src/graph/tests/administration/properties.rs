//! What can be written of users, registrations and service principals, and what is refused.

use super::*;

const APPS: &[&str] = &["Application.ReadWrite.All"];

impl Office {
    /// A new registration: its path.
    async fn registered(&self, body: Value) -> String {
        let admin = self.admin(APPS);
        let made = self.call(&admin, "POST", "/v1.0/applications", body).await;
        format!("/v1.0/applications/{}", made.expect(201).id())
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(&self.admin(APPS), "PATCH", path, body).await
    }
}

#[tokio::test]
async fn command_line_tools_make_apps_with_what_they_always_send() {
    let office = Office::new();
    let admin = office.admin(APPS);
    // azure-cli: az ad app create, az ad sp create, az ad app credential reset.
    let app = office
        .registered(json!({
            "displayName": "cli", "isFallbackPublicClient": false, "keyCredentials": [],
            "signInAudience": "AzureADMyOrg", "appRoles": [], "web": {
                "homePageUrl": "https://app.example/", "redirectUris": ["https://app.example/cb"],
                "implicitGrantSettings": {"enableIdTokenIssuance": "true"},
            },
        }))
        .await;
    let read = office.get(&admin, &app).await;
    assert_eq!(read["web"]["homePageUrl"], "https://app.example/");
    let grant = &read["web"]["implicitGrantSettings"];
    assert_eq!(
        grant["enableIdTokenIssuance"], true,
        "a text stands for a boolean"
    );
    let body = json!({"appId": read["appId"], "accountEnabled": true});
    let made = office
        .call(&admin, "POST", "/v1.0/servicePrincipals", body)
        .await
        .expect(201);
    assert_eq!(made.body["accountEnabled"], true);
    assert_eq!(made.body["appRoleAssignmentRequired"], false);
    let path = format!("{app}/addPassword");
    let secret = office
        .call(&admin, "POST", &path, json!({"displayName": "x"}))
        .await
        .expect(200);
    assert_eq!(secret.body["displayName"], Value::Null, "it is not wrapped");
    let wrapped = json!({"passwordCredential": {"displayName": "x"}});
    let secret = office
        .call(&admin, "POST", &path, wrapped)
        .await
        .expect(200);
    assert_eq!(secret.body["displayName"], "x");
}

#[tokio::test]
async fn an_api_is_written_read_back_and_kept_while_it_is_enabled() {
    let office = Office::new();
    let admin = office.admin(APPS);
    let app = office.registered(json!({"displayName": "api"})).await;
    let scope = json!({
        "id": "11111111-0000-0000-0000-000000000001", "value": "read", "type": "User",
        "isEnabled": true, "adminConsentDisplayName": "Read", "adminConsentDescription": "Reads",
        "userConsentDisplayName": null, "userConsentDescription": null,
    });
    let role = json!({
        "id": "11111111-0000-0000-0000-000000000002", "value": "Task.Do", "isEnabled": true,
        "displayName": "Do tasks", "description": "Does", "allowedMemberTypes": ["Application"],
    });
    let client = "11111111-0000-0000-0000-000000000003";
    let api = json!({
        "oauth2PermissionScopes": [scope], "requestedAccessTokenVersion": 2,
        "knownClientApplications": [client],
        "preAuthorizedApplications": [{"appId": client, "delegatedPermissionIds": [scope["id"]]}],
    });
    office
        .patch(&app, json!({"api": api, "appRoles": [role]}))
        .await
        .expect(204);
    let read = office.get(&admin, &app).await;
    for (name, value) in scope.as_object().unwrap() {
        assert_eq!(
            read["api"]["oauth2PermissionScopes"][0][name], *value,
            "{name}"
        );
    }
    for (name, value) in role.as_object().unwrap() {
        assert_eq!(read["appRoles"][0][name], *value, "{name}");
    }
    for name in [
        "requestedAccessTokenVersion",
        "knownClientApplications",
        "preAuthorizedApplications",
    ] {
        assert_eq!(read["api"][name], api[name], "{name}");
    }
    let without = json!({"api": {"oauth2PermissionScopes": []}});
    let refused = office.patch(&app, without.clone()).await;
    assert_eq!(why(refused, 400), "CannotDeleteOrUpdateEnabledEntitlement");
    let refused = office.patch(&app, json!({"appRoles": []})).await;
    assert_eq!(why(refused, 400), "CannotDeleteOrUpdateEnabledEntitlement");
    let mut disabled = scope.clone();
    disabled["isEnabled"] = json!(false);
    office
        .patch(&app, json!({"api": {"oauth2PermissionScopes": [disabled]}}))
        .await
        .expect(204);
    let read = office.get(&admin, &app).await;
    assert_eq!(read["api"]["oauth2PermissionScopes"][0]["isEnabled"], false);
    assert_eq!(read["api"]["requestedAccessTokenVersion"], 2, "others stay");
    office.patch(&app, without).await.expect(204);
    for wrong in [
        json!({"api": {"requestedAccessTokenVersion": 3}}),
        json!({"api": {"oauth2PermissionScopes": [{"id": "x", "value": "a"}]}}),
        json!({"api": {"oauth2PermissionScopes": [{"id": client, "value": "a b"}]}}),
        json!({"api": {"oauth2PermissionScopes": [{"id": client, "value": "a"}, {"id": client, "value": "b"}]}}),
        json!({"appRoles": [{"id": client, "value": "a", "displayName": "a", "allowedMemberTypes": []}]}),
        json!({"appRoles": [{"id": client, "value": "a", "displayName": "a", "allowedMemberTypes": ["Robot"]}]}),
    ] {
        office.patch(&app, wrong).await.expect(400);
    }
}

#[tokio::test]
async fn descriptive_properties_are_kept_and_cleared() {
    let office = Office::new();
    let admin = office.admin(APPS);
    let app = office.registered(json!({"displayName": "notes"})).await;
    let written = json!({
        "notes": "n", "description": "d", "tags": ["a"], "serviceManagementReference": "r",
        "info": {"termsOfServiceUrl": "https://app.example/terms"},
    });
    office.patch(&app, written).await.expect(204);
    let read = office.get(&admin, &app).await;
    assert_eq!(
        (&read["notes"], &read["tags"]),
        (&json!("n"), &json!(["a"]))
    );
    assert_eq!(
        read["info"]["termsOfServiceUrl"],
        "https://app.example/terms"
    );
    assert_eq!(read["info"]["logoUrl"], Value::Null);
    office
        .patch(&app, json!({"notes": null, "tags": []}))
        .await
        .expect(204);
    let read = office.get(&admin, &app).await;
    assert_eq!((&read["notes"], &read["tags"]), (&Value::Null, &json!([])));
    let found = office.get(&admin, &format!("{app}?$select=appId")).await;
    let principal = json!({"appId": found["appId"], "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        "appRoleAssignmentRequired": true});
    let made = office
        .call(&admin, "POST", "/v1.0/servicePrincipals", principal)
        .await
        .expect(201);
    assert_eq!(made.body["appRoleAssignmentRequired"], true);
    let path = format!("/v1.0/servicePrincipals/{}", made.id());
    office
        .patch(&path, json!({"notes": "kept"}))
        .await
        .expect(204);
    let read = office.get(&admin, &path).await;
    assert_eq!(read["notes"], "kept");
    assert_eq!(read["tags"][0], "WindowsAzureActiveDirectoryIntegratedApp");
}

#[tokio::test]
async fn what_is_read_only_what_is_wrong_and_what_is_not_kept_are_told_apart() {
    let office = Office::new();
    let app = office.application("own-app");
    let principal = office.principal("own-app");
    let user = format!("/v1.0/users/{}", office.id("alice"));
    let admin = office.admin(&["Application.ReadWrite.All", "User.ReadWrite.All"]);
    for (path, body, code, text, marked) in [
        (
            &user,
            json!({"createdDateTime": "2020-01-01T00:00:00Z"}),
            "Request_BadRequest",
            "read-only",
            false,
        ),
        (
            &user,
            json!({"onPremisesSyncEnabled": true}),
            "Request_BadRequest",
            "read-only",
            false,
        ),
        (
            &user,
            json!({"mail": "x@y.example"}),
            "Request_BadRequest",
            "does not keep",
            true,
        ),
        (
            &user,
            json!({"colour": "red"}),
            "RequestBodyRead",
            "does not exist",
            false,
        ),
        (
            &user,
            json!({"accountEnabled": null}),
            "Request_BadRequest",
            "Invalid value",
            false,
        ),
        (
            &user,
            json!({"displayName": null}),
            "Request_BadRequest",
            "Invalid value",
            false,
        ),
        (
            &app,
            json!({"appId": "x"}),
            "Request_BadRequest",
            "read-only",
            false,
        ),
        (
            &app,
            json!({"tokenEncryptionKeyId": null}),
            "Request_BadRequest",
            "does not keep",
            true,
        ),
        (
            &app,
            json!({"displayName": ""}),
            "Request_BadRequest",
            "Invalid value",
            false,
        ),
        (
            &app,
            json!({"colour": "red"}),
            "RequestBodyRead",
            "does not exist",
            false,
        ),
        (
            &principal,
            json!({"servicePrincipalType": "x"}),
            "Request_BadRequest",
            "read-only",
            false,
        ),
        (
            &principal,
            json!({"accountEnabled": null}),
            "Request_BadRequest",
            "Invalid value",
            false,
        ),
        (
            &principal,
            json!({"replyUrls": []}),
            "Request_BadRequest",
            "does not keep",
            true,
        ),
    ] {
        let answer = office.call(&admin, "PATCH", path, body.clone()).await;
        assert_eq!(answer.annotation.unsupported.is_some(), marked, "{body}");
        assert!(answer.text.contains(text), "{body}: {}", answer.text);
        assert_eq!(why(answer, 400), code, "{body}");
    }
    let extension = json!({"onPremisesExtensionAttributes": {"extensionAttribute1": "blue"}});
    office
        .call(&admin, "PATCH", &user, extension)
        .await
        .expect(204);
    let read = office
        .get(
            &admin,
            &format!("{user}?$select=onPremisesExtensionAttributes"),
        )
        .await;
    let read = &read["onPremisesExtensionAttributes"];
    assert_eq!(read["extensionAttribute1"], "blue");
}
