//! The command line: bad input gets a clear error and a documented exit code.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use entra_black_box::{Server, program, python, run};
use serde_json::Value;

fn mock(arguments: &[&str]) -> entra_black_box::Finished {
    run(Command::new(program("entra-mock")).args(arguments))
}

#[test]
fn a_taken_port_is_named_with_the_flag_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let finished = mock(&["serve", "--control", &address, "--tls-port", "0"]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains(&address), "{finished}");
    assert!(finished.stderr.contains("--control"), "{finished}");
}

#[test]
fn a_number_that_is_none_is_refused_with_an_example() {
    for (arguments, expected) in [
        (
            &["serve", "--tls-port", "localhost:8443"][..],
            "expected a whole number, such as 8443",
        ),
        (
            &["run", "--random-seed", "x", "true"],
            "expected a whole number, such as 1",
        ),
        (&["journal", "--last", "-"], "expected a whole number"),
        (&["fault", "remove", "first"], "expected a whole number"),
    ] {
        let finished = mock(arguments);
        assert_eq!(finished.code, Some(2), "{finished}");
        assert!(finished.stderr.contains(expected), "{finished}");
    }
}

#[test]
fn another_address_than_loopback_needs_a_flag() {
    let finished = mock(&["serve", "--control", "0.0.0.0:0", "--tls-port", "0"]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains("--listen-anyway"), "{finished}");
}

#[test]
fn a_seed_file_with_a_typo_is_refused_with_line_and_column() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let seed = folder.path().join("world.yaml");
    let text = "schema: 1\ntenants:\n  one:\n    name: One\n    environment: office356\n    domain: one.example\n";
    fs::write(&seed, text).expect("the file is written");
    let path = seed.to_str().expect("a temporary path is UTF-8");
    let finished = mock(&[
        "serve",
        "--control",
        "127.0.0.1:0",
        "--tls-port",
        "0",
        "--seed",
        path,
    ]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains("world.yaml"), "{finished}");
    assert!(finished.stderr.contains("office356"), "{finished}");
    assert!(
        finished.stderr.contains('5'),
        "the line is missing: {finished}"
    );

    let missing = mock(&[
        "serve",
        "--tls-port",
        "0",
        "--seed",
        "/nonexistent/world.yaml",
    ]);
    assert_eq!(missing.code, Some(2), "{missing}");
    assert!(
        missing.stderr.contains("/nonexistent/world.yaml"),
        "{missing}"
    );
}

#[test]
fn an_unreadable_certificate_authority_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().to_str().expect("a temporary path is UTF-8");
    let first = mock(&["ca", "--data-dir", home]);
    assert_eq!(first.code, Some(0), "{first}");
    let file = first.stdout.trim();
    fs::write(file, "rubbish").expect("the file is written");
    let finished = mock(&[
        "serve",
        "--control",
        "127.0.0.1:0",
        "--tls-port",
        "0",
        "--data-dir",
        home,
    ]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains(file), "{finished}");
}

#[test]
fn run_ends_with_the_status_of_its_command() {
    let finished = mock(&["run", "--", "sh", "-c", "exit 7"]);
    assert_eq!(finished.code, Some(7), "{finished}");
    let without_dashes = mock(&["run", "sh", "-c", "exit 7"]);
    assert_eq!(without_dashes.code, Some(7), "{without_dashes}");
    let missing = mock(&["run", "--", "no-such-program-here"]);
    assert_eq!(missing.code, Some(127), "{missing}");
    assert!(missing.stderr.contains("no-such-program-here"), "{missing}");
}

#[test]
fn run_does_not_take_a_mistyped_flag_for_a_command() {
    let mistyped = mock(&["run", "--isolate", "--", "true"]);
    assert_eq!(mistyped.code, Some(2), "{mistyped}");
    assert!(mistyped.stderr.contains("'--isolate'"), "{mistyped}");
    assert!(mistyped.stderr.contains("'--isolated'"), "{mistyped}");
}

#[test]
fn run_sets_the_variables_that_clients_read() {
    let show = "import json, os; print(json.dumps(dict(os.environ)))";
    let finished = run(Command::new(program("entra-mock"))
        .args(["run", "--"])
        .arg(python())
        .args(["-c", show])
        .env("NO_PROXY", "graph.microsoft.com")
        .env("no_proxy", "graph.microsoft.com"));
    let variables = finished.json();
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "NODE_USE_ENV_PROXY",
        "JAVA_TOOL_OPTIONS",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "ENTRA_MOCK_CONTROL",
        "ENTRA_MOCK_AUTHORITY",
        "ENTRA_MOCK_GRAPH",
        "ENTRA_MOCK_CA",
        "ENTRA_MOCK_READY",
    ] {
        assert!(
            variables[name].as_str().is_some_and(|it| !it.is_empty()),
            "{name}: {finished}"
        );
    }
    for name in ["NO_PROXY", "no_proxy", "AZURE_AUTHORITY_HOST"] {
        assert_eq!(variables[name], Value::Null, "{name}: {finished}");
    }
}

#[test]
fn cert_makes_what_connectors_ask_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = run(Command::new(program("entra-mock"))
        .arg("cert")
        .current_dir(folder.path()));
    assert_eq!(finished.code, Some(0), "{finished}");
    assert!(finished.stdout.contains("x5t#S256"), "{finished}");
    let endings: Vec<String> = fs::read_dir(folder.path())
        .expect("the folder can be listed")
        .filter_map(|it| it.ok()?.path().extension()?.to_str().map(str::to_owned))
        .collect();
    assert!(endings.iter().any(|it| it == "pfx"), "{endings:?}");
    assert!(endings.iter().any(|it| it == "pem"), "{endings:?}");
}

#[test]
fn a_foreign_host_is_refused_at_once_and_journalled() {
    let server = Server::start(&[]);
    let proxy = server
        .get("/proxy")
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let mut stream = TcpStream::connect(&proxy).expect("the proxy listens");
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("a time-out can be set");
    stream
        .write_all(b"CONNECT api.github.com:443 HTTP/1.0\r\n\r\n")
        .expect("the proxy reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the proxy answers and closes");
    assert!(
        answer.starts_with("HTTP/1.") && answer.contains(" 502 "),
        "{answer}"
    );
    assert!(answer.contains("api.github.com"), "{answer}");

    let journal = run(Command::new(program("entra-mock")).args([
        "journal",
        "--control",
        server.get("/control"),
    ]));
    assert_eq!(journal.code, Some(0), "{journal}");
    assert!(journal.stdout.contains("api.github.com"), "{journal}");
}

#[test]
fn a_ready_file_that_nobody_named_is_private_and_goes_when_the_server_is_told_to_stop() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().to_str().expect("a temporary path is UTF-8");
    let mut serve = Command::new(program("entra-mock"))
        .args(["serve", "--control", "127.0.0.1:0", "--tls-port", "0"])
        .args(["--data-dir", home])
        .stdout(Stdio::piped())
        .spawn()
        .expect("entra-mock starts");
    let mut summary = BufReader::new(serve.stdout.take().expect("piped"));
    let mut line = String::new();
    summary.read_line(&mut line).expect("it says something");
    let ready_files = || -> Vec<_> {
        let entries = fs::read_dir(home).expect("the folder is there");
        let paths = entries.map(|it| it.expect("an entry").path());
        let named = |it: &PathBuf| it.to_string_lossy().contains("/ready-");
        paths.filter(named).collect()
    };
    let files = ready_files();
    let [file] = files.as_slice() else {
        let _ = serve.kill();
        panic!("not one ready file: {files:?} {line}");
    };
    let mode = fs::metadata(file).expect("it is there").permissions();
    let text = fs::read_to_string(file).expect("it can be read");
    let ready: Value = serde_json::from_str(&text).expect("the ready file is JSON");
    let control = ready["control"].as_str().expect("a URL");
    let env = mock(&["env", "--control", control]);
    let terminated = run(Command::new("kill").args(["-TERM", &serve.id().to_string()]));
    let (tell, ended) = mpsc::channel();
    thread::spawn(move || tell.send(serve.wait().map(|it| it.code())));
    let status = ended.recv_timeout(Duration::from_mins(1));

    assert_eq!(mode.mode() & 0o777, 0o600);
    let named = format!("export ENTRA_MOCK_READY='{}'\n", file.display());
    assert!(env.stdout.contains(&named), "{env}");
    assert_eq!(terminated.code, Some(0), "{terminated}");
    let status = status.expect("it ends").expect("it can be waited for");
    assert_eq!(status, Some(0));
    assert_eq!(ready_files(), Vec::<PathBuf>::new());
}

#[test]
fn a_mistyped_command_gets_the_nearest_right_one() {
    let finished = mock(&["serv"]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains("serve"), "{finished}");
    let suite =
        run(Command::new(program("entra-conformance")).args(["run", "--filter", "no-such/**"]));
    assert_eq!(suite.code, Some(4), "nothing selected: {suite}");
}

#[test]
fn where_namespaces_are_forbidden_the_remedy_is_told_and_the_proxy_named() {
    // A namespace in which no further ones may be made.
    let mut command = Command::new("unshare");
    let script =
        "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" run --isolated -- true";
    command
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(program("entra-mock"));
    let finished = run(&mut command);
    if finished.stderr.starts_with("unshare:") {
        eprintln!(
            "skipped: namespaces are forbidden here: {}",
            finished.stderr
        );
        return;
    }
    assert_eq!(finished.code, Some(2), "{finished}");
    for told in [
        "user.max_user_namespaces is 0",
        "sysctl user.max_user_namespaces=",
        "entra-mock run -- CMD",
    ] {
        assert!(finished.stderr.contains(told), "{told}: {finished}");
    }
}

#[test]
fn codes_are_explained_and_the_nearest_ones_named() {
    let meaning = mock(&["aadsts", "700082"]);
    assert_eq!(meaning.code, Some(0), "{meaning}");
    assert!(meaning.stdout.contains("due to inactivity"), "{meaning}");
    let wrong = mock(&["aadsts", "70008244"]);
    assert_eq!(wrong.code, Some(2), "{wrong}");
    assert!(wrong.stderr.contains("700082"), "{wrong}");
}

#[test]
fn what_is_no_control_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        stream.write_all(b"SSH-2.0-other\r\n").expect("it listens");
    });
    let finished = mock(&["env", "--control", &port.to_string()]);
    other.join().expect("it ends");
    assert_eq!(finished.code, Some(1), "{finished}");
    let text = format!("what listens at http://127.0.0.1:{port} says no HTTP");
    assert!(finished.stderr.contains(&text), "{finished}");
}

#[test]
fn the_log_tells_of_each_request_without_secrets() {
    let server = Server::start(&["--log", "trace"]);
    let ca = server.get("/ca_file").to_owned();
    let secret = "a-secret-of-this-test";
    let asked = run(Command::new("curl")
        .args(["--silent", "--proxy", server.get("/proxy"), "--cacert", &ca])
        .args(["--data", &format!("grant_type=password&password={secret}")])
        .arg("https://login.microsoftonline.com/common/oauth2/v2.0/token"));
    assert!(asked.stdout.contains("AADSTS900144"), "{asked}");
    let log = server.end();
    let line = "POST https://login.microsoftonline.com/common/oauth2/v2.0/token -> 400";
    assert!(log.contains(line), "{log}");
    assert!(log.contains("AADSTS900144"), "{log}");
    assert!(!log.contains(secret) && !log.contains(" h2::"), "{log}");
}
