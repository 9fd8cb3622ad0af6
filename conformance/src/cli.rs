//! The command line.

mod check_driver;
mod explain;
mod init;
mod list;
mod merge;
mod replay;
mod run;
mod selftest;
mod target;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use entra_mock::cli::config;
use entra_mock::watchdog;

use crate::case::{AuthMethod, LibraryError};
use crate::report::{ExitStatus, Paint};

/// Drives any Microsoft 365 connector through every documented auth method and failure, against a
/// mock of Microsoft Entra ID and Microsoft Graph, and says which rule it broke.
#[derive(Debug, Parser)]
#[command(name = "entra-conformance", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run cases against a connector
    Run(Box<run::Run>),
    /// List the cases
    List(list::List),
    /// Explain what a case does, what it checks, and which document it follows
    Explain(explain::Explain),
    /// Run one case, and print the whole conversation as it happens
    Replay(replay::Replay),
    /// Check that a driver speaks the protocol, before any case runs
    CheckDriver(check_driver::CheckDriver),
    /// Prove that the suite can fail: every deliberately broken connector is caught
    Selftest(selftest::Selftest),
    /// Write a starter driver in one of five languages
    Init(init::Init),
    /// Join the results of shards into one report
    Merge(merge::Merge),
    /// Print the JSON Schemas of the protocol, of the reports, or of scenario files
    Schema {
        /// What the schemas describe
        #[arg(value_enum)]
        of: Schema,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Serve the reference connector on standard input and output
    #[command(hide = true)]
    ReferenceDriver {
        /// The folder in which its connections outlive the process
        #[arg(long, value_name = "FOLDER")]
        store: Option<std::path::PathBuf>,
        /// What it is for: mail or files
        #[arg(long, value_name = "GUISE", default_value_t)]
        guise: crate::reference::Guise,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Schema {
    /// The messages between suite and driver
    Protocol,
    /// Events and JSON report
    Report,
    /// Scenario files
    Scenario,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Why a command failed: what to print, and the exit code.
#[derive(Debug)]
struct Failure {
    message: String,
    status: ExitStatus,
}

impl Failure {
    /// The user's input does not fit.
    fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            status: ExitStatus::Usage,
        }
    }

    /// The command could not be completed.
    fn incomplete(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            status: ExitStatus::Incomplete,
        }
    }
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        match error {
            // With the place in the file.
            LibraryError::Read(error) => Self::usage(error.render()),
            error => Self::usage(error),
        }
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    if watchdog::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    let arguments = std::env::args_os().collect();
    let matches = match config::matches(&Cli::command(), arguments) {
        Ok(matches) => matches,
        Err(error) => {
            eprintln!("error: {}", crate::text::visible(&error.to_string()));
            return ExitStatus::Usage.into();
        }
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let paint = Paint {
        colour: cli.color.on_standard_output(),
    };
    let result = match cli.command {
        Command::Run(run) => run.execute(paint),
        Command::Selftest(selftest) => selftest.execute(),
        Command::List(list) => list.execute(),
        Command::Explain(explain) => explain.execute(),
        Command::Replay(replay) => replay.execute(paint),
        Command::CheckDriver(check) => check.execute(),
        Command::Init(init) => init.execute(),
        Command::Merge(merge) => merge.execute(paint),
        Command::Schema { of } => schema(of),
        Command::Completions { shell } => {
            let mut command = Cli::command();
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command, "entra-conformance", &mut text);
            print(&String::from_utf8_lossy(&text));
            Ok(ExitStatus::AsExpected)
        }
        Command::ReferenceDriver { store, guise } => reference_driver(store.as_deref(), guise),
    };
    match result {
        Ok(status) => status.into(),
        Err(failure) => {
            eprintln!("error: {}", crate::text::visible(&failure.message));
            failure.status.into()
        }
    }
}

impl Color {
    fn on_standard_output(self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the entry of the command line")]
        let refused = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        match self {
            Self::Always => true,
            Self::Auto => std::io::stdout().is_terminal() && !refused,
            Self::Never => false,
        }
    }
}

fn reference_driver(
    folder: Option<&std::path::Path>,
    guise: crate::reference::Guise,
) -> Result<ExitStatus, Failure> {
    let made = folder.map(crate::reference::Store::in_folder).transpose();
    let store = made.map_err(|error| Failure::usage(format!("--store: {error}")))?;
    let runtime = runtime()?;
    runtime.block_on(crate::reference::serve(
        tokio::io::stdin(),
        tokio::io::stdout(),
        (crate::reference::Kind::Sound, guise),
        store,
        std::sync::Arc::new(|line: &str| eprintln!("{line}")),
    ));
    // A pending read of standard input must not hold the process.
    runtime.shutdown_background();
    Ok(ExitStatus::AsExpected)
}

fn schema(of: Schema) -> Result<ExitStatus, Failure> {
    let schema = match of {
        Schema::Protocol => crate::protocol::schemas(),
        Schema::Report => crate::report::schemas(),
        Schema::Scenario => crate::case::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::incomplete)?;
    print(&(text + "\n"));
    Ok(ExitStatus::AsExpected)
}

/// Prints a text; a reader that went away is no error.
fn print(text: &str) {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A runtime with a worker for each core.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::incomplete(format!("cannot start threads: {error}")))
}

/// The name of an auth method, with the nearest one if it is none.
fn auth_method(text: &str) -> Result<AuthMethod, String> {
    text.parse()
        .map_err(|error: crate::case::UnknownName| error.to_string())
}
