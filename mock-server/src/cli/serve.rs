//! `entra-mock serve`.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tracing::level_filters::LevelFilter;

use super::config::ConfigArgument;
use super::scenario::{ScenarioArguments, beginning};
use super::{Failure, print, runtime, summary};
use crate::environment::Environment;
use crate::journal::Redaction;
use crate::platform::interruption;
use crate::server::{Builder, HostName, MockEntra, default_data_directory, raise_descriptor_limit};
use crate::world::seed::{SeedError, SeedFile};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) world: WorldArguments,

    /// File that keeps the world: loaded at start if it is there, saved after each change
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    #[command(flatten)]
    scenario: ScenarioArguments,

    /// Address of the control API and the forward proxy
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8400", value_parser = address)]
    control: SocketAddr,

    /// First of the four TLS ports, one for each environment; 0 picks free ones
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    tls_port: u16,

    /// Serve plain HTTP on the TLS ports as well
    #[arg(long)]
    plain_http: bool,

    /// Listen on an address that others can reach: everybody there can read all secrets of the mock
    #[arg(long)]
    listen_anyway: bool,

    /// JSON file with every address and credential, written once the mock is ready; if absent, one
    /// in the data directory, which is removed when the mock is stopped by Ctrl-C or SIGTERM
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// Stop when standard input ends, so that the mock never outlives the program that started it
    #[arg(long)]
    until_eof: bool,

    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

/// What `serve` and `run` share.
#[derive(Args, Clone, Debug)]
pub(super) struct WorldArguments {
    #[command(flatten)]
    _config: ConfigArgument,

    /// Seed file (YAML) with tenants, users and apps of your own, in place of the default world
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Option<PathBuf>,

    /// Seed for everything random
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) random_seed: u64,

    /// Folder for the root certificate and the keys
    #[arg(long, value_name = "DIR", env = "ENTRA_MOCK_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Let the proxy pass requests through to hosts that are not Microsoft's
    #[arg(long)]
    allow_passthrough: bool,

    /// Use the address of the request as the issuer, for clients that compare the two:
    /// `https://localhost:8443/{tenant}/v2.0` instead of `https://login.microsoftonline.com/…`
    #[arg(long)]
    issuer_as_addressed: bool,

    /// Another host name by which clients reach the mock, such as that of its container; may be
    /// repeated. The root certificate then permits it, and all names below it
    #[arg(long, value_name = "HOST")]
    name: Vec<HostName>,

    /// Keep secrets and tokens in full in the journal
    #[arg(long)]
    journal_secrets: bool,

    /// What to log to standard error: a level, such as `debug` (a line for each request) or `trace`
    /// (why it was answered so), or directives, such as `warn,h2=trace`
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

/// A level alone is meant for the mock: of the libraries below it only warnings are of use then.
fn directives(log: &str) -> Cow<'_, str> {
    match log.parse::<LevelFilter>() {
        Ok(level) if level > LevelFilter::WARN => {
            format!("warn,entra_mock={level},entra_conformance={level}").into()
        }
        _ => log.into(),
    }
}

impl WorldArguments {
    /// The folder of the root certificate and the keys.
    pub(super) fn data_directory(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(default_data_directory)
    }

    /// A builder with these arguments.
    pub(super) fn builder(&self) -> Result<Builder, Failure> {
        let filter = tracing_subscriber::EnvFilter::try_new(directives(&self.log))
            .map_err(|error| Failure::usage(format!("--log {}: {error}", self.log)))?;
        // A second call in one process (tests) keeps the first.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .try_init();
        let redaction = if self.journal_secrets {
            Redaction::Off
        } else {
            Redaction::On
        };
        let mut builder = MockEntra::builder()
            .data_directory(self.data_directory())
            .seed(self.random_seed)
            .allow_passthrough(self.allow_passthrough)
            .issuer_as_addressed(self.issuer_as_addressed)
            .redaction(redaction);
        for name in &self.name {
            builder = builder.name(name.clone());
        }
        if let Some(path) = &self.seed {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!(
                    "cannot read the seed file {}: {error}",
                    path.display()
                ))
            })?;
            let name = path.display().to_string();
            let file = SeedFile::read(&name, &text).map_err(|error| match error {
                SeedError::Syntax(shown) => Failure::usage(shown),
                error => Failure::usage(format!("{name}: {error}")),
            })?;
            builder = builder.world(file);
        }
        Ok(builder)
    }
}

impl Serve {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        if !self.control.ip().is_loopback() {
            if !self.listen_anyway {
                return Err(Failure::usage(format!(
                    "{} can be reached by others: the mock gives all its secrets to whoever asks; \
                     use a loopback address, or --listen-anyway",
                    self.control
                )));
            }
            eprintln!(
                "warning: listening on {}: everybody there can use this mock",
                self.control
            );
        }
        raise_descriptor_limit();
        let mut builder = self
            .world
            .builder()?
            .address(self.control.ip())
            .control_port(self.control.port())
            .plain_http(self.plain_http);
        if let Some(path) = &self.state {
            builder = builder.state_file(path);
        }
        for (index, environment) in (0..).zip(Environment::ALL) {
            let port = if self.tls_port == 0 {
                0
            } else {
                self.tls_port.saturating_add(index)
            };
            builder = builder.tls_port(environment, port);
        }
        let scenario = self.scenario.read()?;
        runtime()?.block_on(async {
            let mock = start(builder).await?;
            let ready_file = self.ready_file.clone().unwrap_or_else(|| {
                let port = mock.control_address().port();
                let folder = self.world.data_directory();
                folder.join(format!("ready-{port}.json"))
            });
            write_ready(&mock, &ready_file)?;
            // Nobody asked for a file in the data directory: it goes with the server.
            let _remove = self.ready_file.is_none().then(|| Remove(ready_file));
            let quiet: fn(&str) = |_| {};
            let line = if self.quiet { quiet } else { print };
            // What cannot be played is told before the mock says that it is ready.
            let progress = match &scenario {
                Some(scenario) => Some(self.scenario.play(&mock, scenario)?),
                None => None,
            };
            line(&summary::of(&mock.ready(), self.ready_file.as_deref()));
            if let Some(progress) = progress {
                line(&beginning(&progress));
                mock.tell_of_scenarios(line);
            }
            if self.until_eof {
                tokio::select! {
                    () = interruption() => {}
                    () = end_of_input() => {}
                }
            } else {
                interruption().await;
            }
            mock.stop().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// An address to listen on: `8500`, `localhost:0`, `127.0.0.1:8400`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let plain = text.strip_prefix("http://").unwrap_or(text);
    let plain = plain.trim_end_matches('/');
    let local = plain.strip_prefix("localhost:").unwrap_or(plain);
    if let Ok(port) = local.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    plain.parse().map_err(|_| {
        "write a port, such as 8400 (0 = any free one), or an IP address with a port, such as \
         127.0.0.1:8400 or [::1]:8400"
            .to_owned()
    })
}

/// Starts the mock, and says if the root certificate is a new one.
pub(super) async fn start(builder: Builder) -> Result<MockEntra, Failure> {
    let mock = builder.start().await.map_err(Failure::usage)?;
    if let Some(notice) = mock.ca_notice() {
        eprintln!("note: {notice}");
    }
    Ok(mock)
}

/// Writes the ready file, which the variables then name.
pub(super) fn write_ready(mock: &MockEntra, path: &std::path::Path) -> Result<(), Failure> {
    mock.write_ready_file(path).map_err(|error| {
        Failure::usage(format!(
            "cannot write the ready file {}: {error}",
            path.display()
        ))
    })
}

/// A file that is removed at the end.
struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Waits until whoever holds the other end of standard input closes it, or ends.
async fn end_of_input() {
    let (tell, ended) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime would wait for a read that is under way.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = tell.send(());
    });
    let _ = ended.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_a_port_or_local() {
        for text in [
            "8500",
            "localhost:8500",
            "127.0.0.1:8500",
            "http://localhost:8500/",
        ] {
            assert_eq!(
                address(text).unwrap().to_string(),
                "127.0.0.1:8500",
                "{text}"
            );
        }
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
        for text in ["entra:8400", "85000", ""] {
            assert!(
                address(text).unwrap_err().contains("127.0.0.1:8400"),
                "{text}"
            );
        }
    }
}
