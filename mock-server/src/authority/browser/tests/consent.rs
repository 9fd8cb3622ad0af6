use super::Mock;
use crate::directory::{ConsentRequestStatus, ConsentType, Event, UserConsent};

fn policy(mock: &Mock, user_consent: UserConsent, requests: bool) {
    mock.event(&Event::SetUserConsentPolicy {
        user_consent,
        admin_consent_requests: Some(requests),
        low_impact: None,
        request_days: None,
        reviewers: None,
    });
}

#[tokio::test]
async fn a_user_consents_once() {
    let mock = Mock::new();
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "consent");
    assert_eq!(page.text("#appName"), "Contoso Prototype");
    assert_eq!(page.permissions(), ["Mail.Read", "openid"]);
    assert!(!page.html.contains("orgconsent"));
    let answer = browser.press(&page, "accept", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    assert!(!answer.parameters().contains_key("admin_consent"));
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
    // More permissions: only the new ones are asked for.
    let wider = mock.authorize(
        "unconsented-app",
        &[("scope", "openid Mail.Read User.Read")],
    );
    let page = browser.get(&wider).await;
    assert_eq!(page.permissions(), ["User.Read"]);
    // Not for others, and again on request.
    assert_eq!(mock.browser().sign_in(&uri, "bob").await.page(), "consent");
    let again = mock.authorize(
        "unconsented-app",
        &[("scope", "openid Mail.Read"), ("prompt", "consent")],
    );
    let page = browser.get(&again).await;
    assert_eq!(page.permissions(), ["Mail.Read", "openid"]);
    assert!(
        browser
            .press(&page, "accept", &[])
            .await
            .parameters()
            .contains_key("code")
    );
}

#[tokio::test]
async fn an_administrator_may_consent_for_all() {
    let mock = Mock::new();
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "admin").await;
    let answer = browser
        .press(&page, "accept", &[("orgconsent", "true")])
        .await;
    assert_eq!(answer.parameters()["admin_consent"], "True");
    assert!(
        mock.browser()
            .sign_in(&uri, "bob")
            .await
            .parameters()
            .contains_key("code")
    );
}

#[tokio::test]
async fn a_forged_checkbox_of_a_user_counts_for_nothing() {
    let mock = Mock::new();
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    let (action, body) = page.form("accept", &[]);
    let post = axum::http::Request::post(action)
        .header("content-type", "application/x-www-form-urlencoded");
    browser
        .send(post, format!("{body}&orgconsent=true").into())
        .await;
    let app = mock.app("unconsented-app").app_id;
    mock.tenant.read(|directory| {
        let grants: Vec<_> = directory
            .grants
            .iter()
            .filter(|grant| grant.client == app)
            .collect();
        assert!(
            grants
                .iter()
                .all(|it| it.consent != ConsentType::AllPrincipals),
            "{grants:?}"
        );
    });
}

#[tokio::test]
async fn silent_requests_are_told_that_consent_is_missing() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    browser
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    let answer = browser
        .get(&mock.authorize("unconsented-app", &[("prompt", "none")]))
        .await;
    assert_eq!(answer.parameters()["error"], "consent_required");
    assert!(answer.parameters()["error_description"].starts_with("AADSTS65001:"));
}

#[tokio::test]
async fn what_only_an_administrator_may_grant_needs_one() {
    let mock = Mock::new();
    policy(&mock, UserConsent::None, false);
    let uri = mock.authorize("unconsented-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("approval-required", 90094)
    );
    let back = browser.press(&page, "cancel", &[]).await;
    let fields = back.parameters();
    assert_eq!(
        (fields["error"].as_str(), fields["error_subcode"].as_str()),
        ("access_denied", "cancel")
    );
    assert!(!fields.contains_key("error_description"));
    let other = browser.press(&page, "other-account", &[]).await;
    assert_eq!(other.page(), "sign-in");
    let admin = mock.user("admin");
    let upn = admin.user_principal_name.as_str();
    let page = browser.press(&other, &format!("pick={upn}"), &[]).await;
    assert_eq!(page.page(), "consent");
}

#[tokio::test]
async fn a_user_asks_for_approval_and_an_administrator_approves() {
    let mock = Mock::new();
    policy(&mock, UserConsent::None, true);
    let uri = mock.authorize("vendor-app", &[("scope", "openid Mail.Read")]);
    // The vendor's app is not here yet, so that the request makes it appear.
    let app = mock.app("vendor-app").app_id;
    mock.tenant
        .write(|it| it.service_principals.shift_remove(&app));
    mock.tenant
        .write(|it| it.grants.retain(|grant| grant.client != app));
    let mut alice = mock.browser();
    let page = alice.sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("approval-required", 90095)
    );
    let page = alice.press(&page, "request", &[]).await;
    assert!(!page.text("#justificationError").is_empty());
    let page = alice
        .press(&page, "request", &[("justification", "We need <it>")])
        .await;
    assert_eq!(page.page(), "approval-requested");
    let back = alice.press(&page, "cancel", &[]).await;
    assert_eq!(back.parameters()["error_subcode"], "cancel");
    assert_eq!(alice.get(&uri).await.page(), "approval-requested");

    let list = format!("/{}/consent-requests", mock.tenant.id);
    let refused = mock.browser().sign_in(&list, "bob").await;
    assert_eq!(
        (refused.page().as_str(), refused.error_code()),
        ("error", 90093)
    );
    let mut admin = mock.browser();
    let page = admin.sign_in(&list, "admin").await;
    assert_eq!(page.page(), "consent-requests");
    assert!(page.html.contains("We need &lt;it&gt;"), "{}", page.html);
    assert_eq!(page.permissions(), ["Mail.Read", "openid"]);
    let page = admin.press(&page, "approve", &[]).await;
    assert!(
        page.html.contains("data-status=\"approved\""),
        "{}",
        page.html
    );
    assert!(alice.get(&uri).await.parameters().contains_key("code"));
    let status = mock.tenant.read(|it| it.consent_requests[0].status);
    assert_eq!(status, ConsentRequestStatus::Approved);
}

#[tokio::test]
async fn a_blocked_app_stays_out() {
    let mock = Mock::new();
    policy(&mock, UserConsent::None, true);
    let uri = mock.authorize("unconsented-app", &[]);
    let mut alice = mock.browser();
    let page = alice.sign_in(&uri, "alice").await;
    alice
        .press(&page, "request", &[("justification", "please")])
        .await;
    let mut admin = mock.browser();
    let page = admin
        .sign_in(&format!("/{}/consent-requests", mock.tenant.id), "admin")
        .await;
    admin
        .press(&page, "block", &[("justification", "unknown publisher")])
        .await;
    assert_eq!(alice.get(&uri).await.error_code(), 7000112);
}

#[tokio::test]
async fn an_app_of_another_tenant_appears_with_the_first_consent() {
    let mock = Mock::new();
    let app = mock.app("vendor-app").app_id;
    mock.tenant
        .write(|it| it.service_principals.shift_remove(&app));
    mock.tenant
        .write(|it| it.grants.retain(|grant| grant.client != app));
    let mut browser = mock.browser();
    let page = browser
        .sign_in(&mock.authorize("vendor-app", &[]), "alice")
        .await;
    assert_eq!(page.page(), "consent");
    assert!(page.html.contains("verified publisher"));
    let answer = browser.press(&page, "accept", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    assert!(mock.tenant.read(|it| it.service_principal(app).is_some()));
}

#[tokio::test]
async fn a_form_of_an_older_state_gets_todays_answer() {
    let mock = Mock::new();
    let uri = mock.authorize("unconsented-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    policy(&mock, UserConsent::None, false);
    let answer = browser.press(&page, "accept", &[]).await;
    assert_eq!(answer.error_code(), 90094);
    mock.event(&Event::DisableUser {
        user: "alice".into(),
    });
    let answer = browser.press(&page, "accept", &[]).await;
    assert_eq!(answer.page(), "password");
}
