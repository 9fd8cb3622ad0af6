//! Tenants and people of another cloud than that of the login host.

use axum::http::{Request, header};
use serde_json::Value;

use super::{Browser, Mock, query};
use crate::environment::{Environment, SignInCloud};

const FORM: &str = "application/x-www-form-urlencoded";

/// Id, domain and an app of the first tenant of an environment.
fn tenant_of(mock: &Mock, environment: Environment, alias: &str) -> (String, String, String) {
    let tenants = mock.world.tenants();
    let tenant = tenants.iter().find(|it| {
        it.read(|directory| {
            it.environment == environment
                && directory
                    .applications
                    .values()
                    .any(|app| app.alias == alias)
        })
    });
    let tenant = tenant.unwrap();
    tenant.read(|directory| {
        let mut apps = directory.applications.values();
        let app = apps.find(|app| app.alias == alias).unwrap();
        (
            tenant.id.to_string(),
            directory.domain().to_owned(),
            app.app_id.to_string(),
        )
    })
}

async fn post(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Value {
    let request = Request::post(path).header(header::CONTENT_TYPE, FORM);
    let answer = browser.send(request, query(fields).into()).await;
    let mut body: Value = serde_json::from_str(&answer.html).unwrap();
    body["status"] = answer.status.as_u16().into();
    body
}

#[tokio::test]
async fn the_token_endpoint_refuses_tenants_of_other_clouds_as_the_service_does() {
    use Environment::{China, Office365, UsGovL4, UsGovL5};
    let mock = Mock::new();
    let app_only = [("grant_type", "client_credentials"), ("client_secret", "s")];
    let with_user = [
        ("grant_type", "authorization_code"),
        ("client_secret", "s"),
        ("code", "c"),
    ];
    let public = [("grant_type", "refresh_token"), ("refresh_token", "r")];
    let certificate = [
        ("grant_type", "client_credentials"),
        ("client_assertion", "e30.e30."),
    ];
    let (global, us, china) = (SignInCloud::Global, SignInCloud::UsGov, SignInCloud::China);
    for (cloud, home, form, expected) in [
        (
            global,
            UsGovL4,
            &app_only[..],
            (400, "invalid_request", 900382),
        ),
        (
            global,
            UsGovL5,
            &app_only[..],
            (400, "invalid_request", 900382),
        ),
        (
            global,
            UsGovL4,
            &certificate[..],
            (400, "invalid_request", 900382),
        ),
        (
            global,
            UsGovL4,
            &with_user[..],
            (400, "invalid_request", 900432),
        ),
        (
            global,
            UsGovL4,
            &public[..],
            (400, "invalid_request", 90038),
        ),
        (
            global,
            China,
            &app_only[..],
            (400, "invalid_request", 90002),
        ),
        (
            us,
            Office365,
            &app_only[..],
            (400, "invalid_request", 90002),
        ),
        (
            us,
            Office365,
            &certificate[..],
            (401, "invalid_client", 700023),
        ),
        (us, China, &certificate[..], (400, "invalid_request", 90002)),
        (
            china,
            Office365,
            &certificate[..],
            (401, "invalid_client", 700023),
        ),
        (
            china,
            Office365,
            &with_user[..],
            (400, "invalid_request", 90002),
        ),
        (
            china,
            UsGovL4,
            &app_only[..],
            (400, "invalid_request", 90002),
        ),
    ] {
        let (id, domain, client) = tenant_of(&mock, home, "daemon-secret");
        for segment in [&id, &domain] {
            for path in ["oauth2/v2.0/token", "oauth2/token"] {
                let mut fields = form.to_vec();
                fields.push(("client_id", &client));
                let path = format!("/{segment}/{path}");
                let answer = post(&mut mock.browser_at(cloud), &path, &fields).await;
                let found = (
                    answer["status"].as_u64().unwrap(),
                    answer["error"].as_str().unwrap(),
                    answer["error_codes"][0].as_u64().unwrap(),
                );
                assert_eq!(found, expected, "{cloud} {home} {form:?} {path}");
                if expected.2 == 900382 {
                    assert!(answer.get("error_uri").is_none(), "{answer}");
                }
            }
        }
    }
}

#[tokio::test]
async fn pages_refuse_people_and_tenants_of_other_clouds() {
    let mock = Mock::new();
    let (gov, gov_domain, web) = tenant_of(&mock, Environment::UsGovL4, "own-app");
    let (_, _, native) = tenant_of(&mock, Environment::UsGovL4, "native-app");
    let (china, ..) = tenant_of(&mock, Environment::China, "own-app");
    let here = mock.tenant.id.to_string();
    for (cloud, segment, client, expected) in [
        (SignInCloud::Global, &gov, &web, 900439),
        (SignInCloud::Global, &gov_domain, &web, 900439),
        (SignInCloud::Global, &gov, &native, 90038),
        (SignInCloud::UsGov, &here, &web, 900440),
        (SignInCloud::Global, &china, &web, 700016),
    ] {
        for path in ["oauth2/v2.0/authorize", "oauth2/authorize", "adminconsent"] {
            let fields = [("client_id", client.as_str()), ("response_type", "code")];
            let path = format!("/{segment}/{path}?{}", query(&fields));
            let page = mock.browser_at(cloud).get(&path).await;
            assert_eq!(page.error_code(), expected, "{cloud} {path}");
        }
    }
    // A person of the worldwide cloud at the US Government's login host.
    let fields = [
        ("client_id", web.as_str()),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    let path = format!("/{gov}/oauth2/v2.0/authorize?{}", query(&fields));
    let mut browser = mock.browser_at(SignInCloud::UsGov);
    let page = browser.get(&path).await;
    let upn = mock.user("alice").user_principal_name.to_string();
    let page = browser.press(&page, "next", &[("loginfmt", &upn)]).await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 900440));
}

#[tokio::test]
async fn metadata_of_a_tenant_is_served_where_the_service_serves_it() {
    let mock = Mock::new();
    let global = mock.tenant.id.to_string();
    let (gov, ..) = tenant_of(&mock, Environment::UsGovL4, "own-app");
    let (china, ..) = tenant_of(&mock, Environment::China, "own-app");
    let get = async |cloud, tenant: &str, path: &str| {
        let answer = mock
            .browser_at(cloud)
            .get(&format!("/{tenant}/{path}"))
            .await;
        (
            answer.status.as_u16(),
            serde_json::from_str::<Value>(&answer.html).unwrap(),
        )
    };
    let path = "v2.0/.well-known/openid-configuration";
    for (cloud, tenant, home) in [
        (SignInCloud::Global, &gov, Some(Environment::UsGovL4)),
        (SignInCloud::UsGov, &global, Some(Environment::Office365)),
        (SignInCloud::China, &global, Some(Environment::Office365)),
        (SignInCloud::China, &gov, None),
        (SignInCloud::Global, &china, None),
        (SignInCloud::UsGov, &china, None),
    ] {
        let (status, document) = get(cloud, tenant, path).await;
        let Some(home) = home else {
            assert_eq!(
                (status, &document["error_codes"][0]),
                (400, &90002.into()),
                "{cloud}"
            );
            continue;
        };
        assert_eq!(
            document["issuer"],
            home.cloud().v2_issuer(tenant),
            "{cloud}"
        );
        assert_eq!(document["msgraph_host"], home.graph_host());
        let token = format!("{}/{tenant}/oauth2/v2.0/token", cloud.authority_root());
        assert_eq!(document["token_endpoint"], token);
        let keys = "discovery/v2.0/keys";
        let here = get(cloud, tenant, keys).await;
        assert_eq!(
            here,
            get(home.cloud(), tenant, keys).await,
            "{cloud} {tenant}"
        );
    }
    let (_, _, domain) = ((), (), tenant_of(&mock, Environment::UsGovL4, "own-app").1);
    let realm = format!("UserRealm/somebody@{domain}?api-version=1.0");
    let (_, document) = get(SignInCloud::Global, "common", &realm).await;
    assert_eq!(document["account_type"], "Managed");
    assert_eq!(document["cloud_instance_name"], "microsoftonline.us");
}

#[tokio::test]
async fn a_device_code_of_another_cloud_is_not_known() {
    let mock = Mock::new();
    let (gov, _, client) = tenant_of(&mock, Environment::UsGovL4, "native-app");
    let fields = [("client_id", client.as_str()), ("scope", "User.Read")];
    let path = format!("/{gov}/oauth2/v2.0/devicecode");
    let answer = post(&mut mock.browser_at(SignInCloud::UsGov), &path, &fields).await;
    let code = answer["user_code"].as_str().unwrap();
    for (cloud, expected) in [(SignInCloud::Global, 70018), (SignInCloud::UsGov, 0)] {
        let mut browser = mock.browser_at(cloud);
        let page = browser.get("/common/oauth2/deviceauth").await;
        let page = browser.press(&page, "next", &[("otc", code)]).await;
        assert_eq!(page.error_code(), expected, "{cloud}");
    }
}
