//! Continuous access evaluation at the token endpoint: who gets long-lived tokens, and what
//! becomes of a challenge.

use jiff::SignedDuration;

use super::*;
use crate::directory::SignInAudience;
use crate::token::verify_access_token;

const CAPABLE: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;

impl Mock {
    async fn refresh_with(&self, token: &Value, claims: &str) -> (u16, Value) {
        let (id, _) = self.client("native-app");
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &id),
            ("refresh_token", token["refresh_token"].as_str().unwrap()),
            ("scope", "https://graph.microsoft.com/User.Read"),
            ("claims", claims),
        ])
        .await
    }

    fn claims_of(&self, body: &Value) -> crate::token::AccessClaims {
        let token = body["access_token"].as_str().unwrap();
        verify_access_token(token, &self.world.keys, &self.world.sealer)
            .unwrap()
            .0
    }
}

fn seconds(body: &Value) -> u64 {
    body["expires_in"].as_u64().unwrap()
}

#[tokio::test]
async fn capable_clients_get_tokens_for_a_day_at_graph_alone() {
    let mock = Mock::new();
    let signed_in = mock.sign_in("offline_access User.Read").await;
    assert!((3599..5400).contains(&seconds(&signed_in)));
    assert!(mock.claims_of(&signed_in).xms_cc.is_empty());
    let (status, body) = mock.refresh_with(&signed_in, CAPABLE).await;
    assert_eq!(status, 200, "{body}");
    assert!((71_999..100_800).contains(&seconds(&body)), "{body}");
    assert_eq!(mock.claims_of(&body).xms_cc, ["CP1"]);
    // Unknown capabilities count for nothing.
    let unknown = r#"{"access_token":{"xms_cc":{"values":["cp9"]}}}"#;
    let (_, body) = mock.refresh_with(&signed_in, unknown).await;
    assert!(seconds(&body) < 5400, "{body}");
    // A lifetime policy is for the others.
    mock.happen(&Event::SetTokenLifetime { seconds: Some(600) });
    let (_, body) = mock.refresh_with(&signed_in, CAPABLE).await;
    assert!(seconds(&body) > 70000, "{body}");
    let (_, body) = mock.refresh(&signed_in).await;
    assert_eq!(seconds(&body), 599);
}

#[tokio::test]
async fn apps_of_this_tenant_alone_get_them_for_themselves() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let everywhere = SignInAudience::MultiTenant;
    for (audience, long) in [(SignInAudience::SingleTenant, true), (everywhere, false)] {
        let app = mock.facts.apps["daemon-secret"].client_id;
        mock.tenant
            .write(|it| it.applications[&app].sign_in_audience = audience);
        let (status, body) = mock
            .token(&[
                ("grant_type", "client_credentials"),
                ("client_id", &id),
                ("client_secret", &secret),
                ("scope", GRAPH),
                ("claims", CAPABLE),
            ])
            .await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(seconds(&body) == 86_399, long, "{audience:?}: {body}");
        assert_eq!(
            mock.claims_of(&body).xms_cc.is_empty(),
            !long,
            "{audience:?}"
        );
    }
}

#[tokio::test]
async fn a_challenge_is_met_by_a_new_token_unless_the_session_is_revoked() {
    let mock = Mock::new();
    let signed_in = mock.sign_in("offline_access User.Read").await;
    mock.happen(&Event::RevokeAccessTokens {
        user: Some("alice".to_owned()),
        app: None,
    });
    let moment = mock.tenant.now().as_second();
    mock.tenant.clock.advance(SignedDuration::from_secs(1));
    let challenge = format!(
        r#"{{"access_token":{{"xms_cc":{{"values":["cp1"]}},"nbf":{{"essential":true, "value":"{moment}"}}}}}}"#
    );
    let (status, body) = mock.refresh_with(&signed_in, &challenge).await;
    assert_eq!(status, 200, "{body}");
    assert!(mock.claims_of(&body).moment().as_second() > moment);
    mock.happen(&Event::RevokeSessions {
        user: "alice".to_owned(),
        by: RevokedBy::Admin,
    });
    let answer = mock.refresh_with(&signed_in, &challenge).await;
    assert_eq!(code_of(&answer), 50173);
}

#[tokio::test]
async fn where_the_api_alone_sees_another_address_the_token_lives_an_hour() {
    let mock = Mock::new();
    let signed_in = mock.sign_in("offline_access User.Read").await;
    mock.happen(&Event::BlockByPolicy {
        user: None,
        app: None,
        inside: None,
        outside: Some(vec!["127.0.0.0/8".to_owned()]),
    });
    let seen = |address: &str| {
        format!(
            r#"{{"access_token":{{"xms_cc":{{"values":["cp1"]}},"xms_rp_ipaddr":{{"value":"{address}"}}}}}}"#
        )
    };
    let (status, body) = mock.refresh_with(&signed_in, &seen("203.0.113.7")).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(seconds(&body), 3599);
    assert!(!mock.claims_of(&body).location_counts());
    // The same address: nothing varies.
    let (_, body) = mock.refresh_with(&signed_in, &seen("127.0.0.1")).await;
    assert!(seconds(&body) > 70000, "{body}");
    assert!(mock.claims_of(&body).location_counts());
}
