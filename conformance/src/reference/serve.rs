//! The driver's side of the protocol: a line, a request.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

use super::connection::{Clock, Connection};
use super::http;
use super::mutant::{Kind, Mutant};
use super::operations::OPERATIONS;
use super::problem::Problem;
use super::settings::Settings;
use crate::case::{AuthMethod, Category};
use crate::protocol::{
    Capabilities, Connect, ConnectorName, FAILURE_CODE, Network, Request, UNKNOWN_METHOD, VERSION,
};

/// Serves the connector protocol until the line ends or `shutdown` comes.
pub async fn serve(
    reader: impl AsyncRead + Send + Unpin + 'static,
    mut writer: impl AsyncWrite + Send + Unpin + 'static,
    kind: Kind,
) {
    let connector = Arc::new(Connector {
        kind,
        ..Connector::default()
    });
    let (answers, mut outgoing) = mpsc::channel::<String>(64);
    let writing = tokio::spawn(async move {
        while let Some(mut line) = outgoing.recv().await {
            line.push('\n');
            if writer.write_all(line.as_bytes()).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    });
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = match serde_json::from_str(&line) {
            Ok(message) => message,
            Err(_) => continue,
        };
        let id = message["id"].clone();
        let request = match serde_json::from_value::<Request>(message.clone()) {
            Ok(request) => request,
            Err(error) => {
                let text = format!(
                    "'{}': {error}",
                    message["method"].as_str().unwrap_or_default()
                );
                let answer = error_answer(&id, UNKNOWN_METHOD, &text, None);
                let _ = answers.send(answer).await;
                continue;
            }
        };
        if matches!(request, Request::Shutdown {}) {
            let _ = answers.send(result_answer(&id, &json!({}))).await;
            break;
        }
        // Each request in a task of its own: calls may come at once.
        let connector = Arc::clone(&connector);
        let answers = answers.clone();
        tokio::spawn(async move {
            let answer = match connector.answer_as(request).await {
                Ok(result) => result_answer(&id, &result),
                Err(_) if kind.is(Mutant::SwallowsErrors) => {
                    result_answer(&id, &json!({"state": "connected", "value": {"value": []}}))
                }
                Err(problem) => {
                    let mut failure = problem.into_failure();
                    if kind.is(Mutant::TellsNothing) {
                        failure.category = Category::Unavailable;
                        "the network is down".clone_into(&mut failure.message);
                    }
                    if kind.is(Mutant::SecretInMessages) {
                        failure.message.push_str(&connector.secrets());
                    }
                    let data = serde_json::to_value(&failure).unwrap_or_default();
                    error_answer(&id, FAILURE_CODE, &failure.message, Some(data))
                }
            };
            let _ = answers.send(answer).await;
        });
    }
    drop(answers);
    let _ = writing.await;
}

/// The connector: its connections, and how it reaches the network.
#[derive(Default)]
struct Connector {
    kind: Kind,
    /// The one connection of a mutant.
    shared: Mutex<Option<Arc<Connection>>>,
    /// The credentials that were filled in, for a mutant's messages.
    credentials: Mutex<Vec<String>>,
    network: Mutex<Network>,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
    clock: Arc<Clock>,
}

impl Connector {
    /// Answers as the kind of connector that this is.
    async fn answer_as(&self, request: Request) -> Result<Value, Problem> {
        if matches!(request, Request::Initialize(_)) {
            return self.answer(request).await;
        }
        match self.kind {
            Kind::Null => Ok(json!({"state": "connected", "value": {}})),
            Kind::Silent => Err(Problem::new(Category::Unsupported, "not today")),
            Kind::Mutant(Mutant::BreaksOnAnyFailure) => {
                let name = match &request {
                    Request::Call { connection, .. } => Some(connection.clone()),
                    _ => None,
                };
                let answer = self.answer(request).await;
                if let (Err(problem), Some(name)) = (&answer, name) {
                    self.find(&name)?.break_off(problem);
                }
                answer
            }
            _ => self.answer(request).await,
        }
    }

    fn secrets(&self) -> String {
        self.credentials.lock().join(" ")
    }

    async fn answer(&self, request: Request) -> Result<Value, Problem> {
        match request {
            Request::Initialize(initialize) => {
                *self.network.lock() = initialize.network;
                Ok(json!(capabilities()))
            }
            Request::Connect(connect) => {
                let connection = self.make(&connect)?;
                let state = connection.begin(None).await?;
                self.connections
                    .lock()
                    .insert(connect.connection, connection);
                Ok(json!(state))
            }
            Request::Reconnect(_) if self.kind.is(Mutant::ReconnectsWithoutSignIn) => {
                Ok(json!({"state": "connected"}))
            }
            Request::Reconnect(connect) => {
                let before = self.connections.lock().get(&connect.connection).cloned();
                let broken = before.as_ref().and_then(|it| it.broken());
                let connection = self.make(&connect)?;
                let widens = self.kind.is(Mutant::GetsNewScopesByRefresh)
                    && !connect.auth_method.is_app_only();
                if let Some(before) = before.filter(|_| widens) {
                    let state = connection.widen(&before).await?;
                    self.connections
                        .lock()
                        .insert(connect.connection, connection);
                    return Ok(json!(state));
                }
                let state = connection.begin(broken.as_ref()).await?;
                self.connections
                    .lock()
                    .insert(connect.connection, connection);
                Ok(json!(state))
            }
            Request::FinishAuthorization {
                connection,
                redirect_url,
                form,
            } => {
                let connection = self.find(&connection)?;
                connection
                    .finish(&redirect_url, form.as_ref())
                    .await
                    .map(|state| json!(state))
            }
            Request::Call {
                connection,
                operation,
                arguments,
            } => {
                let value = self.find(&connection)?.call(&operation, &arguments).await?;
                Ok(json!({ "value": value }))
            }
            Request::Status { connection } => Ok(json!(self.find(&connection)?.status())),
            Request::Disconnect { connection } => {
                let removed = self.connections.lock().remove(&connection);
                if let Some(connection) = removed {
                    connection.forget().await;
                }
                Ok(json!({}))
            }
            Request::AdvanceClock { seconds } => {
                self.clock.advance(seconds);
                Ok(json!({}))
            }
            // No work goes on behind the answers.
            Request::Settle {} | Request::Shutdown {} => Ok(json!({})),
        }
    }

    fn make(&self, connect: &Connect) -> Result<Arc<Connection>, Problem> {
        let secret = connect
            .settings
            .get("client_secret")
            .and_then(Value::as_str);
        self.credentials.lock().extend(secret.map(str::to_owned));
        let settings = Settings::of(connect, self.clock.now(), self.kind)?;
        let client = http::client(&self.network.lock(), self.kind)?;
        Ok(Arc::new(Connection::new(
            settings,
            client,
            Arc::clone(&self.clock),
        )))
    }

    fn find(&self, name: &str) -> Result<Arc<Connection>, Problem> {
        if self.kind.is(Mutant::OneTokenForAll) {
            let first = self.connections.lock().get(name).cloned();
            let mut shared = self.shared.lock();
            if let Some(found) = shared.clone().or(first) {
                *shared = Some(Arc::clone(&found));
                return Ok(found);
            }
        }
        self.connections.lock().get(name).cloned().ok_or_else(|| {
            Problem::new(
                Category::ReconnectRequired,
                format!("there is no connection '{name}'"),
            )
        })
    }
}

fn capabilities() -> Capabilities {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Capabilities {
        protocol: VERSION,
        connector: ConnectorName {
            name: "reference".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            language: "rust".to_owned(),
        },
        auth_methods: owned(&AuthMethod::DOCUMENTED.map(AuthMethod::slug)),
        environments: owned(&["office365", "us-gov-l4", "us-gov-l5", "china"]),
        operations: owned(&OPERATIONS),
        features: owned(&[
            "cae",
            "clock",
            "concurrent-calls",
            "id-token",
            "pkce",
            "public-client",
            "shared-mailbox",
        ]),
        max_connections: 100,
    }
}

fn result_answer(id: &Value, result: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

fn error_answer(id: &Value, code: i64, message: &str, data: Option<Value>) -> String {
    let mut error = json!({"code": code, "message": message});
    if let Some(data) = data {
        error["data"] = data;
    }
    json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
}
