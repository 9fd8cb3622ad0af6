//! A program that is killed outright cleans nothing up itself: neither what it started nor its
//! temporary folders stay.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that waits has a deadline"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use entra_black_box::{program, run};
use tempfile::TempDir;

/// Waits until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::yield_now();
    }
}

/// Whether a process runs; one that ended and that nobody waited for does not.
fn runs(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    stat.is_ok_and(|it| !it.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

fn written(path: &Path) -> Option<String> {
    fs::read_to_string(path)
        .ok()
        .filter(|it| it.ends_with('\n'))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    entries.map(|it| it.expect("an entry").path()).collect()
}

/// A program with temporary files and data of its own.
fn command(name: &str, temporary: &TempDir, data: &TempDir) -> Command {
    let mut command = Command::new(program(name));
    command
        .env("TMPDIR", temporary.path())
        .env("ENTRA_MOCK_DATA_DIR", data.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn folders() -> [TempDir; 3] {
    [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"))
}

#[test]
fn a_killed_run_leaves_neither_its_command_nor_its_folder() {
    let [temporary, data, notes] = folders();
    let note = notes.path().join("id");
    let script = format!("echo $$ > '{}'; exec sleep 600", note.display());
    let mut mock = command("entra-mock", &temporary, &data)
        .args(["run", "--", "sh", "-c", &script])
        .spawn()
        .expect("entra-mock starts");
    until("the command starts", || written(&note).is_some());
    let id = written(&note).expect("just seen");
    assert!(runs(&id));
    assert_eq!(entries(temporary.path()).len(), 1);

    mock.kill().expect("it can be killed");
    mock.wait().expect("it ends");
    until("the command ends", || !runs(&id));
    until("the folder goes", || entries(temporary.path()).is_empty());
}

#[test]
fn the_next_run_removes_what_a_killed_one_left_and_nothing_of_a_running_one() {
    let [temporary, data, notes] = folders();
    let stale = temporary.path().join("entra-mock-run-stale1");
    fs::create_dir(&stale).expect("a folder can be made");
    fs::write(stale.join(".lock"), "").expect("a file can be written");
    let note = notes.path().join("id");
    let script = format!("echo $$ > '{}'; read line", note.display());
    let mut first = command("entra-mock", &temporary, &data)
        .args(["run", "--", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .spawn()
        .expect("entra-mock starts");
    until("the command starts", || written(&note).is_some());
    assert!(!stale.exists());
    let of_first = entries(temporary.path());
    let second = run(command("entra-mock", &temporary, &data).args(["run", "--", "true"]));
    assert_eq!(second.code, Some(0), "{second}");
    assert_eq!(entries(temporary.path()), of_first);
    // The command reads to the end of its input.
    drop(first.stdin.take());
    first.wait().expect("it ends");
    assert!(entries(temporary.path()).is_empty());
}

#[test]
fn a_killed_suite_leaves_no_driver() {
    let [temporary, data, notes] = folders();
    let note = notes.path().join("ids");
    // A driver that hangs, with a child that nobody would think of.
    let script = notes.path().join("driver.sh");
    let text = format!(
        "trap '' TERM\nsleep 600 &\necho $$ $! > '{}'\nwait\n",
        note.display()
    );
    fs::write(&script, text).expect("a file can be written");
    let mut suite = command("entra-conformance", &temporary, &data)
        .args([
            "run",
            "--jobs",
            "1",
            "--filter",
            "refresh/**",
            "--connector",
        ])
        .arg(format!("sh {}", script.display()))
        .current_dir(notes.path())
        .spawn()
        .expect("the suite starts");
    until("the driver starts", || written(&note).is_some());
    let ids = written(&note).expect("just seen");
    assert!(ids.split_whitespace().all(runs));

    suite.kill().expect("it can be killed");
    suite.wait().expect("it ends");
    until("the driver ends", || !ids.split_whitespace().any(runs));
    until("the folders go", || entries(temporary.path()).is_empty());
}
