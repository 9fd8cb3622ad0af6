mod canary;
mod concurrency;
mod consequence;
mod dashboard;
mod http;

use std::collections::BTreeSet;

use super::openapi;

/// `entra-mock`'s document as it is checked in, for people and for clients made from it.
const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

/// Where the document is written if it has changed.
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/openapi.json");

#[test]
fn the_openapi_document_is_the_one_that_is_checked_in() {
    let made = serde_json::to_string_pretty(openapi()).unwrap() + "\n";
    let kept = std::fs::read_to_string(CHECKED_IN).unwrap_or_default();
    if made != kept {
        std::fs::write(MADE, &made).unwrap();
        panic!("the control API has changed: look at {MADE} and copy it to {CHECKED_IN}");
    }
}

#[test]
fn everything_in_the_document_is_described() {
    let document = openapi();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} occurs twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert_ne!(parameter["description"], "", "{method} {path}: {parameter}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert_ne!(response["description"], "", "{method} {path}: {status}");
            }
        }
    }
    assert!(ids.len() > 25, "{ids:?}");
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(!document["components"]["schemas"][name].is_null(), "{name}");
    }
}
