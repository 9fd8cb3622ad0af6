//! The journal: a bounded, ordered record of every exchange and every change of state.
//!
//! Nobody reads a secret, an assertion or a token here whole: they are replaced by a fingerprint
//! that tells the same token from another one (`redact`). Forms, bodies and credentials of the login
//! hosts are kept without them from the start. Headers, and what Graph exchanges, are more, and little
//! of it is ever looked at: it is written when somebody does (`kept`).

mod body;
mod expect;
mod filter;
mod kept;
mod redact;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

pub use body::Body;
pub use expect::{Expectation, Within};
pub use filter::{Filter, status_range};
pub use kept::Feed;
pub use redact::{KnownSecrets, Names, Redaction, Redactor, SecretHolder, fingerprint};

use self::kept::Kept;
use crate::directory::{ApplicationId, Event, ObjectId, TenantId};
use crate::environment::{Environment, SignInCloud};
use crate::lock::{Mutex, rank};

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

/// The journal. Cheap to clone; clones are the same journal.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capacity: usize,
    redactor: Redactor,
    state: Mutex<rank::Journal, State>,
    feed: broadcast::Sender<Arc<Kept>>,
}

#[derive(Debug, Default)]
struct State {
    written: u64,
    entries: VecDeque<Arc<Kept>>,
}

impl Journal {
    /// A journal that keeps the newest `capacity` entries.
    pub fn new(capacity: usize, redaction: Redaction) -> Self {
        let (feed, _) = broadcast::channel(256);
        let state = Mutex::new(State::default());
        Self {
            inner: Arc::new(Inner {
                capacity: capacity.max(1),
                redactor: Redactor::new(redaction, KnownSecrets::default()),
                state,
                feed,
            }),
        }
    }

    /// How secrets and tokens are written.
    pub fn redactor(&self) -> &Redactor {
        &self.inner.redactor
    }

    /// Writes an exchange and returns its number. Its headers, fields and bodies have been written
    /// by the [`Redactor`]; its other texts lose their secrets here.
    pub fn exchange(&self, mut exchange: Exchange) -> u64 {
        exchange.redact(&self.inner.redactor);
        self.write(|number| Entry::Exchange(Exchange { number, ..exchange }))
    }

    /// Takes note of an exchange that is written, by the same rules, when somebody looks at it.
    pub(crate) fn exchange_later(
        &self,
        write: impl FnOnce(&Redactor) -> Exchange + Send + Sync + 'static,
    ) -> u64 {
        let redactor = self.inner.redactor.clone();
        self.keep(move |number| {
            Kept::later(number, move || {
                let mut exchange = write(&redactor);
                exchange.redact(&redactor);
                Entry::Exchange(Exchange { number, ..exchange })
            })
        })
    }

    /// Writes an event, without its secrets, and returns its number.
    pub fn event(&self, mut record: EventRecord) -> u64 {
        record.event = self.inner.redactor.event(record.event);
        self.write(|number| Entry::Event(EventRecord { number, ..record }))
    }

    /// Writes a change of faults, without their secrets, and returns its number.
    pub fn fault(&self, mut record: FaultRecord) -> u64 {
        if let FaultChange::Set { fault, .. } = &mut record.change {
            *fault = self.inner.redactor.fault(fault.take());
        }
        self.write(|number| Entry::Fault(FaultRecord { number, ..record }))
    }

    /// Writes a change of a clock and returns its number.
    pub fn clock(&self, record: ClockRecord) -> u64 {
        self.write(|number| Entry::Clock(ClockRecord { number, ..record }))
    }

    /// Writes that the whole world was replaced, and returns the entry's number.
    pub fn state(&self, record: StateRecord) -> u64 {
        self.write(|number| Entry::State(StateRecord { number, ..record }))
    }

    /// The number of the newest entry, 0 before the first.
    pub fn position(&self) -> u64 {
        self.inner.state.read(|it| it.written)
    }

    /// The entries after a position that are still kept, oldest first.
    pub fn since(&self, position: u64) -> Vec<Arc<Entry>> {
        let kept: Vec<Arc<Kept>> = self.inner.state.read(|state| {
            let skip = state
                .entries
                .partition_point(|kept| kept.number() <= position);
            state.entries.iter().skip(skip).cloned().collect()
        });
        // What is not yet written is written now, outside of the lock.
        kept.iter().map(|it| it.entry()).collect()
    }

    /// The kept exchanges after a position, oldest first.
    pub fn exchanges_since(&self, position: u64) -> Vec<Exchange> {
        self.since(position)
            .iter()
            .filter_map(|entry| match &**entry {
                Entry::Exchange(exchange) => Some(exchange.clone()),
                Entry::Event(_) | Entry::Fault(_) | Entry::Clock(_) | Entry::State(_) => None,
            })
            .collect()
    }

    /// All entries written from now on; a reader that is too slow loses the oldest.
    pub fn follow(&self) -> Feed {
        Feed::new(self.inner.feed.subscribe())
    }

    /// The first entry that fits, among those kept or those to come before the deadline.
    pub async fn wait_for_entry(&self, filter: &Filter, deadline: Duration) -> Option<Arc<Entry>> {
        let mut feed = self.follow();
        let search = || {
            let kept = self.since(filter.since);
            kept.into_iter().find(|entry| filter.fits(entry))
        };
        if let Some(found) = search() {
            return Some(found);
        }
        tokio::time::timeout(deadline, async {
            loop {
                match feed.recv().await {
                    Ok(entry) if filter.fits(&entry) => return Some(entry),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        if let Some(found) = search() {
                            return Some(found);
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Waits until an exchange after `position` fits, or the deadline passes.
    pub async fn wait_for(
        &self,
        position: u64,
        deadline: Duration,
        fits: impl Fn(&Exchange) -> bool,
    ) -> Option<Exchange> {
        let mut feed = self.follow();
        let search = |journal: &Self| {
            journal
                .exchanges_since(position)
                .into_iter()
                .find(|exchange| fits(exchange))
        };
        if let Some(found) = search(self) {
            return Some(found);
        }
        tokio::time::timeout(deadline, async {
            loop {
                match feed.recv().await {
                    Ok(entry) => {
                        if let Entry::Exchange(exchange) = &*entry
                            && fits(exchange)
                        {
                            return Some(exchange.clone());
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        if let Some(found) = search(self) {
                            return Some(found);
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Forgets all entries; numbers go on.
    pub fn clear(&self) {
        self.inner.state.write(|it| it.entries.clear());
    }

    fn write(&self, entry: impl FnOnce(u64) -> Entry) -> u64 {
        self.keep(|number| Kept::written(entry(number)))
    }

    fn keep(&self, kept: impl FnOnce(u64) -> Kept) -> u64 {
        let (number, _oldest) = self.inner.state.write(|state| {
            state.written += 1;
            let number = state.written;
            let kept = Arc::new(kept(number));
            let oldest = if state.entries.len() == self.inner.capacity {
                state.entries.pop_front()
            } else {
                None
            };
            state.entries.push_back(Arc::clone(&kept));
            // Nobody may be listening. Sent under the lock, so that the feed has the journal's order.
            let _ = self.inner.feed.send(kept);
            // Let go outside of the lock.
            (number, oldest)
        });
        number
    }
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

    fn redact(&mut self, redactor: &Redactor) {
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
