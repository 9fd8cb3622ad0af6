//! The report as a single HTML page that needs no network.

use maud::{DOCTYPE, Markup, html};

use super::results::Results;

/// The whole page.
pub(super) fn page(results: &Results) -> String {
    let body: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Conformance of " (results.run.connector) } }
            body { h1 { (results.run.connector) } }
        }
    };
    body.into_string()
}
