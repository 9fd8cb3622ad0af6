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
mod continuous_access;
mod device_code;
mod federated;
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

#[tokio::test]
async fn client_credentials_answer_exactly_the_documented_members() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", GRAPH),
    ];
    let (status, body) = mock.token(&form).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        members(&body),
        ["token_type", "expires_in", "ext_expires_in", "access_token"]
    );
    assert!(body["expires_in"].is_u64());

    let v1 = format!("/{}/oauth2/token", mock.id());
    let form = [&form[..3], &[("resource", "https://graph.microsoft.com/")]].concat();
    let (status, body) = mock.post(&v1, &form).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["expires_in"].is_string() && body["expires_on"].is_string());
    assert_eq!(body["resource"], "https://graph.microsoft.com/");
}

#[tokio::test]
async fn basic_credentials_count_raw_and_encoded() {
    use base64::Engine as _;
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for secret in [secret, encoded] {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::post(format!("/{}/oauth2/v2.0/token", mock.id()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .body(Body::from(format!(
                "grant_type=client_credentials&scope={GRAPH}"
            )))
            .unwrap();
        let (status, body, _) = mock.send(request).await;
        assert_eq!(status, 200, "{body}");
    }
}

#[tokio::test]
async fn each_mistake_of_an_app_has_its_code() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let (native, _) = mock.client("native-app");
    let base = |more: &[(&'static str, &'static str)]| {
        let mut form: Vec<(&str, String)> = vec![
            ("grant_type", "client_credentials".into()),
            ("client_id", id.clone()),
            ("client_secret", secret.clone()),
            ("scope", GRAPH.into()),
        ];
        for (name, value) in more {
            form.retain(|(field, _)| field != name);
            if !value.is_empty() {
                form.push((name, (*value).to_owned()));
            }
        }
        form
    };
    let cases: [(&[(&str, &str)], u64); 13] = [
        (&[("grant_type", "")], 900144),
        (&[("grant_type", "implicit")], 70003),
        (&[("client_id", "")], 900144),
        (&[("client_id", "not-a-guid")], 700016),
        (
            &[("client_id", "11111111-2222-3333-4444-555555555555")],
            700016,
        ),
        (&[("client_secret", "wrong")], 7000215),
        (&[("client_secret", "")], 7000216),
        (&[("scope", "")], 900144),
        (
            &[("scope", "https://graph.microsoft.com/Mail.Read")],
            1002012,
        ),
        (&[("scope", "https://graph.microsoft.us/.default")], 500011),
        (&[("scope", "https://nobody.example/.default")], 500011),
        (&[("resource", "https://graph.microsoft.com/")], 9010010),
        (&[("claims", "no json")], 9002313),
    ];
    for (change, expected) in cases {
        let form = base(change);
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(mock.refused(&form).await, expected, "{change:?}");
    }
    let public = [
        ("grant_type", "refresh_token"),
        ("client_id", native.as_str()),
        ("client_secret", "s"),
        (
            "refresh_token",
            mock.sign_in("offline_access Mail.ReadWrite").await["refresh_token"]
                .as_str()
                .unwrap(),
        ),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let public: Vec<(&str, &str)> = public
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(mock.refused(&public).await, 700025);
    let twice = [
        ("grant_type", "password"),
        ("client_id", "a"),
        ("client_id", "b"),
    ];
    assert_eq!(mock.refused(&twice).await, 9000411);
}

#[tokio::test]
async fn tenants_are_found_by_id_and_domain_and_others_refused() {
    let mock = Mock::new();
    let (id, secret) = mock.client("daemon-secret");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", GRAPH),
    ];
    let cases = [
        ("contoso.onmicrosoft.com", 0),
        ("CONTOSO.onmicrosoft.com", 0),
        ("common", 50059),
        ("organizations", 50059),
        ("nobody.example", 90002),
        ("11111111-2222-3333-4444-555555555555", 90002),
        // The tenant of another cloud.
        ("contosochina.partner.onmschina.cn", 90002),
        ("contoso", 900023),
    ];
    for (segment, expected) in cases {
        let answer = mock
            .post(&format!("/{segment}/oauth2/v2.0/token"), &form)
            .await;
        assert_eq!(code_of(&answer), expected, "{segment}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_refusal_has_the_services_members_and_headers() {
    let mock = Mock::new();
    let request = Request::post(format!("/{}/oauth2/v2.0/token", mock.id()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("client-request-id", "5b2cfa1c-0c22-4f6e-9f43-6e0b2b1f8a11")
        .body(Body::from("grant_type=\"<x>\\&client_id=a"))
        .unwrap();
    let (status, body, parts) = mock.send(request).await;
    assert_eq!(status, 400);
    assert_eq!(
        members(&body),
        [
            "error",
            "error_description",
            "error_codes",
            "timestamp",
            "trace_id",
            "correlation_id"
        ]
    );
    let header = |name: &str| parts.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("x-ms-request-id"),
        body["trace_id"].as_str().unwrap()
    );
    assert_eq!(
        body["correlation_id"],
        "5b2cfa1c-0c22-4f6e-9f43-6e0b2b1f8a11"
    );
    assert_eq!(header("cache-control"), "no-store, no-cache");
    assert_eq!(header("x-ms-clitelem"), "1,70003,0,,");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with("AADSTS70003: "), "{description}");
    assert!(!description.contains(['"', '\\', '\n']), "{description}");
}

#[tokio::test]
async fn only_posted_forms_are_read() {
    let mock = Mock::new();
    let path = format!("/{}/oauth2/v2.0/token", mock.id());
    let get = Request::get(&path).body(Body::empty()).unwrap();
    assert_eq!(mock.send(get).await.1["error_codes"], json!([900561]));
    let json = Request::post(&path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("{\"grant_type\":\"client_credentials\"}"))
        .unwrap();
    assert_eq!(mock.send(json).await.1["error_codes"], json!([900144]));
}

#[tokio::test]
async fn a_code_is_redeemed_once_by_its_client_with_its_proof() {
    let mock = Mock::new();
    let code = mock.code(|_| {});
    let (status, body) = mock.redeem(&code, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body["refresh_token"].is_string() && body["id_token"].is_string(),
        "{body}"
    );
    assert!(body["scope"].as_str().unwrap().contains("Mail.Read"));
    assert_eq!(code_of(&mock.redeem(&code, &[]).await), 54005);

    let old = mock.code(|code| {
        code.issued = code
            .issued
            .saturating_sub(SignedDuration::from_mins(10))
            .unwrap();
    });
    assert_eq!(code_of(&mock.redeem(&old, &[]).await), 70008);
    let elsewhere = [("redirect_uri", "http://localhost/other")];
    assert_eq!(
        code_of(&mock.redeem(&mock.code(|_| {}), &elsewhere).await),
        500112
    );
    let other_client = mock.code(|code| {
        code.sign_in.client = mock.facts.apps["daemon-secret"].client_id;
    });
    assert_eq!(code_of(&mock.redeem(&other_client, &[]).await), 700007);
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let with_challenge = || {
        mock.code(|code| {
            let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned();
            code.challenge = Some((challenge, "S256".to_owned()));
        })
    };
    assert_eq!(code_of(&mock.redeem(&with_challenge(), &[]).await), 50148);
    let wrong = [(
        "code_verifier",
        "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong",
    )];
    assert_eq!(
        code_of(&mock.redeem(&with_challenge(), &wrong).await),
        501481
    );
    let right = [("code_verifier", verifier)];
    assert_eq!(mock.redeem(&with_challenge(), &right).await.0, 200);
    assert_eq!(code_of(&mock.redeem("rubbish", &[]).await), 9002313);
}

#[tokio::test]
async fn a_used_refresh_token_lives_on_unless_rotation_is_strict() {
    let mock = Mock::new();
    let first = mock
        .sign_in("openid offline_access https://graph.microsoft.com/Mail.ReadWrite")
        .await;
    let (status, second) = mock.refresh(&first).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(
        mock.refresh(&first).await.0,
        200,
        "the service neither revokes nor notices"
    );
    mock.tenant.write(|it| it.switches.strict_rotation = true);
    assert_eq!(mock.refresh(&second).await.0, 200);
    assert_eq!(code_of(&mock.refresh(&second).await), 50173);
}

#[tokio::test]
async fn revocation_and_inactivity_end_a_refresh_token_for_their_reason() {
    let mock = Mock::new();
    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    mock.tenant
        .clock
        .advance(SignedDuration::from_hours(24 * 89));
    assert_eq!(mock.refresh(&token).await.0, 200);
    mock.tenant.clock.advance(SignedDuration::from_hours(24));
    let answer = mock.refresh(&token).await;
    assert_eq!(code_of(&answer), 700082);

    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    let revoke = Event::RevokeSessions {
        user: "alice".to_owned(),
        by: RevokedBy::Admin,
    };
    mock.world.apply(&mock.tenant, &revoke).unwrap();
    let (status, body) = mock.refresh(&token).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(body["error_codes"], json!([50173]));
    assert_eq!(body["suberror"], "bad_token");

    let token = mock.sign_in("offline_access Mail.ReadWrite").await;
    let withdraw = Event::RevokeConsent {
        app: "native-app".to_owned(),
        user: None,
    };
    mock.world.apply(&mock.tenant, &withdraw).unwrap();
    let (_, body) = mock.refresh(&token).await;
    assert_eq!(body["error_codes"], json!([65001]));
    assert_eq!(body["suberror"], "consent_required");
}

#[tokio::test]
async fn passwords_are_checked_as_documented() {
    let mock = Mock::new();
    let (id, _) = mock.client("native-app");
    let alice = mock.facts.users["alice"].clone();
    let ask = |user: &str, password: &str| {
        let form = [
            ("grant_type", "password".to_owned()),
            ("client_id", id.clone()),
            ("username", user.to_owned()),
            ("password", password.to_owned()),
            ("scope", "Mail.ReadWrite".to_owned()),
        ];
        let mock = &mock;
        async move {
            let form: Vec<(&str, &str)> = form
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            mock.refused(&form).await
        }
    };
    assert_eq!(ask(&alice.upn, "wrong").await, 50126);
    assert_eq!(ask("nobody@contoso.onmicrosoft.com", "x").await, 50034);
    let expire = Event::ExpirePassword {
        user: "alice".to_owned(),
    };
    mock.world.apply(&mock.tenant, &expire).unwrap();
    assert_eq!(ask(&alice.upn, &alice.password).await, 50055);
    let disable = Event::DisableUser {
        user: "alice".to_owned(),
    };
    mock.world.apply(&mock.tenant, &disable).unwrap();
    assert_eq!(ask(&alice.upn, &alice.password).await, 50057);
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
