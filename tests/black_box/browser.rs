//! A person at the pages: headless Chromium.

use std::process::Command;

use entra_black_box::{Server, node, root, run};
use serde_json::json;

#[test]
fn a_person_signs_in_with_a_browser() {
    let server = Server::start(&[]);
    let screenshots = root().join("target/screenshots");
    let result = run(Command::new(node())
        .arg(root().join("tests/clients/node/browser_sign_in.mjs"))
        .arg(server.get("/proxy"))
        .arg(server.ready_file())
        .arg(&screenshots))
    .json();

    assert_eq!(result["console"], json!([]), "{result}");
    assert_eq!(result["declined"]["error"], "access_denied", "{result}");
    assert_eq!(result["declined"]["state"], "state of decline", "{result}");
    for name in ["accept", "phone"] {
        let landed = if name == "accept" {
            &result["accepted"]
        } else {
            &result["phone"]
        };
        assert!(
            landed["code"].as_str().is_some_and(|code| code.len() > 100),
            "{result}"
        );
        assert_eq!(landed["state"], format!("state of {name}"), "{result}");
    }
    assert_eq!(result["needsAdmin"], json!(null), "{result}");
    let pages = result["pages"].as_array().expect("a list of pages");
    for page in [
        "decline/1-user: sign-in",
        "decline/2-wrong-password: password",
        "decline/3-after-password: consent",
        "admin-needed/3-after-password: approval-required",
    ] {
        assert!(pages.contains(&json!(page)), "{page} is not among {result}");
    }
    assert!(screenshots.join("accept-3-after-password.png").is_file());
}
