//! Faults: what goes wrong on purpose. A fault says which exchanges it may touch, which of them it
//! touches, and what it does; acting is the server's part.

mod check;
mod make;
mod set;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use check::FaultError;
pub use set::{FaultFacts, FaultStatus, Faults};

use crate::directory::Event;
use crate::notation::{Many, Span};

/// A scripted misbehaviour of the service or of the network, in one tenant.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// Which exchanges it may touch; all if absent.
    #[serde(default)]
    pub on: FaultTarget,
    /// Which of them it touches; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<FaultWhen>,
    /// What it does.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// Which exchanges a fault may touch: those that fit all that is said.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FaultTarget {
    /// The surfaces; any if absent.
    #[serde(skip_serializing_if = "Many::is_empty")]
    pub surface: Many<FaultSurface>,
    /// The path, `*` for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The grant type in its short spelling, such as `refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The app by alias or application id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The user by alias, sign-in name or object id, as far as a token or the form tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The proxy listener by its label, where a mock has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// A surface that faults act on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names of the surfaces")]
pub enum FaultSurface {
    Any,
    Authorize,
    Discovery,
    Graph,
    Keys,
    Token,
}

/// Which of the exchanges a fault touches, counted from 1.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultWhen {
    /// Those after an event of this name.
    AfterEvent(String),
    /// From one to another.
    Between {
        /// The first.
        from: u32,
        /// The last.
        to: u32,
    },
    /// Each with this probability, drawn from the seed.
    Chance(f64),
    /// Every so many.
    Every(u32),
    /// The one with this number.
    Nth(u32),
    /// Those within so much of the tenant's time.
    Until(Span),
}

/// What a fault does.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultAction {
    /// The request has no effect; the answer is this AADSTS code.
    Aadsts(u32),
    /// Tokens without a signature, of the algorithm `none`.
    AlgNone,
    /// Tokens whose signature does not fit.
    BadSignature,
    /// Graph demands another token: 401 with this `WWW-Authenticate` as it is written, or with
    /// several.
    Challenge(Many<String>),
    /// Graph demands a newer token with other claims: 401.
    ClaimsChallenge,
    /// Answers late.
    Delay(Span),
    /// Answers with other members in its JSON.
    Edit {
        /// Members that are added or replaced.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        set: Map<String, Value>,
        /// Members that are taken away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<String>,
    },
    /// Answers without a body.
    Empty,
    /// An event happens at that very request, before it is handled.
    Event(Event),
    /// Tokens that expired an hour ago.
    ExpiredToken,
    /// Tokens signed with a key that is not published, whose header names one of a stranger's.
    ForeignKey,
    /// Answers, and closes the connection: GOAWAY in HTTP/2, `Connection: close` in HTTP/1.1.
    Goaway,
    /// The request has no effect; the answer is this error of Graph.
    GraphError {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: String,
        /// What it says; the usual words if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Answers with a body of a gigabyte.
    HugeBody,
    /// Tokens of an issuer in another cloud.
    IssuerOfAnotherCloud,
    /// The request takes effect, and the connection ends without an answer.
    LoseResponse,
    /// Answers with JSON that ends too early.
    MalformedJson,
    /// ID tokens that name no sign-in: they have no nonce.
    NoNonce,
    /// The request has no effect; the answer leads elsewhere.
    Redirect(Redirection),
    /// The connection breaks.
    Reset(ResetAt),
    /// Answers slowly, over so much time.
    SlowBody(Span),
    /// The key set lacks the key that signs.
    StaleKeys,
    /// The request has no effect; the answer has this HTTP status and no reason.
    Status(u16),
    /// The request has no effect: 429.
    Throttle {
        /// The value of `Retry-After`: seconds or an HTTP date; none if absent.
        #[serde(
            default,
            rename = "retry-after",
            skip_serializing_if = "Option::is_none"
        )]
        retry_after: Option<RetryAfter>,
        /// Seconds are sent as the HTTP date at which they have passed.
        #[serde(
            default,
            rename = "as-date",
            skip_serializing_if = "std::ops::Not::not"
        )]
        as_date: bool,
        /// The value of `Retry-After` as it is sent, however wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verbatim: Option<String>,
    },
    /// Presents a wrong certificate.
    Tls(WrongCertificate),
    /// Announces the whole answer, and sends half of it.
    Truncate,
    /// Tokens signed with a key that is not published.
    UnknownKey,
    /// Tokens for another audience.
    WrongAudience,
    /// Answers with another content type.
    WrongContentType(String),
    /// Tokens of another issuer.
    WrongIssuer,
    /// ID tokens of another sign-in.
    WrongNonce,
    /// Tokens of another user.
    WrongUser,
}

/// Where an answer leads: an address, with the status 302, or with another one.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Redirection {
    /// With the status 302.
    To(String),
    /// With another status.
    With {
        /// The address.
        to: String,
        /// The status: 301, 302, 303, 307 (with the same method and body) or 308.
        status: u16,
    },
}

impl Redirection {
    /// The address.
    pub fn to(&self) -> &str {
        match self {
            Self::To(to) | Self::With { to, .. } => to,
        }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        match self {
            Self::To(_) => 302,
            Self::With { status, .. } => *status,
        }
    }
}

/// When to come again: seconds or an HTTP date.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u32),
    /// A number of seconds, or an HTTP date.
    Text(String),
}

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetAt {
    /// After the headers of the answer.
    AfterHeaders,
    /// Before the request is handled.
    BeforeHeaders,
    /// In the middle of the answer's body.
    MidBody,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrongCertificate {
    /// It has expired.
    Expired,
    /// An authority signed it that nobody trusts.
    Untrusted,
    /// It is another host's.
    WrongHost,
}

impl FaultAction {
    /// The names of all kinds of faults, in the order of the alphabet.
    pub fn names() -> Vec<String> {
        let schema = schemars::schema_for!(Self).to_value();
        let kinds = schema["oneOf"].as_array().into_iter().flatten();
        let mut names: Vec<String> = kinds
            .flat_map(|kind| {
                let listed = kind["enum"].as_array().into_iter().flatten();
                listed
                    .chain([&kind["const"], &kind["required"][0]])
                    .filter_map(|it| it.as_str().map(str::to_owned))
                    .collect::<Vec<_>>()
            })
            .collect();
        names.sort();
        names
    }

    /// The name, such as `throttle`.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            Ok(Value::Object(map)) => map
                .into_iter()
                .next()
                .map(|(name, _)| name)
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// The surfaces on which it makes sense; all if empty.
    pub fn surfaces(&self) -> &'static [FaultSurface] {
        match self {
            Self::Aadsts(_) => &[
                FaultSurface::Authorize,
                FaultSurface::Discovery,
                FaultSurface::Token,
            ],
            Self::AlgNone
            | Self::BadSignature
            | Self::ExpiredToken
            | Self::ForeignKey
            | Self::IssuerOfAnotherCloud
            | Self::NoNonce
            | Self::UnknownKey
            | Self::WrongAudience
            | Self::WrongIssuer
            | Self::WrongNonce
            | Self::WrongUser => &[FaultSurface::Authorize, FaultSurface::Token],
            Self::Challenge(_) | Self::ClaimsChallenge | Self::GraphError { .. } => {
                &[FaultSurface::Graph]
            }
            Self::StaleKeys => &[FaultSurface::Keys],
            _ => &[],
        }
    }
}

impl RetryAfter {
    /// The seconds, if it is a number.
    pub fn seconds(&self) -> Option<u32> {
        match self {
            Self::Seconds(seconds) => Some(*seconds),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl std::fmt::Display for RetryAfter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => seconds.fmt(formatter),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for RetryAfter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl serde::de::Visitor<'_> for Read {
            type Value = RetryAfter;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a number of seconds or an HTTP date")
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<RetryAfter, E> {
                let seconds = u32::try_from(seconds);
                seconds.map(RetryAfter::Seconds).map_err(|_| {
                    E::custom("more seconds than anybody waits: write a number below 4294967296")
                })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RetryAfter, E> {
                Ok(RetryAfter::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Read)
    }
}
