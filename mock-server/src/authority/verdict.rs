//! What the token endpoint would say to a refresh token now: its rules, without a request.

use std::sync::Arc;

use super::error::{AuthorityError, TOKEN};
use super::refusal::refusal;
use super::resolve::{Client, Resource, check_enabled, is_open};
use super::{held, home};
use crate::directory::ApplicationId;
use crate::permission::OPENID_SCOPES;
use crate::token::RefreshToken;
use crate::token::validity::{self, Attempt, Use};
use crate::world::{Tenant, World};

/// Why a refresh token would be refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// The AADSTS code.
    pub(crate) aadsts: u32,
    /// `error` of the answer.
    pub(crate) error: String,
    /// The text of the answer, without its trace.
    pub(crate) text: String,
}

/// Whether a refresh token that its client presents now, for the permissions of the last time,
/// is redeemed. The order is the token endpoint's; the client's own credential is not looked at.
pub(crate) fn refresh_token(world: &World, token: &RefreshToken) -> Result<(), Refusal> {
    check(world, token).map_err(|error| Refusal {
        aadsts: error.code,
        error: error.answer(TOKEN).error.to_owned(),
        text: error.text(TOKEN),
    })
}

fn check(world: &World, token: &RefreshToken) -> Result<(), AuthorityError> {
    let sign_in = &token.sign_in;
    let tenant = world
        .tenant_anywhere(sign_in.tenant)
        .ok_or_else(|| AuthorityError::aadsts(90002).with("tenant", sign_in.tenant.to_string()))?;
    is_open(&tenant, &tenant.id.to_string())?;
    let client = client(world, &tenant, sign_in.client)?;
    tenant.read(|directory| {
        validity::refresh_token_stands(token, directory, tenant.now())
            .map_err(|invalid| refusal(invalid, directory, Some(&client.app), sign_in))
    })?;
    home::stands(world, &tenant, Some(&client.app), sign_in)?;
    Resource::again(world, &tenant, token.resource, token.named())?;
    let is_permission = |scope: &&String| !OPENID_SCOPES.contains(&scope.as_str());
    let asked = token.scopes.iter().filter(is_permission).cloned().collect();
    tenant.read(|directory| {
        held::held_scopes(directory, &client.app, sign_in.user, token.resource, &asked)?;
        let local = Attempt::from_loopback(tenant.now());
        let attempt = Attempt {
            from: directory.seen_from(local.from),
            ..local
        };
        validity::access(sign_in, directory, attempt, Use::NonInteractive)
            .map_err(|invalid| refusal(invalid, directory, Some(&client.app), sign_in))
    })
}

fn client(
    world: &World,
    tenant: &Arc<Tenant>,
    id: ApplicationId,
) -> Result<Client, AuthorityError> {
    let place = tenant.read(|it| it.display_name.clone());
    let unknown = || {
        AuthorityError::aadsts(700016)
            .with("app", id.to_string())
            .with("tenant", &place)
    };
    let (_, app) = world
        .application(tenant.environment.cloud(), id)
        .ok_or_else(unknown)?;
    let principal = tenant.read(|it| it.service_principal(id).cloned());
    if principal.is_none() {
        return Err(unknown());
    }
    let client = Client { app, principal };
    check_enabled(&client.app, client.principal.as_ref())?;
    Ok(client)
}
