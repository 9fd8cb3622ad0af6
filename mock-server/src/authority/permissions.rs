//! How pages describe apps and their permissions.

use super::pages::consent::{AppCard, PermissionLine};
use super::resolve::graph_id;
use crate::consent::{ResourceScopes, is_admin_only};
use crate::directory::{Application, ApplicationId, Directory, ExposedApi};
use crate::permission::{Permission, PermissionKind};
use crate::world::{Tenant, World};

/// The APIs that exist in a tenant.
pub(crate) struct Apis {
    exposed: Vec<(ApplicationId, String, ExposedApi)>,
}

impl Apis {
    /// The APIs that registered apps expose in a tenant.
    pub(crate) fn of(world: &World, tenant: &Tenant) -> Self {
        let (mut exposed, foreign) = tenant.read(|directory| {
            let own: Vec<_> = directory
                .applications
                .values()
                .filter_map(exposed_by)
                .collect();
            let foreign: Vec<_> = directory
                .service_principals
                .values()
                .filter(|principal| principal.home_tenant != directory.id)
                .map(|principal| principal.app_id)
                .collect();
            (own, foreign)
        });
        let cloud = tenant.environment.cloud();
        exposed.extend(
            foreign
                .into_iter()
                .filter_map(|app| exposed_by(&world.application(cloud, app)?.1)),
        );
        Self { exposed }
    }

    /// Scopes as lines of a page.
    pub(crate) fn lines(
        &self,
        directory: &Directory,
        scopes: &[ResourceScopes],
    ) -> Vec<PermissionLine> {
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
                    through: None,
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
                PermissionLine {
                    api,
                    meaning,
                    name: name.clone(),
                    admin_only: true,
                    application: true,
                    through: None,
                }
            })
            .collect()
    }

    fn describe(
        &self,
        resource: ApplicationId,
        name: &str,
        kind: PermissionKind,
    ) -> (Option<String>, String) {
        if resource == graph_id() {
            let meaning = match name {
                "email" => "See your mail address",
                "offline_access" => "Keep access to what you have given it access to",
                "openid" => "Sign you in",
                "profile" => "See your basic profile",
                _ => Permission::find(name, kind).map_or(name, |it| it.meaning),
            };
            return (None, meaning.to_owned());
        }
        let Some((_, app, api)) = self.exposed.iter().find(|(id, _, _)| *id == resource) else {
            return (Some(resource.to_string()), name.to_owned());
        };
        let text = match kind {
            PermissionKind::Application => api
                .roles
                .iter()
                .find(|it| it.value == name)
                .map(|it| it.display_name.clone()),
            PermissionKind::Delegated => api
                .scopes
                .iter()
                .find(|it| it.value == name)
                .map(|it| it.display_name.clone()),
        };
        let text = text
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| name.to_owned());
        (Some(app.clone()), text)
    }
}

/// The application permissions of an app's static list.
pub(crate) fn static_roles(app: &Application) -> Vec<ResourceScopes> {
    app.required_resource_access
        .iter()
        .filter(|access| !access.roles.is_empty())
        .map(|access| ResourceScopes {
            resource: access.resource,
            scopes: access.roles.clone(),
        })
        .collect()
}

/// What pages say of an app.
pub(crate) fn card(world: &World, tenant: &Tenant, app: &Application) -> AppCard {
    let home = world
        .application(tenant.environment.cloud(), app.app_id)
        .map(|(home, _)| home.read(|it| it.domain().to_owned()));
    AppCard {
        name: app.display_name.clone(),
        id: app.app_id.to_string(),
        publisher: app.publisher.name.clone(),
        verified: app.publisher.verified,
        risky: app.publisher.risky,
        home: home.unwrap_or_default(),
    }
}

fn exposed_by(app: &Application) -> Option<(ApplicationId, String, ExposedApi)> {
    app.api
        .clone()
        .map(|api| (app.app_id, app.display_name.clone(), api))
}
