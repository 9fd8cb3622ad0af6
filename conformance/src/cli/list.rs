//! `entra-conformance list`: the cases.

use clap::Args;

use super::target::{LibraryFlags, SelectionFlags};
use super::{Failure, print};
use crate::report::ExitStatus;

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    scenarios: LibraryFlags,
    /// List the checks of each case, too
    #[arg(long)]
    checks: bool,
    /// List scenarios with their titles, not each auth method and environment
    #[arg(long, conflicts_with = "checks")]
    short: bool,
}

impl List {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        let all = self.scenarios.load()?.cases();
        let cases = self.selection.select(&all)?;
        let mut text = String::new();
        let mut last = "";
        for case in &cases {
            if self.short {
                if case.scenario_id != last {
                    text.push_str(&format!("{:<44}  {}\n", case.scenario_id, case.title()));
                }
                last = &case.scenario_id;
                continue;
            }
            if self.checks {
                for check in case.check_names() {
                    text.push_str(&format!("{}#{check}\n", case.id));
                }
            } else {
                text.push_str(&format!("{}\n", case.id));
            }
        }
        print(&text);
        Ok(if cases.is_empty() {
            ExitStatus::NothingSelected
        } else {
            ExitStatus::AsExpected
        })
    }
}
