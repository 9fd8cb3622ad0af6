//! A client of the control API of a running mock.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Failure;

/// Where a running mock is.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct ControlArgument {
    /// URL of the running mock's control API
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ENTRA_MOCK_CONTROL",
        default_value = "http://127.0.0.1:8400"
    )]
    pub(super) control: String,
}

impl ControlArgument {
    /// Sends a request and returns the answer's JSON; a problem becomes a failure.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let text = body.map(ToString::to_string).unwrap_or_default();
        let text = self.text(method, path, text.into_bytes()).await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Sends a request and returns the answer's text; a problem becomes a failure.
    pub(super) async fn text(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<String, Failure> {
        let response = self.send(method, path, body).await?;
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|error| self.unreachable(&error))?
            .to_bytes();
        if status.is_success() {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let detail = text("detail");
        Err(Failure {
            message: if detail.is_empty() {
                format!("{status} {}", text("title"))
            } else {
                detail
            },
            code: 1,
        })
    }

    /// Sends a request and hands out the answer as it comes.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, Failure> {
        let authority = self
            .control
            .strip_prefix("http://")
            .map(|it| it.trim_end_matches('/'))
            .ok_or_else(|| {
                Failure::usage(format!(
                    "'{}' is not a URL such as http://127.0.0.1:8400",
                    self.control
                ))
            })?;
        let stream = TcpStream::connect(authority)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(&error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", authority)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(Failure::usage)?;
        sender
            .send_request(request)
            .await
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure {
            message: format!(
                "no mock answers at {}: {error}; start one with `entra-mock serve`, or name it \
                 with --control or ENTRA_MOCK_CONTROL",
                self.control
            ),
            code: 1,
        }
    }
}
