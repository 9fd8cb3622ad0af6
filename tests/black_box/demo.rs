//! The demonstration, from a shell and by the dashboard's button.

use std::process::Command;

use entra_black_box::{Finished, Server, node, program, root, run};

fn entra_mock(server: &Server, arguments: &[&str]) -> Finished {
    run(Command::new(program("entra-mock"))
        .args(arguments)
        .args(["--control", server.get("/control")]))
}

#[test]
fn the_demo_makes_traffic_that_the_journal_has() {
    let server = Server::start(&[]);
    let demo = entra_mock(&server, &["demo"]);
    assert_eq!(demo.code, Some(0), "{demo}");
    assert!(
        demo.stdout
            .starts_with("alice@contoso.onmicrosoft.com with own-app\n"),
        "{demo}"
    );
    assert_eq!(demo.stdout.matches("\n  mail  ").count(), 3, "{demo}");
    let journal = entra_mock(&server, &["journal", "--client", "own-app"]);
    for expected in [
        "graph.microsoft.com/v1.0/me/messages",
        "login.microsoftonline.com",
    ] {
        assert!(journal.stdout.contains(expected), "{expected}\n{journal}");
    }
}

#[test]
fn the_demo_shows_what_an_event_does_to_a_client() {
    let server = Server::start(&[]);
    let disabled = entra_mock(&server, &["event", "disable-user", "--user", "alice"]);
    assert_eq!(disabled.code, Some(0), "{disabled}");
    let demo = entra_mock(&server, &["demo"]);
    assert_eq!(demo.code, Some(0), "{demo}");
    assert!(demo.stdout.contains("  400  AADSTS50057: "), "{demo}");
}

#[test]
fn a_button_of_the_dashboard_plays_the_demo() {
    let server = Server::start(&[]);
    let result = run(Command::new(node())
        .arg(root().join("tests/clients/node/dashboard_demo.mjs"))
        .arg(server.ready_file()))
    .json();
    assert_eq!(result["entries"], 5, "{result}");
    let toast = result["toast"].as_str().unwrap_or_default();
    assert!(toast.contains("signed in and read 3 messages"), "{result}");
}
