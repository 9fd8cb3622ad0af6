//! HTTP: time limits, no redirects, patience where the service asks for it.

use std::time::Duration;

use reqwest::{Certificate, Client, Method, Proxy, RequestBuilder, Response, StatusCode};

use super::problem::Problem;
use crate::case::Category;
use crate::protocol::Network;

/// A client for this network: trusts the given root only, and follows no redirect.
pub(super) fn client(network: &Network) -> Result<Client, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        Problem::unavailable(format!("the network cannot be set up: {error}"))
    };
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(8))
        .user_agent(concat!(
            "entra-conformance-reference/",
            env!("CARGO_PKG_VERSION")
        ))
        .no_proxy();
    if let Some(file) = &network.ca_file {
        let pem = std::fs::read(file).map_err(|error| failed(&format!("{file}: {error}")))?;
        let roots = Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
        builder = builder.tls_certs_only(roots);
    }
    if let Some(proxy) = &network.https_proxy {
        builder = builder.proxy(Proxy::https(proxy).map_err(|error| failed(&error))?);
    }
    builder.build().map_err(|error| failed(&error))
}

/// Sends a request, again where that is sensible: a refusal that says when to come back, and
/// (for requests that change nothing) a server error or a lost connection.
pub(super) async fn send(
    what: &str,
    method: &Method,
    request: impl Fn() -> RequestBuilder,
) -> Result<Response, Problem> {
    let repeatable = method == Method::GET;
    let mut waited = Duration::ZERO;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let last = attempt >= ATTEMPTS;
        let pause = match request().send().await {
            Ok(response) if is_patience_asked(response.status()) => {
                let asked = retry_after(&response);
                let pause = asked.map_or_else(|| backoff(attempt), Duration::from_secs_f64);
                if last || waited + pause > PATIENCE {
                    return Ok(response);
                }
                pause
            }
            Ok(response) if response.status().is_server_error() && repeatable && !last => {
                backoff(attempt)
            }
            Ok(response) => return Ok(response),
            Err(error) if error.is_connect() && is_certificate(&error) => {
                return Err(Problem::untrusted(format!(
                    "{what} does not prove who it is: {}",
                    root(&error)
                )));
            }
            Err(_) if repeatable && !last => backoff(attempt),
            Err(error) => {
                return Err(Problem::unavailable(format!(
                    "{what} cannot be reached: {}",
                    root(&error)
                )));
            }
        };
        waited += pause;
        #[expect(clippy::disallowed_methods, reason = "the service asked for patience")]
        tokio::time::sleep(pause).await;
    }
}

/// `Retry-After` in seconds, given as seconds or as a date.
pub(super) fn retry_after(response: &Response) -> Option<f64> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let text = header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds.clamp(0.0, 86_400.0));
    }
    let format = "%a, %d %b %Y %H:%M:%S GMT";
    let parse = |text: &str| {
        jiff::civil::DateTime::strptime(format, text)
            .ok()
            .and_then(|time| jiff::tz::Offset::UTC.to_timestamp(time).ok())
    };
    // The service's own clock says how far away the date is.
    let now = header("date").and_then(parse)?;
    Some(
        parse(text)?
            .duration_since(now)
            .as_secs_f64()
            .clamp(0.0, 86_400.0),
    )
}

/// A throttling answer, for operations that have no more patience.
pub(super) fn throttled(status: StatusCode, after: Option<f64>, message: String) -> Problem {
    let category = if status == StatusCode::TOO_MANY_REQUESTS {
        Category::Throttled
    } else {
        Category::Unavailable
    };
    Problem {
        retry_after: after,
        ..Problem::new(category, message)
    }
}

fn is_patience_asked(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Doubling, with jitter of up to a half.
fn backoff(attempt: u32) -> Duration {
    let base = 100 * 2_u64.pow(attempt);
    let jitter = u64::from(super::token::random_id().as_bytes()[0]) * base / 512;
    Duration::from_millis(base + jitter)
}

fn is_certificate(error: &reqwest::Error) -> bool {
    root(error).contains("certificate")
}

fn root(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

const ATTEMPTS: u32 = 4;

/// How long one operation waits in all: the user is waiting, too.
const PATIENCE: Duration = Duration::from_secs(5);
