//! The rules of consent: classified permissions, static lists, bundled APIs, what an
//! administrator's consent revokes, and who may consent for everybody.

use super::Mock;
use crate::authority::resolve::graph_id;
use crate::directory::{ConsentType, DirectoryRole, Event, RequiredResourceAccess, UserConsent};

const ALL: (&str, &str) = ("scope", "https://graph.microsoft.com/.default");

fn app() -> String {
    "unconsented-app".to_owned()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn low_impact(mock: &Mock, low: &[&str]) {
    mock.event(&Event::SetUserConsentPolicy {
        user_consent: UserConsent::VerifiedLowImpact,
        admin_consent_requests: None,
        low_impact: Some(names(low)),
        request_days: None,
        reviewers: None,
    });
}

/// What everybody granted to the prototype, of Graph.
fn granted_to_all(mock: &Mock) -> Vec<String> {
    let client = mock.app("unconsented-app").app_id;
    mock.tenant.read(|directory| {
        let grants = directory.grants.iter();
        grants
            .filter(|it| it.client == client && it.consent == ConsentType::AllPrincipals)
            .flat_map(|it| it.scopes.iter().cloned())
            .collect()
    })
}

#[tokio::test]
async fn the_tenant_classifies_what_is_low_impact() {
    let mock = Mock::new();
    let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
    low_impact(&mock, &["openid", "User.Read"]);
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(page.error_code(), 90094);
    low_impact(&mock, &["openid", "Mail.Read"]);
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "consent");
}

#[tokio::test]
async fn what_microsoft_manages_keeps_mail_back_and_lets_people_sign_in() {
    let mock = Mock::new();
    mock.event(&Event::SetUserConsentPolicy {
        user_consent: UserConsent::MicrosoftManaged,
        admin_consent_requests: None,
        low_impact: None,
        request_days: None,
        reviewers: None,
    });
    let asks = async |scope: &str| {
        let uri = mock.authorize("unconsented-app", &[("scope", scope)]);
        let page = mock.browser().sign_in(&uri, "alice").await;
        (page.page(), page.error_code())
    };
    let consent = ("consent".to_owned(), 0);
    assert_eq!(asks("openid profile User.Read").await, consent);
    assert_eq!(asks("openid Mail.Send").await, consent);
    for kept_back in ["Mail.Read", "Calendars.ReadWrite", "Sites.Read.All"] {
        assert_eq!(asks(&format!("openid {kept_back}")).await.1, 90094);
    }
}

#[tokio::test]
async fn an_app_of_another_tenant_needs_a_verified_publisher() {
    let mock = Mock::new();
    low_impact(&mock, &["openid", "User.Read", "profile", "offline_access"]);
    let vendor = mock.app("vendor-app").app_id;
    mock.tenant
        .write(|it| it.service_principals.shift_remove(&vendor));
    mock.tenant
        .write(|it| it.grants.retain(|it| it.client != vendor));
    let uri = mock.authorize("vendor-app", &[]);
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "consent");
    let cloud = mock.tenant.environment.cloud();
    let (home, _) = mock.world.application(cloud, vendor).unwrap();
    let unverified = Event::JudgeApp {
        app: "vendor-app".to_owned(),
        verified: Some(false),
        risky: None,
    };
    mock.world.apply(&home, &unverified).unwrap();
    let page = mock.browser().sign_in(&uri, "alice").await;
    assert_eq!(page.error_code(), 90094);
}

#[tokio::test]
async fn default_asks_for_everything_once_and_never_for_what_was_registered_later() {
    let mock = Mock::new();
    let uri = mock.authorize("unconsented-app", &[ALL]);
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    let listed = page.permissions();
    assert!(listed.contains(&"Mail.Read".to_owned()), "{listed:?}");
    browser.press(&page, "accept", &[]).await;
    mock.event(&Event::ChangePermissions {
        app: app(),
        scopes: Some(names(&["Calendars.Read", "Mail.Read", "User.Read"])),
        roles: None,
    });
    // One grant is enough: no prompt, and only what was granted.
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
    let again = mock.authorize("unconsented-app", &[ALL, ("prompt", "consent")]);
    let page = browser.get(&again).await;
    let listed = page.permissions();
    assert!(listed.contains(&"Calendars.Read".to_owned()), "{listed:?}");
    // The slash before `.default` may belong to the resource.
    let slashes = ("scope", "https://graph.microsoft.com//.default");
    let uri = mock.authorize("unconsented-app", &[slashes]);
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
    // A permission that the registration no longer lists stays granted.
    mock.event(&Event::ChangePermissions {
        app: app(),
        scopes: Some(names(&["User.Read"])),
        roles: None,
    });
    let alice = mock.user("alice").id;
    let client = mock.app("unconsented-app").app_id;
    let held = mock
        .tenant
        .read(|it| it.granted_scopes(client, alice, graph_id()));
    assert!(held.contains("Mail.Read"), "{held:?}");
}

#[tokio::test]
async fn an_administrators_consent_to_the_list_revokes_what_is_no_longer_on_it() {
    let mock = Mock::new();
    for (scopes, user) in [
        (names(&["Calendars.Read", "Mail.Read"]), None),
        (names(&["Contacts.Read"]), Some("bob".to_owned())),
    ] {
        let app = app();
        mock.event(&Event::GrantConsent { app, user, scopes });
    }
    let client = mock.app("unconsented-app").app_id;
    let link = |more: &str| {
        let tenant = mock.tenant.id;
        let back = "redirect_uri=http%3A%2F%2Flocalhost%2Fcallback";
        format!("/{tenant}/{more}adminconsent?client_id={client}&{back}&state=1")
    };
    // Named scopes are added.
    let named = format!("{}&scope=User.Read", link("v2.0/"));
    let mut admin = mock.browser();
    let page = admin.sign_in(&named, "admin").await;
    admin.press(&page, "accept", &[]).await;
    assert!(granted_to_all(&mock).contains(&"Calendars.Read".to_owned()));
    let page = admin.get(&link("")).await;
    admin.press(&page, "accept", &[]).await;
    let granted = granted_to_all(&mock);
    assert!(
        !granted.contains(&"Calendars.Read".to_owned()),
        "{granted:?}"
    );
    assert!(granted.contains(&"Mail.Read".to_owned()), "{granted:?}");
    let bob = mock.user("bob").id;
    let held = mock
        .tenant
        .read(|it| it.granted_scopes(client, bob, graph_id()));
    assert!(held.contains("Contacts.Read"), "{held:?}");
}

#[tokio::test]
async fn only_global_administrators_are_offered_to_consent_for_all() {
    for (role, offered) in [
        (DirectoryRole::GlobalAdministrator, true),
        (DirectoryRole::PrivilegedRoleAdministrator, false),
        (DirectoryRole::CloudApplicationAdministrator, false),
    ] {
        let mock = Mock::new();
        let bob = mock.user("bob").id;
        mock.tenant.write(|it| it.users[&bob].roles.insert(role));
        let uri = mock.authorize("unconsented-app", &[("scope", "openid Mail.Read")]);
        let mut browser = mock.browser();
        let page = browser.sign_in(&uri, "bob").await;
        assert_eq!(page.page(), "consent");
        assert_eq!(page.html.contains("orgconsent"), offered, "{role:?}");
    }
}

#[tokio::test]
async fn a_risky_app_warns_administrators_and_lets_them_go_on() {
    let mock = Mock::new();
    mock.event(&Event::JudgeApp {
        app: app(),
        verified: None,
        risky: Some(true),
    });
    let mut admin = mock.browser();
    let page = admin
        .sign_in(&mock.authorize("unconsented-app", &[]), "admin")
        .await;
    assert_eq!(
        (page.page().as_str(), page.error_code()),
        ("consent", 900981)
    );
    assert!(!page.text("#riskyApp").is_empty());
    let answer = admin.press(&page, "accept", &[]).await;
    assert!(answer.parameters().contains_key("code"));
}

/// An API that knows the prototype as its client, and the request for all of it.
fn known_client(mock: &Mock) -> String {
    let client = mock.app("unconsented-app").app_id;
    let api = mock.app("middle-tier-api").app_id;
    mock.tenant
        .write(|it| it.grants.retain(|it| it.client != api));
    mock.change_app("unconsented-app", |app| {
        app.required_resource_access.push(RequiredResourceAccess {
            resource: api,
            scopes: ["access_as_user".to_owned()].into(),
            roles: std::collections::BTreeSet::new(),
        });
    });
    mock.change_app("middle-tier-api", |app| {
        let exposed = app.api.get_or_insert_default();
        exposed.known_clients.insert(client);
    });
    let scope = format!("api://{api}/.default");
    mock.authorize("unconsented-app", &[("scope", &scope)])
}

#[tokio::test]
async fn an_api_and_its_known_client_are_consented_together() {
    let mock = Mock::new();
    let uri = known_client(&mock);
    let client = mock.app("unconsented-app").app_id;
    let api = mock.app("middle-tier-api").app_id;
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.page(), "consent");
    assert!(
        page.html.contains("through Contoso Middle Tier"),
        "{}",
        page.html
    );
    let answer = browser.press(&page, "accept", &[]).await;
    assert!(answer.parameters().contains_key("code"));
    let alice = mock.user("alice").id;
    mock.tenant.read(|directory| {
        assert!(
            directory
                .granted_scopes(client, alice, api)
                .contains("access_as_user")
        );
        assert!(
            directory
                .granted_scopes(api, alice, graph_id())
                .contains("Mail.Read"),
            "the API's own permissions"
        );
    });
}

#[tokio::test]
async fn a_request_for_approval_is_for_the_api_of_a_known_client_too() {
    let mock = Mock::new();
    let uri = known_client(&mock);
    let client = mock.app("unconsented-app").app_id;
    let api = mock.app("middle-tier-api").app_id;
    mock.event(&Event::SetUserConsentPolicy {
        user_consent: UserConsent::None,
        admin_consent_requests: Some(true),
        low_impact: None,
        request_days: None,
        reviewers: None,
    });
    let mut browser = mock.browser();
    let page = browser.sign_in(&uri, "alice").await;
    assert_eq!(page.error_code(), 90095);
    let reason = [("justification", "for the quarter's mail")];
    browser.press(&page, "request", &reason).await;
    let requested: Vec<_> = mock.tenant.read(|directory| {
        let requests = directory.consent_requests.iter();
        requests.map(|it| it.client).collect()
    });
    assert_eq!(requested, [client, api]);
    for app in [client, api] {
        let app = app.to_string();
        mock.event(&Event::ApproveRequest { app });
    }
    assert!(browser.get(&uri).await.parameters().contains_key("code"));
    let alice = mock.user("alice").id;
    mock.tenant.read(|directory| {
        assert!(
            directory
                .granted_scopes(api, alice, graph_id())
                .contains("Mail.Read"),
            "the API's own permissions"
        );
    });
}

#[tokio::test]
async fn users_of_a_preauthorized_client_are_not_asked() {
    let mock = Mock::new();
    let client = mock.app("unconsented-app").app_id;
    let api = mock.app("middle-tier-api").app_id;
    mock.change_app("middle-tier-api", |app| {
        let exposed = app.api.get_or_insert_default();
        exposed.pre_authorized.insert(client);
    });
    let scope = format!("api://{api}/access_as_user");
    let uri = mock.authorize("unconsented-app", &[("scope", &scope)]);
    let answer = mock.browser().sign_in(&uri, "alice").await;
    assert!(answer.parameters().contains_key("code"));
}
