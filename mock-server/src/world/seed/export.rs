//! Seed files of tenants that exist: what people copy and edit.
//!
//! A seed file has what people write. What events left (revocations, deleted accounts, requests,
//! key rotations) is in a state only.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;

use super::{
    SeedApi, SeedApp, SeedConsent, SeedContext, SeedFile, SeedMailbox, SeedPermissions,
    SeedRedirectUris, SeedScope, SeedSecret, SeedTenant, SeedUser, graph,
};
use crate::directory::{
    Application, ApplicationId, ConsentType, Directory, ExposedApi, MailboxKind, ObjectId,
    Platform, TenantId, User, UserKind,
};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::permission::{MicrosoftApi, Permission, PermissionKind};
use crate::store::Documents;

impl SeedFile {
    /// The seed file that makes these tenants.
    pub(crate) fn of(tenants: &[(Directory, Documents)], context: &SeedContext) -> Self {
        let directories: Vec<&Directory> = tenants.iter().map(|it| &it.0).collect();
        let mut names: IndexMap<String, usize> = IndexMap::new();
        for (index, directory) in directories.iter().enumerate() {
            let label = directory.domain().split('.').next().unwrap_or_default();
            let taken = names.contains_key(label);
            let name = if taken {
                format!("{label}-{}", directory.environment.slug())
            } else {
                label.to_owned()
            };
            // Two of a name in one environment have different domains: the whole one tells them.
            let name = if names.contains_key(&name) {
                directory.domain().to_owned()
            } else {
                name
            };
            names.insert(name, index);
        }
        let export = Export {
            names: names
                .iter()
                .map(|(name, index)| (directories[*index].id, name.as_str()))
                .collect(),
            apps: directories
                .iter()
                .flat_map(|it| it.applications.values())
                .map(|app| (app.app_id, app.alias.as_str()))
                .collect(),
            context,
        };
        Self {
            schema: 1,
            tenants: names
                .iter()
                .map(|(name, index)| {
                    let (directory, documents) = &tenants[*index];
                    (name.clone(), export.tenant(directory, documents))
                })
                .collect(),
        }
    }

    /// The text of the file.
    pub fn to_yaml(&self) -> String {
        // Maps of a seed file have strings as keys.
        serde_saphyr::to_string(self).expect("a seed file serializes")
    }
}

struct Export<'a> {
    names: IndexMap<TenantId, &'a str>,
    apps: IndexMap<ApplicationId, &'a str>,
    context: &'a SeedContext,
}

impl Export<'_> {
    fn tenant(&self, directory: &Directory, documents: &Documents) -> SeedTenant {
        let users = directory
            .users
            .values()
            .filter(|user| user.deleted.is_none());
        let apps = directory.applications.values();
        let installed = directory
            .service_principals
            .keys()
            .filter(|app| !directory.applications.contains_key(*app));
        SeedTenant {
            name: directory.display_name.clone(),
            environment: directory.environment,
            domain: directory.domain().to_owned(),
            more_domains: directory.domains.iter().skip(1).cloned().collect(),
            id: Some(directory.id.0),
            country: Some(directory.country.clone()),
            users: users
                .map(|it| (it.alias.clone(), self.user(directory, it)))
                .collect(),
            apps: apps
                .map(|it| (it.alias.clone(), self.app(directory, it)))
                .collect(),
            installed: installed
                .filter_map(|app| {
                    let alias = self.apps.get(app)?;
                    Some(((*alias).to_owned(), self.consent(directory, *app)))
                })
                .collect(),
            graph: graph::written(directory, documents),
            policies: (*directory.policies).clone(),
            switches: directory.switches.clone(),
        }
    }

    fn user(&self, directory: &Directory, user: &User) -> SeedUser {
        let guest_of = match user.kind {
            UserKind::Guest { home_tenant } => home_tenant
                .and_then(|home| self.names.get(&home))
                .map(|name| (*name).to_owned()),
            UserKind::Member => None,
        };
        let delegates = user.mailbox.iter().flat_map(|it| &it.delegates);
        SeedUser {
            name: user.display_name.clone(),
            upn: Some(user.user_principal_name.to_string()),
            id: Some(user.id.0),
            password: Some(user.password.clone()),
            job_title: user.job_title.clone(),
            office_location: user.office_location.clone(),
            manager: user.manager.and_then(|it| alias(directory, it)),
            roles: user.roles.clone(),
            guest_of,
            enabled: user.enabled,
            second_factor: user.second_factor,
            mailbox: match user.mailbox.as_ref().map(|it| it.kind) {
                None => SeedMailbox::None,
                Some(MailboxKind::Regular) => SeedMailbox::Regular,
                Some(MailboxKind::Shared) => SeedMailbox::Shared,
            },
            delegates: delegates
                .filter_map(|(user, rights)| Some((alias(directory, *user)?, rights.clone())))
                .collect(),
        }
    }

    fn app(&self, directory: &Directory, app: &Application) -> SeedApp {
        let principal = directory.service_principal(app.app_id);
        SeedApp {
            name: app.display_name.clone(),
            client_id: Some(app.app_id.0),
            audience: app.sign_in_audience,
            publisher: app.publisher.name.clone(),
            verified: app.publisher.verified,
            risky: app.publisher.risky,
            redirect_uris: redirect_uris(app),
            public_client: app.fallback_public_client,
            implicit_id_token: app.implicit_id_token,
            implicit_access_token: app.implicit_access_token,
            secrets: app
                .secrets
                .iter()
                .map(|it| SeedSecret {
                    value: Some(it.secret.clone()),
                    end: Some(it.end),
                })
                .collect(),
            certificates: app
                .certificates
                .iter()
                .map(|it| self.certificate(&it.certificate))
                .collect(),
            federated_credentials: app.federated_credentials.clone(),
            permissions: self.permissions(app),
            consent: self.consent(directory, app.app_id),
            api: app.api.as_ref().map(|api| self.api(api)),
            assignment_required: principal.is_some_and(|it| it.assignment_required),
            assigned: principal
                .iter()
                .flat_map(|it| &it.assigned_users)
                .filter_map(|user| alias(directory, *user))
                .collect(),
        }
    }

    /// The mock's own certificate differs between machines.
    fn certificate(&self, der: &[u8]) -> String {
        if self.context.client_certificate.as_deref() == Some(der) {
            "generated".to_owned()
        } else {
            STANDARD.encode(der)
        }
    }

    fn consent(&self, directory: &Directory, client: ApplicationId) -> SeedConsent {
        let mut consent = SeedConsent::default();
        for grant in directory.grants.iter().filter(|it| it.client == client) {
            if is_graph(grant.resource) {
                let scopes = grant
                    .scopes
                    .iter()
                    .filter(|it| Permission::find(it, PermissionKind::Delegated).is_some());
                match grant.consent {
                    ConsentType::AllPrincipals => consent.tenant.extend(scopes.cloned()),
                    ConsentType::Principal(user) => {
                        if let Some(alias) = alias(directory, user) {
                            consent.users.insert(alias, scopes.cloned().collect());
                        }
                    }
                }
            } else if let Some(api) = self.apps.get(&grant.resource)
                && grant.consent == ConsentType::AllPrincipals
            {
                consent.apis.insert((*api).to_owned(), grant.scopes.clone());
            }
        }
        let roles = directory.app_role_assignments.iter();
        for it in roles.filter(|it| it.client == client) {
            if MicrosoftApi::of(it.resource.0).is_some() {
                consent.application.insert(it.role.clone());
            } else if let Some(api) = self.apps.get(&it.resource) {
                let of_api = consent.roles.entry((*api).to_owned()).or_default();
                of_api.insert(it.role.clone());
            }
        }
        consent
    }

    fn api(&self, api: &ExposedApi) -> SeedApi {
        SeedApi {
            uris: api.identifier_uris.clone(),
            access_token_version: api.access_token_version,
            scopes: api
                .scopes
                .iter()
                .map(|it| SeedScope {
                    value: it.value.clone(),
                    display_name: it.display_name.clone(),
                    admin_only: it.admin_only,
                })
                .collect(),
            roles: api
                .roles
                .iter()
                .map(|it| SeedScope {
                    value: it.value.clone(),
                    display_name: it.display_name.clone(),
                    admin_only: false,
                })
                .collect(),
            pre_authorized: api
                .pre_authorized
                .iter()
                .filter_map(|app| self.apps.get(app))
                .map(|alias| (*alias).to_owned())
                .collect(),
            known_clients: api
                .known_clients
                .iter()
                .filter_map(|app| self.apps.get(app))
                .map(|alias| (*alias).to_owned())
                .collect(),
        }
    }

    fn permissions(&self, app: &Application) -> SeedPermissions {
        let required = &app.required_resource_access;
        let graph = required.iter().find(|it| is_graph(it.resource));
        SeedPermissions {
            delegated: graph.map_or_else(BTreeSet::new, |it| it.scopes.clone()),
            application: required
                .iter()
                .filter(|it| MicrosoftApi::of(it.resource.0).is_some())
                .flat_map(|it| it.roles.iter().cloned())
                .collect(),
            apis: required
                .iter()
                .filter(|it| !it.scopes.is_empty())
                .filter_map(|it| {
                    let api = self.apps.get(&it.resource)?;
                    Some(((*api).to_owned(), it.scopes.clone()))
                })
                .collect(),
        }
    }
}

fn redirect_uris(app: &Application) -> SeedRedirectUris {
    let of = |platform: Platform| {
        let uris = app.redirect_uris.iter();
        uris.filter(|it| it.platform == platform)
            .map(|it| it.uri.clone())
            .collect()
    };
    SeedRedirectUris {
        web: of(Platform::Web),
        spa: of(Platform::Spa),
        public_client: of(Platform::PublicClient),
    }
}

fn alias(directory: &Directory, user: ObjectId) -> Option<String> {
    Some(directory.user(user)?.alias.clone())
}

fn is_graph(resource: ApplicationId) -> bool {
    resource.to_string() == GRAPH_APPLICATION_ID
}

#[cfg(test)]
mod tests {
    use super::super::tests::{context, world};
    use super::*;

    #[test]
    fn a_seed_file_of_the_default_world_makes_it_again() {
        let (world, context) = (world(), context());
        world.add_default(&context);
        let tenants: Vec<(Directory, Documents)> = world
            .tenants()
            .iter()
            .map(|it| (it.read(Clone::clone), Documents::default()))
            .collect();
        let yaml = SeedFile::of(&tenants, &context).to_yaml();
        let file = SeedFile::parse(&yaml).unwrap_or_else(|error| panic!("{error}"));
        let again = file.directories(&context).unwrap();
        assert_eq!(again.len(), 8);
        for ((one, _), other) in tenants.iter().zip(&again) {
            assert_eq!(
                serde_json::to_value(other).unwrap(),
                serde_json::to_value(one).unwrap()
            );
        }
        assert!(file.tenants.contains_key("contoso"), "{yaml}");
        assert!(yaml.contains("generated"), "{yaml}");
    }

    #[test]
    fn a_seed_file_has_what_events_changed() {
        let world = world();
        let tenant = &world.add_default(&context())[0];
        let event = serde_json::from_str(
            r#"{"change-password": {"user": "alice", "password": "another one"}}"#,
        );
        world.apply(tenant, &event.unwrap()).unwrap();
        let file = SeedFile::of(
            &[(tenant.read(Clone::clone), Documents::default())],
            &context(),
        );
        let (_, seed) = file.tenants.first().unwrap();
        assert_eq!(seed.users["alice"].password.as_deref(), Some("another one"));
        // The vendor's tenant is not among them.
        assert!(seed.installed.is_empty());
    }
}
