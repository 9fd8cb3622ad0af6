//! The control port: control API and forward proxy in one.
//!
//! `CONNECT login.microsoftonline.com:443` ends here, in a TLS session of our own. The target is
//! taken from the request line only: real clients send HTTP/1.0 without any header, or a Host
//! without the port.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::body::Metered;
use super::capacity::{Place, Use};
use super::connection::{Shared, peer_of, serve_exchanges, serve_http, serve_tls};
use super::edge::{Connection, foreign_host, origin_form, refuse};
use super::pass_through;
use super::place::host_of;
use super::refused::Refused;
use super::watched::Watched;
use crate::environment::Site;

/// Serves a connection to the control port, or to a proxy listener with a label.
pub(super) async fn serve_control(
    shared: Arc<Shared>,
    mut stream: TcpStream,
    place: Arc<Place>,
    control: Option<Router>,
    via: Option<Arc<str>>,
) {
    let Some(start) = read_start(&mut stream).await else {
        return;
    };
    if start.starts_with(CONNECT) {
        let Some((line, rest)) = read_head(&mut stream, start).await else {
            let _ = answer(
                &mut stream,
                "400 Bad Request",
                "entra-mock: no request line\n",
            )
            .await;
            return;
        };
        connect(shared, stream, place, &line, rest, via).await;
        return;
    }
    let peer = peer_of(&stream);
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(std::io::Cursor::new(start).chain(reader), writer);
    serve_requests(shared, stream, place, peer, control, via).await;
}

/// Requests that are no CONNECT: to the control API, or with a whole URI to be forwarded.
async fn serve_requests<S>(
    shared: Arc<Shared>,
    stream: S,
    place: Arc<Place>,
    peer: IpAddr,
    control: Option<Router>,
    via: Option<Arc<str>>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = Connection {
        id: shared.next_connection(),
        via,
        environment: None,
        target: "the control port".to_owned(),
        tls: false,
        peer,
    };
    let answer = {
        let (shared, connection) = (Arc::clone(&shared), connection.clone());
        move |request| {
            let (shared, connection) = (Arc::clone(&shared), connection.clone());
            let control = control.clone();
            async move { dispatch(&shared, connection, control, request).await }
        }
    };
    if let Some(refused) = serve_http(&shared, stream, place, answer).await {
        shared.edge.note_refused(&connection, &refused);
    }
}

async fn dispatch(
    shared: &Shared,
    connection: Connection,
    control: Option<Router>,
    request: Request<Metered<Incoming>>,
) -> Response<Body> {
    if request.method() == Method::CONNECT {
        let why = "entra-mock: CONNECT is taken as the first request of a connection only";
        return refuse(StatusCode::BAD_REQUEST, why);
    }
    let uri = request.uri();
    let target = uri.authority().map(|it| it.as_str().to_owned());
    let host = target.as_deref().map(|it| host_of(it).to_ascii_lowercase());
    if let Some((target, host)) = target.zip(host) {
        let connection = Connection {
            target,
            ..connection
        };
        if Site::of_host(&host).is_some() && request.uri().scheme().is_some() {
            return shared.edge.serve(&connection, request).await;
        }
        let port = request.uri().port_u16().unwrap_or(80);
        if !shared.is_own_name(&host) {
            return foreign(shared, &connection, (&host, port), request).await;
        }
        if let Some(environment) = shared.environment_of_port(port) {
            let connection = Connection {
                environment: Some(environment),
                ..connection
            };
            return shared.edge.serve(&connection, request).await;
        }
        if !shared.is_own_port(port) && request.uri().scheme().is_some() {
            return foreign(shared, &connection, (&host, port), request).await;
        }
    }
    match control {
        Some(control) => match control.oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => refuse(
            StatusCode::BAD_REQUEST,
            "entra-mock: this port is a proxy only; the control API is on the control port",
        ),
    }
}

/// A request for a host that is none of ours: passed through where the user permits it.
async fn foreign(
    shared: &Shared,
    connection: &Connection,
    (host, port): (&str, u16),
    request: Request<Metered<Incoming>>,
) -> Response<Body> {
    let (method, uri) = (request.method().clone(), request.uri().to_string());
    let headers = request.headers().clone();
    let forwarded = if shared.allow_passthrough {
        forward(shared, (host, port), request).await
    } else {
        Err(foreign_host(&connection.target))
    };
    let (outcome, response) = match forwarded {
        Ok(response) => (Ok(response.status()), response),
        Err(why) => {
            let response = refuse(StatusCode::BAD_GATEWAY, &why);
            (Err((StatusCode::BAD_GATEWAY, why)), response)
        }
    };
    let asked = (method.as_str(), uri.as_str(), &headers);
    shared.edge.note_foreign(connection, asked, outcome);
    response
}

/// Sends a request to where it was meant to go.
async fn forward(
    shared: &Shared,
    (host, port): (&str, u16),
    request: Request<Metered<Incoming>>,
) -> Result<Response<Body>, String> {
    let told = |error: &dyn std::fmt::Display| format!("entra-mock: {error}");
    let stream = pass_through::connect(host, port, &shared.own_ports())
        .await
        .map_err(|error| told(&error))?;
    let (mut sender, other) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| told(&error))?;
    tokio::spawn(other);
    let (mut parts, body) = request.into_parts();
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
    parts.uri = origin_form(&parts.uri);
    for name in HOP_BY_HOP {
        parts.headers.remove(name);
    }
    let request = Request::from_parts(parts, Body::new(body.passing()));
    let response = sender.send_request(request).await;
    response
        .map(|response| response.map(Body::new))
        .map_err(|error| told(&format_args!("{host}:{port} does not answer: {error}")))
}

/// Ends a CONNECT at the mock, or passes it through, or refuses it at once.
async fn connect(
    shared: Arc<Shared>,
    mut stream: TcpStream,
    place: Arc<Place>,
    line: &str,
    rest: Vec<u8>,
    via: Option<Arc<str>>,
) {
    let mut words = line.split_ascii_whitespace();
    let target = words.nth(1).unwrap_or_default().to_owned();
    let version = words.next().unwrap_or_default();
    let host = host_of(&target).to_ascii_lowercase();
    let port: Option<u16> = target
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let connection = Connection {
        id: shared.next_connection(),
        via,
        environment: None,
        target: target.clone(),
        tls: true,
        peer: peer_of(&stream),
    };
    let (Some(port), true, true) = (port, version.starts_with("HTTP/1."), !host.is_empty()) else {
        let refused = Refused::Connect(line.chars().take(SHOWN).collect());
        shared.edge.note_refused(&connection, &refused);
        let _ = answer(
            &mut stream,
            "400 Bad Request",
            &format!("entra-mock: {refused}\n"),
        )
        .await;
        return;
    };
    let environment = if shared.is_own_name(&host) {
        shared.environment_of_port(port)
    } else {
        None
    };
    let is_site = Site::of_host(&host).is_some();
    if !(is_site && matches!(port, 80 | 443)) && environment.is_none() {
        let reached = if is_site {
            Err(format!(
                "entra-mock: {host} is served on ports 443 and 80, not {port}"
            ))
        } else if shared.allow_passthrough {
            pass_through::connect(&host, port, &shared.own_ports())
                .await
                .map_err(|error| format!("entra-mock: {error}"))
        } else {
            Err(foreign_host(&target))
        };
        let outcome = match &reached {
            Ok(_) => Ok(StatusCode::OK),
            Err(why) => Err((StatusCode::BAD_GATEWAY, why.clone())),
        };
        let asked = ("CONNECT", target.as_str(), &HeaderMap::new());
        shared.edge.note_foreign(&connection, asked, outcome);
        match reached {
            Ok(other) => tunnel(&shared, stream, &place, other, &rest).await,
            Err(why) => {
                let _ = answer(&mut stream, "502 Bad Gateway", &format!("{why}\n")).await;
            }
        }
        return;
    }
    if !place.becomes_exchange().await {
        let busy = "entra-mock: all connections are in use\n";
        let _ = answer(&mut stream, "503 Service Unavailable", busy).await;
        return;
    }
    if stream.write_all(ESTABLISHED).await.is_err() {
        return;
    }
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(std::io::Cursor::new(rest).chain(reader), writer);
    let connection = Connection {
        environment,
        ..connection
    };
    if port == 80 {
        let connection = Connection {
            tls: false,
            ..connection
        };
        serve_exchanges(&shared, connection, stream, place).await;
    } else {
        serve_tls(&shared, connection, stream, place).await;
    }
}

/// A tunnel to another host. It counts as two connections.
async fn tunnel(
    shared: &Shared,
    mut stream: TcpStream,
    place: &Arc<Place>,
    mut other: TcpStream,
    rest: &[u8],
) {
    let _second = shared.capacity.admit(Use::Exchange).await;
    place.tunnels();
    let (mut stream, _) = Watched::new(&mut stream, Arc::clone(place));
    let (mut other, _) = Watched::new(&mut other, Arc::clone(place));
    if stream.write_all(ESTABLISHED).await.is_ok() && other.write_all(rest).await.is_ok() {
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
    }
}

/// Reads enough to tell a CONNECT from another request.
async fn read_start(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut start = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut start).await.ok()? == 0 {
            return if start.is_empty() { None } else { Some(start) };
        }
        let known = start.len().min(CONNECT.len());
        if start.len() >= CONNECT.len() || start[..known] != CONNECT[..known] {
            return Some(start);
        }
    }
}

/// Reads to the end of a request's head: its first line, and what follows the head.
async fn read_head(stream: &mut TcpStream, mut head: Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        let end = head
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .map(|at| at + 4)
            .or_else(|| {
                head.windows(2)
                    .position(|it| it == b"\n\n")
                    .map(|at| at + 2)
            });
        if let Some(end) = end {
            let rest = head.split_off(end);
            let line = head.split(|it| matches!(it, b'\r' | b'\n')).next()?;
            return Some((String::from_utf8_lossy(line).into_owned(), rest));
        }
        if head.len() > HEAD_LIMIT || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(stream: &mut TcpStream, status: &str, text: &str) -> std::io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

const CONNECT: &[u8] = b"CONNECT ";
const HEAD_LIMIT: usize = 32 << 10;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// As much of a line that is no request as the journal shows.
const SHOWN: usize = 200;

/// Headers that concern one connection only. Source: RFC 9110, section 7.6.1.
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

#[cfg(test)]
mod tests;
