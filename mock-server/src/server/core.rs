//! What the mock and its control API share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use jiff::Timestamp;

use super::certificate::CertificateAuthority;
use super::client_certificate::ClientCertificateFiles;
use super::ready::{Ready, ReadyEnvironment};
use super::variables;
use crate::directory::TenantId;
use crate::environment::{Environment, SignInCloud};
use crate::scenario::Players;
use crate::world::seed::{SeedContext, SeedError, SeedFile};
use crate::world::{Tenant, TenantDescription, World};

/// What the mock and its control API share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) world: Arc<World>,
    pub(crate) players: Arc<Players>,
    pub(crate) context: SeedContext,
    pub(super) authority: Arc<CertificateAuthority>,
    pub(super) certificate_files: ClientCertificateFiles,
    pub(super) certificate_password: String,
    pub(super) control: SocketAddr,
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
        format!("http://{}", self.control)
    }

    pub(crate) fn control_address(&self) -> SocketAddr {
        self.control
    }

    pub(crate) fn ready(&self) -> Ready {
        let defaults = self.world.defaults();
        let environments: IndexMap<String, ReadyEnvironment> = Environment::ALL
            .into_iter()
            .filter_map(|environment| {
                let tenant = defaults.iter().find(|it| it.environment == environment)?;
                Some((
                    environment.slug().to_owned(),
                    self.ready_environment(tenant),
                ))
            })
            .collect();
        Ready {
            control: self.control_url(),
            proxy: self.control_url(),
            ca_file: self.authority.file().display().to_string(),
            ca_bundle_file: self.authority.bundle_file().display().to_string(),
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
        self.world.clear();
        self.players.clear();
        self.world.begin(self.seed.as_ref(), &self.context)
    }

    /// A tenant as the ready file describes it.
    pub(crate) fn ready_environment(&self, tenant: &Tenant) -> ReadyEnvironment {
        let environment = tenant.environment;
        ReadyEnvironment {
            authority: self.root(environment),
            graph: self.root(environment),
            login_host: environment.cloud().facts().authority_host.clone(),
            graph_host: environment.graph_host().to_owned(),
            tenant: self.describe(tenant),
        }
    }

    pub(crate) fn variables(&self, proxy: Option<&str>, direct: bool) -> Vec<(String, String)> {
        let trust_store = self.authority.trust_store_file();
        if let Err(error) = &trust_store {
            tracing::warn!(%error, "the trust store for Java cannot be made");
        }
        variables::of(&variables::Facts {
            ready: &self.ready(),
            ready_file: self.ready_file.get().map(PathBuf::as_path),
            proxy,
            trust_store: trust_store.ok(),
            direct,
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
        let port = self.ports[environment as usize].port();
        if port == 443 {
            "https://localhost".to_owned()
        } else {
            format!("https://localhost:{port}")
        }
    }
}
