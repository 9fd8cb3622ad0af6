//! The connector protocol, version 1: JSON-RPC 2.0, one message a line.
//!
//! A driver gets primitive operations, never a scenario's name, and reports facts, never verdicts.
//! Guide: `conformance/docs/write-a-driver.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::case::{
    AuthMethod, Category, ConnectorKind, FEATURES, FORMER_OPERATIONS, OPERATIONS, READ, READING,
    UnknownName,
};

/// The version of the protocol that this suite speaks.
pub const VERSION: u32 = 1;

/// A message is at most this long, in bytes.
pub const MESSAGE_LIMIT: usize = 16 << 20;

/// The code of a JSON-RPC error that carries a [`Failure`].
pub const FAILURE_CODE: i64 = -32_000;

/// The code of a JSON-RPC error for a method that the driver does not have.
pub const UNKNOWN_METHOD: i64 = -32_601;

/// A request of the suite: a method with its parameters.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub enum Request {
    /// Time passes for the connector (feature `clock`).
    AdvanceClock {
        /// How far, in seconds.
        seconds: i64,
    },
    /// The connector does something.
    Call {
        /// The connection.
        connection: String,
        /// The operation, such as `list-messages`.
        operation: String,
        /// Named after Graph's own fields.
        arguments: Map<String, Value>,
    },
    /// Makes a connection.
    Connect(Connect),
    /// Gives a connection up: its tokens are forgotten.
    Disconnect {
        /// The connection.
        connection: String,
    },
    /// Gives the connector the callback of a sign-in.
    FinishAuthorization {
        /// The connection.
        connection: String,
        /// The whole URL, query or fragment included.
        redirect_url: String,
        /// The fields of a form post.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Map<String, Value>>,
    },
    /// Begins the session.
    Initialize(Initialize),
    /// The user repairs a connection.
    Reconnect(Connect),
    /// Answers once no work is pending.
    Settle {},
    /// Ends the session; the process ends.
    Shutdown {},
    /// Asks for the state of a connection.
    Status {
        /// The connection.
        connection: String,
    },
}

/// Parameters of `initialize`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Initialize {
    /// The versions that the suite speaks.
    pub protocol: Vec<u32>,
    /// The suite's name and version.
    pub suite: String,
    /// How to reach the network.
    pub network: Network,
}

/// How a connector reaches the mock; the process has the same in its environment variables.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Network {
    /// The forward proxy, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https_proxy: Option<String>,
    /// The root certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

/// Parameters of `connect` and `reconnect`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Connect {
    /// The id, chosen by the suite.
    pub connection: String,
    /// How to sign in.
    pub auth_method: AuthMethod,
    /// What the user picked; absent where the user leaves the field as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The form that the user filled.
    pub settings: Map<String, Value>,
    /// Addresses, for connectors that take them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
}

/// Addresses for connectors that take an authority and a Graph root.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Endpoints {
    /// The root of the authority.
    pub authority: String,
    /// The root of Graph.
    pub graph: String,
}

/// What a driver tells of itself, the result of `initialize`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Capabilities {
    /// The version that the driver speaks.
    pub protocol: u32,
    /// The connector.
    pub connector: ConnectorName,
    /// The auth methods it has.
    pub auth_methods: Vec<String>,
    /// The environments it has.
    pub environments: Vec<String>,
    /// The operations it has.
    pub operations: Vec<String>,
    /// The features it has.
    #[serde(default)]
    pub features: Vec<String>,
    /// How many connections it can hold at once.
    #[serde(default = "one")]
    pub max_connections: u32,
}

/// A connector by name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ConnectorName {
    /// The name.
    pub name: String,
    /// The version.
    #[serde(default)]
    pub version: String,
    /// The programming language.
    #[serde(default)]
    pub language: String,
}

/// The result of `connect`, `reconnect`, `finish-authorization` and `status`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct State {
    /// The state.
    pub state: ConnectionState,
    /// Where the user signs in, while authorization is awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// Why the connection is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// The user has to sign in at `authorize_url`.
    AwaitingAuthorization,
    /// It has to be repaired.
    Broken,
    /// It works.
    Connected,
}

/// The `data` of a JSON-RPC error with code -32000.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Failure {
    /// What the connector tells its user.
    pub category: Category,
    /// AADSTS numbers, where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aadsts: Vec<u32>,
    /// How long to wait, in seconds, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<f64>,
    /// What the connector's user would see.
    #[serde(default)]
    pub message: String,
}

/// A notification of the driver.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "method", content = "params", rename_all = "kebab-case")]
pub enum Notification {
    /// A line for the report.
    Log {
        /// Such as `info`.
        #[serde(default)]
        level: String,
        /// The text.
        text: String,
    },
    /// The connector opens the browser itself and waits inside of `connect`.
    OpenUrl {
        /// The connection.
        connection: String,
        /// Where the person goes.
        url: String,
    },
    /// Device-code sign-in.
    ShowDeviceCode {
        /// The connection.
        connection: String,
        /// What the person types.
        user_code: String,
        /// Where.
        verification_uri: String,
    },
    /// All that the connector does is wait, for so long: time may pass for it (feature `clock`).
    Waiting {
        /// How long the nearest wait still takes, in seconds.
        seconds: u64,
    },
}

impl Request {
    /// The message with an id, without the line feed.
    pub fn message(&self, id: u64) -> String {
        // The parameters are plain data.
        let mut message = serde_json::to_value(self).expect("requests serialize");
        message["jsonrpc"] = json!("2.0");
        message["id"] = json!(id);
        if message.get("params").is_none_or(Value::is_null) {
            message["params"] = json!({});
        }
        message.to_string()
    }

    /// The name of the method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::AdvanceClock { .. } => "advance-clock",
            Self::Call { .. } => "call",
            Self::Connect(_) => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::FinishAuthorization { .. } => "finish-authorization",
            Self::Initialize(_) => "initialize",
            Self::Reconnect(_) => "reconnect",
            Self::Settle {} => "settle",
            Self::Shutdown {} => "shutdown",
            Self::Status { .. } => "status",
        }
    }
}

impl Capabilities {
    /// Checks the names that the driver uses.
    pub fn validate(&self) -> Result<(), String> {
        if self.protocol != VERSION {
            return Err(format!(
                "the driver speaks protocol {}, this suite speaks {VERSION}",
                self.protocol
            ));
        }
        let former = FORMER_OPERATIONS.map(|(name, _)| name);
        let operations = [&OPERATIONS[..], &former].concat();
        let unknown = |kind, names: &[String], known: &[&str]| {
            names
                .iter()
                .find(|name| !known.contains(&name.as_str()))
                .map(|name| UnknownName::new(kind, name, known.iter().copied()).to_string())
        };
        let methods = AuthMethod::ALL.map(AuthMethod::slug);
        let environments = entra_mock::environment::Environment::ALL
            .map(entra_mock::environment::Environment::slug);
        let found = unknown("auth method", &self.auth_methods, &methods)
            .or_else(|| unknown("environment", &self.environments, &environments))
            .or_else(|| unknown("operation", &self.operations, &operations))
            .or_else(|| unknown("feature", &self.features, &FEATURES));
        found.map_or(Ok(()), Err)
    }

    /// The operation that a step means, under the name that the driver knows: of a general word,
    /// that of the connector's kind; of `read`, one that the connector has.
    pub fn operation<'a>(&'a self, named: &'a str) -> &'a str {
        let declared = |it: &str| self.operations.iter().any(|operation| operation == it);
        // Under the name that the driver knows.
        let known = |it: &'a str| {
            let mut former = FORMER_OPERATIONS.into_iter();
            let former = former.find(|(former, now)| *now == it && declared(former));
            match former {
                Some((former, _)) if !declared(it) => Some(former),
                _ => declared(it).then_some(it),
            }
        };
        let named = self.kind().map_or(named, |kind| kind.operation(named));
        match named {
            READ => READING.into_iter().find_map(known).unwrap_or(named),
            _ => known(named).unwrap_or(named),
        }
    }

    /// The kind of the connector, if it is one of those that are known.
    pub fn kind(&self) -> Option<&'static ConnectorKind> {
        ConnectorKind::of(|operation| {
            let mut former = FORMER_OPERATIONS.into_iter();
            let former = former.find(|it| it.1 == operation).map(|it| it.0);
            let declared = |it: &str| self.operations.iter().any(|own| own == it);
            declared(operation) || former.is_some_and(declared)
        })
    }

    /// Whether the connector has an operation or a feature.
    pub fn has(&self, name: &str) -> bool {
        let name = self.operation(name);
        self.operations
            .iter()
            .chain(&self.features)
            .chain(&self.auth_methods)
            .any(|it| it == name)
    }
}

/// The JSON Schemas of all messages.
pub fn schemas() -> Value {
    json!({
        "request": schemars::schema_for!(Request),
        "capabilities": schemars::schema_for!(Capabilities),
        "state": schemars::schema_for!(State),
        "failure": schemars::schema_for!(Failure),
        "notification": schemars::schema_for!(Notification),
    })
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_called_by_the_name_that_the_driver_knows() {
        let of = |operations: &[&str]| -> Capabilities {
            let declared = json!({
                "protocol": 1, "connector": {"name": "acme"}, "auth_methods": ["own-app"],
                "environments": ["office365"], "operations": operations,
            });
            serde_json::from_value(declared).unwrap()
        };
        let former = of(&["list-drive", "get-profile"]);
        former.validate().unwrap();
        for word in ["list", "read", "list-files"] {
            assert_eq!(former.operation(word), "list-drive", "{word}");
            assert!(former.has(word), "{word}");
        }
        assert!(!former.has("watch"));
        let mail = of(&[
            "list-messages",
            "list-files",
            "watch-files",
            "watch-messages",
        ]);
        assert_eq!(mail.operation("list"), "list-messages");
        assert_eq!(mail.operation("watch"), "watch-messages");
        assert_eq!(mail.operation("watch-files"), "watch-files");
        assert!(of(&["list-teams"]).kind().is_none());
        let error = of(&["list-file"]).validate().unwrap_err();
        assert!(error.contains("did you mean 'list-files'?"), "{error}");
    }
}
