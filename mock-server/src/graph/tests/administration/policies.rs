//! Policies, consent requests and risk: what the next refresh says.

use super::*;

const ACCESS: &[&str] = &[
    "Policy.Read.All",
    "Policy.ReadWrite.ConditionalAccess",
    "Application.Read.All",
];
const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";

impl Office {
    fn policy(&self, grant: &Value, session: &Value) -> Value {
        json!({
            "displayName": "Test", "state": "enabled",
            "conditions": {
                "clientAppTypes": ["all"],
                "users": {"includeUsers": [self.id("alice")]},
                "applications": {"includeApplications": ["All"]},
            },
            "grantControls": grant,
            "sessionControls": session,
        })
    }
}

fn control(name: &str) -> Value {
    json!({"operator": "OR", "builtInControls": [name]})
}

#[tokio::test]
async fn each_demand_of_a_policy_has_its_code_until_the_policy_goes() {
    let terms = json!({
        "operator": "OR", "builtInControls": [],
        "termsOfUse": ["11111111-2222-3333-4444-555555555555"],
    });
    let hourly = json!({"signInFrequency": {
        "isEnabled": true, "type": "hours", "value": 1, "frequencyInterval": "timeBased",
    }});
    let both = json!({"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]});
    for (grant, session, expected) in [
        (control("block"), Value::Null, 53003),
        (control("mfa"), Value::Null, 50076),
        (control("compliantDevice"), Value::Null, 53000),
        (control("domainJoinedDevice"), Value::Null, 53001),
        (control("approvedApplication"), Value::Null, 53002),
        (control("compliantApplication"), Value::Null, 53005),
        (
            Value::Null,
            json!({"secureSignInSession": {"isEnabled": true}}),
            530084,
        ),
        (terms, Value::Null, 50158),
        (Value::Null, hourly, 70043),
        (both, Value::Null, 50076),
    ] {
        let office = Office::new();
        let token = office.sign_in("alice", "native-app").await;
        let body = office.policy(&grant, &session);
        for wrong in [
            office.of("bob", ACCESS),
            office.admin(&["Policy.ReadWrite.ConditionalAccess"]),
            office.app_only(&["Policy.Read.All"]),
        ] {
            why(
                office.call(&wrong, "POST", POLICIES, body.clone()).await,
                403,
            );
        }
        let admin = office.admin(ACCESS);
        let made = office
            .call(&admin, "POST", POLICIES, body)
            .await
            .expect(201);
        let one = format!("{POLICIES}/{}", made.id());
        office
            .bench
            .tenant
            .clock
            .advance(jiff::SignedDuration::from_hours(2));
        assert_eq!(
            office.refresh("native-app", &token).await,
            expected,
            "{grant}"
        );
        let admin = office.admin(ACCESS);
        let read = office.get(&admin, &one).await;
        assert_eq!(read["displayName"], "Test");
        assert_eq!(
            read["grantControls"]["builtInControls"],
            match &grant {
                Value::Null => Value::Null,
                grant => grant["builtInControls"].clone(),
            }
        );
        for state in ["disabled", "enabledForReportingButNotEnforced"] {
            let body = json!({"state": state});
            office.call(&admin, "PATCH", &one, body).await.expect(204);
            assert_eq!(office.refresh("native-app", &token).await, 0, "{state}");
        }
        office
            .call(&admin, "PATCH", &one, json!({"state": "enabled"}))
            .await
            .expect(204);
        assert_eq!(office.refresh("native-app", &token).await, expected);
        office
            .call(&admin, "DELETE", &one, Value::Null)
            .await
            .expect(204);
        assert_eq!(office.refresh("native-app", &token).await, 0);
        why(office.bench.get(&admin, &one).await, 404);
    }
}

#[tokio::test]
async fn what_the_directory_does_not_know_is_refused_by_name() {
    let office = Office::new();
    let admin = office.admin(ACCESS);
    let good = office.policy(&control("mfa"), &Value::Null);
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, named) in [
        (
            changed("/grantControls/builtInControls", json!(["passwordChange"])),
            "passwordChange",
        ),
        (
            changed(
                "/grantControls",
                json!({"operator": "OR", "builtInControls": ["mfa", "compliantDevice"]}),
            ),
            "operator",
        ),
        (
            changed("/conditions/clientAppTypes", json!(["browser"])),
            "clientAppTypes",
        ),
        (
            changed(
                "/conditions/users",
                json!({"includeUsers": ["All"], "excludeUsers": [office.id("bob")]}),
            ),
            "excludeUsers",
        ),
        (
            changed(
                "/conditions/applications",
                json!({"includeApplications": ["Office365"]}),
            ),
            "Office365",
        ),
        (
            changed(
                "/sessionControls",
                json!({"persistentBrowser": {"mode": "never"}}),
            ),
            "persistentBrowser",
        ),
    ] {
        let answer = office
            .call(&admin, "POST", POLICIES, body)
            .await
            .expect(400);
        assert!(answer.text.contains(named), "{named}: {}", answer.text);
        assert!(answer.annotation.unsupported.is_some(), "{named}");
    }
    for body in [
        changed("/state", json!("on")),
        changed("/displayName", json!("")),
        changed(
            "/conditions/users/includeUsers",
            json!([office.facts.tenant.id]),
        ),
        changed("/grantControls", Value::Null),
    ] {
        let answer = office
            .call(&admin, "POST", POLICIES, body)
            .await
            .expect(400);
        assert_eq!(answer.annotation.unsupported, None, "{}", answer.text);
    }
    assert_eq!(office.get(&admin, POLICIES).await["value"], json!([]));
}

#[tokio::test]
async fn user_consent_is_switched_and_existing_consent_stays() {
    let office = Office::new();
    let path = "/v1.0/policies/authorizationPolicy";
    let token = office.sign_in("alice", "native-app").await;
    let held = &["Policy.ReadWrite.Authorization"];
    let admin = office.admin(held);
    let setting = async || {
        let read = office.get(&admin, path).await;
        read["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"].clone()
    };
    let body = |list: Value| json!({"defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": list}});
    why(
        office
            .call(&office.of("bob", held), "PATCH", path, body(json!([])))
            .await,
        403,
    );
    for (list, expected) in [
        (json!([]), crate::directory::UserConsent::None),
        (
            json!(["managePermissionGrantsForSelf.microsoft-user-default-low"]),
            crate::directory::UserConsent::VerifiedLowImpact,
        ),
        (
            json!(["managePermissionGrantsForSelf.microsoft-user-default-recommended"]),
            crate::directory::UserConsent::MicrosoftManaged,
        ),
        (
            json!(["managePermissionGrantsForSelf.microsoft-user-default-legacy"]),
            crate::directory::UserConsent::All,
        ),
    ] {
        office
            .call(&admin, "PATCH", path, body(list.clone()))
            .await
            .expect(204);
        let consent = office.bench.tenant.read(|it| it.policies.user_consent);
        assert_eq!(consent, expected);
        let shown = setting().await;
        assert!(
            list.as_array()
                .unwrap()
                .iter()
                .all(|it| shown.as_array().unwrap().contains(it))
        );
        assert_eq!(office.refresh("native-app", &token).await, 0);
    }
    let other = body(json!(["managePermissionGrantsForSelf.contoso-consent"]));
    let answer = office.call(&admin, "PATCH", path, other).await.expect(400);
    assert!(answer.text.contains("contoso-consent"));
}

#[tokio::test]
async fn the_consent_workflow_is_switched_on_and_its_requests_are_read() {
    let office = Office::new();
    let path = "/v1.0/policies/adminConsentRequestPolicy";
    let admin = office.admin(&["Policy.ReadWrite.ConsentRequest", "ConsentRequest.Read.All"]);
    let body = json!({
        "isEnabled": true, "notifyReviewers": false, "remindersEnabled": true,
        "requestDurationInDays": 5,
        "reviewers": [{"query": format!("/users/{}", office.id("admin")), "queryType": "MicrosoftGraph"}],
    });
    office
        .call(&admin, "PUT", path, body.clone())
        .await
        .expect(204);
    let read = office.get(&admin, path).await;
    assert_eq!(
        (&read["requestDurationInDays"], &read["notifyReviewers"]),
        (&json!(5), &json!(false))
    );
    let mut wrong = body;
    wrong["requestDurationInDays"] = json!(0);
    office.call(&admin, "PUT", path, wrong).await.expect(400);
    office.happen(&Event::RequestConsent {
        app: "unconsented-app".to_owned(),
        user: "alice".to_owned(),
        scopes: vec!["Mail.Read".to_owned()],
        reason: Some("for work".to_owned()),
    });
    let requests = "/v1.0/identityGovernance/appConsent/appConsentRequests";
    let listed = office.get(&admin, requests).await;
    let one = &listed["value"][0];
    assert_eq!(one["pendingScopes"], json!([{"displayName": "Mail.Read"}]));
    let users = format!(
        "{requests}/{}/userConsentRequests",
        one["id"].as_str().unwrap()
    );
    let status = async || office.get(&admin, &users).await["value"][0]["status"].clone();
    assert_eq!(status().await, "InProgress");
    office.happen(&Event::ApproveRequest {
        app: "unconsented-app".to_owned(),
    });
    assert_eq!(status().await, "Completed");
    why(
        office
            .bench
            .get(&office.of("bob", &["ConsentRequest.Read.All"]), requests)
            .await,
        403,
    );
}

#[tokio::test]
async fn a_token_lifetime_policy_changes_new_tokens() {
    let office = Office::new();
    let path = "/v1.0/policies/tokenLifetimePolicies";
    let admin = office.admin(&["Policy.ReadWrite.ApplicationConfiguration"]);
    let body = |span: &str| {
        let definition =
            json!({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": span}});
        json!({"definition": [definition.to_string()], "displayName": "Short", "isOrganizationDefault": true})
    };
    for wrong in ["00:05:00", "2.00:00:00", "soon"] {
        office
            .call(&admin, "POST", path, body(wrong))
            .await
            .expect(400);
    }
    let made = office
        .call(&admin, "POST", path, body("00:10:00"))
        .await
        .expect(201);
    let app = &office.facts.apps["daemon-secret"];
    let lifetime = async || {
        let form = app.client_credentials("https://graph.microsoft.com/.default");
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        office.token(&form).await.1["expires_in"].as_u64().unwrap()
    };
    assert!(lifetime().await <= 600);
    let one = format!("{path}/{}", made.id());
    office
        .call(&admin, "DELETE", &one, Value::Null)
        .await
        .expect(204);
    assert!(lifetime().await > 600);
}

#[tokio::test]
async fn a_compromised_user_is_refused_until_the_risk_is_dismissed() {
    let office = Office::new();
    let token = office.sign_in("alice", "native-app").await;
    let held = &["IdentityRiskyUser.ReadWrite.All"];
    let body = json!({"userIds": [office.id("alice")]});
    let call = async |token: &Token, action: &str| {
        let path = format!("/v1.0/identityProtection/riskyUsers/{action}");
        office.call(token, "POST", &path, body.clone()).await
    };
    why(
        call(&office.of("bob", held), "confirmCompromised").await,
        403,
    );
    call(&office.admin(held), "confirmCompromised")
        .await
        .expect(204);
    assert_eq!(office.refresh("native-app", &token).await, 53003);
    call(&office.admin(held), "dismiss").await.expect(204);
    assert_eq!(office.refresh("native-app", &token).await, 0);
    let office = Office::at(Environment::China);
    let path = "/v1.0/identityProtection/riskyUsers/dismiss";
    let answer = office
        .call(&office.admin(held), "POST", path, json!({"userIds": []}))
        .await
        .expect(400);
    assert_eq!(answer.annotation.unsupported, None);
}
