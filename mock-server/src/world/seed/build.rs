//! From a seed file to directories.

mod app;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

pub(super) use self::app::secret;
use super::{
    SeedConsent, SeedContext, SeedError, SeedFile, SeedMailbox, SeedTenant, SeedUser, derived,
};
use crate::directory::{
    ApplicationId, ConsentType, Directory, Mailbox, MailboxKind, ObjectId, Risk, ServicePrincipal,
    TenantId, User, UserKind, UserPrincipalName,
};
use crate::environment::{Environment, GRAPH_APPLICATION_ID};
use crate::notation::did_you_mean;
use crate::permission::{MicrosoftApi, Permission, PermissionKind};

/// What aliases mean across the tenants of a file.
pub(super) struct Names<'a> {
    tenants: IndexMap<&'a str, &'a SeedTenant>,
    apps: Vec<NamedApp<'a>>,
}

struct NamedApp<'a> {
    alias: &'a str,
    app: ApplicationId,
    tenant: TenantId,
    environment: Environment,
}

impl<'a> Names<'a> {
    pub(super) fn of(file: &'a SeedFile) -> Self {
        let tenants = file
            .tenants
            .iter()
            .map(|(alias, it)| (alias.as_str(), it))
            .collect();
        let apps = file
            .tenants
            .values()
            .flat_map(|tenant| {
                tenant.apps.keys().filter_map(|alias| {
                    Some(NamedApp {
                        alias,
                        app: tenant.client_id(alias)?,
                        tenant: tenant.tenant_id(),
                        environment: tenant.environment,
                    })
                })
            })
            .collect();
        Self { tenants, apps }
    }
}

/// A tenant of a file on its way to a directory.
pub(super) struct Build<'a> {
    pub(super) names: &'a Names<'a>,
    pub(super) context: &'a SeedContext,
    pub(super) alias: &'a str,
    pub(super) seed: &'a SeedTenant,
}

impl Build<'_> {
    pub(super) fn directory(&self) -> Result<Directory, SeedError> {
        let seed = self.seed;
        let created = self.before_now(24 * 365);
        let mut directory = Directory::new(
            seed.tenant_id(),
            seed.environment,
            &seed.name,
            &seed.domain,
            created,
        );
        directory.domains.extend(seed.more_domains.iter().cloned());
        if let Some(country) = &seed.country {
            directory.country.clone_from(country);
        }
        directory.policies = seed.policies.clone().into();
        directory.switches = seed.switches.clone();
        for (alias, user) in &seed.users {
            let user = self.user(alias, user)?;
            directory.users.insert(user.id, user);
        }
        for (alias, app) in &seed.apps {
            let application = self.application(alias, app)?;
            let id = application.app_id;
            directory.applications.insert(id, application);
            let mut principal = self.principal(id, directory.id);
            principal.assignment_required = app.assignment_required;
            for user in &app.assigned {
                principal
                    .assigned_users
                    .insert(self.user_id(user, &format!("apps.{alias}.assigned"))?);
            }
            directory.service_principals.insert(id, principal);
            self.consent(&mut directory, alias, id, &app.consent)?;
        }
        for (alias, consent) in &seed.installed {
            let (id, home) = self.app(alias, "installed")?;
            directory
                .service_principals
                .insert(id, self.principal(id, home));
            self.consent(&mut directory, alias, id, consent)?;
        }
        self.policies(&directory)?;
        Ok(directory)
    }

    fn user(&self, alias: &str, seed: &SeedUser) -> Result<User, SeedError> {
        let domain = &self.seed.domain;
        let home = match &seed.guest_of {
            Some(home) => Some(*self.names.tenants.get(home.as_str()).ok_or_else(|| {
                self.wrong(
                    &format!("users.{alias}.guest_of"),
                    format!(
                        "no tenant '{home}' in this file{}",
                        did_you_mean(home, self.names.tenants.keys().copied())
                    ),
                )
            })?),
            None => None,
        };
        let upn = seed.upn.clone().unwrap_or_else(|| match home {
            // As an invitation names who comes from elsewhere. Source:
            // learn.microsoft.com/entra/external-id/user-properties.
            Some(home) => format!("{alias}_{}#EXT#@{domain}", home.domain),
            None => format!("{alias}@{domain}"),
        });
        let (given_name, surname) = seed.name.split_once(' ').unwrap_or((&seed.name, ""));
        let mailbox = match seed.mailbox {
            SeedMailbox::None => None,
            kind => {
                let mut mailbox = Mailbox {
                    kind: if kind == SeedMailbox::Shared {
                        MailboxKind::Shared
                    } else {
                        MailboxKind::Regular
                    },
                    ..Mailbox::default()
                };
                for (delegate, rights) in &seed.delegates {
                    let id = self.user_id(delegate, &format!("users.{alias}.delegates"))?;
                    mailbox.delegates.insert(id, rights.clone());
                }
                Some(mailbox)
            }
        };
        Ok(User {
            id: self.user_id(alias, "users")?,
            alias: alias.to_owned(),
            user_principal_name: UserPrincipalName::new(upn),
            display_name: seed.name.clone(),
            given_name: given_name.to_owned(),
            surname: surname.to_owned(),
            job_title: seed.job_title.clone(),
            office_location: seed.office_location.clone(),
            manager: seed
                .manager
                .as_ref()
                .map(|manager| self.user_id(manager, &format!("users.{alias}.manager")))
                .transpose()?,
            profile: self.profile(),
            password: seed
                .password
                .clone()
                .unwrap_or_else(|| format!("Pw-{alias}-{}", &secret(domain, alias)[..6])),
            kind: match seed.guest_of {
                Some(_) => UserKind::Guest {
                    home_tenant: home.map(SeedTenant::tenant_id),
                },
                None => UserKind::Member,
            },
            enabled: seed.enabled,
            roles: seed.roles.clone(),
            created: self.before_now(24 * 300),
            deleted: None,
            password_expired: false,
            locked_until: None,
            risk: Risk::None,
            other_roles: BTreeSet::new(),
            second_factor: seed.second_factor,
            device_disabled: None,
            revocations: Vec::new(),
            mailbox,
        })
    }

    /// What an administrator usually fills in.
    fn profile(&self) -> serde_json::Map<String, serde_json::Value> {
        let country = self.seed.country.as_deref().unwrap_or("US");
        [
            ("companyName", self.seed.name.as_str()),
            ("preferredLanguage", "en-US"),
            ("usageLocation", country),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into_iter()
        .collect()
    }

    fn consent(
        &self,
        directory: &mut Directory,
        alias: &str,
        client: ApplicationId,
        seed: &SeedConsent,
    ) -> Result<(), SeedError> {
        let graph: ApplicationId = GRAPH_APPLICATION_ID.parse().expect("a UUID");
        let domain = &self.seed.domain;
        let id = |what: &str| derived(domain, "grant", &format!("{alias}/{what}"));
        self.known(alias, &seed.tenant, PermissionKind::Delegated)?;
        self.known(alias, &seed.application, PermissionKind::Application)?;
        if !seed.tenant.is_empty() {
            let everybody = ConsentType::AllPrincipals;
            directory.grant(
                id("tenant"),
                client,
                graph,
                everybody,
                seed.tenant.iter().cloned(),
            );
        }
        for (user, scopes) in &seed.users {
            self.known(alias, scopes, PermissionKind::Delegated)?;
            let principal =
                ConsentType::Principal(self.user_id(user, &format!("apps.{alias}.consent.users"))?);
            directory.grant(id(user), client, graph, principal, scopes.iter().cloned());
        }
        for (api, scopes) in &seed.apis {
            let place = format!("apps.{alias}.consent.apis");
            let (resource, _) = self.app(api, &place)?;
            self.exposed(api, scopes, PermissionKind::Delegated, &place)?;
            let everybody = ConsentType::AllPrincipals;
            directory.grant(id(api), client, resource, everybody, scopes.iter().cloned());
        }
        for role in &seed.application {
            let api = ApplicationId(api_of(role).application_id());
            directory.assign_role(id(role), client, api, role, self.context.now);
        }
        for (api, roles) in &seed.roles {
            let place = format!("apps.{alias}.consent.roles");
            let (resource, _) = self.app(api, &place)?;
            self.exposed(api, roles, PermissionKind::Application, &place)?;
            for role in roles {
                let id = id(&format!("{api}/{role}"));
                directory.assign_role(id, client, resource, role, self.context.now);
            }
        }
        Ok(())
    }

    fn principal(&self, app_id: ApplicationId, home_tenant: TenantId) -> ServicePrincipal {
        let object_id = ObjectId(derived(&self.seed.domain, "principal", &app_id.to_string()));
        ServicePrincipal::new(object_id, app_id, home_tenant, self.before_now(24))
    }

    fn user_id(&self, alias: &str, place: &str) -> Result<ObjectId, SeedError> {
        let user = self.seed.users.get(alias).ok_or_else(|| {
            self.wrong(
                place,
                format!(
                    "no user '{alias}' in this tenant{}",
                    did_you_mean(alias, self.seed.users.keys().map(String::as_str))
                ),
            )
        })?;
        Ok(ObjectId(user.id.unwrap_or_else(|| {
            derived(&self.seed.domain, "user", alias)
        })))
    }

    fn app(&self, alias: &str, place: &str) -> Result<(ApplicationId, TenantId), SeedError> {
        let named = self.names.apps.iter().filter(|it| it.alias == alias);
        // Tenants may have apps of the same name: the nearest is meant.
        let nearest_first = named.min_by_key(|it| {
            let environment = self.seed.environment;
            (
                it.tenant != self.seed.tenant_id(),
                it.environment != environment,
                it.environment.cloud() != environment.cloud(),
            )
        });
        let app = nearest_first.map(|it| (it.app, it.tenant));
        app.ok_or_else(|| {
            self.wrong(
                place,
                format!(
                    "no app '{alias}' in this file{}",
                    did_you_mean(alias, self.names.apps.iter().map(|it| it.alias))
                ),
            )
        })
    }

    fn known(
        &self,
        alias: &str,
        permissions: &BTreeSet<String>,
        kind: PermissionKind,
    ) -> Result<(), SeedError> {
        for name in permissions {
            // What an app may do as itself is Graph's or Exchange's.
            let apis: &[MicrosoftApi] = match kind {
                PermissionKind::Application => &MicrosoftApi::ALL,
                PermissionKind::Delegated => &[MicrosoftApi::Graph],
            };
            if apis.iter().all(|it| it.find(name, kind).is_none()) {
                let names = apis
                    .iter()
                    .flat_map(|it| it.permissions())
                    .filter(|it| it.kind == kind)
                    .map(|it| it.name);
                return Err(self.wrong(
                    &format!("apps.{alias}"),
                    format!(
                        "Microsoft Graph has no {} permission '{name}'{}",
                        kind.word(),
                        did_you_mean(name, names)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Checks permissions of the API that an app of the file exposes.
    fn exposed(
        &self,
        api: &str,
        permissions: &BTreeSet<String>,
        kind: PermissionKind,
        place: &str,
    ) -> Result<(), SeedError> {
        let (id, _) = self.app(api, place)?;
        let tenants = self.names.tenants.values();
        let app = tenants
            .filter(|it| it.client_id(api) == Some(id))
            .find_map(|it| it.apps.get(api)?.api.as_ref());
        let known: Vec<&str> = app
            .map(|it| match kind {
                PermissionKind::Application => it.roles.iter(),
                PermissionKind::Delegated => it.scopes.iter(),
            })
            .into_iter()
            .flatten()
            .map(|it| it.value.as_str())
            .collect();
        match permissions.iter().find(|it| !known.contains(&it.as_str())) {
            None => Ok(()),
            Some(name) => Err(self.wrong(
                &format!("{place}.{api}"),
                format!(
                    "the API has no {} permission '{name}'{}; it has {}",
                    kind.word(),
                    did_you_mean(name, known.iter().copied()),
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
                ),
            )),
        }
    }

    /// Checks what the policies name.
    fn policies(&self, directory: &Directory) -> Result<(), SeedError> {
        let policies = &directory.policies;
        for name in &policies.low_impact {
            if Permission::find(name, PermissionKind::Delegated).is_none() {
                let all = Permission::all().iter();
                let names = all.filter(|it| it.kind == PermissionKind::Delegated);
                let help = did_you_mean(name, names.map(|it| it.name));
                let problem = format!("Microsoft Graph has no delegated permission '{name}'{help}");
                return Err(self.wrong("policies.low_impact", problem));
            }
        }
        let rules = policies.conditional_access.iter();
        let users = rules.flat_map(|it| &it.users);
        for user in users.chain(&policies.admin_consent_requests.reviewers) {
            if !directory.users.contains_key(user) {
                let problem = format!(
                    "no user of this tenant has the object id {user}: give the user that 'id'"
                );
                return Err(self.wrong("policies", problem));
            }
        }
        let rules = policies.conditional_access.iter();
        for app in rules.flat_map(|it| &it.apps) {
            if !directory.service_principals.contains_key(app) {
                let problem = format!(
                    "no app of this tenant has the client id {app}: give the app that 'client_id'"
                );
                return Err(self.wrong("policies.conditional_access", problem));
            }
        }
        Ok(())
    }

    fn wrong(&self, place: &str, problem: String) -> SeedError {
        SeedError::Value {
            place: format!("tenants.{}.{place}", self.alias),
            problem,
        }
    }

    fn before_now(&self, hours: i64) -> Timestamp {
        self.context
            .now
            .saturating_sub(SignedDuration::from_hours(hours))
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The API of Microsoft's that has an application permission: Graph, unless only Exchange has it.
pub(super) fn api_of(role: &str) -> MicrosoftApi {
    let has = |it: &MicrosoftApi| it.find(role, PermissionKind::Application).is_some();
    MicrosoftApi::ALL
        .into_iter()
        .find(has)
        .unwrap_or(MicrosoftApi::Graph)
}
