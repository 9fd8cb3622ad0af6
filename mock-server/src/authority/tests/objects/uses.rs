//! The places at which objects are looked at.

use std::net::Ipv4Addr;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;
use tower::ServiceExt as _;

use super::place::person;
pub(in crate::authority::tests) use super::place::{Act, Use};
use crate::authority::browser::tests::{Answer, Browser, Mock, query};
use crate::directory::{ApplicationId, Directory, Event, ObjectId, UserPrincipalName};
use crate::environment::Environment;
use crate::exchange::Arrival;
use crate::world::Tenant;

/// A mock with Graph beside the login hosts.
pub(in crate::authority::tests) struct Bench {
    pub(in crate::authority::tests) mock: Mock,
    graph: axum::Router,
}

/// What was there before the change.
pub(in crate::authority::tests) struct Ready<'a> {
    browser: Browser<'a>,
    page: Option<Answer>,
    /// A code, a token, the code of a device.
    pub(in crate::authority::tests) text: String,
    /// What the client and the person know, whatever becomes of it.
    known: Known,
}

pub(in crate::authority::tests) struct Known {
    pub(in crate::authority::tests) client: String,
    pub(in crate::authority::tests) secret: String,
    pub(in crate::authority::tests) redirect_uri: String,
    pub(in crate::authority::tests) name: String,
    pub(in crate::authority::tests) password: String,
    pub(in crate::authority::tests) authorize: String,
    pub(in crate::authority::tests) api: String,
}

impl Bench {
    pub(in crate::authority::tests) fn new() -> Self {
        let mock = Mock::new();
        let graph = crate::graph::router(std::sync::Arc::clone(&mock.world));
        let bench = Self { mock, graph };
        bench.make_guest_at_home();
        bench
    }

    pub(in crate::authority::tests) fn tenant(&self) -> &Tenant {
        &self.mock.tenant
    }

    /// The tenant of the vendor, from which the guest comes, too.
    pub(in crate::authority::tests) fn home(&self) -> std::sync::Arc<Tenant> {
        let domain = "litware.onmicrosoft.com";
        let cloud = Environment::Office365.cloud();
        self.mock.world.tenant_of_domain(cloud, domain).unwrap()
    }

    pub(in crate::authority::tests) fn id(&self, alias: &str) -> ApplicationId {
        self.mock.app(alias).app_id
    }

    pub(in crate::authority::tests) fn happen(&self, event: &Event) {
        self.mock.event(event);
    }

    pub(in crate::authority::tests) fn at_home(&self, event: &Event) {
        self.mock.world.apply(&self.home(), event).unwrap();
    }

    /// Changes the tenant's directory.
    pub(in crate::authority::tests) fn change(&self, change: impl FnOnce(&mut Directory)) {
        self.tenant().write(change);
    }

    /// Gives the guest an account at home.
    fn make_guest_at_home(&self) {
        let guest = self.mock.user("guest");
        let name = guest.user_principal_name.at_home();
        let id = ObjectId(self.mock.world.random.uuid());
        self.home().write(|directory| {
            let mut account = directory.find_user("vendor-admin").unwrap().clone();
            account.id = id;
            account.alias = "guest-at-home".to_owned();
            account.user_principal_name = UserPrincipalName::new(&name);
            account.password = "a password at home".to_owned();
            directory.users.insert(id, account);
        });
    }

    pub(in crate::authority::tests) fn know(&self, usage: Use) -> Known {
        let app = self.mock.app(usage.client);
        let user = usage.user.map(|it| self.mock.user(it));
        let (name, password) = match user {
            None => (String::new(), String::new()),
            Some(user) if usage.is_guest() => (
                user.user_principal_name.at_home(),
                "a password at home".to_owned(),
            ),
            Some(user) => (user.user_principal_name.to_string(), user.password),
        };
        let api = format!("api://{}", self.id("middle-tier-api"));
        Known {
            client: app.app_id.to_string(),
            secret: app
                .secrets
                .first()
                .map_or_else(String::new, |it| it.secret.clone()),
            redirect_uri: app
                .redirect_uris
                .first()
                .map_or_else(String::new, |it| it.uri.clone()),
            name,
            password,
            authorize: if app.redirect_uris.is_empty() {
                String::new()
            } else {
                self.authorize(usage, &api)
            },
            api,
        }
    }

    fn authorize(&self, usage: Use, api: &str) -> String {
        let (name, target) = target(usage, api);
        let mut more = vec![(name, target.as_str())];
        if usage.version == 1 {
            more.push(("scope", ""));
        }
        let uri = self.mock.authorize(usage.client, &more);
        if usage.version == 1 {
            uri.replace("/oauth2/v2.0/", "/oauth2/")
        } else {
            uri
        }
    }

    /// Signs a person in, up to the page that comes after the password.
    async fn sign_in(&self, browser: &mut Browser<'_>, page: Answer, known: &Known) -> Answer {
        let page = browser
            .press(&page, "next", &[("loginfmt", &known.name)])
            .await;
        browser
            .press(&page, "sign-in", &[("passwd", &known.password)])
            .await
    }

    /// Signs a person in; what is asked for on the way is given.
    pub(in crate::authority::tests) async fn code(
        &self,
        browser: &mut Browser<'_>,
        known: &Known,
    ) -> String {
        let page = browser.get(&known.authorize).await;
        let mut answer = self.sign_in(browser, page, known).await;
        if answer.page() == "consent" {
            answer = browser.press(&answer, "accept", &[]).await;
        }
        answer.parameters().remove("code").unwrap()
    }

    /// Sends a form to an endpoint of the tenant.
    pub(in crate::authority::tests) async fn post(
        &self,
        usage: Use,
        known: &Known,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let version = if usage.version == 1 {
            "oauth2"
        } else {
            "oauth2/v2.0"
        };
        let mut all = vec![("client_id", known.client.as_str())];
        if usage.has_secret() {
            all.push(("client_secret", &known.secret));
        }
        let uri = format!("/{}/{version}/{endpoint}", self.tenant().id);
        self.post_to(&uri, &all, form).await
    }

    pub(in crate::authority::tests) async fn post_to(
        &self,
        uri: &str,
        client: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let request =
            Request::post(uri).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let mut browser = self.mock.browser();
        let body = query(&[client, form].concat());
        let answer = browser.send(request, Body::from(body)).await;
        let body = serde_json::from_str(&answer.html).unwrap_or(Value::Null);
        (answer.status.as_u16(), body)
    }

    async fn redeem(&self, usage: Use, known: &Known, code: &str) -> (u16, Value) {
        let redeeming = Use {
            act: Act::Code,
            ..usage
        };
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", known.redirect_uri.as_str()),
        ];
        self.post(redeeming, known, "token", &form).await
    }

    pub(in crate::authority::tests) async fn tokens(&self, usage: Use) -> Value {
        let known = self.know(usage);
        let code = self.code(&mut self.mock.browser(), &known).await;
        let (status, body) = self.redeem(usage, &known, &code).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(in crate::authority::tests) async fn device_code(
        &self,
        usage: Use,
        known: &Known,
    ) -> (String, String) {
        let (name, target) = target(usage, &known.api);
        let form = [(name, target.as_str())];
        let (status, body) = self.post(usage, known, "devicecode", &form).await;
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("device_code"), text("user_code"))
    }

    /// Enters the code of a device and signs in, up to the page that asks whose device it is.
    async fn enter(&self, browser: &mut Browser<'_>, known: &Known, code: &str) -> Answer {
        let page = browser.get("/common/oauth2/deviceauth").await;
        let page = browser.press(&page, "next", &[("otc", code)]).await;
        if page.page() != "sign-in" {
            return page;
        }
        let page = browser
            .press(&page, "next", &[("loginfmt", &known.name)])
            .await;
        if page.page() != "password" {
            return page;
        }
        browser
            .press(&page, "sign-in", &[("passwd", &known.password)])
            .await
    }

    async fn app_token(&self, usage: Use, known: &Known) -> (u16, Value) {
        let (name, target) = target(usage, &known.api);
        let asking = Use {
            act: Act::App,
            ..usage
        };
        let form = [
            ("grant_type", "client_credentials"),
            (name, target.as_str()),
        ];
        self.post(asking, known, "token", &form).await
    }

    /// Prepares a use while everything stands.
    pub(in crate::authority::tests) async fn prepare(&self, usage: Use) -> Ready<'_> {
        let known = self.know(usage);
        let mut browser = self.mock.browser();
        let (mut page, mut text) = (None, String::new());
        let token = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
        match usage.act {
            Act::Silent | Act::Session | Act::Code => {
                text = self.code(&mut browser, &known).await;
            }
            Act::Password => {
                // So that nothing is asked for after the password.
                self.code(&mut self.mock.browser(), &known).await;
                let asks = browser.get(&known.authorize).await;
                let name = [("loginfmt", known.name.as_str())];
                page = Some(browser.press(&asks, "next", &name).await);
            }
            Act::Consent => {
                let asks = browser.get(&known.authorize).await;
                let asks = self.sign_in(&mut browser, asks, &known).await;
                assert_eq!(asks.page(), "consent", "{}", asks.html);
                page = Some(asks);
            }
            Act::Confirm => {
                let (_, code) = self.device_code(usage, &known).await;
                page = Some(self.enter(&mut browser, &known, &code).await);
            }
            Act::Enter => (_, text) = self.device_code(usage, &known).await,
            Act::Poll => {
                let (device_code, code) = self.device_code(usage, &known).await;
                let asks = self.enter(&mut browser, &known, &code).await;
                let done = browser.press(&asks, "accept", &[]).await;
                assert_eq!(done.page(), "device-done", "{}", done.html);
                text = device_code;
            }
            Act::Refresh => text = token(&self.tokens(usage).await, "refresh_token"),
            Act::Graph if usage.user.is_none() => {
                text = token(&self.app_token(usage, &known).await.1, "access_token");
            }
            Act::Graph | Act::UserInfo => text = token(&self.tokens(usage).await, "access_token"),
            Act::OnBehalfOf => {
                let caller = person(Act::Code, "native-app", true, 2);
                text = token(&self.tokens(caller).await, "access_token");
            }
            Act::App if usage.client == "vendor-app" => {
                // The app appears in the tenant with the first consent.
                self.tokens(person(Act::Code, usage.client, false, 2)).await;
            }
            Act::App | Act::Ropc | Act::DeviceCode => {}
        }
        Ready {
            browser,
            page,
            text,
            known,
        }
    }

    /// Does it: what is answered.
    pub(in crate::authority::tests) async fn go(&self, usage: Use, ready: Ready<'_>) -> String {
        let Ready {
            mut browser,
            page,
            text,
            known,
        } = ready;
        let (name, target) = target(usage, &known.api);
        let form: Vec<(&str, &str)> = match usage.act {
            Act::Silent => {
                let uri = format!("{}&prompt=none", known.authorize);
                return told(&browser.get(&uri).await);
            }
            Act::Session => return told(&browser.get(&known.authorize).await),
            Act::Password => {
                let password = [("passwd", known.password.as_str())];
                return told(&browser.press(&page.unwrap(), "sign-in", &password).await);
            }
            Act::Consent | Act::Confirm => {
                return told(&browser.press(&page.unwrap(), "accept", &[]).await);
            }
            Act::Enter => return told(&self.enter(&mut browser, &known, &text).await),
            Act::Code => return answered(&self.redeem(usage, &known, &text).await),
            Act::App => return answered(&self.app_token(usage, &known).await),
            Act::DeviceCode => {
                let form = [(name, target.as_str())];
                return answered(&self.post(usage, &known, "devicecode", &form).await);
            }
            Act::Graph if usage.user.is_none() => return self.call("/v1.0/users", &text).await,
            Act::Graph => return self.call("/v1.0/me", &text).await,
            Act::UserInfo => return self.call("/oidc/userinfo", &text).await,
            Act::Refresh => vec![("grant_type", "refresh_token"), ("refresh_token", &text)],
            Act::Ropc => vec![
                ("grant_type", "password"),
                ("username", &known.name),
                ("password", &known.password),
                (name, &target),
            ],
            Act::OnBehalfOf => vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("requested_token_use", "on_behalf_of"),
                ("assertion", &text),
                (name, &target),
            ],
            Act::Poll => vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", &text),
            ],
        };
        answered(&self.post(usage, &known, "token", &form).await)
    }

    async fn call(&self, path: &str, token: &str) -> String {
        let environment = Environment::Office365;
        let arrival = Arrival {
            cloud: environment.cloud(),
            environment: Some(environment),
            origin: environment.graph_root(),
            real_host: true,
            retired: None,
            address: Ipv4Addr::LOCALHOST.into(),
            admitted_tenants: None,
            issuer_as_addressed: false,
            refused: None,
        };
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .extension(arrival)
            .body(Body::empty())
            .unwrap();
        let response = self.graph.clone().oneshot(request).await.unwrap();
        if response.status().is_success() {
            "served".to_owned()
        } else {
            response.status().as_u16().to_string()
        }
    }
}

/// The parameter that names the API.
pub(in crate::authority::tests) fn target(usage: Use, api: &str) -> (&'static str, String) {
    let graph = "https://graph.microsoft.com";
    let openid = "openid profile offline_access";
    match (usage.version, usage.for_api, usage.user) {
        (1, true, _) => ("resource", api.to_owned()),
        (1, false, _) => ("resource", graph.to_owned()),
        (_, true, None) if usage.act == Act::App => ("scope", format!("{api}/.default")),
        (_, false, None) if usage.act != Act::DeviceCode => ("scope", format!("{graph}/.default")),
        (_, true, _) => ("scope", format!("{openid} {api}/access_as_user")),
        (_, false, _) => ("scope", format!("{openid} User.Read")),
    }
}

/// What a browser got.
fn told(answer: &Answer) -> String {
    let page = answer.page();
    if answer.status.is_redirection() {
        if answer.parameters().contains_key("code") {
            return "served".to_owned();
        }
    } else if page != "error" && answer.error_code() == 0 {
        return match page.as_str() {
            "device-done" | "device-confirm" => "served".to_owned(),
            _ => page,
        };
    }
    let code = answer.annotation.aadsts.first();
    code.map_or_else(|| answer.html.clone(), u32::to_string)
}

/// What the token endpoint answered.
fn answered((status, body): &(u16, Value)) -> String {
    if *status == 200 {
        return "served".to_owned();
    }
    body["error_codes"][0].to_string()
}
