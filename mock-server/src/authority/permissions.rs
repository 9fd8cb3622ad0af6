//! Which permissions a request asks for, and how pages describe them.
//!
//! Source: learn.microsoft.com/entra/identity-platform/scopes-oidc, "static, incremental and
//! dynamic consent".

use std::collections::{BTreeMap, BTreeSet};

use super::pages::consent::{AppCard, PermissionLine};
use super::visit::Refusal;
use crate::consent::{ResourceScopes, is_admin_only};
use crate::directory::{Application, ApplicationId, Directory, ExposedApi, ObjectId};
use crate::environment::{Environment, GRAPH_APPLICATION_ID};
use crate::permission::{OPENID_SCOPES, Permission, PermissionKind};
use crate::world::{Tenant, World};

/// What a sign-in is to be allowed, before it is known what is granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    /// v2: the scopes as requested. v1: empty or OpenID Connect scopes.
    pub(crate) scope: &'a str,
    /// v1: the API.
    pub(crate) resource: Option<&'a str>,
    /// `prompt=consent`: `.default` asks for all that is registered.
    pub(crate) force: bool,
}

/// The APIs that exist in a tenant, by the names that requests use.
pub(crate) struct Apis {
    environment: Environment,
    graph: ApplicationId,
    exposed: Vec<(ApplicationId, String, ExposedApi)>,
}

impl Apis {
    /// The APIs of a tenant: Graph, and what registered apps expose there.
    pub(crate) fn of(world: &World, tenant: &Tenant) -> Self {
        let (mut exposed, foreign) = {
            let directory = tenant.directory();
            let own: Vec<_> = directory.applications.values().filter_map(exposed_by).collect();
            let foreign: Vec<_> = directory
                .service_principals
                .values()
                .filter(|principal| principal.home_tenant != directory.id)
                .map(|principal| principal.app_id)
                .collect();
            (own, foreign)
        };
        let cloud = tenant.environment.cloud();
        exposed.extend(
            foreign
                .into_iter()
                .filter_map(|app| exposed_by(&world.application(cloud, app)?.1)),
        );
        // A constant; the unit tests parse it.
        let graph = GRAPH_APPLICATION_ID.parse().expect("the application id of Graph is a UUID");
        Self { environment: tenant.environment, graph, exposed }
    }

    /// Microsoft Graph.
    pub(crate) fn graph(&self) -> ApplicationId {
        self.graph
    }

    /// The API that a URI or an application id names.
    fn find(&self, name: &str) -> Option<ApplicationId> {
        let name = name.trim_end_matches('/');
        if self.environment.accepts_audience(name) {
            return Some(self.graph);
        }
        let of_api = |(id, _, api): &&(ApplicationId, String, ExposedApi)| {
            id.to_string().eq_ignore_ascii_case(name)
                || api.identifier_uris.iter().any(|uri| uri.trim_end_matches('/') == name)
        };
        self.exposed.iter().find(of_api).map(|(id, _, _)| *id)
    }

    /// The name of a scope as the API spells it.
    fn scope(&self, resource: ApplicationId, name: &str) -> Option<String> {
        if resource == self.graph {
            return Permission::find(name, PermissionKind::Delegated).map(|it| it.name.clone());
        }
        self.exposed.iter().find(|(id, _, _)| *id == resource).and_then(|(_, _, api)| {
            let scope = api.scopes.iter().find(|it| it.value.eq_ignore_ascii_case(name))?;
            Some(scope.value.clone())
        })
    }

    /// The permissions that a request means.
    pub(crate) fn wanted(
        &self,
        directory: &Directory,
        app: &Application,
        user: ObjectId,
        ask: &Ask<'_>,
    ) -> Result<Vec<ResourceScopes>, Refusal> {
        let mut wanted: BTreeMap<ApplicationId, BTreeSet<String>> = BTreeMap::new();
        let mut named = false;
        let mut default = None;
        for scope in ask.scope.split_ascii_whitespace() {
            if let Some(name) = OPENID_SCOPES.iter().find(|it| it.eq_ignore_ascii_case(scope)) {
                wanted.entry(self.graph).or_default().insert((*name).to_owned());
                continue;
            }
            let (resource, name) = match scope.rsplit_once('/') {
                Some((uri, name)) => (self.resource(uri, directory)?, name),
                None => (self.graph, scope),
            };
            if name == ".default" {
                default = Some(resource);
                continue;
            }
            named = true;
            let name = self.scope(resource, name).ok_or_else(|| no_such_scope(app, scope))?;
            wanted.entry(resource).or_default().insert(name);
        }
        if default.is_some() && named {
            return Err(Refusal::new(
                70011,
                "invalid_scope",
                format!(
                    "The provided request must include a 'scope' input parameter. The provided \
                     value for the input parameter 'scope' is not valid. The scope '{}' is not \
                     valid. .default scope can't be combined with resource-specific scopes.",
                    ask.scope
                ),
            ));
        }
        if let Some(resource) = ask.resource {
            default = Some(self.resource(resource, directory)?);
        }
        if let Some(resource) = default {
            let granted = directory.granted_scopes(app.app_id, user, resource);
            if granted.is_empty() || ask.force {
                let registered = static_scopes(app);
                let itself = resource == app.app_id;
                if !registered.contains_key(&resource) && granted.is_empty() && !itself {
                    return Err(not_registered(app, resource));
                }
                for (resource, scopes) in registered {
                    wanted.entry(resource).or_default().extend(scopes);
                }
            }
        }
        Ok(wanted
            .into_iter()
            .map(|(resource, scopes)| ResourceScopes { resource, scopes })
            .collect())
    }

    fn resource(&self, name: &str, directory: &Directory) -> Result<ApplicationId, Refusal> {
        self.find(name).ok_or_else(|| {
            Refusal::new(
                500_011,
                "invalid_resource",
                format!(
                    "The resource principal named {name} was not found in the tenant named {}. \
                     This can happen if the application has not been installed by the \
                     administrator of the tenant or consented to by any user in the tenant. You \
                     might have sent your authentication request to the wrong tenant.",
                    directory.display_name
                ),
            )
        })
    }

    /// Scopes as lines of a page.
    pub(crate) fn lines(&self, directory: &Directory, scopes: &[ResourceScopes]) -> Vec<PermissionLine> {
        scopes
            .iter()
            .flat_map(|of| of.scopes.iter().map(move |name| (of.resource, name)))
            .map(|(resource, name)| {
                let (api, meaning) = self.describe(resource, name, PermissionKind::Delegated);
                PermissionLine {
                    api,
                    meaning,
                    name: name.clone(),
                    admin_only: is_admin_only(directory, resource, name),
                    application: false,
                }
            })
            .collect()
    }

    /// App roles as lines of a page.
    pub(crate) fn role_lines(&self, roles: &[ResourceScopes]) -> Vec<PermissionLine> {
        roles
            .iter()
            .flat_map(|of| of.scopes.iter().map(move |name| (of.resource, name)))
            .map(|(resource, name)| {
                let (api, meaning) = self.describe(resource, name, PermissionKind::Application);
                PermissionLine { api, meaning, name: name.clone(), admin_only: true, application: true }
            })
            .collect()
    }

    fn describe(
        &self,
        resource: ApplicationId,
        name: &str,
        kind: PermissionKind,
    ) -> (Option<String>, String) {
        if resource == self.graph {
            let meaning = match name {
                "email" => "See your mail address",
                "offline_access" => "Keep access to what you have given it access to",
                "openid" => "Sign you in",
                "profile" => "See your basic profile",
                _ => Permission::find(name, kind).map_or(name, |it| it.meaning.as_str()),
            };
            return (None, meaning.to_owned());
        }
        let Some((_, app, api)) = self.exposed.iter().find(|(id, _, _)| *id == resource) else {
            return (Some(resource.to_string()), name.to_owned());
        };
        let text = match kind {
            PermissionKind::Application => {
                api.roles.iter().find(|it| it.value == name).map(|it| it.display_name.clone())
            }
            PermissionKind::Delegated => {
                api.scopes.iter().find(|it| it.value == name).map(|it| it.display_name.clone())
            }
        };
        let text = text.filter(|it| !it.is_empty()).unwrap_or_else(|| name.to_owned());
        (Some(app.clone()), text)
    }
}

/// The delegated permissions of an app's static list.
pub(crate) fn static_scopes(app: &Application) -> BTreeMap<ApplicationId, BTreeSet<String>> {
    let mut all: BTreeMap<ApplicationId, BTreeSet<String>> = BTreeMap::new();
    for access in app.required_resource_access.iter().filter(|it| !it.scopes.is_empty()) {
        all.entry(access.resource).or_default().extend(access.scopes.iter().cloned());
    }
    all
}

/// The application permissions of an app's static list.
pub(crate) fn static_roles(app: &Application) -> Vec<ResourceScopes> {
    app.required_resource_access
        .iter()
        .filter(|access| !access.roles.is_empty())
        .map(|access| ResourceScopes { resource: access.resource, scopes: access.roles.clone() })
        .collect()
}

/// What pages say of an app.
pub(crate) fn card(world: &World, tenant: &Tenant, app: &Application) -> AppCard {
    let home = world
        .application(tenant.environment.cloud(), app.app_id)
        .map(|(home, _)| home.directory().domain().to_owned());
    AppCard {
        name: app.display_name.clone(),
        id: app.app_id.to_string(),
        publisher: app.publisher.name.clone(),
        verified: app.publisher.verified,
        home: home.unwrap_or_default(),
    }
}

fn exposed_by(app: &Application) -> Option<(ApplicationId, String, ExposedApi)> {
    app.api.clone().map(|api| (app.app_id, app.display_name.clone(), api))
}

fn no_such_scope(app: &Application, scope: &str) -> Refusal {
    let (resource, name) = scope.rsplit_once('/').unwrap_or((GRAPH_APPLICATION_ID, scope));
    Refusal::new(
        650_053,
        "invalid_client",
        format!(
            "The application '{}' asked for scope '{name}' that doesn't exist on the resource \
             '{resource}'. Contact the app vendor.",
            app.display_name
        ),
    )
}

fn not_registered(app: &Application, resource: ApplicationId) -> Refusal {
    Refusal::new(
        650_057,
        "invalid_resource",
        format!(
            "Invalid resource. The client has requested access to a resource which is not listed \
             in the requested permissions in the client's application registration. Client app \
             ID: {}({}). Resource app ID: {resource}. List of valid \
             resources from app registration: {}.",
            app.app_id,
            app.display_name,
            app.required_resource_access
                .iter()
                .map(|it| it.resource.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    )
}
