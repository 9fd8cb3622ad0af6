//! The scripted person: follows an authorize URL, fills the forms of the sign-in pages, and comes
//! back with the callback.
//!
//! The person's browser is a client of its own with its own cookies. It goes by the pages' names
//! (`<body data-page>`), ids and field names, as a person goes by what is written on them.

mod form;

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Certificate, Client, Proxy};
use serde_json::{Map, Value};
use url::Url;

use crate::case::{BrowserAction, Tamper};
use form::Form;

/// A person with a browser of their own.
#[derive(Debug)]
pub struct Person {
    client: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Who sits there: somebody else has a browser, and so cookies, of their own.
    user: Option<String>,
    /// For what the consent page of the last visit asked.
    consent_page: Option<Vec<String>>,
}

/// Who signs in.
#[derive(Clone, Debug)]
pub struct Account {
    /// The sign-in name.
    pub upn: String,
    /// The password.
    pub password: String,
}

/// Where a sign-in ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Visit {
    /// The connector's redirect URI was called.
    Callback(Callback),
    /// The person closed the window or gave up.
    Left {
        /// What they did.
        how: String,
    },
    /// A page from which no button leads on.
    Stopped {
        /// What the page says.
        text: String,
        /// Its AADSTS code.
        aadsts: Option<u32>,
    },
}

/// The callback of a sign-in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Callback {
    /// The whole URL.
    pub url: String,
    /// The fields of a form post.
    pub form: Option<Map<String, Value>>,
}

/// Why the browser can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// A request failed.
    #[error("the browser cannot open {url}: {error}")]
    Request {
        /// The address.
        url: String,
        /// What happened.
        error: reqwest::Error,
    },
    /// An address that is none.
    #[error("'{0}' is not an address to which a browser could go")]
    Address(String),
    /// The client can't be made.
    #[error("the browser cannot be started: {0}")]
    Client(reqwest::Error),
    /// A page that nobody told it about.
    #[error("the browser does not know the page '{page}' ({title}) at {url}")]
    UnknownPage {
        /// The page's name.
        page: String,
        /// Its title.
        title: String,
        /// The address.
        url: String,
    },
    /// The pages lead in a circle.
    #[error("the sign-in did not end within {STEPS} pages; the last one was '{0}'")]
    Circle(String),
}

impl Person {
    /// A person whose browser trusts the mock and uses the proxy, or (without one) the hosts file.
    /// One who trusts everybody is not stopped by the wrong certificates that are meant for the
    /// connector.
    pub fn new(
        proxy: Option<&str>,
        ca_pem: &str,
        trusts_everybody: bool,
    ) -> Result<Self, BrowserError> {
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([
                Certificate::from_pem(ca_pem.as_bytes()).map_err(BrowserError::Client)?
            ])
            .no_proxy();
        if trusts_everybody {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(proxy) = proxy {
            builder = builder.proxy(Proxy::all(proxy).map_err(BrowserError::Client)?);
        }
        let client = builder.build().map_err(BrowserError::Client)?;
        Ok(Self {
            client,
            cookies: BTreeMap::new(),
            user: None,
            consent_page: None,
        })
    }

    /// Signs in at an authorize URL and comes back with the callback.
    pub async fn sign_in(
        &mut self,
        authorize_url: &str,
        account: &Account,
        action: Option<&BrowserAction>,
    ) -> Result<Visit, BrowserError> {
        let url = parse(authorize_url)?;
        let redirect_uri = url
            .query_pairs()
            .find(|(name, _)| name == "redirect_uri")
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        self.sit_down(account);
        let visit = self.walk(url, &redirect_uri, account, action).await?;
        Ok(match (visit, action) {
            (Visit::Callback(callback), Some(BrowserAction::Tamper(tamper))) => {
                Visit::Callback(callback.tampered(tamper))
            }
            (visit, _) => visit,
        })
    }

    /// Types a device code, signs in and confirms.
    pub async fn enter_device_code(
        &mut self,
        login_host: &str,
        user_code: &str,
        account: &Account,
        action: Option<&BrowserAction>,
    ) -> Result<Visit, BrowserError> {
        let mut url = parse(&format!("https://{login_host}/common/oauth2/deviceauth"))?;
        url.query_pairs_mut().append_pair("otc", user_code);
        self.sit_down(account);
        self.walk(url, "", account, action).await
    }

    /// The permissions that the consent page of the last visit asked for, if one came.
    pub fn take_consent_page(&mut self) -> Option<Vec<String>> {
        self.consent_page.take()
    }

    fn sit_down(&mut self, account: &Account) {
        self.consent_page = None;
        if self.user.as_ref().is_some_and(|user| *user != account.upn) {
            self.cookies.clear();
        }
        self.user = Some(account.upn.clone());
    }

    /// Calls the connector's own listener, for connectors that wait for the browser themselves.
    pub async fn return_to(&mut self, callback: &Callback) -> Result<(), BrowserError> {
        let url = callback.url.clone();
        let failed = |error| BrowserError::Request {
            url: url.clone(),
            error,
        };
        // The connector's listener is on this machine: not through the proxy.
        let client = Client::builder()
            .no_proxy()
            .build()
            .map_err(BrowserError::Client)?;
        let request = match &callback.form {
            Some(form) => {
                let fields: Vec<(&str, &str)> = form
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
                    .collect();
                client.post(&url).form(&fields)
            }
            None => client.get(&url),
        };
        request.send().await.map_err(failed)?;
        Ok(())
    }

    async fn walk(
        &mut self,
        start: Url,
        redirect_uri: &str,
        account: &Account,
        action: Option<&BrowserAction>,
    ) -> Result<Visit, BrowserError> {
        let mut next = Next::Get(start);
        let mut last = String::new();
        for _ in 0..STEPS {
            let (url, page) = match self.open(&next, redirect_uri).await? {
                Opened::Callback(url) => {
                    return Ok(Visit::Callback(Callback { url, form: None }));
                }
                Opened::Moved(url) => {
                    next = Next::Get(url);
                    continue;
                }
                Opened::Page(url, page) => (url, page),
            };
            last.clone_from(&page.name);
            if CONSENT.contains(&page.name.as_str()) {
                self.consent_page = Some(page.permissions.clone());
            }
            next = match turn(&page, &url, account, action)? {
                Turn::Submit(url, fields) => {
                    if !redirect_uri.is_empty() && is_callback(url.as_str(), redirect_uri) {
                        let form = fields
                            .into_iter()
                            .map(|(name, value)| (name, Value::String(value)))
                            .collect();
                        let callback = Callback {
                            url: url.to_string(),
                            form: Some(form),
                        };
                        return Ok(Visit::Callback(callback));
                    }
                    Next::Post(url, fields)
                }
                Turn::End(visit) => return Ok(visit),
            };
        }
        Err(BrowserError::Circle(last))
    }

    async fn open(&mut self, next: &Next, redirect_uri: &str) -> Result<Opened, BrowserError> {
        let (url, request) = match next {
            Next::Get(url) => (url, self.client.get(url.clone())),
            Next::Post(url, fields) => (url, self.client.post(url.clone()).form(fields)),
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let failed = |error| BrowserError::Request {
            url: without_query(url),
            error,
        };
        let cookies: Vec<String> = self
            .cookies
            .get(&host)
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header(COOKIE, cookies.join("; "))
            .header("accept", "text/html")
            .send()
            .await
            .map_err(failed)?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie
                .to_str()
                .ok()
                .and_then(|it| it.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                let jar = self.cookies.entry(host.clone()).or_default();
                if value.is_empty() {
                    jar.remove(name.trim());
                } else {
                    jar.insert(name.trim().to_owned(), value.to_owned());
                }
            }
        }
        if let Some(location) = response
            .headers()
            .get(LOCATION)
            .and_then(|it| it.to_str().ok())
        {
            if !redirect_uri.is_empty() && is_callback(location, redirect_uri) {
                return Ok(Opened::Callback(location.to_owned()));
            }
            let target = url
                .join(location)
                .map_err(|_| BrowserError::Address(location.to_owned()))?;
            return Ok(Opened::Moved(target));
        }
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let text = response.text().await.map_err(failed)?;
        let mut page = Form::parse(&text);
        if !kind.starts_with("text/html") {
            page.text = text;
        }
        Ok(Opened::Page(url.clone(), page))
    }
}

impl Callback {
    /// The callback with its parameters changed on the way.
    pub fn tampered(mut self, tamper: &Tamper) -> Self {
        if let Some(form) = &mut self.form {
            for name in &tamper.remove {
                form.remove(name);
            }
            for (name, value) in form.iter_mut() {
                if let Value::String(text) = value {
                    *text = tamper.change(name, std::mem::take(text));
                }
            }
            for (name, value) in &tamper.set {
                form.insert(name.clone(), Value::String(value.clone()));
            }
            return self;
        }
        let Some(at) = self.url.find(['?', '#']) else {
            return self;
        };
        let (base, rest) = self.url.split_at(at);
        let (mark, rest) = rest.split_at(1);
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(rest.as_bytes())
            .into_owned()
            .map(|(name, value)| {
                let value = tamper.change(&name, value);
                (name, value)
            })
            .collect();
        pairs.retain(|(name, _)| !tamper.remove.contains(name) && !tamper.set.contains_key(name));
        pairs.extend(
            tamper
                .set
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.url = format!("{base}{mark}{query}");
        self
    }
}

enum Next {
    Get(Url),
    Post(Url, Vec<(String, String)>),
}

enum Opened {
    Callback(String),
    Moved(Url),
    Page(Url, Form),
}

enum Turn {
    Submit(Url, Vec<(String, String)>),
    End(Visit),
}

/// What the person does on a page.
fn turn(
    page: &Form,
    url: &Url,
    account: &Account,
    action: Option<&BrowserAction>,
) -> Result<Turn, BrowserError> {
    let press = |button: &str, values: &[(&str, &str)]| {
        let target = url
            .join(&page.action)
            .map_err(|_| BrowserError::Address(page.action.clone()))?;
        Ok(Turn::Submit(target, page.submit(button, values)))
    };
    let leave = |how: &str| {
        Ok(Turn::End(Visit::Left {
            how: how.to_owned(),
        }))
    };
    if matches!(action, Some(BrowserAction::Close)) && page.name != "error" {
        return leave("closed the window");
    }
    match page.name.as_str() {
        "sign-in" => press(PRIMARY, &[("loginfmt", &account.upn)]),
        "pick-account" => match page.button_with(&account.upn) {
            Some(button) => press(&button, &[]),
            None => press("otherTile", &[]),
        },
        "password" => {
            let wrong = matches!(action, Some(BrowserAction::WrongPassword));
            match (wrong, page.alert.is_some()) {
                (true, true) => leave("gave up after a wrong password"),
                (true, false) => press(PRIMARY, &[("passwd", "not the password")]),
                (false, true) => Ok(Turn::End(page.stopped())),
                (false, false) => press(PRIMARY, &[("passwd", &account.password)]),
            }
        }
        "consent" => match action {
            Some(BrowserAction::Decline) => press(SECONDARY, &[]),
            Some(BrowserAction::AcceptForOrganization) => press(PRIMARY, &[("orgconsent", "true")]),
            _ => press(PRIMARY, &[]),
        },
        "admin-consent" => match action {
            Some(BrowserAction::Decline) => press(SECONDARY, &[]),
            _ => press(PRIMARY, &[]),
        },
        "approval-required" => match action {
            Some(BrowserAction::AskForApproval { reason }) if page.has("justification") => {
                press(PRIMARY, &[("justification", reason)])
            }
            _ if page.has_button(SECONDARY) => press(SECONDARY, &[]),
            _ if page.has_button(PRIMARY) => press(PRIMARY, &[]),
            _ => Ok(Turn::End(page.stopped())),
        },
        "device-code" if page.alert.is_some() => Ok(Turn::End(page.stopped())),
        // Whoever expects to be stopped has no such device.
        "compliant-device" if matches!(action, Some(BrowserAction::StoppedBy(_))) => {
            Ok(Turn::End(page.stopped()))
        }
        "approval-requested" | "compliant-device" | "mfa" | "register-factor" | "terms-of-use"
        | "device-code" | "device-confirm" | "form-post" => press(PRIMARY, &[]),
        "password-change" => press(
            PRIMARY,
            &[
                ("passwd", &account.password),
                ("newpasswd", "Another-1"),
                ("confirmpasswd", "Another-1"),
            ],
        ),
        "error" | "signed-out" | "device-done" | "device-declined" | "message" => {
            Ok(Turn::End(page.stopped()))
        }
        _ => Err(BrowserError::UnknownPage {
            page: page.name.clone(),
            title: page.title.clone(),
            url: without_query(url),
        }),
    }
}

fn is_callback(url: &str, redirect_uri: &str) -> bool {
    url.strip_prefix(redirect_uri)
        .map(|rest| rest.strip_prefix('/').unwrap_or(rest))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '#']))
}

fn parse(text: &str) -> Result<Url, BrowserError> {
    Url::parse(text).map_err(|_| BrowserError::Address(text.to_owned()))
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// The ids of the two buttons that most pages have.
const PRIMARY: &str = "idSIButton9";
const SECONDARY: &str = "idBtn_Back";

/// The pages on which permissions are accepted or declined.
const CONSENT: [&str; 2] = ["admin-consent", "consent"];

const STEPS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_the_redirect_uri_with_parameters() {
        let uri = "https://app.example/cb";
        assert!(is_callback("https://app.example/cb?code=1", uri));
        assert!(is_callback("https://app.example/cb#code=1", uri));
        assert!(is_callback(
            "http://localhost:7071/?code=1",
            "http://localhost:7071"
        ));
        assert!(!is_callback("https://app.example/cbx?code=1", uri));
        assert!(!is_callback(
            "https://login.example/?redirect=https://app.example/cb",
            uri
        ));
    }

    #[test]
    fn tampering_replaces_and_removes_parameters() {
        let callback = Callback {
            url: "https://a.example/cb?code=1&state=s".to_owned(),
            form: None,
        };
        let tamper = Tamper {
            set: [("state".to_owned(), "other state".to_owned())]
                .into_iter()
                .collect(),
            remove: vec!["code".to_owned()],
            ..Tamper::default()
        };
        assert_eq!(
            callback.tampered(&tamper).url,
            "https://a.example/cb?state=other+state"
        );
    }

    #[test]
    fn tampering_changes_a_parameter_a_little() {
        let state = || vec!["state".to_owned()];
        let callback = |tamper: &Tamper| {
            let callback = Callback {
                url: "https://a.example/cb?code=Aa&state=bC-1A".to_owned(),
                form: None,
            };
            callback.tampered(tamper).url
        };
        let altered = callback(&Tamper {
            alter: state(),
            ..Tamper::default()
        });
        assert_eq!(altered, "https://a.example/cb?code=Aa&state=bC-1B");
        let swapped = callback(&Tamper {
            swap_case: state(),
            ..Tamper::default()
        });
        assert_eq!(swapped, "https://a.example/cb?code=Aa&state=Bc-1a");
        let longer = callback(&Tamper {
            lengthen: state(),
            ..Tamper::default()
        });
        assert_eq!(longer, "https://a.example/cb?code=Aa&state=bC-1AA");
    }
}
