//! What a request means: which tenant, which client, which permissions of which API.

mod other_cloud;
mod tenant;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) use self::other_cloud::{OtherCloud, Request as CrossCloudRequest};
pub(crate) use self::tenant::{CONSUMERS_TENANT, TenantSegment, is_admitted, is_open};
use super::error::AuthorityError;
use crate::consent::ResourceScopes;
use crate::directory::{
    Application, ApplicationId, Directory, ObjectId, ServicePrincipal, SignInAudience,
};
use crate::environment::{Environment, GRAPH_APPLICATION_ID, Site};
use crate::exchange::Arrival;
use crate::permission::{OPENID_SCOPES, Permission, PermissionKind};
use crate::token::Audience;
use crate::world::{Tenant, World};

/// A client: its registration, wherever that is, and its instance in the tenant.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The registration.
    pub(crate) app: Application,
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
    ) -> Result<(Arc<Tenant>, Application), AuthorityError> {
        let unknown = || {
            AuthorityError::aadsts(700016)
                .with("app", client_id)
                .with("tenant", place)
        };
        let id: ApplicationId = client_id.parse().map_err(|_| unknown())?;
        world.application(arrival.cloud, id).ok_or_else(unknown)
    }

    /// The client of a request to a tenant's token endpoint: it must be registered or installed
    /// there, and enabled.
    pub(crate) fn of_tenant(
        world: &World,
        arrival: &Arrival,
        client_id: &str,
        tenant: &Tenant,
    ) -> Result<Self, AuthorityError> {
        let place = tenant.directory().display_name.clone();
        let (_, app) = Self::find(world, arrival, client_id, &place)?;
        let principal = tenant.directory().service_principal(app.app_id).cloned();
        if principal.is_none() {
            return Err(AuthorityError::aadsts(700016)
                .with("app", client_id)
                .with("tenant", place));
        }
        let client = Self { app, principal };
        check_enabled(&client.app, client.principal.as_ref())?;
        Ok(client)
    }

    /// Whether the app may be used at `common`, `organizations` or `consumers`.
    pub(crate) fn check_audience(
        app: &Application,
        segment: &TenantSegment,
    ) -> Result<(), AuthorityError> {
        let code = match (segment, app.sign_in_audience) {
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

/// An API that a request names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Resource {
    /// What stands in `aud`.
    pub(crate) audience: Audience,
    /// The spelling by which its scopes are qualified, without a trailing slash.
    pub(crate) prefix: String,
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
                None => Resource::graph(tenant.environment, None),
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
        tenant: &Tenant,
        scope: &str,
    ) -> Result<(RequestedResource, BTreeSet<String>), AuthorityError> {
        if self.resources.len() > 1 {
            return Err(AuthorityError::aadsts(28000).with("scope", scope));
        }
        let resource = self.resources.pop().unwrap_or_else(|| RequestedResource {
            resource: Resource::graph(tenant.environment, None),
            scopes: BTreeSet::new(),
            default: false,
            qualified: false,
        });
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

impl Resource {
    /// Microsoft Graph of an environment; `spelled` is how the request wrote its URI.
    pub(crate) fn graph(environment: Environment, spelled: Option<&str>) -> Self {
        let root = environment.graph_root();
        let value = spelled.map_or_else(|| root.clone(), str::to_owned);
        let audience = Audience {
            value,
            resource: graph_id(),
            version: 1,
        };
        Self {
            audience,
            prefix: root,
        }
    }

    /// The API that a URI or an application id names, as seen from a tenant.
    pub(crate) fn find(
        world: &World,
        tenant: &Tenant,
        spelled: &str,
    ) -> Result<Self, AuthorityError> {
        let environment = tenant.environment;
        if environment.accepts_audience(spelled) {
            return Ok(Self::graph(environment, Some(spelled)));
        }
        let unknown = || {
            AuthorityError::aadsts(500011)
                .with("resource", spelled)
                .with("tenant", &tenant.directory().display_name)
        };
        if let Some(host) = spelled.strip_prefix("https://")
            && matches!(
                Site::of_host(host.trim_end_matches('/')),
                Some(Site::Graph(_))
            )
        {
            // Another environment's Graph has no principal in this tenant.
            return Err(unknown());
        }
        let trimmed = spelled.strip_suffix('/').unwrap_or(spelled);
        let principals: Vec<ApplicationId> = tenant
            .directory()
            .service_principals
            .keys()
            .copied()
            .collect();
        for id in principals {
            let Some((_, app)) = world.application(environment.cloud(), id) else {
                continue;
            };
            let Some(api) = &app.api else { continue };
            let by_id = trimmed.parse() == Ok(id);
            let by_uri = api.identifier_uris.iter().any(|uri| uri == trimmed);
            if by_id || by_uri {
                let version = api.access_token_version.unwrap_or(1);
                // A v2 token names the API by its id, a v1 token as the client spelled it.
                let value = if version == 2 {
                    id.to_string()
                } else {
                    spelled.to_owned()
                };
                let audience = Audience {
                    value,
                    resource: id,
                    version,
                };
                return Ok(Self {
                    audience,
                    prefix: trimmed.to_owned(),
                });
            }
        }
        Err(unknown())
    }

    /// The API of a known id, with the spelling that an earlier request used.
    pub(crate) fn again(
        world: &World,
        tenant: &Tenant,
        id: ApplicationId,
        spelled: &str,
    ) -> Result<Self, AuthorityError> {
        if id == graph_id() {
            return Ok(Self::graph(tenant.environment, Some(spelled)));
        }
        Self::find(world, tenant, &id.to_string())
    }

    /// Whether this is Microsoft Graph.
    pub(crate) fn is_graph(&self) -> bool {
        self.audience.resource == graph_id()
    }

    /// The canonical spelling of a scope of this API, if it has it.
    fn scope(&self, world: &World, tenant: &Tenant, name: &str) -> Option<String> {
        if self.is_graph() {
            return Permission::find(name, PermissionKind::Delegated).map(|it| it.name.clone());
        }
        let (_, app) = world.application(tenant.environment.cloud(), self.audience.resource)?;
        let api = app.api?;
        api.scopes
            .into_iter()
            .find(|it| it.value.eq_ignore_ascii_case(name))
            .map(|it| it.value)
    }
}

/// The application id of Microsoft Graph.
pub(crate) fn graph_id() -> ApplicationId {
    // A constant; a test of the directory parses it.
    GRAPH_APPLICATION_ID
        .parse()
        .expect("the application id of Graph is a UUID")
}

fn invalid_scope(scope: &str) -> AuthorityError {
    AuthorityError::aadsts(70011).with("scope", scope)
}
