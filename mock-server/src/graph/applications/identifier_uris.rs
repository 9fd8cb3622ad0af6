//! Which application ID URIs a registration may have.
//!
//! Source: learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions: ids with the
//! scheme `api`, verified domains with `api` and `https`. Unverified: that domains are taken with
//! other schemes.

use url::Url;

use super::super::error::GraphError;
use super::invalid;
use crate::directory::{ApplicationId, Directory, TenantId};

/// What an identifier URI may name.
pub(super) struct Names {
    tenant: TenantId,
    domains: Vec<String>,
}

impl Names {
    /// The names of a tenant.
    pub(super) fn of(directory: &Directory) -> Self {
        Self {
            tenant: directory.id,
            domains: directory.domains.clone(),
        }
    }

    /// Whether a URI names a verified domain or one below it, or with `api` the app or the tenant.
    pub(super) fn check(&self, app: ApplicationId, uri: &str) -> Result<(), GraphError> {
        let parsed = Url::parse(uri).map_err(|_| invalid("identifierUris"))?;
        let host = parsed.host_str().unwrap_or_default();
        let ids = [app.to_string(), self.tenant.to_string()];
        let verified = self.domains.iter().any(|domain| is_in(host, domain));
        let names_one = parsed.scheme() == "api"
            && std::iter::once(host)
                .chain(parsed.path().split('/'))
                .any(|part| ids.iter().any(|id| id.eq_ignore_ascii_case(part)));
        if verified || names_one {
            Ok(())
        } else {
            Err(GraphError::host_not_on_verified_domain(uri))
        }
    }
}

/// Whether a host is a domain or below it.
fn is_in(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    host.strip_suffix(&domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
