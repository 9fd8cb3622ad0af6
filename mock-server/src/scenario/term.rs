//! The words of checks: ways of proof, kinds of tokens, answers, places of values.

use std::fmt;
use std::str::FromStr;

use crate::journal::TokenKind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A way in which a client proves itself.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// A signed JWT.
    Assertion,
    /// A secret in an `Authorization: Basic` header.
    SecretBasic,
    /// A secret in the body.
    SecretBody,
}

/// The kind of a token, as files name it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenName {
    /// Access token.
    Access,
    /// A client's assertion.
    Assertion,
    /// Authorization code.
    Code,
    /// Refresh token.
    Refresh,
}

impl From<TokenName> for TokenKind {
    fn from(name: TokenName) -> Self {
        match name {
            TokenName::Access => Self::Access,
            TokenName::Assertion => Self::Assertion,
            TokenName::Code => Self::Code,
            TokenName::Refresh => Self::Refresh,
        }
    }
}

/// Where secrets must not be.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secrets {
    /// Not in the path or the query.
    NotInUrl,
    /// Nowhere in the request.
    NotSent,
}

/// Where an exchange range begins: at the last step of this kind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names of the steps")]
pub enum Since {
    Advance,
    Call,
    ClearFaults,
    Connect,
    Disconnect,
    Event,
    Fault,
    Finish,
    Reconnect,
    Restart,
}

impl Since {
    /// The name of the step.
    pub fn step(self) -> &'static str {
        match self {
            Self::Advance => "advance",
            Self::Call => "call",
            Self::ClearFaults => "clear-faults",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Event => "event",
            Self::Fault => "fault",
            Self::Finish => "finish",
            Self::Reconnect => "reconnect",
            Self::Restart => "restart",
        }
    }
}

/// A value of an exchange by place and name: `query.state`, `form.scope`,
/// `header.client-request-id`, `assertion.jti`, `presents.refresh`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// `query`, `form`, `header`, `assertion` or `presents`.
    pub place: String,
    /// The name there.
    pub name: String,
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const PLACES: [&str; 5] = ["assertion", "form", "header", "presents", "query"];
        match text.split_once('.') {
            Some((place, name)) if PLACES.contains(&place) && !name.is_empty() => Ok(Self {
                place: place.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(format!(
                "'{text}' is not a value of an exchange: write a place ({}) and a name, such as query.state",
                PLACES.join(", ")
            )),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.place, self.name)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Field {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(assertion|form|header|presents|query)\\..+$",
            "description": "A value of an exchange by place and name, such as query.state."
        })
    }
}

/// How an exchange was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answered {
    /// With a status below 400.
    Success,
    /// With a status of 400 or more.
    Refusal,
    /// With this HTTP status.
    Status(u16),
    /// With this AADSTS number.
    Aadsts(u32),
    /// With this error: `invalid_grant`, `ErrorAccessDenied`.
    Error(String),
}

impl From<u64> for Answered {
    fn from(number: u64) -> Self {
        match u16::try_from(number) {
            Ok(status) if status < 1000 => Self::Status(status),
            _ => Self::Aadsts(u32::try_from(number).unwrap_or(u32::MAX)),
        }
    }
}

impl From<&str> for Answered {
    fn from(text: &str) -> Self {
        let number = text.strip_prefix("AADSTS").unwrap_or(text);
        match (text, number.parse::<u64>()) {
            ("success", _) => Self::Success,
            ("refusal", _) => Self::Refusal,
            (_, Ok(number)) => Self::from(number),
            _ => Self::Error(text.to_owned()),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => formatter.write_str("success"),
            Self::Refusal => formatter.write_str("refusal"),
            Self::Status(status) => write!(formatter, "{status}"),
            Self::Aadsts(number) => write!(formatter, "AADSTS{number}"),
            Self::Error(error) => formatter.write_str(error),
        }
    }
}

impl<'de> Deserialize<'de> for Answered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnsweredVisitor;
        impl Visitor<'_> for AnsweredVisitor {
            type Value = Answered;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a status, an error, an AADSTS number, 'success' or 'refusal'")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Answered, E> {
                Ok(Answered::from(text))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Answered, E> {
                Ok(Answered::from(number))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Answered, E> {
                Ok(Answered::from(number.unsigned_abs()))
            }
        }
        deserializer.deserialize_any(AnsweredVisitor)
    }
}

impl Serialize for Answered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Status(status) => serializer.serialize_u16(*status),
            _ => serializer.collect_str(self),
        }
    }
}

impl JsonSchema for Answered {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Answered".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "A status, an error such as invalid_grant, an AADSTS number, success or refusal."
        })
    }
}
