//! The driver's side of the protocol: a line, a request.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

use super::connection::{Clock, Connection};
use super::http;
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
) {
    let connector = Arc::new(Connector::default());
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
            let answer = match connector.answer(request).await {
                Ok(result) => result_answer(&id, &result),
                Err(problem) => {
                    let failure = problem.into_failure();
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
    network: Mutex<Network>,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
    clock: Arc<Clock>,
}

impl Connector {
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
            Request::Reconnect(connect) => {
                let before = self.connections.lock().get(&connect.connection).cloned();
                let broken = before.and_then(|it| it.broken());
                let connection = self.make(&connect)?;
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
        let settings = Settings::of(connect, self.clock.now())?;
        let client = http::client(&self.network.lock())?;
        Ok(Arc::new(Connection::new(
            settings,
            client,
            Arc::clone(&self.clock),
        )))
    }

    fn find(&self, name: &str) -> Result<Arc<Connection>, Problem> {
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
