//! `entra-conformance run`: cases against a connector.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::target::{ConnectorFlags, LibraryFlags, SelectionFlags};
use super::{Failure, runtime};
use crate::known_failure::KnownFailures;
use crate::report::{ExitStatus, Paint, ReportOptions, Reporter};
use crate::runner;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    connector: ConnectorFlags,
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    scenarios: LibraryFlags,
    #[command(flatten)]
    report: ReportOptions,

    /// How many cases run at once, each with a driver process of its own; the number of cores by
    /// default. From two on, cases in which the service is silent for a second or more wait beside
    /// them, at most two for each job
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// A file of failures that are known, each with its reason
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,
    /// Where the artifacts of failed cases are kept
    #[arg(long, value_name = "DIR", default_value = "target/conformance")]
    artifacts: PathBuf,
    /// The time limit of the run, in seconds
    #[arg(long = "run-timeout", value_name = "SECONDS")]
    time_limit: Option<u64>,
}

impl Run {
    pub(super) fn execute(self, paint: Paint) -> Result<ExitStatus, Failure> {
        let all = self.scenarios.load()?.cases();
        let cases = self.selection.select(&all)?;
        if cases.is_empty() {
            return Err(Failure {
                message: "no case was selected; 'entra-conformance list' shows what there is"
                    .to_owned(),
                status: ExitStatus::NothingSelected,
            });
        }
        let known = match &self.known_failures {
            Some(path) => KnownFailures::read(path).map_err(Failure::usage)?,
            None => KnownFailures::default(),
        };
        let mut options = self.connector.options(self.jobs)?;
        options.rerun.flags.push_str(&self.scenarios.rerun());
        options.artifacts = Some(self.artifacts);
        options.shard = self.selection.shard.map(|it| it.to_string());
        options.limits.run = self.time_limit.map(Duration::from_secs);
        self.connector.enter()?;
        let progress = std::io::stderr().is_terminal();
        let mut reporter = Reporter::new(self.report, paint, progress).map_err(Failure::usage)?;
        runtime()?
            .block_on(runner::run(cases, &all, options, known, |event| {
                reporter.tell(event);
            }))
            .map_err(Failure::incomplete)?;
        let results = reporter.finish().map_err(Failure::incomplete)?;
        Ok(results.exit_status())
    }
}
