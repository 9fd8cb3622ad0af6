//! What `serve` prints once it is ready.

use std::fmt::Write as _;
use std::path::Path;

use crate::server::Ready;

/// The addresses, tenants, people and apps of a running mock, for a person in a hurry.
pub(super) fn of(ready: &Ready, ready_file: Option<&Path>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, ready, ready_file);
    text
}

fn write(text: &mut String, ready: &Ready, ready_file: Option<&Path>) -> std::fmt::Result {
    writeln!(
        text,
        "entra-mock is ready. Not affiliated with Microsoft; never for production.\n"
    )?;
    writeln!(text, "  dashboard          {}/", ready.control)?;
    writeln!(text, "  control and proxy  {}", ready.control)?;
    for (slug, environment) in &ready.environments {
        writeln!(
            text,
            "  {slug:<17}  {:<24} {} ({})",
            environment.authority, environment.tenant.tenant.domain, environment.tenant.tenant.id
        )?;
    }
    if let Some((slug, environment)) = ready.environments.first() {
        writeln!(text, "\nPeople in {slug}:")?;
        for (alias, user) in &environment.tenant.users {
            writeln!(text, "  {alias:<10} {:<40} {}", user.upn, user.password)?;
        }
        writeln!(text, "\nApps in {slug}:")?;
        for (alias, app) in &environment.tenant.apps {
            let credential = match (&app.client_secret, &app.pfx_file) {
                (Some(secret), _) => secret.clone(),
                (None, Some(file)) => file.clone(),
                (None, None) => "public client".to_owned(),
            };
            writeln!(text, "  {alias:<19} {}  {credential}", app.client_id)?;
        }
    }
    writeln!(text, "\nPoint a connector at it, unchanged:")?;
    writeln!(
        text,
        "  eval \"$(entra-mock env --control {})\"",
        ready.control
    )?;
    if let Some(path) = ready_file {
        writeln!(text, "\nEvery address and credential: {}", path.display())?;
    }
    writeln!(text, "Stop with Ctrl-C.")
}
