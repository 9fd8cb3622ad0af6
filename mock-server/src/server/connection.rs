//! Connections: TLS or plain, HTTP/1.1 or HTTP/2, from a port or through the proxy.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::answer::{Answers, SENT_AT_ONCE};
use super::body::{Bodies, Metered};
use super::capacity::{Capacity, Place, Use};
use super::certificate::Configurations;
use super::edge::{Connection, Edge, Unread};
use super::fault_layer::{Dropped, Handshake, LastAnswer};
use super::place::host_of;
use super::refused::Refused;
use super::watched::{Watched, linger};
use crate::environment::Environment;
use crate::lock::{Mutex, rank};
use crate::platform;

/// What all listeners share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) edge: Edge,
    pub(super) tls: Configurations,
    pub(super) plain_http: bool,
    pub(super) allow_passthrough: bool,
    /// Further names of the mock itself.
    pub(super) names: Vec<String>,
    /// All ports on which the mock listens.
    pub(super) listens: Mutex<rank::Ports, Vec<u16>>,
    /// The ports of localhost that serve an environment, for requests through the proxy.
    pub(super) ports: std::sync::OnceLock<Vec<(u16, Environment)>>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) capacity: Arc<Capacity>,
    pub(super) bodies: Arc<Bodies>,
    pub(super) answers: Arc<Answers>,
    next: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        edge: Edge,
        tls: Configurations,
        plain_http: bool,
        allow_passthrough: bool,
        names: Vec<String>,
        capacity: Arc<Capacity>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            edge,
            tls,
            plain_http,
            allow_passthrough,
            names,
            listens: Mutex::default(),
            ports: std::sync::OnceLock::new(),
            stop,
            capacity,
            bodies: Bodies::new(),
            answers: Answers::new(),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether a host name or address (in lower case) is the mock's own.
    pub(super) fn is_own_name(&self, host: &str) -> bool {
        host == "localhost"
            || self.names.iter().any(|name| name == host)
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// The ports on which the mock listens.
    pub(super) fn own_ports(&self) -> Vec<u16> {
        self.listens.read(Clone::clone)
    }

    /// Whether the mock listens on a port.
    pub(super) fn is_own_port(&self, port: u16) -> bool {
        self.listens.read(|it| it.contains(&port))
    }

    /// The environment of a port of localhost.
    pub(super) fn environment_of_port(&self, port: u16) -> Option<Environment> {
        let ports = self.ports.get()?;
        ports
            .iter()
            .find(|(it, _)| *it == port)
            .map(|(_, environment)| *environment)
    }
}

/// Waits until the mock stops.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Accepts connections until the mock stops; each goes on in a task of its own.
pub(super) async fn accept<F, Fut>(
    shared: Arc<Shared>,
    listener: TcpListener,
    purpose: Use,
    serve: F,
) where
    F: Fn(Arc<Shared>, TcpStream, Arc<Place>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut stop = shared.stop.clone();
    let mut pause = SHORTEST_PAUSE;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped(&mut stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                pause = SHORTEST_PAUSE;
                // A flood waits here instead of filling memory.
                let place = tokio::select! {
                    place = shared.capacity.admit(purpose) => Arc::new(place),
                    _ = stopped(&mut stop) => return,
                };
                let _ = stream.set_nodelay(true);
                let task = serve(Arc::clone(&shared), stream, Arc::clone(&place));
                tokio::spawn(async move {
                    tokio::select! {
                        () = task => {}
                        () = place.is_cut() => {}
                    }
                });
            }
            Err(error) if is_of_client(&error) => {}
            // Asked again at once, it would say the same.
            Err(error) => {
                if platform::is_exhausted(&error) {
                    shared.capacity.exhausted(pause).await;
                } else {
                    tracing::debug!(%error, "a connection was not accepted");
                    let _ = time::timeout(pause, stopped(&mut stop)).await;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Whether a connection ended before it was accepted.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Serves a connection to a port of an environment: TLS, or plain HTTP where that is allowed.
pub(super) async fn serve_port(
    shared: Arc<Shared>,
    stream: TcpStream,
    place: Arc<Place>,
    environment: Environment,
) {
    let port = stream.local_addr().map_or(0, |address| address.port());
    let connection = Connection {
        id: shared.next_connection(),
        via: None,
        environment: Some(environment),
        target: format!("localhost:{port}"),
        tls: true,
        peer: peer_of(&stream),
    };
    let mut first = [0; 1];
    match stream.peek(&mut first).await {
        Ok(1) if first[0] == TLS_HANDSHAKE => {
            serve_tls(&shared, connection, stream, place).await;
        }
        Ok(1) if shared.plain_http || port == 80 => {
            let connection = Connection {
                tls: false,
                ..connection
            };
            serve_exchanges(&shared, connection, stream, place).await;
        }
        Ok(1) => refuse_plain(&shared, &connection, stream, port).await,
        _ => {}
    }
}

/// The address of the client.
pub(super) fn peer_of(stream: &TcpStream) -> IpAddr {
    // Unknown of a connection that has ended.
    stream
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

/// Serves TLS: the certificate fits the name that the client asks for.
pub(super) async fn serve_tls<S>(
    shared: &Arc<Shared>,
    connection: Connection,
    stream: S,
    place: Arc<Place>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match shake_hands(shared, &connection, stream).await {
        Ok(stream) => serve_exchanges(shared, connection, stream, place).await,
        Err((host, error)) => {
            tracing::debug!(%error, host, "the TLS handshake failed");
            // A client that only looked whether the port is open tells nothing.
            if let Some(error) = error.get_ref().and_then(|it| it.downcast_ref()) {
                let refused = Refused::handshake(&host, error);
                shared.edge.note_refused(&connection, &refused);
            }
        }
    }
}

/// The handshake, with a wrong certificate where a fault says so. An error comes with the name that
/// the client asked for.
async fn shake_hands<S>(
    shared: &Shared,
    connection: &Connection,
    stream: S,
) -> Result<TlsStream<S>, (String, io::Error)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let asked = host_of(&connection.target).to_ascii_lowercase();
    let start = match LazyConfigAcceptor::new(Acceptor::default(), stream).await {
        Ok(start) => start,
        Err(error) => return Err((asked, error)),
    };
    let name = start
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    let host = name.unwrap_or(asked);
    let Some(touched) = Handshake::find(&shared.edge.world, connection, &host) else {
        let shaken = start.into_stream(shared.tls.get(None)).await;
        return shaken.map_err(|error| (host, error));
    };
    let shaken = start.into_stream(shared.tls.get(Some(touched.wrong))).await;
    let refused = shaken.as_ref().err();
    shared
        .edge
        .note_handshake(connection, &host, &touched, refused);
    // The journal has it already.
    shaken.map_err(|error| (host, io::Error::from(error.kind())))
}

/// Serves exchanges with the authority and Graph.
pub(super) async fn serve_exchanges<S>(
    shared: &Arc<Shared>,
    connection: Connection,
    stream: S,
    place: Arc<Place>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = Arc::new(connection);
    let answer = {
        let (shared, connection) = (Arc::clone(shared), Arc::clone(&connection));
        move |request| {
            let (shared, connection) = (Arc::clone(&shared), Arc::clone(&connection));
            async move { shared.edge.serve(&connection, request).await }
        }
    };
    if let Some(refused) = serve_http(shared, stream, place, answer).await {
        shared.edge.note_refused(&connection, &refused);
    }
}

/// Serves HTTP/1.1 or HTTP/2, whichever the client speaks. Returns what was no request, where that
/// ended the connection.
pub(super) async fn serve_http<S, F, Fut>(
    shared: &Arc<Shared>,
    stream: S,
    place: Arc<Place>,
    answer: F,
) -> Option<Refused>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Fn(Request<Metered<Incoming>>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    let (close, mut closing) = watch::channel(false);
    let close = Arc::new(close);
    let service = {
        let place = Arc::clone(&place);
        let (bodies, answers) = (Arc::clone(&shared.bodies), Arc::clone(&shared.answers));
        tower::service_fn(move |request: Request<Incoming>| {
            let version = request.version();
            let underway = place.ask(version == Version::HTTP_2);
            let request = request.map(|body| bodies.meter(body, Arc::clone(&underway)));
            let (close, answering) = (Arc::clone(&close), answer(request));
            let answers = Arc::clone(&answers);
            async move {
                let mut response = answering.await;
                if response.extensions().get::<Dropped>().is_some() {
                    // The connection ends without an answer.
                    return Err(io::Error::from(io::ErrorKind::ConnectionReset));
                }
                let is_last = response.extensions().get::<LastAnswer>().is_some();
                if is_last {
                    close.send_replace(true);
                    // The connection learns it before it has the answer, so that an HTTP/2 client
                    // reads GOAWAY first and cannot open a stream in between.
                    tokio::task::yield_now().await;
                }
                // The answer itself says so: the client must not find out by its next request.
                if version < Version::HTTP_2
                    && (is_last || response.extensions().get::<Unread>().is_some())
                {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                // Over HTTP/1.1 what is small is sent at once; the rest is under way until the
                // client has it.
                let http2 = version == Version::HTTP_2;
                let size = response.body().size_hint().exact();
                Ok(
                    if size == Some(0) || !http2 && size <= Some(SENT_AT_ONCE) && size.is_some() {
                        response
                    } else {
                        response.map(|body| Body::new(answers.count(body, underway, http2)))
                    },
                )
            }
        })
    };
    place.speaks_http();
    let (stream, back) = Watched::new(stream, Arc::clone(&place));
    let builder = http();
    let result = {
        let serving =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut serving = std::pin::pin!(serving);
        let mut stop = shared.stop.clone();
        tokio::select! {
            result = serving.as_mut() => result,
            _ = stopped(&mut stop) => {
                serving.as_mut().graceful_shutdown();
                time::timeout(STOP_TIME, serving).await.unwrap_or(Ok(()))
            }
            _ = stopped(&mut closing) => {
                // What is under way is answered; HTTP/2 sends GOAWAY.
                serving.as_mut().graceful_shutdown();
                serving.await
            }
            () = place.ends() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    let refused = result.err().and_then(|error| refused(error.as_ref()));
    if (refused.is_some() || place.has_unread())
        && let Ok(stream) = back.await
    {
        linger(stream).await;
    }
    refused
}

/// What a client sent that is no request, where that is why its connection ended. hyper has
/// answered it, where there was something to answer.
fn refused(error: &(dyn Error + Send + Sync + 'static)) -> Option<Refused> {
    tracing::debug!(%error, "a connection ended early");
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_parse_too_large() {
        return Some(Refused::TooLarge);
    }
    let http2 = error.source().and_then(|it| it.downcast_ref::<h2::Error>());
    match http2 {
        Some(http2) if http2.is_library() => Some(Refused::Http2(http2.to_string())),
        None if error.is_parse() => Some(Refused::Unreadable(error.to_string())),
        _ => None,
    }
}

/// How HTTP is served everywhere: bounded in all that a client can ask for. How long clients are
/// waited for is a matter of their places.
fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LONGEST_HEAD)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX));
    builder
}

/// Says what is wrong to a client that speaks plain HTTP to a TLS port.
async fn refuse_plain(shared: &Shared, connection: &Connection, mut stream: TcpStream, port: u16) {
    let text = format!(
        "entra-mock: port {port} speaks HTTPS; use https://localhost:{port}, or start with \
         --plain-http\n"
    );
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    );
    let mut rest = [0; 4096];
    // Reads what is there, so that the answer is not lost to a reset.
    let _ = time::timeout(Duration::from_millis(200), stream.read(&mut rest)).await;
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        shared.edge.note_refused(connection, &Refused::Plain(port));
        linger(stream).await;
    }
}

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;

/// Open exchanges have this long to end when the mock stops.
pub(super) const STOP_TIME: Duration = Duration::from_secs(2);

/// How long is waited after a connection could not be accepted.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The bounds of a request's head.
const MOST_HEADERS: usize = 100;
const LONGEST_HEAD: usize = 64 << 10;

/// The bounds of an HTTP/2 connection.
const STREAMS: u32 = 200;
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
const SEND_BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests;
