//! The default world, fresh copies of it, and what scripts need to know of a tenant.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::seed::{SeedContext, SeedError, SeedFile};
use super::{Tenant, World};
use crate::clock::Clock;
use crate::directory::{
    Application, ApplicationId, Directory, MailboxKind, ObjectId, TenantId, UserKind,
};
use crate::environment::Environment;

/// What scripts need to know of a tenant: a member of the ready file.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct TenantDescription {
    /// The tenant.
    pub tenant: TenantName,
    /// Users by alias.
    pub users: IndexMap<String, UserDescription>,
    /// The sign-in name of the shared mailbox, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_mailbox: Option<String>,
    /// Apps by alias: those registered here and those of the vendor.
    pub apps: IndexMap<String, AppDescription>,
}

/// A tenant by id and domain.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct TenantName {
    /// The id.
    pub id: TenantId,
    /// The initial domain.
    pub domain: String,
}

/// A user, with what is needed to sign in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct UserDescription {
    /// The object id.
    pub id: ObjectId,
    /// The sign-in name.
    pub upn: String,
    /// The password.
    pub password: String,
}

/// An app, with what a client needs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AppDescription {
    /// The application id.
    pub client_id: ApplicationId,
    /// The tenant in which it is registered.
    pub tenant_id: TenantId,
    /// The first secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The client certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<String>,
    /// Its private key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// Both as PKCS#12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfx_file: Option<String>,
    /// The password of the PKCS#12 file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfx_password: Option<String>,
    /// Whether the app has a registered certificate.
    #[serde(skip)]
    pub has_certificate: bool,
}

impl TenantDescription {
    fn of(directory: &Directory) -> Self {
        let users = directory
            .users
            .values()
            .filter(|user| user.deleted.is_none())
            .map(|user| {
                let described = UserDescription {
                    id: user.id,
                    upn: user.user_principal_name.to_string(),
                    password: user.password.clone(),
                };
                (user.alias.clone(), described)
            })
            .collect();
        let shared_mailbox = directory
            .users
            .values()
            .find(|user| {
                user.mailbox
                    .as_ref()
                    .is_some_and(|mailbox| mailbox.kind == MailboxKind::Shared)
            })
            .map(|user| user.user_principal_name.to_string());
        Self {
            tenant: TenantName {
                id: directory.id,
                domain: directory.domain().to_owned(),
            },
            users,
            shared_mailbox,
            apps: AppDescription::all(directory),
        }
    }
}

impl AppDescription {
    /// The apps that are registered in a tenant, by alias.
    fn all(directory: &Directory) -> IndexMap<String, Self> {
        let apps = directory.applications.values();
        apps.map(|app| (app.alias.clone(), Self::of(app, directory.id)))
            .collect()
    }

    fn of(app: &Application, tenant_id: TenantId) -> Self {
        Self {
            client_id: app.app_id,
            tenant_id,
            client_secret: app.secrets.first().map(|it| it.secret.clone()),
            redirect_uris: app.redirect_uris.iter().map(|it| it.uri.clone()).collect(),
            certificate_file: None,
            key_file: None,
            pfx_file: None,
            pfx_password: None,
            has_certificate: !app.certificates.is_empty(),
        }
    }

    /// The form of a client-credentials request with the app's secret.
    pub fn client_credentials(&self, scope: &str) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.client_id.to_string()),
            (
                "client_secret",
                self.client_secret.clone().unwrap_or_default(),
            ),
            ("scope", scope.to_owned()),
        ]
    }
}

impl World {
    /// Adds the default world: a customer and its vendor in each environment. Returns the
    /// customers' tenants in the order of [`Environment::ALL`].
    pub fn add_default(&self, context: &SeedContext) -> Vec<Arc<Tenant>> {
        Environment::ALL
            .into_iter()
            .map(|environment| {
                let (customer, vendor) = DEFAULT_DOMAINS[environment as usize];
                self.instantiate(environment, customer, vendor, context)
            })
            .collect()
    }

    /// Adds a fresh copy of the default world's tenant, with a vendor of its own.
    pub fn create_tenant(&self, environment: Environment, context: &SeedContext) -> Arc<Tenant> {
        let label = self.random.uuid().simple().to_string();
        let suffix = environment.tenant_domain_suffix();
        let customer = format!("contoso{}{suffix}", &label[..12]);
        let vendor = format!("litware{}{suffix}", &label[..12]);
        self.instantiate_named(environment, &customer, &vendor, context)
    }

    /// Fills an empty world: with a seed file's tenants, or with the default world. They are what
    /// the ready file names.
    pub fn begin(&self, seed: Option<&SeedFile>, context: &SeedContext) -> Result<(), SeedError> {
        let defaults = match seed {
            Some(file) => self.add_seed(file, context)?,
            None => self.add_default(context),
        };
        self.name_defaults(&defaults);
        Ok(())
    }

    /// Adds the tenants of a seed file.
    pub fn add_seed(
        &self,
        file: &SeedFile,
        context: &SeedContext,
    ) -> Result<Vec<Arc<Tenant>>, SeedError> {
        let directories = file.directories(context)?;
        Ok(directories
            .into_iter()
            .map(|it| self.add(it, Clock::real()))
            .collect())
    }

    /// Describes a tenant for scripts: its users and its apps, and those of the vendor that was
    /// made with it.
    pub fn describe(&self, tenant: &Tenant) -> TenantDescription {
        let (mut description, home) = tenant.read(|directory| {
            let home = directory.users.values().find_map(|user| match user.kind {
                UserKind::Guest { home_tenant } => home_tenant,
                UserKind::Member => None,
            });
            (TenantDescription::of(directory), home)
        });
        if let Some(vendor) = home.and_then(|home| self.tenant(tenant.environment.cloud(), home)) {
            description.apps.extend(vendor.read(AppDescription::all));
        }
        description
    }

    fn instantiate(
        &self,
        environment: Environment,
        customer: &str,
        vendor: &str,
        context: &SeedContext,
    ) -> Arc<Tenant> {
        let suffix = environment.tenant_domain_suffix();
        self.instantiate_named(
            environment,
            &format!("{customer}{suffix}"),
            &format!("{vendor}{suffix}"),
            context,
        )
    }

    fn instantiate_named(
        &self,
        environment: Environment,
        customer: &str,
        vendor: &str,
        context: &SeedContext,
    ) -> Arc<Tenant> {
        let mut file = TEMPLATE.clone();
        for (alias, domain) in [("customer", customer), ("vendor", vendor)] {
            let tenant = file
                .tenants
                .get_mut(alias)
                .expect("the template has both tenants");
            environment.clone_into(&mut tenant.environment);
            domain.clone_into(&mut tenant.domain);
        }
        let mut tenants = self
            .add_seed(&file, context)
            // A test instantiates it for every environment.
            .expect("data/default-world.yaml makes a world");
        tenants.swap_remove(0)
    }
}

/// The domains of the default world without suffix, in the order of [`Environment::ALL`].
const DEFAULT_DOMAINS: [(&str, &str); 4] = [
    ("contoso", "litware"),
    ("contosogov", "litwaregov"),
    ("contosodod", "litwaredod"),
    ("contoso", "litware"),
];

/// The default world as a seed.
pub(crate) fn default_seed() -> &'static SeedFile {
    &TEMPLATE
}

static TEMPLATE: LazyLock<SeedFile> = LazyLock::new(|| {
    // The file is part of the program; a test parses it.
    SeedFile::parse(include_str!("../../data/default-world.yaml"))
        .expect("data/default-world.yaml is a seed file")
});
