//! The pages as a browser without JavaScript meets them, in process.

mod administrator;
mod authorize;
mod conditional_access;
mod consent;
pub(in crate::authority) mod consent_codes;
mod consent_rules;
mod device;
mod other_cloud;
mod redirect_uri;
mod repetition;
mod resource;
mod review;
mod robustness;
mod sign_in;
mod sign_out;
mod sweep;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use scraper::{ElementRef, Html, Selector};
use tower::ServiceExt as _;

use crate::directory::{Application, ApplicationId, Event, User};
use crate::environment::{Environment, SignInCloud};
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::token::{KeyRings, Sealer};
use crate::world::seed::SeedContext;
use crate::world::{Tenant, World};

/// The authority with the default world.
pub(in crate::authority) struct Mock {
    pub(in crate::authority) world: Arc<World>,
    pub(in crate::authority) tenant: Arc<Tenant>,
    router: Router,
}

/// Made once: a key takes some 100 ms.
static KEYS: LazyLock<Arc<KeyRings>> = LazyLock::new(|| Arc::new(KeyRings::new(None)));

/// A browser: keeps cookies, follows nothing, presses buttons.
pub(in crate::authority) struct Browser<'a> {
    mock: &'a Mock,
    /// The address that is asked.
    pub(in crate::authority) arrival: Arrival,
    cookies: BTreeMap<String, String>,
}

/// What the browser got.
pub(in crate::authority) struct Answer {
    pub(in crate::authority) status: StatusCode,
    pub(in crate::authority) headers: HeaderMap,
    pub(in crate::authority) html: String,
    pub(in crate::authority) annotation: Annotation,
}

impl Mock {
    /// A default world of its own.
    pub(in crate::authority) fn new() -> Self {
        let world = Arc::new(World::new(
            Random::seeded(7),
            Arc::clone(&KEYS),
            Sealer::new(),
            Journal::new(100, Redaction::On),
        ));
        let now: Timestamp = "2026-01-15T09:00:00Z".parse().unwrap();
        let tenants = world.add_default(&SeedContext {
            now,
            client_certificate: Some(certificate()),
        });
        let tenant = Arc::clone(&tenants[Environment::Office365 as usize]);
        let router = crate::authority::router(Arc::clone(&world));
        Self {
            world,
            tenant,
            router,
        }
    }

    /// A browser without cookies.
    pub(in crate::authority) fn browser(&self) -> Browser<'_> {
        Browser {
            mock: self,
            arrival: Arrival {
                cloud: SignInCloud::Global,
                environment: Some(Environment::Office365),
                origin: "https://localhost:8443".to_owned(),
                real_host: false,
                retired: None,
                address: std::net::Ipv4Addr::LOCALHOST.into(),
                admitted_tenants: None,
                issuer_as_addressed: false,
                refused: None,
            },
            cookies: BTreeMap::new(),
        }
    }

    /// A browser that asks the login host of a cloud by its name.
    pub(in crate::authority) fn browser_at(&self, cloud: SignInCloud) -> Browser<'_> {
        let mut browser = self.browser();
        browser.arrival = Arrival {
            cloud,
            environment: None,
            origin: cloud.authority_root(),
            real_host: true,
            ..browser.arrival
        };
        browser
    }

    /// Something happens in the tenant.
    pub(in crate::authority) fn event(&self, event: &Event) {
        self.world.apply(&self.tenant, event).unwrap();
    }

    /// A user of the tenant.
    pub(in crate::authority) fn user(&self, alias: &str) -> User {
        self.tenant.read(|it| it.find_user(alias).unwrap().clone())
    }

    /// An app of the tenant or of its vendor.
    pub(in crate::authority) fn app(&self, alias: &str) -> Application {
        let all = self.world.tenants();
        all.iter()
            .filter(|tenant| tenant.environment == Environment::Office365)
            .find_map(|tenant| {
                tenant.read(|directory| {
                    directory
                        .applications
                        .values()
                        .find(|app| app.alias == alias)
                        .cloned()
                })
            })
            .unwrap()
    }

    /// Changes the registration of an app of the tenant.
    pub(in crate::authority) fn change_app(
        &self,
        alias: &str,
        change: impl FnOnce(&mut Application),
    ) {
        self.tenant.write(|directory| {
            change(
                directory
                    .applications
                    .values_mut()
                    .find(|app| app.alias == alias)
                    .unwrap(),
            );
        });
    }

    /// The path and query of an authorize request; parameters given replace the usual ones.
    pub(in crate::authority) fn authorize(
        &self,
        alias: &str,
        parameters: &[(&str, &str)],
    ) -> String {
        let app = self.app(alias);
        let client_id = app.app_id.to_string();
        let mut all = vec![
            ("client_id", client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", app.redirect_uris[0].uri.as_str()),
            ("scope", "openid profile offline_access User.Read"),
            ("state", "s t&1"),
        ];
        all.retain(|(name, _)| !parameters.iter().any(|(it, _)| it == name));
        all.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
        format!("/{}/oauth2/v2.0/authorize?{}", self.tenant.id, query(&all))
    }
}

impl Browser<'_> {
    /// Opens a page.
    pub(in crate::authority) async fn get(&mut self, uri: &str) -> Answer {
        self.send(Request::get(uri), Body::empty()).await
    }

    /// Presses the button with this `action` (or `name=value`), with fields filled in.
    pub(in crate::authority) async fn press(
        &mut self,
        page: &Answer,
        button: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let (action, body) = page.form(button, fields);
        let request =
            Request::post(action).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    /// Opens a page and signs in there with name and password.
    pub(in crate::authority) async fn sign_in(&mut self, uri: &str, alias: &str) -> Answer {
        let user = self.mock.user(alias);
        let page = self.get(uri).await;
        assert_eq!(page.page(), "sign-in", "{}", page.html);
        let upn = user.user_principal_name.as_str();
        let page = self.press(&page, "next", &[("loginfmt", upn)]).await;
        assert_eq!(page.page(), "password", "{}", page.html);
        self.press(&page, "sign-in", &[("passwd", &user.password)])
            .await
    }

    /// Sends any request.
    pub(in crate::authority) async fn send(
        &mut self,
        request: axum::http::request::Builder,
        body: Body,
    ) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(header::COOKIE, cookies.join("; "))
            .extension(self.arrival.clone())
            .body(body)
            .unwrap();
        let mut response = self.mock.router.clone().oneshot(request).await.unwrap();
        let annotation = Annotation::take(response.extensions_mut()).unwrap_or_default();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            html: String::from_utf8(bytes.to_vec()).unwrap(),
            annotation,
        }
    }

    /// The cookies, as they are sent.
    pub(in crate::authority) fn cookies(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Takes the cookies of another browser.
    pub(in crate::authority) fn keep(&mut self, cookies: &str) {
        let pairs = cookies.split("; ").filter_map(|it| it.split_once('='));
        self.cookies
            .extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// Whether a cookie is kept.
    pub(in crate::authority) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }
}

impl Answer {
    /// `data-page`.
    pub(in crate::authority) fn page(&self) -> String {
        self.body_attribute("data-page").unwrap_or_default()
    }

    /// `data-error-code`.
    pub(in crate::authority) fn error_code(&self) -> u32 {
        self.body_attribute("data-error-code")
            .and_then(|it| it.parse().ok())
            .unwrap_or_default()
    }

    /// The text of the first element that fits.
    pub(in crate::authority) fn text(&self, selector: &str) -> String {
        let html = Html::parse_document(&self.html);
        let selector = Selector::parse(selector).unwrap();
        html.select(&selector)
            .next()
            .map(|it| it.text().collect())
            .unwrap_or_default()
    }

    /// The permissions that the page lists.
    pub(in crate::authority) fn permissions(&self) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        let selector = Selector::parse("[data-permission]").unwrap();
        html.select(&selector)
            .filter_map(|it| it.attr("data-permission").map(str::to_owned))
            .collect()
    }

    /// Where the browser is sent.
    pub(in crate::authority) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::FOUND, "{}", self.html);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The parameters of the redirect, from the query or the fragment.
    pub(in crate::authority) fn parameters(&self) -> BTreeMap<String, String> {
        let (_, text) = self.location().split_once(['?', '#']).unwrap();
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    /// The form that holds a button: its action, and its fields as pressed.
    pub(in crate::authority) fn form(
        &self,
        button: &str,
        fields: &[(&str, &str)],
    ) -> (String, String) {
        let html = Html::parse_document(&self.html);
        let (name, value) = button.split_once('=').unwrap_or(("action", button));
        let forms = Selector::parse("form").unwrap();
        let buttons = Selector::parse("button").unwrap();
        let inputs = Selector::parse("input, textarea").unwrap();
        let is_it =
            |it: &ElementRef<'_>| it.attr("name") == Some(name) && it.attr("value") == Some(value);
        let form = html
            .select(&forms)
            .find(|form| form.select(&buttons).any(|it| is_it(&it)))
            .unwrap_or_else(|| panic!("no button {button} on the page\n{}", self.html));
        let mut all: Vec<(String, String)> = Vec::new();
        for input in form.select(&inputs) {
            let Some(input_name) = input.attr("name") else {
                continue;
            };
            let given = fields.iter().find(|(it, _)| *it == input_name);
            let is_box = input.attr("type") == Some("checkbox");
            if is_box && given.is_none() {
                continue;
            }
            let value = given.map_or_else(|| input.attr("value").unwrap_or(""), |it| it.1);
            all.push((input_name.to_owned(), value.to_owned()));
        }
        for (given, _) in fields {
            assert!(
                all.iter().any(|(it, _)| it == given),
                "no field {given}\n{}",
                self.html
            );
        }
        all.push((name.to_owned(), value.to_owned()));
        let pairs: Vec<_> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        (form.attr("action").unwrap().to_owned(), query(&pairs))
    }

    fn body_attribute(&self, name: &str) -> Option<String> {
        let html = Html::parse_document(&self.html);
        let selector = Selector::parse("body").unwrap();
        html.select(&selector).next()?.attr(name).map(str::to_owned)
    }
}

fn certificate() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
    parameters.self_signed(&key).unwrap().der().to_vec()
}

/// Encodes fields.
pub(in crate::authority) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Replaces what differs from run to run.
pub(in crate::authority) fn redacted(text: &str) -> String {
    let mut text = text.to_owned();
    let changing = [
        ("?code=", "&"),
        ("Trace+ID%3a+", "%0d"),
        ("Correlation+ID%3a+", "%0d"),
        ("session_state=", "&"),
    ];
    for (name, until) in changing {
        if let Some(at) = text.find(name).map(|at| at + name.len()) {
            let end = text[at..].find(until).map_or(text.len(), |it| at + it);
            text.replace_range(at..end, "…");
        }
    }
    if let Some(at) = text.find("Timestamp%3a+").map(|at| at + 13) {
        let end = text[at..].find('&').map_or(text.len(), |it| at + it);
        text.replace_range(at..end, "…");
    }
    text
}

/// The id of an app in a text.
pub(in crate::authority) fn id(app: ApplicationId) -> String {
    app.to_string()
}
