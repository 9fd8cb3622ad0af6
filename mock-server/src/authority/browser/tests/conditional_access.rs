//! What policies ask of a person, and how the person satisfies them.

use jiff::SignedDuration;

use super::Mock;
use crate::directory::{Event, HighRisk, Risk};

fn alice() -> String {
    "alice".to_owned()
}

#[tokio::test]
async fn a_second_factor_is_registered_once() {
    let mock = Mock::new();
    mock.event(&Event::RemoveSecondFactor { user: alice() });
    mock.event(&Event::RequireMfa {
        user: Some(alice()),
        app: None,
    });
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("register-factor", 50072)
    );
    let answer = browser.press(&page, "register", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    assert!(mock.user("alice").second_factor);
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "mfa");
}

#[tokio::test]
async fn whoever_is_at_risk_registers_nothing() {
    let mock = Mock::new();
    mock.event(&Event::RemoveSecondFactor { user: alice() });
    mock.event(&Event::RequireMfa {
        user: Some(alice()),
        app: None,
    });
    mock.event(&Event::SetUserRisk {
        user: alice(),
        risk: Risk::Medium,
        policy: None,
    });
    let page = mock
        .browser()
        .sign_in(&mock.authorize("own-app", &[]), "alice")
        .await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 53004));
}

#[tokio::test]
async fn a_second_factor_wears_out() {
    let mock = Mock::new();
    mock.event(&Event::SetSignInFrequency {
        user: Some(alice()),
        app: None,
        seconds: 3600,
        second_factor: true,
    });
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "mfa");
    let answer = browser.press(&page, "approve", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    mock.tenant.clock.advance(SignedDuration::from_hours(2));
    let silent = browser
        .get(&mock.authorize("own-app", &[("prompt", "none")]))
        .await;
    let told = &silent.parameters()["error_description"];
    assert!(told.starts_with("AADSTS50078:"), "{told}");
    // The password is not asked for again.
    let page = browser.get(&uri).await;
    assert_eq!(page.page(), "mfa");
    let answer = browser.press(&page, "approve", &[]).await;
    assert!(answer.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_password_that_grew_old_on_the_page_of_the_second_factor_hides_no_other_policy() {
    let mock = Mock::new();
    mock.event(&Event::SetSignInFrequency {
        user: Some(alice()),
        app: None,
        seconds: 600,
        second_factor: false,
    });
    mock.event(&Event::RequireMfa {
        user: Some(alice()),
        app: None,
    });
    mock.event(&Event::RequireTermsOfUse {
        user: Some(alice()),
        app: None,
    });
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "mfa");
    mock.tenant.clock.advance(SignedDuration::from_mins(20));
    let page = browser.press(&page, "approve", &[]).await;
    assert_eq!(page.page(), "terms-of-use");
    let answer = browser.press(&page, "accept", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    // The next request has no fresh password: it is asked for, then the second factor.
    let page = browser.get(&uri).await;
    assert_eq!(page.page(), "password");
    let password = mock.user("alice").password;
    let page = browser
        .press(&page, "sign-in", &[("passwd", &password)])
        .await;
    assert_eq!(page.page(), "mfa");
    let answer = browser.press(&page, "approve", &[]).await;
    assert!(answer.parameters().contains_key("code"));
}

fn a_compliant_device() -> Event {
    Event::RequireCompliantDevice {
        user: Some(alice()),
        app: None,
    }
}

#[tokio::test]
async fn a_compliant_device_lets_in() {
    let mock = Mock::new();
    mock.event(&a_compliant_device());
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("compliant-device", 53000)
    );
    let answer = browser.press(&page, "compliant-device", &[]).await;
    assert!(answer.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_disabled_device_ends_the_session_in_which_it_was_shown() {
    let mock = Mock::new();
    mock.event(&a_compliant_device());
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    browser.press(&page, "compliant-device", &[]).await;
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
    mock.event(&Event::DisableDevice { user: alice() });
    // Name and password again, and a device that is not disabled.
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "compliant-device");
    let answer = browser.press(&page, "compliant-device", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_session_without_a_device_outlives_the_device() {
    let mock = Mock::new();
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    browser.sign_in(&uri, "alice").await;
    mock.event(&Event::DisableDevice { user: alice() });
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn a_new_password_ends_the_risk_where_the_tenant_says_so() {
    let mock = Mock::new();
    mock.event(&Event::SetUserRisk {
        user: alice(),
        risk: Risk::High,
        policy: Some(HighRisk::ChangePassword),
    });
    let uri = mock.authorize("own-app", &[]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("password-change", 50135)
    );
    let old = mock.user("alice").password;
    let fields = [
        ("passwd", old.as_str()),
        ("newpasswd", "A.better-one-7"),
        ("confirmpasswd", "A.better-one-7"),
    ];
    let answer = browser.press(&page, "change-password", &fields).await;
    assert!(answer.parameters().contains_key("code"));
    assert_eq!(mock.user("alice").risk, Risk::None);
}

#[tokio::test]
async fn a_mistyped_password_leaves_somebody_at_risk_at_risk() {
    let mock = Mock::new();
    mock.event(&Event::SetUserRisk {
        user: alice(),
        risk: Risk::High,
        policy: Some(HighRisk::ChangePassword),
    });
    let mut browser = mock.browser();
    let uri = mock.authorize("own-app", &[]);
    let page = browser.sign_in(&uri, "alice").await;
    let wrong = [
        ("passwd", "not-the-password"),
        ("newpasswd", "A.better-one-7"),
        ("confirmpasswd", "A.better-one-7"),
    ];
    let page = browser.press(&page, "change-password", &wrong).await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("password-change", 50126)
    );
    let note = page.text(".note");
    assert!(note.contains("AADSTS50135"), "{note}");
    let old = mock.user("alice").password;
    let page = browser
        .press(&page, "change-password", &[("passwd", &old)])
        .await;
    assert_eq!(page.error_code(), 50135, "nothing new was typed");
    assert_eq!(mock.user("alice").risk, Risk::High);
}

#[tokio::test]
async fn a_location_decides_where_the_policy_names_one() {
    let mock = Mock::new();
    mock.event(&Event::BlockByPolicy {
        user: Some(alice()),
        app: None,
        inside: None,
        outside: Some(vec!["127.0.0.0/8".to_owned()]),
    });
    let uri = mock.authorize("own-app", &[]);
    let answer = mock.browser().sign_in(&uri, "alice").await;
    assert!(answer.parameters().contains_key("code"));
    mock.event(&Event::SetClientAddress {
        address: Some("203.0.113.7".to_owned()),
    });
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 53003));
    mock.event(&Event::SetClientAddress { address: None });
    let answer = mock.browser().sign_in(&uri, "alice").await;
    assert!(answer.parameters().contains_key("code"));
}

/// Row RT17 of the table of invalidations.
#[tokio::test]
async fn pages_that_were_left_open_too_long_start_again() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let page = browser.get(&mock.authorize("own-app", &[])).await;
    let upn = mock.user("alice").user_principal_name.to_string();
    mock.tenant.clock.advance(SignedDuration::from_mins(59));
    let next = browser.press(&page, "next", &[("loginfmt", &upn)]).await;
    assert_eq!(next.page(), "password");
    mock.tenant.clock.advance(SignedDuration::from_mins(1));
    let late = browser.press(&page, "next", &[("loginfmt", &upn)]).await;
    assert_eq!((late.page().as_str(), late.error_code()), ("error", 50089));
}
