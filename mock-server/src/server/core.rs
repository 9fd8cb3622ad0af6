//! What the mock and its control API share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use jiff::Timestamp;

use super::addresses::Addresses;
use super::certificate::CertificateAuthority;
use super::client_certificate::ClientCertificateFiles;
use super::host_name::HostName;
use super::ready::{Ready, ReadyEnvironment};
use super::variables::{self, Variables};
use crate::apart::Apart;
use crate::directory::TenantId;
use crate::environment::{Environment, SignInCloud, Site};
use crate::graph::files;
use crate::scenario::Players;
use crate::world::seed::{SeedContext, SeedError, SeedFile};
use crate::world::{Tenant, TenantDescription, World};

/// What the mock and its control API share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) world: Arc<World>,
    pub(crate) players: Arc<Players>,
    pub(crate) context: SeedContext,
    /// Where states and recordings are written and read.
    pub(crate) exports: Apart,
    /// Where the journal is read, which does not wait for those.
    pub(crate) readers: Apart,
    pub(super) authority: Arc<CertificateAuthority>,
    pub(super) certificate_files: ClientCertificateFiles,
    pub(super) certificate_password: String,
    pub(super) control: SocketAddr,
    pub(super) names: Vec<HostName>,
    pub(super) ports: [SocketAddr; 4],
    /// The world at the beginning, where it is not the default one.
    pub(super) seed: Option<SeedFile>,
    /// When it was started, in real time.
    pub(crate) started: Timestamp,
    /// Where the ready file is, once one was written.
    pub(super) ready_file: OnceLock<PathBuf>,
}

impl Core {
    pub(crate) fn control_url(&self) -> String {
        self.control_url_at(&self.addresses())
    }

    fn control_url_at(&self, at: &Addresses) -> String {
        format!("http://{}:{}", at.control, self.control.port())
    }

    /// The hosts to tell where nobody asked for one.
    pub(super) fn addresses(&self) -> Addresses {
        Addresses::of(self.control, &self.names)
    }

    /// The hosts to tell somebody who reached the control port by this host.
    pub(crate) fn addresses_as_asked(&self, host: &str) -> Addresses {
        self.addresses().asked_at(host, &self.names)
    }

    /// Further names of the mock itself.
    pub(crate) fn names(&self) -> &[HostName] {
        &self.names
    }

    /// The root certificate, PEM.
    pub(crate) fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    pub(crate) fn control_address(&self) -> SocketAddr {
        self.control
    }

    pub(crate) fn ready(&self) -> Ready {
        self.ready_at(&self.addresses())
    }

    pub(crate) fn ready_at(&self, at: &Addresses) -> Ready {
        let defaults = self.world.defaults();
        let environments: IndexMap<String, ReadyEnvironment> = Environment::ALL
            .into_iter()
            .filter_map(|environment| {
                let tenant = defaults.iter().find(|it| it.environment == environment)?;
                Some((
                    environment.slug().to_owned(),
                    self.ready_environment_at(tenant, at),
                ))
            })
            .collect();
        Ready {
            control: self.control_url_at(at),
            proxy: self.control_url_at(at),
            ca_file: self.authority.file().display().to_string(),
            ca_bundle_file: self.authority.bundle_file().display().to_string(),
            hosts: Site::all_hosts()
                .map(str::to_owned)
                .chain(files::hosts(&self.world))
                .collect(),
            environments,
        }
    }

    /// Forgets a tenant, and the scenario that is played in it.
    pub(crate) fn remove_tenant(&self, cloud: SignInCloud, id: TenantId) {
        if let Some(tenant) = self.world.remove(cloud, id) {
            // Most tenants play none.
            let _ = self.players.stop(&tenant);
        }
    }

    /// Returns to the world as it was at the very beginning.
    pub(crate) fn reset(&self) -> Result<(), SeedError> {
        self.world.begin_again(self.seed.as_ref(), &self.context)?;
        self.players.clear();
        Ok(())
    }

    /// A tenant as the ready file describes it.
    pub(crate) fn ready_environment(&self, tenant: &Tenant) -> ReadyEnvironment {
        self.ready_environment_at(tenant, &self.addresses())
    }

    fn ready_environment_at(&self, tenant: &Tenant, at: &Addresses) -> ReadyEnvironment {
        let environment = tenant.environment;
        ReadyEnvironment {
            authority: self.root_at(environment, at),
            graph: self.root_at(environment, at),
            login_host: environment.cloud().facts().authority_host.clone(),
            graph_host: environment.graph_host().to_owned(),
            tenant: self.describe(tenant),
        }
    }

    pub(crate) fn variables(&self, choice: &Variables, at: &Addresses) -> Vec<(String, String)> {
        let trust_store = self.authority.trust_store_file();
        if let Err(error) = &trust_store {
            tracing::warn!(%error, "the trust store for Java cannot be made");
        }
        variables::of(&variables::Facts {
            ready: &self.ready_at(at),
            ready_file: self.ready_file.get().map(PathBuf::as_path),
            trust_store: trust_store.ok(),
            choice,
        })
    }

    pub(super) fn describe(&self, tenant: &Tenant) -> TenantDescription {
        let mut described = self.world.describe(tenant);
        for app in described
            .apps
            .values_mut()
            .filter(|app| app.has_certificate)
        {
            let files = &self.certificate_files;
            app.certificate_file = Some(files.certificate.display().to_string());
            app.key_file = Some(files.key.display().to_string());
            app.pfx_file = Some(files.pfx.display().to_string());
            app.pfx_password = Some(self.certificate_password.clone());
        }
        described
    }

    pub(super) fn root(&self, environment: Environment) -> String {
        self.root_at(environment, &self.addresses())
    }

    fn root_at(&self, environment: Environment, at: &Addresses) -> String {
        let host = &at.environments;
        match self.ports[environment as usize].port() {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }
}
