//! The login hosts as clients and people meet them.

use std::process::Command;

use entra_black_box::{Server, isolated, python, root, run};

fn script(name: &str, server: &Server) -> entra_black_box::Finished {
    run(Command::new(python())
        .arg(root().join("tests/clients/python").join(name))
        .arg(server.ready_file()))
}

#[test]
fn every_address_that_people_are_given_opens() {
    let server = Server::start(&[]);
    let finished = script("addresses.py", &server);
    assert_eq!(finished.code, Some(0), "{finished}");
}

#[test]
fn every_address_that_people_are_given_opens_in_isolation() {
    let Some(mut command) = isolated() else {
        return;
    };
    let finished = run(command
        .arg(python())
        .arg(root().join("tests/clients/python/addresses.py")));
    assert_eq!(finished.code, Some(0), "{finished}");
}

#[test]
fn the_issuer_is_the_address_that_was_asked_where_that_is_wanted() {
    let server = Server::start(&["--issuer-as-addressed"]);
    let finished = script("issuer.py", &server);
    assert_eq!(finished.code, Some(0), "{finished}");
    let strict = Server::start(&[]);
    let finished = script("issuer.py", &strict);
    assert_ne!(finished.code, Some(0), "{finished}");
}
