//! The environment variables by which unmodified clients find the mock.
//!
//! Some runtimes read one name, others another, so all are set. `SSL_CERT_FILE` and its like
//! replace the bundle, so they name the system's roots and ours together.

use std::path::Path;

use super::ready::{Ready, ReadyEnvironment};
use crate::environment::{Environment, SignInCloud};
use crate::server::certificate::TRUST_STORE_PASSWORD;

/// Which variables are to be set.
#[derive(Clone, Debug)]
pub struct Variables {
    /// The proxy, or none: the hosts file leads to the mock, or the client takes addresses.
    pub proxy: Option<String>,
    /// Clients of azure-identity find the authority on localhost by its own variable.
    pub direct: bool,
    /// Whose tenant, app and addresses are named.
    pub environment: Environment,
    /// Whether `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` are set.
    pub credentials: bool,
}

impl Default for Variables {
    fn default() -> Self {
        Self {
            proxy: None,
            direct: false,
            environment: Environment::Office365,
            credentials: true,
        }
    }
}

/// What the variables are made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) ready: &'a Ready,
    /// Where the ready file is, if one was written.
    pub(super) ready_file: Option<&'a Path>,
    pub(super) trust_store: Option<&'a Path>,
    pub(super) choice: &'a Variables,
}

/// The variables to set, in a stable order.
pub(super) fn of(facts: &Facts<'_>) -> Vec<(String, String)> {
    let (ready, choice) = (facts.ready, facts.choice);
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
    if let Some(proxy) = &choice.proxy {
        set("HTTPS_PROXY", proxy);
        set("https_proxy", proxy);
        set("NODE_USE_ENV_PROXY", "1");
    }
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        set(name, &ready.ca_bundle_file);
    }
    set("NODE_EXTRA_CA_CERTS", &ready.ca_file);
    set("JAVA_TOOL_OPTIONS", &java_options(facts));
    // A world of one's own may have no tenant in an environment.
    if let Some(environment) = ready.environments.get(choice.environment.slug()) {
        if choice.credentials {
            set_credentials(&mut set, environment);
        }
        let cloud = choice.environment.cloud();
        if choice.direct {
            set("AZURE_AUTHORITY_HOST", &environment.authority);
        } else if cloud != SignInCloud::Global {
            // Clients of azure-identity ask the worldwide cloud if nobody names another.
            set("AZURE_AUTHORITY_HOST", &cloud.authority_root());
        }
        set("ENTRA_MOCK_AUTHORITY", &environment.authority);
        set("ENTRA_MOCK_GRAPH", &environment.graph);
    }
    set("ENTRA_MOCK_CONTROL", &ready.control);
    set("ENTRA_MOCK_CA", &ready.ca_file);
    if let Some(file) = facts.ready_file {
        set("ENTRA_MOCK_READY", &file.display().to_string());
    }
    variables
}

fn set_credentials(set: &mut impl FnMut(&str, &str), environment: &ReadyEnvironment) {
    let tenant = &environment.tenant;
    set("AZURE_TENANT_ID", &tenant.tenant.id.to_string());
    let mut others = tenant.apps.values();
    let daemon = tenant.apps.get("daemon-secret");
    let daemon = daemon.or_else(|| others.find(|app| app.client_secret.is_some()));
    if let Some(app) = daemon {
        set("AZURE_CLIENT_ID", &app.client_id.to_string());
        let secret = app.client_secret.as_deref().unwrap_or_default();
        set("AZURE_CLIENT_SECRET", secret);
    }
}

/// Variables that would lead clients past the proxy.
pub const UNSET: [&str; 2] = ["NO_PROXY", "no_proxy"];

fn java_options(facts: &Facts<'_>) -> String {
    let mut options = Vec::new();
    let proxy = facts.choice.proxy.as_deref();
    if let Some((host, port)) = proxy
        .and_then(|proxy| proxy.strip_prefix("http://"))
        .and_then(|rest| rest.trim_end_matches('/').rsplit_once(':'))
    {
        let host = host.trim_matches(['[', ']']);
        options.push(format!("-Dhttps.proxyHost={host}"));
        options.push(format!("-Dhttps.proxyPort={port}"));
        // By default Java goes past the proxy for localhost only; that stays.
    }
    if let Some(store) = facts.trust_store {
        options.push(quoted(&format!(
            "-Djavax.net.ssl.trustStore={}",
            store.display()
        )));
        options.push(format!(
            "-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}"
        ));
        options.push("-Djavax.net.ssl.trustStoreType=PKCS12".to_owned());
    }
    options.join(" ")
}

/// An option with blanks in quotes, of which Java knows both kinds. Source:
/// docs.oracle.com/en/java/javase/21/troubleshoot/environment-variables-and-system-properties.html.
fn quoted(option: &str) -> String {
    if !option.contains(char::is_whitespace) {
        option.to_owned()
    } else if option.contains('"') {
        format!("'{option}'")
    } else {
        format!("\"{option}\"")
    }
}
