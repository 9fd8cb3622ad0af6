//! `client_credentials`: the app acts as itself.

use serde_json::Value;

use super::endpoint::Endpoint;
use super::request::{TokenRequest, Wanted};
use crate::authority::error::AuthorityError;
use crate::authority::issue::{self, Version};
use crate::authority::resolve::Requested;
use crate::directory::Application;
use crate::token::ClientClass;
use crate::world::Tenant;

pub(super) fn issue(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    let tenant = request.tenant(50059)?;
    let client = match request.client(&tenant) {
        Err(error) if error.code == 700016 => {
            return Err(missing_principal(request, &tenant, error));
        }
        client => client?,
    };
    let how = request.authenticate(&client, ClientClass::Confidential, &tenant)?;
    let wanted = wanted(request, &tenant)?;
    issue::app_token(
        request.state,
        request.arrival,
        &tenant,
        &client,
        how,
        &wanted.requested,
        &wanted.version,
        request.claims.as_ref(),
        request.annotation,
    )
}

/// An app that could be in the tenant, and is not, is told so.
///
/// Source: learn.microsoft.com/entra/identity-platform/deprecate-spless-auth.
fn missing_principal(
    request: &TokenRequest<'_>,
    tenant: &Tenant,
    unknown: AuthorityError,
) -> AuthorityError {
    let could_be = |app: &Application| {
        app.is_multi_tenant() || tenant.read(|it| it.applications.contains_key(&app.app_id))
    };
    match request.registration() {
        Ok(app) if could_be(&app) => AuthorityError::aadsts(7000229)
            .with("app", app.app_id.to_string())
            .with("tenant", tenant.id.to_string()),
        _ => unknown,
    }
}

/// The scope must be exactly `{resource}/.default`.
fn wanted(request: &TokenRequest<'_>, tenant: &Tenant) -> Result<Wanted, AuthorityError> {
    let world = &request.state.world;
    if request.endpoint == Endpoint::V1 {
        return match request.form.get("resource")? {
            Some(resource) => Wanted::of_resource(world, tenant, resource),
            None => Ok(Wanted::of_nothing()),
        };
    }
    let scope = request.form.required("scope")?;
    // OpenID Connect scopes beside it are dropped, as libraries add them everywhere.
    let named = || {
        scope.split_whitespace().filter(|it| {
            !crate::permission::OPENID_SCOPES.contains(&it.to_ascii_lowercase().as_str())
        })
    };
    let not_default = || AuthorityError::aadsts(1002012).with("scope", scope);
    if named().next().is_none() || named().any(|it| !it.to_ascii_lowercase().ends_with("/.default"))
    {
        return Err(not_default());
    }
    let (requested, openid) =
        Requested::parse(world, tenant, scope)?.single(world, tenant, scope)?;
    request.check_resource(tenant, &requested)?;
    Ok(Wanted {
        requested,
        openid,
        version: Version::V2,
    })
}
