//! `entra-conformance merge F…`: the results of shards, in one report.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::report::{ExitStatus, Paint, ReportOptions, Reporter, Results};

#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Files written by --json or --events
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    report: ReportOptions,
}

impl Merge {
    pub(super) fn execute(self, paint: Paint) -> Result<ExitStatus, Failure> {
        let merged = Results::merge(&self.files).map_err(Failure::usage)?;
        let mut reporter = Reporter::new(self.report, paint, false).map_err(Failure::usage)?;
        for event in merged.events() {
            reporter.tell(&event);
        }
        Ok(reporter
            .finish()
            .map_err(Failure::incomplete)?
            .exit_status())
    }
}
