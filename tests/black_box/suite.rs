//! The suite drives connectors as users run it: the reference and Microsoft's own clients.

use std::fs;
use std::process::Command;
use std::time::Duration;

use entra_black_box::{Finished, node, program, python, root, run_within};
use serde_json::Value;

fn suite(arguments: &[&str]) -> Finished {
    let mut command = Command::new(program("entra-conformance"));
    command.current_dir(root()).args(arguments);
    run_within(&mut command, Duration::from_mins(8))
}

/// The cases of a run that passed, and that did not, by its JSON report.
fn counts(report: &std::path::Path) -> (usize, Vec<String>) {
    let text = fs::read_to_string(report).expect("the report is written");
    let report: Value = serde_json::from_str(&text).expect("the report is JSON");
    let cases = report["cases"].as_array().expect("a list of cases");
    let (passed, other): (Vec<&Value>, Vec<&Value>) =
        cases.iter().partition(|case| case["outcome"] == "pass");
    let other = other
        .into_iter()
        .filter(|case| case["outcome"] != "skip")
        .map(|case| format!("{} {}", case["id"], case["outcome"]))
        .collect();
    (passed.len(), other)
}

fn assert_passes(connector: &[&str], filters: &[&str], at_least: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = folder.path().join("report.json");
    let junit = folder.path().join("report.xml");
    let mut arguments = vec!["run", "--json", json.to_str().expect("UTF-8"), "--junit"];
    arguments.push(junit.to_str().expect("UTF-8"));
    for filter in filters {
        arguments.extend(["--filter", filter]);
    }
    arguments.extend(connector);
    let finished = suite(&arguments);
    assert_eq!(finished.code, Some(0), "{finished}");
    let (passed, other) = counts(&json);
    assert!(other.is_empty(), "{other:?}");
    assert!(passed >= at_least, "only {passed} cases passed: {finished}");
    let junit = fs::read_to_string(junit).expect("the JUnit report is written");
    assert!(
        junit.contains("<testsuites") && junit.contains("failures=\"0\""),
        "{junit}"
    );
}

#[test]
fn the_reference_connector_passes_every_case() {
    assert_passes(&[], &[], 480);
}

#[test]
fn the_reference_connector_for_files_passes_its_cases() {
    assert_passes(
        &[
            "--connector",
            "reference:files",
            "--environment",
            "office365",
        ],
        &[
            "files/**",
            "consent/**",
            "triggers/**",
            "permissions/**",
            "tokens/**",
            "transport/**",
        ],
        180,
    );
}

#[test]
fn msal_for_python_passes_happy_paths_and_environments() {
    let driver = root().join("conformance/drivers/msal-python/driver.py");
    let connector = format!("'{}' '{}'", python().display(), driver.display());
    assert_passes(
        &["--connector", &connector],
        &["auth/happy/**", "environments/**"],
        88,
    );
}

#[test]
fn msal_for_node_passes_happy_paths_and_environments_isolated() {
    let driver = root().join("conformance/drivers/msal-node/driver.mjs");
    let connector = format!("{} '{}'", node().display(), driver.display());
    assert_passes(
        &["--isolated", "--connector", &connector],
        &["auth/happy/**", "environments/**"],
        88,
    );
}

#[test]
fn a_driver_that_cannot_be_started_is_told_once() {
    let finished = suite(&[
        "run",
        "--filter",
        "auth/happy/**",
        "--connector",
        "no-such-driver",
    ]);
    assert_eq!(finished.code, Some(3), "{finished}");
    let told = finished.to_string();
    assert_eq!(
        told.matches("cannot run the connector 'no-such-driver'")
            .count(),
        1,
        "{finished}"
    );
}

#[test]
fn a_case_is_found_by_a_code_and_by_words() {
    let inactive = "refresh/inactive-for-90-days";
    for arguments in [["--aadsts", "700082"], ["--search", "nobody 90 DAYS"]] {
        let found = suite(&["list", arguments[0], arguments[1]]);
        assert_eq!(found.code, Some(0), "{found}");
        assert!(found.stdout.starts_with(inactive), "{found}");
        assert_eq!(found.stdout.lines().count(), 1, "{found}");
    }
    let meaning = suite(&["list", "--aadsts", "AADSTS700082"]).stderr;
    assert!(meaning.contains("due to inactivity"), "{meaning}");
    let unknown = suite(&["list", "--aadsts", "1"]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
    let nowhere = suite(&["list", "--search", "zeppelin"]);
    assert_eq!(nowhere.code, Some(4), "{nowhere}");
    assert!(nowhere.stderr.contains("'zeppelin'"), "{nowhere}");
    let mutants = suite(&["list", "--mutants", "--search", "certificate"]);
    assert!(
        mutants.stdout.starts_with("accepts-any-certificate "),
        "{mutants}"
    );
}

#[test]
fn a_case_is_explained_with_its_document() {
    let case = "auth/happy/connect[auth=own-app,environment=china]";
    let finished = suite(&["explain", case]);
    assert_eq!(finished.code, Some(0), "{finished}");
    assert!(finished.stdout.contains("connector guide"), "{finished}");
    let rule = "token-requests-go-to-the-login-host";
    assert!(!finished.stdout.contains(rule), "{finished}");
    let with_rules = suite(&["explain", case, "--rules"]);
    assert!(with_rules.stdout.contains(rule), "{with_rules}");
    let listed = suite(&["list", "--filter", "auth/happy/connect"]);
    assert!(listed.stdout.contains(case), "{listed}");
}
