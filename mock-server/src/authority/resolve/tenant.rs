//! Which tenant a path names, and whether people may go there.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::other_cloud::{OtherCloud, Request};
use crate::authority::error::AuthorityError;
use crate::environment::SignInCloud;
use crate::exchange::Arrival;
use crate::world::{Tenant, World};

/// What the tenant segment of a path names.
#[derive(Clone, Debug)]
pub(crate) enum TenantSegment {
    /// A tenant by id or verified domain.
    Tenant(Arc<Tenant>),
    /// Work, school and personal accounts.
    Common,
    /// Work and school accounts.
    Organizations,
    /// Personal accounts.
    Consumers,
}

/// Whether a tenant is neither deleted nor blocked.
pub(crate) fn is_open(tenant: &Tenant, name: &str) -> Result<(), AuthorityError> {
    tenant.read(|directory| {
        if directory.deleted {
            return Err(AuthorityError::aadsts(90002).with("tenant", name));
        }
        if directory.blocked {
            return Err(AuthorityError::aadsts(5000224));
        }
        Ok(())
    })
}

/// Whether the tenant in which an app is registered is gone. Unverified: that an app of a deleted
/// tenant is refused as one that does not exist.
pub(super) fn is_gone(home: &Tenant) -> bool {
    home.read(|directory| directory.deleted)
}

/// Whether a proxy on the way lets its people sign in to a tenant (tenant restrictions).
///
/// Source: learn.microsoft.com/entra/identity/enterprise-apps/tenant-restrictions.
pub(crate) fn is_admitted(arrival: &Arrival, tenant: &Tenant) -> Result<(), AuthorityError> {
    let Some(admitted) = &arrival.admitted_tenants else {
        return Ok(());
    };
    tenant.read(|directory| {
        let named = |name: &str| name.parse() == Ok(directory.id) || directory.has_domain(name);
        if admitted.split(',').map(str::trim).any(named) {
            return Ok(());
        }
        Err(AuthorityError::aadsts(500021).with("tenant", &directory.display_name))
    })
}

/// Tenant restrictions by policy, which are not there, for the journal.
///
/// Source: learn.microsoft.com/entra/external-id/tenant-restrictions-v2.
pub(crate) fn restricted_by_policy(headers: &HeaderMap) -> Option<String> {
    let name = "sec-restrict-tenant-access-policy";
    headers
        .contains_key(name)
        .then(|| format!("no tenant restrictions by policy: {name} is not looked at"))
}

impl TenantSegment {
    /// Finds what a path segment names.
    pub(crate) fn resolve(
        world: &World,
        arrival: &Arrival,
        segment: &str,
    ) -> Result<Self, AuthorityError> {
        if let Some(code) = arrival.retired {
            return Err(AuthorityError::aadsts(code));
        }
        if let Some(code) = arrival.refused {
            return Err(AuthorityError::aadsts(code));
        }
        match segment.to_ascii_lowercase().as_str() {
            "common" => return Ok(Self::Common),
            "organizations" => return Ok(Self::Organizations),
            "consumers" | CONSUMERS_TENANT => return Ok(Self::Consumers),
            _ => {}
        }
        if let Some(tenant) = world.tenant_of_segment(arrival.cloud, segment) {
            is_open(&tenant, segment)?;
            is_admitted(arrival, &tenant)?;
            return Ok(Self::Tenant(tenant));
        }
        let is_name = segment.contains('.')
            && segment
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-'));
        let is_id = segment.parse::<crate::directory::TenantId>().is_ok();
        let code = if is_id || is_name { 90002 } else { 900023 };
        Err(AuthorityError::aadsts(code).with("tenant", segment))
    }

    /// Finds what a path segment names, of another cloud too: refused as the service does, or
    /// served where it serves.
    pub(crate) fn resolve_for(
        world: &World,
        arrival: &Arrival,
        segment: &str,
        request: Request,
    ) -> Result<Self, AuthorityError> {
        let error = match Self::resolve(world, arrival, segment) {
            Err(error) if error.code == 90002 => error,
            other => return other,
        };
        let Some(other) = OtherCloud::of_segment(world, arrival.cloud, segment) else {
            return Err(error);
        };
        if other.is_served(request) {
            is_open(&other.tenant, segment)?;
            is_admitted(arrival, &other.tenant)?;
            return Ok(Self::Tenant(other.tenant));
        }
        Err(other.refusal(request).unwrap_or(error))
    }

    /// The cloud of the tenant, or of the login host.
    pub(crate) fn cloud(&self, arrival: &Arrival) -> SignInCloud {
        match self {
            Self::Tenant(tenant) => tenant.environment.cloud(),
            _ => arrival.cloud,
        }
    }

    /// The tenant, where the flow needs one: `refusal` is the code otherwise.
    pub(crate) fn tenant(self, refusal: u32) -> Result<Arc<Tenant>, AuthorityError> {
        match self {
            Self::Tenant(tenant) => Ok(tenant),
            _ => Err(AuthorityError::aadsts(refusal)),
        }
    }
}

/// The tenant of personal accounts.
pub(crate) const CONSUMERS_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
