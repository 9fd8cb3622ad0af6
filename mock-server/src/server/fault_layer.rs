//! The layer in which faults act: it knows who asks before a handler does, and changes or drops
//! the answer. No handler knows of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use crate::aadsts;
use crate::exchange::{Annotation, Arrival};
use crate::fault::{FaultAction, FaultFacts, ResetAt};
use crate::journal::Surface;
use crate::token::{AccessClaims, AuthorizationCode, RefreshToken, verify_access_token};
use crate::world::{Tenant, World};

/// The fault that touches an exchange.
pub(super) struct Touched {
    number: u64,
    action: FaultAction,
    tenant: Arc<Tenant>,
    facts: FaultFacts,
}

/// In a response's extensions: the connection ends instead of answering.
#[derive(Clone, Debug)]
pub(super) struct Dropped;

/// What of an exchange tells who asks.
pub(super) struct Asked<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) surface: Surface,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
}

impl Touched {
    /// The fault that touches an exchange, if any. An event happens here.
    pub(super) fn find(world: &World, asked: &Asked<'_>) -> Option<Self> {
        if !world.has_faults() {
            return None;
        }
        let (tenant, facts) = who(world, asked)?;
        let now = tenant.now().as_second();
        let (number, action) = tenant.faults.touching(&facts, now, &world.random)?;
        if let FaultAction::Event(event) = &action
            && let Err(error) = world.apply(&tenant, event)
        {
            tracing::warn!(%error, "the event of a fault is not possible");
        }
        Some(Self {
            number,
            action,
            tenant,
            facts,
        })
    }

    /// How the journal names it.
    pub(super) fn label(&self) -> String {
        format!("{} (fault {})", self.action.name(), self.number)
    }

    /// The answer instead of the handler's, where the request is to have no effect.
    pub(super) fn instead(&self, world: &World, surface: Surface) -> Option<Response<Body>> {
        let graph = surface == Surface::Graph;
        let mut response = match &self.action {
            FaultAction::Aadsts(code) => refusal(world, *code),
            FaultAction::GraphError { status, code } => {
                let text = "The request failed, because a fault is set.";
                graph_error(world, *status, code, text)
            }
            FaultAction::Redirect(to) => {
                let mut response = empty(StatusCode::FOUND);
                if let Ok(value) = HeaderValue::from_str(to) {
                    response.headers_mut().insert(header::LOCATION, value);
                }
                response
            }
            FaultAction::Reset(ResetAt::BeforeHeaders) => dropped(),
            FaultAction::Status(status) => {
                empty(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            }
            FaultAction::Throttle { retry_after } => {
                let mut response = if graph {
                    // Source: learn.microsoft.com/graph/throttling.
                    let text = "Too Many Requests";
                    graph_error(world, 429, "TooManyRequests", text)
                } else {
                    let mut response = refusal(world, 90_055);
                    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                    response
                };
                let value = retry_after.as_deref().map(HeaderValue::from_str);
                if let Some(Ok(value)) = value {
                    response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                response
            }
            _ => return None,
        };
        let annotation = Annotation {
            tenant: Some(self.tenant.id),
            tenant_time: Some(self.tenant.now()),
            environment: Some(self.tenant.environment),
            client: self.facts.client,
            user: self.facts.user,
            grant: self.facts.grant.clone(),
            decision: Some("a fault answered instead of the service".to_owned()),
            aadsts: match self.action {
                FaultAction::Aadsts(code) => vec![code],
                _ => Vec::new(),
            },
            error: answered_error(&self.action),
            ..Annotation::default()
        };
        annotation.attach(response.extensions_mut());
        Some(response)
    }

    /// Changes the handler's answer.
    pub(super) async fn spoil(self, response: Response<Body>, answer: Bytes) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        if !matches!(self.action, FaultAction::Delay(_) | FaultAction::Event(_)) {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let half = answer.slice(..answer.len() / 2);
        let whole = answer.len();
        let body = match self.action {
            FaultAction::Delay(millis) => {
                pause(millis).await;
                body
            }
            FaultAction::Empty => Body::empty(),
            FaultAction::HugeBody => {
                let chunk = Bytes::from(vec![b' '; 64 << 10]);
                let chunks = (0..16 << 10).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
                Body::from_stream(stream::iter(chunks))
            }
            FaultAction::LoseResponse => return dropped(),
            FaultAction::MalformedJson => {
                let mut text = half.to_vec();
                text.extend_from_slice(b"\"}}");
                Body::from(text)
            }
            FaultAction::Reset(ResetAt::AfterHeaders) => {
                announce(&mut parts.headers, whole.max(1));
                broken_off(Bytes::new())
            }
            FaultAction::Reset(ResetAt::MidBody) | FaultAction::Truncate => {
                announce(&mut parts.headers, whole.max(half.len() + 1));
                broken_off(half)
            }
            FaultAction::SlowBody(millis) => slowly(&answer, millis),
            FaultAction::WrongContentType(kind) => {
                if let Ok(kind) = HeaderValue::from_str(&kind) {
                    parts.headers.insert(header::CONTENT_TYPE, kind);
                }
                body
            }
            _ => body,
        };
        Response::from_parts(parts, body)
    }
}

/// The tenant of an exchange, and what a fault's target may name. Where neither the path nor a
/// token tells the tenant (a sign-in at `organizations`), no fault acts.
fn who(world: &World, asked: &Asked<'_>) -> Option<(Arc<Tenant>, FaultFacts)> {
    let mut facts = FaultFacts {
        surface: Some(asked.surface),
        path: asked.path.to_owned(),
        ..FaultFacts::default()
    };
    let cloud = asked.arrival.cloud;
    if asked.surface == Surface::Graph {
        let claims = claims(world, asked.headers)?;
        facts.client = claims.client();
        facts.user = (!claims.is_app_only()).then_some(claims.oid);
        return Some((world.tenant(cloud, claims.tid)?, facts));
    }
    let form: Vec<(String, String)> = if asked.surface == Surface::Token {
        form_urlencoded::parse(asked.body).into_owned().collect()
    } else {
        let query = asked.query.unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    };
    let field = |name: &str| {
        let found = form.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    };
    facts.client = field("client_id").and_then(|it| it.parse().ok());
    facts.grant = field("grant_type").map(|grant| {
        let last = grant.rsplit(':').next().unwrap_or(grant);
        last.replace("jwt-bearer", "on_behalf_of")
    });
    let sealed = |name: &str| field(name).map(|it| it.strip_prefix("1.A").unwrap_or(it));
    let refresh = sealed("refresh_token")
        .and_then(|it| {
            world
                .sealer
                .open::<RefreshToken>(RefreshToken::PURPOSE, it)
                .ok()
        })
        .map(|it| it.sign_in);
    let sign_in = refresh.or_else(|| {
        let code = sealed("code")?;
        let purpose = AuthorizationCode::PURPOSE;
        let code = world.sealer.open::<AuthorizationCode>(purpose, code).ok()?;
        Some(code.sign_in)
    });
    facts.user = sign_in.as_ref().map(|it| it.user);
    let segment = asked.path.trim_start_matches('/').split('/').next()?;
    let tenant = world
        .tenant_of_segment(cloud, segment)
        .or_else(|| world.tenant(cloud, sign_in?.tenant))?;
    Some((tenant, facts))
}

/// What the bearer token says, if it is one of ours.
fn claims(world: &World, headers: &HeaderMap) -> Option<AccessClaims> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = value.split_once(' ')?.1.trim();
    // A look into the payload is enough: the handler verifies it.
    let payload = token
        .split('.')
        .nth(1)
        .and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
    let looked = payload.and_then(|it| serde_json::from_slice(&it).ok());
    looked.or_else(|| {
        let verified = verify_access_token(token, &world.keys, &world.sealer);
        verified.ok().map(|(claims, _)| claims)
    })
}

/// The error that the journal notes.
fn answered_error(action: &FaultAction) -> Option<String> {
    match action {
        FaultAction::Aadsts(code) => aadsts::Row::find(*code).map(|it| it.oauth_error.clone()),
        FaultAction::GraphError { code, .. } => Some(code.clone()),
        _ => None,
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn dropped() -> Response<Body> {
    let mut response = empty(StatusCode::BAD_GATEWAY);
    response.extensions_mut().insert(Dropped);
    response
}

fn json_answer(status: u16, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A refusal of the authority by its number; the placeholders of its text stay open.
fn refusal(world: &World, code: u32) -> Response<Body> {
    let row = aadsts::Row::find(code);
    let now = crate::clock::Clock::real().now();
    let timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let (trace, correlation) = (world.random.uuid(), world.random.uuid());
    let text = row.map_or("The request failed, because a fault is set.", |it| {
        it.text.as_str()
    });
    let mut body = json!({
        "error": row.map_or("invalid_request", |it| it.oauth_error.as_str()),
        "error_description": format!(
            "AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} \
             Timestamp: {timestamp}"
        ),
        "error_codes": [code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
    });
    if let Some(suberror) = row.map(|it| &it.suberror).filter(|it| !it.is_empty()) {
        body["suberror"] = json!(suberror);
    }
    json_answer(row.map_or(400, |it| it.http_status), &body)
}

fn graph_error(world: &World, status: u16, code: &str, text: &str) -> Response<Body> {
    let id = world.random.uuid();
    let now = crate::clock::Clock::real().now();
    let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let body = json!({"error": {"code": code, "message": text, "innerError": {
        "date": date, "request-id": id, "client-request-id": id}}});
    let mut response = json_answer(status, &body);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("request-id", id.clone());
        response.headers_mut().insert("client-request-id", id);
    }
    response
}

fn announce(headers: &mut HeaderMap, length: usize) {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
}

/// A body that breaks off after its beginning; the pause lets what came before it leave.
fn broken_off(beginning: Bytes) -> Body {
    let begin = stream::once(async move { Ok(beginning) });
    let end = stream::once(async {
        pause(10).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(futures_util::StreamExt::chain(begin, end))
}

/// A body in ten pieces, over a time.
fn slowly(answer: &Bytes, millis: u64) -> Body {
    let piece = answer.len().div_ceil(10).max(1);
    let pieces: Vec<Bytes> = answer.chunks(piece).map(Bytes::copy_from_slice).collect();
    let pieces = futures_util::StreamExt::then(stream::iter(pieces), move |piece| async move {
        pause(millis / 10).await;
        Ok::<_, std::io::Error>(piece)
    });
    Body::from_stream(pieces)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a fault takes real time, as scripted"
)]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[cfg(test)]
mod tests;
