//! What a request means: which tenant, which client, which permissions of which API.

mod microsoft;
mod other_cloud;
mod resource;
mod tenant;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) use self::microsoft::missing_service;
pub(crate) use self::other_cloud::{OtherCloud, Request as CrossCloudRequest};
pub(crate) use self::resource::{Resource, azure_ad_graph_id, azure_ad_graph_scopes, graph_id};
use self::tenant::is_gone;
pub(crate) use self::tenant::{
    CONSUMERS_TENANT, TenantSegment, is_admitted, is_open, restricted_by_policy,
};
use super::error::AuthorityError;
use crate::consent::ResourceScopes;
use crate::directory::{
    Application, ApplicationId, Directory, ObjectId, ServicePrincipal, SignInAudience,
};
use crate::exchange::Arrival;
use crate::permission::OPENID_SCOPES;
use crate::world::{Tenant, World};

/// A client: its registration, wherever that is, and its instance in the tenant.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The registration.
    pub(crate) app: Arc<Application>,
    /// The instance in the tenant of the request, if the app is there.
    pub(crate) principal: Option<ServicePrincipal>,
}

impl Client {
    /// Finds a registration by `client_id`, in whichever tenant of the cloud.
    ///
    /// `place` is what the refusal names: the tenant as addressed.
    pub(crate) fn find(
        world: &World,
        arrival: &Arrival,
        client_id: &str,
        place: &str,
    ) -> Result<(Arc<Tenant>, Arc<Application>), AuthorityError> {
        let unknown = || {
            AuthorityError::aadsts(700016)
                .with("app", client_id)
                .with("tenant", place)
        };
        let id: ApplicationId = client_id.parse().map_err(|_| unknown())?;
        if id.0.is_nil() {
            return Err(AuthorityError::aadsts(700038));
        }
        world
            .application(arrival.cloud, id)
            .filter(|(home, _)| !is_gone(home))
            .ok_or_else(unknown)
    }

    /// The client of a request to a tenant's token endpoint: it must be registered or installed
    /// there, and enabled.
    pub(crate) fn of_tenant(
        world: &World,
        arrival: &Arrival,
        client_id: &str,
        tenant: &Tenant,
    ) -> Result<Self, AuthorityError> {
        let place = tenant.read(|it| it.display_name.clone());
        let (home, app) = Self::find(world, arrival, client_id, &place)?;
        let principal = tenant.read(|it| it.service_principal(app.app_id).cloned());
        if principal.is_none() {
            return Err(AuthorityError::aadsts(700016)
                .with("app", client_id)
                .with("tenant", place));
        }
        if app.sign_in_audience == SignInAudience::Personal {
            return Err(for_personal_accounts(&app));
        }
        if !app.may_be_used_in(tenant.id, home.id) {
            return Err(AuthorityError::aadsts(700016)
                .with("app", client_id)
                .with("tenant", place));
        }
        let client = Self { app, principal };
        check_enabled(&client.app, client.principal.as_ref())?;
        Ok(client)
    }

    /// Whether the app may be used at what the path names.
    pub(crate) fn check_audience(
        app: &Application,
        segment: &TenantSegment,
    ) -> Result<(), AuthorityError> {
        let code = match (segment, app.sign_in_audience) {
            (
                TenantSegment::Common | TenantSegment::Organizations | TenantSegment::Tenant(_),
                SignInAudience::Personal,
            ) => return Err(for_personal_accounts(app)),
            (
                TenantSegment::Common | TenantSegment::Organizations,
                SignInAudience::SingleTenant,
            ) => 50194,
            (
                TenantSegment::Consumers,
                SignInAudience::SingleTenant | SignInAudience::MultiTenant,
            ) => 9002332,
            _ => return Ok(()),
        };
        Err(AuthorityError::aadsts(code)
            .with("app", app.app_id.to_string())
            .with("name", &app.display_name))
    }
}

/// A switched-off app gets no token of any kind, and nobody signs in to it. Unverified: that a
/// registration that is disabled (`isDisabled`) has the same code as a disabled service principal.
pub(crate) fn check_enabled(
    app: &Application,
    principal: Option<&ServicePrincipal>,
) -> Result<(), AuthorityError> {
    if app.disabled || principal.is_some_and(|principal| !principal.enabled) {
        return Err(AuthorityError::aadsts(7000112)
            .with("app", app.app_id.to_string())
            .with("name", &app.display_name));
    }
    Ok(())
}

/// The permissions that a request asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Requested {
    /// APIs in the order of the request.
    pub(crate) resources: Vec<RequestedResource>,
    /// `openid`, `profile`, `email`, `offline_access` as far as asked for.
    pub(crate) openid: BTreeSet<String>,
}

/// The permissions of one API that a request asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestedResource {
    /// The API.
    pub(crate) resource: Resource,
    /// The scopes by short name.
    pub(crate) scopes: BTreeSet<String>,
    /// `.default` was asked for.
    pub(crate) default: bool,
    /// A scope was spelled with the API's prefix.
    pub(crate) qualified: bool,
}

impl Requested {
    /// Parses a `scope` parameter for a tenant.
    pub(crate) fn parse(
        world: &World,
        tenant: &Tenant,
        scope: &str,
    ) -> Result<Self, AuthorityError> {
        Self::read(world, tenant, scope, &|_, text| invalid_scope(text))
    }

    /// Parses a `scope` parameter of an app whose user is asked for consent: a scope that the API
    /// does not have is a fault of the app.
    pub(crate) fn parse_for_consent(
        world: &World,
        tenant: &Tenant,
        scope: &str,
        app: &Application,
    ) -> Result<Self, AuthorityError> {
        Self::read(world, tenant, scope, &|resource, text| {
            AuthorityError::aadsts(650053)
                .with("name", &app.display_name)
                .with("scope", text.rsplit('/').next().unwrap_or(text))
                .with("resource", resource.audience.resource.to_string())
        })
    }

    fn read(
        world: &World,
        tenant: &Tenant,
        scope: &str,
        unknown: &dyn Fn(&Resource, &str) -> AuthorityError,
    ) -> Result<Self, AuthorityError> {
        let mut requested = Self::default();
        for text in scope.split_whitespace() {
            let lower = text.to_ascii_lowercase();
            if OPENID_SCOPES.contains(&lower.as_str()) {
                requested.openid.insert(lower);
                continue;
            }
            let (prefix, name) = match text.rsplit_once('/') {
                Some((prefix, name)) if !name.is_empty() => (Some(prefix), name),
                Some(_) => return Err(invalid_scope(text)),
                None => (None, text),
            };
            let resource = match prefix {
                Some(prefix) => Resource::find(world, tenant, prefix)?,
                None => Resource::find(world, tenant, &tenant.environment.graph_root())?,
            };
            let default = name.eq_ignore_ascii_case(".default");
            let name = if default {
                None
            } else {
                Some(
                    resource
                        .scope(world, tenant, name)
                        .ok_or_else(|| unknown(&resource, text))?,
                )
            };
            let index = requested
                .resources
                .iter()
                .position(|it| it.resource.audience.resource == resource.audience.resource);
            let entry = match index {
                Some(index) => &mut requested.resources[index],
                None => {
                    requested.resources.push(RequestedResource {
                        resource,
                        scopes: BTreeSet::new(),
                        default: false,
                        qualified: false,
                    });
                    requested.resources.last_mut().expect("pushed a moment ago")
                }
            };
            entry.default |= default;
            entry.scopes.extend(name);
            entry.qualified |= prefix.is_some();
        }
        // `.default` is all that is registered: named scopes beside it contradict it.
        // Source: learn.microsoft.com/entra/identity-platform/scopes-oidc.
        let contradicts = |it: &RequestedResource| it.default && !it.scopes.is_empty();
        if requested.resources.iter().any(contradicts) {
            return Err(invalid_scope(scope));
        }
        Ok(requested)
    }

    /// The permissions of a v1 `resource`: all that is consented.
    pub(crate) fn of_resource(
        world: &World,
        tenant: &Tenant,
        resource: &str,
    ) -> Result<Self, AuthorityError> {
        let resource = Resource::find(world, tenant, resource)?;
        let openid = OPENID_SCOPES.iter().map(|it| (*it).to_owned()).collect();
        let entry = RequestedResource {
            resource,
            scopes: BTreeSet::new(),
            default: true,
            qualified: false,
        };
        Ok(Self {
            resources: vec![entry],
            openid,
        })
    }

    /// The one API of a token request; Graph where only OpenID Connect scopes are asked for.
    pub(crate) fn single(
        mut self,
        world: &World,
        tenant: &Tenant,
        scope: &str,
    ) -> Result<(RequestedResource, BTreeSet<String>), AuthorityError> {
        if self.resources.len() > 1 {
            // `.default` goes with nothing but OpenID Connect scopes.
            // Source: AzureAD/microsoft-authentication-library-for-js#6069.
            return Err(if self.resources.iter().any(|it| it.default) {
                invalid_scope(scope)
            } else {
                AuthorityError::aadsts(28000).with("scope", scope)
            });
        }
        let resource = match self.resources.pop() {
            Some(resource) => resource,
            None => RequestedResource::sign_in(world, tenant)?,
        };
        Ok((resource, self.openid))
    }

    /// What consent decides about: `.default` stands for the static list of the registration.
    /// With `force` (`prompt=consent`) it does so whatever is granted.
    pub(crate) fn for_consent(
        &self,
        app: &Application,
        directory: &Directory,
        user: ObjectId,
        force: bool,
    ) -> Vec<ResourceScopes> {
        let graph = graph_id();
        let mut all: Vec<ResourceScopes> = Vec::new();
        let mut add = |resource: ApplicationId, scopes: BTreeSet<String>| {
            if scopes.is_empty() {
                return;
            }
            match all.iter_mut().find(|it| it.resource == resource) {
                Some(entry) => entry.scopes.extend(scopes),
                None => all.push(ResourceScopes { resource, scopes }),
            }
        };
        for entry in &self.resources {
            add(entry.resource.audience.resource, entry.scopes.clone());
        }
        if self.resources.iter().any(|it| it.default) {
            // With a grant for the API `.default` asks for nothing more; without one it asks for
            // everything registered, of all APIs.
            // Source: learn.microsoft.com/entra/identity-platform/scopes-oidc, ".default".
            let granted = self.resources.iter().filter(|it| it.default).all(|it| {
                let resource = it.resource.audience.resource;
                !directory
                    .granted_scopes(app.app_id, user, resource)
                    .is_empty()
            });
            if !granted || force {
                for access in &app.required_resource_access {
                    add(access.resource, access.scopes.clone());
                }
            }
        }
        add(graph, self.openid.clone());
        all
    }
}

impl RequestedResource {
    /// Nothing but to sign the user in, for which Graph stands.
    pub(crate) fn sign_in(world: &World, tenant: &Tenant) -> Result<Self, AuthorityError> {
        Ok(Self {
            resource: Resource::find(world, tenant, &tenant.environment.graph_root())?,
            scopes: BTreeSet::new(),
            default: false,
            qualified: false,
        })
    }

    /// An app asks for a token for itself: all that is registered only by its id, not by a URI.
    ///
    /// Source: AADSTS90009; damienbod/angular-auth-oidc-client#1844.
    pub(crate) fn check_itself(&self, app: &Application) -> Result<(), AuthorityError> {
        if self.default && self.is_itself(app) && !self.resource.is_named_by_id() {
            return Err(for_itself(app));
        }
        Ok(())
    }

    /// Whether the API is the client itself.
    pub(crate) fn is_itself(&self, app: &Application) -> bool {
        self.resource.audience.resource == app.app_id
    }
}

/// An app for personal accounts alone, anywhere but at `consumers`: AADSTS9002346.
fn for_personal_accounts(app: &Application) -> AuthorityError {
    AuthorityError::aadsts(9002346)
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
}

/// An app asks for a token for itself, and not by its id: AADSTS90009.
pub(crate) fn for_itself(app: &Application) -> AuthorityError {
    AuthorityError::aadsts(90009)
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
}

fn invalid_scope(scope: &str) -> AuthorityError {
    AuthorityError::aadsts(70011).with("scope", scope)
}
