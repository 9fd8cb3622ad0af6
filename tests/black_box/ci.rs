//! The guide to CI: its commands, and the shell of the action, run as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use entra_black_box::{Finished, program, root, run};

/// Runs a script in a folder where a settings file chooses the cases of one scenario.
fn script(folder: &Path, text: &str, variables: &[(&str, &Path)]) -> Finished {
    let settings = "[entra-conformance]\nfilter = [\"auth/happy/connect\"]\n";
    fs::write(folder.join("entra-mock.toml"), settings).expect("the settings are written");
    let programs = program("entra-mock");
    let programs = programs.parent().expect("a program lies in a folder");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    run(Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", text])
        .current_dir(folder)
        .env("PATH", path)
        .env("CONNECTOR", "reference")
        .envs(variables.iter().copied()))
}

/// The blocks of a language of a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).expect("the page is there");
    let fence = format!("\n```{language}\n");
    text.split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

/// The shell of a step of the action, by the step's name.
fn step(name: &str) -> String {
    let text = fs::read_to_string(root().join(".github/actions/entra-mock/action.yml"))
        .expect("the action is there");
    let (_, step) = text
        .split_once(&format!("- name: {name}\n"))
        .unwrap_or_else(|| panic!("no step {name}"));
    let (_, shell) = step.split_once("run: |\n").expect("the step has a shell");
    shell
        .lines()
        .take_while(|line| line.starts_with("        "))
        .map(|line| format!("{}\n", line.trim_start_matches("        ")))
        .collect()
}

#[test]
fn shards_are_run_and_merged_as_the_guide_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let guide = blocks("mock-server/docs/ci.md", "sh");
    let shards = guide
        .iter()
        .find(|it| it.contains("--shard"))
        .expect("shards");
    let done = script(folder.path(), shards, &[]);
    assert_eq!(done.code, Some(0), "{done}");
    let summary = fs::read_to_string(folder.path().join("all.md")).expect("the summary is written");
    assert!(
        summary.contains(": as expected\n\n16 cases in "),
        "{summary}"
    );
    assert!(
        summary.contains("| client-credentials | 1 pass | 1 pass |"),
        "{summary}"
    );
    for report in ["all.json", "all.xml", "all.html"] {
        assert!(folder.path().join(report).is_file(), "{report}");
    }
}

#[test]
fn the_shell_of_the_action_runs_the_suite_and_sums_it_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let programs = program("entra-mock");
    let programs = programs.parent().expect("a program lies in a folder");
    let empty = Path::new("");
    let (path, output, summary) = (at("path"), at("output"), at("summary"));
    let variables = [
        ("PROGRAMS", programs),
        ("GITHUB_PATH", &path),
        ("GITHUB_OUTPUT", &output),
        ("GITHUB_STEP_SUMMARY", &summary),
        ("RUNNER_TEMP", folder.path()),
        ("SHARD", Path::new("1/2")),
        ("KNOWN_FAILURES", empty),
        ("ARGUMENTS", Path::new("--environment china --jobs 1")),
    ];
    let text = format!("{}\n{}", step("Install"), step("Run the suite"));
    let done = script(folder.path(), &text, &variables);
    assert_eq!(done.code, Some(0), "{done}");
    let read = |path: &Path| fs::read_to_string(path).expect("the file is written");
    let programs = fs::canonicalize(programs).expect("the folder is there");
    assert_eq!(read(&path), format!("{}\n", programs.display()));
    let results = at("entra-conformance/results.json");
    assert_eq!(read(&output), format!("json={}\n", results.display()));
    assert!(results.is_file());
    let summary = read(&summary);
    assert!(summary.contains("2 cases in "), "{summary}");
    assert!(summary.contains("shard 1/2"), "{summary}");
}

#[test]
fn a_summary_names_the_causes_of_failures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A connector that ends at once.
    let text = "entra-conformance run --connector false --jobs 1 --environment china \
                --summary summary.md || true";
    let done = script(folder.path(), text, &[]);
    let summary = fs::read_to_string(folder.path().join("summary.md"));
    let summary = summary.expect("the summary is written");
    assert!(summary.contains("not as expected"), "{summary}\n{done}");
}
