//! Connections as clients see them, on the wire.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time;

use crate::environment::Environment;
use crate::journal::{Exchange, Surface};
use crate::server::{Builder, MockEntra};

struct Bench {
    /// The mock's files, as long as the bench lives.
    _home: tempfile::TempDir,
    mock: MockEntra,
    port: String,
    control: String,
}

impl Bench {
    async fn start(set: impl FnOnce(Builder) -> Builder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let builder = MockEntra::builder()
            .plain_http(true)
            .data_directory(home.path());
        let mock = set(builder).start().await.unwrap();
        let root = mock.authority(Environment::Office365);
        let control = mock.control_url();
        Self {
            _home: home,
            port: root.replacen("https://localhost", "127.0.0.1", 1),
            control: control.trim_start_matches("http://").to_owned(),
            mock,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.port).await.unwrap()
    }

    /// The newest exchange in the journal.
    fn last(&self) -> Exchange {
        let exchanges = self.mock.journal().exchanges_since(0);
        exchanges.last().expect("one is journalled").clone()
    }
}

/// Sends bytes, and reads to the end of the connection.
async fn ask(mut stream: TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.unwrap();
    read_on(&mut stream).await
}

async fn read_on(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("the connection ends")
        .expect("the connection ends in order");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn answered(stream: &mut TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.unwrap();
    let mut answer = vec![0; 64 << 10];
    let count = time::timeout(Duration::from_secs(20), stream.read(&mut answer))
        .await
        .expect("it is answered")
        .unwrap();
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

const KEYS: &[u8] = b"GET /common/discovery/keys HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HEALTH: &[u8] =
    b"GET /api/v1/health HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_idle_connection_is_closed_for_a_new_one() {
    let bench = Bench::start(|it| it.capacity(4, 2)).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = bench.connect().await;
        let answer = answered(&mut stream, KEYS).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        held.push(stream);
    }
    // The first has worked last.
    answered(&mut held[0], KEYS).await;
    let mut fifth = bench.connect().await;
    let answer = answered(&mut fifth, KEYS).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(read_on(&mut held[1]).await, "");
    for number in [0, 2, 3] {
        let answer = answered(&mut held[number], KEYS).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{number}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_port_answers_where_all_other_connections_are_busy() {
    let bench = Bench::start(|it| it.capacity(3, 2)).await;
    let mut busy = Vec::new();
    for _ in 0..6 {
        let mut stream = bench.connect().await;
        // The rest of the body does not come.
        let head = "POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\na";
        stream.write_all(head.as_bytes()).await.unwrap();
        busy.push(stream);
    }
    let port = bench.control.rsplit(':').next().unwrap();
    let health = String::from_utf8_lossy(HEALTH).replace("PORT", port);
    let stream = TcpStream::connect(&bench.control).await.unwrap();
    let answer = ask(stream, health.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_the_limit_is_answered_in_order() {
    let bench = Bench::start(|it| it).await;
    for megabytes in [2, 20, 80] {
        let mut stream = bench.connect().await;
        let length = megabytes << 20;
        let head = format!(
            "POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\
             \r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let body = vec![b'a'; length];
        // All of it first, as most clients do.
        stream.write_all(&body).await.unwrap();
        let answer = read_on(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{megabytes}: {answer}");
        assert_eq!(bench.last().status, 413);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_large_body_was_read_stays_open() {
    let bench = Bench::start(|it| it).await;
    let mut stream = bench.connect().await;
    let length = 3 << 20;
    let head = format!(
        "POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\
         \r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = answered(&mut stream, &vec![b'a'; length]).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = answered(&mut stream, KEYS).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_answered_and_journalled() {
    let bench = Bench::start(|it| it).await;
    let many = "x: y\r\n".repeat(200);
    let long = "y".repeat(80 << 10);
    for (request, status, error) in [
        ("GET /common\r\n\r\n".to_owned(), 400, "unreadable-request"),
        (
            "\u{1}\u{2}\u{3} / HTTP/1.1\r\n\r\n".to_owned(),
            400,
            "unreadable-request",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nx : y\r\n\r\n".to_owned(),
            400,
            "unreadable-request",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
            431,
            "head-too-large",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nx: {long}\r\n\r\n"),
            431,
            "head-too-large",
        ),
    ] {
        let before = bench.mock.journal().position();
        let answer = ask(bench.connect().await, request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        let entry = bench
            .mock
            .journal()
            .wait_for(before, Duration::from_secs(5), |it| {
                it.surface == Surface::Connection
            })
            .await
            .expect("it is journalled");
        assert_eq!(
            (entry.status, entry.error.as_deref()),
            (status, Some(error))
        );
        assert!(entry.decision.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_trust_the_certificate_is_found_in_the_journal() {
    let bench = Bench::start(|it| it.plain_http(false)).await;
    let url = format!(
        "{}/common/discovery/keys",
        bench.mock.authority(Environment::UsGovL4)
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(&url).send().await.unwrap_err();
    let port = url.split('/').nth(2).unwrap().rsplit(':').next().unwrap();
    let plain = format!("http://localhost:{port}/");
    let answer = client.get(&plain).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let other = format!("https://entra.example:{port}/");
    let client = reqwest::Client::builder()
        .no_proxy()
        .resolve("entra.example", "127.0.0.1:0".parse().unwrap())
        .build()
        .unwrap();
    client.get(&other).send().await.unwrap_err();
    for (error, says) in [
        ("certificate-refused", "entra-mock ca"),
        ("plain-http", "--plain-http"),
        ("foreign-name", "--name entra.example"),
    ] {
        let entry = bench
            .mock
            .journal()
            .wait_for(0, Duration::from_secs(5), |it| {
                it.error.as_deref() == Some(error)
            })
            .await
            .unwrap_or_else(|| panic!("{error} is not journalled"));
        assert!(entry.decision.unwrap().contains(says), "{error}");
        assert_eq!(entry.surface, Surface::Connection);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strict_transport_security_is_a_matter_of_real_hosts() {
    let bench = Bench::start(|it| it).await;
    let named = String::from_utf8_lossy(KEYS).replace("localhost", "login.microsoftonline.com");
    let answer = answered(&mut bench.connect().await, named.as_bytes()).await;
    assert!(answer.contains("strict-transport-security"), "{answer}");
    let answer = answered(&mut bench.connect().await, KEYS).await;
    assert!(!answer.contains("strict-transport-security"), "{answer}");
}
