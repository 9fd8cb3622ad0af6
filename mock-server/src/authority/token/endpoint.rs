//! What the grants share of the endpoint: its version, its tenant, its time.

use jiff::Timestamp;

use crate::authority::error::Trace;
use crate::exchange::Annotation;
use crate::world::Tenant;

/// Which of the two endpoints was called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Endpoint {
    /// `/oauth2/token`.
    V1,
    /// `/oauth2/v2.0/token`.
    V2,
}

impl Endpoint {
    /// 1 or 2.
    pub(super) fn version(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// Takes the tenant's time and switches into what the answer says.
pub(super) fn note_tenant(trace: &mut Trace, annotation: &mut Annotation, tenant: &Tenant) {
    trace.now = tenant.now();
    trace.line_breaks = tenant.read(|it| it.switches.error_description_line_breaks);
    annotation.tenant = Some(tenant.id);
    annotation.environment = Some(tenant.environment);
}

/// The moment until which a code of this age is good.
pub(super) fn expiry(issued: Timestamp, lifetime: jiff::SignedDuration) -> Timestamp {
    issued.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
}
