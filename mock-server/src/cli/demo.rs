//! `entra-mock demo`: traffic to look at, before anything is connected.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;
use serde_json::Value;

use super::client::ControlArgument;
use super::{Failure, print, runtime};

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain; the default one of Office 365 if absent
    #[arg(long)]
    tenant: Option<String>,
}

impl Demo {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let played = runtime()?.block_on(async {
            let tenant = match self.tenant {
                Some(tenant) => tenant,
                None => {
                    let ready = self
                        .control
                        .call(Method::GET, "/api/v1/ready", None)
                        .await?;
                    let environments = ready["environments"].as_object();
                    let first = environments.and_then(|it| it.values().next());
                    let id = first.and_then(|it| it["tenant"]["id"].as_str());
                    let id = id.ok_or_else(|| Failure::usage("the mock has no tenant"))?;
                    id.to_owned()
                }
            };
            let tenant: String = form_urlencoded::byte_serialize(tenant.as_bytes()).collect();
            let path = format!("/api/v1/tenants/{tenant}/demo");
            self.control.call(Method::POST, &path, None).await
        })?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        print(&format!(
            "{} with {}\n",
            text(&played["user"]),
            text(&played["app"])
        ));
        for request in played["requests"].as_array().into_iter().flatten() {
            let refused = request["refused"].as_str();
            print(&format!(
                "  {:<4} {}  {}{}\n",
                text(&request["method"]),
                text(&request["url"]),
                request["status"],
                refused.map_or_else(String::new, |it| format!("  {it}"))
            ));
        }
        for subject in played["subjects"].as_array().into_iter().flatten() {
            print(&format!("  mail  {}\n", text(subject)));
        }
        print(&format!(
            "\nLook at it: {}/#/journal\n",
            self.control.control
        ));
        Ok(ExitCode::SUCCESS)
    }
}
