//! A driver of your connector for entra-conformance.
//!
//! `connect` and `list_messages` are a connector of a few lines, so that the first case passes; put
//! your own in their place. The messages: conformance/docs/protocol.md of entra-mock.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};

use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{json, Value};

/// What the connector's user sees when something fails.
struct Failure {
    category: &'static str,
    message: String,
    aadsts: Value,
}

fn failure(category: &'static str, message: impl ToString) -> Failure {
    Failure { category, message: message.to_string(), aadsts: json!([]) }
}

struct Connection {
    account: String,
    token: String,
}

struct Driver {
    client: Client,
    connections: HashMap<String, Connection>,
}

impl Driver {
    fn connect(&self, settings: &Value) -> Result<Connection, Failure> {
        let text = |name: &str| settings[name].as_str().unwrap_or_default();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", text("client_id")),
            ("client_secret", text("client_secret")),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", text("tenant_id"));
        let answer = ask(self.client.post(url).form(&form))?;
        if let Some(message) = answer["error_description"].as_str() {
            let aadsts = answer["error_codes"].clone();
            return Err(Failure { aadsts, ..failure("invalid-credentials", message) });
        }
        let token = answer["access_token"].as_str().unwrap_or_default().to_owned();
        Ok(Connection { account: text("account").to_owned(), token })
    }

    fn list_messages(&self, of: &Connection, arguments: &Value) -> Result<Value, Failure> {
        let top = arguments["top"].as_u64().unwrap_or(10);
        let url = format!("https://graph.microsoft.com/v1.0/users/{}/messages?$top={top}", of.account);
        let answer = ask(self.client.get(url).bearer_auth(&of.token))?;
        match answer.get("error") {
            Some(error) => Err(failure("access-denied", error)),
            None => Ok(answer),
        }
    }

    /// The result of a request, or nothing for a method that is not known.
    fn handle(&mut self, method: &str, params: &Value) -> Result<Option<Value>, Failure> {
        let name = params["connection"].as_str().unwrap_or_default().to_owned();
        Ok(Some(match method {
            "initialize" => json!({
                "protocol": 1,
                "connector": {"name": "my-connector", "version": "0.1.0", "language": "rust"},
                "auth_methods": ["client-credentials"], "environments": ["office365"],
                "operations": ["list-messages"], "features": [], "max_connections": 100,
            }),
            "connect" | "reconnect" => {
                let made = self.connect(&params["settings"])?;
                self.connections.insert(name, made);
                json!({"state": "connected"})
            }
            "call" | "status" => {
                let missing = || failure("reconnect-required", "there is no such connection");
                let found = self.connections.get(&name).ok_or_else(missing)?;
                match method {
                    "status" => json!({"state": "connected"}),
                    _ => json!({"value": self.list_messages(found, &params["arguments"])?}),
                }
            }
            "disconnect" => {
                self.connections.remove(&name);
                json!({})
            }
            "settle" | "shutdown" => json!({}),
            _ => return Ok(None),
        }))
    }
}

fn ask(request: RequestBuilder) -> Result<Value, Failure> {
    request.send().and_then(|answer| answer.json()).map_err(|error| failure("unavailable", error))
}

fn main() {
    let mut driver = Driver { client: Client::new(), connections: HashMap::new() };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).expect("the suite writes JSON");
        let method = request["method"].as_str().unwrap_or_default();
        let mut reply = json!({"jsonrpc": "2.0", "id": request["id"]});
        match driver.handle(method, &request["params"]) {
            Ok(Some(result)) => reply["result"] = result,
            Ok(None) => reply["error"] = json!({"code": -32601, "message": format!("no method {method}")}),
            Err(it) => {
                let data = json!({"category": it.category, "message": it.message, "aadsts": it.aadsts});
                reply["error"] = json!({"code": -32000, "message": it.message, "data": data});
            }
        }
        println!("{reply}");
        let _ = std::io::stdout().flush();
        if method == "shutdown" {
            break;
        }
    }
}
