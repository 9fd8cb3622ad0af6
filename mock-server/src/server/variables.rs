//! The environment variables by which unmodified clients find the mock.
//!
//! Some runtimes read one name, others another, so all are set. `SSL_CERT_FILE` and its like
//! replace the bundle, so they name the system's roots and ours together.

use std::path::Path;

use super::ready::Ready;
use crate::server::certificate::TRUST_STORE_PASSWORD;

/// What the variables are made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) ready: &'a Ready,
    /// Where the ready file is, if one was written.
    pub(super) ready_file: Option<&'a Path>,
    /// The proxy, or none: the hosts file leads to the mock, or the client takes addresses.
    pub(super) proxy: Option<&'a str>,
    pub(super) trust_store: Option<&'a Path>,
    /// Clients of azure-identity find the authority by its own variable.
    pub(super) direct: bool,
}

/// The variables to set, in a stable order.
pub(super) fn of(facts: &Facts<'_>) -> Vec<(String, String)> {
    let ready = facts.ready;
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
    if let Some(proxy) = facts.proxy {
        set("HTTPS_PROXY", proxy);
        set("https_proxy", proxy);
        set("NODE_USE_ENV_PROXY", "1");
    }
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        set(name, &ready.ca_bundle_file);
    }
    set("NODE_EXTRA_CA_CERTS", &ready.ca_file);
    set("JAVA_TOOL_OPTIONS", &java_options(facts));
    if let Some(environment) = ready
        .environments
        .first()
        .map(|(_, environment)| environment)
    {
        set("AZURE_TENANT_ID", &environment.tenant.tenant.id.to_string());
        let daemon = environment
            .tenant
            .apps
            .values()
            .find(|app| app.client_secret.is_some());
        let daemon = environment.tenant.apps.get("daemon-secret").or(daemon);
        if let Some(app) = daemon {
            set("AZURE_CLIENT_ID", &app.client_id.to_string());
            set(
                "AZURE_CLIENT_SECRET",
                app.client_secret.as_deref().unwrap_or_default(),
            );
        }
        if facts.direct {
            set("AZURE_AUTHORITY_HOST", &environment.authority);
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

/// Variables that would lead clients past the proxy.
pub const UNSET: [&str; 2] = ["NO_PROXY", "no_proxy"];

fn java_options(facts: &Facts<'_>) -> String {
    let mut options = Vec::new();
    if let Some((host, port)) = facts
        .proxy
        .and_then(|proxy| proxy.strip_prefix("http://"))
        .and_then(|rest| rest.trim_end_matches('/').rsplit_once(':'))
    {
        options.push(format!("-Dhttps.proxyHost={host}"));
        options.push(format!("-Dhttps.proxyPort={port}"));
        // By default Java goes past the proxy for localhost only; that stays.
    }
    if let Some(store) = facts.trust_store {
        options.push(format!("-Djavax.net.ssl.trustStore={}", store.display()));
        options.push(format!(
            "-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}"
        ));
        options.push("-Djavax.net.ssl.trustStoreType=PKCS12".to_owned());
    }
    options.join(" ")
}
