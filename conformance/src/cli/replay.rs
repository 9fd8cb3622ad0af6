//! `entra-conformance replay CASE|FILE`: one case, with the whole conversation.

use std::path::PathBuf;

use clap::Args;

use super::target::{ConnectorFlags, LibraryFlags, SelectionFlags, quoted};
use super::{Failure, print, runtime};
use crate::case::{Library, Pattern};
use crate::known_failure::KnownFailures;
use crate::report::{ExitStatus, Paint, ReportOptions, Reporter};
use crate::runner;
use crate::text::visible;

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// A case, as its id or a pattern; or a scenario file
    #[arg(value_name = "CASE|FILE")]
    what: String,
    #[command(flatten)]
    connector: ConnectorFlags,
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    scenarios: LibraryFlags,
}

impl Replay {
    pub(super) fn execute(self, paint: Paint) -> Result<ExitStatus, Failure> {
        let file = PathBuf::from(&self.what);
        let is_file = file.extension().is_some_and(|it| it == "yaml") || file.is_file();
        let all = if is_file {
            Library::from_file(&file)?.cases()
        } else {
            let pattern: Pattern = self.what.parse().map_err(Failure::usage)?;
            let all = self.scenarios.load()?.cases();
            let found = pattern.select(&all).map_err(|error| Failure {
                message: error.to_string(),
                status: ExitStatus::NothingSelected,
            })?;
            found.into_iter().cloned().collect()
        };
        let cases = self.selection.select(&all)?;
        // One case is meant: the first one tells most.
        let Some(case) = cases.first() else {
            return Err(Failure {
                message: "no case was selected".to_owned(),
                status: ExitStatus::NothingSelected,
            });
        };
        if cases.len() > 1 {
            let others = cases.len() - 1;
            eprintln!(
                "replaying {}, the first of {others} more; --auth and --environment choose",
                case.id
            );
        }
        let mut options = self.connector.options(Some(std::num::NonZeroUsize::MIN))?;
        options.watch = Some(|line| print(&format!("{}\n", visible(line))));
        if is_file {
            options.rerun.file = Some(quoted(&self.what));
        } else {
            options.rerun.flags.push_str(&self.scenarios.rerun());
        }
        self.connector.enter()?;
        let mut reporter =
            Reporter::new(ReportOptions::default(), paint, false).map_err(Failure::usage)?;
        let known = KnownFailures::default();
        runtime()?
            .block_on(runner::run(
                vec![case.clone()],
                &all,
                options,
                known,
                |event| reporter.tell(event),
            ))
            .map_err(Failure::incomplete)?;
        Ok(reporter
            .finish()
            .map_err(Failure::incomplete)?
            .exit_status())
    }
}
