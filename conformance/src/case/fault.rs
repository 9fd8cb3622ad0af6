//! The vocabulary of faults. It is part of the format; acting on them is the mock's part.

use entra_mock::fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use entra_mock::notation::{Many, Span};

/// A scripted misbehaviour of the service or of the network.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// Which exchanges it may touch.
    #[serde(default)]
    pub on: FaultTarget,
    /// Which of them it touches; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<FaultWhen>,
    /// What it does.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// Which exchanges a fault may touch.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FaultTarget {
    /// The surfaces.
    pub surface: Many<FaultSurface>,
    /// The path, `*` for any text.
    pub path: Option<String>,
    /// The grant type in its short spelling.
    pub grant: Option<String>,
    /// The app by alias.
    pub client: Option<String>,
    /// The user by alias.
    pub user: Option<String>,
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

/// When a fault acts.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultWhen {
    /// After an event of this name happened.
    AfterEvent(String),
    /// With this probability, from the run's seed.
    Chance(f64),
    /// Every so many exchanges.
    Every(u32),
    /// From one to another exchange, counted from 1.
    Between {
        /// The first.
        from: u32,
        /// The last.
        to: u32,
    },
    /// The exchange of this number, counted from 1.
    Nth(u32),
    /// Until so much of the tenant's time has passed.
    Until(Span),
}

/// What a fault does.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultAction {
    /// Answers with this AADSTS number.
    Aadsts(u32),
    /// Signs wrongly.
    BadSignature,
    /// Challenges for claims.
    ClaimsChallenge,
    /// Answers late.
    Delay(Span),
    /// Answers without a body.
    Empty,
    /// Lets an event happen at that very request.
    Event(entra_mock::directory::Event),
    /// Issues a token that has expired.
    ExpiredToken,
    /// Answers with this error of Graph.
    GraphError {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: String,
    },
    /// Answers with a body without end.
    HugeBody,
    /// Lets the request take effect and drops the answer.
    LoseResponse,
    /// Answers with broken JSON.
    MalformedJson,
    /// Redirects.
    Redirect(String),
    /// Resets the connection.
    Reset(ResetAt),
    /// Answers slowly, over this time.
    SlowBody(Span),
    /// Answers with old keys.
    StaleKeys,
    /// Answers with this HTTP status.
    Status(u16),
    /// Throttles.
    Throttle {
        /// When to come again, in seconds or as an HTTP date.
        #[serde(default, rename = "retry-after")]
        retry_after: Option<String>,
    },
    /// Presents a wrong certificate.
    Tls(WrongCertificate),
    /// Breaks the answer off.
    Truncate,
    /// Signs with a key that is not published.
    UnknownKey,
    /// Issues a token for another audience.
    WrongAudience,
    /// Answers with another content type.
    WrongContentType(String),
    /// Issues a token of another issuer.
    WrongIssuer,
}

/// Where a connection is reset.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the places in an answer")]
pub enum ResetAt {
    AfterHeaders,
    BeforeHeaders,
    MidBody,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum WrongCertificate {
    Expired,
    Untrusted,
    WrongHost,
}

impl Fault {
    /// The fault as the mock takes it. `id` finds the object id of a user or the application id
    /// of an app by its alias. The error names what this version does not do.
    pub fn resolve(
        &self,
        id: impl Fn(&str, &str) -> Result<String, String>,
    ) -> Result<fault::Fault, String> {
        let find = |name: &Option<String>, member: &str| match name {
            Some(alias) => id(alias, member).map(Some),
            None => Ok(None),
        };
        let parse = |text: Option<String>| text.and_then(|it| it.parse().ok());
        let user = find(&self.on.user, "id")?;
        Ok(fault::Fault {
            on: fault::FaultTarget {
                surfaces: self.on.surface.iter().map(|it| it.resolve()).collect(),
                path: self.on.path.clone(),
                grant: self.on.grant.clone(),
                client: parse(find(&self.on.client, "client_id")?),
                user: user.and_then(|it| it.parse().ok()),
            },
            when: self.when.as_ref().map(FaultWhen::resolve),
            action: self.action.resolve()?,
        })
    }
}

impl FaultSurface {
    fn resolve(self) -> fault::FaultSurface {
        match self {
            Self::Any => fault::FaultSurface::Any,
            Self::Authorize => fault::FaultSurface::Authorize,
            Self::Discovery => fault::FaultSurface::Discovery,
            Self::Graph => fault::FaultSurface::Graph,
            Self::Keys => fault::FaultSurface::Keys,
            Self::Token => fault::FaultSurface::Token,
        }
    }
}

impl FaultWhen {
    fn resolve(&self) -> fault::FaultWhen {
        match self {
            Self::AfterEvent(name) => fault::FaultWhen::AfterEvent(name.clone()),
            Self::Between { from, to } => fault::FaultWhen::Between {
                from: *from,
                to: *to,
            },
            Self::Chance(chance) => fault::FaultWhen::Chance(*chance),
            Self::Every(every) => fault::FaultWhen::Every(*every),
            Self::Nth(nth) => fault::FaultWhen::Nth(*nth),
            Self::Until(span) => {
                fault::FaultWhen::Until(u32::try_from(span.0.as_secs()).unwrap_or(u32::MAX))
            }
        }
    }
}

impl FaultAction {
    fn resolve(&self) -> Result<fault::FaultAction, String> {
        let millis = |span: &Span| u64::try_from(span.0.as_millis()).unwrap_or(0);
        Ok(match self {
            Self::Aadsts(code) => fault::FaultAction::Aadsts(*code),
            Self::Delay(span) => fault::FaultAction::Delay(millis(span)),
            Self::Empty => fault::FaultAction::Empty,
            Self::Event(event) => fault::FaultAction::Event(event.clone()),
            Self::GraphError { status, code } => fault::FaultAction::GraphError {
                status: *status,
                code: code.clone(),
            },
            Self::HugeBody => fault::FaultAction::HugeBody,
            Self::LoseResponse => fault::FaultAction::LoseResponse,
            Self::MalformedJson => fault::FaultAction::MalformedJson,
            Self::Redirect(to) => fault::FaultAction::Redirect(to.clone()),
            Self::Reset(at) => fault::FaultAction::Reset(match at {
                ResetAt::AfterHeaders => fault::ResetAt::AfterHeaders,
                ResetAt::BeforeHeaders => fault::ResetAt::BeforeHeaders,
                ResetAt::MidBody => fault::ResetAt::MidBody,
            }),
            Self::SlowBody(span) => fault::FaultAction::SlowBody(millis(span)),
            Self::Status(status) => fault::FaultAction::Status(*status),
            Self::Throttle { retry_after } => fault::FaultAction::Throttle {
                retry_after: retry_after.clone(),
            },
            Self::Truncate => fault::FaultAction::Truncate,
            Self::WrongContentType(kind) => fault::FaultAction::WrongContentType(kind.clone()),
            Self::BadSignature
            | Self::ClaimsChallenge
            | Self::ExpiredToken
            | Self::StaleKeys
            | Self::Tls(_)
            | Self::UnknownKey
            | Self::WrongAudience
            | Self::WrongIssuer => {
                return Err(
                    "wrong tokens, keys and certificates are not available in this version"
                        .to_owned(),
                );
            }
        })
    }
}
