//! The dashboard in headless Chromium: each button does what it says, it is live, it can be used by
//! everybody, and no other page can use the control port.

use std::process::Command;
use std::time::Duration;

use entra_black_box::{Server, node, program, root, run, run_within};
use serde_json::{Value, json};

#[test]
fn a_qa_engineer_works_with_the_dashboard() {
    let server = Server::start(&[]);
    let folder = root().join("target/screenshots/dashboard");
    let result = run_within(
        Command::new(node())
            .arg(root().join("tests/clients/node/dashboard.mjs"))
            .arg(server.ready_file())
            .arg(&folder)
            .env("NODE_EXTRA_CA_CERTS", server.get("/ca_file")),
        Duration::from_mins(5),
    )
    .json();
    let checked = result["checked"].as_array().map(Vec::len);
    assert_eq!(checked, Some(23), "{result}");

    // What was recorded can be replayed.
    let replayed = run(Command::new(program("entra-conformance"))
        .arg("replay")
        .arg(folder.join("recorded.yaml")));
    assert_eq!(replayed.code, Some(0), "{replayed}");
}

#[test]
fn the_dashboard_shows_the_journal_of_the_mock_that_runs_now() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let result = run(Command::new(node())
        .arg(root().join("tests/clients/node/dashboard_restart.mjs"))
        .arg(program("entra-mock"))
        .arg(folder.path()))
    .json();
    let before = json!(["1 disable-user", "2 enable-user"]);
    let after = json!([
        "1 revoke-sessions",
        "2 revoke-sessions",
        "3 revoke-sessions"
    ]);
    assert_eq!(result, json!({"before": before, "after": after}));
}

#[test]
fn no_other_page_reads_or_changes_anything_on_the_control_port() {
    let server = Server::start(&[]);
    let result = run(Command::new(node())
        .arg(root().join("tests/clients/node/dashboard_safety.mjs"))
        .arg(server.ready_file()))
    .json();

    // Nothing happened.
    assert_eq!(result["alice"], true, "{result}");
    assert_eq!(result["happened"], json!([]), "{result}");
    // Nothing was read: a page of another origin is told of an error, or of nothing at all.
    for (attempt, came) in result["foreign"].as_object().expect("attempts") {
        let opaque = came["type"] == "opaque" && came["text"] == "";
        let refused = came == "error" || came["error"].is_string();
        assert!(opaque || refused, "{attempt}: {came}");
    }
    // A page under a rebound name has the control port as its own origin, and is refused there.
    for (attempt, came) in result["rebound"].as_object().expect("attempts") {
        let text = came["text"].as_str().unwrap_or_default();
        let refused = came == "error" || came["error"].is_string() || came["status"] == 403;
        assert!(
            refused && !text.contains("environments"),
            "{attempt}: {came}"
        );
    }
    assert_eq!(result["reboundPage"], 403, "{result}");
    assert_eq!(result["frame"], false, "{result}");
    assert_eq!(result["form"], 403, "{result}");
    for (host, statuses) in result["hosts"].as_object().expect("hosts") {
        for status in statuses.as_array().expect("two") {
            let status = status.as_u64().unwrap_or_default();
            assert!([400, 403].contains(&status), "{host}: {statuses}");
        }
    }
    // A person's link leads to the dashboard.
    assert!(
        result["link"]
            .as_str()
            .is_some_and(|it| it.contains("entra-mock")),
        "{result}"
    );
    assert_eq!(result["own"], Value::from(200), "{result}");
}
