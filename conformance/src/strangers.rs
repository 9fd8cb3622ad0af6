//! The rest of the world: every host that is not Microsoft's, and every port that is not its.
//!
//! Who sends a token to a stranger must be seen, so strangers exist here: they take connections
//! with certificates that the connector trusts, answer, and their exchanges stand in the journal of
//! the mock with headers and bodies. A worker's connector reaches them by a proxy in front of the
//! mock's, one in namespaces of its own by names that all lead to them.

mod authority;
mod names;
mod record;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use entra_mock::environment::Site;
use entra_mock::journal::Journal;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::LazyConfigAcceptor;

use authority::Authority;
use record::Recorder;

/// The strangers of a run. The files of their authority live as long as it does.
#[derive(Debug)]
pub(crate) struct Strangers {
    shared: Arc<Shared>,
    /// Who listens, and with it the connections: all of it ends with the run, the journal too.
    listening: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared {
    authority: Authority,
    journal: Journal,
    connections: Arc<Semaphore>,
}

/// Where a request came from and where it meant to go.
#[derive(Clone, Debug)]
struct Visit {
    /// The label of the worker's proxy.
    via: Option<String>,
    scheme: &'static str,
    /// Host and port, as far as they are known before the request.
    target: String,
}

impl Strangers {
    /// Makes them, with an authority beside the mock's.
    pub(crate) fn new(mock: &entra_mock::MockEntra) -> std::io::Result<Self> {
        let authority = Authority::new(mock.ca_file(), mock.ca_bundle_file())?;
        Ok(Self {
            shared: Arc::new(Shared {
                authority,
                journal: mock.journal().clone(),
                connections: Arc::new(Semaphore::new(CONNECTIONS)),
            }),
            listening: Mutex::default(),
        })
    }

    /// The file with the mock's root certificate and theirs.
    pub(crate) fn ca_file(&self) -> &Path {
        &self.shared.authority.ca_file
    }

    /// The file with the system's roots, the mock's and theirs.
    pub(crate) fn bundle_file(&self) -> &Path {
        &self.shared.authority.bundle_file
    }

    /// Opens a proxy that leads to Microsoft by the mock's proxy at `behind`, and to strangers here.
    pub(crate) async fn open_proxy(&self, behind: &str, label: &str) -> std::io::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let behind = behind.trim_start_matches("http://").trim_end_matches('/');
        let (behind, label) = (behind.to_owned(), label.to_owned());
        self.accept(listener, move |shared, stream| {
            let (behind, label) = (behind.clone(), label.clone());
            async move { shared.proxy(stream, &behind, label).await }
        });
        Ok(url)
    }

    /// Takes all names of the namespaces to themselves, Microsoft's aside: to be called where the
    /// network is our own.
    pub(crate) async fn inhabit(&self) -> std::io::Result<()> {
        names::serve(STRANGER).await?;
        let mut ports = vec![(STRANGER, 443, true), (STRANGER, 80, false)];
        // Microsoft's names lead to the mock; other ports of theirs are strangers'.
        ports.extend([
            (Ipv4Addr::LOCALHOST, 8443, true),
            (Ipv4Addr::LOCALHOST, 8080, false),
        ]);
        for (address, port, tls) in ports {
            let listener = TcpListener::bind((address, port)).await?;
            self.accept(listener, move |shared, stream| async move {
                let scheme = if tls { "https" } else { "http" };
                let visit = Visit {
                    via: None,
                    scheme,
                    target: format!("{address}:{port}"),
                };
                if tls {
                    shared.serve_tls(stream, visit).await;
                } else {
                    shared.serve(stream, visit).await;
                }
            });
        }
        Ok(())
    }

    fn accept<F, Fut>(&self, listener: TcpListener, serve: F)
    where
        F: Fn(Arc<Shared>, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.listening.lock().spawn(async move {
            let mut serving = JoinSet::new();
            loop {
                while serving.try_join_next().is_some() {}
                let Ok(permit) = Arc::clone(&shared.connections).acquire_owned().await else {
                    return;
                };
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of file descriptors: others must end first.
                    tokio::task::yield_now().await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let task = serve(Arc::clone(&shared), stream);
                serving.spawn(async move {
                    task.await;
                    drop(permit);
                });
            }
        });
    }
}

impl Shared {
    /// Serves a connection of the proxy.
    async fn proxy(self: Arc<Self>, mut stream: TcpStream, behind: &str, label: String) {
        let read = tokio::time::timeout(HEADER_TIME, read_head(&mut stream)).await;
        let Ok(Some((head, end))) = read else { return };
        let line = head.split(|it| *it == b'\r' || *it == b'\n').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
        let mut words = line.split_ascii_whitespace();
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if method.eq_ignore_ascii_case("CONNECT") {
            if is_known(target) {
                tunnel(stream, behind, &head).await;
                return;
            }
            let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
            if stream.write_all(established).await.is_err() {
                return;
            }
            let visit = Visit {
                via: Some(label),
                scheme: "https",
                target: target.to_owned(),
            };
            let stream = preceded(head[end..].to_vec(), stream);
            if target.ends_with(":80") {
                let scheme = "http";
                self.serve(stream, Visit { scheme, ..visit }).await;
            } else {
                self.serve_tls(stream, visit).await;
            }
            return;
        }
        let host = target.strip_prefix("http://").map(|it| {
            let end = it.find(['/', '?', '#']).unwrap_or(it.len());
            it[..end].rsplit('@').next().unwrap_or_default().to_owned()
        });
        match host {
            Some(host) if !is_known(&with_port(&host, 80)) => {
                let visit = Visit {
                    via: Some(label),
                    scheme: "http",
                    target: host,
                };
                self.serve(preceded(head, stream), visit).await;
            }
            _ => tunnel(stream, behind, &head).await,
        }
    }

    /// Serves a stranger's TLS with a certificate for the name that the client asks for.
    async fn serve_tls<S>(self: Arc<Self>, stream: S, visit: Visit)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let recorder = Recorder::new(&self.journal, visit.clone());
        let shaking = tokio::time::timeout(HEADER_TIME, async {
            let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
            let name = start.client_hello().server_name().map(str::to_owned);
            let name = name.unwrap_or_else(|| host_of(&visit.target).to_owned());
            let config = self
                .authority
                .config(&name)
                .map_err(std::io::Error::other)?;
            start.into_stream(config).await
        });
        match shaking.await {
            Ok(Ok(stream)) => self.serve(stream, visit).await,
            // Who goes away before a request was there all the same.
            Ok(Err(_)) | Err(_) => recorder.came(),
        }
    }

    /// Serves a stranger's HTTP.
    async fn serve<S>(self: Arc<Self>, stream: S, visit: Visit)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let recorder = Arc::new(Recorder::new(&self.journal, visit));
        let service = service_fn(move |request| {
            let recorder = Arc::clone(&recorder);
            async move { Ok::<_, std::convert::Infallible>(recorder.answer(request).await) }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(stream), service);
        let _ = serving.await;
    }
}

/// Whether a target is the mock's: a host of Microsoft's at its own port, or this machine.
fn is_known(target: &str) -> bool {
    let host = host_of(target);
    let port = target.rsplit_once(':').and_then(|(_, it)| it.parse().ok());
    let local = host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    local
        || Site::of_host(&host.to_ascii_lowercase()).is_some()
            && matches!(port, None | Some(80 | 443_u16))
}

/// The host of `host:port`.
fn host_of(target: &str) -> &str {
    match target.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => target,
    }
}

fn with_port(target: &str, port: u16) -> String {
    if host_of(target) == target {
        format!("{target}:{port}")
    } else {
        target.to_owned()
    }
}

/// Carries a connection to the proxy behind.
async fn tunnel(mut stream: TcpStream, behind: &str, head: &[u8]) {
    let Ok(mut other) = TcpStream::connect(behind).await else {
        return;
    };
    let _ = other.set_nodelay(true);
    if other.write_all(head).await.is_ok() {
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
    }
}

/// What was read already, and what is still to come.
fn preceded(
    start: Vec<u8>,
    stream: TcpStream,
) -> impl AsyncRead + AsyncWrite + Send + Unpin + 'static {
    let (reader, writer) = tokio::io::split(stream);
    tokio::io::join(std::io::Cursor::new(start).chain(reader), writer)
}

/// Reads to the end of a request's head: what was read, and where the head ends.
async fn read_head(stream: &mut TcpStream) -> Option<(Vec<u8>, usize)> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await.ok()? == 0 || head.len() > HEAD_LIMIT {
            return None;
        }
        let end = head.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(end) = end {
            return Some((head, end + 4));
        }
    }
}

/// The address of strangers in namespaces of our own.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const CONNECTIONS: usize = 512;
const HEADER_TIME: Duration = Duration::from_secs(30);
const HEAD_LIMIT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_strangers_keep_goes_with_them() {
        let mock = entra_mock::MockEntra::start().await.unwrap();
        let strangers = Strangers::new(&mock).unwrap();
        strangers.open_proxy("127.0.0.1:1", "worker").await.unwrap();
        let kept = Arc::downgrade(&strangers.shared);
        drop(strangers);
        let gone = async {
            while kept.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone)
            .await
            .expect("the listeners end with the strangers");
    }

    #[test]
    fn strangers_are_told_from_microsoft() {
        for known in [
            "login.microsoftonline.com:443",
            "Graph.Microsoft.com:443",
            "graph.microsoft.us:80",
            "localhost:8443",
            "127.0.0.1:50001",
            "[::1]:443",
        ] {
            assert!(is_known(known), "{known}");
        }
        for stranger in [
            "collector.example:443",
            "graph.microsoft.com:8443",
            "graph.microsoft.com.collector.example:443",
            "graph.notmicrosoft.com:443",
            "login.microsoftonline.com@collector.example:443",
        ] {
            assert!(!is_known(stranger), "{stranger}");
        }
    }
}
