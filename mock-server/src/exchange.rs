//! What accompanies one exchange (a request with its answer) through the floors that speak HTTP.
//!
//! The edge of the server puts an [`Arrival`] into the request's extensions before a handler sees
//! it. A handler answers and may leave an [`Annotation`] in the response's extensions; the edge
//! takes it into the journal. So no handler writes to the journal, and the journal knows all that
//! the handler decided.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::Extensions;

use crate::directory::{ApplicationId, ObjectId, TenantId};
use crate::environment::{Environment, Issuer, SignInCloud, Site};
use crate::journal::{Level, TokenUse};

/// Where and how a request arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The sign-in cloud that the host or the port stands for.
    pub cloud: SignInCloud,
    /// The environment, where the host or the port tells it. The login host of the US Government
    /// cloud serves two.
    pub environment: Option<Environment>,
    /// Scheme, host and port that the client addressed, without a trailing slash:
    /// `https://login.microsoftonline.com`, `https://localhost:8443`. Links in answers start
    /// with it.
    pub origin: String,
    /// Whether the client addressed a real Microsoft host name (by proxy, hosts file or SNI), as
    /// opposed to a port on localhost that serves an environment's authority and Graph together.
    pub real_host: bool,
    /// The retired login host's AADSTS code, if the client addressed one.
    pub retired: Option<u32>,
    /// The address of the client: the first of `X-Forwarded-For`, or the connection's.
    pub address: IpAddr,
    /// The tenants that a proxy on the way admits (`Restrict-Access-To-Tenants`), by id or domain.
    pub admitted_tenants: Option<Arc<str>>,
    /// The address that was asked is the issuer of tokens, where it is no Microsoft host name.
    pub issuer_as_addressed: bool,
    /// The AADSTS code with which the authority refuses the request whatever it says: a fault's.
    pub refused: Option<u32>,
}

impl Arrival {
    /// The root of the authority in links: the addressed origin where it serves the authority,
    /// otherwise the cloud's own login host.
    pub fn authority_root(&self) -> String {
        let host = self.origin.split("://").nth(1).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        match Site::of_host(host) {
            Some(Site::Graph(_) | Site::SharePoint(_) | Site::Upload(_) | Site::DeviceLogin)
                if self.real_host =>
            {
                self.cloud.authority_root()
            }
            _ => self.origin.clone(),
        }
    }

    /// The issuer of the tokens of a cloud's tenants.
    pub fn issuer(&self, cloud: SignInCloud) -> Issuer {
        if self.issuer_as_addressed && !self.real_host {
            Issuer::of_address(cloud, &self.origin)
        } else {
            Issuer::of_cloud(cloud)
        }
    }

    /// Whether the client addressed the token endpoint for clients with a TLS certificate.
    pub fn expects_certificate(&self) -> bool {
        let host = self.origin.split("://").nth(1).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        self.real_host && host.eq_ignore_ascii_case(&self.cloud.facts().mtls_host)
    }

    /// The root of Graph in links of the authority (`msgraph_host`, user info): the addressed
    /// origin on localhost, otherwise the environment's own Graph host.
    pub fn graph_root(&self, environment: Environment) -> String {
        if self.real_host {
            environment.graph_root()
        } else {
            self.origin.clone()
        }
    }
}

/// The host in an origin, without its port.
pub(crate) fn host_of_origin(origin: &str) -> &str {
    let host = origin.split("://").nth(1).unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(host, _)| host)
}

/// What a handler tells the journal about an exchange.
#[derive(Clone, Debug, Default)]
pub struct Annotation {
    /// The tenant that was meant.
    pub tenant: Option<TenantId>,
    /// The environment of that tenant.
    pub environment: Option<Environment>,
    /// The client.
    pub client: Option<ApplicationId>,
    /// The user.
    pub user: Option<ObjectId>,
    /// The grant type in its short spelling, such as `refresh_token` or `device_code`.
    pub grant: Option<String>,
    /// The endpoint as a template, such as `GET /me/messages/{id}` or `token`.
    pub endpoint: Option<String>,
    /// The AADSTS codes of a refusal.
    pub aadsts: Vec<u32>,
    /// The error of a refusal: `invalid_grant`, `ErrorItemNotFound`.
    pub error: Option<String>,
    /// Why the mock decided as it did, in a sentence.
    pub decision: Option<String>,
    /// Tokens that were presented or issued.
    pub tokens: Vec<TokenUse>,
    /// What the client asked for and the mock does not do.
    pub unsupported: Option<String>,
    /// How much of a request of Graph the mock does.
    pub level: Option<Level>,
    /// The moment of the tenant's clock at which the exchange was answered.
    pub tenant_time: Option<jiff::Timestamp>,
}

impl Annotation {
    /// Adds itself to the extensions of a response; a later one replaces an earlier one.
    pub fn attach(self, extensions: &mut Extensions) {
        extensions.insert(Box::new(self));
    }

    /// Takes what a handler left.
    pub fn take(extensions: &mut Extensions) -> Option<Self> {
        extensions.remove::<Box<Self>>().map(|it| *it)
    }
}
