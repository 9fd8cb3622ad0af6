//! The state of a sign-in between two pages, sealed into the hidden field `flow` of each form.
//!
//! So the server keeps nothing of a sign-in that a person abandons.

mod authorize;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::authorize::{AuthorizeRequest, Prompt, ResponseMode, ResponseType, Target};
use super::session::Login;
use super::visit::Visit;
use crate::clock::Clock;
use crate::directory::{ApplicationId, TenantId};
use crate::token::{SEALED_PREFIX, Sealer};

/// A sign-in under way.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Flow {
    /// What for.
    pub(crate) purpose: Purpose,
    /// The tenant segment of the path with which it began.
    pub(crate) segment: String,
    /// The sign-in name as typed.
    pub(crate) name: Option<String>,
    /// The account with which to go on.
    pub(crate) login: Option<Login>,
    /// Credentials were given in this very flow.
    pub(crate) fresh: bool,
    /// The person wants another account than those of the session.
    pub(crate) other_account: bool,
    /// The person consented in this very flow: `prompt=consent` is satisfied.
    pub(crate) consented: bool,
    /// Consent was given for the tenant, which v1 tells the app.
    pub(crate) consented_for_tenant: bool,
    /// Wrong passwords so far.
    pub(crate) failures: u8,
    /// The client's correlation id.
    pub(crate) correlation: Uuid,
    /// The tenant whose clock tells when it began; real time without one.
    clock: Option<TenantId>,
    /// When it began.
    started: Timestamp,
}

/// What a person signs in for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Purpose {
    /// To grant consent for the tenant.
    AdminConsent(AdminConsentRequest),
    /// To use an app.
    Authorize(Box<AuthorizeRequest>),
    /// To review consent requests.
    ConsentRequests,
    /// To let a device use an app.
    DeviceLogin(DeviceLogin),
}

/// A request for consent of an administrator.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AdminConsentRequest {
    /// 1 or 2, by the path.
    pub(crate) version: u8,
    pub(crate) client: ApplicationId,
    /// v1 works without one.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) state: Option<String>,
    /// v2: as requested.
    pub(crate) scope: String,
}

/// A device that waits for a person.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct DeviceLogin {
    /// What the device polls with.
    pub(crate) device_code: String,
    pub(crate) client: ApplicationId,
    /// As requested, unresolved.
    pub(crate) scope: String,
    /// v1: the API.
    pub(crate) resource: Option<String>,
    /// The person confirmed that the device is theirs.
    pub(crate) confirmed: bool,
}

impl Flow {
    /// A sign-in that begins.
    pub(crate) fn new(purpose: Purpose, segment: impl Into<String>, visit: &Visit) -> Self {
        Self {
            clock: visit.tenant.as_ref().map(|tenant| tenant.id),
            started: visit.now(),
            purpose,
            segment: segment.into(),
            name: None,
            login: None,
            fresh: false,
            other_account: false,
            consented: false,
            consented_for_tenant: false,
            failures: 0,
            correlation: visit.correlation(),
        }
    }

    /// Whether it began too long ago to be gone on with.
    pub(crate) fn is_expired(&self, visit: &Visit) -> bool {
        let tenant = self
            .clock
            .and_then(|id| visit.world().tenant(visit.arrival.cloud, id));
        let now = tenant.map_or_else(|| Clock::real().now(), |tenant| tenant.now());
        now.duration_since(self.started) >= LIFETIME
    }

    /// The app that the person signs in to.
    pub(crate) fn client(&self) -> Option<ApplicationId> {
        match &self.purpose {
            Purpose::AdminConsent(request) => Some(request.client),
            Purpose::Authorize(request) => Some(request.client),
            Purpose::ConsentRequests => None,
            Purpose::DeviceLogin(request) => Some(request.client),
        }
    }

    /// The sealed text for a form.
    pub(crate) fn seal(&self, sealer: &Sealer) -> String {
        format!("{SEALED_PREFIX}{}", sealer.seal(PURPOSE, self))
    }

    /// Reads what a form sent back.
    pub(crate) fn open(text: &str, sealer: &Sealer) -> Option<Self> {
        sealer.open(PURPOSE, text.strip_prefix(SEALED_PREFIX)?).ok()
    }
}

const PURPOSE: &str = "flow";

/// How long the pages of one sign-in may be left open. Unverified: own knowledge.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
