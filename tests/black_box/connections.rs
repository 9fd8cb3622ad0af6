//! Many connections at once: idle ones are held, slow ones too, and others are served meanwhile.

#![expect(
    clippy::disallowed_methods,
    reason = "what runs outside of the test is waited for by the real clock"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use entra_black_box::{Server, program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

type Held = TlsStream<tokio::net::TcpStream>;

#[test]
fn where_few_files_are_permitted_the_control_port_answers_and_one_warning_is_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ready_file = folder.path().join("ready.json");
    let mut server = Command::new("sh")
        .args(["-c", "ulimit -n 256; exec \"$@\"", "sh"])
        .arg(program("entra-mock"))
        .args([
            "serve",
            "--quiet",
            "--control",
            "127.0.0.1:0",
            "--tls-port",
            "0",
        ])
        .arg("--ready-file")
        .arg(&ready_file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !ready_file.is_file() {
        assert!(Instant::now() < deadline, "the server is not ready");
        std::thread::yield_now();
    }
    let text = std::fs::read_to_string(&ready_file).expect("the ready file can be read");
    let ready: serde_json::Value = serde_json::from_str(&text).expect("the ready file is JSON");
    let authority = ready["environments"]["office365"]["authority"].as_str();
    let port: u16 = port_of(authority.expect("a URL"));
    let control = port_of(ready["control"].as_str().expect("a URL"));
    let held: Vec<TcpStream> = (0..300).map(|_| connect(port)).collect();
    let answers: Vec<String> = (0..20).map(|_| health(control)).collect();
    let busy = processor_time(server.id());
    drop(held);
    let _ = server.kill();
    let mut said = String::new();
    let stderr = server.stderr.as_mut().expect("piped");
    stderr
        .read_to_string(&mut said)
        .expect("standard error is text");
    let _ = server.wait();

    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(said.matches("WARN").count(), 1, "{said}");
    assert!(said.contains("ulimit -n"), "{said}");
    // A loop would have taken all the time that the test took.
    assert!(busy < Duration::from_secs(3), "{busy:?}");
}

#[test]
fn out_of_files_the_mock_waits_without_a_busy_loop_and_serves_again_once_there_are_some() {
    let server = Server::start(&[]);
    let port = port_of(server.get("/environments/office365/authority"));
    let control = port_of(server.get("/control"));
    let id = server.id();
    let limit = |files: usize| {
        let limited = Command::new("prlimit")
            .args(["--pid", &id.to_string(), &format!("--nofile={files}:")])
            .status();
        assert!(limited.expect("prlimit (util-linux) runs").success());
    };
    let open = std::fs::read_dir(format!("/proc/{id}/fd")).expect("it runs");
    // No file more than it has: the next connection cannot be accepted.
    limit(open.count());
    let before = processor_time(id);
    // The system accepts them for it.
    let held: Vec<TcpStream> = (0..10).map(|_| connect(port)).collect();
    std::thread::sleep(Duration::from_secs(4));
    let busy = processor_time(id).saturating_sub(before);
    limit(1024);
    let answer = health(control);
    drop(held);
    let said = server.end();

    // A loop would have taken all four seconds; keys are made meanwhile.
    assert!(busy < Duration::from_secs(2), "{busy:?}");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Keys that are made meanwhile cannot be kept, which is said too.
    assert_eq!(said.matches("`ulimit -n`").count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_slow_clients_are_held_while_others_are_served() {
    hold_and_serve(300, 100).await;
}

/// `cargo test -p entra-black-box -- --ignored ten_thousand`, with 20,000 files permitted
/// (`ulimit -n`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and more open files than most systems permit"]
async fn ten_thousand_idle_and_two_thousand_slow_clients_are_held() {
    hold_and_serve(10_000, 2_000).await;
}

async fn hold_and_serve(idle: usize, slow: usize) {
    let server = Server::start(&[]);
    let authority = server.get("/environments/office365/authority");
    let port = port_of(authority);
    let ca = std::fs::read(server.get("/ca_file")).expect("the root certificate");
    let certificate = CertificateDer::from_pem_slice(&ca).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("it can be trusted");
    let trust = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([trust])
        .build()
        .expect("a client");
    let url = format!("{authority}/common/discovery/v2.0/keys");
    let alone = median(&client, &url).await;

    let mut held = Vec::new();
    for number in 0..idle {
        held.push(if number % 2 == 0 {
            idle_http2(port, &roots).await
        } else {
            idle_http1(port, &roots).await
        });
    }
    let mut dripping = Vec::new();
    for number in 0..slow {
        let mut stream = shake_hands(port, &roots, b"http/1.1").await;
        // Half of them in the middle of a head, half in the middle of a body.
        let begun: &[u8] = if number % 2 == 0 {
            b"GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: local"
        } else {
            b"POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na"
        };
        stream.write_all(begun).await.expect("it is taken");
        dripping.push(stream);
    }
    // Whatever else the machine does now and then is not the clients' doing.
    let mut among = median(&client, &url).await;
    for _ in 0..9 {
        if among <= alone * 3 {
            break;
        }
        among = median(&client, &url).await;
    }
    let memory = resident(server.id());
    println!(
        "{idle} idle and {slow} slow clients: {alone:?} alone, {among:?} among them, {} MiB",
        memory >> 20
    );

    assert!(among <= alone * 3, "{among:?} instead of {alone:?}");
    // Every one of them is still there, and works.
    for (number, stream) in held.iter_mut().enumerate() {
        if number % 2 == 0 {
            ping(stream).await;
        } else {
            let answer = get(stream).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{number}: {answer}");
        }
    }
    for (number, stream) in dripping.iter_mut().enumerate().skip(1).step_by(2) {
        stream.write_all(b"=b&cd=ef").await.expect("it is taken");
        let answer = read(stream).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{number}: {answer}");
    }
    let said = server.end();
    assert_eq!(said, "", "no limit is reached");
}

/// The median of the time of a hundred requests, one after the other.
async fn median(client: &reqwest::Client, url: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        let response = client.get(url).send().await.expect("it is answered");
        assert_eq!(response.status(), 200);
        response.bytes().await.expect("the answer is whole");
        times.push(started.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

async fn shake_hands(port: u16, roots: &RootCertStore, protocol: &[u8]) -> Held {
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port));
    let stream = stream.await.expect("the server listens");
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    let shaken = connector.connect(name, stream).await;
    shaken.expect("the server speaks TLS")
}

async fn idle_http1(port: u16, roots: &RootCertStore) -> Held {
    let mut stream = shake_hands(port, roots, b"http/1.1").await;
    let answer = get(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stream
}

async fn get(stream: &mut Held) -> String {
    let request = b"GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("it is taken");
    read(stream).await
}

async fn read(stream: &mut Held) -> String {
    let mut answer = vec![0; 64 << 10];
    let reading = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer));
    let count = reading.await.expect("it is answered").expect("it is there");
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

/// A connection that begins HTTP/2 and then says nothing. RFC 9113, section 3.4.
async fn idle_http2(port: u16, roots: &RootCertStore) -> Held {
    let mut stream = shake_hands(port, roots, b"h2").await;
    let begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
    stream.write_all(begin).await.expect("it is taken");
    ping(&mut stream).await;
    stream
}

/// Sends a PING and waits for its answer. RFC 9113, section 6.7.
async fn ping(stream: &mut Held) {
    let ping = b"\0\0\x08\x06\0\0\0\0\0entrapng";
    stream.write_all(ping).await.expect("it is taken");
    let mut seen = Vec::new();
    let answer = b"\0\0\x08\x06\x01\0\0\0\0entrapng";
    while !seen.windows(answer.len()).any(|it| it == answer) {
        let mut part = [0; 1024];
        let reading = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut part));
        let count = reading.await.expect("it is answered").expect("it is there");
        assert!(count > 0, "the connection has ended after {seen:?}");
        seen.extend_from_slice(&part[..count]);
    }
}

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).expect("the server listens")
}

fn health(port: u16) -> String {
    let mut stream = connect(port);
    let deadline = Some(Duration::from_mins(1));
    stream
        .set_read_timeout(deadline)
        .expect("a deadline can be set");
    let request = format!(
        "GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    answer
}

fn port_of(url: &str) -> u16 {
    let port = url.rsplit(':').next().and_then(|it| it.parse().ok());
    port.unwrap_or_else(|| panic!("no port in {url}"))
}

/// The processor time that a process has used. Source: proc_pid_stat(5).
fn processor_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
    // User and system time, in hundredths of a second.
    Duration::from_millis((ticks(12) + ticks(13)) * 10)
}

/// The resident memory of a process in bytes. Source: proc_pid_statm(5).
fn resident(id: u32) -> usize {
    let statm = std::fs::read_to_string(format!("/proc/{id}/statm")).expect("it runs");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse::<usize>().ok());
    pages.expect("a number") * 4096
}
