//! The admin-consent workflow: who asks, who sees it, what becomes of it.

use jiff::SignedDuration;

use super::{Answer, Browser, Mock};
use crate::directory::{ConsentRequestStatus, Event, UserConsent};

fn workflow(mock: &Mock, reviewers: &[&str]) {
    mock.event(&Event::SetUserConsentPolicy {
        user_consent: UserConsent::None,
        admin_consent_requests: Some(true),
        low_impact: None,
        request_days: Some(10),
        reviewers: Some(reviewers.iter().map(|it| (*it).to_owned()).collect()),
    });
}

async fn ask<'a>(mock: &'a Mock, alias: &str) -> (Browser<'a>, Answer) {
    let mut browser = mock.browser();
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    let page = browser.sign_in(&uri, alias).await;
    let reason = [("justification", "for the quarter's mail")];
    let page = browser.press(&page, "request", &reason).await;
    (browser, page)
}

async fn review<'a>(mock: &'a Mock, alias: &str) -> (Browser<'a>, Answer) {
    let mut browser = mock.browser();
    let list = format!("/{}/consent-requests", mock.tenant.id);
    let page = browser.sign_in(&list, alias).await;
    (browser, page)
}

#[tokio::test]
async fn one_app_of_many_users_is_one_request() {
    let mock = Mock::new();
    workflow(&mock, &[]);
    let (mut alice, _) = ask(&mock, "alice").await;
    let (mut bob, page) = ask(&mock, "bob").await;
    assert_eq!(page.page(), "approval-requested");
    let (mut admin, page) = review(&mock, "admin").await;
    assert_eq!(page.html.matches("data-status=\"pending\"").count(), 1);
    assert_eq!(page.html.matches("data-requestor=").count(), 2);
    admin.press(&page, "approve", &[]).await;
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    for browser in [&mut alice, &mut bob] {
        let answer = browser.get(&uri).await;
        assert!(answer.parameters().contains_key("code"));
    }
}

#[tokio::test]
async fn whoever_denies_says_why_and_the_user_may_ask_again() {
    let mock = Mock::new();
    workflow(&mock, &[]);
    let (mut alice, _) = ask(&mock, "alice").await;
    let (mut admin, page) = review(&mock, "admin").await;
    let nothing_said = admin.press(&page, "deny", &[]).await;
    assert!(!nothing_said.text("#reviewError").is_empty());
    let status = |mock: &Mock| mock.tenant.read(|it| it.consent_requests[0].status);
    assert_eq!(status(&mock), ConsentRequestStatus::Pending);
    let page = admin
        .press(&page, "deny", &[("justification", "not this quarter")])
        .await;
    assert!(page.html.contains("not this quarter"), "{}", page.html);
    assert_eq!(status(&mock), ConsentRequestStatus::Denied);
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    assert_eq!(alice.get(&uri).await.error_code(), 90095);
}

#[tokio::test]
async fn reviewers_see_what_was_asked_while_they_were_named() {
    let mock = Mock::new();
    workflow(&mock, &["admin"]);
    ask(&mock, "alice").await;
    workflow(&mock, &["bob"]);
    // Named too late for the first request.
    let (_, page) = review(&mock, "bob").await;
    assert_eq!(page.page(), "consent-requests");
    assert!(!page.html.contains("data-status"), "{}", page.html);
    ask(&mock, "bob").await;
    let (mut bob, page) = review(&mock, "bob").await;
    assert_eq!(page.html.matches("data-requestor=").count(), 1);
    // A reviewer without a role may deny and block, not approve.
    assert!(!page.html.contains("value=\"approve\""), "{}", page.html);
    let forged = page.html.replace("value=\"deny\"", "value=\"approve\"");
    let forged = Answer {
        html: forged,
        ..page
    };
    let refused = bob.press(&forged, "approve", &[]).await;
    assert_eq!(refused.error_code(), 90093);
    // Whoever was named before keeps the old ones.
    let (_, page) = review(&mock, "admin").await;
    assert_eq!(page.html.matches("data-requestor=").count(), 1);
    assert!(
        page.html.contains("data-requestor=\"alice@"),
        "{}",
        page.html
    );
}

#[tokio::test]
async fn a_request_expires_by_the_clock() {
    let mock = Mock::new();
    workflow(&mock, &[]);
    let (mut alice, _) = ask(&mock, "alice").await;
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    mock.tenant
        .clock
        .advance(SignedDuration::from_hours(24 * 10 - 1));
    assert_eq!(alice.get(&uri).await.page(), "approval-requested");
    mock.tenant.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(alice.get(&uri).await.error_code(), 90095);
    let (_, page) = review(&mock, "admin").await;
    assert!(
        page.html.contains("data-status=\"expired\""),
        "{}",
        page.html
    );
}

/// Source: learn.microsoft.com/entra/identity/enterprise-apps/review-admin-consent-requests.
#[tokio::test]
async fn a_decision_makes_the_service_principal_of_an_app_that_has_none() {
    for blocked in [true, false] {
        let mock = Mock::new();
        let client = mock.app("unconsented-app").app_id;
        mock.tenant
            .write(|it| it.service_principals.shift_remove(&client));
        let app = || "unconsented-app".to_owned();
        mock.event(&Event::RequestConsent {
            app: app(),
            user: "alice".to_owned(),
            scopes: vec!["openid".to_owned(), "Mail.Read".to_owned()],
            reason: None,
        });
        mock.event(&if blocked {
            Event::BlockRequest {
                app: app(),
                justification: Some("not with us".to_owned()),
            }
        } else {
            Event::ApproveRequest { app: app() }
        });
        let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
        if blocked {
            assert_eq!(mock.browser().get(&uri).await.error_code(), 7000112);
            mock.event(&Event::EnableApp { app: app() });
            assert_eq!(mock.browser().get(&uri).await.page(), "sign-in");
        } else {
            let answer = mock.browser().sign_in(&uri, "alice").await;
            assert!(answer.parameters().contains_key("code"));
        }
    }
}
