//! The service behind a path, and the words of its refusals.
//!
//! Rows of `data/graph-services.csv` and `data/graph-voices.csv`, which names the sources.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::StatusCode;
use serde::Deserialize;

use super::route::Route;
use crate::environment::Environment;
use crate::graph::error::{GraphError, Service};

/// How a service behind Graph speaks.
#[derive(Debug, Deserialize)]
pub(super) struct Voice {
    pub(super) service: String,
    not_found: String,
    not_found_text: String,
    denied: String,
    denied_text: String,
}

impl Voice {
    /// The voice of a path: that of its root, unless the name below it has another.
    pub(super) fn of(route: &Route) -> &'static Self {
        let root = route.steps.first().map_or("", |it| it.name);
        let below = route.steps.get(1).map_or("", |it| it.name);
        Self::named(root, below)
    }

    /// The voice of what is below a root.
    pub(super) fn named(root: &str, below: &str) -> &'static Self {
        // Below people, groups and sites, a name decides; elsewhere the root does.
        let shared = matches!(root, "me" | "users" | "groups" | "sites");
        let service = [
            (root, below),
            ("*", if shared { below } else { "" }),
            (root, ""),
            ("*", ""),
        ]
        .into_iter()
        .filter(|(root, below)| *root != "*" || !below.is_empty())
        .find_map(|(root, below)| SERVICES.get(&(root.to_owned(), below.to_owned())))
        .map_or("gateway", String::as_str);
        VOICES
            .iter()
            .find(|it| it.service == service)
            .unwrap_or(&VOICES[0])
    }

    /// Who writes its errors and headers.
    pub(super) fn service(&self) -> Service {
        match self.service.as_str() {
            "directory" | "reporting" => Service::Directory,
            "exchange" => Service::Exchange,
            _ => Service::Gateway,
        }
    }

    /// Whether it is SharePoint.
    pub(super) fn is_sharepoint(&self) -> bool {
        self.service == "sharepoint"
    }

    /// Whether it is Teams.
    pub(super) fn is_teams(&self) -> bool {
        self.service == "teams"
    }

    /// The origin of the addresses that it writes into `Location`. Source: pnp/pnpcore, MockData of
    /// ChatTests (2022). Unverified: Teams in other clouds, taken to name the Graph addressed.
    pub(super) fn origin<'a>(&self, environment: Environment, addressed: &'a str) -> &'a str {
        if self.is_teams() && environment == Environment::Office365 {
            "https://teamsgraph.teams.microsoft.com"
        } else {
            addressed
        }
    }

    /// Whether it is the directory.
    pub(super) fn is_directory(&self) -> bool {
        self.service == "directory"
    }

    /// There is nothing with this id.
    pub(super) fn not_found(&self, id: &str) -> GraphError {
        GraphError::new(
            StatusCode::NOT_FOUND,
            self.not_found.clone(),
            self.not_found_text.replace("{id}", id),
        )
    }

    /// There is nothing with this id in a collection. A site may be named by its host.
    /// Source: pnp/pnpcore, MockData of ExceptionTests (2021).
    pub(super) fn not_found_in(&self, collection: &str, id: &str) -> GraphError {
        if collection == "sites" && id.contains('.') && !id.contains(',') {
            return GraphError::new(
                StatusCode::BAD_REQUEST,
                "invalidRequest",
                "Invalid hostname for this tenancy",
            );
        }
        self.not_found(id)
    }

    /// The token does not have what is needed.
    pub(super) fn denied(&self, needed: &str, held: &str) -> GraphError {
        let text = self
            .denied_text
            .replace("{needed}", needed)
            .replace("{held}", held);
        GraphError::new(StatusCode::FORBIDDEN, self.denied.clone(), text)
    }
}

/// A refusal of a segment that is not there, in the words of the service that reads it: below
/// mail, calendars and contacts that is Exchange.
///
/// Source: allodia-eu/email-calendar-sync-engine, docs/agent-guidance/graph.md (`photos` of a
/// contact).
pub(super) fn spoken(segments: &[String], refusal: GraphError) -> GraphError {
    let below = match segments
        .first()
        .map(|it| it.to_ascii_lowercase())
        .as_deref()
    {
        Some("me") => segments.get(1),
        Some("users") => segments.get(2),
        _ => None,
    };
    let exchange = below.is_some_and(|below| {
        let named = SERVICES.keys().find(|(root, name)| {
            root == "*" && !name.is_empty() && name.eq_ignore_ascii_case(below)
        });
        named.is_some_and(|(_, name)| Voice::named("me", name).service == "exchange")
    });
    if exchange {
        GraphError::parse_uri(refusal.message)
    } else {
        refusal
    }
}

#[derive(Deserialize)]
struct Row {
    root: String,
    below: String,
    service: String,
}

static SERVICES: LazyLock<HashMap<(String, String), String>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-services.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/graph-services.csv fits its types"))
        .map(|row| ((row.root, row.below), row.service))
        .collect()
});

static VOICES: LazyLock<Vec<Voice>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-voices.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Voice, _>| row.expect("data/graph-voices.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_voice_and_every_root_exists() {
        for ((root, _), service) in SERVICES.iter() {
            assert!(VOICES.iter().any(|it| it.service == *service), "{service}");
            let known = crate::model::Root::all().any(|it| it.name() == root);
            assert!(root == "*" || known, "{root}");
        }
    }
}
