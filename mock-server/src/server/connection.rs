//! Connections: TLS or plain, HTTP/1.1 or HTTP/2, from a port or through the proxy.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Configurations;
use super::edge::{Connection, Edge};
use super::fault_layer::{Dropped, Handshake, LastAnswer};
use super::place::host_of;
use crate::environment::Environment;

/// What all listeners share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) edge: Edge,
    pub(super) tls: Configurations,
    pub(super) plain_http: bool,
    pub(super) allow_passthrough: bool,
    /// The ports of localhost that serve an environment, for requests through the proxy.
    pub(super) ports: std::sync::OnceLock<Vec<(u16, Environment)>>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) connections: Arc<Semaphore>,
    next: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        edge: Edge,
        tls: Configurations,
        plain_http: bool,
        allow_passthrough: bool,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            edge,
            tls,
            plain_http,
            allow_passthrough,
            ports: std::sync::OnceLock::new(),
            stop,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
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
pub(super) async fn accept<F, Fut>(shared: Arc<Shared>, listener: TcpListener, serve: F)
where
    F: Fn(Arc<Shared>, TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut stop = shared.stop.clone();
    loop {
        // A flood waits here instead of filling memory.
        let permit = Arc::clone(&shared.connections).acquire_owned().await;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped(&mut stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let task = serve(Arc::clone(&shared), stream);
                tokio::spawn(async move {
                    task.await;
                    drop(permit);
                });
            }
            // Out of file descriptors: others must end first.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Serves a connection to a port of an environment: TLS, or plain HTTP where that is allowed.
pub(super) async fn serve_port(shared: Arc<Shared>, stream: TcpStream, environment: Environment) {
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
    let peeked = tokio::time::timeout(HEADER_TIME, stream.peek(&mut first)).await;
    match peeked {
        Ok(Ok(1)) if first[0] == TLS_HANDSHAKE => serve_tls(&shared, connection, stream).await,
        Ok(Ok(1)) if shared.plain_http || port == 80 => {
            serve_http(
                &shared,
                Connection {
                    tls: false,
                    ..connection
                },
                stream,
            )
            .await;
        }
        Ok(Ok(1)) => refuse_plain(stream, port).await,
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
pub(super) async fn serve_tls<S>(shared: &Arc<Shared>, connection: Connection, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shaking = tokio::time::timeout(HEADER_TIME, shake_hands(shared, &connection, stream));
    match shaking.await {
        Ok(Ok(stream)) => serve_http(shared, connection, stream).await,
        Ok(Err(error)) => {
            tracing::debug!(%error, target = connection.target, "the TLS handshake failed");
        }
        Err(_) => tracing::debug!(
            target = connection.target,
            "the TLS handshake took too long"
        ),
    }
}

/// The handshake, with a wrong certificate where a fault says so.
async fn shake_hands<S>(
    shared: &Shared,
    connection: &Connection,
    stream: S,
) -> std::io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let host = {
        let hello = start.client_hello();
        let name = hello.server_name().unwrap_or(host_of(&connection.target));
        name.to_ascii_lowercase()
    };
    let Some(touched) = Handshake::find(&shared.edge.world, connection, &host) else {
        return start.into_stream(shared.tls.get(None)).await;
    };
    let shaken = start.into_stream(shared.tls.get(Some(touched.wrong))).await;
    let refused = shaken.as_ref().err();
    shared
        .edge
        .note_handshake(connection, &host, &touched, refused);
    shaken
}

/// Serves HTTP/1.1 or HTTP/2, whichever the client speaks.
pub(super) async fn serve_http<S>(shared: &Arc<Shared>, connection: Connection, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = Arc::new(connection);
    let (close, mut closing) = watch::channel(false);
    let close = Arc::new(close);
    let service = {
        let shared = Arc::clone(shared);
        tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let shared = Arc::clone(&shared);
            let connection = Arc::clone(&connection);
            let close = Arc::clone(&close);
            async move {
                let version = request.version();
                let mut response = shared.edge.serve(&connection, request).await;
                if response.extensions().get::<Dropped>().is_some() {
                    // The connection ends without an answer.
                    return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
                }
                if response.extensions().get::<LastAnswer>().is_some() {
                    close.send_replace(true);
                    // The answer itself says so: the client must not find out by its next request.
                    if version < hyper::Version::HTTP_2 {
                        let close = hyper::header::HeaderValue::from_static("close");
                        response
                            .headers_mut()
                            .insert(hyper::header::CONNECTION, close);
                    }
                }
                Ok(response)
            }
        })
    };
    let builder = http();
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut serving = std::pin::pin!(serving);
    let mut stop = shared.stop.clone();
    let result = tokio::select! {
        result = serving.as_mut() => result,
        _ = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(STOP_TIME, serving).await.unwrap_or(Ok(()))
        }
        _ = stopped(&mut closing) => {
            // What is under way is answered; HTTP/2 sends GOAWAY.
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// How HTTP is served everywhere: bounded headers, a bounded time to send them.
pub(super) fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(100)
        .max_buf_size(64 << 10)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(200)
        .max_header_list_size(64 << 10);
    builder
}

/// Says what is wrong to a client that speaks plain HTTP to a TLS port.
async fn refuse_plain(mut stream: TcpStream, port: u16) {
    use tokio::io::AsyncWriteExt as _;

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
    let _ = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut rest)).await;
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;

/// A client has this long for a handshake or the head of a request.
pub(super) const HEADER_TIME: Duration = Duration::from_secs(30);

/// Open exchanges have this long to end when the mock stops.
const STOP_TIME: Duration = Duration::from_secs(2);

const CONNECTIONS: usize = 1024;
