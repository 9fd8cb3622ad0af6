//! The four environments that a connector's user picks, and the three sign-in clouds under them.
//!
//! An [`Environment`] is what stands in a connector's drop-down: it decides the Graph host and
//! with it the audience of tokens. A [`SignInCloud`] is the authority underneath: login hosts,
//! issuers and signing keys. US Gov L4 and L5 share one sign-in cloud and differ only in Graph.
//!
//! The facts are rows of `data/clouds.toml`, which names their sources.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What a connector's user picks: a Microsoft 365 environment with its own Graph.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// Worldwide Microsoft 365 (GCC lives here, too). The default.
    #[serde(rename = "office365")]
    Office365,
    /// Azure Government, Microsoft 365 GCC High (impact level 4).
    UsGovL4,
    /// Microsoft 365 DoD (impact level 5). Shares its sign-in cloud with L4.
    UsGovL5,
    /// Microsoft 365 operated by 21Vianet.
    China,
}

/// A set of login hosts with issuers and signing keys of its own; Entra's "cloud instance".
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SignInCloud {
    /// login.microsoftonline.com.
    Global,
    /// login.microsoftonline.us.
    UsGov,
    /// login.chinacloudapi.cn, also known as login.partner.microsoftonline.cn.
    China,
}

/// What a host name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Site {
    /// A login host of a sign-in cloud.
    Authority(SignInCloud),
    /// A host that leads people with a device code to the page of their cloud, and does no more.
    DeviceLogin,
    /// The Graph host of an environment.
    Graph(Environment),
    /// A host that takes the bytes of uploads which Graph has begun, by an address that holds its own
    /// authorization.
    Upload(Environment),
    /// A host of a tenant's sites in an environment.
    SharePoint(Environment),
    /// A login host that Microsoft has retired, with the AADSTS code it answers, if one is known.
    Retired(Option<u32>),
}

impl Environment {
    /// All environments, in the order in which a connector lists them.
    pub const ALL: [Self; 4] = [Self::Office365, Self::UsGovL4, Self::UsGovL5, Self::China];

    /// The name used in commands, files and reports: `office365`, `us-gov-l4`, `us-gov-l5`, `china`.
    pub fn slug(self) -> &'static str {
        &self.row().slug
    }

    /// The name that a connector shows to its user.
    pub fn label(self) -> &'static str {
        &self.row().label
    }

    /// The sign-in cloud under this environment.
    pub fn cloud(self) -> SignInCloud {
        self.row().sign_in_cloud
    }

    /// The host that takes the bytes of large attachments, where the environment has such uploads.
    pub fn upload_host(self) -> Option<&'static str> {
        self.row().upload_host.as_deref()
    }

    /// The host of Microsoft Graph, without scheme.
    pub fn graph_host(self) -> &'static str {
        &self.row().graph_host
    }

    /// The root of Microsoft Graph, `https://…` without a trailing slash; also its audience.
    pub fn graph_root(self) -> String {
        format!("https://{}", self.row().graph_host)
    }

    /// Whether a token's `aud` names this environment's Graph.
    ///
    /// The URL may carry a trailing slash and be in any case (both are kept from the request), or
    /// the audience may be Graph's application id, which is the same in all environments.
    ///
    /// Source: the service found the APIs of clients that wrote all in lower case
    /// (AzureAD/microsoft-authentication-library-for-js#1922). Unverified: that Graph is found so, too,
    /// and takes such tokens.
    pub fn accepts_audience(self, audience: &str) -> bool {
        let is_root = |url: &str| {
            let root = url.strip_suffix('/').unwrap_or(url);
            root.eq_ignore_ascii_case(&self.graph_root())
        };
        audience.eq_ignore_ascii_case(GRAPH_APPLICATION_ID) || is_root(audience)
    }

    /// The Exchange resource of this environment, as old connectors name it.
    pub fn exchange_resource(self) -> &'static str {
        &self.row().exchange_resource
    }

    /// The domain below which the tenants' sites are: `sharepoint.com`.
    pub fn sharepoint_domain(self) -> &'static str {
        &self.row().sharepoint_domain
    }

    /// The suffix of initial tenant domains, such as `.onmicrosoft.com`.
    pub fn tenant_domain_suffix(self) -> &'static str {
        &self.row().tenant_domain_suffix
    }

    /// `tenant_region_scope` of a tenant's discovery document and Graph tokens.
    pub fn region_scope(self) -> &'static str {
        &self.row().tenant_region_scope
    }

    /// `tenant_region_sub_scope`, which alone tells L4 (`DODCON`) and L5 (`DOD`) apart.
    pub fn region_sub_scope(self) -> Option<&'static str> {
        Some(self.row().tenant_region_sub_scope.as_str()).filter(|scope| !scope.is_empty())
    }

    fn row(self) -> &'static EnvironmentRow {
        &TABLE.environment[self as usize]
    }
}

impl SignInCloud {
    /// All sign-in clouds.
    pub const ALL: [Self; 3] = [Self::Global, Self::UsGov, Self::China];

    /// `global`, `us-gov` or `china`.
    pub fn slug(self) -> &'static str {
        &self.facts().slug
    }

    /// The facts of this sign-in cloud.
    pub fn facts(self) -> &'static CloudFacts {
        &TABLE.sign_in_cloud[self as usize]
    }

    /// The environments over this sign-in cloud.
    pub fn environments(self) -> impl Iterator<Item = Environment> {
        Environment::ALL
            .into_iter()
            .filter(move |environment| environment.cloud() == self)
    }

    /// The issuer of v1 tokens of a tenant; the trailing slash is significant.
    pub fn v1_issuer(self, tenant: impl fmt::Display) -> String {
        self.facts()
            .v1_issuer
            .replace("{tenantid}", &tenant.to_string())
    }

    /// The issuer of v2 tokens of a tenant.
    pub fn v2_issuer(self, tenant: impl fmt::Display) -> String {
        self.facts()
            .v2_issuer
            .replace("{tenantid}", &tenant.to_string())
    }

    /// `https://{login host}` without a trailing slash.
    pub fn authority_root(self) -> String {
        format!("https://{}", self.facts().authority_host)
    }

    /// The cloud whose device-code address has this path: `/deviceloginus`, in any case, with or
    /// without a slash at its end.
    pub fn of_device_login_path(path: &str) -> Option<Self> {
        let asked = path.strip_suffix('/').unwrap_or(path);
        Self::ALL.into_iter().find(|cloud| {
            let (_, path) = cloud.device_login_address();
            path.eq_ignore_ascii_case(asked)
        })
    }

    /// Host and path of the device-code address.
    fn device_login_address(self) -> (&'static str, &'static str) {
        let url = &self.facts().device_login_url;
        let address = url.strip_prefix("https://").unwrap_or(url);
        address.split_at(address.find('/').unwrap_or(address.len()))
    }
}

/// Under which name tokens are issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    cloud: SignInCloud,
    /// The address that was asked, where it is the issuer.
    address: Option<String>,
}

impl Issuer {
    /// The issuer of a sign-in cloud.
    pub fn of_cloud(cloud: SignInCloud) -> Self {
        Self {
            cloud,
            address: None,
        }
    }

    /// Scheme, host and port that a client asked as the issuer of a sign-in cloud's tenants.
    pub fn of_address(cloud: SignInCloud, address: impl Into<String>) -> Self {
        Self {
            cloud,
            address: Some(address.into()),
        }
    }

    /// The issuer of v1 tokens of a tenant; the trailing slash is significant.
    pub fn v1(&self, tenant: impl fmt::Display) -> String {
        match &self.address {
            Some(address) => format!("{address}/{tenant}/"),
            None => self.cloud.v1_issuer(tenant),
        }
    }

    /// The issuer of v2 tokens of a tenant.
    pub fn v2(&self, tenant: impl fmt::Display) -> String {
        match &self.address {
            Some(address) => format!("{address}/{tenant}/v2.0"),
            None => self.cloud.v2_issuer(tenant),
        }
    }

    /// Whether a text is the issuer of a tenant's tokens: the cloud's, or an address of the mock.
    pub fn names(issuer: &str, cloud: SignInCloud, tenant: impl fmt::Display) -> bool {
        let tenant = tenant.to_string();
        if issuer == cloud.v1_issuer(&tenant) || issuer == cloud.v2_issuer(&tenant) {
            return true;
        }
        let rest = issuer
            .strip_prefix("https://")
            .or_else(|| issuer.strip_prefix("http://"));
        let Some((host, path)) = rest.and_then(|rest| rest.split_once('/')) else {
            return false;
        };
        let is_real = Site::of_host(host.rsplit_once(':').map_or(host, |(host, _)| host)).is_some();
        !is_real && (path == format!("{tenant}/") || path == format!("{tenant}/v2.0"))
    }
}

impl Site {
    /// What a host name (no port, any case) stands for; `None` for a host that is not Microsoft's.
    pub fn of_host(host: &str) -> Option<Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(host);
        if let Some(cloud) = SignInCloud::ALL.into_iter().find(|cloud| {
            let facts = cloud.facts();
            facts.hosts.iter().any(|name| is(name)) || is(&facts.mtls_host)
        }) {
            return Some(Self::Authority(cloud));
        }
        if let Some(environment) = Environment::ALL
            .into_iter()
            .find(|environment| is(environment.graph_host()))
        {
            return Some(Self::Graph(environment));
        }
        if let Some(environment) = Environment::ALL
            .into_iter()
            .find(|environment| environment.upload_host().is_some_and(is))
        {
            return Some(Self::Upload(environment));
        }
        if let Some(environment) = Environment::ALL
            .into_iter()
            .find(|environment| is_below(host, environment.sharepoint_domain()))
        {
            return Some(Self::SharePoint(environment));
        }
        if device_login_hosts().any(is) {
            return Some(Self::DeviceLogin);
        }
        TABLE
            .retired_host
            .iter()
            .find(|row| is(&row.host))
            .map(|row| Self::Retired(row.aadsts))
    }

    /// Every host name that the mock serves: login hosts with aliases, Graph hosts, hosts of uploads,
    /// the domains of sites with all names below them, retired hosts, and those that lead to the
    /// page of device codes.
    pub fn all_hosts() -> impl Iterator<Item = &'static str> {
        let login = TABLE
            .sign_in_cloud
            .iter()
            .flat_map(|cloud| cloud.hosts.iter().chain([&cloud.mtls_host]));
        let graph = TABLE
            .environment
            .iter()
            .map(|environment| &environment.graph_host);
        let sites = TABLE
            .environment
            .iter()
            .map(|environment| &environment.sharepoint_domain);
        let retired = TABLE.retired_host.iter().map(|row| &row.host);
        let others = login
            .chain(graph)
            .chain(sites)
            .chain(retired)
            .map(String::as_str);
        let uploads = Environment::ALL
            .into_iter()
            .filter_map(Environment::upload_host);
        others.chain(uploads).chain(device_login_hosts())
    }
}

/// Whether a host is a domain, or stands directly below it.
fn is_below(host: &str, domain: &str) -> bool {
    let Some(at) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let Some((before, end)) = host.split_at_checked(at) else {
        return false;
    };
    let name = before.strip_suffix('.').unwrap_or("-");
    let label = !name.is_empty()
        && !name.starts_with('-')
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-');
    end.eq_ignore_ascii_case(domain) && (before.is_empty() || label)
}

/// The hosts beside the login hosts that people open to type a device code.
pub fn device_login_hosts() -> impl Iterator<Item = &'static str> {
    TABLE.device_login_hosts.iter().map(String::as_str)
}

/// The retired login hosts that instance discovery still lists, in its order.
pub fn retired_hosts() -> &'static [RetiredHost] {
    &TABLE.retired_host
}

impl fmt::Display for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.slug())
    }
}

impl fmt::Display for SignInCloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.slug())
    }
}

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|environment| environment.slug() == text)
            .ok_or_else(|| UnknownEnvironment(text.to_owned()))
    }
}

/// A name that is none of the environments.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown environment '{0}': expected office365, us-gov-l4, us-gov-l5 or china")]
pub struct UnknownEnvironment(pub String);

/// The facts of a sign-in cloud, a row of `data/clouds.toml`.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct CloudFacts {
    /// `global`, `us-gov` or `china`.
    pub slug: String,
    /// The login host that the mock names in links by default.
    pub authority_host: String,
    /// The login hosts that serve this cloud, aliases included.
    pub hosts: Vec<String>,
    /// The host of the token endpoint for clients with a TLS certificate.
    pub mtls_host: String,
    /// `preferred_network` of instance discovery.
    pub preferred_network: String,
    /// `preferred_cache` of instance discovery; differs from the network name in the global cloud.
    pub preferred_cache: String,
    v1_issuer: String,
    v2_issuer: String,
    /// `cloud_instance_name` of discovery documents and keys.
    pub cloud_instance_name: String,
    /// `cloud_graph_host_name` of discovery documents.
    pub cloud_graph_host_name: String,
    /// `msgraph_host` of the documents of `common` and `organizations`.
    pub common_msgraph_host: String,
    /// `rbac_url` of discovery documents.
    pub rbac_url: String,
    /// `cloud_audience_urn` of user realm discovery.
    pub cloud_audience_urn: String,
    /// `verification_uri` of the device-code flow.
    pub device_login_url: String,
    /// The audience of federated client assertions.
    pub federated_audience: String,
    /// The subject of the certificates in the key set.
    pub key_subject: String,
    /// Whether personal accounts exist in this cloud.
    pub supports_consumers: bool,
    #[serde(default, rename = "unverified")]
    _unverified: Vec<String>,
}

/// A login host that Microsoft has retired.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct RetiredHost {
    /// The host name.
    pub host: String,
    /// `preferred_network` of instance discovery.
    pub preferred_network: String,
    /// What the host answers, where that is known.
    pub aadsts: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentRow {
    slug: String,
    label: String,
    #[serde(rename = "description")]
    _description: String,
    sign_in_cloud: SignInCloud,
    graph_host: String,
    upload_host: Option<String>,
    exchange_resource: String,
    sharepoint_domain: String,
    tenant_domain_suffix: String,
    tenant_region_scope: String,
    tenant_region_sub_scope: String,
    #[serde(default, rename = "unverified")]
    _unverified: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "schema")]
    _schema: u32,
    device_login_hosts: Vec<String>,
    sign_in_cloud: [CloudFacts; 3],
    environment: [EnvironmentRow; 4],
    retired_host: Vec<RetiredHost>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The file is part of the program; a test parses it.
    toml::from_str(include_str!("../data/clouds.toml")).expect("data/clouds.toml fits its types")
});

/// The application id of Microsoft Graph, the same in every environment.
pub const GRAPH_APPLICATION_ID: &str = "00000003-0000-0000-c000-000000000000";

/// The application id of Office 365 Exchange Online, the same in every environment.
/// Source: learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in.
pub const EXCHANGE_APPLICATION_ID: &str = "00000002-0000-0ff1-ce00-000000000000";

#[cfg(test)]
mod tests;
