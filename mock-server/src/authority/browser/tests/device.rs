use axum::http::{Request, header};
use serde_json::Value;

use super::{Answer, Browser, Mock, id, query};

async fn post(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let request =
        Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    browser.send(request, query(fields).into()).await
}

async fn device(mock: &Mock, segment: &str) -> (String, String) {
    let client_id = id(mock.app("native-app").app_id);
    let path = format!("/{segment}/oauth2/v2.0/devicecode");
    let fields = [
        ("client_id", client_id.as_str()),
        ("scope", "Mail.Send offline_access"),
    ];
    let answer = post(&mut mock.browser(), &path, &fields).await;
    let body: Value = serde_json::from_str(&answer.html).unwrap();
    let text = |name: &str| {
        body[name]
            .as_str()
            .unwrap_or_else(|| panic!("{body}"))
            .to_owned()
    };
    (text("device_code"), text("user_code"))
}

async fn poll(mock: &Mock, device_code: &str) -> Value {
    let client_id = id(mock.app("native-app").app_id);
    let fields = [
        ("client_id", client_id.as_str()),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", device_code),
    ];
    let path = format!("/{}/oauth2/v2.0/token", mock.tenant.id);
    serde_json::from_str(&post(&mut mock.browser(), &path, &fields).await.html).unwrap()
}

#[tokio::test]
async fn a_person_lets_a_device_sign_in() {
    let mock = Mock::new();
    let (device_code, user_code) = device(&mock, &mock.tenant.id.to_string()).await;
    let mut browser = mock.browser();
    let page = browser.get("/common/oauth2/deviceauth").await;
    assert_eq!(page.page(), "device-code");
    let wrong = browser.press(&page, "next", &[("otc", "WRONG1234")]).await;
    assert_eq!(
        (wrong.page().as_str(), wrong.error_code()),
        ("device-code", 70018)
    );
    let typed = user_code.to_lowercase();
    let page = browser.press(&wrong, "next", &[("otc", &typed)]).await;
    assert_eq!(page.page(), "sign-in");
    let upn = mock.user("alice").user_principal_name.to_string();
    let page = browser.press(&page, &format!("pick={upn}"), &[]).await;
    assert_eq!(page.page(), "device-confirm");
    assert_eq!(
        poll(&mock, &device_code).await["error"],
        "authorization_pending"
    );
    let page = browser.press(&page, "accept", &[]).await;
    assert_eq!(page.page(), "device-done", "{}", page.html);
    let tokens = poll(&mock, &device_code).await;
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    let again = post(&mut browser, "/devicelogin", &[("otc", &user_code)]).await;
    assert_eq!(again.error_code(), 70018);
}

#[tokio::test]
async fn a_person_declines_a_device() {
    let mock = Mock::new();
    let (device_code, user_code) = device(&mock, &mock.tenant.id.to_string()).await;
    let mut browser = mock.browser();
    let page = browser.get(&format!("/devicelogin?otc={user_code}")).await;
    let page = browser.press(&page, "next", &[]).await;
    let declined = browser.press(&page, "cancel", &[]).await;
    assert_eq!(declined.page(), "device-declined");
    let body = poll(&mock, &device_code).await;
    assert_eq!(body["error"], "authorization_declined", "{body}");
}

#[tokio::test]
async fn an_old_code_is_refused() {
    let mock = Mock::new();
    let (_, user_code) = device(&mock, &mock.tenant.id.to_string()).await;
    mock.tenant
        .clock
        .advance(jiff::SignedDuration::from_mins(16));
    let answer = post(&mut mock.browser(), "/devicelogin", &[("otc", &user_code)]).await;
    assert_eq!(
        (answer.page().as_str(), answer.error_code()),
        ("device-code", 70019)
    );
}
