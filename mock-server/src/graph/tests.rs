mod administration;
mod attachments;
mod batch;
mod bearer;
mod calendar;
mod delta;
mod directory_query;
mod exchange_refusals;
mod extended;
mod gateway;
mod mail;
mod meetings;
mod message_rules;
mod outlook;
mod permissions;
mod query;
mod recorded;
mod robustness;
mod roles;
mod search_folders;
mod send;
mod throttling;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::clock::Clock;
use crate::directory::{ApplicationId, Directory, ObjectId};
use crate::environment::{Environment, GRAPH_APPLICATION_ID, SignInCloud};
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::token::{
    AccessTokenSpec, Audience, KeyRings, Sealer, Subject, TokenFormat, UserFacts, mint_access_token,
};
use crate::world::seed::{SeedContext, SeedFile};
use crate::world::{Tenant, World};

/// A world with one tenant, and Graph over it.
pub(super) struct Bench {
    world: Arc<World>,
    tenant: Arc<Tenant>,
}

/// What a token is to hold.
#[derive(Clone)]
pub(super) struct Token {
    user: Option<&'static str>,
    permissions: Vec<String>,
    audience: String,
    issued: Timestamp,
    handles_claims_challenges: bool,
}

/// An answer, read.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: axum::http::HeaderMap,
    pub(super) body: Value,
    pub(super) text: String,
    pub(super) bytes: Vec<u8>,
    pub(super) annotation: Annotation,
}

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::at(Environment::Office365, "contoso.onmicrosoft.com")
    }

    pub(super) fn at(environment: Environment, domain: &str) -> Self {
        let world = Arc::new(World::new(
            Random::seeded(1),
            Arc::clone(&KEYS),
            Sealer::new(),
            Journal::new(10, Redaction::On),
        ));
        let tenant = world.add(directory(environment, domain), Clock::frozen_at(noon()));
        Self { world, tenant }
    }

    /// The world.
    pub(super) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }

    /// The tenant.
    pub(super) fn tenant(&self) -> Arc<Tenant> {
        Arc::clone(&self.tenant)
    }

    pub(super) fn cloud(&self) -> SignInCloud {
        self.tenant.environment.cloud()
    }

    pub(super) fn user(&self, alias: &str) -> ObjectId {
        self.tenant.read(|it| it.find_user(alias).unwrap().id)
    }

    fn token(&self, token: &Token) -> String {
        let environment = self.tenant.environment;
        let key = self.world.keys.of(environment.cloud()).key(0);
        self.token_signed_by(token, &key)
    }

    fn token_signed_by(&self, token: &Token, key: &crate::token::SigningKey) -> String {
        self.tenant.read(|directory| {
            let subject = match token.user {
                Some(alias) => Subject::User {
                    facts: UserFacts::of(
                        directory.find_user(alias).unwrap(),
                        Ipv4Addr::LOCALHOST.into(),
                    ),
                    scopes: token.permissions.iter().cloned().collect(),
                    methods: vec!["pwd"],
                    session: Uuid::from_u128(9),
                },
                None => Subject::Application {
                    object_id: ObjectId(Uuid::from_u128(77)),
                    roles: token.permissions.iter().cloned().collect::<BTreeSet<_>>(),
                },
            };
            let spec = AccessTokenSpec {
                issuer: crate::environment::Issuer::of_cloud(directory.environment.cloud()),
                environment: directory.environment,
                tenant: directory.id,
                tenant_created: directory.created,
                country: "US".into(),
                audience: Audience {
                    value: token.audience.clone(),
                    resource: GRAPH_APPLICATION_ID.parse().unwrap(),
                    version: 1,
                },
                client: client(),
                client_name: "Test".into(),
                client_authentication: 1,
                subject,
                issued: token.issued,
                moment: token.issued,
                lifetime: 3600,
                handles_claims_challenges: token.handles_claims_challenges,
                format: TokenFormat::Jwt,
            };
            mint_access_token(&spec, key, &self.world.sealer, &self.world.random)
        })
    }

    /// The id of the app whose tokens these are.
    #[expect(clippy::unused_self, reason = "reads as what the bench has")]
    pub(super) fn client(&self) -> String {
        client().to_string()
    }

    /// A token of a user with scopes.
    pub(super) fn delegated(&self, user: &'static str, scopes: &[&str]) -> Token {
        Token {
            user: Some(user),
            ..self.app_only(scopes)
        }
    }

    pub(super) fn app_only(&self, roles: &[&str]) -> Token {
        Token {
            user: None,
            permissions: roles.iter().map(|it| (*it).to_owned()).collect(),
            audience: self.tenant.environment.graph_root(),
            issued: noon(),
            handles_claims_challenges: false,
        }
    }

    /// The token of an app, issued once some time has passed.
    pub(super) fn app_only_after(&self, time: jiff::SignedDuration, roles: &[&str]) -> Token {
        self.tenant.clock.advance(time);
        Token {
            issued: self.tenant.now(),
            ..self.app_only(roles)
        }
    }

    pub(super) async fn get(&self, token: &Token, path: &str) -> Answer {
        self.send("GET", token, path, &[], Value::Null).await
    }

    pub(super) async fn post(&self, token: &Token, path: &str, body: Value) -> Answer {
        self.send("POST", token, path, &[], body).await
    }

    pub(super) async fn send(
        &self,
        method: &str,
        token: &Token,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        self.send_as(&self.bearer(token), method, path, headers, body)
            .await
    }

    /// A token as the header has it.
    pub(super) fn bearer(&self, token: &Token) -> String {
        format!("Bearer {}", self.token(token))
    }

    /// Sends a request with a token that is signed already.
    pub(super) async fn send_as(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", bearer)
            .header("client-request-id", "11111111-2222-3333-4444-555555555555");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            request = request.header("content-length", "0");
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.answer(request.body(body).unwrap()).await
    }

    /// Asks without a token.
    pub(super) async fn anonymous(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).body(Body::empty());
        self.answer(request.unwrap()).await
    }

    async fn answer(&self, mut request: Request<Body>) -> Answer {
        let environment = self.tenant.environment;
        if request.extensions().get::<Arrival>().is_none() {
            request.extensions_mut().insert(arrival(environment));
        }
        // As clients do where there is a body.
        let length = axum::body::HttpBody::size_hint(request.body()).exact();
        if let Some(length) = length.filter(|it| *it > 0) {
            let headers = request.headers_mut();
            headers.entry("content-length").or_insert(length.into());
        }
        let router = super::router(Arc::clone(&self.world));
        read(router.oneshot(request).await.unwrap()).await
    }
}

async fn read(mut response: Response<Body>) -> Answer {
    let annotation = Annotation::take(response.extensions_mut()).unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        bytes: bytes.to_vec(),
        annotation,
    }
}

impl Answer {
    /// The answer, which must have this status.
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The code of a refusal with this status.
    #[track_caller]
    pub(super) fn refused(self, status: u16) -> String {
        let answer = self.expect(status);
        answer.body["error"]["code"]
            .as_str()
            .expect("an error body")
            .to_owned()
    }

    pub(super) fn values(&self) -> &[Value] {
        self.body["value"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub(super) fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }
}

fn arrival(environment: Environment) -> Arrival {
    Arrival {
        cloud: environment.cloud(),
        environment: Some(environment),
        origin: environment.graph_root(),
        real_host: true,
        retired: None,
        address: Ipv4Addr::LOCALHOST.into(),
        admitted_tenants: None,
        issuer_as_addressed: false,
        refused: None,
    }
}

/// Made once: a key takes some 100 ms.
static KEYS: LazyLock<Arc<KeyRings>> = LazyLock::new(|| Arc::new(KeyRings::new(None)));

fn client() -> ApplicationId {
    ApplicationId(Uuid::from_u128(5))
}

fn directory(environment: Environment, domain: &str) -> Directory {
    let text = format!(
        "schema: 1\ntenants:\n  one:\n    name: Contoso\n    environment: {environment}\n    \
         domain: {domain}\n    users:\n      root: {{name: Rita Root, \
         roles: [global-administrator]}}\n      alice: {{name: Alice Archer}}\n      bob: {{name: \
         Bob Baker}}\n      carol: {{name: Carol Chen}}\n      nomail: {{name: Nora Nomail, \
         mailbox: none}}\n      support:\n        name: Support\n        mailbox: shared\n        \
         enabled: false\n        delegates: {{alice: [full-access, send-as], carol: \
         [send-on-behalf]}}\n"
    );
    let context = SeedContext {
        now: noon(),
        client_certificate: None,
    };
    SeedFile::parse(&text)
        .unwrap()
        .directories(&context)
        .unwrap()
        .remove(0)
}

fn other_cloud(cloud: SignInCloud) -> SignInCloud {
    if cloud == SignInCloud::Global {
        SignInCloud::China
    } else {
        SignInCloud::Global
    }
}
