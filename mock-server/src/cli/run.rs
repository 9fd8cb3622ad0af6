//! `entra-mock run -- CMD`: start, run, stop, with CMD's status.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use indexmap::IndexMap;
use tokio::process::Command;

use super::control::VariableArguments;
use super::scenario::{ScenarioArguments, beginning};
use super::serve::{WorldArguments, start, write_ready};
use super::{Failure, runtime};
use crate::isolation;
use crate::journal::{Exchange, Surface};
use crate::platform::{Signals, find_program, other_name, signal_of};
use crate::scratch::Scratch;
use crate::server::{MockEntra, UNSET, Variables, raise_descriptor_limit, with_original_limit};
use crate::watchdog::{self, Guarded};

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    world: WorldArguments,

    #[command(flatten)]
    scenario: ScenarioArguments,

    /// Run the command in namespaces of its own: Microsoft's hosts lead to the mock without any
    /// proxy, and no other host can be reached (Linux)
    #[arg(long, conflicts_with = "direct")]
    isolated: bool,

    /// Set AZURE_AUTHORITY_HOST and no proxy, for clients that take addresses
    #[arg(long)]
    direct: bool,

    #[command(flatten)]
    variables: VariableArguments,

    /// Serve plain HTTP on the ports of the environments as well
    #[arg(long)]
    plain_http: bool,

    /// Print at the end what the command asked for: each request with its answer, and how often
    #[arg(long)]
    requests: bool,

    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,

    /// The command with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Run {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        if self.isolated {
            isolation::enter()
                .map_err(|error| Failure::usage(format!("{error}\n{}", isolation::HELP)))?;
        }
        raise_descriptor_limit();
        let scenario = self.scenario.read()?;
        let mut builder = self.world.builder()?.plain_http(self.plain_http);
        if self.isolated {
            builder = builder.real_ports();
        }
        runtime()?.block_on(async {
            let mock = start(builder).await?;
            if let Some(scenario) = &scenario {
                let progress = self.scenario.play(&mock, scenario)?;
                // Standard output is the command's.
                let line: fn(&str) = |text| eprint!("{text}");
                line(&beginning(&progress));
                mock.tell_of_scenarios(line);
            }
            if !self.quiet {
                // Standard output is the command's.
                eprintln!(
                    "note: the dashboard is at {}/ while the command runs",
                    mock.control_url()
                );
            }
            let status = self.with(&mock).await?;
            if self.requests {
                // Standard output is the command's.
                eprint!("{}", requests(&mock.journal().exchanges_since(0)));
            }
            mock.stop().await;
            Ok(exit_code(status))
        })
    }

    async fn with(&self, mock: &MockEntra) -> Result<ExitStatus, Failure> {
        watchdog::start();
        let made = Scratch::new("entra-mock-run-").map_err(|error| {
            Failure::usage(format!(
                "cannot make a temporary folder in {}: {error}; set {} to a folder that you may \
                 write to",
                std::env::temp_dir().display(),
                if cfg!(windows) { "TEMP" } else { "TMPDIR" },
            ))
        })?;
        let folder = made.path();
        let ready_file = folder.join("ready.json");
        write_ready(mock, &ready_file)?;
        if self.isolated {
            isolation::mount_files(folder, mock.ca_bundle_file(), &mock.site_hosts())
                .map_err(Failure::usage)?;
        }
        let variables = Variables {
            proxy: (!self.isolated && !self.direct).then(|| mock.proxy_url()),
            direct: self.direct,
            environment: self.variables.environment,
            credentials: !self.variables.no_credentials,
        };
        let mut command = Command::new(find_program(&self.command[0]));
        command.args(&self.command[1..]);
        for name in UNSET {
            command.env_remove(name);
        }
        if variables.proxy.is_none() {
            for name in [
                "HTTPS_PROXY",
                "https_proxy",
                "HTTP_PROXY",
                "http_proxy",
                "ALL_PROXY",
                "all_proxy",
            ] {
                command.env_remove(name);
            }
        }
        command.envs(mock.variables_for(&variables));
        let announced = watchdog::announce(command.as_std_mut(), Guarded::Process);
        let mut child = with_original_limit(|| command.spawn()).map_err(|error| {
            let name = self.command[0].to_string_lossy();
            let code = if error.kind() == std::io::ErrorKind::NotFound {
                127
            } else {
                126
            };
            Failure {
                message: format!("cannot run '{name}': {error}{}", other_name(&name)),
                code,
            }
        })?;
        let mut guard = announced.started(&child);
        let mut signals = Signals::listen().map_err(Failure::usage)?;
        loop {
            tokio::select! {
                status = child.wait() => {
                    guard.end();
                    return status.map_err(Failure::usage);
                }
                // A terminal asks the command as well; twice does no harm.
                asked = signals.next() => guard.ask(asked),
            }
        }
    }
}

/// What was asked for: requests that differ in nothing but ids, with equal answers, on one line, in
/// the order of their first.
fn requests(exchanges: &[Exchange]) -> String {
    let mut lines: IndexMap<String, (usize, IndexMap<&str, &Exchange>)> = IndexMap::new();
    for exchange in exchanges {
        let (times, paths) = lines.entry(without_ids(exchange).summary()).or_default();
        *times += 1;
        paths.entry(&exchange.path).or_insert(exchange);
    }
    let count = match exchanges.len() {
        0 => return "note: the command sent the mock no request\n".to_owned(),
        1 => "1 request".to_owned(),
        many => format!("{many} requests"),
    };
    let mut text = format!("note: the command sent the mock {count}:\n");
    for (line, (times, paths)) in lines {
        let _ = match paths.len() {
            // With its id, if it has one.
            1 => writeln!(text, "{times:>6} x  {}", paths[0].summary()),
            many => writeln!(text, "{times:>6} x  {line}  ({many} addresses)"),
        };
    }
    text
}

/// The exchange with `{id}` for the ids in a path of Graph. Names, such as those of users, stay.
fn without_ids(exchange: &Exchange) -> Cow<'_, Exchange> {
    let is_id = |segment: &str| {
        segment.len() >= 32
            && segment
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-_=!".contains(&it))
    };
    if exchange.surface != Surface::Graph || !exchange.path.split('/').any(is_id) {
        return Cow::Borrowed(exchange);
    }
    let segments = exchange.path.split('/');
    let path: Vec<&str> = segments
        .map(|it| if is_id(it) { "{id}" } else { it })
        .collect();
    Cow::Owned(Exchange {
        path: path.join("/"),
        ..exchange.clone()
    })
}

/// The command's own code, or 128 and the signal, as shells do.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| signal_of(status).map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_are_counted_in_the_order_of_their_first() {
        let exchange = |number, path: &str, status| {
            let mut exchange = Exchange::empty(Surface::Graph, None, 1);
            exchange.number = number;
            exchange.method = "GET".to_owned();
            exchange.path = path.to_owned();
            exchange.status = status;
            exchange
        };
        let asked = [
            exchange(1, "/v1.0/me", 401),
            exchange(2, "/v1.0/users", 200),
            exchange(5, "/v1.0/me", 401),
            exchange(6, "/v1.0/me", 200),
        ];
        assert_eq!(
            requests(&asked),
            "note: the command sent the mock 4 requests:\n     \
             2 x  GET /v1.0/me  → 401\n     \
             1 x  GET /v1.0/users  → 200\n     \
             1 x  GET /v1.0/me  → 200\n"
        );
        assert_eq!(
            requests(&[]),
            "note: the command sent the mock no request\n"
        );
    }

    #[test]
    fn requests_that_differ_in_ids_are_counted_together() {
        let exchange = |surface, path: &str| {
            let mut exchange = Exchange::empty(surface, None, 1);
            exchange.method = "GET".to_owned();
            exchange.path = path.to_owned();
            exchange.status = 200;
            exchange
        };
        let message = |letter: &str| {
            let id = letter.repeat(40);
            exchange(Surface::Graph, &format!("/v1.0/me/messages/{id}/$value"))
        };
        let user =
            |name: &str| exchange(Surface::Graph, &format!("/v1.0/users/{name}@contoso.com"));
        let tenant = "f45f74fc-46ef-570d-a67e-981e5b6bc3f8/oauth2/v2.0/token";
        let asked = [
            message("A"),
            user("alice"),
            message("b"),
            message("A"),
            user("bob"),
            exchange(Surface::Token, tenant),
        ];
        assert_eq!(
            requests(&asked),
            format!(
                "note: the command sent the mock 6 requests:\n     \
                 3 x  GET /v1.0/me/messages/{{id}}/$value  → 200  (2 addresses)\n     \
                 1 x  GET /v1.0/users/alice@contoso.com  → 200\n     \
                 1 x  GET /v1.0/users/bob@contoso.com  → 200\n     \
                 1 x  GET {tenant}  → 200\n"
            )
        );
    }
}
