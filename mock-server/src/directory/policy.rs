//! Tenant-wide settings: user consent, the admin-consent workflow, conditional access, token
//! lifetimes, and the switches where the service's behaviour is disputed or optional.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ApplicationId, ObjectId, TenantId};

/// The policies of a tenant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Who may consent.
    #[serde(default)]
    pub user_consent: UserConsent,
    /// The admin-consent workflow.
    #[serde(default)]
    pub admin_consent_requests: AdminConsentRequests,
    /// Conditional access policies, in order of creation.
    #[serde(default)]
    pub conditional_access: Vec<ConditionalAccessPolicy>,
    /// The lifetime of access tokens that a token lifetime policy sets, in seconds.
    #[serde(default)]
    pub access_token_lifetime: Option<u32>,
    /// The delegated permissions of Graph that are classified as low impact.
    #[serde(default = "basic_sign_in")]
    pub low_impact: BTreeSet<String>,
    /// What becomes of users whose risk is high.
    #[serde(default)]
    pub high_risk: HighRisk,
    /// Home tenants whose users may not come here (cross-tenant access settings, inbound).
    #[serde(default)]
    pub blocked_home_tenants: BTreeSet<TenantId>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            user_consent: UserConsent::default(),
            admin_consent_requests: AdminConsentRequests::default(),
            conditional_access: Vec::new(),
            access_token_lifetime: None,
            low_impact: basic_sign_in(),
            high_risk: HighRisk::default(),
            blocked_home_tenants: BTreeSet::new(),
        }
    }
}

/// The five permissions that the admin center proposes to classify as low.
///
/// Source: learn.microsoft.com/entra/identity/enterprise-apps/configure-permission-classifications.
fn basic_sign_in() -> BTreeSet<String> {
    ["User.Read", "email", "offline_access", "openid", "profile"]
        .map(str::to_owned)
        .into()
}

/// What becomes of users whose risk is high.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HighRisk {
    /// They are blocked until an administrator dismisses the risk.
    #[default]
    Block,
    /// They must change the password, which ends the risk.
    ChangePassword,
}

/// Which permissions users may consent to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserConsent {
    /// All permissions that are not restricted to administrators, of all apps.
    #[default]
    All,
    /// What Microsoft recommends: all but mail, calendars, contacts, files and chats.
    MicrosoftManaged,
    /// Low-impact permissions of verified publishers or of apps of the same tenant.
    VerifiedLowImpact,
    /// None: every consent is an administrator's.
    None,
}

/// The admin-consent workflow, `adminConsentRequestPolicy`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminConsentRequests {
    /// Whether users may ask.
    pub enabled: bool,
    /// Who reviews. Empty: every user who may consent for the tenant.
    #[serde(default)]
    pub reviewers: BTreeSet<ObjectId>,
    /// Days until a request expires.
    pub duration_days: u16,
    /// Whether reviewers are told of new requests (nobody sends mail here).
    #[serde(default = "yes")]
    pub notify_reviewers: bool,
    /// Whether reviewers are reminded.
    #[serde(default = "yes")]
    pub reminders: bool,
}

fn yes() -> bool {
    true
}

impl Default for AdminConsentRequests {
    fn default() -> Self {
        Self {
            enabled: false,
            reviewers: BTreeSet::new(),
            duration_days: 30,
            notify_reviewers: true,
            reminders: true,
        }
    }
}

/// A conditional access policy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionalAccessPolicy {
    /// The id, as in `capolids`.
    pub id: Uuid,
    /// Users it applies to; empty: all.
    #[serde(default)]
    pub users: BTreeSet<ObjectId>,
    /// Apps it applies to; empty: all.
    #[serde(default)]
    pub apps: BTreeSet<ApplicationId>,
    /// From where: its named locations.
    #[serde(default)]
    pub networks: Networks,
    /// What it demands. A policy of several demands is stored as several with the same id.
    pub demand: Demand,
    /// Since when it is in force.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// When it was made, where Graph made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub created: Option<Timestamp>,
    /// The name, where Graph made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it is in force.
    #[serde(default)]
    pub state: PolicyState,
}

/// Whether a conditional access policy is in force.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyState {
    /// It is.
    #[default]
    Enabled,
    /// It is not.
    Disabled,
    /// It is not, but the service would report what it had done.
    ReportOnly,
}

/// What a conditional access policy demands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// An app that is managed by app protection policies, `compliantApplication`.
    AppProtection,
    /// An app of the list of approved ones, `approvedApplication`.
    ApprovedApp,
    /// Block access.
    Block,
    /// A device marked as compliant.
    CompliantDevice,
    /// A device joined to the domain of the organization, `domainJoinedDevice`.
    HybridJoinedDevice,
    /// Multifactor authentication.
    Mfa,
    /// Multifactor authentication again after so many seconds.
    MfaFrequency(
        #[serde(with = "seconds")]
        #[schemars(with = "i64")]
        SignedDuration,
    ),
    /// Sign in again after so many seconds; 0: every time.
    SignInFrequency(
        #[serde(with = "seconds")]
        #[schemars(with = "i64")]
        SignedDuration,
    ),
    /// Accepted terms of use.
    TermsOfUse,
    /// Sign-in tokens that are bound to the device, `secureSignInSession`.
    TokenProtection,
}

impl ConditionalAccessPolicy {
    /// Whether the policy applies to a user's sign-in to an app from an address.
    pub fn applies_to(&self, user: ObjectId, app: ApplicationId, from: IpAddr) -> bool {
        self.concerns(user, app) && self.networks.apply_to(from)
    }

    /// Whether the policy applies to a user's sign-in to an app from somewhere.
    pub fn concerns(&self, user: ObjectId, app: ApplicationId) -> bool {
        self.state == PolicyState::Enabled
            && (self.users.is_empty() || self.users.contains(&user))
            && (self.apps.is_empty() || self.apps.contains(&app))
    }

    /// Whether the policy is in force and demands what another does of all whom that applies to.
    pub fn anticipates(&self, other: &Self) -> bool {
        self.state == PolicyState::Enabled
            && self.demand == other.demand
            && includes(&self.users, &other.users)
            && includes(&self.apps, &other.apps)
    }
}

/// Whether a set, where an empty one means all, holds whatever another does.
fn includes<T: Ord>(set: &BTreeSet<T>, other: &BTreeSet<T>) -> bool {
    set.is_empty() || !other.is_empty() && other.is_subset(set)
}

/// The locations of a conditional access policy, as networks.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Networks {
    /// The policy applies to clients in these; empty: everywhere.
    #[schemars(with = "Vec<String>")]
    pub inside: Vec<IpNet>,
    /// The policy does not apply to clients in these.
    #[schemars(with = "Vec<String>")]
    pub outside: Vec<IpNet>,
}

impl Networks {
    /// Whether a policy with these locations applies to a client at an address.
    pub fn apply_to(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        let among = |networks: &[IpNet]| networks.iter().any(|it| it.contains(&from));
        (self.inside.is_empty() || among(&self.inside)) && !among(&self.outside)
    }

    /// Whether the address of the client counts.
    pub fn any(&self) -> bool {
        !(self.inside.is_empty() && self.outside.is_empty())
    }
}

/// Switches of a world where the service's behaviour is disputed or optional.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Switches {
    /// A used refresh token dies. The service does not do that: off by default.
    pub strict_rotation: bool,
    /// Password events also revoke refresh tokens of confidential clients.
    pub password_events_reach_confidential_clients: bool,
    /// Access tokens are no JWTs.
    pub opaque_tokens: bool,
    /// Access and refresh tokens of several kilobytes.
    pub large_tokens: bool,
    /// Graph enforces its concurrency limit of four requests per app and mailbox.
    pub mailbox_concurrency: bool,
    /// Graph enforces its other limits: requests of an app to a mailbox, resource units and writes
    /// of an app in the directory.
    pub throttling_limits: bool,
    /// A browser that repeats an authorize request more than fifteen times within five minutes is
    /// interrupted (AADSTS50196).
    pub detect_request_loops: bool,
    /// Addresses of contents and uploads on the sites' hosts take a bearer beside the token that is
    /// in them; off: 401, as the service answers since 2024.
    pub bearers_at_sites: bool,
    /// Search in drives finds a new file or folder only half a minute after it came, as the
    /// service's index is behind.
    pub delayed_search: bool,
    /// Error descriptions are separated by CR LF, as until 2023, instead of by spaces.
    pub error_description_line_breaks: bool,
    /// Kept so that older files are read: nothing varies.
    #[doc(hidden)]
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub variation: Variation,
}

/// Whether answers vary within what the standards allow: they do not.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variation {
    /// Always the same.
    #[default]
    None,
}

mod seconds {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &SignedDuration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<SignedDuration, D::Error> {
        i64::deserialize(from).map(SignedDuration::from_secs)
    }
}
