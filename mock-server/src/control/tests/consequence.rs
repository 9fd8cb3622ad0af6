//! What events say that they did.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::http::{Answer, Bench};
use crate::directory::{Event, EventReference, ObjectId};
use crate::environment::Environment;
use crate::token::{AuthenticationMethod, ClientClass, RefreshToken, SignIn};
use crate::world::Tenant;

impl Bench {
    async fn event(&self, event: Value) -> Answer {
        self.send(Method::POST, "/api/v1/events", &event).await
    }
}

/// The lines of an answer, as one text.
fn said(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let lines = answer.json["lines"].as_array().unwrap().iter();
    let lines: Vec<&str> = lines.map(|it| it.as_str().unwrap()).collect();
    lines.join("\n")
}

/// A connection of alice as a client of a class would have made it.
fn connect(tenant: &Tenant, app: &str, class: ClientClass) {
    let alice: ObjectId = tenant.read(|it| it.find_user("alice").unwrap().id);
    let client = tenant.read(|it| it.app_id(app).unwrap());
    let now = tenant.now();
    let graph = "00000003-0000-0000-c000-000000000000".parse().unwrap();
    tenant.connections.note(&RefreshToken {
        padding: String::new(),
        sign_in: SignIn {
            family: uuid::Uuid::new_v5(&client.0, format!("{class:?}").as_bytes()),
            tenant: tenant.id,
            client,
            client_class: class,
            user: alice,
            auth_time: now,
            moment: tenant.read(|it| it.moment(now)),
            method: AuthenticationMethod::Password,
            mfa_time: None,
            session: uuid::Uuid::nil(),
            compliant_device: false,
        },
        generation: 0,
        first_issued: now,
        issued: now,
        resource: graph,
        audience: "https://graph.microsoft.com".to_owned(),
        named: "https://graph.microsoft.com".to_owned(),
        scopes: ["User.Read".to_owned()].into(),
    });
}

#[tokio::test]
async fn an_event_says_whom_it_hit_and_whom_not() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    connect(tenant.tenant(), "native-app", ClientClass::Public);
    connect(tenant.tenant(), "own-app", ClientClass::Confidential);

    let reset = bench
        .event(json!({"reset-password": {"user": "alice"}}))
        .await;
    let text = said(&reset);
    for part in [
        "alice@contoso.onmicrosoft.com has a new password",
        "1 connection now AADSTS50173 (native-app)",
        "1 unaffected (own-app: confidential client; by: admin-center ends it)",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(reset.json["changed"], true);

    let revoked = said(
        &bench
            .event(json!({"revoke-sessions": {"user": "alice"}}))
            .await,
    );
    assert!(
        revoked.contains("1 connection now AADSTS50173 (own-app)"),
        "{revoked}"
    );
    assert!(
        revoked.contains("1 still AADSTS50173 (native-app)"),
        "{revoked}"
    );
}

#[tokio::test]
async fn what_comes_back_and_what_depends_on_a_credential_is_said() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    connect(tenant.tenant(), "own-app", ClientClass::Confidential);
    for (event, part) in [
        (
            json!({"disable-user": {"user": "alice"}}),
            "now AADSTS50057 (own-app)",
        ),
        (
            json!({"enable-user": {"user": "alice"}}),
            "1 connection good again (own-app)",
        ),
        (
            json!({"expire-secret": {"app": "own-app"}}),
            "now AADSTS7000222 (own-app)",
        ),
        (
            json!({"add-secret": {"app": "own-app", "secret": "another one"}}),
            "1 connection good again (own-app)",
        ),
        (
            json!({"revoke-consent": {"app": "own-app"}}),
            "now AADSTS65001 (own-app)",
        ),
        (
            json!({"single-sign-out": {"user": "alice"}}),
            "still AADSTS65001 (own-app)",
        ),
        (
            json!({"revoke-sessions": {"user": "bob"}}),
            "no connection yet: nobody concerned holds a refresh token",
        ),
    ] {
        let text = said(&bench.event(event.clone()).await);
        assert!(text.contains(part), "{event}: {text}");
    }
}

#[tokio::test]
async fn an_event_that_changes_nothing_says_why() {
    let bench = Bench::start().await;
    for (event, part) in [
        (
            json!({"revoke-consent": {"app": "own-app", "user": "alice"}}),
            "has not consented to own-app; what is consented to own-app for the whole tenant stays",
        ),
        (
            json!({"enable-user": {"user": "alice"}}),
            "was enabled already",
        ),
        (
            json!({"restore-user": {"user": "alice"}}),
            "was not deleted",
        ),
        (
            json!({"revoke-app-role": {"app": "own-app", "role": "Mail.Read"}}),
            "own-app has no application permission",
        ),
        (
            json!({"remove-certificate": {"app": "own-app"}}),
            "had no certificate",
        ),
        (
            json!({"remove-secret": {"app": "own-app", "secret": "none such"}}),
            "has no such secret among its 1",
        ),
        (
            json!({"revoke-mailbox-access": {"mailbox": "support", "user": "bob"}}),
            "had no rights in the mailbox",
        ),
    ] {
        let answer = bench.event(event.clone()).await;
        let text = said(&answer);
        assert_eq!(answer.json["changed"], false, "{event}: {text}");
        assert!(
            text.starts_with("nothing changed: ") && text.contains(part),
            "{text}"
        );
    }
}

#[tokio::test]
async fn names_that_do_not_exist_are_refused_with_the_nearest_one() {
    let bench = Bench::start().await;
    for (event, part) in [
        (
            json!({"grant-consent": {"app": "own-app", "scopes": ["Mail.Reed"]}}),
            "did you mean 'Mail.Read'?",
        ),
        (
            json!({"request-consent": {"app": "own-app", "user": "alice", "scopes": ["Mail.Sent"]}}),
            "did you mean 'Mail.Send'?",
        ),
        (
            json!({"grant-app-role": {"app": "own-app", "role": "No.Such.Role"}}),
            "there is no application permission 'No.Such.Role'",
        ),
        (
            json!({"grant-app-role": {"app": "own-app", "role": "IMAP.AccessAsAp"}}),
            "did you mean 'IMAP.AccessAsApp'?",
        ),
        (
            json!({"grant-app-role": {"app": "own-app", "role": "Tasks.Read.Al"}}),
            "did you mean 'Tasks.Read.All'?",
        ),
        (
            json!({"grant-app-role": {"app": "own-app", "role": "middle-tier-api/Tasks.Reed.All"}}),
            "API 'middle-tier-api' has no application permission 'Tasks.Reed.All', did you mean \
             'Tasks.Read.All'?",
        ),
        (
            json!({"grant-app-role": {"app": "own-app", "role": "middle-teir-api/Tasks.Read.All"}}),
            "did you mean 'middle-tier-api'?",
        ),
        (
            json!({"revoke-app-role": {"app": "own-app", "role": "Mail.Reed"}}),
            "did you mean 'Mail.Read'?",
        ),
        (
            json!({"change-permissions": {"app": "own-app", "roles": ["Mail.Reed"]}}),
            "did you mean 'Mail.Read'?",
        ),
        (
            json!({"set-user-consent-policy": {"user_consent": "all", "low_impact": ["User.Raed"]}}),
            "did you mean 'User.Read'?",
        ),
        (
            json!({"set-user-consent-policy": {"user_consent": "all", "reviewers": ["alcie"]}}),
            "did you mean 'alice'?",
        ),
        (
            json!({"grant-mailbox-access": {"mailbox": "suport", "user": "alice"}}),
            "did you mean 'support'?",
        ),
        (
            json!({"disable-app": {"app": "own-ap"}}),
            "did you mean 'own-app'?",
        ),
    ] {
        let answer = bench.event(event.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{event}: {}",
            answer.text
        );
        assert!(answer.text.contains(part), "{event}: {}", answer.text);
    }
    for event in [
        json!({"rename-user": {"user": "alice", "to": "bob@contoso.onmicrosoft.com"}}),
        json!({"rename-user": {"user": "alice", "to": "@contoso.onmicrosoft.com"}}),
        json!({"change-redirect-uris": {"app": "own-app", "redirect_uris": ["callback"]}}),
        json!({"change-password": {"user": "alice", "password": ""}}),
        json!({"judge-app": {"app": "own-app"}}),
        json!({"grant-consent": {"app": "own-app", "scopes": []}}),
    ] {
        let answer = bench.event(event.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::CONFLICT,
            "{event}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn roles_of_exchange_and_of_an_own_api_are_granted_and_taken_away() {
    let bench = Bench::start().await;
    let tenant = bench.mock.tenant(Environment::Office365);
    let roles = || {
        tenant.tenant().read(|it| {
            let client = it.app_id("own-app").unwrap();
            let all = it.app_role_assignments.iter();
            let own = all.filter(|it| it.client == client);
            own.map(|it| format!("{}/{}", it.resource, it.role))
                .collect::<Vec<_>>()
        })
    };
    for role in [
        "IMAP.AccessAsApp",
        "POP.AccessAsApp",
        "SMTP.SendAsApp",
        "full_access_as_app",
        "middle-tier-api/Tasks.Read.All",
    ] {
        said(
            &bench
                .event(json!({"grant-app-role": {"app": "own-app", "role": role}}))
                .await,
        );
    }
    let held = roles();
    assert_eq!(held.len(), 5);
    assert_eq!(
        held[0],
        "00000002-0000-0ff1-ce00-000000000000/IMAP.AccessAsApp"
    );
    said(
        &bench
            .event(json!({"revoke-app-role": {"app": "own-app", "role": "IMAP.AccessAsApp"}}))
            .await,
    );
    assert_eq!(roles().len(), 4);
    said(
        &bench
            .event(json!({"revoke-app-role": {"app": "own-app"}}))
            .await,
    );
    assert!(roles().is_empty());
}

/// Each code that an event makes a refresh meet is among those that its reference names.
#[tokio::test]
async fn the_reference_names_the_codes_that_follow() {
    let bench = Bench::start().await;
    let mut seen = 0;
    for event in Event::reference().iter().filter(|it| it.connections) {
        let made = bench
            .send(Method::POST, "/api/v1/tenants", &json!({}))
            .await;
        let id = made.json["tenant"]["id"].as_str().unwrap();
        let handles = bench.mock.world().tenants();
        let tenant = handles.iter().find(|it| it.id.to_string() == id).unwrap();
        connect(tenant, "native-app", ClientClass::Public);
        connect(tenant, "own-app", ClientClass::Confidential);
        let Some(example) = hitting(event) else {
            continue;
        };
        let path = format!("/api/v1/tenants/{id}/events");
        let done = bench.send(Method::POST, &path, &example).await;
        assert_eq!(done.status, StatusCode::OK, "{example}: {}", done.text);
        for it in done.json["connections"].as_array().unwrap() {
            if let Some(code) = it["now"].as_u64() {
                let named = event.codes.iter().any(|it| u64::from(*it) == code);
                assert!(
                    named,
                    "{}: AADSTS{code} is not in its reference",
                    event.name
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

/// The event of the reference's example, where it can happen in a fresh tenant, so that it hits.
fn hitting(event: &EventReference) -> Option<Value> {
    let mut example: Value = serde_saphyr::from_str(&event.example()).unwrap();
    let fields = &mut example[&event.name];
    match event.name.as_str() {
        // They need a guest, a request, a certificate, or undo what was not done.
        "allow-home-tenant" | "block-home-tenant" | "approve-request" | "block-request"
        | "add-certificate" | "unassign-user" | "rename-user" => return None,
        "set-user-risk" => fields["risk"] = json!("high"),
        "set-sign-in-frequency" => fields["seconds"] = json!(0),
        _ => {}
    }
    Some(example)
}
