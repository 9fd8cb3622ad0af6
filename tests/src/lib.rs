//! What the black-box tests share: the programs under test, the runtimes of real clients, and a
//! running server that ends with the test.
//!
//! Nothing here uses the types of the programs: a wrong name must not agree with itself.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The path of a program of this workspace, built by `cargo build --workspace`.
///
/// # Panics
///
/// If it is not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    // target/debug/deps/black_box-… → target/debug
    let folder = test
        .ancestors()
        .nth(2)
        .expect("a test lies in target/debug/deps");
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is not built: run tests/run, or `cargo build --workspace` first",
        path.display()
    );
    path
}

/// The top folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the project")
        .to_owned()
}

/// The Python interpreter with the clients' packages.
///
/// # Panics
///
/// If `tests/run` did not install it.
pub fn python() -> PathBuf {
    installed(root().join("target/python/bin/python"))
}

/// Node.js, once the clients' packages are installed.
///
/// # Panics
///
/// If `tests/run` did not install them.
pub fn node() -> PathBuf {
    installed(root().join("node_modules/@azure/msal-node/package.json"));
    PathBuf::from("node")
}

fn installed(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: run tests/run, which installs it",
        path.display()
    );
    path
}

/// `entra-mock run --isolated --`, where the machine permits namespaces; elsewhere nothing, and
/// standard error has the reason.
pub fn isolated() -> Option<Command> {
    let mut command = Command::new(program("entra-mock"));
    command.args(["run", "--isolated", "--"]);
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "--net", "--mount", "true"]);
    let probed = probe.output();
    if probed.as_ref().is_ok_and(|it| it.status.success()) {
        return Some(command);
    }
    let reason = probed.map_or_else(
        |error| error.to_string(),
        |it| String::from_utf8_lossy(&it.stderr).into_owned(),
    );
    eprintln!("skipped: namespaces are forbidden here: {reason}");
    None
}

/// What a finished program left.
#[derive(Debug)]
pub struct Finished {
    /// The exit code, if the program was not ended by a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// The last line of standard output as JSON.
    ///
    /// # Panics
    ///
    /// If the program failed or its last line is no JSON; the message has all output.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self}");
        let line = self.stdout.trim_end().lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "exit {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// Runs a program to its end, at most two minutes.
///
/// # Panics
///
/// If it can't be started or does not end in time.
pub fn run(command: &mut Command) -> Finished {
    run_within(command, Duration::from_mins(2))
}

/// Runs a program to its end, with a deadline.
///
/// # Panics
///
/// If it can't be started or does not end in time.
pub fn run_within(command: &mut Command, deadline: Duration) -> Finished {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let stdout = collect(child.stdout.take().expect("piped"));
    let stderr = collect(child.stderr.take().expect("piped"));
    let (tell, ended) = mpsc::channel();
    let id = child.id();
    thread::spawn(move || tell.send(child.wait()));
    let Ok(status) = ended.recv_timeout(deadline) else {
        // The process id is still ours: nobody has waited for it.
        let _ = Command::new("kill").arg("-9").arg(id.to_string()).status();
        let _ = ended.recv();
        panic!(
            "{command:?} did not end within {deadline:?}\n--- stdout\n{}\n--- stderr\n{}",
            stdout.join().expect("a reader does not panic"),
            stderr.join().expect("a reader does not panic")
        );
    };
    Finished {
        code: status.expect("a child can be waited for").code(),
        stdout: stdout.join().expect("a reader does not panic"),
        stderr: stderr.join().expect("a reader does not panic"),
    }
}

fn collect(mut from: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came until a broken pipe is what there is.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A running `entra-mock serve` on ephemeral ports; ends when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
    stderr: Option<thread::JoinHandle<String>>,
    /// The ready file's contents.
    pub ready: Value,
}

impl Server {
    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not start; the message has its output.
    pub fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready_file = folder.path().join("ready.json");
        let mut child = Command::new(program("entra-mock"))
            .args([
                "serve",
                "--control",
                "127.0.0.1:0",
                "--tls-port",
                "0",
                "--ready-file",
            ])
            .arg(&ready_file)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("entra-mock starts");
        // The summary is printed after the ready file is written.
        let mut summary = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        let _ = summary.read_line(&mut line);
        if !ready_file.is_file() {
            let mut stderr = String::new();
            let _ = child
                .stderr
                .take()
                .expect("piped")
                .read_to_string(&mut stderr);
            panic!("entra-mock is not ready: {line}{stderr}");
        }
        // Goes on reading, so that the server never waits for a full pipe.
        let _ = collect(summary);
        let stderr = Some(collect(child.stderr.take().expect("piped")));
        let text = std::fs::read_to_string(&ready_file).expect("the ready file can be read");
        let ready = serde_json::from_str(&text).expect("the ready file is JSON");
        Self {
            child,
            folder,
            stderr,
            ready,
        }
    }

    /// The path of the ready file.
    pub fn ready_file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server, and returns what it wrote to standard error.
    ///
    /// # Panics
    ///
    /// If its standard error can't be read.
    pub fn end(mut self) -> String {
        let _ = self.child.kill();
        let stderr = self.stderr.take().expect("a server ends once");
        stderr.join().expect("a reader does not panic")
    }

    /// A text of the ready file, such as `/control`.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn get(&self, pointer: &str) -> &str {
        self.ready
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer} in {}", self.ready))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
