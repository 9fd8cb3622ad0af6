//! [`MockEntra`]: what a Rust test holds, and what the program is a caller of.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::certificate::{CertificateAuthority, CertificateError, Configurations};
use super::client_certificate::{ClientCertificate, ClientCertificateFiles};
use super::connection::{Shared, accept, serve_port};
use super::data_directory::default_data_directory;
use super::edge::Edge;
use super::proxy::serve_control;
use super::ready::{Ready, ReadyEnvironment};
use super::state_file::{Saver, StateFile, StateFileError};
use super::variables;
use crate::clock::Clock;
use crate::directory::{Event, EventError, TenantId};
use crate::environment::{Environment, SignInCloud};
use crate::fault::{Fault, FaultError};
use crate::isolation::IsolationError;
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::scenario::{AuthMethod, PlayError, Players, Progress, Scenario};
use crate::token::{KeyRings, Sealer};
use crate::world::seed::{SeedContext, SeedError, SeedFile};
use crate::world::{Tenant, TenantDescription, World};

/// How a mock is started. Every port is ephemeral unless it is set.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start` is awaited"]
pub struct Builder {
    address: IpAddr,
    control_port: u16,
    tls_ports: [u16; 4],
    plain_port: Option<u16>,
    plain_http: bool,
    allow_passthrough: bool,
    seed: u64,
    world: Option<SeedFile>,
    data_directory: Option<PathBuf>,
    state_file: Option<PathBuf>,
    journal_capacity: usize,
    redaction: Redaction,
}

/// A running Microsoft Entra ID and Microsoft Graph. Stops when it is dropped.
#[derive(Debug)]
#[must_use = "the mock stops when it is dropped"]
pub struct MockEntra {
    core: Arc<Core>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    saver: Option<Saver>,
}

/// What the mock and its control API share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) world: Arc<World>,
    pub(crate) players: Arc<Players>,
    pub(crate) context: SeedContext,
    authority: Arc<CertificateAuthority>,
    certificate_files: ClientCertificateFiles,
    certificate_password: String,
    control: SocketAddr,
    ports: [SocketAddr; 4],
    /// The world at the beginning, where it is not the default one.
    seed: Option<SeedFile>,
    /// When it was started, in real time.
    pub(crate) started: Timestamp,
    /// Where the ready file is, once one was written.
    ready_file: OnceLock<PathBuf>,
}

/// A tenant of a running mock.
#[derive(Clone, Debug)]
pub struct TenantHandle {
    core: Arc<Core>,
    tenant: Arc<Tenant>,
}

/// Why a mock does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port can't be listened on.
    #[error("cannot listen on {address}: {error}; {help}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What happened.
        error: io::Error,
        /// What to do.
        help: &'static str,
    },
    /// The certificate authority or the client certificate can't be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The files of an isolated run can't be put in place.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The seed file does not make a world.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The state file can't be read or written.
    #[error(transparent)]
    State(#[from] StateFileError),
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            control_port: 0,
            tls_ports: [0; 4],
            plain_port: None,
            plain_http: false,
            allow_passthrough: false,
            seed: 1,
            world: None,
            data_directory: None,
            state_file: None,
            journal_capacity: 2000,
            redaction: Redaction::On,
        }
    }
}

impl Builder {
    /// The address to listen on; 127.0.0.1 by default. Anybody who reaches another one can read
    /// every secret of the mock.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// The port of the control API and the proxy.
    pub fn control_port(mut self, port: u16) -> Self {
        self.control_port = port;
        self
    }

    /// The port that serves an environment's authority and Graph.
    pub fn tls_port(mut self, environment: Environment, port: u16) -> Self {
        self.tls_ports[environment as usize] = port;
        self
    }

    /// Serves plain HTTP on the ports of the environments, beside TLS.
    pub fn plain_http(mut self, plain_http: bool) -> Self {
        self.plain_http = plain_http;
        self
    }

    /// Listens on 443 and 80 for all real host names, as inside of `run --isolated`.
    pub fn real_ports(mut self) -> Self {
        self.tls_ports[Environment::Office365 as usize] = 443;
        self.plain_port = Some(80);
        self
    }

    /// Lets the proxy tunnel to hosts that are none of ours.
    pub fn allow_passthrough(mut self, allow: bool) -> Self {
        self.allow_passthrough = allow;
        self
    }

    /// The seed of all that is random but keys.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Another world than the default one.
    pub fn world(mut self, world: SeedFile) -> Self {
        self.world = Some(world);
        self
    }

    /// Where the certificate authority and the keys are kept.
    pub fn data_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_directory = Some(folder.into());
        self
    }

    /// A file that keeps the world: loaded now if it is there (then it counts, and not
    /// [`Builder::world`]), and saved after each change and at [`MockEntra::stop`].
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// How many entries the journal keeps.
    pub fn journal_capacity(mut self, entries: usize) -> Self {
        self.journal_capacity = entries;
        self
    }

    /// Whether the journal replaces secrets and tokens.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Starts the mock; it is ready when this returns.
    pub async fn start(self) -> Result<MockEntra, StartError> {
        let now = Clock::real().now();
        let folder = self
            .data_directory
            .clone()
            .unwrap_or_else(default_data_directory);
        let keys = Arc::new(KeyRings::new(Some(&folder)));
        // On a new machine two RSA keys are made at once, on two cores.
        let (certificate, authority) = thread::scope(|scope| {
            scope.spawn(|| keys.of(SignInCloud::Global).key(0));
            let authority = scope.spawn(|| CertificateAuthority::open(&folder, now));
            let certificate = ClientCertificate::of_machine(&folder, now);
            let authority = authority
                .join()
                .expect("opening the authority does not panic");
            (certificate, authority)
        });
        let ((certificate, certificate_files), authority) = (certificate?, Arc::new(authority?));
        let context = SeedContext {
            now,
            client_certificate: Some(certificate.certificate.clone()),
        };
        let journal = Journal::new(self.journal_capacity, self.redaction);
        let world = Arc::new(World::new(
            Random::seeded(self.seed),
            Arc::clone(&keys),
            Sealer::new(),
            journal,
        ));
        let saver = match &self.state_file {
            Some(path) => {
                let (file, snapshot) = StateFile::open(path)?;
                match snapshot {
                    Some(snapshot) => file.restore(&world, snapshot)?,
                    None => world.begin(self.world.as_ref(), &context)?,
                }
                Some(file.keep(Arc::clone(&world))?)
            }
            None => {
                world.begin(self.world.as_ref(), &context)?;
                None
            }
        };
        self.listen(
            world,
            keys,
            context,
            authority,
            certificate,
            certificate_files,
            saver,
        )
        .await
    }

    #[expect(clippy::too_many_arguments, reason = "the second half of `start`")]
    async fn listen(
        self,
        world: Arc<World>,
        keys: Arc<KeyRings>,
        context: SeedContext,
        authority: Arc<CertificateAuthority>,
        certificate: ClientCertificate,
        certificate_files: ClientCertificateFiles,
        saver: Option<Saver>,
    ) -> Result<MockEntra, StartError> {
        let control = bind(
            self.address,
            self.control_port,
            "choose another with --control",
        )
        .await?;
        let mut listeners = Vec::new();
        let mut ports = [SocketAddr::from(([127, 0, 0, 1], 0)); 4];
        for environment in Environment::ALL {
            let port = self.tls_ports[environment as usize];
            let listener = bind(self.address, port, "choose another with --tls-port").await?;
            ports[environment as usize] = listener.1;
            listeners.push((environment, listener.0));
        }
        if let Some(port) = self.plain_port {
            let listener = bind(self.address, port, "another program serves plain HTTP").await?;
            listeners.push((Environment::Office365, listener.0));
        }
        let tls = Configurations::new(Arc::clone(&authority), context.now);
        let (stop, stopped) = watch::channel(false);
        let players = Arc::new(Players::default());
        let edge = Edge::new(Arc::clone(&world), Arc::clone(&players));
        let shared = Arc::new(Shared::new(
            edge,
            tls,
            self.plain_http,
            self.allow_passthrough,
            stopped,
        ));
        let known = Environment::ALL.map(|it| (ports[it as usize].port(), it));
        // Set once, a few lines after it was made.
        let _ = shared.ports.set(known.to_vec());
        let core = Arc::new(Core {
            world,
            players,
            context,
            authority,
            certificate_files,
            certificate_password: certificate.password,
            control: control.1,
            ports,
            seed: self.world,
            started: Clock::real().now(),
            ready_file: OnceLock::new(),
        });
        let mut tasks = Vec::new();
        for (environment, listener) in listeners {
            let serve = move |shared, stream| serve_port(shared, stream, environment);
            tasks.push(tokio::spawn(accept(Arc::clone(&shared), listener, serve)));
        }
        let router = crate::control::router(Arc::clone(&core));
        let serve = move |shared, stream: TcpStream| {
            serve_control(shared, stream, Some(router.clone()), None)
        };
        tasks.push(tokio::spawn(accept(Arc::clone(&shared), control.0, serve)));
        // The other keys are made while nobody waits for them.
        thread::spawn(move || {
            #[expect(
                clippy::disallowed_methods,
                reason = "the first requests have the cores"
            )]
            thread::sleep(Duration::from_secs(1));
            for cloud in SignInCloud::ALL {
                keys.of(cloud).published(0);
            }
        });
        Ok(MockEntra {
            core,
            shared,
            stop,
            tasks,
            saver,
        })
    }
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
        let label: Arc<str> = label.into();
        let serve = move |shared, stream: TcpStream| {
            serve_control(shared, stream, None, Some(Arc::clone(&label)))
        };
        self.tasks.push(tokio::spawn(accept(
            Arc::clone(&self.shared),
            listener,
            serve,
        )));
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
        self.variables_for(Some(&self.proxy_url()), false)
    }

    /// The environment variables for another proxy, or for none; `direct` adds
    /// `AZURE_AUTHORITY_HOST`.
    pub fn variables_for(&self, proxy: Option<&str>, direct: bool) -> Vec<(String, String)> {
        self.core.variables(proxy, direct)
    }

    /// Stops listening, lets open exchanges end within two seconds, and returns.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
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

    fn describe(&self, tenant: &Tenant) -> TenantDescription {
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

    fn root(&self, environment: Environment) -> String {
        let port = self.ports[environment as usize].port();
        if port == 443 {
            "https://localhost".to_owned()
        } else {
            format!("https://localhost:{port}")
        }
    }
}

impl TenantHandle {
    /// The id.
    pub fn id(&self) -> TenantId {
        self.tenant.id
    }

    /// The initial domain.
    pub fn domain(&self) -> String {
        self.tenant.directory().domain().to_owned()
    }

    /// Where the tenant lives.
    pub fn environment(&self) -> Environment {
        self.tenant.environment
    }

    /// Users, apps and credentials.
    pub fn describe(&self) -> TenantDescription {
        self.core.describe(&self.tenant)
    }

    /// The tenant's token endpoint (v2) on localhost.
    pub fn token_endpoint(&self) -> String {
        format!(
            "{}/{}/oauth2/v2.0/token",
            self.core.root(self.environment()),
            self.id()
        )
    }

    /// The tenant's time.
    pub fn clock(&self) -> &Clock {
        &self.tenant.clock
    }

    /// Makes something happen.
    pub fn event(&self, event: &Event) -> Result<(), EventError> {
        self.core.world.apply(&self.tenant, event)
    }

    /// Sets a fault, and returns its number, which the journal names.
    ///
    /// # Errors
    ///
    /// The fault would never act, or names what the tenant does not have.
    pub fn fault(&self, fault: Fault) -> Result<u64, FaultError> {
        self.core.world.add_fault(&self.tenant, fault)
    }

    /// Plays a scenario, in place of the one that was loaded before: what it says of the mock
    /// happens, and what it says of a client is waited for. Without an auth method the first one
    /// of the scenario is meant.
    ///
    /// # Errors
    ///
    /// The scenario does not fit the tenant, or names what it does not have.
    pub fn play(
        &self,
        scenario: &Scenario,
        auth_method: Option<AuthMethod>,
    ) -> Result<Progress, PlayError> {
        let core = &self.core;
        core.players
            .load(&core.world, &self.tenant, scenario, auth_method)
    }

    /// How far the scenario is, if one is played.
    pub fn played(&self) -> Option<Progress> {
        self.core.players.progress(&self.tenant)
    }

    /// Passes over the step of the scenario that is waited for.
    ///
    /// # Errors
    ///
    /// No scenario is played, or it has ended.
    pub fn play_next(&self) -> Result<Progress, PlayError> {
        self.core.players.next(&self.core.world, &self.tenant)
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.core.world.clear_faults(&self.tenant);
    }

    /// The tenant itself.
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }
}

async fn bind(
    address: IpAddr,
    port: u16,
    help: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let address = SocketAddr::new(address, port);
    let failed = |error| StartError::Listen {
        address,
        error,
        help,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
