//! A client of the control API of a running mock.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::Failure;

/// Where a running mock is.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct ControlArgument {
    /// URL of the running mock's control API, or its port
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ENTRA_MOCK_CONTROL",
        default_value = "http://127.0.0.1:8400",
        value_parser = control_url
    )]
    pub(super) control: String,
}

/// The URL that is meant: `8500`, `localhost:8500` and `http://localhost:8500/` are the same.
fn control_url(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        format!(
            "{why}: write the URL of the control port, such as http://127.0.0.1:8400, or its port"
        )
    };
    if text.starts_with("https://") {
        return Err(wrong("the control port speaks plain HTTP"));
    }
    let plain = text.strip_prefix("http://").unwrap_or(text);
    let plain = plain.trim_end_matches('/');
    if let Ok(port) = plain.parse::<u16>() {
        return Ok(format!("http://127.0.0.1:{port}"));
    }
    let parsed = Url::parse(&format!("http://{plain}")).map_err(|_| wrong("this is no URL"))?;
    if parsed.path() != "/" || parsed.query().is_some() || !parsed.username().is_empty() {
        return Err(wrong("the URL has more than a host and a port"));
    }
    match parsed.port() {
        Some(_) => Ok(format!("http://{plain}")),
        None => Err(wrong("the URL has no port")),
    }
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
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
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        let message = match (text("title"), text("detail")) {
            ("", _) => format!(
                "{status}: what answers at {} is not the control port of a mock; `serve` and the \
                 ready file say which port it is (the TLS ports are others)",
                self.control
            ),
            (title, "") => title.to_owned(),
            ("no such tenant", detail) => format!("{detail}: name one with --tenant"),
            (_, detail) => match text("help") {
                "" => detail.to_owned(),
                help => format!("{detail}: {help}"),
            },
        };
        Err(Failure { message, code: 1 })
    }

    /// The tenant that is named, or else the first one of the mock: of its default tenants, or of
    /// all.
    pub(super) async fn tenant(&self, named: Option<&str>) -> Result<String, Failure> {
        if let Some(named) = named {
            return Ok(segment(named).to_string());
        }
        let id = |value: &Value| value["tenant"]["id"].as_str().map(str::to_owned);
        let ready = self.call(Method::GET, "/api/v1/ready", None).await?;
        let mut defaults = ready["environments"].as_object().into_iter().flatten();
        if let Some(first) = defaults.find_map(|(_, it)| id(it)) {
            return Ok(first);
        }
        let all = self.call(Method::GET, "/api/v1/tenants", None).await?;
        let first = all.as_array().into_iter().flatten().find_map(id);
        first.ok_or_else(|| Failure {
            message: "the mock has no tenant: make one by POST /api/v1/tenants".to_owned(),
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
        match timeout(PATIENCE, sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            // Something took the connection, and ended it or spoke otherwise.
            Ok(Err(error)) => Err(self.stranger(&format!("no HTTP ({error})"))),
            Err(_) => Err(self.stranger(&format!("nothing for {} s", PATIENCE.as_secs()))),
        }
    }

    /// Something else listens there.
    fn stranger(&self, says: &str) -> Failure {
        Failure {
            message: format!(
                "what listens at {} says {says}: it is not the control port of a mock; `serve` and \
                 the ready file say which port it is",
                self.control
            ),
            code: 1,
        }
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

/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_url_is_meant_however_it_is_written() {
        for (text, url) in [
            ("8500", "http://127.0.0.1:8500"),
            ("localhost:8500", "http://localhost:8500"),
            ("http://127.0.0.1:8500/", "http://127.0.0.1:8500"),
            ("[::1]:8500", "http://[::1]:8500"),
        ] {
            assert_eq!(control_url(text).as_deref(), Ok(url));
        }
        for (text, part) in [
            ("https://localhost:8443", "plain HTTP"),
            ("http://localhost", "no port"),
            ("http://localhost:8400/api/v1", "more than a host"),
            ("", "no URL"),
            ("85000", "such as http://127.0.0.1:8400"),
        ] {
            let refused = control_url(text).unwrap_err();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}
