//! `entra-conformance check-driver`: whether a driver keeps to the protocol, before any case runs.

use clap::Args;
use entra_mock::cli::config::ConfigArgument;

use super::target::ConnectorFlags;
use super::{Failure, print, runtime};
use crate::driver_check::{self, Finding};
use crate::report::ExitStatus;
use crate::text::visible;

#[derive(Debug, Args)]
pub(super) struct CheckDriver {
    #[command(flatten)]
    _config: ConfigArgument,
    #[command(flatten)]
    connector: ConnectorFlags,
}

impl CheckDriver {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        let options = self.connector.options(None)?;
        self.connector.enter()?;
        let findings = runtime()?
            .block_on(driver_check::check(&options))
            .map_err(Failure::incomplete)?;
        let mut text = String::new();
        for Finding { wrong, says, .. } in &findings {
            let label = if wrong.is_some() { "wrong" } else { "ok" };
            text.push_str(&format!("{label:<6} {}\n", visible(says)));
            for line in wrong.iter().flat_map(|it| it.lines()) {
                text.push_str(&format!("       {}\n", visible(line)));
            }
        }
        let mut wrong = findings.iter().filter(|it| it.wrong.is_some()).peekable();
        let is_wrong = wrong.peek().is_some();
        text.push_str(if !is_wrong {
            "\nthe driver keeps to the protocol: what fails from here on is the connector's\n"
        } else if wrong.any(|it| it.of_driver) {
            "\nthe driver is wrong, not the connector: see conformance/docs/write-a-driver.md\n"
        } else {
            "\nthe driver keeps to the protocol, but the connector cannot connect\n"
        });
        print(&text);
        Ok(if is_wrong {
            ExitStatus::Unexpected
        } else {
            ExitStatus::AsExpected
        })
    }
}
