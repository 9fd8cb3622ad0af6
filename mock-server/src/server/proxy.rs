//! The control port: control API and forward proxy in one.
//!
//! `CONNECT login.microsoftonline.com:443` ends here, in a TLS session of our own. The target is
//! taken from the request line only: real clients send HTTP/1.0 without any header, or a Host
//! without the port.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::connection::{HEADER_TIME, Shared, http, peer_of, serve_http, serve_tls, stopped};
use super::edge::{Connection, foreign_host};
use super::place::host_of;
use crate::environment::Site;

/// Serves a connection to the control port, or to a proxy listener with a label.
pub(super) async fn serve_control(
    shared: Arc<Shared>,
    mut stream: TcpStream,
    control: Option<Router>,
    via: Option<Arc<str>>,
) {
    let Ok(Some(start)) = tokio::time::timeout(HEADER_TIME, read_start(&mut stream)).await else {
        return;
    };
    if start.starts_with(CONNECT) {
        let Ok(Some((line, rest))) =
            tokio::time::timeout(HEADER_TIME, read_head(&mut stream, start)).await
        else {
            let _ = answer(
                &mut stream,
                "400 Bad Request",
                "entra-mock: no request line\n",
            )
            .await;
            return;
        };
        connect(shared, stream, &line, rest, via).await;
        return;
    }
    let peer = peer_of(&stream);
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(std::io::Cursor::new(start).chain(reader), writer);
    serve_requests(shared, stream, peer, control, via).await;
}

/// Requests that are no CONNECT: to the control API, or with a whole URI to be forwarded.
async fn serve_requests<S>(
    shared: Arc<Shared>,
    stream: S,
    peer: IpAddr,
    control: Option<Router>,
    via: Option<Arc<str>>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let id = shared.next_connection();
    let mut stop = shared.stop.clone();
    let service = {
        let shared = Arc::clone(&shared);
        tower::service_fn(move |request: Request<hyper::body::Incoming>| {
            let shared = Arc::clone(&shared);
            let (control, via) = (control.clone(), via.clone());
            async move {
                Ok::<_, std::convert::Infallible>(
                    dispatch(&shared, (id, peer), control, via, request.map(Body::new)).await,
                )
            }
        })
    };
    let builder = http();
    let serving = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::select! {
        _ = serving => {}
        _ = stopped(&mut stop) => {}
    }
}

async fn dispatch(
    shared: &Shared,
    (id, peer): (u64, IpAddr),
    control: Option<Router>,
    via: Option<Arc<str>>,
    request: Request<Body>,
) -> Response<Body> {
    let forwarded = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned())
        .filter(|_| request.uri().scheme_str().is_some());
    if let Some(target) = forwarded
        && Site::of_host(host_of(&target)).is_some()
    {
        let connection = Connection {
            id,
            via,
            environment: None,
            target,
            tls: false,
            peer,
        };
        return shared.edge.serve(&connection, request).await;
    } else if let Some(target) = request
        .uri()
        .authority()
        .filter(|it| !is_loopback(host_of(it.as_str())))
    {
        let connection = Connection {
            id,
            via,
            environment: None,
            target: target.to_string(),
            tls: false,
            peer,
        };
        shared.edge.refuse_foreign(
            &connection,
            request.method().as_str(),
            &request.uri().to_string(),
            request.headers(),
        );
        return text(StatusCode::BAD_GATEWAY, &foreign_host(target.as_str()));
    }
    match control {
        Some(control) => match control.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => text(
            StatusCode::BAD_REQUEST,
            "entra-mock: this port is a proxy only; the control API is on the control port",
        ),
    }
}

/// Ends a CONNECT at the mock, or refuses it at once.
async fn connect(
    shared: Arc<Shared>,
    mut stream: TcpStream,
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
    let id = shared.next_connection();
    let connection = Connection {
        id,
        via,
        environment: None,
        target: target.clone(),
        tls: true,
        peer: peer_of(&stream),
    };
    let (Some(port), true, true) = (port, version.starts_with("HTTP/1."), !host.is_empty()) else {
        let text = "entra-mock: expected 'CONNECT host:port HTTP/1.1'\n";
        let _ = answer(&mut stream, "400 Bad Request", text).await;
        return;
    };
    let environment = if is_loopback(&host) {
        shared.environment_of_port(port)
    } else {
        None
    };
    let ours = Site::of_host(&host).is_some() && matches!(port, 80 | 443);
    if !ours && environment.is_none() {
        shared
            .edge
            .refuse_foreign(&connection, "CONNECT", &target, &HeaderMap::new());
        if shared.allow_passthrough && Site::of_host(&host).is_none() {
            pass_through(stream, &target, rest).await;
            return;
        }
        let why = if Site::of_host(&host).is_some() {
            format!("entra-mock: {host} is served on ports 443 and 80, not {port}")
        } else {
            foreign_host(&target)
        };
        let _ = answer(&mut stream, "502 Bad Gateway", &format!("{why}\n")).await;
        return;
    }
    if stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .is_err()
    {
        return;
    }
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(std::io::Cursor::new(rest).chain(reader), writer);
    let connection = Connection {
        environment,
        ..connection
    };
    if port == 80 {
        serve_http(
            &shared,
            Connection {
                tls: false,
                ..connection
            },
            stream,
        )
        .await;
    } else {
        serve_tls(&shared, connection, stream).await;
    }
}

/// A tunnel to another host, where the user asked for that.
async fn pass_through(mut stream: TcpStream, target: &str, rest: Vec<u8>) {
    match TcpStream::connect(target).await {
        Ok(mut other) => {
            let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
            if stream.write_all(established).await.is_ok() && other.write_all(&rest).await.is_ok() {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
            }
        }
        Err(error) => {
            let text = format!("entra-mock: {target} cannot be reached: {error}\n");
            let _ = answer(&mut stream, "502 Bad Gateway", &text).await;
        }
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

fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

const CONNECT: &[u8] = b"CONNECT ";
const HEAD_LIMIT: usize = 32 << 10;
