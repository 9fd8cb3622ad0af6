//! The default world, fresh copies of it, and what scripts need to know of a tenant.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::seed::{SeedContext, SeedError, SeedFile};
use super::{Index, Tenant, World};
use crate::clock::Clock;
use crate::directory::{
    Application, ApplicationId, Directory, MailboxKind, ObjectId, TenantId, UserKind,
};
use crate::environment::Environment;
use crate::journal::StateChange;
use crate::mailbox::Mailboxes;

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
    /// Fills the world with the default one. Returns the customers' tenants in the order of
    /// [`Environment::ALL`].
    pub fn add_default(&self, context: &SeedContext) -> Vec<Arc<Tenant>> {
        // Only a seed file can be wrong.
        self.begin(None, context).expect("the default world begins");
        self.defaults()
    }

    /// Adds a fresh copy of the default world's tenant, with a vendor of its own, which goes when it
    /// goes.
    pub fn create_tenant(&self, environment: Environment, context: &SeedContext) -> Arc<Tenant> {
        let label = self.random.uuid().simple().to_string();
        let suffix = environment.tenant_domain_suffix();
        let customer = format!("contoso{}{suffix}", &label[..12]);
        let vendor = format!("litware{}{suffix}", &label[..12]);
        let made = self.instantiate(environment, &customer, &vendor, context);
        if let [customer, vendor] = made.as_slice() {
            customer.comes_with(vendor.id);
        }
        self.enter(&made);
        Arc::clone(&made[0])
    }

    /// Fills the world: with a seed file's tenants, or with the default world, a customer and its
    /// vendor in each environment. They are what the ready file names.
    ///
    /// # Errors
    ///
    /// The seed file makes no world; nothing has changed.
    pub fn begin(&self, seed: Option<&SeedFile>, context: &SeedContext) -> Result<(), SeedError> {
        let index = self.beginning(seed, context)?;
        self.tenants.write(|it| *it = index);
        self.changed();
        Ok(())
    }

    /// Returns to the beginning in one step: whoever looks sees the world from before or the new
    /// one. What was issued so far is worthless, and the journal begins anew with a note of it.
    ///
    /// # Errors
    ///
    /// The seed file makes no world; nothing has changed.
    pub fn begin_again(
        &self,
        seed: Option<&SeedFile>,
        context: &SeedContext,
    ) -> Result<(), SeedError> {
        let index = self.beginning(seed, context)?;
        self.sealer.renew();
        self.redeemed.restore(&[]);
        self.random.change_stream(0);
        self.tenants.write(|it| *it = index);
        self.changed();
        self.journal.clear();
        self.note_state(StateChange::Reset {});
        Ok(())
    }

    fn beginning(
        &self,
        seed: Option<&SeedFile>,
        context: &SeedContext,
    ) -> Result<Index, SeedError> {
        let mut index = Index::default();
        let defaults: Vec<Arc<Tenant>> = match seed {
            Some(file) => {
                let made = self.planted(file, context)?;
                for tenant in &made {
                    index.add(tenant);
                }
                made
            }
            None => Environment::ALL
                .into_iter()
                .map(|environment| {
                    let (customer, vendor) = DEFAULT_DOMAINS[environment as usize];
                    let suffix = environment.tenant_domain_suffix();
                    let (customer, vendor) =
                        (format!("{customer}{suffix}"), format!("{vendor}{suffix}"));
                    let made = self.instantiate(environment, &customer, &vendor, context);
                    for tenant in &made {
                        index.add(tenant);
                    }
                    Arc::clone(&made[0])
                })
                .collect(),
        };
        index.defaults = defaults.iter().map(|it| it.key()).collect();
        Ok(index)
    }

    /// Adds the tenants of a seed file.
    ///
    /// # Errors
    ///
    /// The seed file makes no world; nothing has changed.
    pub fn add_seed(
        &self,
        file: &SeedFile,
        context: &SeedContext,
    ) -> Result<Vec<Arc<Tenant>>, SeedError> {
        let made = self.planted(file, context)?;
        self.enter(&made);
        Ok(made)
    }

    /// The tenants of a seed file with their documents; nobody can find them yet.
    fn planted(
        &self,
        file: &SeedFile,
        context: &SeedContext,
    ) -> Result<Vec<Arc<Tenant>>, SeedError> {
        let directories = file.directories(context)?;
        let documents = file.documents(&directories, context)?;
        let made = self.make(directories);
        for (tenant, documents) in made.iter().zip(documents) {
            tenant.write_documents(|it| *it = documents);
            tenant.take_lists(tenant.now(), || self.random.uuid());
        }
        Ok(made)
    }

    /// Tenants that nobody can find yet.
    fn make(&self, directories: Vec<Directory>) -> Vec<Arc<Tenant>> {
        let make = |directory| {
            let mailboxes = Mailboxes::new(self.random.seed());
            Arc::new(Tenant::new(
                directory,
                Clock::real(),
                mailboxes,
                &self.journal,
            ))
        };
        directories.into_iter().map(make).collect()
    }

    /// Lets tenants be found, all at once.
    fn enter(&self, tenants: &[Arc<Tenant>]) {
        self.tenants
            .write(|index| tenants.iter().for_each(|it| index.add(it)));
        self.changed();
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

    /// The customer and its vendor, with these domains.
    fn instantiate(
        &self,
        environment: Environment,
        customer: &str,
        vendor: &str,
        context: &SeedContext,
    ) -> Vec<Arc<Tenant>> {
        let mut file = TEMPLATE.clone();
        for (alias, domain) in [("customer", customer), ("vendor", vendor)] {
            let tenant = file
                .tenants
                .get_mut(alias)
                .expect("the template has both tenants");
            environment.clone_into(&mut tenant.environment);
            domain.clone_into(&mut tenant.domain);
        }
        let directories = file.directories(context);
        // A test instantiates it for every environment.
        self.make(directories.expect("data/default-world.yaml makes a world"))
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
