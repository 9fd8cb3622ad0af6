//! The control API against its own OpenAPI document: schemathesis makes requests that fit it and
//! requests that do not, and compares the answers with it.

use std::process::Command;
use std::time::Duration;

use entra_black_box::{Server, python, run_within};

#[test]
fn the_control_api_answers_as_its_document_says() {
    let server = Server::start(&[]);
    let control = server.get("/control");
    let report = tempfile::tempdir().expect("a temporary folder");
    let config = report.path().join("schemathesis.toml");
    std::fs::write(&config, NAMES).expect("the file is written");
    let finished = run_within(
        Command::new(python().with_file_name("schemathesis"))
            .current_dir(report.path())
            .arg("--config-file")
            .arg(&config)
            .args(["run", &format!("{control}/api/v1/openapi.json")])
            // A stream has no end, and waiting is tested elsewhere.
            .args(["--exclude-path", "/api/v1/journal/follow"])
            .args(["--exclude-path", "/api/v1/journal/wait"])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--checks", CHECKS])
            .args(["--max-examples", "20", "--seed", "1", "--no-color"])
            .args(["--max-time", "60", "--request-timeout", "20"])
            .args(["--suppress-health-check", "all", "--continue-on-failure"]),
        Duration::from_mins(3),
    );
    assert_eq!(finished.code, Some(0), "{finished}");
    // "3500 generated, 3500 passed": it tried more than a few.
    let generated = finished
        .stdout
        .split_once(" generated,")
        .and_then(|(before, _)| before.split_whitespace().last()?.parse::<u32>().ok());
    assert!(generated.is_some_and(|it| it > 100), "{finished}");
}

/// Names that exist, so that requests get beyond the first look; but what deletes a tenant is to
/// leave this one.
const NAMES: &str = r#"
[parameters]
"path.tenant" = "contosogov.onmicrosoft.us"
"path.user" = "alice"
"path.app" = "own-app"

[[operations]]
include-name = "DELETE /api/v1/tenants/{tenant}"
parameters = { "path.tenant" = "contosodod.onmicrosoft.us" }
"#;

/// All that the document promises. Requests that do not fit it may be taken all the same where
/// the document can't say what fits: names of users, amounts of time.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method";
