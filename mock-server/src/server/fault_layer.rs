//! The layer in which faults act: it knows who asks before a handler does, and changes or drops
//! the answer. No handler knows of it.

mod bodies;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use self::bodies::{broken_off, pause, slowly};
use super::edge::Connection;
use crate::authority;
use crate::environment::Site;
use crate::exchange::{Annotation, Arrival};
use crate::fault::{FaultAction, FaultFacts, ResetAt, RetryAfter, WrongCertificate};
use crate::graph::files::host;
use crate::graph::{self, GraphError};
use crate::journal::Surface;
use crate::token::{
    AccessClaims, AuthorizationCode, RefreshToken, TokenDefect, verify_access_token,
};
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

/// In a response's extensions: the connection closes after this answer.
#[derive(Clone, Debug)]
pub(super) struct LastAnswer;

/// What of an exchange tells who asks.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) surface: Surface,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    pub(super) via: Option<&'a str>,
}

impl Touched {
    /// The fault that touches an exchange, if any. An event happens here.
    pub(super) fn find(world: &World, asked: Asked<'_>) -> Option<Self> {
        if !world.has_faults() {
            return None;
        }
        let (tenant, facts) = who(world, asked)?;
        let now = tenant.now().as_millisecond();
        let (number, action) = tenant.faults.touching(&facts, now, &world.random)?;
        if let FaultAction::Event(event) = &action
            && let Err(error) = world.apply_by_fault(&tenant, event, number)
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

    /// The code with which the authority is to refuse the request.
    pub(super) fn refusal(&self) -> Option<u32> {
        match self.action {
            FaultAction::Aadsts(code) => Some(code),
            _ => None,
        }
    }

    /// The answer instead of the handler's, where the request is to have no effect.
    pub(super) fn instead(&self, world: &World, asked: Asked<'_>) -> Option<Response<Body>> {
        let graph = asked.surface == Surface::Graph;
        let graph_error = |error: GraphError| {
            let annotation = self.annotation();
            graph::refuse(world, asked.arrival, asked.headers, error, annotation)
        };
        match &self.action {
            FaultAction::Challenge(challenges) => {
                let mut response = graph_error(GraphError::new(
                    StatusCode::UNAUTHORIZED,
                    "InvalidAuthenticationToken",
                    "Continuous access evaluation resulted in challenge with result: \
                     InteractionRequired.",
                ));
                let headers = response.headers_mut();
                headers.remove(header::WWW_AUTHENTICATE);
                for challenge in challenges {
                    let value = HeaderValue::from_str(challenge).ok()?;
                    headers.append(header::WWW_AUTHENTICATE, value);
                }
                Some(response)
            }
            FaultAction::ClaimsChallenge => {
                let now = self.tenant.now().as_second();
                Some(graph_error(GraphError::claims_challenge(now)))
            }
            FaultAction::GraphError {
                status,
                code,
                message,
            } => {
                let status = StatusCode::from_u16(*status).ok()?;
                let text = message
                    .as_deref()
                    .or_else(|| graph::usual_message(code))
                    .unwrap_or("The request failed, because a fault is set.");
                Some(graph_error(GraphError::new(status, code.clone(), text)))
            }
            FaultAction::Redirect(to) => {
                let location = HeaderValue::from_str(to.to()).ok()?;
                let status = StatusCode::from_u16(to.status()).unwrap_or(StatusCode::FOUND);
                let mut response = self.empty(status);
                response.headers_mut().insert(header::LOCATION, location);
                Some(response)
            }
            FaultAction::Reset(ResetAt::BeforeHeaders) => Some(dropped(self.empty(NO_ANSWER))),
            FaultAction::Status(status) => Some(self.empty(StatusCode::from_u16(*status).ok()?)),
            FaultAction::Throttle {
                retry_after,
                as_date,
                verbatim,
            } => {
                let now = self.tenant.now();
                let mut response = if graph {
                    graph_error(graph::throttled(
                        asked.path,
                        self.tenant.environment.cloud(),
                    ))
                } else {
                    let annotation = self.annotation();
                    authority::throttled(world, asked.headers, now, annotation)
                };
                let after = retry_after.as_ref().map(|it| when(it, *as_date, now));
                if let Some(after) = verbatim.clone().or(after) {
                    let value = HeaderValue::from_str(&after).ok()?;
                    response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                Some(response)
            }
            _ => None,
        }
    }

    /// What the journal is told where no handler answers.
    fn annotation(&self) -> Annotation {
        Annotation {
            tenant: Some(self.tenant.id),
            tenant_time: Some(self.tenant.now()),
            environment: Some(self.tenant.environment),
            client: self.facts.client,
            user: self.facts.user,
            grant: self.facts.grant.clone(),
            decision: Some("a fault answered instead of the service".to_owned()),
            ..Annotation::default()
        }
    }

    fn empty(&self, status: StatusCode) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        self.annotation().attach(response.extensions_mut());
        response
    }

    /// Changes the handler's answer before the journal sees it: what a client gets is what the
    /// journal shows.
    pub(super) fn twist(&self, world: &World, headers: &mut HeaderMap, answer: Bytes) -> Bytes {
        if matches!(self.action, FaultAction::StaleKeys) {
            return stale_keys(world, &self.tenant, &answer).unwrap_or(answer);
        }
        if let FaultAction::Edit { set, remove } = &self.action {
            let Some(edited) = edited(&answer, set, remove) else {
                return answer;
            };
            if headers.contains_key(header::CONTENT_LENGTH) {
                announce(headers, edited.len());
            }
            return edited;
        }
        let Some(defect) = defect(&self.action) else {
            return answer;
        };
        let location = headers
            .get(header::LOCATION)
            .and_then(|it| it.to_str().ok());
        if let Some(location) = location
            && let Ok(spoilt) = HeaderValue::from_str(&defect.spoil(location, &world.keys))
        {
            headers.insert(header::LOCATION, spoilt);
        }
        match std::str::from_utf8(&answer) {
            Ok(text) => {
                let spoilt = Bytes::from(defect.spoil(text, &world.keys));
                if headers.contains_key(header::CONTENT_LENGTH) {
                    announce(headers, spoilt.len());
                }
                spoilt
            }
            Err(_) => answer,
        }
    }

    /// Changes how the answer travels.
    pub(super) async fn spoil(self, response: Response<Body>, answer: Bytes) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        let travels_as_it_is = matches!(
            self.action,
            FaultAction::Delay(_)
                | FaultAction::Edit { .. }
                | FaultAction::Event(_)
                | FaultAction::Goaway
        );
        if !travels_as_it_is {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let half = answer.slice(..answer.len() / 2);
        let whole = answer.len();
        let body = match self.action {
            FaultAction::Delay(span) => {
                pause(span.0).await;
                body
            }
            FaultAction::Empty => Body::empty(),
            FaultAction::Goaway => {
                parts.extensions.insert(LastAnswer);
                body
            }
            FaultAction::HugeBody => {
                let chunk = Bytes::from(vec![b' '; 64 << 10]);
                let chunks = (0..16 << 10).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
                Body::from_stream(stream::iter(chunks))
            }
            FaultAction::LoseResponse => return dropped(Response::from_parts(parts, body)),
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
            FaultAction::SlowBody(span) => slowly(&answer, span.0),
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

/// A TLS handshake that a fault touches.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    number: u64,
    /// What is wrong with the certificate to present.
    pub(super) wrong: WrongCertificate,
    /// Whose fault.
    pub(super) tenant: Arc<Tenant>,
}

impl Handshake {
    /// The fault that touches a handshake, if any: of the tenants that a host serves, the first.
    pub(super) fn find(world: &World, connection: &Connection, host: &str) -> Option<Self> {
        if !world.has_faults() {
            return None;
        }
        let site = Site::of_host(host);
        let graph = match site {
            Some(Site::Graph(_) | Site::SharePoint(_) | Site::Upload(_)) => Some(true),
            Some(_) => Some(false),
            // A port of localhost serves both.
            None => None,
        };
        let serves = |tenant: &Tenant| match site {
            Some(
                Site::Graph(environment)
                | Site::SharePoint(environment)
                | Site::Upload(environment),
            ) => tenant.environment == environment,
            Some(Site::Authority(cloud)) => tenant.environment.cloud() == cloud,
            Some(Site::DeviceLogin | Site::Retired(_)) => false,
            None => connection.environment == Some(tenant.environment),
        };
        let tenants = world.tenants();
        tenants
            .into_iter()
            .filter(|it| serves(it))
            .find_map(|tenant| {
                let now = tenant.now().as_millisecond();
                let via = connection.via.as_deref();
                let faults = &tenant.faults;
                let touched = faults.touching_handshake(graph, via, now, &world.random);
                match touched? {
                    (number, FaultAction::Tls(wrong)) => Some(Self {
                        number,
                        wrong,
                        tenant,
                    }),
                    _ => None,
                }
            })
    }

    /// How the journal names it.
    pub(super) fn label(&self) -> String {
        format!("tls (fault {})", self.number)
    }
}

/// The value of `Retry-After`.
fn when(after: &RetryAfter, as_date: bool, now: Timestamp) -> String {
    match after.seconds().filter(|_| as_date) {
        Some(seconds) => {
            let then = now.saturating_add(SignedDuration::from_secs(seconds.into()));
            let then = then.unwrap_or(Timestamp::MAX);
            then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
        }
        None => after.to_string(),
    }
}

fn defect(action: &FaultAction) -> Option<TokenDefect> {
    Some(match action {
        FaultAction::AlgNone => TokenDefect::AlgNone,
        FaultAction::BadSignature => TokenDefect::BadSignature,
        FaultAction::ExpiredToken => TokenDefect::Expired,
        FaultAction::ForeignKey => TokenDefect::ForeignKey,
        FaultAction::IssuerOfAnotherCloud => TokenDefect::IssuerOfAnotherCloud,
        FaultAction::NoNonce => TokenDefect::NoNonce,
        FaultAction::UnknownKey => TokenDefect::UnknownKey,
        FaultAction::WrongAudience => TokenDefect::WrongAudience,
        FaultAction::WrongIssuer => TokenDefect::WrongIssuer,
        FaultAction::WrongNonce => TokenDefect::WrongNonce,
        FaultAction::WrongUser => TokenDefect::WrongUser,
        _ => return None,
    })
}

/// A JSON object with other members.
fn edited(answer: &[u8], set: &Map<String, Value>, remove: &[String]) -> Option<Bytes> {
    let mut members: Map<String, Value> = serde_json::from_slice(answer).ok()?;
    for name in remove {
        members.remove(name);
    }
    members.extend(set.clone());
    Some(Bytes::from(Value::Object(members).to_string()))
}

/// A key set as a cache would have it that was never renewed: without the key that signs, and with
/// one that does not.
fn stale_keys(world: &World, tenant: &Tenant, answer: &[u8]) -> Option<Bytes> {
    let mut set: Value = serde_json::from_slice(answer).ok()?;
    let generation = tenant.read(|it| it.key_generation);
    let ring = world.keys.of(tenant.environment.cloud());
    let old = match generation.checked_sub(1) {
        Some(before) => ring.key(before),
        // The first key has none before it: one that is long from being used stands in.
        None => ring.key(generation + 2),
    };
    let keys = set.get_mut("keys")?.as_array_mut()?;
    keys.truncate(1);
    let entry = keys.first_mut()?;
    let public = old.public();
    for (name, value) in [
        ("kid", &public.kid),
        ("x5t", &public.kid),
        ("n", &public.n),
        ("e", &public.e),
    ] {
        entry[name] = Value::from(value.as_str());
    }
    entry["x5c"] = Value::from(vec![public.x5c.as_str()]);
    Some(Bytes::from(set.to_string()))
}

/// The tenant of an exchange, and what a fault's target may name. Where neither the path nor a
/// token tells the tenant (a sign-in at `organizations`), no fault acts.
fn who(world: &World, asked: Asked<'_>) -> Option<(Arc<Tenant>, FaultFacts)> {
    let mut facts = FaultFacts {
        surface: Some(asked.surface),
        path: asked.path.to_owned(),
        via: asked.via.map(str::to_owned),
        ..FaultFacts::default()
    };
    let cloud = asked.arrival.cloud;
    if asked.surface == Surface::Graph {
        let Some(claims) = claims(world, asked.headers) else {
            let tenant = host::tenant_of(world, asked.path, asked.query)?;
            return Some((tenant, facts));
        };
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
    facts.grant = field("grant_type").map(|grant| authority::short_name(grant).to_owned());
    let sealer = &world.sealer;
    let refresh = field("refresh_token").and_then(|it| RefreshToken::open(it, sealer).ok());
    let sign_in = refresh.map(|it| it.sign_in).or_else(|| {
        let code = AuthorizationCode::open(field("code")?, sealer).ok()?;
        Some(code.sign_in)
    });
    let segment = asked.path.trim_start_matches('/').split('/').next()?;
    let tenant = world
        .tenant_of_segment(cloud, segment)
        .or_else(|| world.tenant(cloud, sign_in.as_ref()?.tenant))?;
    facts.user = sign_in.map(|it| it.user).or_else(|| {
        let name = field("username").or_else(|| field("login_hint"))?;
        tenant.read(|it| it.user_by_id_or_name(name).map(|it| it.id))
    });
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

/// The status of an answer that is never sent.
const NO_ANSWER: StatusCode = StatusCode::BAD_GATEWAY;

fn dropped(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(Dropped);
    response
}

fn announce(headers: &mut HeaderMap, length: usize) {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
}

#[cfg(test)]
mod tests;
