use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Answer, Browser, Mock, id, query};
use crate::environment::SignInCloud;
use crate::exchange::Arrival;

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
    let none = browser.press(&wrong, "next", &[("otc", "")]).await;
    assert_eq!(none.error_code(), 90119);
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
    let twice = post(&mut browser, "/devicelogin", &[("otc", &user_code)]).await;
    assert_eq!(twice.error_code(), 90120);
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

#[tokio::test]
async fn the_address_that_people_are_given_leads_to_the_page_of_its_cloud() {
    let mock = Mock::new();
    let router = crate::authority::device_login_router(Arc::clone(&mock.world));
    let open = async |path: &str| {
        let arrival = Arrival {
            cloud: SignInCloud::Global,
            environment: None,
            origin: "https://microsoft.com".to_owned(),
            real_host: true,
            retired: None,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            admitted_tenants: None,
            issuer_as_addressed: false,
            refused: None,
        };
        let request = Request::get(path).extension(arrival).body(Body::empty());
        let response = router.clone().oneshot(request.unwrap()).await.unwrap();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        (response.status().as_u16(), location.unwrap_or_default())
    };
    for cloud in SignInCloud::ALL {
        let address = &cloud.facts().device_login_url;
        let path = address.strip_prefix("https://microsoft.com").unwrap();
        let page = format!("{}/common/oauth2/deviceauth", cloud.authority_root());
        assert_eq!(open(path).await, (302, page.clone()), "{address}");
        let spelled = format!("{}/?otc=ABC", path.to_uppercase());
        assert_eq!(open(&spelled).await, (302, format!("{page}?otc=ABC")));
    }
    assert_eq!(open("/common/oauth2/v2.0/authorize").await.0, 404);
}

#[tokio::test]
async fn the_short_address_is_the_page_itself() {
    let mock = Mock::new();
    let (_, user_code) = device(&mock, &mock.tenant.id.to_string()).await;
    let mut browser = mock.browser();
    let page = browser.get("/Device/").await;
    assert_eq!(page.page(), "device-code");
    let page = browser.press(&page, "next", &[("otc", &user_code)]).await;
    assert_eq!(page.page(), "sign-in");
}
