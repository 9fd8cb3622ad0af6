//! The state file of `entra-mock serve --state`, and `entra-mock state`: real processes, killed.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use entra_black_box::{Finished, Server, program, root, run};
use serde_json::Value;

fn mock(arguments: &[&str]) -> Finished {
    run(Command::new(program("entra-mock")).args(arguments))
}

fn event(control: &str, arguments: &[&str]) -> Finished {
    let mut all = vec!["event", "--control", control];
    all.extend(arguments);
    mock(&all)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is UTF-8")
}

/// Alice's password at Office 365, as a ready file or a state has it.
fn password(control: &str) -> String {
    let export = mock(&["state", "export", "--control", control]);
    assert_eq!(export.code, Some(0), "{export}");
    password_in(&serde_json::from_str(&export.stdout).expect("a state is JSON"))
}

fn password_in(state: &Value) -> String {
    let users = state["tenants"][0]["directory"]["users"]
        .as_object()
        .expect("a tenant has users");
    let alice = users.values().find(|it| it["alias"] == "alice");
    let password = alice.expect("alice is there")["password"].as_str();
    password.expect("a password is text").to_owned()
}

/// A server on a state file, started without waiting longer than for its ready file.
fn start(folder: &Path, state: &Path) -> (Child, String) {
    let ready = folder.join("ready.json");
    let _ = fs::remove_file(&ready);
    let child = Command::new(program("entra-mock"))
        .args([
            "serve",
            "--control",
            "127.0.0.1:0",
            "--tls-port",
            "0",
            "--quiet",
        ])
        .args(["--data-dir", text(folder), "--state", text(state)])
        .args(["--ready-file", text(&ready)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("entra-mock starts");
    wait_until(|| ready.is_file());
    let text = fs::read_to_string(&ready).expect("it is there");
    let ready: Value = serde_json::from_str(&text).expect("the ready file is whole");
    let control = ready["control"].as_str().expect("a URL");
    (child, control.to_owned())
}

#[test]
fn a_server_goes_on_where_the_last_one_stopped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("world.json");
    {
        let server = Server::start(&["--state", text(&state)]);
        let busy = mock(&[
            "serve",
            "--tls-port",
            "0",
            "--control",
            "127.0.0.1:0",
            "--state",
            text(&state),
        ]);
        assert_eq!(busy.code, Some(2), "{busy}");
        assert!(busy.stderr.contains("another entra-mock"), "{busy}");
        let done = event(
            server.get("/control"),
            &["change-password", "--user", "alice", "--password", "kept"],
        );
        assert_eq!(done.code, Some(0), "{done}");
        wait_until(|| fs::read_to_string(&state).is_ok_and(|it| it.contains("\"kept\"")));
        let mode = fs::metadata(&state)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let server = Server::start(&["--state", text(&state)]);
    let control = server.get("/control");
    assert_eq!(password(control), "kept");
    let reset = mock(&["state", "reset", "--control", control]);
    assert_eq!(reset.code, Some(0), "{reset}");
    assert_ne!(password(control), "kept");
}

/// What curl says of an address, through a server's proxy.
fn curl(server: &Server, arguments: &[&str]) -> Finished {
    run(Command::new("curl")
        .args(["-sS", "-L", "--proxy", server.get("/proxy")])
        .args(["--cacert", server.get("/ca_bundle_file")])
        .args(arguments))
}

/// A token of the app that may work with files.
fn files_token(server: &Server) -> String {
    let world = "/environments/office365";
    let app = format!("{world}/apps/files");
    let tenant = server.get(&format!("{world}/tenant/id"));
    let login = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    let secret = server.get(&format!("{app}/client_secret"));
    let form = [
        "grant_type=password".to_owned(),
        "scope=https://graph.microsoft.com/.default".to_owned(),
        format!("client_id={}", server.get(&format!("{app}/client_id"))),
        format!("client_secret={secret}"),
        format!(
            "username={}",
            server.get(&format!("{world}/users/alice/upn"))
        ),
        format!(
            "password={}",
            server.get(&format!("{world}/users/alice/password"))
        ),
    ];
    let mut arguments = vec![login.as_str()];
    for field in &form {
        arguments.extend(["--data-urlencode", field]);
    }
    let answer = curl(server, &arguments).json();
    let token = answer["access_token"].as_str();
    token
        .unwrap_or_else(|| panic!("no token: {answer}"))
        .to_owned()
}

#[test]
fn drives_their_contents_and_lists_are_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("world.json");
    let seed = root().join("tests/clients/python/files-world.yaml");
    let large = folder.path().join("large.bin");
    let bytes: Vec<u8> = (0..300_000_u32).map(|it| it.to_le_bytes()[1]).collect();
    fs::write(&large, &bytes).expect("it is written");
    let graph = "https://graph.microsoft.com/v1.0";
    let rows = format!("{graph}/sites/root/lists/Documents/items?$expand=fields");
    let start = || {
        let server = Server::start(&["--state", text(&state), "--seed", text(&seed)]);
        let bearer = format!("Authorization: Bearer {}", files_token(&server));
        (server, bearer)
    };
    {
        let (server, bearer) = start();
        for (path, content) in [
            ("a.txt", "short".to_owned()),
            ("b/large.bin", format!("@{}", text(&large))),
        ] {
            let url = format!("{graph}/sites/root/drive/root:/{path}:/content");
            let put = curl(
                &server,
                &["-X", "PUT", &url, "-H", &bearer, "--data-binary", &content],
            );
            assert!(put.json()["file"].is_object(), "{put}");
        }
        let before = curl(&server, &[&rows, "-H", &bearer]).json();
        assert_eq!(
            before["value"].as_array().map(Vec::len),
            Some(3),
            "{before}"
        );
        // What is not let in leaves nothing behind.
        let url = format!("{graph}/sites/root/drive/root:/c.bin:/content");
        let content = format!("@{}", text(&large));
        let refused = curl(&server, &["-X", "PUT", &url, "--data-binary", &content]).json();
        assert_eq!(refused["error"]["code"], "InvalidAuthenticationToken");
        wait_until(|| fs::read_to_string(&state).is_ok_and(|it| it.contains("large.bin")));
        let kept = fs::metadata(state.with_extension("json.contents"));
        let kept = kept.expect("the contents are beside the state").len();
        assert!(kept < 2 * 300_000, "{kept} bytes of one content");
    }
    let (server, bearer) = start();
    let after = curl(&server, &[&rows, "-H", &bearer]).json();
    let names: Vec<&Value> = after["value"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| &it["fields"]["FileLeafRef"])
        .collect();
    assert_eq!(names, ["a.txt", "b", "large.bin"], "{after}");
    let read = folder.path().join("read.bin");
    let url = format!("{graph}/sites/root/drive/root:/b/large.bin:/content");
    let done = curl(&server, &[&url, "-H", &bearer, "-o", text(&read)]);
    assert_eq!(done.code, Some(0), "{done}");
    assert!(
        fs::read(&read).expect("it is there") == bytes,
        "other bytes"
    );
}

#[test]
fn a_state_is_exported_edited_and_imported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("export.json");
    let server = Server::start(&[]);
    let control = server.get("/control");
    let export = mock(&[
        "state",
        "export",
        "--output",
        text(&file),
        "--control",
        control,
    ]);
    assert_eq!(export.code, Some(0), "{export}");
    let exported = fs::read_to_string(&file).expect("it was written");
    let state: Value = serde_json::from_str(&exported).expect("a state is JSON");
    let edited = exported.replace(&password_in(&state), "edited by hand");
    fs::write(&file, edited).expect("the file is written");
    let import = mock(&["state", "import", text(&file), "--control", control]);
    assert_eq!(import.code, Some(0), "{import}");
    assert_eq!(password(control), "edited by hand");

    fs::write(&file, "{\"version\": 7}").expect("the file is written");
    let refused = mock(&["state", "import", text(&file), "--control", control]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("version 7"), "{refused}");

    let yaml = mock(&["state", "export", "--yaml", "--control", control]);
    let seed = folder.path().join("world.yaml");
    fs::write(&seed, &yaml.stdout).expect("the file is written");
    let copy = Server::start(&["--seed", text(&seed)]);
    assert_eq!(password(copy.get("/control")), "edited by hand");
}

#[test]
fn a_file_that_is_no_state_of_this_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (content, word) in [
        (
            "{\"version\": 2, \"members\": \"of a later time\"}",
            "newer program",
        ),
        ("{\"version\": 1", "not a state"),
    ] {
        let state = folder.path().join("world.json");
        fs::write(&state, content).expect("the file is written");
        let refused = mock(&[
            "serve",
            "--tls-port",
            "0",
            "--control",
            "127.0.0.1:0",
            "--state",
            text(&state),
        ]);
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(refused.stderr.contains(word), "{refused}");
        assert!(refused.stderr.contains("world.json"), "{refused}");
        assert_eq!(fs::read_to_string(&state).expect("it is there"), content);
    }
}

#[test]
fn a_state_survives_kill_at_any_moment() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("world.json");
    let mut kept = 0_u32;
    let mut next = 1_u32;
    for round in 0..8_u64 {
        let (mut child, control) = start(folder.path(), &state);
        // What is there now is what one of the writes of the last round left.
        let found = password(&control);
        let found: u32 = found
            .strip_prefix("kill-")
            .map_or(0, |it| it.parse().expect("whole"));
        assert!(
            (kept..next).contains(&found),
            "{found} is not of {kept}..{next}"
        );
        kept = found;
        let killer = {
            let id = child.id().to_string();
            thread::spawn(move || {
                pause(60 + round * 47);
                Command::new("kill").args(["-9", &id]).status()
            })
        };
        // Changes without a pause until it is dead.
        let body = |number: u32| {
            format!(r#"{{"change-password":{{"user":"alice","password":"kill-{number}"}}}}"#)
        };
        while post(&control, &body(next)) {
            next += 1;
        }
        next += 1;
        let _ = killer.join();
        let _ = child.wait();
        let whole = fs::read_to_string(&state).expect("the file is there");
        serde_json::from_str::<Value>(&whole).expect("the file is whole");
    }
    assert!(kept > 0, "no change was ever saved in {next}");
    // Half-written files do not pile up: the next start removes them.
    let (mut child, _) = start(folder.path(), &state);
    let partial = || {
        fs::read_dir(folder.path())
            .expect("the folder is there")
            .flatten()
            .filter(|it| {
                it.file_name()
                    .to_string_lossy()
                    .contains("world.json.partial")
            })
            .count()
    };
    wait_until(|| partial() == 0);
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether an event was taken. By a bare connection: a client that starts anew each time takes
/// longer than the server lives.
fn post(control: &str, body: &str) -> bool {
    use std::io::Read as _;

    let authority = control.strip_prefix("http://").expect("a URL");
    let Ok(mut stream) = std::net::TcpStream::connect(authority) else {
        return false;
    };
    let request = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_full_disk_is_told_and_the_old_file_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("world.json");
    let log = folder.path().join("log");
    let ready = folder.path().join("ready.json");
    // The first start makes the keys and the file.
    let (mut child, _) = start(folder.path(), &state);
    let _ = child.kill();
    let _ = child.wait();
    let size = fs::metadata(&state).expect("it is there").len();
    let _ = fs::remove_file(&ready);
    let log_file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o600)
        .open(&log);
    // A limit on the size of files stands for the disk: no file grows beyond some KiB more.
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
        (size + 40_000) / 1024
    );
    let mut child = Command::new("bash")
        .args(["-c", &script])
        .arg(program("entra-mock"))
        .args([
            "serve",
            "--control",
            "127.0.0.1:0",
            "--tls-port",
            "0",
            "--quiet",
        ])
        .args(["--data-dir", text(folder.path()), "--state", text(&state)])
        .args(["--ready-file", text(&ready)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_file.expect("a new file"))
        .spawn()
        .expect("entra-mock starts");
    wait_until(|| ready.is_file());
    let ready: Value =
        serde_json::from_str(&fs::read_to_string(&ready).expect("it is there")).expect("JSON");
    let control = ready["control"].as_str().expect("a URL");
    let before = fs::read_to_string(&state).expect("it is there");
    // A mail opens a mailbox, which takes 300 KiB.
    let done = event(
        control,
        &["deliver-message", "--user", "alice", "--subject", "much"],
    );
    assert_eq!(done.code, Some(0), "{done}");
    wait_until(|| fs::read_to_string(&log).is_ok_and(|it| it.contains("cannot be saved")));
    let told = fs::read_to_string(&log).expect("it is there");
    assert!(told.contains("world.json"), "{told}");
    assert_eq!(fs::read_to_string(&state).expect("it is there"), before);
    // It goes on serving.
    assert!(password(control).starts_with("Pw-alice"));
    let _ = child.kill();
    let _ = child.wait();
    let (mut child, control) = start(folder.path(), &state);
    assert!(password(&control).starts_with("Pw-alice"));
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits until something outside of this process is so.
fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        pause(10);
    }
    panic!("it did not come true within 30 seconds");
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes tell nobody what they do, and one is killed at a moment of chance"
)]
fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}
