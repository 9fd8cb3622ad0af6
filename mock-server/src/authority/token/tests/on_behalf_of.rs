//! On-behalf-of: the middle tier of the default world and who may not use it.

use super::*;

const URN: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Fields of a form that differ from a good one; empty ones are left out.
type Change<'a> = &'a [(&'a str, &'a str)];

impl Mock {
    /// A token of a user for the middle tier.
    pub(super) async fn for_middle_tier(&self) -> String {
        let (api, _) = self.client("middle-tier-api");
        let scope = format!("api://{api}/access_as_user");
        let body = self.sign_in(&scope).await;
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn exchange(&self, assertion: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let (id, secret) = self.client("middle-tier-api");
        let base = [
            ("grant_type", URN),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("requested_token_use", "on_behalf_of"),
            ("assertion", assertion),
            ("scope", "https://graph.microsoft.com/Mail.Read"),
        ];
        let mut form: Vec<(&str, &str)> = base
            .into_iter()
            .filter(|(name, _)| more.iter().all(|(changed, _)| changed != name))
            .collect();
        form.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        self.token(&form).await
    }
}

#[tokio::test]
async fn an_api_acts_for_the_user_who_called_it() {
    let mock = Mock::new();
    let assertion = mock.for_middle_tier().await;
    let (status, body) = mock.exchange(&assertion, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["refresh_token"], Value::Null);
    let token = body["access_token"].as_str().unwrap();
    let (claims, _) =
        crate::token::verify_access_token(token, &mock.world.keys, &mock.world.sealer).unwrap();
    assert_eq!(claims.aud, "https://graph.microsoft.com");
    assert_eq!(claims.oid, mock.facts.users["alice"].id);
    assert_eq!(
        claims.client(),
        Some(mock.facts.apps["middle-tier-api"].client_id)
    );
    assert!(claims.scopes().any(|it| it == "Mail.Read"));

    let scope = "https://graph.microsoft.com/.default openid profile offline_access";
    let (status, body) = mock.exchange(&assertion, &[("scope", scope)]).await;
    assert_eq!(status, 200, "{body}");
    let refresh = body["refresh_token"].as_str().unwrap();
    let (id, secret) = mock.client("middle-tier-api");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("refresh_token", refresh),
    ];
    let (status, body) = mock.token(&form).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn each_defect_of_an_exchange_has_its_code() {
    let mock = Mock::new();
    let good = mock.for_middle_tier().await;
    let graph = mock.sign_in("Mail.ReadWrite").await;
    let graph = graph["access_token"].as_str().unwrap();
    let (api, _) = mock.client("middle-tier-api");
    let (daemon, secret) = mock.client("daemon-secret");
    let (status, app_only) = mock
        .token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &daemon),
            ("client_secret", &secret),
            ("scope", &format!("api://{api}/.default")),
        ])
        .await;
    assert_eq!(status, 200, "{app_only}");
    let app_only = app_only["access_token"].as_str().unwrap();
    let mut forged = good.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    let cases: [(&str, Change<'_>, u64); 9] = [
        (graph, &[], 50013),
        (app_only, &[], 7000114),
        (&forged, &[], 50013),
        ("rubbish", &[], 50027),
        (&good, &[("client_secret", "")], 7000219),
        (&good, &[("client_secret", "wrong")], 7000215),
        (&good, &[("requested_token_use", "")], 900144),
        (&good, &[("scope", "")], 900144),
        (&good, &[("scope", "Mail.Send")], 65001),
    ];
    for (assertion, change, expected) in cases {
        let answer = mock.exchange(assertion, change).await;
        assert_eq!(code_of(&answer), expected, "{change:?}: {}", answer.1);
    }
    let (_, body) = mock.exchange(&good, &[("scope", "Mail.Send")]).await;
    assert_eq!(body["suberror"], "consent_required", "{body}");

    mock.tenant.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(code_of(&mock.exchange(&good, &[]).await), 500133);
}

#[tokio::test]
async fn a_policy_on_the_api_is_told_with_claims() {
    let mock = Mock::new();
    let good = mock.for_middle_tier().await;
    let demand = Event::RequireMfa {
        user: None,
        app: Some("middle-tier-api".to_owned()),
    };
    mock.world.apply(&mock.tenant, &demand).unwrap();
    let (status, body) = mock.exchange(&good, &[]).await;
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("invalid_grant")),
        "{body}"
    );
    assert_eq!(body["error_codes"], json!([50076]));
    let claims: Value = serde_json::from_str(body["claims"].as_str().unwrap()).unwrap();
    assert_eq!(
        claims["access_token"]["capolids"]["essential"], true,
        "{claims}"
    );
    assert!(
        claims["access_token"]["capolids"]["values"][0].is_string(),
        "{claims}"
    );
}
