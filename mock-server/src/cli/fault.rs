//! `entra-mock fault`: lets things go wrong in a tenant of a running mock.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::Value;

use super::client::ControlArgument;
use super::{Failure, print, runtime};

#[derive(Debug, Args)]
pub(super) struct FaultCommand {
    #[command(subcommand)]
    action: FaultAction,
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain
    #[arg(long, global = true, default_value = "contoso.onmicrosoft.com")]
    tenant: String,
}

#[derive(Debug, Subcommand)]
enum FaultAction {
    /// Set a fault, given in JSON; see the control API's document for all of them
    Add {
        /// Such as `{"do": {"status": 503}}`
        fault: String,
    },
    /// Print the faults
    List,
    /// Take all faults away
    Clear,
}

impl FaultCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let path = format!("/api/v1/tenants/{}/faults", self.tenant);
        let body: Option<Value> = match &self.action {
            FaultAction::Add { fault } => Some(
                serde_json::from_str(fault)
                    .map_err(|error| Failure::usage(format!("the fault is no JSON: {error}")))?,
            ),
            FaultAction::List | FaultAction::Clear => None,
        };
        let method = match self.action {
            FaultAction::Add { .. } => Method::POST,
            FaultAction::List => Method::GET,
            FaultAction::Clear => Method::DELETE,
        };
        let answer = runtime()?.block_on(self.control.call(method, &path, body.as_ref()))?;
        match (&self.action, &answer) {
            (FaultAction::Add { .. }, _) => print(&format!("fault {}\n", answer["number"])),
            (FaultAction::List, Value::Array(faults)) => {
                for it in faults {
                    print(&format!("{}  {}\n", it["number"], it["fault"]));
                }
            }
            _ => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
