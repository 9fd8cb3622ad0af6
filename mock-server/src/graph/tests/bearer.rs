use jiff::SignedDuration;

use super::*;
use crate::directory::{Event, PasswordResetBy, RevokedBy};

async fn message_of(bench: &Bench, authorization: Option<&str>) -> String {
    let mut request = Request::builder().uri("/v1.0/me");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let answer = bench
        .answer(request.body(Body::empty()).unwrap())
        .await
        .expect(401);
    assert_eq!(answer.body["error"]["code"], "InvalidAuthenticationToken");
    assert!(
        answer
            .header("www-authenticate")
            .starts_with("Bearer realm=\"\", authorization_uri=")
    );
    answer.body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_no_token_is_refused_with_the_services_words() {
    let bench = Bench::new();
    assert_eq!(message_of(&bench, None).await, "Access token is empty.");
    assert_eq!(
        message_of(&bench, Some("Bearer ")).await,
        "UnableToParseTokens"
    );
    let unreadable = "Protocol 'Bearer' failed to validate because The token could not be read.";
    assert_eq!(message_of(&bench, Some("Bearer abc")).await, unreadable);
    assert_eq!(message_of(&bench, Some("Basic abc")).await, unreadable);
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case() {
    let bench = Bench::new();
    let token = bench.token(&bench.delegated("alice", &["User.Read"]));
    let request = Request::builder()
        .uri("/v1.0//me")
        .header("authorization", format!("bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let answer = bench.answer(request).await.expect(200);
    assert_eq!(answer.body["displayName"], "Alice Archer");
    assert_eq!(answer.annotation.user, Some(bench.user("alice")));
    assert_eq!(answer.annotation.endpoint.as_deref(), Some("GET /me"));
}

#[tokio::test]
async fn a_token_for_another_environment_is_refused() {
    for (environment, foreign) in [
        (Environment::Office365, "https://graph.microsoft.us"),
        (Environment::UsGovL5, "https://graph.microsoft.us"),
        (Environment::China, "https://graph.microsoft.com"),
    ] {
        let bench = Bench::at(environment, "contoso.example");
        let token = Token {
            audience: foreign.into(),
            ..bench.delegated("alice", &["User.Read"])
        };
        let answer = bench.get(&token, "/v1.0/me").await.expect(401);
        let message = &answer.body["error"]["message"];
        assert_eq!(
            *message,
            "Access token validation failure. Invalid audience."
        );
        assert_eq!(answer.annotation.client, Some(client()));
    }
}

#[tokio::test]
async fn a_token_of_another_cloud_is_told_from_a_forged_one() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    let foreign = bench.world.keys.of(other_cloud(SignInCloud::Global)).key(0);
    let text = bench.token_signed_by(&token, &foreign);
    assert_eq!(
        message_of(&bench, Some(&format!("Bearer {text}"))).await,
        "InvalidCloudInstance"
    );
    let text = bench.token(&token);
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let text = format!("{signed}.{other}{}", &signature[1..]);
    assert_eq!(
        message_of(&bench, Some(&format!("Bearer {text}"))).await,
        "Signature is invalid."
    );
}

#[tokio::test]
async fn a_token_ends_by_the_tenants_clock() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    bench.tenant.clock.advance(SignedDuration::from_secs(3600));
    bench.get(&token, "/v1.0/me").await.expect(200);
    // `exp` lies a second behind what the answer tells.
    bench.tenant.clock.advance(SignedDuration::from_secs(1));
    let answer = bench.get(&token, "/v1.0/me").await.expect(401);
    let message = &answer.body["error"]["message"];
    assert_eq!(
        *message,
        "Lifetime validation failed, the token is expired."
    );
    assert_eq!(
        answer.body["error"]["innerError"]["date"],
        "2026-01-15T13:00:01"
    );
}

#[tokio::test]
async fn tokens_that_an_event_expired_are_refused_for_everybody() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    let event = Event::ExpireAccessTokens {
        user: Some("alice".into()),
        app: None,
    };
    bench.world.apply(&bench.tenant, &event).unwrap();
    bench.get(&token, "/v1.0/me").await.expect(401);
    let other = bench.delegated("bob", &["User.Read"]);
    bench.get(&other, "/v1.0/me").await.expect(200);
}

#[tokio::test]
async fn only_clients_that_can_handle_it_get_a_claims_challenge() {
    for event in [
        Event::RevokeSessions {
            user: "alice".into(),
            by: RevokedBy::Admin,
        },
        Event::DisableUser {
            user: "alice".into(),
        },
        Event::ResetPassword {
            user: "alice".into(),
            by: PasswordResetBy::default(),
            password: None,
        },
        Event::RevokeAccessTokens {
            user: None,
            app: None,
        },
    ] {
        let bench = Bench::new();
        let plain = bench.delegated("alice", &["User.Read"]);
        let capable = Token {
            handles_claims_challenges: true,
            ..plain.clone()
        };
        bench.get(&capable, "/v1.0/me").await.expect(200);
        bench.world.apply(&bench.tenant, &event).unwrap();
        bench.get(&plain, "/v1.0/me").await.expect(200);
        let answer = bench.get(&capable, "/v1.0/me").await.expect(401);
        let header = answer.header("www-authenticate");
        // {"access_token":{"nbf":{"essential":true, "value":"1768478400"}}}
        let claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTc2ODQ3ODQwMCJ9fX0=";
        let expected = format!("error=\"insufficient_claims\", claims=\"{claims}\"");
        assert!(header.ends_with(&expected), "{header}");
    }
}

#[tokio::test]
async fn a_user_who_is_gone_keeps_a_token_and_loses_the_mailbox() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read"]);
    bench
        .world
        .apply(
            &bench.tenant,
            &Event::DeleteUser {
                user: "alice".into(),
            },
        )
        .unwrap();
    let code = bench.get(&token, "/v1.0/me/messages").await.refused(404);
    assert_eq!(code, "MailboxNotEnabledForRESTAPI");
}

#[tokio::test]
async fn a_refusal_looks_like_the_services() {
    let bench = Bench::new();
    let request = Request::builder()
        .uri("/v1.0/me")
        .header("client-request-id", "11111111-2222-3333-4444-555555555555")
        .body(Body::empty())
        .unwrap();
    let answer = bench.answer(request).await.expect(401);
    let id = answer.header("request-id").to_owned();
    assert_eq!(answer.body["error"]["innerError"]["request-id"], id);
    assert_eq!(
        answer.header("client-request-id"),
        "11111111-2222-3333-4444-555555555555"
    );
    assert_eq!(answer.header("content-type"), "application/json");
    insta::assert_snapshot!(answer.header("www-authenticate"), @r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000""#);
}

/// The claims of a challenge, and the message beside it.
fn challenge_of(answer: &Answer) -> (Value, String) {
    use base64::Engine as _;
    let header = answer.header("www-authenticate");
    let (_, claims) = header.split_once("claims=\"").unwrap();
    let claims = base64::engine::general_purpose::STANDARD
        .decode(claims.trim_end_matches('"'))
        .unwrap();
    let message = answer.body["error"]["message"].as_str().unwrap().to_owned();
    (serde_json::from_slice(&claims).unwrap(), message)
}

#[tokio::test]
async fn a_client_at_a_blocked_address_is_challenged_with_the_address() {
    let bench = Bench::new();
    let plain = bench.delegated("alice", &["User.Read"]);
    let capable = Token {
        handles_claims_challenges: true,
        ..plain.clone()
    };
    let block = Event::BlockByPolicy {
        user: Some("alice".into()),
        app: None,
        inside: None,
        outside: Some(vec!["127.0.0.1".into()]),
    };
    bench.world.apply(&bench.tenant, &block).unwrap();
    bench.get(&capable, "/v1.0/me").await.expect(200);
    let elsewhere = Event::SetClientAddress {
        address: Some("203.0.113.7".into()),
    };
    bench.world.apply(&bench.tenant, &elsewhere).unwrap();
    bench.get(&plain, "/v1.0/me").await.expect(200);
    let answer = bench.get(&capable, "/v1.0/me").await.expect(401);
    let (claims, message) = challenge_of(&answer);
    let access = &claims["access_token"];
    assert_eq!(access["xms_rp_ipaddr"]["value"], "203.0.113.7");
    assert_eq!(
        access["nbf"],
        serde_json::json!({"essential": true, "value": "1768478400"})
    );
    assert_eq!(answer.body["error"]["code"], "InvalidAuthenticationToken");
    assert!(message.starts_with("Continuous access evaluation resulted in challenge"));
    // A policy without locations is the authority's alone.
    let back = Event::SetClientAddress { address: None };
    bench.world.apply(&bench.tenant, &back).unwrap();
    let everywhere = Event::BlockByPolicy {
        user: None,
        app: None,
        inside: None,
        outside: None,
    };
    bench.world.apply(&bench.tenant, &everywhere).unwrap();
    bench.get(&capable, "/v1.0/me").await.expect(200);
}

#[tokio::test]
async fn multifactor_authentication_enabled_for_a_user_is_a_critical_event() {
    for (user, status) in [(Some("alice".to_owned()), 401), (None, 200)] {
        let bench = Bench::new();
        let token = Token {
            handles_claims_challenges: true,
            ..bench.delegated("alice", &["User.Read"])
        };
        let event = Event::RequireMfa { user, app: None };
        bench.world.apply(&bench.tenant, &event).unwrap();
        bench.get(&token, "/v1.0/me").await.expect(status);
    }
}

#[tokio::test]
async fn apps_are_challenged_when_they_are_disabled_deleted_or_at_risk() {
    use crate::directory::{Risk, ServicePrincipal};
    let app = || client().to_string();
    for event in [
        Event::DisableApp { app: app() },
        Event::DeleteApp { app: app() },
        Event::SetAppRisk {
            app: app(),
            risk: Risk::High,
        },
    ] {
        let bench = Bench::new();
        let principal = ServicePrincipal::new(
            ObjectId(Uuid::from_u128(77)),
            client(),
            bench.tenant.id,
            noon(),
        );
        bench
            .tenant
            .write(|it| it.service_principals.insert(client(), principal));
        let plain = bench.app_only(&["User.Read.All"]);
        let capable = Token {
            handles_claims_challenges: true,
            ..plain.clone()
        };
        bench.get(&capable, "/v1.0/users").await.expect(200);
        bench.world.apply(&bench.tenant, &event).unwrap();
        bench.get(&plain, "/v1.0/users").await.expect(200);
        let answer = bench.get(&capable, "/v1.0/users").await.expect(401);
        let (claims, _) = challenge_of(&answer);
        assert_eq!(claims["access_token"]["nbf"]["essential"], true);
    }
}

#[tokio::test]
async fn a_policy_that_is_not_in_force_or_for_another_app_ends_no_token() {
    use crate::directory::{ConditionalAccessPolicy, PolicyState};
    type Change = fn(&mut ConditionalAccessPolicy);
    let changes: [(Change, u16); 5] = [
        (|it| it.state = PolicyState::Disabled, 200),
        (|it| it.state = PolicyState::ReportOnly, 200),
        (
            |it| it.apps = [ApplicationId(Uuid::from_u128(6))].into(),
            200,
        ),
        (
            |it| it.networks.outside = vec!["127.0.0.0/8".parse().unwrap()],
            200,
        ),
        (|it| it.apps = [client()].into(), 401),
    ];
    for (at, (change, status)) in changes.into_iter().enumerate() {
        let bench = Bench::new();
        let token = Token {
            handles_claims_challenges: true,
            ..bench.delegated("alice", &["User.Read"])
        };
        let event = Event::RequireMfa {
            user: Some("alice".to_owned()),
            app: None,
        };
        bench.world.apply(&bench.tenant, &event).unwrap();
        bench
            .tenant
            .write(|it| change(&mut it.policies.conditional_access[0]));
        let answer = bench.get(&token, "/v1.0/me").await;
        assert_eq!(answer.status.as_u16(), status, "change {at}");
    }
}

#[tokio::test]
async fn a_policy_that_graph_enables_ends_the_tokens_before_it_and_none_after() {
    let bench = Bench::new();
    let policies = "/v1.0/identity/conditionalAccess/policies";
    // The clock stands, and something happened at this very moment already.
    let event = Event::RevokeSessions {
        user: "bob".into(),
        by: RevokedBy::Admin,
    };
    bench.world.apply(&bench.tenant, &event).unwrap();
    let sign_in = || Token {
        issued: bench.tenant.read(|it| it.moment(bench.tenant.now())),
        handles_claims_challenges: true,
        ..bench.delegated("alice", &["User.Read"])
    };
    let held = [
        "Policy.Read.All",
        "Policy.ReadWrite.ConditionalAccess",
        "Application.Read.All",
    ];
    let root = bench.delegated("root", &held);
    let first = sign_in();
    let body = serde_json::json!({
        "displayName": "Test", "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "users": {"includeUsers": [bench.user("alice")]},
            "applications": {"includeApplications": ["All"]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    });
    let made = bench.post(&root, policies, body).await.expect(201);
    bench.get(&first, "/v1.0/me").await.expect(401);
    let second = sign_in();
    bench.get(&second, "/v1.0/me").await.expect(200);
    let one = format!("{policies}/{}", made.id());
    let patch = async |body| {
        bench
            .send("PATCH", &root, &one, &[], body)
            .await
            .expect(204);
    };
    // Another name is not another policy.
    patch(serde_json::json!({"displayName": "Other"})).await;
    bench.get(&second, "/v1.0/me").await.expect(200);
    patch(serde_json::json!({"state": "disabled"})).await;
    bench.get(&first, "/v1.0/me").await.expect(200);
    bench.tenant.clock.advance(SignedDuration::from_mins(5));
    patch(serde_json::json!({"state": "enabled"})).await;
    bench.get(&second, "/v1.0/me").await.expect(401);
    bench.get(&sign_in(), "/v1.0/me").await.expect(200);
    let read = bench.get(&root, &one).await.expect(200);
    assert_eq!(read.body["createdDateTime"], made.body["createdDateTime"]);
}
