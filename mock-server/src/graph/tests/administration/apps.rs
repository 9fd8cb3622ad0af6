//! Consent, service principals, assignments and registrations: who may write them, and what the
//! next token request says.

mod credentials;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const GRANTS: &[&str] = &["DelegatedPermissionGrant.ReadWrite.All"];
const APPS: &[&str] = &["Application.ReadWrite.All"];
const ROLES: &[&str] = &["AppRoleAssignment.ReadWrite.All", "Application.Read.All"];

impl Office {
    fn app_id(&self, app: &str) -> String {
        self.facts.apps[app].client_id.to_string()
    }

    /// The service principal of an app, by its alternate key.
    pub(super) fn principal(&self, app: &str) -> String {
        format!("/v1.0/servicePrincipals(appId='{}')", self.app_id(app))
    }

    pub(super) fn application(&self, app: &str) -> String {
        format!("/v1.0/applications(appId='{}')", self.app_id(app))
    }

    async fn object_id(&self, path: &str) -> String {
        let reader = self.admin(&["Application.Read.All"]);
        let found = self.get(&reader, path).await;
        found["id"].as_str().unwrap().to_owned()
    }

    async fn grants_of(&self, app: &str) -> Vec<Value> {
        let id = self.object_id(&self.principal(app)).await;
        let path = format!("/v1.0/oauth2PermissionGrants?$filter=clientId eq '{id}'");
        let listed = self
            .get(&self.admin(GRANTS), &path.replace(' ', "%20"))
            .await;
        listed["value"].as_array().unwrap().clone()
    }

    /// An app-only token request with a secret.
    async fn daemon(&self, secret: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.app_id("daemon-secret")),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ])
        .await
    }

    fn secret(&self) -> &str {
        self.facts.apps["daemon-secret"]
            .client_secret
            .as_deref()
            .unwrap()
    }

    /// The roles in an app-only token.
    async fn roles(&self) -> Vec<String> {
        let (status, body) = self.daemon(self.secret()).await;
        assert_eq!(status, 200, "{body}");
        let token = body["access_token"].as_str().unwrap();
        let payload = URL_SAFE_NO_PAD
            .decode(token.split('.').nth(1).unwrap())
            .unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        serde_json::from_value(claims["roles"].clone()).unwrap_or_default()
    }

    /// The same call by callers who may not do it, then by the administrator.
    async fn refused_then(
        &self,
        held: &[&str],
        method: &str,
        path: &str,
        body: Value,
        status: u16,
    ) -> Answer {
        for wrong in [
            self.of("bob", held),
            self.admin(&["User.Read.All"]),
            self.app_only(&["User.Read.All"]),
        ] {
            let answer = self.call(&wrong, method, path, body.clone()).await;
            assert_eq!(
                why(answer, 403),
                "Authorization_RequestDenied",
                "{method} {path}"
            );
        }
        self.call(&self.admin(held), method, path, body)
            .await
            .expect(status)
    }
}

#[tokio::test]
async fn a_deleted_grant_ends_consent_and_a_changed_one_narrows_the_next_token() {
    let office = Office::new();
    let token = office.sign_in("alice", "own-app").await;
    let grants = office.grants_of("own-app").await;
    assert_eq!(
        (grants.len(), &grants[0]["consentType"]),
        (1, &json!("AllPrincipals"))
    );
    let path = format!(
        "/v1.0/oauth2PermissionGrants/{}",
        grants[0]["id"].as_str().unwrap()
    );
    let body = json!({"scope": "User.Read offline_access"});
    office.refused_then(GRANTS, "PATCH", &path, body, 204).await;
    let client = office.app_id("own-app");
    let secret = office.facts.apps["own-app"].client_secret.clone().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("refresh_token", token.as_str()),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let (status, body) = office.token(&form).await;
    assert_eq!(status, 200, "{body}");
    let scope = body["scope"].as_str().unwrap();
    assert!(
        scope.contains("User.Read") && !scope.contains("Mail.ReadWrite"),
        "{scope}"
    );
    office
        .refused_then(GRANTS, "DELETE", &path, Value::Null, 204)
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 65001);
    let gone = office
        .call(&office.admin(GRANTS), "GET", &path, Value::Null)
        .await;
    assert_eq!(why(gone, 404), "Request_ResourceNotFound");
}

#[tokio::test]
async fn a_grant_for_one_user_is_made_once_and_holds_for_that_user() {
    let office = Office::new();
    let admin = office.admin(GRANTS);
    let app = "native-app";
    office.happen(&Event::RevokeConsent {
        app: app.to_owned(),
        user: None,
    });
    let client = office.object_id(&office.principal(app)).await;
    let graph = "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
    let graph = office.object_id(graph).await;
    let body = json!({
        "clientId": client, "consentType": "Principal", "principalId": office.id("alice"),
        "resourceId": graph, "scope": "User.Read offline_access",
    });
    let made = office
        .refused_then(
            GRANTS,
            "POST",
            "/v1.0/oauth2PermissionGrants",
            body.clone(),
            201,
        )
        .await;
    assert_eq!(made.body["scope"], "User.Read offline_access");
    let twice = office
        .call(&admin, "POST", "/v1.0/oauth2PermissionGrants", body.clone())
        .await;
    assert_eq!(why(twice, 409), "Request_MultipleObjectsWithSameKeyValue");
    for (name, value) in [
        ("consentType", json!("Everybody")),
        ("consentType", json!("AllPrincipals")),
        ("principalId", json!(client)),
        ("clientId", json!(null)),
    ] {
        let mut wrong = body.clone();
        wrong[name] = value;
        office
            .call(&admin, "POST", "/v1.0/oauth2PermissionGrants", wrong)
            .await
            .expect(400);
    }
    let token = office.sign_in("alice", app).await;
    assert_eq!(office.refresh(app, &token).await, 0);
    // A grant beside it stays.
    office.happen(&Event::GrantConsent {
        app: app.to_owned(),
        user: None,
        scopes: vec!["Mail.Read".to_owned()],
    });
    let path = format!("/v1.0/oauth2PermissionGrants/{}", made.id());
    office
        .call(&admin, "DELETE", &path, Value::Null)
        .await
        .expect(204);
    assert_eq!(office.grants_of(app).await.len(), 1);
    assert_eq!(office.refresh(app, &token).await, 65001);
}

#[tokio::test]
async fn a_role_taken_away_is_missing_in_the_next_token() {
    let office = Office::new();
    let principal = office.principal("daemon-secret");
    let path = format!("{principal}/appRoleAssignments");
    let listed = office
        .get(&office.admin(&["Application.Read.All"]), &path)
        .await;
    let held = listed["value"].as_array().unwrap();
    let mail_read = "810c84a8-4a9e-49e6-bf7d-12d183f40d01";
    let assignment = held.iter().find(|it| it["appRoleId"] == mail_read).unwrap();
    assert!(office.roles().await.contains(&"Mail.Read".to_owned()));
    let one = format!("{path}/{}", assignment["id"].as_str().unwrap());
    office
        .refused_then(ROLES, "DELETE", &one, Value::Null, 204)
        .await;
    assert!(!office.roles().await.contains(&"Mail.Read".to_owned()));
    assert_eq!(office.roles().await.len(), held.len() - 1);
    let body = json!({
        "principalId": assignment["principalId"], "resourceId": assignment["resourceId"],
        "appRoleId": mail_read,
    });
    let made = office
        .refused_then(ROLES, "POST", &path, body.clone(), 201)
        .await;
    assert_eq!(made.body["principalDisplayName"], "Contoso Nightly Export");
    assert!(office.roles().await.contains(&"Mail.Read".to_owned()));
    office
        .call(&office.admin(ROLES), "POST", &path, body.clone())
        .await
        .expect(400);
    let mut wrong = body;
    wrong["appRoleId"] = json!(office.id("bob"));
    office
        .call(&office.admin(ROLES), "POST", &path, wrong)
        .await
        .expect(400);
    // The other end of the same assignment.
    let graph = "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
    let assigned = format!("{graph}/appRoleAssignedTo/{}", made.id());
    office
        .refused_then(ROLES, "DELETE", &assigned, Value::Null, 204)
        .await;
    assert!(!office.roles().await.contains(&"Mail.Read".to_owned()));
}

#[tokio::test]
async fn application_administrators_do_not_grant_roles_of_graph() {
    let office = Office::new();
    let bob = office.bench.user("bob");
    office.bench.tenant.write(|it| {
        it.users[&bob]
            .roles
            .insert(crate::directory::DirectoryRole::ApplicationAdministrator)
    });
    let path = format!("{}/appRoleAssignments", office.principal("daemon-secret"));
    let listed = office
        .get(&office.of("bob", &["Application.Read.All"]), &path)
        .await;
    let id = listed["value"][0]["id"].as_str().unwrap().to_owned();
    let one = format!("{path}/{id}");
    why(
        office
            .call(&office.of("bob", ROLES), "DELETE", &one, Value::Null)
            .await,
        403,
    );
    // Other things of apps are theirs.
    let body = json!({"accountEnabled": false});
    let principal = office.principal("daemon-secret");
    office
        .call(&office.of("bob", APPS), "PATCH", &principal, body)
        .await
        .expect(204);
}

#[tokio::test]
async fn a_disabled_a_deleted_and_a_restricted_app_have_their_codes() {
    let office = Office::new();
    let token = office.sign_in("alice", "own-app").await;
    let principal = office.principal("own-app");
    let admin = office.admin(APPS);
    let patch = async |body| {
        office
            .call(&admin, "PATCH", &principal, body)
            .await
            .expect(204);
    };
    office
        .refused_then(
            APPS,
            "PATCH",
            &principal,
            json!({"accountEnabled": false}),
            204,
        )
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 7000112);
    patch(json!({"accountEnabled": true})).await;
    assert_eq!(office.refresh("own-app", &token).await, 0);
    patch(json!({"appRoleAssignmentRequired": true})).await;
    assert_eq!(office.refresh("own-app", &token).await, 50105);
    let id = office.object_id(&principal).await;
    let body = json!({
        "principalId": office.id("alice"), "resourceId": id,
        "appRoleId": "00000000-0000-0000-0000-000000000000",
    });
    let assignments = format!("/v1.0/users/{}/appRoleAssignments", office.id("alice"));
    let held = &["AppRoleAssignment.ReadWrite.All"];
    let made = office
        .refused_then(held, "POST", &assignments, body, 201)
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 0);
    let one = format!("{assignments}/{}", made.id());
    office
        .refused_then(held, "DELETE", &one, Value::Null, 204)
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 50105);
    patch(json!({"appRoleAssignmentRequired": false})).await;
    assert_eq!(office.refresh("own-app", &token).await, 0);
    office
        .refused_then(APPS, "DELETE", &principal, Value::Null, 204)
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 700016);
    // Installed again, the app has no consent.
    let body = json!({"appId": office.app_id("own-app")});
    office
        .call(&admin, "POST", "/v1.0/servicePrincipals", body.clone())
        .await
        .expect(201);
    assert_eq!(office.refresh("own-app", &token).await, 65001);
    let twice = office
        .call(&admin, "POST", "/v1.0/servicePrincipals", body)
        .await;
    assert_eq!(why(twice, 409), "Request_MultipleObjectsWithSameKeyValue");
    let nobody = json!({"appId": office.id("alice")});
    office
        .call(&admin, "POST", "/v1.0/servicePrincipals", nobody)
        .await
        .expect(400);
}

#[tokio::test]
async fn registrations_are_disabled_deleted_and_changed() {
    let office = Office::new();
    let token = office.sign_in("alice", "own-app").await;
    let app = office.application("own-app");
    office
        .refused_then(APPS, "PATCH", &app, json!({"isDisabled": true}), 204)
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 7000112);
    let admin = office.admin(APPS);
    let patch = async |body| office.call(&admin, "PATCH", &app, body).await;
    patch(json!({"isDisabled": false})).await.expect(204);
    // Redirect URIs are of no matter for refresh tokens.
    patch(json!({"web": {"redirectUris": ["https://elsewhere.example/cb"]}}))
        .await
        .expect(204);
    assert_eq!(office.refresh("own-app", &token).await, 0);
    let read = office
        .get(&admin, &format!("{app}?$select=web,appId"))
        .await;
    assert_eq!(
        read["web"]["redirectUris"],
        json!(["https://elsewhere.example/cb"])
    );
    for wrong in [
        json!({"web": {"redirectUris": ["http://elsewhere.example/cb"]}}),
        json!({"signInAudience": "Everybody"}),
        json!({"displayName": ""}),
        json!({"noSuchThing": 1}),
        json!({"appId": office.id("alice")}),
    ] {
        patch(wrong).await.expect(400);
    }
    office
        .refused_then(APPS, "DELETE", &app, Value::Null, 204)
        .await;
    assert_eq!(office.refresh("own-app", &token).await, 700016);
}

#[tokio::test]
async fn apps_change_what_they_own() {
    let office = Office::new();
    let client = office.bench.tenant.write(|directory| {
        let mut principal = directory
            .service_principals
            .values()
            .next()
            .unwrap()
            .clone();
        principal.app_id = client();
        directory.add_principal(principal);
        client()
    });
    let owner = office.app_only(&["Application.ReadWrite.OwnedBy"]);
    assert_eq!(
        office
            .bench
            .tenant
            .read(|it| it.service_principals[&client].app_id),
        client
    );
    let body = json!({"displayName": "Made by an app"});
    let made = office
        .call(&owner, "POST", "/v1.0/applications", body)
        .await
        .expect(201);
    let own = format!("/v1.0/applications/{}", made.id());
    let body = json!({"displayName": "Renamed"});
    office
        .call(&owner, "PATCH", &own, body.clone())
        .await
        .expect(204);
    let other = office.application("own-app");
    why(
        office.call(&owner, "PATCH", &other, body.clone()).await,
        403,
    );
    // So do people.
    let alice = office.of("alice", APPS);
    let made = office
        .call(&alice, "POST", "/v1.0/applications", body.clone())
        .await
        .expect(201);
    let own = format!("/v1.0/applications/{}", made.id());
    office
        .call(&alice, "PATCH", &own, body.clone())
        .await
        .expect(204);
    why(
        office
            .call(&office.of("bob", APPS), "PATCH", &own, body)
            .await,
        403,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_write_to_a_registration_is_lost_among_others() {
    const EACH: usize = 16;
    let office = Office::new();
    let app = office.application("own-app");
    let bearer = format!("Bearer {}", office.bench.token(&office.admin(APPS)));
    let secrets = office.get(&office.admin(APPS), &app).await["passwordCredentials"]
        .as_array()
        .unwrap()
        .len();
    let router = super::super::super::router(Arc::clone(&office.bench.world));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..EACH {
        let federated = json!({
            "name": format!("ci-{number}"), "issuer": "https://ci.example",
            "subject": format!("repo:{number}"), "audiences": ["api://AzureADTokenExchange"],
        });
        for (method, path, body) in [
            ("POST", format!("{app}/addPassword"), json!({})),
            (
                "PATCH",
                app.clone(),
                json!({"displayName": format!("Name {number}")}),
            ),
            (
                "POST",
                format!("{app}/federatedIdentityCredentials"),
                federated,
            ),
            ("POST", format!("{app}/addPassword"), json!({})),
        ] {
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", &bearer)
                .header("content-type", "application/json")
                .header("content-length", body.to_string().len())
                .body(Body::from(body.to_string()))
                .unwrap();
            request.extensions_mut().insert(arrival(office.environment));
            calls.spawn(router.clone().oneshot(request));
        }
    }
    while let Some(answer) = calls.join_next().await {
        let answer = read(answer.unwrap().unwrap()).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let admin = office.admin(APPS);
    let registration = office.get(&admin, &app).await;
    let kept = registration["passwordCredentials"].as_array().unwrap();
    assert_eq!(kept.len(), secrets + 2 * EACH);
    let federated = office
        .get(&admin, &format!("{app}/federatedIdentityCredentials"))
        .await;
    assert_eq!(federated["value"].as_array().unwrap().len(), EACH);
}

#[tokio::test]
async fn a_refused_change_leaves_the_registration_as_it_was() {
    let office = Office::new();
    let admin = office.admin(APPS);
    let app = office.application("own-app");
    let before = office.get(&admin, &app).await;
    for wrong in [
        json!({"displayName": "New", "noSuchThing": 1}),
        json!({"displayName": "New", "signInAudience": "Everybody"}),
        json!({"displayName": "New", "requiredResourceAccess": [{"resourceAppId": "x"}]}),
        json!({"displayName": "New", "keyCredentials": [{"type": "Symmetric"}]}),
    ] {
        office.call(&admin, "PATCH", &app, wrong).await.expect(400);
    }
    assert_eq!(office.get(&admin, &app).await, before);
}

#[tokio::test]
async fn an_identifier_uri_names_a_verified_domain_the_app_or_the_tenant() {
    let office = Office::new();
    let admin = office.admin(APPS);
    let app = office.application("own-app");
    let id = office.app_id("own-app");
    let (tenant, domain) = (office.bench.tenant.id, &office.facts.tenant.domain);
    let patch = async |uri: &str| {
        let body = json!({"identifierUris": [uri]});
        office.call(&admin, "PATCH", &app, body).await
    };
    for good in [
        format!("api://{id}"),
        format!("api://{tenant}/{id}"),
        format!("api://{tenant}/api"),
        format!("api://productapi/{id}"),
        format!("https://{domain}/productsapi"),
        format!("https://product.{domain}"),
        format!("https://product.{domain}/productsapi"),
        format!("api://{domain}/productsapi"),
    ] {
        patch(&good).await.expect(204);
        let read = office.get(&admin, &app).await;
        assert_eq!(read["identifierUris"], json!([good]));
    }
    for wrong in [
        "https://elsewhere.example/api".to_owned(),
        "api://productapi".to_owned(),
        format!("https://not{domain}/api"),
        format!("https://elsewhere.example/{domain}"),
        format!("api://{}", office.app_id("native-app")),
        format!("https://elsewhere.example/{id}"),
        format!("api://elsewhere/x{id}x"),
    ] {
        let answer = patch(&wrong).await.expect(400);
        assert_eq!(
            answer.body["error"]["code"], "HostNameNotOnVerifiedDomain",
            "{wrong}"
        );
        assert_eq!(
            answer.body["error"]["message"],
            format!(
                "Values of identifierUris property must use a verified domain of the organization \
                 or its subdomain: '{wrong}'"
            )
        );
    }
    patch("no uri").await.expect(400);
    let body = json!({"displayName": "New", "identifierUris": ["https://elsewhere.example"]});
    let answer = office
        .call(&admin, "POST", "/v1.0/applications", body)
        .await;
    assert_eq!(why(answer, 400), "HostNameNotOnVerifiedDomain");
    // What is there already may stay.
    let old = "https://old.example/api".to_owned();
    office.bench.tenant.write(|directory| {
        let app = directory.app_id("own-app").unwrap();
        let api = &mut directory.applications[&app].api;
        api.get_or_insert_default().identifier_uris = vec![old.clone()];
    });
    let body = json!({"identifierUris": [old, format!("api://{id}")]});
    office.call(&admin, "PATCH", &app, body).await.expect(204);
}

#[tokio::test]
async fn what_is_missing_is_made_by_its_other_key() {
    let office = Office::new();
    let admin = office.admin(&["Application.ReadWrite.All", "Group.ReadWrite.All"]);
    let make = [("prefer", "create-if-missing")];
    let group = "/v1.0/groups(uniqueName='ring-1')";
    let body = json!({"displayName": "Ring", "mailEnabled": false, "mailNickname": "ring",
        "securityEnabled": true});
    let app = "/v1.0/applications(uniqueName='app-1')";
    let named = json!({"displayName": "First"});
    for (path, body) in [(group, body), (app, named)] {
        let patch = |body: Value, headers: &'static [(&'static str, &'static str)]| {
            office.bench.send("PATCH", &admin, path, headers, body)
        };
        let missing = patch(body.clone(), &[]).await.expect(404);
        let text = missing.body["error"]["message"].as_str().unwrap();
        assert!(text.starts_with("Resource '"), "{text}");
        assert!(!text.contains("uniqueName"), "{text}");
        let made = office
            .bench
            .send("PATCH", &admin, path, &make, body)
            .await
            .expect(201);
        let unique = path.split('\'').nth(1).unwrap();
        let again = json!({"displayName": "Second"});
        office
            .bench
            .send("PATCH", &admin, path, &make, again)
            .await
            .expect(204);
        let selected = format!("{path}?$select=id,displayName,uniqueName");
        let read = office.bench.get(&admin, &selected).await.expect(200);
        assert_eq!(read.body["uniqueName"], unique);
        assert_eq!(read.body["displayName"], "Second");
        assert_eq!(read.body["id"], made.body["id"]);
    }
    let read = office.bench.get(&admin, app).await.expect(200);
    let id = read.body["appId"].as_str().unwrap();
    let principal = format!("/v1.0/servicePrincipals(appId='{id}')");
    let body = json!({"tags": ["HideApp"]});
    office
        .bench
        .send("PATCH", &admin, &principal, &[], body.clone())
        .await
        .expect(404);
    let made = office
        .bench
        .send("PATCH", &admin, &principal, &make, body.clone())
        .await;
    assert_eq!(made.expect(201).body["appId"], id);
    office
        .bench
        .send("PATCH", &admin, &principal, &make, body)
        .await
        .expect(204);
}
