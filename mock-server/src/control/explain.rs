//! What a token is worth: what is in it, whether it is good now, and why not; and who is connected.

mod jwt;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response};
use super::request::Json;
use super::tenants::find;
use crate::aadsts::Row;
use crate::authority::verdict;
use crate::directory::{ApplicationId, ObjectId};
use crate::graph;
use crate::server::Core;
use crate::token::validity::CODE_LIFETIME;
use crate::token::{
    AccessClaims, AuthorizationCode, RefreshToken, VerifyError, verify_access_token,
    verify_signature,
};
use crate::world::{Tenant, TenantName, World};

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::post(
            "/api/v1/explain",
            "explainToken",
            "What is in a token or a code, and what would happen to it now",
        )
        .body::<Question>()
        .answers::<Explanation>(200, "The token, as the mock reads it"),
        routing::post(explain),
    )
    .serve(
        Operation::get(
            "/api/v1/tokens/{fingerprint}",
            "explainSeenToken",
            "What is in a token that the journal names by its fingerprint, and what it is worth now",
        )
        .answers::<Explanation>(200, "The token, as the mock reads it; never the token itself")
        .problems(&[404]),
        routing::get(seen),
    )
    .serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/connections",
            "listConnections",
            "Who is signed in with which client, and what would happen to the refresh token now",
        )
        .answers::<Vec<Connection>>(200, "Sign-ins, oldest first")
        .problems(&[404]),
        routing::get(connections),
    )
}

/// A token to explain.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    token: String,
}

/// A token, explained.
#[derive(JsonSchema, Serialize)]
struct Explanation {
    kind: Kind,
    /// The header of a JWT.
    header: Option<Value>,
    /// What it carries: claims of a JWT, contents of a refresh token or a code.
    contents: Option<Value>,
    #[serde(flatten)]
    about: About,
    verdict: Verdict,
}

/// What kind of token it is.
#[derive(Clone, Copy, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    AccessToken,
    /// A client's own, by which it authenticates.
    Assertion,
    AuthorizationCode,
    IdToken,
    RefreshToken,
    /// This mock can't read it.
    Unknown,
}

/// Whose token it is.
#[derive(Default, JsonSchema, Serialize)]
struct About {
    tenant: Option<TenantName>,
    /// The tenant's time, by which the verdict is made.
    #[schemars(with = "Option<String>")]
    tenant_time: Option<Timestamp>,
    client: Option<ClientName>,
    user: Option<UserName>,
    #[schemars(with = "Option<String>")]
    issued: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    expires: Option<Timestamp>,
}

#[derive(JsonSchema, Serialize)]
struct ClientName {
    client_id: ApplicationId,
    /// None where the registration is gone.
    alias: Option<String>,
}

#[derive(JsonSchema, Serialize)]
struct UserName {
    id: ObjectId,
    /// None where the account is gone.
    upn: Option<String>,
}

/// Whether a token is good now, and what its client would hear.
#[derive(JsonSchema, Serialize)]
struct Verdict {
    valid: bool,
    /// What would happen, in a sentence.
    reason: String,
    /// The AADSTS code of the refusal of a refresh token.
    aadsts: Option<u32>,
    /// `error` of the refusal of a refresh token.
    error: Option<String>,
    /// What to do about it.
    advice: Option<String>,
}

/// A sign-in with its newest refresh token.
#[derive(JsonSchema, Serialize)]
struct Connection {
    #[serde(flatten)]
    about: About,
    /// What the refresh token carries.
    refresh_token: RefreshToken,
    verdict: Verdict,
}

async fn explain(State(core): State<Arc<Core>>, Json(question): Json<Question>) -> Answer {
    let explanation = Explanation::of(&core.world, question.token.trim());
    Ok(json_response(StatusCode::OK, &explanation))
}

/// A token by its fingerprint.
async fn seen(State(core): State<Arc<Core>>, Path(fingerprint): Path<String>) -> Answer {
    let token = core.world.seen.find(&fingerprint).ok_or_else(|| {
        let detail = format!(
            "no token with the fingerprint '{fingerprint}' is kept: the newest are, until the mock \
             is stopped"
        );
        Problem::not_found("no such token", detail)
    })?;
    let explanation = Explanation::of(&core.world, &token);
    Ok(json_response(StatusCode::OK, &explanation))
}

async fn connections(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    let connections: Vec<Connection> = tenant
        .connections
        .all()
        .into_iter()
        .map(|token| Connection {
            about: About::of_refresh_token(&core.world, &token),
            verdict: Verdict::of_refresh_token(&core.world, &token),
            refresh_token: token,
        })
        .collect();
    Ok(json_response(StatusCode::OK, &connections))
}

impl Explanation {
    fn of(world: &World, token: &str) -> Self {
        if let Ok(opened) = RefreshToken::open(token, &world.sealer) {
            return Self {
                kind: Kind::RefreshToken,
                header: None,
                contents: serde_json::to_value(&opened).ok(),
                about: About::of_refresh_token(world, &opened),
                verdict: Verdict::of_refresh_token(world, &opened),
            };
        }
        if let Ok(code) = AuthorizationCode::open(token, &world.sealer) {
            return Self::of_code(world, &code);
        }
        let mut parts = token.split('.').map(decoded);
        let header = parts.next().flatten();
        let payload = parts.next().flatten();
        if let (Some(header), Some(claims)) = (&header, &payload)
            && let Some(explained) = jwt::explain(world, token, header, claims)
        {
            return explained;
        }
        match verify_access_token(token, &world.keys, &world.sealer) {
            Ok((claims, _)) => Self {
                kind: Kind::AccessToken,
                header,
                contents: payload.or_else(|| serde_json::to_value(&claims).ok()),
                about: About::of_claims(world, &claims),
                verdict: Verdict::of_access_token(world, token, &claims),
            },
            Err(error) => {
                let reason = match &header {
                    Some(header) if payload.is_some() && error != VerifyError::OfAnotherMock => {
                        unbelievable(world, token, header)
                    }
                    _ => not_ours(error),
                };
                Self {
                    kind: if header.is_some() && payload.is_some() {
                        Kind::AccessToken
                    } else {
                        Kind::Unknown
                    },
                    header,
                    contents: payload,
                    about: About::default(),
                    verdict: Verdict::refused(reason),
                }
            }
        }
    }

    fn of_code(world: &World, code: &AuthorizationCode) -> Self {
        let sign_in = &code.sign_in;
        let tenant = world.tenant_anywhere(sign_in.tenant);
        let (client, user) = (Some(sign_in.client), Some(sign_in.user));
        let about = About {
            issued: Some(code.issued),
            expires: code.issued.checked_add(CODE_LIFETIME).ok(),
            ..About::of(world, tenant.as_deref(), client, user)
        };
        let now = about.tenant_time;
        let verdict = if world.redeemed.contains(sign_in.tenant, code.id) {
            Verdict::refused_with(54005, "it was redeemed, and a code is good once")
        } else if now >= about.expires {
            Verdict::refused_with(70008, "it has expired: a code lives ten minutes")
        } else {
            Verdict::good("it would be redeemed for tokens")
        };
        Self {
            kind: Kind::AuthorizationCode,
            header: None,
            contents: serde_json::to_value(code).ok(),
            about,
            verdict,
        }
    }
}

/// Why nobody believes a JWT whose parts can be read.
fn unbelievable(world: &World, token: &str, header: &Value) -> String {
    let algorithm = header["alg"].as_str().unwrap_or_default();
    if algorithm.eq_ignore_ascii_case("none") {
        return "it is not signed (its algorithm is 'none'): anybody can write such a token, and no \
                API may accept it"
            .to_owned();
    }
    match verify_signature(token, &world.keys) {
        Err(VerifyError::Algorithm) => format!(
            "its algorithm is '{algorithm}', and the service signs with RS256: no API may accept it"
        ),
        Err(error) => not_ours(error),
        Ok(_) => "it is signed well, and lacks claims that every access token has".to_owned(),
    }
}

fn not_ours(error: VerifyError) -> String {
    format!("this mock did not issue it, or before its state was reset: {error}")
}

/// A part of a JWT.
fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?)
        .ok()
        .filter(Value::is_object)
}

impl About {
    fn of_refresh_token(world: &World, token: &RefreshToken) -> Self {
        let sign_in = &token.sign_in;
        let tenant = world.tenant_anywhere(sign_in.tenant);
        Self {
            issued: Some(token.issued),
            expires: token.expires(),
            ..Self::of(
                world,
                tenant.as_deref(),
                Some(sign_in.client),
                Some(sign_in.user),
            )
        }
    }

    fn of_claims(world: &World, claims: &AccessClaims) -> Self {
        let tenant = world.tenant_anywhere(claims.tid);
        let user = (!claims.is_app_only()).then_some(claims.oid);
        Self {
            // `iat` is set back for clients whose clocks are late.
            issued: Some(claims.moment()),
            expires: Timestamp::from_second(claims.exp).ok(),
            ..Self::of(world, tenant.as_deref(), claims.client(), user)
        }
    }

    fn of(
        world: &World,
        tenant: Option<&Tenant>,
        client: Option<ApplicationId>,
        user: Option<ObjectId>,
    ) -> Self {
        let Some(tenant) = tenant else {
            return Self::default();
        };
        let cloud = tenant.environment.cloud();
        let alias = |id| {
            world
                .application(cloud, id)
                .map(|(_, app)| app.alias.clone())
        };
        let (name, user) = tenant.read(|directory| {
            let upn = |id| {
                directory
                    .user(id)
                    .map(|user| user.user_principal_name.to_string())
            };
            let name = TenantName {
                id: tenant.id,
                domain: directory.domain().to_owned(),
            };
            (name, user.map(|id| UserName { id, upn: upn(id) }))
        });
        Self {
            tenant: Some(name),
            tenant_time: Some(tenant.now()),
            client: client.map(|client_id| ClientName {
                client_id,
                alias: alias(client_id),
            }),
            user,
            issued: None,
            expires: None,
        }
    }
}

impl Verdict {
    fn good(reason: impl Into<String>) -> Self {
        Self {
            valid: true,
            reason: reason.into(),
            aadsts: None,
            error: None,
            advice: None,
        }
    }

    fn refused(reason: impl Into<String>) -> Self {
        Self {
            valid: false,
            ..Self::good(reason)
        }
    }

    fn refused_with(code: u32, reason: &str) -> Self {
        let row = Row::find(code);
        Self {
            aadsts: Some(code),
            error: row.map(|row| row.oauth_error.clone()),
            advice: row.map(|row| row.advice().to_owned()),
            ..Self::refused(format!("AADSTS{code}: {reason}"))
        }
    }

    fn of_refresh_token(world: &World, token: &RefreshToken) -> Self {
        match verdict::refresh_token(world, token) {
            Ok(()) => Self::good("it would be redeemed for a new access token"),
            Err(refusal) => Self {
                aadsts: Some(refusal.aadsts),
                error: Some(refusal.error),
                advice: Row::find(refusal.aadsts).map(|row| row.advice().to_owned()),
                ..Self::refused(format!("AADSTS{}: {}", refusal.aadsts, refusal.text))
            },
        }
    }

    fn of_access_token(world: &World, token: &str, claims: &AccessClaims) -> Self {
        let Some(tenant) = world.tenant_anywhere(claims.tid) else {
            return Self::refused("its tenant does not exist any more");
        };
        if tenant.environment.accepts_audience(&claims.aud) {
            return match graph::refusal_of(world, tenant.environment, token) {
                None => Self::good("Microsoft Graph would accept it"),
                Some(message) => {
                    Self::refused(format!("Microsoft Graph would refuse it: {message}"))
                }
            };
        }
        let now = tenant.now().as_second();
        if now >= claims.exp {
            Self::refused("it has expired")
        } else if now < claims.nbf {
            Self::refused("it is not valid yet")
        } else {
            Self::good(format!(
                "the API '{}' would find it well signed and not expired",
                claims.aud
            ))
        }
    }
}
