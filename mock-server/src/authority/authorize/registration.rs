//! Whether an app's registration lets it ask for what it asks for.
//!
//! `.default`, and every request of v1, stand for the static list of the registration; a list that
//! is empty, lacks the API or names an API that the tenant cannot have is the developer's fault.
//! Source: learn.microsoft.com/entra/identity-platform/reference-error-codes, and
//! /troubleshoot/entra/entra-id/app-integration/troubleshoot-consent-issues.

use crate::authority::error::AuthorityError;
use crate::authority::resolve::{Requested, graph_id};
use crate::consent::is_pre_authorized;
use crate::directory::{Application, ApplicationId, ObjectId};
use crate::world::{Tenant, World};

/// Checks a request that nothing is granted for yet.
pub(super) fn check(
    world: &World,
    tenant: &Tenant,
    app: &Application,
    requested: &Requested,
    user: ObjectId,
) -> Result<(), AuthorityError> {
    let mut list_counts = false;
    for entry in requested.resources.iter().filter(|it| it.default) {
        let resource = entry.resource.audience.resource;
        let settled = tenant.read(|directory| {
            let granted = directory.granted_scopes(app.app_id, user, resource);
            !granted.is_empty() || is_pre_authorized(directory, app.app_id, resource)
        });
        if settled {
            continue;
        }
        list_counts = true;
        let listed = &app.required_resource_access;
        if resource == app.app_id {
            // A token for the app itself needs the permission to sign users in.
            if !signs_users_in(app) {
                return Err(fault(90008, app, resource));
            }
        } else if listed.is_empty() {
            return Err(fault(650056, app, resource));
        } else if !listed.iter().any(|it| it.resource == resource) {
            let valid: Vec<String> = listed.iter().map(|it| it.resource.to_string()).collect();
            return Err(fault(650057, app, resource).with("valid", valid.join(", ")));
        }
    }
    if list_counts {
        let others = app.required_resource_access.iter();
        for access in others.filter(|it| !it.scopes.is_empty()) {
            can_be_here(world, tenant, app, access.resource)?;
        }
    }
    Ok(())
}

/// Whether an API of the static list exists in the tenant.
fn can_be_here(
    world: &World,
    tenant: &Tenant,
    app: &Application,
    resource: ApplicationId,
) -> Result<(), AuthorityError> {
    if resource == graph_id() {
        return Ok(());
    }
    let Some((_, api)) = world.application(tenant.environment.cloud(), resource) else {
        return Err(fault(650054, app, resource));
    };
    tenant.read(|directory| {
        if directory.service_principal(resource).is_some() {
            return Ok(());
        }
        let code = if api.is_multi_tenant() { 650052 } else { 65005 };
        Err(fault(code, app, resource)
            .with("resource_name", &api.display_name)
            .with("tenant", &directory.display_name))
    })
}

/// Whether a service principal of this name can be made: names are unique in a tenant.
pub(in crate::authority) fn can_appear(
    tenant: &Tenant,
    app: &Application,
) -> Result<(), AuthorityError> {
    tenant.read(|directory| {
        if directory.service_principal(app.app_id).is_some() {
            return Ok(());
        }
        let wanted = app.api.iter().flat_map(|api| &api.identifier_uris);
        let taken = |uri: &&String| {
            let mut others = directory
                .applications
                .values()
                .filter(|other| other.app_id != app.app_id)
                .flat_map(|other| &other.api);
            others.any(|api| api.identifier_uris.contains(uri))
        };
        match wanted.clone().find(taken) {
            None => Ok(()),
            Some(uri) => Err(AuthorityError::aadsts(650051)
                .with("app", app.app_id.to_string())
                .with("principal", uri)
                .with("tenant", directory.id.to_string())),
        }
    })
}

fn signs_users_in(app: &Application) -> bool {
    let graph = app
        .required_resource_access
        .iter()
        .find(|it| it.resource == graph_id());
    graph.is_some_and(|it| {
        ["User.Read", "openid"]
            .iter()
            .any(|name| it.scopes.contains(*name))
    })
}

fn fault(code: u32, app: &Application, resource: ApplicationId) -> AuthorityError {
    AuthorityError::aadsts(code)
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
        .with("resource", resource.to_string())
}
