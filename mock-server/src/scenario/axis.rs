//! Names that scenarios use: auth methods, categories, operations, features.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use crate::notation::nearest;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Lets the values of a type with `ALL` and `slug` be written and read by their names.
macro_rules! named {
    ($type:ty, $kind:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.slug())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.into_iter().find(|it| it.slug() == text);
                found.ok_or_else(|| {
                    UnknownName::new($kind, text, Self::ALL.into_iter().map(Self::slug))
                })
            }
        }
    };
}

/// How a connector signs in.
#[derive(
    Clone,
    Copy,
    Debug,
    serde::Deserialize,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// Authorization code with the vendor's multi-tenant app.
    AuthorizationCode,
    /// App-only with a certificate.
    ClientCertificate,
    /// App-only with a secret.
    ClientCredentials,
    /// Device code.
    DeviceCode,
    /// Authorization code with an app that the customer registered.
    OwnApp,
    /// User name and password.
    UsernamePassword,
}

impl AuthMethod {
    /// The four methods that the documentation names: what `auth: all` means.
    pub const DOCUMENTED: [Self; 4] = [
        Self::AuthorizationCode,
        Self::ClientCertificate,
        Self::ClientCredentials,
        Self::OwnApp,
    ];

    /// All methods.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::ClientCertificate,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::OwnApp,
        Self::UsernamePassword,
    ];

    /// The name in files, protocol and reports.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization-code",
            Self::ClientCertificate => "client-certificate",
            Self::ClientCredentials => "client-credentials",
            Self::DeviceCode => "device-code",
            Self::OwnApp => "own-app",
            Self::UsernamePassword => "username-password",
        }
    }

    /// Whether no user takes part.
    pub fn is_app_only(self) -> bool {
        matches!(self, Self::ClientCertificate | Self::ClientCredentials)
    }

    /// The app of the default world that a connection of this method uses.
    pub fn app(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "vendor-app",
            Self::ClientCertificate => "daemon-certificate",
            Self::ClientCredentials => "daemon-secret",
            Self::DeviceCode | Self::UsernamePassword => "native-app",
            Self::OwnApp => "own-app",
        }
    }
}

named!(AuthMethod, "auth method");

/// What a connector tells its user when something fails.
#[derive(
    Clone,
    Copy,
    Debug,
    serde::Deserialize,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Signed in, but not allowed to do this.
    AccessDenied,
    /// Ask an administrator to consent.
    AdminConsentRequired,
    /// The name is taken, or somebody else has changed or locked it meanwhile.
    Conflict,
    /// Consent.
    ConsentRequired,
    /// The person declined, or a policy or assignment keeps them out.
    InteractionBlocked,
    /// Client, tenant, redirect URI, scope or environment is wrong.
    InvalidConfiguration,
    /// The secret, certificate or password is wrong, expired or removed.
    InvalidCredentials,
    /// No such mailbox, message or resource.
    NotFound,
    /// Sign in again; no retry will help.
    ReconnectRequired,
    /// The service said wait.
    Throttled,
    /// The service did not work.
    Unavailable,
    /// The connector does not have this.
    Unsupported,
    /// A response failed validation.
    Untrusted,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 13] = [
        Self::AccessDenied,
        Self::AdminConsentRequired,
        Self::Conflict,
        Self::ConsentRequired,
        Self::InteractionBlocked,
        Self::InvalidConfiguration,
        Self::InvalidCredentials,
        Self::NotFound,
        Self::ReconnectRequired,
        Self::Throttled,
        Self::Unavailable,
        Self::Unsupported,
        Self::Untrusted,
    ];

    /// The name in files, protocol and reports.
    pub fn slug(self) -> &'static str {
        match self {
            Self::AccessDenied => "access-denied",
            Self::AdminConsentRequired => "admin-consent-required",
            Self::Conflict => "conflict",
            Self::ConsentRequired => "consent-required",
            Self::InteractionBlocked => "interaction-blocked",
            Self::InvalidConfiguration => "invalid-configuration",
            Self::InvalidCredentials => "invalid-credentials",
            Self::NotFound => "not-found",
            Self::ReconnectRequired => "reconnect-required",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
            Self::Untrusted => "untrusted",
        }
    }
}

named!(Category, "category");

/// The operations of the connector protocol.
pub const OPERATIONS: [&str; 25] = [
    "create-draft",
    "create-event",
    "create-folder",
    "delete-file",
    "get-file",
    "get-mailbox-settings",
    "get-message",
    "get-profile",
    "list-calendars",
    "list-contacts",
    "list-events",
    "list-files",
    "list-folders",
    "list-items",
    "list-messages",
    "list-sites",
    "list-teams",
    "move-file",
    "move-message",
    "send-channel-message",
    "send-message",
    "upload-file",
    "watch-events",
    "watch-files",
    "watch-messages",
];

/// Operations that had another name before: the former one, and the one that they have.
pub const FORMER_OPERATIONS: [(&str, &str); 1] = [("list-drive", "list-files")];

/// An operation by the name that it has now.
pub(super) fn current(operation: &str) -> &str {
    let mut former = FORMER_OPERATIONS.into_iter();
    let found = former.find(|(former, _)| *former == operation);
    found.map_or(operation, |(_, now)| now)
}

/// Stands in scenarios for any operation that reads: the first of [`READING`] that a connector has.
pub const READ: &str = "read";

/// The operations that read, and need nothing but a connection.
pub const READING: [&str; 9] = [
    "list-messages",
    "list-events",
    "list-folders",
    "list-calendars",
    "list-contacts",
    "get-mailbox-settings",
    "list-files",
    "list-teams",
    "get-profile",
];

/// The features of the connector protocol.
pub const FEATURES: [&str; 12] = [
    "cae",
    "clock",
    "concurrent-calls",
    "id-token",
    "pkce",
    "polling",
    "public-client",
    "restart",
    "shared-mailbox",
    "shared-store",
    "subscriptions",
    "upload-sessions",
];

/// A name that is none of those known, with the nearest one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown {kind} '{name}'{}", .nearest.as_ref().map_or_else(String::new, |it| format!(", did you mean '{it}'?")))]
pub struct UnknownName {
    /// What kind of name was expected.
    pub kind: &'static str,
    /// What was found.
    pub name: String,
    /// The nearest known name.
    pub nearest: Option<String>,
}

impl UnknownName {
    /// Describes a wrong name among the known ones.
    pub fn new<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            nearest: nearest(name, known),
        }
    }
}

/// The values of an axis that a scenario is expanded over: `all`, or a list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Axis<T> {
    /// All that there are.
    #[default]
    All,
    /// These.
    Only(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Axis<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AxisVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for AxisVisitor<T> {
            type Value = Axis<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("'all' or a list")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == "all" {
                    return Ok(Axis::All);
                }
                T::deserialize(text.into_deserializer()).map(|it| Axis::Only(vec![it]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                let values = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
                if values.is_empty() {
                    return Err(serde::de::Error::custom(
                        "an empty list: this would never run; write 'all' or a list",
                    ));
                }
                Ok(Axis::Only(values))
            }
        }
        deserializer.deserialize_any(AxisVisitor(PhantomData))
    }
}

impl<T: Serialize> Serialize for Axis<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(values) => values.serialize(serializer),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Axis<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("AxisOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        let list = json_schema!({"type": "array", "items": item, "minItems": 1});
        json_schema!({"anyOf": [{"const": "all"}, item, list]})
    }
}
