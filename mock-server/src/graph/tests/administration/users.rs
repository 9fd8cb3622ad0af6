//! Users: what is written, who may write it, and what dies.

use super::*;

/// A row of the documented actions: the call, with which permission, and what the next refresh of
/// the user's token says.
struct Action {
    method: &'static str,
    path: &'static str,
    body: Value,
    permission: &'static str,
    status: u16,
    /// The code, 0 for alive, for a public and for a confidential client.
    refresh: [u64; 2],
}

fn actions() -> Vec<Action> {
    let row = |method, path, body, permission, status, refresh| Action {
        method,
        path,
        body,
        permission,
        status,
        refresh,
    };
    let password = json!({"passwordProfile": {"password": "Another-pass-1"}});
    vec![
        row(
            "POST",
            "/v1.0/users/{id}/revokeSignInSessions",
            Value::Null,
            "User.RevokeSessions.All",
            200,
            [50173, 50173],
        ),
        row(
            "POST",
            "/beta/users/{id}/invalidateAllRefreshTokens",
            Value::Null,
            "Directory.ReadWrite.All",
            200,
            [50173, 50173],
        ),
        row(
            "PATCH",
            "/v1.0/users/{id}",
            json!({"accountEnabled": false}),
            "User.EnableDisableAccount.All User.Read.All",
            204,
            [50057, 50057],
        ),
        row(
            "PATCH",
            "/v1.0/users/{id}",
            password,
            "User-PasswordProfile.ReadWrite.All",
            204,
            [50173, 0],
        ),
        row(
            "POST",
            "/v1.0/users/{id}/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword",
            json!({"newPassword": "Another-pass-1"}),
            "UserAuthenticationMethod.ReadWrite.All",
            202,
            [50173, 0],
        ),
        row(
            "DELETE",
            "/v1.0/users/{id}",
            Value::Null,
            "User.DeleteRestore.All",
            204,
            [500341, 500341],
        ),
        row(
            "POST",
            "/v1.0/users/{id}/assignLicense",
            json!({"addLicenses": [], "removeLicenses": ["19ec0d23-8335-4cbd-94ac-6050e30712fa"]}),
            "User.ReadWrite.All",
            200,
            [0, 0],
        ),
        row(
            "PATCH",
            "/v1.0/users/{id}",
            json!({"displayName": "Alice", "usageLocation": "DE"}),
            "User.ReadWrite.All",
            204,
            [0, 0],
        ),
        row(
            "PATCH",
            "/v1.0/users/{id}",
            json!({"userPrincipalName": "alice.a@contoso.onmicrosoft.com"}),
            "User.ReadWrite.All",
            204,
            [0, 0],
        ),
    ]
}

#[tokio::test]
async fn each_action_on_a_user_has_its_permission_its_role_and_its_effect_on_tokens() {
    for action in actions() {
        let office = Office::new();
        let apps = ["native-app", "own-app"];
        let tokens = [
            office.sign_in("alice", apps[0]).await,
            office.sign_in("alice", apps[1]).await,
        ];
        let path = action.path.replace("{id}", &office.id("alice"));
        let what = format!("{} {}", action.method, action.path);
        let permissions: Vec<&str> = action.permission.split(' ').collect();
        let call = async |token: &Token| {
            office
                .call(token, action.method, &path, action.body.clone())
                .await
        };
        for refused in [
            // Nobody's role, another permission, and (for a pair) half of the permissions.
            office.of("bob", &permissions),
            office.admin(&["User.Read.All"]),
            office.app_only(&["User.Read.All"]),
        ] {
            assert_eq!(
                why(call(&refused).await, 403),
                "Authorization_RequestDenied",
                "{what}"
            );
        }
        for (app, token) in apps.iter().zip(&tokens) {
            assert_eq!(office.refresh(app, token).await, 0, "{what}");
        }
        call(&office.admin(&permissions))
            .await
            .expect(action.status);
        for ((app, token), expected) in apps.iter().zip(&tokens).zip(action.refresh) {
            assert_eq!(office.refresh(app, token).await, expected, "{what} {app}");
        }
    }
}

#[tokio::test]
async fn apps_do_with_application_permissions_what_the_table_says() {
    let office = Office::new();
    let token = office.sign_in("alice", "native-app").await;
    let alice = format!("/v1.0/users/{}", office.id("alice"));
    let revoke = format!("{alice}/revokeSignInSessions");
    let app = office.app_only(&["User.RevokeSessions.All"]);
    office
        .call(&app, "POST", &revoke, Value::Null)
        .await
        .expect(200);
    assert_eq!(office.refresh("native-app", &token).await, 50173);
    // Authentication methods take no application permission.
    let reset = format!(
        "{alice}/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword"
    );
    let app = office.app_only(&["UserAuthenticationMethod.ReadWrite.All"]);
    let body = json!({"newPassword": "Another-pass-1"});
    why(office.call(&app, "POST", &reset, body).await, 403);
}

#[tokio::test]
async fn users_revoke_and_change_their_own() {
    let office = Office::new();
    let token = office.sign_in("alice", "own-app").await;
    let own = office.of("alice", &["User.RevokeSessions.All"]);
    office
        .call(&own, "POST", "/v1.0/me/revokeSignInSessions", Value::Null)
        .await
        .expect(200);
    assert_eq!(office.refresh("own-app", &token).await, 50173);
    let token = office.sign_in("alice", "native-app").await;
    let own = office.of("alice", &["Directory.AccessAsUser.All"]);
    let change = async |current: &str, new: &str| {
        let body = json!({"currentPassword": current, "newPassword": new});
        office
            .call(&own, "POST", "/v1.0/me/changePassword", body)
            .await
    };
    let current = &office.facts.users["alice"].password;
    assert_eq!(
        why(change("wrong", "Another-pass-1").await, 400),
        "Request_BadRequest"
    );
    let weak = change(current, "weak").await;
    assert!(weak.text.contains("complexity"), "{}", weak.text);
    assert_eq!(office.refresh("native-app", &token).await, 0);
    change(current, "Another-pass-1").await.expect(204);
    assert_eq!(office.refresh("native-app", &token).await, 50173);
    // A person's own profile, but for what only an administrator writes.
    let own = office.of("alice", &["User.ReadWrite"]);
    let patch = async |body| office.call(&own, "PATCH", "/v1.0/me", body).await;
    patch(json!({"mobilePhone": "+49 30 1"})).await.expect(204);
    why(patch(json!({"accountEnabled": false})).await, 403);
    why(patch(json!({"displayName": "A"})).await, 403);
    let read = office.get(&own, "/v1.0/me?$select=mobilePhone").await;
    assert_eq!(read["mobilePhone"], "+49 30 1");
}

#[tokio::test]
async fn the_legacy_action_is_beta_only_and_reset_password_not_in_china() {
    let office = Office::new();
    let admin = office.admin(&["Directory.ReadWrite.All"]);
    let path = format!(
        "/v1.0/users/{}/invalidateAllRefreshTokens",
        office.id("alice")
    );
    let answer = office
        .call(&admin, "POST", &path, Value::Null)
        .await
        .expect(400);
    assert_eq!(
        answer.body["error"]["message"],
        "Resource not found for the segment 'invalidateAllRefreshTokens'."
    );
    assert_eq!(answer.annotation.unsupported, None);
    let office = Office::at(Environment::China);
    let admin = office.admin(&["UserAuthenticationMethod.ReadWrite.All"]);
    let path = format!(
        "/v1.0/users/{}/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword",
        office.id("alice")
    );
    let answer = office
        .call(&admin, "POST", &path, json!({}))
        .await
        .expect(400);
    assert_eq!(answer.annotation.unsupported, None);
}

#[tokio::test]
async fn administrators_are_written_by_higher_ones_only() {
    let office = Office::new();
    let admin = format!("/v1.0/users/{}", office.id("admin"));
    let body = json!({"accountEnabled": false});
    let app = office.app_only(&["User.ReadWrite.All"]);
    why(office.call(&app, "PATCH", &admin, body.clone()).await, 403);
    let bob = {
        office.bench.tenant.write(|directory| {
            let bob = directory.user_id("bob").unwrap();
            let roles = &mut directory.users[&bob].roles;
            roles.insert(crate::directory::DirectoryRole::UserAdministrator);
        });
        office.of("bob", &["User.ReadWrite.All"])
    };
    why(office.call(&bob, "PATCH", &admin, body.clone()).await, 403);
    let nora = format!("/v1.0/users/{}", office.id("nomail"));
    office.call(&bob, "PATCH", &nora, body).await.expect(204);
    office
        .call(&bob, "PATCH", &admin, json!({"city": "Bonn"}))
        .await
        .expect(204);
}

#[tokio::test]
async fn a_created_user_signs_in_and_a_deleted_one_is_restored() {
    let office = Office::new();
    let admin = office.admin(&["User.ReadWrite.All", "User.DeleteRestore.All"]);
    let upn = format!("dora@{}", office.facts.tenant.domain);
    let body = json!({
        "accountEnabled": true, "displayName": "Dora Dean", "mailNickname": "dora",
        "userPrincipalName": upn, "department": "Sales",
        "passwordProfile": {"password": "Dora-pass-1", "forceChangePasswordNextSignIn": false},
    });
    for missing in [
        "accountEnabled",
        "displayName",
        "mailNickname",
        "userPrincipalName",
        "passwordProfile",
    ] {
        let mut wrong = body.clone();
        wrong.as_object_mut().unwrap().shift_remove(missing);
        let answer = office
            .call(&admin, "POST", "/v1.0/users", wrong)
            .await
            .expect(400);
        assert!(answer.text.contains(missing), "{}", answer.text);
    }
    let answer = office
        .call(&admin, "POST", "/v1.0/users", body.clone())
        .await
        .expect(201);
    let id = answer.id();
    assert!(answer.header("location").ends_with(&format!(
        "/directoryObjects/{id}/Microsoft.DirectoryServices.User"
    )));
    let twice = office
        .call(&admin, "POST", "/v1.0/users", body.clone())
        .await
        .expect(400);
    assert!(twice.text.contains("already exists"), "{}", twice.text);
    let mut foreign = body;
    foreign["userPrincipalName"] = json!("dora@elsewhere.example");
    why(
        office.call(&admin, "POST", "/v1.0/users", foreign).await,
        400,
    );
    let client = office.facts.apps["native-app"].client_id.to_string();
    let sign_in = async || {
        let form = [
            ("grant_type", "password"),
            ("client_id", client.as_str()),
            ("username", upn.as_str()),
            ("password", "Dora-pass-1"),
            ("scope", "User.Read"),
        ];
        code(&office.token(&form).await)
    };
    assert_eq!(sign_in().await, 0);
    let path = format!("/v1.0/users/{id}");
    let read = office
        .get(&admin, &format!("{path}?$select=department,accountEnabled"))
        .await;
    assert_eq!(read["department"], "Sales");
    office
        .call(&admin, "DELETE", &path, Value::Null)
        .await
        .expect(204);
    assert_eq!(
        why(office.call(&admin, "GET", &path, Value::Null).await, 404),
        "Request_ResourceNotFound"
    );
    assert_eq!(sign_in().await, 500341);
    let deleted = "/v1.0/directory/deletedItems";
    let listed = office
        .get(&admin, &format!("{deleted}/microsoft.graph.user"))
        .await;
    assert_eq!(listed["value"][0]["id"], *id);
    let restore = format!("{deleted}/{id}/restore");
    office
        .call(&admin, "POST", &restore, Value::Null)
        .await
        .expect(200);
    assert_eq!(sign_in().await, 0);
    assert_eq!(
        why(
            office.call(&admin, "POST", &restore, Value::Null).await,
            404
        ),
        "Request_ResourceNotFound"
    );
    office
        .call(&admin, "DELETE", &path, Value::Null)
        .await
        .expect(204);
    let gone = format!("{deleted}/{id}");
    office
        .call(&admin, "DELETE", &gone, Value::Null)
        .await
        .expect(204);
    why(office.call(&admin, "GET", &gone, Value::Null).await, 404);
}

#[tokio::test]
async fn what_changed_is_read_back() {
    let office = Office::new();
    let admin = office.admin(&[
        "User.ReadWrite.All",
        "User-PasswordProfile.ReadWrite.All",
        "User.RevokeSessions.All",
    ]);
    let alice = format!("/v1.0/users/{}", office.id("alice"));
    let select = format!(
        "{alice}?$select=accountEnabled,signInSessionsValidFromDateTime,lastPasswordChangeDateTime"
    );
    let before = office.get(&admin, &select).await;
    assert_eq!(before["accountEnabled"], true);
    let revoke = format!("{alice}/revokeSignInSessions");
    office
        .call(&admin, "POST", &revoke, Value::Null)
        .await
        .expect(200);
    let revoked = office.get(&admin, &select).await;
    let sessions = "signInSessionsValidFromDateTime";
    let changed = "lastPasswordChangeDateTime";
    assert!(revoked[sessions].as_str() > before[sessions].as_str());
    assert_eq!(revoked[changed], before[changed]);
    let body = json!({
        "accountEnabled": false,
        "passwordProfile": {"password": "Another-pass-1", "forceChangePasswordNextSignIn": true},
    });
    office.call(&admin, "PATCH", &alice, body).await.expect(204);
    let after = office.get(&admin, &select).await;
    assert_eq!(after["accountEnabled"], false);
    assert!(after[changed].as_str() > before[changed].as_str());
    office.happen(&Event::EnableUser {
        user: "alice".to_owned(),
    });
    assert_eq!(code(&office.signs_in_with("Another-pass-1").await), 50055);
    // What is not a property, and what can't be written, changes nothing.
    for wrong in [
        json!({"id": "x"}),
        json!({"noSuch": 1}),
        json!({"accountEnabled": "no"}),
    ] {
        office
            .call(&admin, "PATCH", &alice, wrong)
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn a_licence_brings_the_mailbox_and_its_removal_takes_it() {
    let office = Office::new();
    let admin = office.admin(&["User.ReadWrite.All", "Organization.Read.All"]);
    let skus = office.get(&admin, "/v1.0/subscribedSkus").await;
    let sku = skus["value"][0]["skuId"].clone();
    let nora = format!("/v1.0/users/{}", office.id("nomail"));
    let mail = office.app_only(&["Mail.Read"]);
    let messages = format!("{nora}/messages");
    assert_eq!(
        why(office.bench.get(&mail, &messages).await, 404),
        "MailboxNotEnabledForRESTAPI"
    );
    let assign = format!("{nora}/assignLicense");
    let none = json!({"addLicenses": [], "removeLicenses": [sku]});
    why(
        office.call(&admin, "POST", &assign, none.clone()).await,
        400,
    );
    let body = json!({"addLicenses": [{"skuId": sku}], "removeLicenses": []});
    office.call(&admin, "POST", &assign, body).await.expect(200);
    office.get(&mail, &messages).await;
    office.call(&admin, "POST", &assign, none).await.expect(200);
    assert_eq!(
        why(office.bench.get(&mail, &messages).await, 404),
        "MailboxNotEnabledForRESTAPI"
    );
    let foreign = json!({"addLicenses": [{"skuId": office.id("bob")}], "removeLicenses": []});
    why(office.call(&admin, "POST", &assign, foreign).await, 400);
}

#[tokio::test]
async fn the_organization_shows_its_domains() {
    let office = Office::new();
    let admin = office.admin(&["Domain.Read.All"]);
    let domain = &office.facts.tenant.domain;
    let listed = office.get(&admin, "/v1.0/domains").await;
    assert_eq!(listed["value"][0]["id"], *domain);
    let one = office.get(&admin, &format!("/v1.0/domains/{domain}")).await;
    assert_eq!(one["isInitial"], true);
    why(
        office
            .bench
            .get(&admin, "/v1.0/domains/elsewhere.example")
            .await,
        404,
    );
}

const RESET: &str = "authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword";

impl Office {
    /// Signs alice in at the native app with a password.
    async fn signs_in_with(&self, password: &str) -> (u16, Value) {
        let client = self.facts.apps["native-app"].client_id.to_string();
        let form = [
            ("grant_type", "password"),
            ("client_id", client.as_str()),
            ("username", self.facts.users["alice"].upn.as_str()),
            ("password", password),
            ("scope", "User.Read"),
        ];
        self.token(&form).await
    }

    /// Gives bob a role, and a token.
    fn bob_as(&self, role: crate::directory::DirectoryRole, permissions: &[&str]) -> Token {
        self.bench.tenant.write(|directory| {
            let bob = directory.user_id("bob").unwrap();
            directory.users[&bob].roles = [role].into();
        });
        self.of("bob", permissions)
    }
}

#[tokio::test]
async fn a_reset_password_is_changed_at_the_next_sign_in() {
    use crate::directory::DirectoryRole as R;
    let held = &["UserAuthenticationMethod.ReadWrite.All"];
    for (role, status) in [
        (R::UserAdministrator, 202),
        (R::HelpdeskAdministrator, 202),
        (R::AuthenticationAdministrator, 202),
        (R::PrivilegedAuthenticationAdministrator, 202),
        (R::ApplicationAdministrator, 403),
    ] {
        let office = Office::new();
        let bob = office.bob_as(role, held);
        let path = format!("/v1.0/users/{}/{RESET}", office.id("alice"));
        let body = json!({"newPassword": "Another-pass-1"});
        office.call(&bob, "POST", &path, body).await.expect(status);
        if status == 403 {
            continue;
        }
        assert_eq!(
            code(&office.signs_in_with("Another-pass-1").await),
            50055,
            "{role:?}"
        );
    }
}

#[tokio::test]
async fn nobody_resets_the_own_password_or_a_higher_administrators() {
    use crate::directory::DirectoryRole as R;
    let office = Office::new();
    let held = &["UserAuthenticationMethod.ReadWrite.All"];
    let body = json!({"newPassword": "Another-pass-1"});
    let own = format!("/v1.0/users/{}/{RESET}", office.id("admin"));
    let admin = office.admin(held);
    let answer = office.call(&admin, "POST", &own, body.clone()).await;
    assert_eq!(why(answer, 403), "Authorization_RequestDenied");
    let bob = office.bob_as(R::HelpdeskAdministrator, held);
    let answer = office.call(&bob, "POST", &own, body).await;
    assert_eq!(why(answer, 403), "Authorization_RequestDenied");
}

#[tokio::test]
async fn sessions_of_administrators_are_revoked_by_higher_ones_only() {
    use crate::directory::DirectoryRole as R;
    let office = Office::new();
    let held = &["User.RevokeSessions.All"];
    let revoke = async |token: &Token, user: &str| {
        let path = format!("/v1.0/users/{}/revokeSignInSessions", office.id(user));
        office.call(token, "POST", &path, Value::Null).await
    };
    let bob = office.bob_as(R::HelpdeskAdministrator, held);
    assert_eq!(
        why(revoke(&bob, "admin").await, 403),
        "Authorization_RequestDenied"
    );
    let answer = revoke(&bob, "alice").await.expect(200);
    assert_eq!(answer.header("location"), "https://graph.microsoft.com");
    revoke(&bob, "bob").await.expect(200);
    let bob = office.bob_as(R::PrivilegedAuthenticationAdministrator, held);
    revoke(&bob, "admin").await.expect(200);
    revoke(&office.app_only(held), "admin").await.expect(200);
}

#[tokio::test]
async fn phones_and_mail_addresses_have_permissions_of_their_own() {
    let phone = json!({"mobilePhone": "+49 30 1", "businessPhones": ["+49 30 2"]});
    let mails = json!({"otherMails": ["alice@home.example"]});
    for (held, may, other) in [
        ("User-Phone.ReadWrite.All", &phone, &mails),
        ("User-Mail.ReadWrite.All", &mails, &phone),
    ] {
        let office = Office::new();
        let alice = format!("/v1.0/users/{}", office.id("alice"));
        for token in [office.app_only(&[held]), office.admin(&[held])] {
            office
                .call(&token, "PATCH", &alice, may.clone())
                .await
                .expect(204);
            for refused in [other, &json!({"city": "Bonn"})] {
                let answer = office.call(&token, "PATCH", &alice, refused.clone()).await;
                assert_eq!(why(answer, 403), "Authorization_RequestDenied", "{held}");
            }
        }
        // Nor on the own account.
        if held == "User-Mail.ReadWrite.All" {
            let own = office.of("alice", &[held]);
            why(
                office.call(&own, "PATCH", "/v1.0/me", phone.clone()).await,
                403,
            );
        }
        why(
            office
                .call(&office.of("bob", &[held]), "PATCH", &alice, may.clone())
                .await,
            403,
        );
    }
}
