//! Browsers that ask the same again and again.
//!
//! Source: learn.microsoft.com/entra/identity-platform/reference-breaking-changes, "looping clients
//! will be interrupted".

use jiff::SignedDuration;

use super::Mock;

const PROMPT_NONE: &[(&str, &str)] = &[("prompt", "none")];

fn detecting() -> Mock {
    let mock = Mock::new();
    mock.tenant
        .write(|it| it.switches.detect_request_loops = true);
    mock
}

#[tokio::test]
async fn a_browser_that_repeats_a_request_is_interrupted() {
    let mock = detecting();
    let mut browser = mock.browser();
    let first = mock.authorize("own-app", &[]);
    browser.sign_in(&first, "alice").await;
    for time in 2..=15 {
        let answer = browser.get(&first).await;
        assert!(answer.parameters().contains_key("code"), "{time}");
    }
    // What changes with each request makes no other one of it.
    let again = mock.authorize("own-app", &[("state", "other"), ("nonce", "n")]);
    let page = browser.get(&again).await;
    assert_eq!(page.error_code(), 50196);
    assert_eq!(page.annotation.aadsts, [50196]);

    // Another request, another browser, and the same one later are answered.
    let other = mock.authorize("own-app", &[("response_mode", "fragment")]);
    assert_eq!(browser.get(&other).await.status, 302);
    assert_eq!(mock.browser().get(&first).await.page(), "sign-in");
    mock.tenant.clock.advance(SignedDuration::from_mins(6));
    assert!(browser.get(&first).await.parameters().contains_key("code"));
}

#[tokio::test]
async fn an_app_that_asks_silently_is_told() {
    let mock = detecting();
    let mut browser = mock.browser();
    let silent = mock.authorize("own-app", PROMPT_NONE);
    for _ in 0..15 {
        let answer = browser.get(&silent).await;
        assert_eq!(answer.parameters()["error"], "login_required");
    }
    let told = browser.get(&silent).await.parameters();
    assert_eq!(told["error"], "invalid_grant");
    let text = "AADSTS50196: The server terminated an operation because it encountered a client \
                request loop. Please contact your app vendor.";
    assert!(told["error_description"].starts_with(text), "{told:?}");
}

#[tokio::test]
async fn without_the_switch_nobody_counts() {
    let mock = Mock::new();
    let mut browser = mock.browser();
    let silent = mock.authorize("own-app", PROMPT_NONE);
    for _ in 0..20 {
        let answer = browser.get(&silent).await;
        assert_eq!(answer.parameters()["error"], "login_required");
    }
    assert!(!browser.has_cookies());
}
