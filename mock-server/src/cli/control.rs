//! Commands that drive a running mock: `env`, `event`, `clock`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::client::ControlArgument;
use super::{Failure, print, runtime};
use crate::directory::Event;
use crate::environment::Environment;
use crate::notation::did_you_mean;

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

    /// Leave out AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, which some clients prefer
    /// to what they are told otherwise
    #[arg(long)]
    pub(super) no_credentials: bool,
}

/// The forms in which variables are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Bash,
    Fish,
    Powershell,
    Dotenv,
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
pub(super) struct EventCommand {
    /// Name of the event, such as revoke-sessions
    name: String,
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain, where the user or the app does not tell it
    #[arg(long)]
    tenant: Option<String>,
    /// User by sign-in name, alias or object id
    #[arg(long)]
    user: Option<String>,
    /// App by client id or alias
    #[arg(long)]
    app: Option<String>,
    /// Who does it: user, admin, self-service, admin-portal, admin-center
    #[arg(long)]
    by: Option<String>,
    /// New password
    #[arg(long)]
    password: Option<String>,
    /// Client secret
    #[arg(long)]
    secret: Option<String>,
    /// Certificate, base64 of DER
    #[arg(long)]
    certificate: Option<String>,
    /// Delegated permissions, separated by commas
    #[arg(long, value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    /// Application permission
    #[arg(long)]
    role: Option<String>,
    /// Justification
    #[arg(long)]
    reason: Option<String>,
    /// Mailbox by sign-in name or alias
    #[arg(long)]
    mailbox: Option<String>,
    /// Mailbox right: full-access, send-as, send-on-behalf
    #[arg(long)]
    right: Option<String>,
    /// New sign-in name
    #[arg(long)]
    to: Option<String>,
    /// Risk: none, low, medium, high
    #[arg(long)]
    risk: Option<String>,
    /// Number of seconds
    #[arg(long)]
    seconds: Option<u32>,
    /// Redirect URIs, separated by commas
    #[arg(long, value_delimiter = ',')]
    redirect_uris: Option<Vec<String>>,
    /// User consent policy: all, verified-low-impact, none
    #[arg(long)]
    user_consent: Option<String>,
    /// Whether users may ask for consent: true or false
    #[arg(long)]
    admin_consent_requests: Option<bool>,
    /// Graph permissions classified as low impact, separated by commas
    #[arg(long, value_delimiter = ',')]
    low_impact: Option<Vec<String>>,
    /// Days for which a consent request is open
    #[arg(long)]
    request_days: Option<u16>,
    /// Reviewers of consent requests, separated by commas
    #[arg(long, value_delimiter = ',')]
    reviewers: Option<Vec<String>>,
    /// What a reviewer says
    #[arg(long)]
    justification: Option<String>,
    /// Application permissions to register, separated by commas
    #[arg(long, value_delimiter = ',')]
    roles: Option<Vec<String>>,
    /// Whether the publisher is verified: true or false
    #[arg(long)]
    verified: Option<bool>,
    /// Whether consent to the app is risky: true or false
    #[arg(long)]
    risky: Option<bool>,
    /// What users at high risk meet: block, change-password
    #[arg(long)]
    policy: Option<String>,
    /// Only for clients in these networks, such as 203.0.113.0/24, separated by commas
    #[arg(long, value_delimiter = ',')]
    inside: Option<Vec<String>>,
    /// Only for clients outside of these networks, separated by commas
    #[arg(long, value_delimiter = ',')]
    outside: Option<Vec<String>>,
    /// Address of the clients
    #[arg(long)]
    address: Option<String>,
    /// The frequency is that of the second factor alone
    #[arg(long)]
    second_factor: bool,
    /// Subject of a mail
    #[arg(long)]
    subject: Option<String>,
    /// Sender of a mail
    #[arg(long)]
    from: Option<String>,
    /// Text of a mail
    #[arg(long)]
    body: Option<String>,
}

impl EventCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let event = self.event()?;
        let path = match &self.tenant {
            Some(tenant) => format!("/api/v1/tenants/{tenant}/events"),
            None => "/api/v1/events".to_owned(),
        };
        runtime()?.block_on(self.control.call(Method::POST, &path, Some(&event)))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The event as the control API takes it; wrong names and fields are told before it is sent.
    fn event(&self) -> Result<Value, Failure> {
        let names = Event::names();
        if !names.contains(&self.name) {
            let nearest = did_you_mean(&self.name, names.iter().map(String::as_str));
            return Err(Failure::usage(format!(
                "there is no event '{}'{nearest}\nevents: {}",
                self.name,
                names.join(", ")
            )));
        }
        let mut fields = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let text = |value: &Option<String>| value.clone().map(Value::String);
        put("user", text(&self.user));
        put("app", text(&self.app));
        put("by", text(&self.by));
        put("password", text(&self.password));
        put("secret", text(&self.secret));
        put("certificate", text(&self.certificate));
        put("scopes", self.scopes.clone().map(|it| json!(it)));
        put("role", text(&self.role));
        put("reason", text(&self.reason));
        put("mailbox", text(&self.mailbox));
        put("right", text(&self.right));
        put("to", text(&self.to));
        put("risk", text(&self.risk));
        put("seconds", self.seconds.map(|it| json!(it)));
        put(
            "redirect_uris",
            self.redirect_uris.clone().map(|it| json!(it)),
        );
        put("user_consent", text(&self.user_consent));
        put(
            "admin_consent_requests",
            self.admin_consent_requests.map(|it| json!(it)),
        );
        put("low_impact", self.low_impact.clone().map(|it| json!(it)));
        put("request_days", self.request_days.map(|it| json!(it)));
        put("reviewers", self.reviewers.clone().map(|it| json!(it)));
        put("justification", text(&self.justification));
        put("roles", self.roles.clone().map(|it| json!(it)));
        put("verified", self.verified.map(|it| json!(it)));
        put("risky", self.risky.map(|it| json!(it)));
        put("policy", text(&self.policy));
        put("inside", self.inside.clone().map(|it| json!(it)));
        put("outside", self.outside.clone().map(|it| json!(it)));
        put("address", text(&self.address));
        put("second_factor", self.second_factor.then_some(json!(true)));
        put("subject", text(&self.subject));
        put("from", text(&self.from));
        put("body", text(&self.body));
        let event = json!({ self.name.clone(): fields });
        serde_json::from_value::<Event>(event.clone())
            .map_err(|error| Failure::usage(format!("{}: {error}", self.name)))?;
        Ok(event)
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
        /// How far, such as 90d, 61m or '1h 30m'
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
                Some(tenant) => vec![(tenant.clone(), tenant.clone())],
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
