//! What an administrator does through Graph, row by row of the documented actions that end tokens,
//! and what becomes of the tokens: both sides over one world, each by its own router.

mod apps;
mod policies;
mod properties;
mod users;

use axum::Router;
use axum::http::header;
use serde_json::json;

use super::*;
use crate::directory::Event;
use crate::server::{ClientCertificate, Validity};
use crate::world::TenantDescription;
use crate::world::seed::SeedContext;

/// The default world, with its Graph and its authority.
struct Office {
    bench: Bench,
    facts: TenantDescription,
    authority: Router,
    environment: Environment,
}

/// Made once: a key takes some 100 ms.
static CERTIFICATE: LazyLock<ClientCertificate> = LazyLock::new(|| {
    ClientCertificate::generate("client", Validity::Now, "pw", Clock::real().now())
});

impl Office {
    fn new() -> Self {
        Self::at(Environment::Office365)
    }

    fn at(environment: Environment) -> Self {
        let world = Arc::new(World::new(
            Random::seeded(1),
            Arc::clone(&KEYS),
            Sealer::new(),
            Journal::new(100, Redaction::On),
        ));
        let context = SeedContext {
            now: Clock::real().now(),
            client_certificate: Some(CERTIFICATE.certificate.clone()),
        };
        let tenants = world.add_default(&context);
        let tenant = tenants
            .into_iter()
            .find(|it| it.environment == environment)
            .unwrap();
        let facts = world.describe(&tenant);
        let authority = crate::authority::router(Arc::clone(&world));
        Self {
            bench: Bench { world, tenant },
            facts,
            authority,
            environment,
        }
    }

    fn happen(&self, event: &Event) {
        self.bench.world.apply(&self.bench.tenant, event).unwrap();
    }

    /// A token of the administrator.
    fn admin(&self, permissions: &[&str]) -> Token {
        self.of("admin", permissions)
    }

    fn of(&self, user: &'static str, permissions: &[&str]) -> Token {
        Token {
            issued: self.bench.tenant.now(),
            ..self.bench.delegated(user, permissions)
        }
    }

    fn app_only(&self, permissions: &[&str]) -> Token {
        Token {
            issued: self.bench.tenant.now(),
            ..self.bench.app_only(permissions)
        }
    }

    async fn call(&self, token: &Token, method: &str, path: &str, body: Value) -> Answer {
        self.bench.send(method, token, path, &[], body).await
    }

    async fn get(&self, token: &Token, path: &str) -> Value {
        self.bench.get(token, path).await.expect(200).body
    }

    /// A form at the token endpoint.
    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = Request::post(format!("/{}/oauth2/v2.0/token", self.bench.tenant.id))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        request.extensions_mut().insert(Arrival {
            origin: self.environment.cloud().authority_root(),
            ..arrival(self.environment)
        });
        let response = self.authority.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Signs in with user name and password; returns the refresh token.
    async fn sign_in(&self, user: &str, app: &str) -> String {
        let (user, app) = (&self.facts.users[user], &self.facts.apps[app]);
        let id = app.client_id.to_string();
        let mut form = vec![
            ("grant_type", "password"),
            ("client_id", &id),
            ("username", &user.upn),
            ("password", &user.password),
            ("scope", "offline_access User.Read"),
        ];
        if let Some(secret) = &app.client_secret {
            form.push(("client_secret", secret));
        }
        let (status, body) = self.token(&form).await;
        assert_eq!(status, 200, "{body}");
        body["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Redeems a refresh token: 0, or the code of the refusal.
    async fn refresh(&self, app: &str, token: &str) -> u64 {
        let app = &self.facts.apps[app];
        let id = app.client_id.to_string();
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", id.as_str()),
            ("refresh_token", token),
        ];
        if let Some(secret) = &app.client_secret {
            form.push(("client_secret", secret));
        }
        code(&self.token(&form).await)
    }

    fn id(&self, user: &str) -> String {
        self.facts.users[user].id.to_string()
    }
}

/// The code of an answer of the token endpoint; 0 for a token.
fn code((status, body): &(u16, Value)) -> u64 {
    match status {
        200 => 0,
        _ => body["error_codes"][0].as_u64().unwrap_or(1),
    }
}

/// The code of Graph's refusal, which must have this status.
fn why(answer: Answer, status: u16) -> String {
    answer.refused(status)
}
