//! `entra-conformance check-driver`: whether a driver keeps to the protocol, before any case runs.

use clap::Args;

use super::target::ConnectorFlags;
use super::{Failure, print, runtime};
use crate::driver_check::{self, Finding};
use crate::report::ExitStatus;

#[derive(Debug, Args)]
pub(super) struct CheckDriver {
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
        for Finding { wrong, says } in &findings {
            let label = if wrong.is_some() { "wrong" } else { "ok" };
            text.push_str(&format!("{label:<6} {says}\n"));
            if let Some(why) = wrong {
                text.push_str(&format!("       {why}\n"));
            }
        }
        let wrong = findings.iter().filter(|it| it.wrong.is_some()).count();
        text.push_str(if wrong == 0 {
            "\nthe driver keeps to the protocol: what fails from here on is the connector's\n"
        } else {
            "\nthe driver is wrong, not the connector: see conformance/docs/write-a-driver.md\n"
        });
        print(&text);
        Ok(if wrong == 0 {
            ExitStatus::AsExpected
        } else {
            ExitStatus::Unexpected
        })
    }
}
