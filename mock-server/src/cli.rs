//! The command line.

mod aadsts;
mod client;
pub mod config;
mod control;
mod coverage;
mod demo;
mod event;
mod fault;
mod files;
mod journal;
mod mistake;
mod run;
mod scenario;
mod serve;
mod state;
mod summary;
mod trust;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::watchdog;

/// Microsoft Entra ID and Microsoft Graph on your laptop: issues and revokes tokens, and fails on
/// purpose. Not affiliated with Microsoft; never for production.
#[derive(Debug, Parser)]
#[command(name = "entra-mock", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the mock until it is stopped
    Serve(serve::Serve),
    /// Start the mock, run a command against it, stop it
    Run(run::Run),
    /// Print the environment variables of a running mock
    Env(control::Env),
    /// Make something happen in a tenant of a running mock
    Event(Box<event::EventCommand>),
    /// Show or move the time of a running mock's tenants
    Clock(control::ClockCommand),
    /// Make something go wrong on purpose; list, remove or clear such faults
    Fault(fault::FaultCommand),
    /// Check scenario files, or play one in a running mock
    Scenario(scenario::ScenarioCommand),
    /// Print the journal of a running mock
    Journal(journal::JournalCommand),
    /// Explain an AADSTS code, or search for one by words of its text
    Aadsts(aadsts::Aadsts),
    /// Show how much of Microsoft Graph the mock supports, by area
    Coverage(coverage::Coverage),
    /// Run a small client that signs in and reads mail, so that there is something to look at
    Demo(demo::Demo),
    /// Export, import or reset the whole state of a running mock
    State(state::StateCommand),
    /// Make a client certificate: PEM, and .pfx in base64 as connectors ask for it
    Cert(files::Cert),
    /// Print the path of the root certificate, or add it to the trust stores of your user
    Ca(files::Ca),
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Why a command failed: what to print, and the exit code.
#[derive(Debug)]
struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The user's input does not fit: exit code 2.
    fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            code: 2,
        }
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    if watchdog::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    let matches = match config::matches(&Cli::command(), std::env::args_os().collect()) {
        Ok(matches) => matches,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match cli.command {
        Command::Serve(serve) => serve.execute(),
        Command::Run(run) => run.execute(),
        Command::Env(env) => env.execute(),
        Command::Event(event) => event.execute(),
        Command::Clock(clock) => clock.execute(),
        Command::Fault(fault) => fault.execute(),
        Command::Scenario(scenario) => scenario.execute(),
        Command::Journal(journal) => journal.execute(),
        Command::Aadsts(aadsts) => aadsts.execute(),
        Command::Coverage(coverage) => coverage.execute(),
        Command::Demo(demo) => demo.execute(),
        Command::State(state) => state.execute(),
        Command::Cert(cert) => cert.execute(),
        Command::Ca(ca) => ca.execute(),
        Command::Completions { shell } => {
            let mut command = Cli::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "entra-mock", &mut script);
            print(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|failure| {
        eprintln!("error: {}", failure.message);
        ExitCode::from(failure.code)
    })
}

/// Prints a text; a reader that went away is no error.
fn print(text: &str) {
    let _ = is_read(text);
}

/// Prints a text, and says whether somebody still reads what is printed.
fn is_read(text: &str) -> bool {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

/// A runtime with a worker for each core.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start threads: {error}")))
}
