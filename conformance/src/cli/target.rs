//! Flags that several commands share: which library, which cases, which connector.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use entra_mock::cli::config::ConfigArgument;
use entra_mock::environment::Environment;

use super::{Failure, auth_method};
use crate::case::{AuthMethod, Case, Level, Library, Pattern};
use crate::driver::Source;
use crate::report::Results;
use crate::runner::{Limits, Reach, Rerun, RunOptions};
use crate::selection::{Selection, Shard};

/// Which library of scenarios.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct LibraryFlags {
    #[command(flatten)]
    _config: ConfigArgument,
    /// Use the scenarios of this folder instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

impl LibraryFlags {
    /// Reads them.
    pub(super) fn load(&self) -> Result<Library, Failure> {
        Ok(match &self.scenarios {
            Some(directory) => Library::from_directory(directory)?,
            None => Library::embedded()?,
        })
    }

    /// The flag of a rerun command, with a blank before it.
    pub(super) fn rerun(&self) -> String {
        let named = self.scenarios.as_ref();
        named.map_or_else(String::new, |folder| {
            format!(" --scenarios {}", quoted(&folder.display().to_string()))
        })
    }
}

/// Which cases.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SelectionFlags {
    /// Only cases that match this pattern, such as 'auth/**', 'auth/*[auth=own-app]' or
    /// 'auth/happy/connect#reaches-graph'; may be repeated
    #[arg(long, value_name = "PATTERN")]
    filter: Vec<Pattern>,
    /// Only this auth method; may be repeated
    #[arg(long, value_name = "METHOD", value_parser = auth_method, value_delimiter = ',')]
    auth: Vec<AuthMethod>,
    /// Only this environment; may be repeated
    #[arg(long, value_name = "ENVIRONMENT", value_delimiter = ',')]
    environment: Vec<Environment>,
    /// Only part I of N of the cases
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// Only the cases that were not as expected in these results (of --json or --events)
    #[arg(long, value_name = "FILE")]
    rerun_failed: Option<PathBuf>,
}

impl SelectionFlags {
    pub(super) fn select(&self, cases: &[Case]) -> Result<Vec<Case>, Failure> {
        let ids = match &self.rerun_failed {
            Some(path) => {
                let results = Results::read(path).map_err(Failure::usage)?;
                Some(results.unexpected().map(|case| case.id.clone()).collect())
            }
            None => None,
        };
        let selection = Selection {
            filters: self.filter.clone(),
            auth: self.auth.clone(),
            environments: self.environment.clone(),
            ids,
            shard: self.shard,
        };
        let nothing = |error: crate::case::PatternError| Failure {
            message: error.to_string(),
            status: crate::report::ExitStatus::NothingSelected,
        };
        selection.select(cases).map_err(nothing)
    }
}

/// Which connector, and how it is driven.
#[derive(Clone, Debug, Args)]
pub(super) struct ConnectorFlags {
    /// The connector: a command that speaks the protocol on standard input and output,
    /// tcp:HOST:PORT, unix:PATH, or 'reference' for the built-in one
    #[arg(long, value_name = "CONNECTOR", default_value = "reference")]
    pub(super) connector: String,
    /// Give the connector the addresses of authority and Graph instead of a proxy
    #[arg(long, conflicts_with = "isolated")]
    direct: bool,
    /// Run in namespaces of its own: Microsoft's hosts lead to the mock without any proxy, and no
    /// other host can be reached (Linux)
    #[arg(long)]
    pub(super) isolated: bool,
    /// Seed for everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The time limit of a case, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
    /// The time limit of a request to the driver, in seconds; 10 by default, and 30 for
    /// 'initialize'
    #[arg(long, value_name = "SECONDS")]
    request_timeout: Option<u64>,
    /// Judge checks of this level and above
    #[arg(long, value_parser = level, default_value = "should", value_name = "must|should|may")]
    level: Level,
}

impl ConnectorFlags {
    pub(super) fn source(&self) -> Result<Source, Failure> {
        self.connector
            .parse()
            .map_err(|error: crate::driver::SourceError| Failure::usage(error))
    }

    pub(super) fn reach(&self) -> Reach {
        match (self.direct, self.isolated) {
            (true, _) => Reach::Direct,
            (false, true) => Reach::Isolated,
            (false, false) => Reach::Proxy,
        }
    }

    /// Enters the namespaces, where they are asked for. Before any thread is started.
    pub(super) fn enter(&self) -> Result<(), Failure> {
        if self.isolated {
            entra_mock::isolation::enter().map_err(|error| {
                Failure::incomplete(format!("{error}\n{}", entra_mock::isolation::HELP))
            })?;
        }
        entra_mock::watchdog::start();
        Ok(())
    }

    pub(super) fn options(&self, jobs: Option<NonZeroUsize>) -> Result<RunOptions, Failure> {
        let cores = std::thread::available_parallelism().ok();
        // What came by no proxy can only be told apart where cases run one by one.
        let default = if self.reach() == Reach::Proxy {
            cores
        } else {
            None
        };
        let jobs = jobs.or(default).map_or(1, NonZeroUsize::get);
        Ok(RunOptions {
            source: self.source()?,
            jobs,
            seed: self.seed,
            level: self.level,
            limits: self.limits(),
            reach: self.reach(),
            artifacts: None,
            shard: None,
            watch: None,
            rerun: Rerun {
                file: None,
                flags: self.rerun(),
            },
        })
    }

    fn limits(&self) -> Limits {
        let usual = Limits::default();
        let given = self.request_timeout.map(Duration::from_secs);
        Limits {
            start: given.unwrap_or(usual.start),
            request: given.unwrap_or(usual.request),
            case: Duration::from_secs(self.timeout),
            run: None,
        }
    }

    /// The flags of a rerun command.
    fn rerun(&self) -> String {
        let mut flags = Vec::new();
        if self.connector != "reference" {
            flags.push(format!("--connector {}", quoted(&self.connector)));
        }
        match self.reach() {
            Reach::Direct => flags.push("--direct".to_owned()),
            Reach::Isolated => flags.push("--isolated".to_owned()),
            Reach::Proxy => {}
        }
        if self.timeout != Limits::default().case.as_secs() {
            flags.push(format!("--timeout {}", self.timeout));
        }
        if let Some(seconds) = self.request_timeout {
            flags.push(format!("--request-timeout {seconds}"));
        }
        match self.level {
            Level::May => flags.push("--level may".to_owned()),
            Level::Must => flags.push("--level must".to_owned()),
            Level::Should => {}
        }
        flags.join(" ")
    }
}

/// A word for a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:".contains(it);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn level(text: &str) -> Result<Level, String> {
    match text {
        "may" => Ok(Level::May),
        "must" => Ok(Level::Must),
        "should" => Ok(Level::Should),
        _ => Err("expected must, should or may".to_owned()),
    }
}
