//! HTTP: time limits, no redirects, patience where the service asks for it.

use std::time::Duration;

use reqwest::{Certificate, Client, Proxy, RequestBuilder, Response, StatusCode};

use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use crate::case::Category;
use crate::protocol::Network;

/// A client for this network: trusts the given root only, and follows no redirect.
pub(super) fn client(network: &Network, kind: Kind) -> Result<Client, Problem> {
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
    if kind.is(Mutant::AcceptsAnyCertificate) {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(proxy) = &network.https_proxy {
        builder = builder.proxy(Proxy::https(proxy).map_err(|error| failed(&error))?);
        if kind.is(Mutant::GivesTheSecretToItsVendor) || kind.is(Mutant::FollowsRedirects) {
            builder = builder.proxy(Proxy::http(proxy).map_err(|error| failed(&error))?);
        }
    }
    builder.build().map_err(|error| failed(&error))
}

/// Sends a request, again where that is sensible: a refusal that says when to come back, and
/// (for requests that may arrive twice) a server error or a lost connection.
pub(super) async fn send(
    what: &str,
    kind: Kind,
    repeatable: bool,
    request: impl Fn() -> RequestBuilder,
) -> Result<Response, Problem> {
    let mut waited = Duration::ZERO;
    let mut attempt = 0;
    let attempts = match kind {
        Kind::Mutant(Mutant::StormsTheService) => 10 * ATTEMPTS,
        _ => ATTEMPTS,
    };
    loop {
        attempt += 1;
        let last = attempt >= attempts;
        let pause = match dispatch(request(), kind).await {
            Ok(response) if is_patience_asked(response.status()) => {
                let pause = match kind {
                    Kind::Mutant(Mutant::IgnoresRetryAfter | Mutant::StormsTheService) => {
                        Duration::ZERO
                    }
                    _ => patience(retry_after(&response), attempt),
                };
                if last || waited + pause > PATIENCE {
                    return Ok(response);
                }
                pause
            }
            Ok(response) if response.status().is_server_error() && repeatable && !last => {
                backoff(SHORT, attempt)
            }
            Ok(response) => return Ok(response),
            Err(error) if error.is_connect() && is_certificate(&error) => {
                return Err(Problem::untrusted(format!(
                    "{what} does not prove who it is: {}",
                    root(&error)
                )));
            }
            Err(_) if repeatable && !last => backoff(SHORT, attempt),
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

/// Sends a request once.
async fn dispatch(request: RequestBuilder, kind: Kind) -> reqwest::Result<Response> {
    if !kind.is(Mutant::FollowsRedirects) {
        return request.send().await;
    }
    let (client, request) = request.build_split();
    let request = request?;
    let again = request.try_clone();
    let response = client.execute(request).await?;
    let location = response.headers().get("location");
    let location = location.and_then(|it| it.to_str().ok()?.parse().ok());
    match (location, again) {
        (Some(location), Some(mut request)) => {
            *request.url_mut() = location;
            client.execute(request).await
        }
        _ => Ok(response),
    }
}

/// `Retry-After` in seconds, given as seconds or as a date.
pub(super) fn retry_after(response: &Response) -> Option<f64> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    delay(header("retry-after")?.trim(), header("date"))
}

/// What a `Retry-After` says, by the clock of the service's own `Date`; nothing if it makes no sense.
pub(super) fn delay(text: &str, date: Option<&str>) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        // `NaN` and negative numbers parse, too.
        return (seconds >= 0.0).then(|| seconds.min(LONGEST));
    }
    let format = "%a, %d %b %Y %H:%M:%S GMT";
    let parse = |text: &str| {
        jiff::civil::DateTime::strptime(format, text)
            .ok()
            .and_then(|time| jiff::tz::Offset::UTC.to_timestamp(time).ok())
    };
    // The service's own clock says how far away the date is.
    let now = date.and_then(parse)?;
    Some(
        parse(text)?
            .duration_since(now)
            .as_secs_f64()
            .clamp(0.0, LONGEST),
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

/// How long to wait after a refusal that asks for patience. Without a usable time in it the wait
/// grows from a second on: to come back at once makes it worse.
///
/// Source: learn.microsoft.com/graph/throttling ("exponential backoff").
pub(super) fn patience(asked: Option<f64>, attempt: u32) -> Duration {
    match asked.filter(|seconds| *seconds > 0.0) {
        Some(seconds) => Duration::from_secs_f64(seconds),
        None => backoff(LONG, attempt),
    }
}

/// Doubling, with jitter of up to a half.
fn backoff(first: u64, attempt: u32) -> Duration {
    let base = first * 2_u64.pow(attempt - 1);
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

/// The first wait after a fault, and after being asked for patience without a time: milliseconds.
const SHORT: u64 = 200;
const LONG: u64 = 1_000;

/// No `Retry-After` is believed beyond a day: seconds.
const LONGEST: f64 = 86_400.0;

/// How long one operation waits in all: the user is waiting, too.
const PATIENCE: Duration = Duration::from_secs(5);
