//! The Python wheel and the npm packages, made of the built programs and installed into fresh
//! environments, from which no Rust can be seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use entra_black_box::{Finished, program, python, root, run, run_within};

/// Long enough for packages from the registries on a slow line.
const PATIENCE: Duration = Duration::from_mins(6);

/// Long enough for a crypto library in C on a busy machine.
const BUILD_TIME: Duration = Duration::from_mins(15);

fn packages() -> PathBuf {
    root().join("mock-server/packages")
}

/// Packages of the built programs, made once.
fn built(only: &'static str) -> &'static Path {
    static PYTHON: OnceLock<tempfile::TempDir> = OnceLock::new();
    static NODE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = if only == "python" { &PYTHON } else { &NODE };
    made.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let programs = program("entra-mock");
        let made = run_within(
            Command::new(python())
                .arg(packages().join("build"))
                .args(["--strip", "--only", only, "--programs"])
                .arg(programs.parent().expect("a program lies in a folder"))
                .arg("--out")
                .arg(folder.path()),
            PATIENCE,
        );
        succeeded(&made);
        folder
    })
    .path()
}

fn succeeded(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished}");
}

/// The only file of a folder with this ending.
fn file(folder: &Path, ending: &str) -> PathBuf {
    let mut found = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(ending));
    let first = found.next();
    first.unwrap_or_else(|| panic!("no {ending} in {}", folder.display()))
}

fn copy(from: &Path, to: &Path) {
    succeeded(&run(Command::new("cp").arg("-r").arg(from).arg(to)));
}

/// The block of a page whose first line names a file, in a comment; it is written there.
fn write_example(page: &str, file: &str, to: &Path) {
    let text = fs::read_to_string(root().join(page)).expect("the page is there");
    let block = text
        .split("\n```")
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, block)| block)
        .find(|block| {
            let first = block.lines().next().unwrap_or_default();
            let named = first.trim_start_matches(['#', '/', ' ']);
            named == file || named.starts_with(&format!("{file}:"))
        })
        .unwrap_or_else(|| panic!("{page} has no {file}"));
    fs::write(to.join(file), format!("{block}\n")).expect("the file is written");
}

/// What a page shows below a command.
fn shown(page: &str, command: &str) -> String {
    let text = fs::read_to_string(root().join(page)).expect("the page is there");
    let after = text.split_once(&format!("$ {command}\n"));
    let (_, after) = after.unwrap_or_else(|| panic!("{page} has no {command}"));
    let (output, _) = after.split_once("```").expect("a block ends");
    output.to_owned()
}

/// A place for a user's project: programs on the path, a home of its own, no Rust.
struct Place {
    folder: tempfile::TempDir,
    path: String,
}

impl Place {
    fn new(tests: &Path, programs: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(tests, &folder.path().join("project"));
        let node = run(Command::new("sh").args(["-c", "dirname \"$(command -v node)\""]));
        let bin = folder.path().join(programs);
        let path = format!("{}:{}:/usr/bin:/bin", bin.display(), node.stdout.trim_end());
        Self { folder, path }
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Runs a line of shell as a user would type it.
    fn shell(&self, line: &str) -> Finished {
        run_within(
            Command::new("bash")
                .args(["-c", line])
                .current_dir(self.project())
                .env("PATH", &self.path)
                .env("ENTRA_MOCK_DATA_DIR", self.folder.path().join("data"))
                .env("XDG_DATA_HOME", self.folder.path().join("data-home"))
                .env("CHROMIUM", "/usr/bin/chromium")
                .env("NO_COLOR", "1")
                .env("CI", "1"),
            PATIENCE,
        )
    }
}

#[test]
fn the_wheel_does_what_its_guide_says_in_a_fresh_environment() {
    let wheel = file(built("python"), ".whl");
    let place = Place::new(&packages().join("python/tests"), "venv/bin");
    let venv = place.folder.path().join("venv");
    succeeded(&run(Command::new("python3")
        .args(["-m", "venv"])
        .arg(&venv)));
    succeeded(&place.shell(&format!(
        "pip install --quiet --disable-pip-version-check -r requirements.txt {}",
        wheel.display()
    )));

    write_example("README.md", "mail.py", &place.project());
    write_example("README.md", "test_revoked.py", &place.project());
    let mail = place.shell("entra-mock run -- python mail.py");
    assert_eq!(
        mail.stdout,
        shown("README.md", "entra-mock run -- python mail.py"),
        "{mail}"
    );
    succeeded(&place.shell("python -m pytest --quiet"));
    succeeded(&place.shell("python -m pytest --quiet -n 2 test_tenant.py"));
    succeeded(&place.shell(
        "mypy --strict --ignore-missing-imports -p entra_mock && \
         mypy --strict --ignore-missing-imports test_tenant.py test_plugin.py test_driver.py",
    ));
    let version = place.shell("entra-mock --version && entra-conformance --version");
    assert!(version.stdout.contains("entra-conformance "), "{version}");
    let status = place.shell("entra-mock run -- sh -c 'exit 7'");
    assert_eq!(status.code, Some(7), "{status}");
    let first = place.shell(
        "entra-conformance init python --dir first && cd first && \
         entra-conformance run --filter auth/happy/connect",
    );
    assert!(
        first.stdout.contains("16 cases: 1 pass, 15 skip"),
        "{first}"
    );
}

#[test]
fn the_npm_package_does_what_its_guide_says_in_a_fresh_project() {
    let folder = built("node");
    let place = Place::new(&packages().join("node/tests"), "project/node_modules/.bin");
    let carrier = run(Command::new("sh")
        .arg("-c")
        .arg(format!("ls {}/entra-mock-*-*-*.tgz", folder.display())));
    let carrier = carrier.stdout.trim_end();
    let version = env!("CARGO_PKG_VERSION");
    let main = folder.join(format!("entra-mock-{version}.tgz"));
    succeeded(&place.shell(&format!(
        "npm install --no-audit --no-fund --loglevel=error {carrier} {}",
        main.display()
    )));

    write_example("README.md", "expired.test.mjs", &place.project());
    let vitest = place.shell("npx vitest run");
    succeeded(&vitest);
    assert!(vitest.stdout.contains("expired.test.mjs"), "{vitest}");
    succeeded(&place.shell("npx jest"));
    succeeded(&place.shell("npx playwright test"));
    succeeded(&place.shell("npx tsc -p ."));
    let opened = place.shell("npx entra-mock run -- node fetch.mjs");
    assert_eq!(opened.stdout, "401\n200\ntrue\n", "{opened}");
    let suite = place.shell(
        "npx entra-conformance run --connector 'node acme-driver.mjs' --filter auth/happy/connect \
         --auth client-credentials --environment office365",
    );
    assert!(suite.stdout.contains("1 case: 1 pass"), "{suite}");
    let status = place.shell("npx entra-mock run -- sh -c 'exit 7'");
    assert_eq!(status.code, Some(7), "{status}");
    let first = place.shell(
        "npx entra-conformance init node --dir first && cd first && \
         npx entra-conformance run --filter auth/happy/connect",
    );
    assert!(
        first.stdout.contains("16 cases: 1 pass, 15 skip"),
        "{first}"
    );
}

/// Makes a driver of a language that `tests/run` does not need, and runs the first case.
fn first_case_in(language: &str, prepare: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = run(Command::new(program("entra-conformance"))
        .args(["init", language])
        .current_dir(folder.path()));
    succeeded(&made);
    assert!(made.stdout.contains(prepare), "{made}");
    succeeded(&run_within(
        Command::new("bash")
            .args(["-c", prepare])
            .current_dir(folder.path()),
        BUILD_TIME,
    ));
    let first = run(Command::new(program("entra-conformance"))
        .args(["run", "--filter", "auth/happy/connect"])
        .current_dir(folder.path()));
    assert!(
        first.stdout.contains("16 cases: 1 pass, 15 skip"),
        "{first}"
    );
}

#[test]
#[ignore = "needs Go: tests/languages"]
fn the_first_case_passes_in_go() {
    first_case_in("go", "go build -o driver .");
}

#[test]
#[ignore = "needs Java and Maven: tests/languages"]
fn the_first_case_passes_in_java() {
    first_case_in("java", "mvn --quiet package");
}

#[test]
#[ignore = "builds a program with its dependencies: tests/languages"]
fn the_first_case_passes_in_rust() {
    first_case_in("rust", "cargo build");
}

#[test]
fn a_signal_to_the_npm_program_ends_the_mock() {
    let folder = built("node");
    let place = Place::new(&packages().join("node/lib"), "bin");
    let unpacked = place.folder.path().join("node_modules");
    fs::create_dir_all(unpacked.join("@entra-mock")).expect("a folder");
    let unpack = format!(
        "cd {0} && for it in {1}/*.tgz; do mkdir t && tar -xzf $it -C t && \
         case $it in *entra-mock-*-*-*.tgz) mv t/package \
         \"@entra-mock/$(node -p 'process.platform + \"-\" + process.arch')\";; \
         *) mv t/package entra-mock;; esac; rmdir t; done",
        unpacked.display(),
        folder.display()
    );
    succeeded(&place.shell(&unpack));
    let ended = place.shell(
        "node ../node_modules/entra-mock/bin/entra-mock.cjs serve --control 127.0.0.1:0 \
         --tls-port 0 --ready-file ready.json --quiet & \
         until [ -e ready.json ]; do sleep 0.05; done; kill -TERM $!; wait $!; echo ended $?; \
         curl --silent --max-time 2 \"$(node -p 'require(\"./ready.json\").control')/api/v1/health\" \
         || echo gone",
    );
    assert!(ended.stdout.ends_with("gone\n"), "{ended}");
    assert!(ended.stdout.contains("ended 0\n"), "{ended}");
}

#[test]
fn the_types_of_events_are_those_of_the_control_api() {
    succeeded(&run(Command::new(python())
        .arg(packages().join("make.py"))
        .arg("--check")));
}
