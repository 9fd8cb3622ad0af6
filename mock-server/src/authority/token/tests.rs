use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::*;
use crate::directory::{Event, RevokedBy};
use crate::environment::Environment;
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::server::{ClientCertificate, Validity};
use crate::token::{
    AuthenticationMethod, AuthorizationCode, ClientClass, KeyRings, Sealer, SignIn,
};
use crate::world::seed::SeedContext;
use crate::world::{Tenant, TenantDescription, World};

mod assertions;
mod basics;
mod continuous_access;
mod device_code;
mod federated;
mod guests;
pub(in crate::authority) mod invalidation;
pub(in crate::authority) mod mutations;
mod on_behalf_of;
mod recorded;
mod refusals;
mod resources;

const GRAPH: &str = "https://graph.microsoft.com/.default";

/// Keys take some 100 ms each: all tests have the same.
static KEYS: LazyLock<(Arc<KeyRings>, ClientCertificate)> = LazyLock::new(|| {
    let now = Clock::real().now();
    let certificate = ClientCertificate::generate("client", Validity::Now, "pw", now);
    (Arc::new(KeyRings::new(None)), certificate)
});

/// A request that arrives at the login host of an environment's cloud.
fn arrival_at(environment: Environment) -> Arrival {
    Arrival {
        cloud: environment.cloud(),
        environment: Some(environment),
        origin: environment.cloud().authority_root(),
        real_host: true,
        retired: None,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        admitted_tenants: None,
        issuer_as_addressed: false,
        refused: None,
    }
}

/// A mock without a server: the authority's router over the default world.
struct Mock {
    router: Router,
    state: Arc<State>,
    world: Arc<World>,
    tenant: Arc<Tenant>,
    facts: TenantDescription,
    certificate: ClientCertificate,
}

impl Mock {
    fn new() -> Self {
        let now = Clock::real().now();
        let (keys, certificate) = &*KEYS;
        let journal = Journal::new(10, Redaction::On);
        let random = Random::seeded(1);
        let world = Arc::new(World::new(random, Arc::clone(keys), Sealer::new(), journal));
        let context = SeedContext {
            now,
            client_certificate: Some(certificate.certificate.clone()),
        };
        let tenant = world.add_default(&context).remove(0);
        let facts = world.describe(&tenant);
        let state = State::new(Arc::clone(&world));
        let router = crate::authority::routed(Arc::clone(&state));
        Self {
            router,
            state,
            world,
            tenant,
            facts,
            certificate: certificate.clone(),
        }
    }

    fn id(&self) -> String {
        self.tenant.id.to_string()
    }

    fn client(&self, alias: &str) -> (String, String) {
        let app = &self.facts.apps[alias];
        (
            app.client_id.to_string(),
            app.client_secret.clone().unwrap_or_default(),
        )
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value, Response<()>) {
        self.send_to(Environment::Office365, request).await
    }

    async fn send_to(
        &self,
        environment: Environment,
        request: Request<Body>,
    ) -> (u16, Value, Response<()>) {
        self.send_by(arrival_at(environment), request).await
    }

    async fn send_by(
        &self,
        arrival: Arrival,
        mut request: Request<Body>,
    ) -> (u16, Value, Response<()>) {
        request.extensions_mut().insert(arrival);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (parts.status.as_u16(), body, Response::from_parts(parts, ()))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let (status, body, _) = self.send(request).await;
        (status, body)
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        self.post(&format!("/{}/oauth2/v2.0/token", self.id()), form)
            .await
    }

    /// The code with which a form is refused.
    async fn refused(&self, form: &[(&str, &str)]) -> u64 {
        let (status, body) = self.token(form).await;
        assert!(status >= 400, "{body}");
        body["error_codes"][0].as_u64().unwrap_or_default()
    }

    async fn sign_in(&self, scope: &str) -> Value {
        let (id, _) = self.client("native-app");
        let alice = &self.facts.users["alice"];
        let (status, body) = self
            .token(&[
                ("grant_type", "password"),
                ("client_id", &id),
                ("username", &alice.upn),
                ("password", &alice.password),
                ("scope", scope),
            ])
            .await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn refresh(&self, token: &Value) -> (u16, Value) {
        let (id, _) = self.client("native-app");
        let token = token["refresh_token"].as_str().unwrap();
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &id),
            ("refresh_token", token),
        ])
        .await
    }

    fn code(&self, change: impl FnOnce(&mut AuthorizationCode)) -> String {
        let now = self.tenant.now();
        let mut code = AuthorizationCode {
            id: self.world.random.uuid(),
            sign_in: SignIn {
                family: Uuid::from_u128(1),
                tenant: self.tenant.id,
                client: self.facts.apps["own-app"].client_id,
                client_class: ClientClass::Confidential,
                user: self.facts.users["alice"].id,
                auth_time: now,
                moment: now,
                method: AuthenticationMethod::Password,
                mfa_time: None,
                session: Uuid::from_u128(2),
                compliant_device: false,
            },
            issued: now,
            redirect_uri: "http://localhost/callback".to_owned(),
            challenge: None,
            nonce: Some("n-1".to_owned()),
            scope: "openid offline_access Mail.Read".to_owned(),
            resource: None,
            claims: None,
        };
        change(&mut code);
        code.seal(&self.world.sealer)
    }

    async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let (id, secret) = self.client("own-app");
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("code", code),
        ];
        if !more.iter().any(|(name, _)| *name == "redirect_uri") {
            form.push(("redirect_uri", "http://localhost/callback"));
        }
        form.extend(more);
        self.token(&form).await
    }
}

fn members(body: &Value) -> Vec<&str> {
    body.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn code_of(answer: &(u16, Value)) -> u64 {
    answer.1["error_codes"][0].as_u64().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever comes, the endpoint answers with a documented error: never a panic, never a token.
    #[test]
    fn any_body_gets_a_documented_error(
        body in prop::collection::vec(any::<u8>(), 0..400),
        fields in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "grant_type", "client_id", "client_secret", "scope", "code", "refresh_token",
                    "client_assertion", "client_assertion_type", "claims", "assertion",
                    "requested_token_use", "username", "password", "device_code", "redirect_uri",
                    "code_verifier", "resource", "else",
                ]),
                prop_oneof![
                    any::<String>(),
                    Just("client_credentials".to_owned()),
                    Just("refresh_token".to_owned()),
                    Just("authorization_code".to_owned()),
                    Just("password".to_owned()),
                    Just("urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
                    Just("urn:ietf:params:oauth:grant-type:device_code".to_owned()),
                    Just("urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
                    Just("on_behalf_of".to_owned()),
                    Just("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.AAAA".to_owned()),
                ],
            ),
            0..8,
        ),
        with_client in any::<bool>(),
    ) {
        let mock = MOCK.get_or_init(Mock::new);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let client = if with_client { format!("&client_id={}", mock.client("own-app").0) } else { String::new() };
        for bytes in [body, format!("{form}{client}").into_bytes()] {
            let request = Request::post(format!("/{}/oauth2/v2.0/token", mock.id()))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(bytes))
                .unwrap();
            let (status, body, _) = runtime.block_on(mock.send(request));
            prop_assert!((400..=401).contains(&status), "{status} {body}");
            let code = body["error_codes"][0].as_u64().unwrap_or_default();
            prop_assert!(aadsts::Row::find(u32::try_from(code).unwrap()).is_some(), "{body}");
            prop_assert!(body["error"].is_string() && body["trace_id"].is_string(), "{body}");
        }
    }
}

static MOCK: std::sync::OnceLock<Mock> = std::sync::OnceLock::new();
