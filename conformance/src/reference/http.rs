//! HTTP: time limits, no redirects, patience where the service asks for it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, Proxy, RequestBuilder, Response, StatusCode};

use super::clock::Clock;
use super::gate::Gate;
use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use super::style::Style;
use crate::case::Category;
use crate::protocol::Network;

/// How a connection reaches the network.
#[derive(Clone)]
pub(super) struct Http {
    pub(super) client: Client,
    /// What a mutant takes where a certificate does not fit.
    unchecked: Option<Client>,
    pub(super) clock: Arc<Clock>,
    /// The gate of the connection's token endpoint.
    pub(super) tokens: Arc<Gate>,
    kind: Kind,
    log: Log,
}

/// Where a connector writes what it logs: its standard error.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

impl Http {
    /// A client for this network: trusts the given root only, and follows no redirect.
    pub(super) fn new(
        network: &Network,
        kind: Kind,
        clock: Arc<Clock>,
        log: Log,
    ) -> Result<Self, Problem> {
        let checked = client(network, kind, kind.is(Mutant::AcceptsAnyCertificate))?;
        let unchecked = kind
            .is(Mutant::TriesAgainUnchecked)
            .then(|| client(network, kind, true));
        Ok(Self {
            client: checked,
            unchecked: unchecked.transpose()?,
            clock,
            tokens: Arc::new(Gate::of_token_endpoint()),
            kind,
            log,
        })
    }

    /// Writes a line to standard error, as a mutant does.
    pub(super) fn log(&self, line: &str) {
        (self.log)(line);
    }

    /// Sends a request, again where that is sensible: a refusal that says when to come back, and
    /// (for requests that may arrive twice) a server error or a lost connection. Behind a gate all
    /// wait as long as one of them was asked to.
    pub(super) async fn send(
        &self,
        what: &str,
        repeatable: bool,
        gate: Option<&Gate>,
        request: impl Fn(u32) -> RequestBuilder,
    ) -> Result<Response, Problem> {
        let is = |mutant| self.kind.is(mutant);
        let repeatable = repeatable || is(Mutant::RepeatsWhatMayHaveHappened);
        let (attempts, patience_left) = match self.kind {
            Kind::Mutant(Mutant::StormsTheService) => (10 * ATTEMPTS, PATIENCE),
            Kind::Mutant(Mutant::SleepsThroughLongWaits) => (ATTEMPTS, Duration::from_hours(24)),
            Kind::Style(Style::NeverTriesAgain) => (1, Duration::ZERO),
            _ => (ATTEMPTS, PATIENCE),
        };
        let mut waited = Duration::ZERO;
        let mut attempt = 0;
        loop {
            if let Some(closed) = gate.and_then(|it| self.closed(it)) {
                if waited + closed > patience_left {
                    return Err(throttled(
                        StatusCode::TOO_MANY_REQUESTS,
                        Some(closed.as_secs_f64().ceil()),
                        format!("{what} asked for patience: try again later"),
                    ));
                }
                waited += closed;
                self.clock.sleep(closed).await;
                continue;
            }
            attempt += 1;
            let last = attempt >= attempts;
            let pause = match self.dispatch(request(attempt)).await {
                Ok(response) if is_patience_asked(response.status(), repeatable) => {
                    let silence = gate.and_then(|it| it.silence);
                    let pause = self.pause(&response, silence, attempt);
                    if let Some(gate) = gate
                        && response.status() == StatusCode::TOO_MANY_REQUESTS
                    {
                        let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                        gate.close_until(self.clock.millis().saturating_add(millis));
                    }
                    if last || waited + pause > patience_left {
                        return Ok(response);
                    }
                    pause
                }
                Ok(response) if response.status().is_server_error() && repeatable && !last => {
                    self.backoff(SHORT, attempt)
                }
                Ok(response) => return Ok(response),
                Err(error) if error.is_connect() && is_certificate(&error) => {
                    return Err(Problem::untrusted(format!(
                        "{what} does not prove who it is: {}",
                        root(&error)
                    )));
                }
                Err(error)
                    if is(Mutant::RepeatsMailAfterSilence) && attempt < 2 && error.is_timeout() =>
                {
                    self.backoff(SHORT, attempt)
                }
                // Who said nothing for so long is not asked again: the user is waiting.
                Err(error)
                    if (repeatable || is(Mutant::RepeatsWhatGotNoAnswer))
                        && !last
                        && !error.is_timeout() =>
                {
                    self.backoff(SHORT, attempt)
                }
                Err(error) => {
                    return Err(Problem::unavailable(format!(
                        "{what} cannot be reached: {}",
                        root(&error)
                    )));
                }
            };
            waited += pause;
            self.clock.sleep(pause).await;
        }
    }

    /// For how long a gate is closed.
    fn closed(&self, gate: &Gate) -> Option<Duration> {
        let left = gate.closed_until().saturating_sub(self.clock.millis());
        let left = u64::try_from(left).ok().filter(|it| *it > 0)?;
        (!self.kind.is(Mutant::IgnoresRetryAfter) && !self.kind.is(Mutant::StormsTheService))
            .then(|| Duration::from_millis(left))
    }

    /// How long to wait after an answer that asks for patience.
    fn pause(&self, response: &Response, silence: Option<f64>, attempt: u32) -> Duration {
        let throttled = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let asked = retry_after(response).or(silence.filter(|_| throttled));
        match self.kind {
            Kind::Mutant(Mutant::IgnoresRetryAfter | Mutant::StormsTheService) => Duration::ZERO,
            Kind::Mutant(Mutant::HeedsRetryAfterOnce) if attempt > 1 => Duration::from_secs(1),
            Kind::Mutant(Mutant::BacksOffByItsOwnMeasure) => Duration::from_secs(1),
            Kind::Mutant(Mutant::TakesRetryAfterLiterally) => {
                let header = response.headers().get("retry-after");
                let seconds = header.and_then(|it| it.to_str().ok()?.parse::<i64>().ok());
                let seconds = u64::try_from(seconds.unwrap_or_default());
                Duration::from_secs(seconds.unwrap_or_default())
            }
            Kind::Style(Style::Jitters) => longer(patience(asked, attempt)),
            _ => patience(asked, attempt),
        }
    }

    /// Asks for no tokens until the time that a refusal gave.
    pub(super) fn leave_tokens_alone(&self, asked: Option<f64>) {
        let seconds = asked.filter(|it| *it > 0.0).or(self.tokens.silence);
        let wait = Duration::from_secs_f64(seconds.unwrap_or_default());
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let until = self.clock.millis().saturating_add(millis);
        self.tokens.close_until(until);
    }

    fn backoff(&self, first: u64, attempt: u32) -> Duration {
        if self.kind.is(Mutant::StormsTheService) {
            return Duration::ZERO;
        }
        let pause = backoff(first, attempt);
        match self.kind {
            Kind::Style(Style::Jitters) => longer(pause),
            _ => pause,
        }
    }

    /// Sends a request once.
    async fn dispatch(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let _on_the_way = self.clock.on_the_way();
        if let Some(unchecked) = &self.unchecked {
            let (client, request) = request.build_split();
            let request = request?;
            let again = request.try_clone();
            return match (client.execute(request).await, again) {
                (Err(error), Some(again)) if is_certificate(&error) => {
                    unchecked.execute(again).await
                }
                (sent, _) => sent,
            };
        }
        if !self.kind.is(Mutant::FollowsRedirects) {
            return request.send().await;
        }
        let (client, request) = request.build_split();
        let request = request?;
        let again = request.try_clone();
        let response = client.execute(request).await?;
        if !response.status().is_redirection() {
            return Ok(response);
        }
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

    /// The text of an answer, if it comes to an end before it is too long.
    pub(super) async fn text(&self, response: Response) -> Option<String> {
        String::from_utf8(self.bytes(response).await?).ok()
    }

    /// The bytes of an answer, if it comes to an end before it is too long.
    pub(super) async fn bytes(&self, mut response: Response) -> Option<Vec<u8>> {
        let _on_the_way = self.clock.on_the_way();
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(_) if self.kind.is(Mutant::TakesHalfForWhole) => {
                    return Some(br#"{"value": []}"#.to_vec());
                }
                Err(_) => return None,
            }
            if bytes.len() > LONGEST_ANSWER {
                return None;
            }
        }
        Some(bytes)
    }
}

fn client(network: &Network, kind: Kind, unchecked: bool) -> Result<Client, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        Problem::unavailable(format!("the network cannot be set up: {error}"))
    };
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(4))
        .user_agent(concat!(
            "entra-conformance-reference/",
            env!("CARGO_PKG_VERSION")
        ))
        .no_proxy();
    builder = if kind.is(Mutant::WaitsForEachPiece) {
        builder.read_timeout(Duration::from_secs(15))
    } else {
        builder.timeout(Duration::from_secs(4))
    };
    if let Some(file) = &network.ca_file {
        let pem = std::fs::read(file).map_err(|error| failed(&format!("{file}: {error}")))?;
        let roots = Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
        builder = builder.tls_certs_only(roots);
    }
    if kind.has(Style::Http1Only) {
        builder = builder.http1_only();
    }
    if unchecked {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(proxy) = &network.https_proxy {
        builder = builder.proxy(Proxy::https(proxy).map_err(|error| failed(&error))?);
        builder = builder.proxy(Proxy::http(proxy).map_err(|error| failed(&error))?);
    }
    builder.build().map_err(|error| failed(&error))
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

/// Whether to come again later. A throttled request was not accepted; what stands behind 503 and 504
/// may have happened, so these are for requests that may arrive twice.
///
/// Source: RFC 9110, section 9.2.2.
fn is_patience_asked(status: StatusCode, repeatable: bool) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => repeatable,
        _ => false,
    }
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

/// A time by chance from this to twice this.
fn longer(pause: Duration) -> Duration {
    let by = f64::from(super::token::random_id().as_bytes()[0]) / 255.0;
    pause.mul_f64(1.0 + by)
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

/// An answer is at most this long: bytes.
const LONGEST_ANSWER: usize = 12 << 20;

/// No `Retry-After` is believed beyond a day: seconds.
const LONGEST: f64 = 86_400.0;

/// How long one operation waits in all: the user is waiting, too.
const PATIENCE: Duration = Duration::from_secs(5);
