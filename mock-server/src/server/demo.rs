//! A demonstration: a small client signs a user in and reads mail, at the real endpoints, so that
//! there is something to see before anybody has pointed a connector at the mock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::core::Core;
use crate::world::{AppDescription, Tenant, UserDescription};

/// What the demonstration did.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Demo {
    /// Who signed in.
    pub(crate) user: String,
    /// With which app, by its alias.
    pub(crate) app: String,
    /// The requests, in their order. The journal has them, too.
    pub(crate) requests: Vec<DemoRequest>,
    /// The subjects of the mail that was read; empty where it was refused.
    pub(crate) subjects: Vec<String>,
}

/// A request of the demonstration.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct DemoRequest {
    /// The method.
    pub(crate) method: String,
    /// The URL.
    pub(crate) url: String,
    /// The status of the answer.
    pub(crate) status: u16,
    /// What a refusal says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

/// Why there is nothing to demonstrate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The world lacks what it takes.
    #[error(
        "the tenant has no {0}: the demonstration signs a user in with an app that has a secret"
    )]
    Lacks(&'static str),
    /// A request had no answer.
    #[error("{url}: {problem}")]
    NoAnswer {
        /// Where.
        url: String,
        /// What happened.
        problem: String,
    },
}

impl Core {
    /// Signs a user in with the password, reads mail, and renews the token, as a client does. What
    /// is refused ends it, and is part of what is shown.
    pub(crate) async fn demonstrate(&self, tenant: &Tenant) -> Result<Demo, DemoError> {
        let described = self.describe(tenant);
        let (alias, app) = chosen(&described.apps, "own-app", |it: &AppDescription| {
            it.client_secret.is_some()
        })
        .ok_or(DemoError::Lacks("app with a secret"))?;
        let (_, user) = chosen(&described.users, "alice", |_: &UserDescription| true)
            .ok_or(DemoError::Lacks("user"))?;
        let environment = tenant.environment;
        let login = &environment.cloud().facts().authority_host;
        let graph = environment.graph_host();
        let mut client = Client {
            config: trusting(self.ca_pem()),
            to: reachable(self.ports[environment as usize]),
            requests: Vec::new(),
        };
        let mut demo = Demo {
            user: user.upn.clone(),
            app: alias.to_owned(),
            requests: Vec::new(),
            subjects: Vec::new(),
        };
        let id = tenant.id.to_string();
        let discovery = format!("/{id}/v2.0/.well-known/openid-configuration");
        client
            .ask(Method::GET, login, &discovery, None, None)
            .await?;
        let secret = app.client_secret.as_deref().unwrap_or_default();
        let client_id = app.client_id.to_string();
        let scope = format!("openid profile offline_access https://{graph}/Mail.Read");
        let common = [
            ("client_id", client_id.as_str()),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        let sign_in = [
            ("grant_type", "password"),
            ("username", &user.upn),
            ("password", &user.password),
        ];
        let endpoint = format!("/{id}/oauth2/v2.0/token");
        let form = form(common.iter().chain(&sign_in));
        let token = client
            .ask(Method::POST, login, &endpoint, None, Some(form))
            .await?;
        if let Some(bearer) = token["access_token"].as_str() {
            let mail = "/v1.0/me/messages?$top=3&$select=subject,from,receivedDateTime";
            for path in ["/v1.0/me", mail] {
                let answer = client
                    .ask(Method::GET, graph, path, Some(bearer), None)
                    .await?;
                let messages = answer["value"].as_array();
                let subjects = messages.into_iter().flatten();
                let subjects = subjects.filter_map(|it| it["subject"].as_str());
                demo.subjects.extend(subjects.map(str::to_owned));
            }
        }
        if let Some(refresh) = token["refresh_token"].as_str() {
            let renewal = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
            let form = self::form(common.iter().chain(&renewal));
            client
                .ask(Method::POST, login, &endpoint, None, Some(form))
                .await?;
        }
        demo.requests = client.requests;
        Ok(demo)
    }
}

/// The address by which a listener is reached from here: all addresses are none.
fn reachable(mut listens: SocketAddr) -> SocketAddr {
    if listens.ip().is_unspecified() {
        listens.set_ip(match listens.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listens
}

/// The entry of a name, or else the first one that will do.
fn chosen<'a, T>(
    all: &'a indexmap::IndexMap<String, T>,
    preferred: &str,
    will_do: impl Fn(&T) -> bool,
) -> Option<(&'a str, &'a T)> {
    let named = all.get_key_value(preferred).filter(|(_, it)| will_do(it));
    let found = named.or_else(|| all.iter().find(|(_, it)| will_do(it)));
    found.map(|(name, it)| (name.as_str(), it))
}

fn form<'a>(fields: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

/// A client that trusts the mock's own root, and nothing else.
fn trusting(root: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(root.as_bytes()).flatten() {
        // It is the mock's own: if it is none, no handshake succeeds, which the answer says.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // The versions are those of the provider.
        .expect("the provider has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

struct Client {
    config: Arc<ClientConfig>,
    to: SocketAddr,
    requests: Vec<DemoRequest>,
}

impl Client {
    /// Sends a request to one of Microsoft's hosts, and returns the JSON of the answer.
    async fn ask(
        &mut self,
        method: Method,
        host: &str,
        path: &str,
        bearer: Option<&str>,
        form: Option<String>,
    ) -> Result<Value, DemoError> {
        let url = format!("https://{host}{path}");
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(HOST, host);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(form.unwrap_or_default()));
        let answered = tokio::time::timeout(PATIENCE, self.exchange(host, request.body(body)));
        let (status, body) = answered
            .await
            .map_err(|_| "no answer in time".to_owned())
            .and_then(|it| it)
            .map_err(|problem| DemoError::NoAnswer {
                url: url.clone(),
                problem,
            })?;
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let said = value["error_description"].as_str();
        let said = said.or_else(|| value["error"]["message"].as_str());
        let first = said.unwrap_or("refused").lines().next().unwrap_or_default();
        self.requests.push(DemoRequest {
            method: method.to_string(),
            url,
            status,
            refused: (status >= 400).then(|| first.to_owned()),
        });
        Ok(value)
    }

    async fn exchange(
        &self,
        host: &str,
        request: hyper::http::Result<Request<Full<Bytes>>>,
    ) -> Result<(u16, Bytes), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let request = request.map_err(|it| text(&it))?;
        let stream = TcpStream::connect(self.to).await.map_err(|it| text(&it))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|it| text(&it))?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|it| text(&it))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|it| text(&it))?;
        let connection = tokio::spawn(connection);
        let answered = async {
            let answer = sender.send_request(request).await.map_err(|it| text(&it))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await;
            Ok((status, body.map_err(|it| text(&it))?.to_bytes()))
        };
        let answered = answered.await;
        connection.abort();
        answered
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: usize = 4 << 20;
