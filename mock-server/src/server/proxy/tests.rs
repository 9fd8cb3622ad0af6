//! The forward proxy, as clients see it on the wire.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

use crate::journal::{Exchange, Surface};
use crate::server::MockEntra;

struct Bench {
    /// The mock's files, as long as the bench lives.
    _home: tempfile::TempDir,
    mock: MockEntra,
    proxy: String,
}

impl Bench {
    async fn start(allow_passthrough: bool) -> Self {
        let home = tempfile::tempdir().unwrap();
        let builder = MockEntra::builder().allow_passthrough(allow_passthrough);
        let mock = builder.data_directory(home.path()).start().await.unwrap();
        let proxy = mock.control_url();
        Self {
            _home: home,
            mock,
            proxy: proxy.trim_start_matches("http://").to_owned(),
        }
    }

    /// Sends bytes to the proxy, and reads what comes first.
    async fn ask(&self, bytes: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(&self.proxy).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let answer = first(&mut stream).await;
        (stream, answer)
    }

    /// The newest exchange in the journal.
    fn last(&self) -> Exchange {
        let exchanges = self.mock.journal().exchanges_since(0);
        exchanges.last().expect("one is journalled").clone()
    }
}

async fn first(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 16 << 10];
    let count = time::timeout(Duration::from_secs(20), stream.read(&mut answer))
        .await
        .expect("it is answered")
        .unwrap();
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

/// A server of one answer.
async fn other() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = first(&mut stream).await;
            let line = asked.lines().next().unwrap_or_default();
            let length = line.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{line}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_to_another_host_is_journalled_as_passed_through() {
    let bench = Bench::start(true).await;
    let port = other().await;
    let request = format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n");
    let (mut tunnel, answer) = bench.ask(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    tunnel.write_all(b"GET /it HTTP/1.1\r\n\r\n").await.unwrap();
    let answer = first(&mut tunnel).await;
    assert!(answer.ends_with("GET /it HTTP/1.1"), "{answer}");
    let entry = bench.last();
    assert_eq!((entry.surface, entry.status), (Surface::Proxy, 200));
    assert_eq!(entry.error, None);
    assert!(entry.decision.unwrap().starts_with("passed through"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_request_for_another_host_is_passed_through_too() {
    let port = other().await;
    let request = format!(
        "GET http://127.0.0.1:{port}/it?a=b HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Proxy-Connection: keep-alive\r\n\r\n"
    );
    let bench = Bench::start(true).await;
    let (_, answer) = bench.ask(&request).await;
    assert!(answer.contains("GET /it?a=b HTTP/1.1"), "{answer}");
    assert_eq!(bench.last().status, 200);

    let bench = Bench::start(false).await;
    let (_, answer) = bench.ask(&request).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert_eq!(bench.last().error.as_deref(), Some("foreign-host"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_secrets_of_clouds_nor_the_mock_itself_are_reached_through_the_proxy() {
    let bench = Bench::start(true).await;
    let own = bench.proxy.clone();
    for (target, says) in [
        ("169.254.169.254:80", "link-local"),
        ("[fd00:ec2::254]:80", "metadata"),
        (own.as_str(), "the mock itself"),
    ] {
        let (_, answer) = bench
            .ask(&format!("CONNECT {target} HTTP/1.1\r\n\r\n"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{target}: {answer}");
        assert!(answer.contains(says), "{target}: {answer}");
        let entry = bench.last();
        assert_eq!(entry.status, 502);
        assert!(entry.decision.unwrap().contains(says), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_tunnel_is_told_and_journalled() {
    let bench = Bench::start(false).await;
    let (_, answer) = bench.ask("CONNECT login.microsoftonline.com\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(bench.last().error.as_deref(), Some("unreadable-request"));
    // A second request of a connection is no CONNECT.
    let request = "GET http://login.microsoftonline.com/common/discovery/keys HTTP/1.1\r\n\
                   Host: login.microsoftonline.com\r\n\r\n";
    let (mut stream, answer) = bench.ask(request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let connect = b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\n\
                    Host: login.microsoftonline.com:443\r\n\r\n";
    stream.write_all(connect).await.unwrap();
    let answer = first(&mut stream).await;
    assert!(answer.contains("first request of a connection"), "{answer}");
}
