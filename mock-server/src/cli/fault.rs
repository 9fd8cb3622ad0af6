//! `entra-mock fault`: lets things go wrong in a tenant of a running mock.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::client::ControlArgument;
use super::{Failure, print, runtime};
use crate::fault::Fault;
use crate::notation::read;

#[derive(Debug, Args)]
pub(super) struct FaultCommand {
    #[command(subcommand)]
    action: FaultAction,
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain; if absent, the first one
    #[arg(long, global = true)]
    tenant: Option<String>,
}

#[derive(Debug, Subcommand)]
enum FaultAction {
    /// Set a fault, given in YAML or JSON, and print its number
    #[command(after_help = EXAMPLES)]
    Add {
        /// Such as '{on: {surface: graph}, do: {status: 503}}'
        fault: String,
    },
    /// Print the faults with their numbers
    List,
    /// Remove a fault
    Remove {
        /// The number, as `add` and `list` print it
        number: u64,
    },
    /// Remove all faults
    Clear,
}

impl FaultCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let body: Option<Value> = match &self.action {
            FaultAction::Add { fault } => Some(json!(self::fault(fault)?)),
            _ => None,
        };
        let method = match self.action {
            FaultAction::Add { .. } => Method::POST,
            FaultAction::List => Method::GET,
            FaultAction::Clear | FaultAction::Remove { .. } => Method::DELETE,
        };
        let answer = runtime()?.block_on(async {
            let tenant = self.control.tenant(self.tenant.as_deref()).await?;
            let number = match self.action {
                FaultAction::Remove { number } => format!("/{number}"),
                _ => String::new(),
            };
            let path = format!("/api/v1/tenants/{tenant}/faults{number}");
            self.control.call(method, &path, body.as_ref()).await
        })?;
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

/// A fault as it is written on the command line.
fn fault(text: &str) -> Result<Fault, Failure> {
    read("FAULT", text).map_err(|error| Failure::usage(format!("{}{EXAMPLES}", error.render())))
}

const EXAMPLES: &str = "\
Examples:
  entra-mock fault add '{do: {status: 503}}'
  entra-mock fault add '{on: {surface: graph}, when: {nth: 2}, do: {throttle: {retry-after: 3}}}'
  entra-mock fault add '{on: {grant: refresh_token}, do: {aadsts: 90033}}'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_yaml_or_json_and_a_mistake_shows_where_it_is() {
        for text in ["{do: {status: 503}}", r#"{"do": {"status": 503}}"#] {
            assert_eq!(json!(fault(text).unwrap())["do"]["status"], 503);
        }
        let wrong = fault("{do: {statsu: 503}}").unwrap_err().message;
        for part in ["FAULT:1:", "did you mean 'status'?", "Examples:"] {
            assert!(wrong.contains(part), "{wrong}");
        }
    }
}
