//! `refresh_token`: a new access token and a replacement for the refresh token.
//!
//! The old one stays good: the service neither revokes it nor notices its reuse.
//! Source: learn.microsoft.com/entra/identity-platform/refresh-tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::endpoint::{Endpoint, expiry};
use super::request::{Asked, SeveralApis, TokenRequest, Wanted, of_another_tenant};
use crate::authority::error::AuthorityError;
use crate::authority::home;
use crate::authority::issue::{self, UserGrant, Version};
use crate::authority::refusal::refusal;
use crate::authority::resolve::{RequestedResource, Resource, for_itself};
use crate::directory::Application;
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::permission::OPENID_SCOPES;
use crate::token::RefreshToken;
use crate::token::validity::{self, Use};
use crate::world::Tenant;

pub(super) fn redeem(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    let text = request.form.required("refresh_token")?;
    let app = request.registration()?;
    let opened = RefreshToken::open(text, &request.state.world.sealer);
    request.annotation.tokens.push(TokenUse {
        kind: TokenKind::Refresh,
        direction: Direction::Presented,
        fingerprint: fingerprint(text),
        family: opened
            .as_ref()
            .ok()
            .map(|token| token.sign_in.family.to_string()),
        generation: opened.as_ref().ok().map(|token| token.generation),
    });
    let Ok(token) = opened else {
        return Err(request.refuse_unreadable());
    };
    if let Some(elsewhere) = request.another_tenant(token.sign_in.tenant) {
        return Err(refused_elsewhere(request, &token, &elsewhere));
    }
    let tenant = request.tenant_of_grant(
        token.sign_in.tenant,
        &app,
        of_another_tenant(token.sign_in.tenant),
    )?;
    request.annotation.user = Some(token.sign_in.user);
    let client = request.client(&tenant)?;
    let class = if token.sign_in.client == client.app.app_id {
        token.sign_in.client_class
    } else {
        crate::authority::client_authentication::default_class(&client.app)
    };
    let how = request.authenticate(&client, class, &tenant)?;
    if token.sign_in.client != client.app.app_id {
        return Err(AuthorityError::aadsts(700007));
    }
    tenant.read(|directory| {
        validity::refresh_token_stands(&token, directory, tenant.now())
            .map_err(|invalid| refusal(invalid, directory, Some(&client.app), &token.sign_in))
    })?;
    home::stands(
        &request.state.world,
        &tenant,
        Some(&client.app),
        &token.sign_in,
    )?;
    // Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, "refresh the
    // access token": of scopes of several APIs the first decides.
    let wanted = wanted(request, &token, &tenant, &client.app)?;
    let grant = UserGrant {
        previous: Some(&token),
        always_refresh: true,
        ..request.user_grant(&tenant, (&client, how), &token.sign_in, wanted)
    };
    issue::check_consent(&grant)?;
    issue::check_access(
        &tenant,
        &client,
        &token.sign_in,
        (Use::NonInteractive, request.arrival.address),
    )?;
    strict_rotation(request, &token, &tenant, text)?;
    issue::user_tokens(request.state, &grant, request.trace, request.annotation)
}

/// A refresh token is bound to its user and client, not to a tenant: in another tenant the client is
/// looked at first, and then the user is missing.
/// Source: learn.microsoft.com/entra/identity-platform/refresh-tokens; unverified: the code.
fn refused_elsewhere(
    request: &mut TokenRequest<'_>,
    token: &RefreshToken,
    elsewhere: &Arc<Tenant>,
) -> AuthorityError {
    let authenticated = request
        .client(elsewhere)
        .and_then(|client| request.authenticate(&client, token.sign_in.client_class, elsewhere));
    if let Err(error) = authenticated {
        return error;
    }
    let world = &request.state.world;
    let home = world.tenant(request.arrival.cloud, token.sign_in.tenant);
    match (home, request.registration()) {
        (Some(home), Ok(app)) => home::of_another_home(&home, elsewhere, &app),
        (None, _) => of_another_tenant(token.sign_in.tenant)(request.segment),
        (_, Err(error)) => error,
    }
}

/// What the token is for: what the request names, or what the last one did.
fn wanted(
    request: &TokenRequest<'_>,
    token: &RefreshToken,
    tenant: &Tenant,
    app: &Application,
) -> Result<Wanted, AuthorityError> {
    let mut wanted = match request.asked(tenant, SeveralApis::FirstCounts)? {
        Asked::Api(wanted) => wanted,
        asked => {
            let mut wanted = again(request, token, tenant)?;
            // An app that asks for itself must say so each time.
            // Source: grafana/grafana#95379, danny-avila/LibreChat#11770.
            let requested = &wanted.requested;
            if requested.is_itself(app) && !requested.resource.is_named_by_id() {
                return Err(for_itself(app));
            }
            if let Asked::SignIn(openid) = asked {
                wanted.openid = openid;
            }
            wanted
        }
    };
    wanted.openid.insert("offline_access".to_owned());
    request.check(tenant, app, &wanted)?;
    Ok(wanted)
}

/// What was asked for last.
fn again(
    request: &TokenRequest<'_>,
    token: &RefreshToken,
    tenant: &Tenant,
) -> Result<Wanted, AuthorityError> {
    let world = &request.state.world;
    let resource = Resource::again(world, tenant, token.resource, token.named())?;
    let is_openid = |scope: &&String| OPENID_SCOPES.contains(&scope.as_str());
    let openid = token.scopes.iter().filter(is_openid).cloned().collect();
    let scopes: BTreeSet<String> = token
        .scopes
        .iter()
        .filter(|scope| !is_openid(scope))
        .cloned()
        .collect();
    let version = match request.endpoint {
        Endpoint::V1 => Version::V1 {
            resource: token.audience.clone(),
        },
        Endpoint::V2 => Version::V2,
    };
    let default = scopes.is_empty() && request.endpoint == Endpoint::V1;
    Ok(Wanted {
        requested: RequestedResource {
            resource,
            scopes,
            default,
            qualified: false,
        },
        openid,
        version,
    })
}

/// A world may ask for what the service does not do: a used refresh token dies.
fn strict_rotation(
    request: &TokenRequest<'_>,
    token: &RefreshToken,
    tenant: &Tenant,
    text: &str,
) -> Result<(), AuthorityError> {
    if !tenant.read(|it| it.switches.strict_rotation) {
        return Ok(());
    }
    let id = uuid::Uuid::new_v5(&token.sign_in.family, text.as_bytes());
    let now = tenant.now();
    let expires = expiry(token.issued, validity::INACTIVITY);
    let redeemed = &request.state.world.redeemed;
    if redeemed.redeem(tenant.id, id, expires, now) {
        return Err(AuthorityError::aadsts(50173)
            .with("issued", crate::authority::error::ticks(token.issued))
            .with("valid_from", crate::authority::error::whole_second(now)));
    }
    Ok(())
}
