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
    bench.tenant.clock.advance(SignedDuration::from_secs(3599));
    bench.get(&token, "/v1.0/me").await.expect(200);
    bench.tenant.clock.advance(SignedDuration::from_secs(1));
    let answer = bench.get(&token, "/v1.0/me").await.expect(401);
    let message = &answer.body["error"]["message"];
    assert_eq!(
        *message,
        "Lifetime validation failed, the token is expired."
    );
    assert_eq!(
        answer.body["error"]["innerError"]["date"],
        "2026-01-15T13:00:00"
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
