//! The APIs that requests name, by URI or by application id.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::tenant::is_gone;
use crate::authority::error::AuthorityError;
use crate::directory::{Application, ApplicationId, Directory, ObjectId};
use crate::environment::{Environment, GRAPH_APPLICATION_ID, Site};
use crate::permission::{Permission, PermissionKind};
use crate::token::Audience;
use crate::world::{Tenant, World};

/// An API that a request names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Resource {
    /// What stands in `aud`.
    pub(crate) audience: Audience,
    /// The spelling by which its scopes are qualified, without a trailing slash.
    pub(crate) prefix: String,
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

    /// Azure AD Graph, for which v1 tokens are where the request names no resource. The API itself
    /// has retired; its tokens are issued.
    pub(crate) fn azure_ad_graph(spelled: Option<&str>) -> Self {
        let value = spelled.unwrap_or(AZURE_AD_GRAPH).to_owned();
        Self {
            prefix: without_slash(&value).to_owned(),
            audience: Audience {
                value,
                resource: azure_ad_graph_id(),
                version: 1,
            },
        }
    }

    /// The API that a URI or an application id names, as seen from a tenant.
    pub(crate) fn find(
        world: &World,
        tenant: &Tenant,
        spelled: &str,
    ) -> Result<Self, AuthorityError> {
        let environment = tenant.environment;
        // Microsoft's own APIs may be named as service principals are.
        let plain = spelled.strip_prefix("spn:").unwrap_or(spelled);
        if environment.accepts_audience(plain) {
            tenant.read(|it| is_enabled(it, graph_id(), plain))?;
            return Ok(Self::graph(environment, Some(plain)));
        }
        let azure_ad_graph = &environment.cloud().facts().cloud_graph_host_name;
        if plain.parse() == Ok(azure_ad_graph_id())
            || plain
                .strip_prefix("https://")
                .is_some_and(|rest| without_slash(rest).eq_ignore_ascii_case(azure_ad_graph))
        {
            return Ok(Self::azure_ad_graph(Some(plain)));
        }
        let unknown = || {
            AuthorityError::aadsts(UNKNOWN)
                .with("resource", spelled)
                .with("tenant", tenant.read(|it| it.display_name.clone()))
        };
        if let Some(host) = plain.strip_prefix("https://")
            && matches!(
                Site::of_host(host.trim_end_matches('/')),
                Some(Site::Graph(_))
            )
        {
            // Another environment's Graph has no principal in this tenant.
            return Err(unknown());
        }
        let app = named(world, tenant, plain).ok_or_else(unknown)?;
        tenant.read(|it| is_enabled(it, app.app_id, plain))?;
        if app.disabled {
            return Err(disabled(plain));
        }
        let version = app
            .api
            .as_ref()
            .and_then(|api| api.access_token_version)
            .unwrap_or(1);
        // A v2 token names the API by its id, a v1 token as the client spelled it.
        let value = if version == 2 {
            app.app_id.to_string()
        } else {
            plain.to_owned()
        };
        Ok(Self {
            audience: Audience {
                value,
                resource: app.app_id,
                version,
            },
            prefix: without_slash(plain).to_owned(),
        })
    }

    /// The API that an earlier request named so.
    pub(crate) fn again(
        world: &World,
        tenant: &Tenant,
        id: ApplicationId,
        spelled: &str,
    ) -> Result<Self, AuthorityError> {
        match Self::find(world, tenant, spelled) {
            Ok(resource) if resource.audience.resource == id => Ok(resource),
            Err(error) if error.code != UNKNOWN => Err(error),
            // The URI went to another API meanwhile, or is gone.
            _ => Self::find(world, tenant, &id.to_string()),
        }
    }

    /// Whether this is Microsoft Graph.
    pub(crate) fn is_graph(&self) -> bool {
        self.audience.resource == graph_id()
    }

    /// Whether the request named the API by its application id, not by a URI.
    pub(crate) fn is_named_by_id(&self) -> bool {
        self.prefix.parse() == Ok(self.audience.resource)
    }

    /// Whether `resource` beside a `scope` of this API names it, as RFC 8707 has it: a slash at the
    /// end counts.
    ///
    /// Source: modelcontextprotocol/python-sdk#2578, CyberDrain/CIPP#351.
    pub(crate) fn is_meant_by(&self, world: &World, tenant: &Tenant, resource: &str) -> bool {
        if resource == self.prefix {
            return true;
        }
        let cloud = tenant.environment.cloud();
        world
            .application(cloud, self.audience.resource)
            .is_some_and(|(_, app)| {
                let mut uris = app.api.iter().flat_map(|api| &api.identifier_uris);
                uris.any(|uri| uri == resource)
            })
    }

    /// The canonical spelling of a scope of this API, if it has it.
    pub(super) fn scope(&self, world: &World, tenant: &Tenant, name: &str) -> Option<String> {
        if self.is_graph() {
            return Permission::find(name, PermissionKind::Delegated).map(|it| it.name.to_owned());
        }
        let (_, app) = world.application(tenant.environment.cloud(), self.audience.resource)?;
        let scopes = &app.api.as_ref()?.scopes;
        scopes
            .iter()
            .find(|it| it.enabled && it.value.eq_ignore_ascii_case(name))
            .map(|it| it.value.clone())
    }
}

/// The registration of an API that is in the tenant. A slash at the end makes no difference, in the
/// request and in the registration.
fn named(world: &World, tenant: &Tenant, spelled: &str) -> Option<Arc<Application>> {
    if let Ok(id) = without_slash(spelled).parse::<ApplicationId>() {
        // Every app is an API by its id, also without a URI or a scope.
        tenant.read(|it| it.service_principal(id).map(drop))?;
        return standing(world, tenant, id);
    }
    let principals: Vec<ApplicationId> =
        tenant.read(|it| it.service_principals.keys().copied().collect());
    let trimmed = without_slash(spelled);
    principals.into_iter().find_map(|id| {
        let app = standing(world, tenant, id)?;
        let uris = &app.api.as_ref()?.identifier_uris;
        // In any case, as the token then shows it; whoever compares `aud` may not find it.
        // Source: OfficeDev/microsoft-teams-apps-company-communicator#214.
        uris.iter()
            .any(|uri| without_slash(uri).eq_ignore_ascii_case(trimmed))
            .then_some(app)
    })
}

/// A registration, unless the tenant in which it stands is gone.
fn standing(world: &World, tenant: &Tenant, id: ApplicationId) -> Option<Arc<Application>> {
    let (home, app) = world.application(tenant.environment.cloud(), id)?;
    (!is_gone(&home)).then_some(app)
}

/// An API whose service principal is switched off gets no tokens, whoever asks.
///
/// Source: AzureAD/microsoft-authentication-library-for-dotnet#4905.
fn is_enabled(
    directory: &Directory,
    id: ApplicationId,
    spelled: &str,
) -> Result<(), AuthorityError> {
    match directory.service_principal(id) {
        Some(principal) if !principal.enabled => Err(disabled(spelled)),
        _ => Ok(()),
    }
}

/// Unverified: that an API whose registration is switched off is refused as one whose service
/// principal is.
fn disabled(spelled: &str) -> AuthorityError {
    AuthorityError::aadsts(500014).with("resource", spelled)
}

/// What a client may do at Azure AD Graph for a user: what was consented for it, and to sign the
/// user in where any consent stands. Unverified: that a consent for Microsoft Graph counts there.
pub(crate) fn azure_ad_graph_scopes(
    directory: &Directory,
    client: ApplicationId,
    user: ObjectId,
) -> BTreeSet<String> {
    let mut scopes = directory.granted_scopes(client, user, azure_ad_graph_id());
    if !directory
        .granted_scopes(client, user, graph_id())
        .is_empty()
    {
        scopes.insert("User.Read".to_owned());
    }
    scopes
}

fn without_slash(uri: &str) -> &str {
    uri.strip_suffix('/').unwrap_or(uri)
}

/// The application id of Microsoft Graph.
pub(crate) fn graph_id() -> ApplicationId {
    // A constant; a test of the directory parses it.
    GRAPH_APPLICATION_ID
        .parse()
        .expect("the application id of Graph is a UUID")
}

/// The application id of Azure AD Graph.
pub(crate) fn azure_ad_graph_id() -> ApplicationId {
    AZURE_AD_GRAPH
        .parse()
        .expect("the application id of Azure AD Graph is a UUID")
}

/// No such API in the tenant.
const UNKNOWN: u32 = 500011;

/// Source: learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in.
const AZURE_AD_GRAPH: &str = "00000002-0000-0000-c000-000000000000";
