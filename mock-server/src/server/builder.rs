//! How a mock is started.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::capacity::{Capacity, Use};
use super::certificate::{CertificateAuthority, CertificateError, Configurations};
use super::client_certificate::{ClientCertificate, ClientCertificateFiles};
use super::connection::{Shared, accept, serve_port};
use super::core::Core;
use super::data_directory::default_data_directory;
use super::edge::Edge;
use super::host_name::HostName;
use super::mock::MockEntra;
use super::proxy::serve_control;
use super::state_file::{Saver, StateFile, StateFileError};
use crate::apart::Apart;
use crate::clock::Clock;
use crate::environment::{Environment, SignInCloud};
use crate::isolation::IsolationError;
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::scenario::Players;
use crate::token::{KeyRings, Sealer};
use crate::world::World;
use crate::world::seed::{SeedContext, SeedError, SeedFile};

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
    issuer_as_addressed: bool,
    names: Vec<HostName>,
    seed: u64,
    world: Option<SeedFile>,
    data_directory: Option<PathBuf>,
    state_file: Option<PathBuf>,
    journal_capacity: usize,
    redaction: Redaction,
    /// Other than the process's limit on open files leaves.
    capacity: Option<(usize, usize)>,
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
            issuer_as_addressed: false,
            names: Vec::new(),
            seed: 1,
            world: None,
            data_directory: None,
            state_file: None,
            journal_capacity: 2000,
            redaction: Redaction::On,
            capacity: None,
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

    /// Makes the address that a client asks the issuer in metadata and tokens, where it is a port of
    /// this machine: what OpenID Connect demands and some clients check. The service's issuers stay
    /// where its host names are asked.
    pub fn issuer_as_addressed(mut self, addressed: bool) -> Self {
        self.issuer_as_addressed = addressed;
        self
    }

    /// A further name by which clients reach the mock: the control port and the proxy accept it,
    /// and it has a certificate. The first one stands in the addresses that the mock tells, if it
    /// listens elsewhere than on loopback.
    pub fn name(mut self, name: HostName) -> Self {
        self.names.push(name);
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

    /// How many connections are held, and how many more the control port may have.
    #[cfg(test)]
    pub(crate) fn capacity(mut self, most: usize, reserve: usize) -> Self {
        self.capacity = Some((most, reserve));
        self
    }

    /// Starts the mock; it is ready when this returns.
    pub async fn start(self) -> Result<MockEntra, StartError> {
        let now = Clock::real().now();
        let folder = self
            .data_directory
            .clone()
            .unwrap_or_else(default_data_directory);
        // The paths in variables and the ready file hold wherever a client runs.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        let keys = Arc::new(KeyRings::new(Some(&folder)));
        // On a new machine two RSA keys are made at once, on two cores.
        let (certificate, authority) = thread::scope(|scope| {
            scope.spawn(|| keys.of(SignInCloud::Global).key(0));
            let authority = scope.spawn(|| CertificateAuthority::open(&folder, &names, now));
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
                file.keep_contents(&world, snapshot.is_none())?;
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
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        let tls = Configurations::new(Arc::clone(&authority), &names, context.now);
        let (stop, stopped) = watch::channel(false);
        let players = Arc::new(Players::default());
        let edge = Edge::new(
            Arc::clone(&world),
            Arc::clone(&players),
            self.issuer_as_addressed,
        );
        let shared = Arc::new(Shared::new(
            edge,
            tls,
            self.plain_http,
            self.allow_passthrough,
            names,
            self.capacity
                .map_or_else(Capacity::of_process, |(most, reserve)| {
                    Capacity::new(most, reserve, most + reserve)
                }),
            stopped,
        ));
        let listens = listeners.iter().filter_map(|(_, it)| it.local_addr().ok());
        let listens = listens.chain([control.1]).map(|it| it.port());
        shared.listens.write(|it| it.extend(listens));
        let known = Environment::ALL.map(|it| (ports[it as usize].port(), it));
        // Set once, a few lines after it was made.
        let _ = shared.ports.set(known.to_vec());
        let core = Arc::new(Core {
            world,
            players,
            context,
            exports: Apart::new(),
            readers: Apart::new(),
            authority,
            certificate_files,
            certificate_password: certificate.password,
            control: control.1,
            names: self.names,
            ports,
            seed: self.world,
            started: Clock::real().now(),
            ready_file: OnceLock::new(),
        });
        let mut tasks = Vec::new();
        for (environment, listener) in listeners {
            let serve = move |shared, stream, place| serve_port(shared, stream, place, environment);
            let accepting = accept(Arc::clone(&shared), listener, Use::Exchange, serve);
            tasks.push(tokio::spawn(accepting));
        }
        let router = crate::control::router(Arc::clone(&core));
        let serve = move |shared, stream: TcpStream, place| {
            serve_control(shared, stream, place, Some(router.clone()), None)
        };
        let accepting = accept(Arc::clone(&shared), control.0, Use::Control, serve);
        tasks.push(tokio::spawn(accepting));
        let capacity = Arc::clone(&shared.capacity);
        tasks.push(tokio::spawn(capacity.keep_swept(shared.stop.clone())));
        let answers = Arc::clone(&shared.answers);
        tasks.push(tokio::spawn(answers.keep_swept(shared.stop.clone())));
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

pub(super) async fn bind(
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
