//! The bearer check: form, audience, cloud, signature, lifetime, revocation.
//!
//! The order is the one that the texts seen from the service allow: a wrong audience is told
//! before a foreign signature, a foreign signature before the lifetime.
//! Unverified: the order of signature and lifetime.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::access::Actor;
use super::error::GraphError;
use crate::directory::{
    ApplicationId, Demand, Directory, ObjectId, RevocationCause, Risk, UserKind,
};
use crate::environment::{Environment, Issuer, SignInCloud};
use crate::token::validity::{Attempt, blocked_by_location};
use crate::token::{AccessClaims, VerifyError};
use crate::world::{Tenant, World};

/// Who calls, as the token says.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The tenant.
    pub(crate) tenant: Arc<Tenant>,
    /// The client.
    pub(crate) client: ApplicationId,
    /// In whose name.
    pub(crate) actor: Actor,
}

/// The token of a request.
pub(crate) fn token_of(headers: &HeaderMap) -> Result<&str, GraphError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(GraphError::invalid_token("Access token is empty."));
    };
    let text = value.to_str().unwrap_or("").trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(GraphError::invalid_token(UNREADABLE));
    }
    if token.is_empty() {
        return Err(GraphError::invalid_token("UnableToParseTokens"));
    }
    Ok(token)
}

/// Checks a token at the Graph of an environment.
pub(crate) fn check(
    world: &World,
    environment: Environment,
    token: &str,
    address: IpAddr,
) -> Result<Caller, GraphError> {
    let verified = world.keys.verify(token, &world.sealer);
    let accepted = match &verified {
        Ok(verified) => environment.accepts_audience(&verified.0.aud),
        Err(_) => unverified_audience(token).is_none_or(|it| environment.accepts_audience(&it)),
    };
    if !accepted {
        return Err(GraphError::invalid_token(INVALID_AUDIENCE));
    }
    let verified = verified.map_err(|error| match error {
        VerifyError::Malformed => GraphError::invalid_token(UNREADABLE),
        // Unknown keys once were "Invalid x5t claim".
        _ => GraphError::invalid_token("Signature is invalid."),
    })?;
    let (claims, signer) = &*verified;
    let cloud = environment.cloud();
    if signer.is_some_and(|signer| signer != cloud) {
        return Err(GraphError::invalid_token("InvalidCloudInstance"));
    }
    if !Issuer::names(&claims.iss, cloud, claims.tid) {
        // Unverified: the text.
        return Err(GraphError::invalid_token(INVALID_ISSUER));
    }
    let tenant = tenant_of(world, environment, claims)?;
    let now = tenant.now();
    lifetime(claims, now)?;
    let client = claims
        .client()
        .ok_or_else(|| GraphError::invalid_token(UNREADABLE))?;
    let actor = if claims.is_app_only() {
        Actor::Application(claims.roles.clone())
    } else {
        Actor::User(claims.oid, claims.scopes().map(str::to_owned).collect())
    };
    tenant.read(|directory| {
        let from = directory.seen_from(address);
        ended(directory, claims, client, &actor, Attempt { now, from })
    })?;
    Ok(Caller {
        tenant,
        client,
        actor,
    })
}

fn tenant_of(
    world: &World,
    environment: Environment,
    claims: &AccessClaims,
) -> Result<Arc<Tenant>, GraphError> {
    let tenant = world
        .tenant(environment.cloud(), claims.tid)
        // Unverified: that a tenant that Microsoft blocks is answered as one that is gone.
        .filter(|tenant| !tenant.read(|it| it.deleted || it.blocked))
        .ok_or_else(GraphError::identity_not_found)?;
    if tenant.environment != environment {
        // L4 and L5 share a sign-in cloud, and a token may have Graph's application id as its
        // audience. Unverified: what the service says then.
        return Err(GraphError::invalid_token(INVALID_AUDIENCE));
    }
    Ok(tenant)
}

fn lifetime(claims: &AccessClaims, now: Timestamp) -> Result<(), GraphError> {
    let now = now.as_second();
    if now >= claims.exp {
        return Err(GraphError::invalid_token(EXPIRED));
    }
    if now + CLOCK_SKEW < claims.nbf {
        // Unverified: the text.
        return Err(GraphError::invalid_token(
            "Lifetime validation failed, the token is not yet valid.",
        ));
    }
    Ok(())
}

/// Whether an event ended the token: by the mock's switch for everybody, by continuous access
/// evaluation for clients that can handle a claims challenge. Others live until they expire.
/// Source: learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation.
fn ended(
    directory: &Directory,
    claims: &AccessClaims,
    client: ApplicationId,
    actor: &Actor,
    attempt: Attempt,
) -> Result<(), GraphError> {
    let now = attempt.now;
    let issued = claims.moment();
    let user = actor.user();
    if directory
        .access_tokens_expired
        .iter()
        .any(|it| it.covers(user, client, issued))
    {
        return Err(GraphError::invalid_token(EXPIRED));
    }
    if !claims
        .xms_cc
        .iter()
        .any(|it| it.eq_ignore_ascii_case("cp1"))
    {
        return Ok(());
    }
    let by_switch = directory
        .access_tokens_revoked
        .iter()
        .filter(|it| it.covers(user, client, issued))
        .map(|it| it.at);
    let by_event = match user {
        Some(user) => {
            let needs_mfa = !claims.amr.iter().any(|it| it == "mfa");
            critical_event(directory, user, issued, now).max(
                mfa_enabled(directory, user, client, attempt.from, issued).filter(|_| needs_mfa),
            )
        }
        // Service principals: disabled and deleted ones, and those at high risk.
        // Source: learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation-workload.
        None => directory
            .service_principal(client)
            .is_none_or(|it| !it.enabled || it.risk == Risk::High)
            .then_some(now),
    };
    if let Some(at) = by_switch.chain(by_event).max() {
        return Err(GraphError::claims_challenge(at.as_second()));
    }
    if let Some(user) = user
        && claims.location_counts()
        && blocked_by_location(directory, user, client, attempt.from)
    {
        return Err(GraphError::location_challenge(
            now.as_second(),
            attempt.from,
        ));
    }
    Ok(())
}

/// The moment at which multifactor authentication was enabled for the user by name, if that was
/// after the token was issued: by a policy in force that applies to the client where it is.
/// Policies for everybody reach Graph within a day only.
fn mfa_enabled(
    directory: &Directory,
    user: ObjectId,
    client: ApplicationId,
    from: IpAddr,
    issued: Timestamp,
) -> Option<Timestamp> {
    directory
        .conditional_access(user, client, from)
        .filter(|it| it.demand == Demand::Mfa && it.users.contains(&user) && issued <= it.since)
        .map(|it| it.since)
        .max()
}

/// The moment of a critical event of a user after the token was issued.
/// Source: learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation,
/// "Critical event evaluation". Guests are not covered.
fn critical_event(
    directory: &Directory,
    user: ObjectId,
    issued: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let Some(user) = directory.users.get(&user) else {
        return Some(now);
    };
    if matches!(user.kind, UserKind::Guest { .. }) {
        return None;
    }
    if user.deleted.is_some() {
        return user.deleted;
    }
    if !user.enabled || user.risk == Risk::High {
        return Some(now);
    }
    user.revocations
        .iter()
        .filter(|it| it.cause != RevocationCause::SingleSignOut)
        .map(|it| it.at)
        .filter(|at| issued <= *at)
        .max()
}

/// The audience of a token whose signature could not be checked.
fn unverified_audience(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get("aud")?.as_str().map(str::to_owned)
}

/// `WWW-Authenticate` of a plain 401.
pub(crate) fn challenge(authority: &str) -> String {
    format!(
        "Bearer realm=\"\", authorization_uri=\"{authority}/common/oauth2/authorize\", \
         client_id=\"{}\"",
        crate::environment::GRAPH_APPLICATION_ID
    )
}

/// The environment of a request at a port or host of a cloud.
pub(crate) fn environment_of(environment: Option<Environment>, cloud: SignInCloud) -> Environment {
    // Graph hosts and ports always tell it; a login host leads to the cloud's first.
    environment
        .or_else(|| cloud.environments().next())
        .unwrap_or(Environment::Office365)
}

const EXPIRED: &str = "Lifetime validation failed, the token is expired.";
const INVALID_AUDIENCE: &str = "Access token validation failure. Invalid audience.";
const INVALID_ISSUER: &str = "Access token validation failure. Invalid issuer.";
const UNREADABLE: &str =
    "Protocol 'Bearer' failed to validate because The token could not be read.";
/// Tolerance for clocks that differ. Unverified: its size.
const CLOCK_SKEW: i64 = 300;
