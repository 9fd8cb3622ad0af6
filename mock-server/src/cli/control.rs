//! Commands that drive a running mock: `env`, `clock`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::client::{ControlArgument, segment};
use super::{Failure, print, runtime};
use crate::environment::Environment;

#[derive(Debug, Args)]
pub(super) struct Env {
    #[command(flatten)]
    control: ControlArgument,

    #[command(flatten)]
    variables: VariableArguments,

    /// How to print them
    #[arg(long, value_enum, default_value_t = Form::Bash)]
    shell: Form,
}

/// Which variables `env` prints and `run` sets.
#[derive(Args, Clone, Debug)]
pub(super) struct VariableArguments {
    /// Environment whose tenant, app and addresses the variables name: office365, us-gov-l4,
    /// us-gov-l5 or china
    #[arg(long, value_name = "SLUG", default_value_t = Environment::Office365)]
    pub(super) environment: Environment,

    /// Leave out AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, which some clients
    /// prefer over their own configuration
    #[arg(long)]
    pub(super) no_credentials: bool,
}

/// The forms in which variables are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// bash, zsh, and other shells of the kind
    #[value(aliases = ["zsh", "sh", "dash", "ash", "ksh", "posix"])]
    Bash,
    /// fish
    Fish,
    /// PowerShell
    #[value(alias = "pwsh")]
    Powershell,
    /// A .env file
    Dotenv,
    /// A JSON object
    Json,
}

impl Env {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let VariableArguments {
            environment,
            no_credentials,
        } = self.variables;
        let path = format!(
            "/api/v1/variables?environment={environment}&credentials={}",
            !no_credentials
        );
        let variables = runtime()?.block_on(self.control.call(Method::GET, &path, None))?;
        let variables = variables.as_object().cloned().unwrap_or_default();
        print(&self.shell.print(&variables));
        Ok(ExitCode::SUCCESS)
    }
}

impl Form {
    fn print(self, variables: &Map<String, Value>) -> String {
        if matches!(self, Self::Json) {
            return format!("{}\n", Value::Object(variables.clone()));
        }
        let mut text = String::new();
        for (name, value) in variables {
            let value = value.as_str().unwrap_or_default();
            let quoted = value.replace('\'', "'\\''");
            // Writing to a string does not fail.
            let _ = match self {
                Self::Bash => writeln!(text, "export {name}='{quoted}'"),
                Self::Fish => writeln!(text, "set -gx {name} '{}'", value.replace('\'', "\\'")),
                Self::Powershell => writeln!(text, "$env:{name} = '{}'", value.replace('\'', "''")),
                Self::Dotenv | Self::Json => writeln!(text, "{name}=\"{value}\""),
            };
        }
        for name in crate::server::UNSET {
            let _ = match self {
                Self::Bash => writeln!(text, "unset {name}"),
                Self::Fish => writeln!(text, "set -e {name}"),
                Self::Powershell => writeln!(text, "Remove-Item Env:{name} -ErrorAction Ignore"),
                Self::Dotenv | Self::Json => Ok(()),
            };
        }
        text
    }
}

#[derive(Debug, Args)]
pub(super) struct ClockCommand {
    #[command(subcommand)]
    action: ClockAction,
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain; all tenants if absent
    #[arg(long, global = true)]
    tenant: Option<String>,
}

#[derive(Debug, Subcommand)]
enum ClockAction {
    /// Print the time
    Show,
    /// Move the time forward, by 91d or 61m
    Advance {
        /// How far, such as 90d, 61m or '1h 30m'; -5d moves it back
        #[arg(allow_hyphen_values = true)]
        by: String,
    },
    /// Stop the time
    Freeze,
    /// Return to real time
    Reset,
}

impl ClockCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let body = match &self.action {
            ClockAction::Show => None,
            ClockAction::Advance { by } => Some(json!({ "advance": by })),
            ClockAction::Freeze => Some(json!({ "freeze": {} })),
            ClockAction::Reset => Some(json!({ "reset": {} })),
        };
        runtime()?.block_on(async {
            let tenants: Vec<(String, String)> = match &self.tenant {
                Some(tenant) => vec![(segment(tenant).to_string(), tenant.clone())],
                None => {
                    let all = self
                        .control
                        .call(Method::GET, "/api/v1/tenants", None)
                        .await?;
                    let name = |tenant: &Value, member: &str| {
                        tenant["tenant"][member]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned()
                    };
                    let all = all.as_array().cloned().unwrap_or_default();
                    all.iter()
                        .map(|it| (name(it, "id"), name(it, "domain")))
                        .collect()
                }
            };
            for (id, shown) in tenants {
                let path = format!("/api/v1/tenants/{id}/clock");
                let method = if body.is_some() {
                    Method::POST
                } else {
                    Method::GET
                };
                let clock = self.control.call(method, &path, body.as_ref()).await?;
                let frozen = if clock["frozen"] == true {
                    "  (frozen)"
                } else {
                    ""
                };
                let now = clock["now"].as_str().unwrap_or_default();
                print(&format!("{now}  {shown}{frozen}\n"));
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
