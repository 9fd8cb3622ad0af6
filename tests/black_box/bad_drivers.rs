//! Drivers that flood, drip, and leave children, a run that is ended, and a disk that is full: one
//! case is lost, the reports are whole, and no process is left.

#![expect(
    clippy::disallowed_methods,
    reason = "what runs outside of the test is waited for by the real clock"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use entra_black_box::{Finished, program, root, run_within};
use serde_json::Value;
use tempfile::TempDir;

/// The reference driver, behind a program that misbehaves once: `MODE FLAG PROGRAM`. The flag is a
/// file in which it notes the processes that it starts.
const DRIVER: &str = r#"
import json, os, subprocess, sys, threading, time
mode, flag, program = sys.argv[1:4]
inner = subprocess.Popen([program, "reference-driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
first = not os.path.exists(flag)
with open(flag, "a") as file:
    file.write(f"{os.getpid()}\n{inner.pid}\n")
    if mode == "fork":
        for _ in range(3):
            child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            file.write(f"{child.pid}\n")
log = json.dumps({"method": "log", "params": {"level": "info", "text": "\x1b[31m still here\n::error::no"}}) + "\n"
def copy():
    for line in inner.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
threading.Thread(target=copy, daemon=True).start()
for line in sys.stdin:
    if first and json.loads(line)["method"] == "call":
        while mode in ("flood", "drip"):
            sys.stdout.write(log)
            sys.stdout.flush()
            if mode == "drip":
                time.sleep(0.1)
    inner.stdin.write(line)
    inner.stdin.flush()
inner.stdin.close()
inner.wait()
"#;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("driver.py"), DRIVER).expect("the driver is written");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The suite with a driver that misbehaves.
    fn suite(&self, mode: &str, more: &[&str]) -> Command {
        let suite = program("entra-conformance");
        let mut command = Command::new(&suite);
        let connector = format!(
            "python3 '{}' {mode} '{}' '{}'",
            self.path("driver.py").display(),
            self.path("processes").display(),
            suite.display()
        );
        command
            .current_dir(root())
            .args([
                "run",
                "--jobs",
                "1",
                "--connector",
                &connector,
                "--artifacts",
            ])
            .arg(self.path("artifacts"))
            .arg("--json")
            .arg(self.path("report.json"))
            .arg("--junit")
            .arg(self.path("report.xml"))
            .args(more);
        command
    }

    /// Runs a few cases.
    fn run(&self, mode: &str, more: &[&str]) -> Finished {
        let mut command = self.suite(mode, more);
        command.args(["--filter", "auth/happy/connect[auth=own-app]"]);
        run_within(&mut command, Duration::from_mins(2))
    }

    /// How many cases ended how.
    fn count(&self, outcome: &str) -> usize {
        let report: Value = serde_json::from_str(&self.text("report.json")).expect("whole JSON");
        let cases = report["cases"].as_array().expect("a list of cases");
        cases.iter().filter(|it| it["outcome"] == outcome).count()
    }

    /// Looks whether the JUnit report is whole, and says of each case what became of it.
    fn assert_junit(&self, cases: usize, errors: usize) {
        let junit = self.text("report.xml");
        assert!(junit.trim_end().ends_with("</testsuites>"), "{junit}");
        assert_eq!(junit.matches("<testcase ").count(), cases, "{junit}");
        assert_eq!(junit.matches("<error ").count(), errors, "{junit}");
        let (head, _) = junit.split_once("<testcase ").expect("a head");
        for total in [
            format!("tests=\"{cases}\""),
            format!("errors=\"{errors}\""),
            "failures=\"0\"".to_owned(),
        ] {
            assert!(head.contains(&total), "{total}: {head}");
        }
    }

    /// Waits until none of the noted processes is left.
    fn assert_none_is_left(&self) {
        let noted = self.text("processes");
        assert!(noted.lines().count() >= 2, "{noted}");
        let alive = || noted.lines().filter(|id| is_alive(id)).count();
        let deadline = Instant::now() + Duration::from_mins(1);
        while alive() > 0 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(alive(), 0, "of {noted}");
    }
}

fn is_alive(id: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
    // Ended, and perhaps not yet waited for.
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn a_driver_that_floods_loses_one_case() {
    let bench = Bench::new();
    let finished = bench.run("flood", &[]);
    assert_eq!(finished.code, Some(1), "{finished}");
    assert_eq!(
        (bench.count("error"), bench.count("pass")),
        (1, 3),
        "{finished}"
    );
    assert!(
        finished.stdout.contains("said more than 10000 messages"),
        "{finished}"
    );
    assert!(!finished.stdout.contains('\u{1b}'), "{finished}");
    let injected = |line: &str| line.trim_start().starts_with("::");
    assert!(!finished.stdout.lines().any(injected), "{finished}");
    bench.assert_junit(4, 1);
    bench.assert_none_is_left();
}

#[test]
fn a_driver_that_drips_loses_one_case() {
    let bench = Bench::new();
    let finished = bench.run("drip", &["--request-timeout", "3"]);
    assert_eq!(finished.code, Some(1), "{finished}");
    assert_eq!(
        (bench.count("error"), bench.count("pass")),
        (1, 3),
        "{finished}"
    );
    assert!(
        finished.stdout.contains("did not answer 'call' within 3 s"),
        "{finished}"
    );
    bench.assert_junit(4, 1);
    bench.assert_none_is_left();
}

#[test]
fn children_of_a_driver_do_not_outlive_the_run() {
    let bench = Bench::new();
    let finished = bench.run("fork", &[]);
    assert_eq!(finished.code, Some(0), "{finished}");
    assert_eq!(bench.count("pass"), 4, "{finished}");
    bench.assert_junit(4, 0);
    bench.assert_none_is_left();
}

#[test]
fn a_run_that_is_terminated_leaves_whole_reports_and_no_process() {
    let bench = Bench::new();
    let events = bench.path("events.jsonl");
    let mut command = bench.suite("none", &["--events", events.to_str().expect("UTF-8")]);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the suite starts");
    let deadline = Instant::now() + Duration::from_mins(1);
    let ran = || fs::read_to_string(&events).is_ok_and(|it| it.contains("case-finished"));
    while !ran() {
        assert!(Instant::now() < deadline, "no case ran");
        std::thread::yield_now();
    }
    let killed = Command::new("kill").arg(child.id().to_string()).status();
    assert!(killed.expect("kill runs").success());
    let status = child.wait().expect("the suite ends");
    assert_eq!(status.code(), Some(3));
    assert!(bench.count("pass") >= 1);
    let junit = bench.text("report.xml");
    assert!(junit.contains("the run was ended by SIGTERM"), "{junit}");
    assert!(junit.trim_end().ends_with("</testsuites>"), "{junit}");
    assert!(junit.matches("type=\"not-run\"").count() > 100, "{junit}");
    bench.assert_none_is_left();
    let parts = fs::read_dir(bench.folder.path()).expect("the folder can be read");
    let is_part = |it: &fs::DirEntry| it.path().extension().is_some_and(|it| it == "part");
    assert_eq!(parts.flatten().filter(is_part).count(), 0);
}

#[test]
fn a_full_disk_costs_the_reports_on_it_alone() {
    let bench = Bench::new();
    let more = ["--events", "/dev/full", "--html", "/dev/full"];
    let finished = bench.run("none", &more);
    assert_eq!(finished.code, Some(3), "{finished}");
    assert_eq!(
        finished.stderr.matches("/dev/full: No space left").count(),
        2,
        "{finished}"
    );
    assert!(finished.stdout.contains("4 pass in"), "{finished}");
    assert_eq!(bench.count("pass"), 4, "{finished}");
    bench.assert_junit(4, 0);
    bench.assert_none_is_left();
}

#[test]
fn what_a_failed_case_leaves_has_no_secret_and_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;

    let bench = Bench::new();
    let finished = bench.run("drip", &["--request-timeout", "3"]);
    let folders = fs::read_dir(bench.path("artifacts/run-0001")).expect("artifacts are kept");
    let folder = folders
        .flatten()
        .find(|it| it.path().is_dir())
        .expect("of the case");
    let conversation = folder.path().join("conversation.txt");
    let mode = conversation
        .metadata()
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "{finished}");
    let text = fs::read_to_string(conversation).expect("a text");
    assert!(text.contains("\"client_secret\":\"<"), "{text}");
    assert!(text.contains("finish-authorization"), "{text}");
    assert!(
        !text.contains("code=0.") && !text.contains("code=1."),
        "{text}"
    );
    let all = fs::read_to_string(bench.path("artifacts/run-0001/failures.txt"));
    assert!(
        all.expect("all failures in full")
            .contains("did not answer 'call'")
    );
}

#[test]
fn a_driver_is_checked_up_to_a_connection() {
    let bench = Bench::new();
    let check = |connector: &str| {
        let mut command = Command::new(program("entra-conformance"));
        command.current_dir(bench.folder.path()).args([
            "check-driver",
            "--request-timeout",
            "3",
            "--connector",
            connector,
        ]);
        run_within(&mut command, Duration::from_mins(1))
    };
    let driver = |mode: &str| {
        format!(
            "python3 driver.py {mode} '{}' '{}'",
            bench.path("processes").display(),
            program("entra-conformance").display()
        )
    };
    let finished = check(&driver("none"));
    assert_eq!(finished.code, Some(0), "{finished}");
    assert!(
        finished
            .stdout
            .contains("ok     'connect' makes a connection by"),
        "{finished}"
    );
    // One that cannot get anywhere, and says so as connectors do.
    let lost = r#"
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    method, answer = request["method"], {"id": request["id"]}
    if method == "initialize":
        answer["result"] = {"protocol": 1, "connector": {"name": "lost", "language": "javascript"}, "auth_methods": ["client-credentials"], "environments": ["office365"], "operations": ["list-messages"]}
    elif method in ("settle", "shutdown", "disconnect"):
        answer["result"] = {}
    elif method in ("connect", "status"):
        answer["error"] = {"code": -32000, "message": "fetch failed", "data": {"category": "unavailable", "message": "TypeError: fetch failed"}}
    else:
        answer["error"] = {"code": -32601, "message": "none"}
    print(json.dumps(answer), flush=True)
"#;
    fs::write(bench.path("lost.py"), lost).expect("the driver is written");
    let finished = check("python3 lost.py");
    assert_eq!(finished.code, Some(1), "{finished}");
    for wanted in [
        "wrong  'connect' makes a connection by client-credentials in office365",
        "no request of the connector reached the mock",
        "Node: the built-in fetch takes HTTPS_PROXY from version 24 on",
        "the connector cannot connect",
        "ok     after 'shutdown' and the end of its input, the driver ends",
    ] {
        assert!(finished.stdout.contains(wanted), "{wanted}: {finished}");
    }
    let mut command = Command::new(program("entra-conformance"));
    command.current_dir(bench.folder.path()).args([
        "run",
        "--jobs",
        "1",
        "--filter",
        "auth/happy/connect[auth=client-credentials,environment=office365]",
        "--connector",
        "python3 lost.py",
    ]);
    let finished = run_within(&mut command, Duration::from_mins(1));
    assert_eq!(finished.code, Some(1), "{finished}");
    assert!(
        finished
            .stdout
            .contains("in 1 of 1 cases that failed, no request"),
        "{finished}"
    );
}

#[test]
fn what_is_printed_to_run_a_case_again_runs_it_again() {
    let bench = Bench::new();
    let scenario = "schema: 1\ntitle: It must fail\nsource: none\nauth: [client-credentials]\nenvironment: [office365]\nsteps:\n  - connect: {as: alice}\n  - call: list-messages\n    fails: throttled\n";
    let folder = bench.path("my scenarios");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("fails.yaml"), scenario).expect("a scenario");
    for arguments in [
        ["run", "--scenarios", "my scenarios"].as_slice(),
        &["replay", "my scenarios/fails.yaml"],
    ] {
        let mut command = Command::new(program("entra-conformance"));
        command.current_dir(bench.folder.path()).args(arguments);
        let finished = run_within(&mut command, Duration::from_mins(1));
        assert_eq!(finished.code, Some(1), "{finished}");
        let printed = finished
            .stdout
            .lines()
            .find_map(|it| it.trim().strip_prefix("rerun"));
        let line = printed.expect("a rerun line").trim();
        let rest = line.strip_prefix("entra-conformance").expect("our program");
        let again = format!("'{}'{rest}", program("entra-conformance").display());
        let mut command = Command::new("sh");
        command
            .current_dir(bench.folder.path())
            .args(["-c", &again]);
        let finished = run_within(&mut command, Duration::from_mins(1));
        assert_eq!(finished.code, Some(1), "{line}: {finished}");
        assert!(
            finished
                .stdout
                .contains("list-messages fails with throttled"),
            "{finished}"
        );
    }
}
