//! The ready file: every address and credential, one JSON object, the contract for scripts.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::world::TenantDescription;

/// Every address and credential of a running mock.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct Ready {
    /// The URL of the control API.
    pub control: String,
    /// The URL of the forward proxy.
    pub proxy: String,
    /// The root certificate, PEM.
    pub ca_file: String,
    /// The system's roots and ours, PEM.
    pub ca_bundle_file: String,
    /// Microsoft's host names that the mock serves, all at each TLS port.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The environments by slug.
    pub environments: IndexMap<String, ReadyEnvironment>,
}

/// An environment in the ready file.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct ReadyEnvironment {
    /// The root of the authority on localhost, without tenant and trailing slash.
    pub authority: String,
    /// The root of Graph on localhost, without version and trailing slash.
    pub graph: String,
    /// Microsoft's login host.
    pub login_host: String,
    /// Microsoft's Graph host.
    pub graph_host: String,
    /// The tenant with its users and apps.
    #[serde(flatten)]
    pub tenant: TenantDescription,
}
