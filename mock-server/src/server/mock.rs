//! [`MockEntra`]: what a Rust test holds, and what the program is a caller of.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::builder::{Builder, StartError, bind};
use super::capacity::Use;
use super::connection::{STOP_TIME, Shared, accept};
use super::core::Core;
use super::proxy::serve_control;
use super::ready::Ready;
use super::state_file::Saver;
use super::tenant_handle::TenantHandle;
use super::variables::Variables;
use crate::directory::TenantId;
use crate::environment::{Environment, SignInCloud};
use crate::journal::Journal;
use crate::world::World;

/// A running Microsoft Entra ID and Microsoft Graph. Stops when it is dropped.
#[derive(Debug)]
#[must_use = "the mock stops when it is dropped"]
pub struct MockEntra {
    pub(super) core: Arc<Core>,
    pub(super) shared: Arc<Shared>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) saver: Option<Saver>,
}

impl MockEntra {
    /// Decides how to start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts with the default world on ephemeral ports.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// The default tenant of an environment.
    ///
    /// # Panics
    ///
    /// If a seed file replaced the default world and has no tenant there.
    pub fn tenant(&self, environment: Environment) -> TenantHandle {
        let defaults = self.core.world.defaults();
        let tenant = defaults
            .into_iter()
            .find(|tenant| tenant.environment == environment);
        let tenant = tenant.unwrap_or_else(|| panic!("the world has no tenant in {environment}"));
        TenantHandle {
            core: Arc::clone(&self.core),
            tenant,
        }
    }

    /// Makes a tenant of its own, as the default one but with other ids: the unit of isolation
    /// for tests that share a mock.
    pub fn create_tenant(&self, environment: Environment) -> TenantHandle {
        let tenant = self
            .core
            .world
            .create_tenant(environment, &self.core.context);
        TenantHandle {
            core: Arc::clone(&self.core),
            tenant,
        }
    }

    /// Forgets a tenant.
    pub fn remove_tenant(&self, id: TenantId) {
        for cloud in SignInCloud::ALL {
            self.core.remove_tenant(cloud, id);
        }
    }

    /// The address of the control API.
    pub(crate) fn control_address(&self) -> SocketAddr {
        self.core.control
    }

    /// Calls a function with each line of progress of the scenarios that are played.
    pub(crate) fn tell_of_scenarios(&self, line: fn(&str)) {
        self.core.players.tell(line);
    }

    /// All tenants.
    #[doc(hidden)]
    pub fn world(&self) -> &Arc<World> {
        &self.core.world
    }

    /// The record of what happened.
    pub fn journal(&self) -> &Journal {
        &self.core.world.journal
    }

    /// The root of an environment's authority on localhost, without a trailing slash.
    pub fn authority(&self, environment: Environment) -> String {
        self.core.root(environment)
    }

    /// The root of an environment's Graph on localhost, without a trailing slash.
    pub fn graph(&self, environment: Environment) -> String {
        self.core.root(environment)
    }

    /// The URL of the forward proxy.
    pub fn proxy_url(&self) -> String {
        self.core.control_url()
    }

    /// The URL of the control API.
    pub fn control_url(&self) -> String {
        self.core.control_url()
    }

    /// Opens a further proxy listener; exchanges that come through it carry the label.
    pub async fn open_proxy(&mut self, label: &str) -> Result<String, StartError> {
        let (listener, address) = bind(self.core.control.ip(), 0, "try again").await?;
        self.shared.listens.write(|it| it.push(address.port()));
        let label: Arc<str> = label.into();
        let serve = move |shared, stream: TcpStream, place| {
            serve_control(shared, stream, place, None, Some(Arc::clone(&label)))
        };
        let accepting = accept(Arc::clone(&self.shared), listener, Use::Exchange, serve);
        self.tasks.push(tokio::spawn(accepting));
        Ok(format!("http://{address}"))
    }

    /// The root certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        self.core.authority.pem()
    }

    /// The file with the root certificate.
    pub fn ca_file(&self) -> &Path {
        self.core.authority.file()
    }

    /// The file with the system's roots and ours.
    pub fn ca_bundle_file(&self) -> &Path {
        self.core.authority.bundle_file()
    }

    /// The hosts of the tenants' sites.
    pub fn site_hosts(&self) -> Vec<String> {
        crate::graph::files::hosts(&self.core.world)
    }

    /// Every address and credential.
    pub fn ready(&self) -> Ready {
        self.core.ready()
    }

    /// Writes every address and credential into a file, whole: a reader that sees it can parse it.
    /// From then on [`MockEntra::variables`] name the first one that was written.
    pub fn write_ready_file(&self, path: &Path) -> io::Result<()> {
        let path = std::path::absolute(path)?;
        let text = serde_json::to_string_pretty(&self.ready())?;
        // It holds every secret of the mock.
        crate::file::write(&path, text.as_bytes(), 0o600)?;
        let _ = self.core.ready_file.set(path);
        Ok(())
    }

    /// The environment variables by which unmodified clients find the mock.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.variables_for(&Variables {
            proxy: Some(self.proxy_url()),
            ..Variables::default()
        })
    }

    /// The environment variables of one's choice.
    pub fn variables_for(&self, choice: &Variables) -> Vec<(String, String)> {
        self.core.variables(choice, &self.core.addresses())
    }

    /// What to say about the root certificate: an older one was replaced.
    pub(crate) fn ca_notice(&self) -> Option<String> {
        self.core.authority.notice()
    }

    /// Stops listening, lets open exchanges end within two seconds, and returns.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
        let _ = tokio::time::timeout(STOP_TIME, self.shared.capacity.emptied()).await;
        if let Some(saver) = self.saver.take() {
            saver.finish().await;
        }
    }
}

impl Drop for MockEntra {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}
