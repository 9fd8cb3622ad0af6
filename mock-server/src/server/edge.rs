//! The edge: every exchange with a login or Graph host passes here, and is journalled.

mod address;
mod refusal;

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use self::address::{addressed, without_repeated_slashes};
pub(super) use self::address::{foreign_host, origin_form, refuse};
use self::refusal::NotRead;
use super::body::{Holding, Metered};
use super::encoding;
use super::fault_layer::{Asked, Handshake, Touched};
use super::place::{Place, is_graph_path, surface_of};
use super::record::{RawBody, RawHeaders, Write, is_form, note_tokens};
use super::refused::Refused;
use crate::clock::Clock;
use crate::drives::{Blob, BlobError};
use crate::environment::{Environment, Site};
use crate::exchange::{Annotation, Arrival};
use crate::graph::files::host;
use crate::graph::{self, Graph};
use crate::journal::{Exchange, Surface};
use crate::limit::InFlight;
use crate::scenario::Players;
use crate::world::World;

/// What serves the exchanges of all connections.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) world: Arc<World>,
    players: Arc<Players>,
    issuer_as_addressed: bool,
    authority: Router,
    device_login: Router,
    graph: Graph,
}

/// What is known of a connection before its first request.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// A number for each connection.
    pub(super) id: u64,
    /// The label of the proxy listener, if it has one.
    pub(super) via: Option<Arc<str>>,
    /// The environment of the port.
    pub(super) environment: Option<Environment>,
    /// The name and port that a client asked the proxy for, or that the port stands for.
    pub(super) target: String,
    /// Whether the connection is encrypted.
    pub(super) tls: bool,
    /// The address of the client.
    pub(super) peer: IpAddr,
}

/// In a response's extensions: the body of the request was not read to its end.
#[derive(Clone, Debug)]
pub(super) struct Unread;

impl Edge {
    pub(super) fn new(world: Arc<World>, players: Arc<Players>, issuer_as_addressed: bool) -> Self {
        Self {
            authority: crate::authority::router(Arc::clone(&world)),
            device_login: crate::authority::device_login_router(Arc::clone(&world)),
            graph: Graph::new(Arc::clone(&world)),
            world,
            players,
            issuer_as_addressed,
        }
    }

    /// Answers a request and writes the exchange to the journal.
    pub(super) async fn serve<B>(
        &self,
        connection: &Connection,
        request: Request<Metered<B>>,
    ) -> Response<Body>
    where
        B: axum::body::HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        #[expect(
            clippy::disallowed_methods,
            reason = "the journal tells how long an answer took"
        )]
        let start = Instant::now();
        let at = Clock::real().now();
        let (mut parts, mut incoming) = request.into_parts();
        let place = Place::of(connection, &parts.uri, &parts.headers);
        let Some((arrival, site)) = place else {
            let asked = (
                parts.method.as_str(),
                &*parts.uri.to_string(),
                &parts.headers,
            );
            let why = foreign_host(addressed(&parts.uri, &parts.headers));
            let response = refuse(StatusCode::MISDIRECTED_REQUEST, &why);
            self.note_foreign(connection, asked, Err((response.status(), why)));
            return response;
        };
        let is_real_host = arrival.real_host;
        let path = parts.uri.path().to_owned();
        let is_graph = match site {
            Site::DeviceLogin => false,
            Site::Graph(_) | Site::SharePoint(_) | Site::Upload(_) => true,
            Site::Authority(_) | Site::Retired(_) => {
                !is_real_host && (is_graph_path(&path) || host::is_path(&path))
            }
        };
        let is_files = matches!(site, Site::SharePoint(_))
            || is_graph && !is_real_host && !is_graph_path(&path);
        let surface = if is_graph {
            Surface::Graph
        } else {
            surface_of(&path)
        };
        let limit = if is_graph {
            graph::MAX_BODY
        } else {
            AUTHORITY_BODY_LIMIT
        };
        let method = parts.method.clone();
        let headers = parts.headers.clone();
        let query = parts.uri.query().map(str::to_owned);
        let mut touched = None;
        let waits = headers.contains_key(header::EXPECT);
        // A content goes to disk as it comes.
        let brings_content = is_graph
            && host::brings_content(&method, &path)
            && !headers.contains_key(header::CONTENT_ENCODING);
        let mut not_kept = None;
        let is_let_in =
            !brings_content || graph::takes_content(&self.world, &arrival, &parts.uri, &headers);
        let received = if !is_let_in {
            // The answer is a refusal: nothing is kept.
            incoming.pass_over(waits).await;
            Ok(Bytes::new())
        } else if brings_content {
            let content = incoming.store(host::receive(&self.world)).await;
            content.map(|content| match content {
                Ok(content) => {
                    parts.extensions.insert::<Blob>(content);
                    Bytes::new()
                }
                Err(error) => {
                    not_kept = Some(error);
                    Bytes::new()
                }
            })
        } else {
            incoming.read(limit, waits).await
        };
        let received = received.map_err(NotRead::Body);
        let received = received.and_then(|body| {
            if is_graph {
                encoding::decode(&headers, body, limit).map_err(NotRead::Encoding)
            } else {
                Ok(body)
            }
        });
        let (body, mut response) = match received {
            Ok(body) => {
                if let Some(uri) = without_repeated_slashes(&parts.uri) {
                    parts.uri = uri;
                }
                // The routers see paths: HTTP/2 and proxied requests have whole URIs.
                parts.uri = origin_form(&parts.uri);
                let asked = Asked {
                    arrival: &arrival,
                    surface,
                    path: &path,
                    query: query.as_deref(),
                    headers: &headers,
                    body: &body,
                    via: connection.via.as_deref(),
                };
                touched = Touched::find(&self.world, asked);
                let instead = touched
                    .as_ref()
                    .and_then(|it| it.instead(&self.world, asked));
                let not_kept = not_kept
                    .as_ref()
                    .map(|it: &BlobError| host::not_received(it));
                let response = match instead.or(not_kept) {
                    Some(response) => response,
                    None => {
                        let refused = touched.as_ref().and_then(Touched::refusal);
                        let arrival = Arrival {
                            issuer_as_addressed: self.issuer_as_addressed,
                            refused,
                            ..arrival.clone()
                        };
                        if is_files {
                            let world = Arc::clone(&self.world);
                            let upload = parts.extensions.remove();
                            let answer =
                                async { Ok(host::serve(&world, &parts, &arrival, upload)) };
                            self.answered(answer, true).await
                        } else if is_graph {
                            let answer = self.graph.serve(parts, arrival, body.clone());
                            self.answered(answer.map(Ok), true).await
                        } else {
                            parts.extensions.insert(arrival);
                            let request = Request::from_parts(parts, Body::from(body.clone()));
                            let router = match site {
                                Site::DeviceLogin => &self.device_login,
                                _ => &self.authority,
                            };
                            self.answered(router.clone().oneshot(request), false).await
                        }
                    }
                };
                (body, response)
            }
            Err(error) => (
                Bytes::new(),
                self.without_body(is_graph, (&arrival, &headers), error),
            ),
        };
        let mut annotation = Annotation::take(response.extensions_mut()).unwrap_or_default();
        let (mut parts, answer) = response.into_parts();
        // A content is sent as it is read, unless a fault works on it.
        let is_streamed = parts.extensions.remove::<host::Streamed>().is_some();
        let is_too_large = is_streamed && length(&parts.headers) > TWISTED;
        if is_too_large && touched.is_some() {
            let what = "a fault on the content of a file of more than 256 MiB: it is sent as it is";
            annotation.unsupported = Some(what.to_owned());
        }
        let touched = touched.filter(|_| !is_too_large);
        let (streamed, answer) = if is_streamed && touched.is_none() {
            (Some(answer), Bytes::new())
        } else {
            let whole = answer.collect().await;
            let whole = whole.map(http_body_util::Collected::to_bytes);
            (None, whole.unwrap_or_default())
        };
        let answer = match &touched {
            Some(touched) => touched.twist(&self.world, &mut parts.headers, answer),
            None => answer,
        };
        if !is_real_host {
            // A browser would from then on ask every port of localhost by TLS.
            parts.headers.remove(header::STRICT_TRANSPORT_SECURITY);
        }
        if !parts.headers.contains_key(header::DATE) {
            let now = annotation.tenant_time.unwrap_or(at);
            let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            if let Ok(date) = HeaderValue::from_str(&date) {
                parts.headers.insert(header::DATE, date);
            }
        }
        let nothing = Bytes::new();
        // No other endpoint has tokens in the JSON of its answer.
        let told = if surface == Surface::Token {
            &answer
        } else {
            &nothing
        };
        note_tokens(
            &self.world.seen,
            (&headers, query.as_deref(), &body),
            (&parts.headers, told),
        );
        // A fault changes the answer as it is written.
        let folded = if is_graph && touched.is_none() {
            encoding::encode(&headers, &mut parts.headers, &answer)
        } else {
            None
        };
        let form = is_form(&headers);
        let exchange = Exchange {
            number: 0,
            at,
            elapsed_micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            via: connection.via.as_deref().map(str::to_owned),
            connection: connection.id,
            cloud: Some(arrival.cloud),
            environment: annotation.environment.or(arrival.environment),
            surface,
            endpoint: annotation.endpoint,
            method: method.to_string(),
            origin: arrival.origin,
            path,
            query: Vec::new(),
            request_headers: Vec::new(),
            form: Vec::new(),
            request_body: None,
            status: parts.status.as_u16(),
            response_headers: Vec::new(),
            response_body: None,
            tenant: annotation.tenant,
            tenant_time: annotation.tenant_time,
            client: annotation.client,
            user: annotation.user,
            grant: annotation.grant,
            aadsts: annotation.aadsts,
            error: annotation.error,
            decision: annotation.decision,
            tokens: annotation.tokens,
            fault: touched.as_ref().map(Touched::label),
            unsupported: annotation.unsupported,
            level: annotation.level,
        };
        self.log(&exchange);
        let journal = &self.world.journal;
        let redactor = journal.redactor();
        let (request, response) = ((&headers, &body), (&parts.headers, &answer));
        let headers = [request.0, response.0].map(|it| RawHeaders::of(it, redactor));
        if is_graph && !form {
            // Graph's exchanges are many and long, and few are ever looked at.
            let bodies = [request, response].map(|(headers, body)| RawBody::of(headers, body));
            journal.exchange_later(move |redactor| {
                let write = Write {
                    redactor,
                    is_graph: true,
                };
                let [request_headers, response_headers] =
                    headers.map(|headers| headers.written(redactor));
                let [request_body, response_body] =
                    bodies.map(|body| body.map(|body| body.written(&write)));
                Exchange {
                    query: write.fields(query.unwrap_or_default().as_bytes()),
                    request_headers,
                    request_body,
                    response_headers,
                    response_body,
                    ..exchange
                }
            });
        } else {
            // What carries secrets is written at once, and the rest when somebody looks.
            let write = Write { redactor, is_graph };
            let exchange = Exchange {
                query: write.fields(query.unwrap_or_default().as_bytes()),
                form: if form {
                    write.fields(request.1)
                } else {
                    Vec::new()
                },
                request_body: if form {
                    None
                } else {
                    write.body(request.0, request.1)
                },
                response_body: write.body(response.0, response.1),
                ..exchange
            };
            journal.exchange_later(move |redactor| {
                let [request_headers, response_headers] =
                    headers.map(|headers| headers.written(redactor));
                Exchange {
                    request_headers,
                    response_headers,
                    ..exchange
                }
            });
        }
        // Before the client has its answer, so that its next request meets what follows.
        self.players.exchanged(&self.world);
        let sent = folded.unwrap_or_else(|| answer.clone());
        let sent = streamed.unwrap_or_else(|| Body::from(sent));
        let response = Response::from_parts(parts, sent);
        let mut response = match touched {
            Some(touched) => touched.spoil(response, answer).await,
            None => response,
        };
        // Who has the answer may ask again: the places are free before it goes out.
        response.extensions_mut().remove::<InFlight>();
        if incoming.is_whole() {
            return response;
        }
        // HTTP/2 lets go of a body in order only after the answer.
        response.extensions_mut().insert(Unread);
        response.map(|body| {
            Body::new(Holding {
                body,
                _held: incoming,
            })
        })
    }

    /// A line for each exchange, and at the finest level why it was answered so; without parameters,
    /// headers and bodies, which the journal has.
    fn log(&self, exchange: &Exchange) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let redactor = self.world.journal.redactor();
        let codes = exchange.aadsts.iter().map(|it| format!(", AADSTS{it}"));
        let codes: Vec<String> = codes.collect();
        tracing::debug!(
            "{} {}{} -> {} in {} us{}",
            exchange.method,
            exchange.origin,
            redactor.text(&exchange.path),
            exchange.status,
            exchange.elapsed_micros,
            codes.concat(),
        );
        for (what, text) in [
            ("why", &exchange.decision),
            ("fault", &exchange.fault),
            ("not in the mock", &exchange.unsupported),
        ] {
            if let Some(text) = text {
                tracing::trace!("  {what}: {}", redactor.text(text));
            }
        }
    }

    /// What the authority or Graph answers; a panic is a bug of the mock, and told as one.
    async fn answered(
        &self,
        answer: impl Future<Output = Result<Response<Body>, Infallible>>,
        is_graph: bool,
    ) -> Response<Body> {
        match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => self.broken(is_graph),
        }
    }

    /// Journals a request for a host that is none of ours: with what it was answered, or why it was
    /// refused.
    pub(super) fn note_foreign(
        &self,
        connection: &Connection,
        (method, target, headers): (&str, &str, &HeaderMap),
        outcome: Result<StatusCode, (StatusCode, String)>,
    ) {
        let write = Write {
            redactor: self.world.journal.redactor(),
            is_graph: false,
        };
        let (origin, query) = target.split_once('?').unwrap_or((target, ""));
        let (status, error, decision) = match outcome {
            Ok(status) => (
                status,
                None,
                format!("passed through to {}", connection.target),
            ),
            Err((status, why)) => (status, Some("foreign-host"), why),
        };
        self.world.journal.exchange(Exchange {
            method: method.to_owned(),
            origin: origin.to_owned(),
            query: write.fields(query.as_bytes()),
            request_headers: write.headers(headers),
            status: status.as_u16(),
            error: error.map(str::to_owned),
            decision: Some(decision),
            ..Self::no_exchange(connection, Surface::Proxy)
        });
    }

    /// Journals a TLS handshake in which a fault presented a wrong certificate.
    pub(super) fn note_handshake(
        &self,
        connection: &Connection,
        host: &str,
        handshake: &Handshake,
        refused: Option<&std::io::Error>,
    ) {
        let tenant = &handshake.tenant;
        self.world.journal.exchange(Exchange {
            method: "TLS".to_owned(),
            origin: format!("https://{host}"),
            // The status that nginx gives to it, as there is none of HTTP.
            status: if refused.is_some() { 495 } else { 200 },
            error: refused.map(|_| "certificate-refused".to_owned()),
            decision: Some(match refused {
                Some(error) => format!("the client refused the certificate: {error}"),
                None => "the client took the wrong certificate".to_owned(),
            }),
            cloud: Some(tenant.environment.cloud()),
            environment: Some(tenant.environment),
            tenant: Some(tenant.id),
            tenant_time: Some(tenant.now()),
            fault: Some(handshake.label()),
            ..Self::no_exchange(connection, Surface::Tls)
        });
    }

    /// Journals what ended a connection before it was a request.
    pub(super) fn note_refused(&self, connection: &Connection, refused: &Refused) {
        let scheme = if connection.tls { "https" } else { "http" };
        self.world.journal.exchange(Exchange {
            method: refused.method().to_owned(),
            origin: format!("{scheme}://{}", connection.target),
            environment: connection.environment,
            status: refused.status(),
            error: Some(refused.name().to_owned()),
            decision: Some(refused.to_string()),
            ..Self::no_exchange(connection, Surface::Connection)
        });
    }

    /// An exchange that is none of HTTP.
    fn no_exchange(connection: &Connection, surface: Surface) -> Exchange {
        let via = connection.via.as_deref().map(str::to_owned);
        Exchange::empty(surface, via, connection.id)
    }
}

const AUTHORITY_BODY_LIMIT: usize = 1 << 20;

/// The longest content that a fault works on, in bytes: it is collected for it.
const TWISTED: u64 = 256 << 20;

/// How long a body is to be.
fn length(headers: &HeaderMap) -> u64 {
    let text = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok());
    text.and_then(|it| it.parse().ok()).unwrap_or(0)
}
