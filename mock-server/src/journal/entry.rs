//! What the journal records: exchanges, and changes of state.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Body, Redactor};
use crate::directory::{ApplicationId, Event, ObjectId, TenantId};
use crate::environment::{Environment, SignInCloud};

/// An entry of the journal.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Entry {
    /// A request with its answer.
    Exchange(Exchange),
    /// Something that happened in a tenant.
    Event(EventRecord),
    /// A fault was set or taken away.
    Fault(FaultRecord),
    /// A tenant's time was moved.
    Clock(ClockRecord),
    /// The whole world was replaced.
    State(StateRecord),
}

/// The whole world was replaced.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct StateRecord {
    /// The position in the journal, from 1, without gaps.
    pub number: u64,
    /// Real time.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// By what.
    pub change: StateChange,
}

/// By what the whole world was replaced.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateChange {
    /// By a state that was exported before.
    Imported {},
    /// By the world as it was at the beginning.
    Reset {},
}

/// An event that was applied.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct EventRecord {
    /// The position in the journal, from 1, without gaps.
    pub number: u64,
    /// Real time.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where.
    pub tenant: TenantId,
    /// The tenant's own time.
    #[schemars(with = "String")]
    pub tenant_time: Timestamp,
    /// What.
    pub event: Event,
    /// The number of the fault that made it happen, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<u64>,
}

/// A change of a tenant's faults.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct FaultRecord {
    /// The position in the journal, from 1, without gaps.
    pub number: u64,
    /// Real time.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where.
    pub tenant: TenantId,
    /// The tenant's own time.
    #[schemars(with = "String")]
    pub tenant_time: Timestamp,
    /// What.
    pub change: FaultChange,
}

/// What became of a tenant's faults.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultChange {
    /// All were taken away.
    Cleared {},
    /// One was taken away.
    Removed {
        /// Its number.
        number: u64,
    },
    /// One was set.
    Set {
        /// Its number.
        number: u64,
        /// What it does, and to which exchanges, as it was set.
        fault: serde_json::Value,
    },
}

/// A change of a tenant's time.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct ClockRecord {
    /// The position in the journal, from 1, without gaps.
    pub number: u64,
    /// Real time.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where.
    pub tenant: TenantId,
    /// The tenant's own time afterwards.
    #[schemars(with = "String")]
    pub tenant_time: Timestamp,
    /// What.
    pub change: ClockMove,
}

/// A way to move a tenant's time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum ClockMove {
    /// Forward by `90d`, `61m` or `1h 30m` (back, where it begins with `-`).
    Advance(String),
    /// It stops.
    Freeze {},
    /// It returns to real time.
    Reset {},
}

/// A request with its answer.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub struct Exchange {
    /// The position in the journal, from 1, without gaps.
    pub number: u64,
    /// Real time of arrival.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// From arrival to answer, in microseconds.
    pub elapsed_micros: u64,
    /// The label of the listener by which the request came, where one was opened with a label.
    pub via: Option<String>,
    /// A number for each connection.
    pub connection: u64,
    /// The sign-in cloud of the host.
    pub cloud: Option<SignInCloud>,
    /// The environment, where host, port or tenant tell it.
    pub environment: Option<Environment>,
    /// What kind of endpoint.
    pub surface: Surface,
    /// The endpoint as a template, such as `GET /me/messages/{id}`.
    pub endpoint: Option<String>,
    /// The method.
    pub method: String,
    /// Scheme, host and port as addressed.
    pub origin: String,
    /// The path as sent.
    pub path: String,
    /// Query parameters, decoded, redacted.
    pub query: Vec<(String, String)>,
    /// Request headers, names in lower case, redacted.
    pub request_headers: Vec<(String, String)>,
    /// Form fields in their order, repeated ones included, decoded, redacted.
    pub form: Vec<(String, String)>,
    /// The request body where it is no form: JSON redacted, other text cut; bounded.
    pub request_body: Option<Body>,
    /// The HTTP status.
    pub status: u16,
    /// Response headers, names in lower case, redacted.
    pub response_headers: Vec<(String, String)>,
    /// The response body: JSON redacted, other text cut; bounded.
    pub response_body: Option<Body>,
    /// The tenant that was meant.
    pub tenant: Option<TenantId>,
    /// The tenant's own time when the answer was made.
    #[schemars(with = "Option<String>")]
    pub tenant_time: Option<Timestamp>,
    /// The client.
    pub client: Option<ApplicationId>,
    /// The user.
    pub user: Option<ObjectId>,
    /// The grant type in its short spelling.
    pub grant: Option<String>,
    /// The AADSTS codes of a refusal.
    pub aadsts: Vec<u32>,
    /// The error of a refusal.
    pub error: Option<String>,
    /// Why the mock decided as it did.
    pub decision: Option<String>,
    /// Tokens presented and issued.
    pub tokens: Vec<TokenUse>,
    /// The fault that touched the exchange.
    pub fault: Option<String>,
    /// What the client asked for and the mock does not do.
    pub unsupported: Option<String>,
    /// How much of the request the mock does, at Graph where the path was looked up.
    #[serde(default)]
    pub level: Option<Level>,
}

/// How a request of Graph is answered.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// By behaviour of its own.
    Modelled,
    /// From state, types and permissions.
    Generic,
    /// With 501 `NotInTheMock`, behind the guard.
    Unsupported,
    /// As the service answers what it does not have: v1.0 lacks it in this cloud.
    Absent,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 4] = [
        Self::Modelled,
        Self::Generic,
        Self::Unsupported,
        Self::Absent,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modelled => "modelled",
            Self::Generic => "generic",
            Self::Unsupported => "unsupported",
            Self::Absent => "absent",
        }
    }

    /// The level with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What kind of endpoint an exchange addressed.
#[derive(
    Clone,
    Copy,
    Debug,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// Admin consent.
    AdminConsent,
    /// The authorize endpoint and the pages behind it.
    Authorize,
    /// A connection on which no request could be read: a failed TLS handshake, a head that is no
    /// HTTP or too large.
    Connection,
    /// The device-code endpoint.
    DeviceCode,
    /// OpenID configuration, instance discovery, user realm.
    Discovery,
    /// Microsoft Graph.
    Graph,
    /// The key set.
    Keys,
    /// Logout.
    Logout,
    /// Something else on a login host.
    Other,
    /// A host at the forward proxy that is none of ours.
    Proxy,
    /// A TLS handshake in which a fault presented a wrong certificate.
    Tls,
    /// The token endpoint.
    Token,
}

impl Surface {
    /// The names of all, as they are written.
    pub const NAMES: [&str; 12] = [
        "admin-consent",
        "authorize",
        "connection",
        "device-code",
        "discovery",
        "graph",
        "keys",
        "logout",
        "other",
        "proxy",
        "tls",
        "token",
    ];
}

/// A token that an exchange presented or issued.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct TokenUse {
    /// What kind of token.
    pub kind: TokenKind,
    /// Presented by the client, or issued to it.
    pub direction: Direction,
    /// The fingerprint: the same for the same token.
    pub fingerprint: String,
    /// The family of a refresh token or of the authorization code it began with: all that
    /// descends from one sign-in.
    pub family: Option<String>,
    /// The position in the family.
    pub generation: Option<u32>,
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// Access token.
    Access,
    /// A client's assertion.
    Assertion,
    /// Authorization code.
    Code,
    /// Device code.
    DeviceCode,
    /// ID token.
    Id,
    /// Refresh token.
    Refresh,
}

/// Which way a token went.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The mock issued it.
    Issued,
    /// The client presented it.
    Presented,
}

impl Exchange {
    /// One in which nothing was asked and nothing answered: what is known of it is filled in.
    ///
    /// `connection` is the number of the connection, `via` the label of its listener.
    pub fn empty(surface: Surface, via: Option<String>, connection: u64) -> Self {
        Self {
            number: 0,
            at: crate::clock::Clock::real().now(),
            elapsed_micros: 0,
            via,
            connection,
            cloud: None,
            environment: None,
            surface,
            endpoint: None,
            method: String::new(),
            origin: String::new(),
            path: String::new(),
            query: Vec::new(),
            request_headers: Vec::new(),
            form: Vec::new(),
            request_body: None,
            status: 0,
            response_headers: Vec::new(),
            response_body: None,
            tenant: None,
            tenant_time: None,
            client: None,
            user: None,
            grant: None,
            aadsts: Vec::new(),
            error: None,
            decision: None,
            tokens: Vec::new(),
            fault: None,
            unsupported: None,
            level: None,
        }
    }

    pub(super) fn redact(&mut self, redactor: &Redactor) {
        let optional = [
            &mut self.decision,
            &mut self.endpoint,
            &mut self.error,
            &mut self.fault,
            &mut self.grant,
            &mut self.unsupported,
            &mut self.via,
        ];
        let texts = [&mut self.method, &mut self.origin, &mut self.path];
        for text in texts.into_iter().chain(optional.into_iter().flatten()) {
            if let Cow::Owned(written) = redactor.text(text) {
                *text = written;
            }
        }
    }

    /// The exchange in a line: `#14  POST /contoso/oauth2/v2.0/token  → 400 invalid_grant
    /// AADSTS50173`.
    pub fn line(&self) -> String {
        self.line_with("")
    }

    /// The exchange in a line, with who asked.
    pub(crate) fn line_with(&self, who: &str) -> String {
        format!("#{:<4} {}", self.number, self.without_number(who))
    }

    /// The exchange in a line without its number.
    #[cfg(feature = "cli")]
    pub(crate) fn summary(&self) -> String {
        self.without_number("")
    }

    fn without_number(&self, who: &str) -> String {
        let grant = self
            .grant
            .as_ref()
            .map_or_else(String::new, |it| format!(" ({it})"));
        let error = self
            .error
            .as_ref()
            .map_or_else(String::new, |it| format!(" {it}"));
        let codes: String = self
            .aadsts
            .iter()
            .map(|code| format!(" AADSTS{code}"))
            .collect();
        let unsupported = self.unsupported.as_ref().map_or_else(String::new, |what| {
            format!("  [the mock does not do this: {what}]")
        });
        let fault = self
            .fault
            .as_ref()
            .map_or_else(String::new, |it| format!("  [{it}]"));
        format!(
            "{} {}{}{grant}{who}  → {}{error}{codes}{fault}{unsupported}",
            self.method, self.origin, self.path, self.status
        )
    }
}

impl Entry {
    /// The position in the journal.
    pub fn number(&self) -> u64 {
        match self {
            Self::Exchange(exchange) => exchange.number,
            Self::Event(record) => record.number,
            Self::Fault(record) => record.number,
            Self::Clock(record) => record.number,
            Self::State(record) => record.number,
        }
    }

    /// The tenant that the entry is about, where it is known.
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Exchange(exchange) => exchange.tenant,
            Self::Event(record) => Some(record.tenant),
            Self::Fault(record) => Some(record.tenant),
            Self::Clock(record) => Some(record.tenant),
            Self::State(_) => None,
        }
    }
}

/// The grants in their short spelling.
pub(crate) const GRANTS: [&str; 6] = [
    "authorization_code",
    "client_credentials",
    "device_code",
    "on_behalf_of",
    "password",
    "refresh_token",
];
