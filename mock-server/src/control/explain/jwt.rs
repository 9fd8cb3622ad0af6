//! JWTs that are no access tokens of this mock: ID tokens, assertions of clients, and tokens that a
//! fault spoilt.

use jiff::Timestamp;
use serde_json::Value;

use super::{About, Explanation, Kind, Verdict};
use crate::directory::{ApplicationId, TenantId};
use crate::token::verify_signature;
use crate::world::{Tenant, World};

/// Explains an ID token or an assertion; None for all others.
pub(super) fn explain(
    world: &World,
    token: &str,
    header: &Value,
    claims: &Value,
) -> Option<Explanation> {
    let text = |name: &str| claims[name].as_str();
    let is_access_token = ["appid", "azp", "scp", "roles"]
        .iter()
        .any(|name| claims.get(*name).is_some());
    if is_access_token {
        return None;
    }
    // An ID token is for its client; an assertion is by and about it. Sources: OpenID Connect
    // Core, section 2; RFC 7523, section 3.
    let client: Option<ApplicationId> = text("aud").and_then(|it| it.parse().ok());
    let asserted: Option<ApplicationId> = text("iss")
        .filter(|it| Some(*it) == text("sub"))
        .and_then(|it| it.parse().ok());
    let (kind, client) = match (client, asserted) {
        (_, Some(client)) => (Kind::Assertion, client),
        (Some(client), None) => (Kind::IdToken, client),
        (None, None) => return None,
    };
    let tenant = tenant_of(world, claims, client);
    let user = text("oid").and_then(|it| it.parse().ok());
    let time = |name: &str| Timestamp::from_second(claims[name].as_i64()?).ok();
    let about = About {
        issued: time("iat").or(time("nbf")),
        expires: time("exp"),
        ..About::of(world, tenant.as_deref(), Some(client), user)
    };
    let now = about.tenant_time;
    let verdict = if matches!(kind, Kind::IdToken)
        && let Err(error) = verify_signature(token, &world.keys)
    {
        Verdict::refused(format!("a client must not believe it: {error}"))
    } else if now.is_some() && about.expires.is_some() && now >= about.expires {
        Verdict::refused("it has expired")
    } else if matches!(kind, Kind::IdToken) {
        Verdict::good("a client may believe it, if the nonce is the one it sent")
    } else {
        Verdict::good(
            "it is within its lifetime; the token endpoint checks its signature with the app's \
             certificates",
        )
    };
    Some(Explanation {
        kind,
        header: Some(header.clone()),
        contents: Some(claims.clone()),
        about,
        verdict,
    })
}

/// The tenant that a token names, or else the one in which its client is registered.
fn tenant_of(
    world: &World,
    claims: &Value,
    client: ApplicationId,
) -> Option<std::sync::Arc<Tenant>> {
    let named: Option<TenantId> = claims["tid"].as_str().and_then(|it| it.parse().ok());
    if let Some(tenant) = named.and_then(|id| world.tenant_anywhere(id)) {
        return Some(tenant);
    }
    let tenants = world.tenants();
    tenants
        .into_iter()
        .find(|it| it.read(|it| it.applications.contains_key(&client)))
}
