//! Who answers behind the gateway. Each service writes its errors, and what caches may do with
//! its answers, in its own way.
//!
//! Rows of `data/graph-errors.csv`, each with its source.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::graph::endpoint::Workload;

/// The services behind Graph.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    /// Users, groups, apps, policies.
    Directory,
    /// Drives and their items.
    Drives,
    /// Mail, calendars, contacts, mailbox settings.
    Exchange,
    /// Graph's own front.
    #[default]
    Gateway,
}

/// A row: a code, or the beginning of codes with a star after it.
#[derive(Debug, Deserialize)]
struct Row {
    code: String,
    service: Service,
    message: String,
}

impl Service {
    /// The service that gives an error code; none where several give it.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        row(code).map(|row| row.service)
    }

    /// Whether the error body has `innerError`.
    ///
    /// Source: Azure/azure-cli#28628, n8n-io/n8n#23132, motze92/office365-mail#39: Exchange's
    /// errors have `code` and `message` only.
    pub(crate) fn has_inner_error(self) -> bool {
        self != Self::Exchange
    }

    /// `Cache-Control` of its answers.
    ///
    /// Source: microsoftgraph/msgraph-sdk-java#39, microsoftgraph/msgraph-sdk-powershell#3567
    /// (Exchange); azurekid/ScEntra#13 (the directory); pnp/pnpcore, MockData of drives and of
    /// permissions (drives).
    pub(crate) fn cache_control(self) -> &'static str {
        match self {
            Self::Directory | Self::Gateway => "no-cache",
            Self::Drives => "no-store, no-cache",
            Self::Exchange => "private",
        }
    }
}

impl From<Workload> for Service {
    fn from(workload: Workload) -> Self {
        match workload {
            Workload::Directory => Self::Directory,
            Workload::Mailbox => Self::Exchange,
        }
    }
}

/// What the service usually says with a code, if it is known.
pub(crate) fn usual_message(code: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|row| row.code == code)?;
    Some(row.message.as_str()).filter(|message| !message.is_empty())
}

/// The row of a code: the one with the whole code before one with its beginning.
fn row(code: &str) -> Option<&'static Row> {
    let whole = ROWS.iter().find(|row| row.code == code);
    whole.or_else(|| {
        ROWS.iter().find(|row| {
            row.code
                .strip_suffix('*')
                .is_some_and(|start| code.starts_with(start))
        })
    })
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    // The file is part of the program; a test reads it.
    csv::Reader::from_reader(include_str!("../../../data/graph-errors.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/graph-errors.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_services_whole_or_by_its_beginning() {
        for (code, service) in [
            ("ErrorItemNotFound", Some(Service::Exchange)),
            ("ErrorNobodyKnows", Some(Service::Exchange)),
            ("ErrorInvalidImageId", Some(Service::Gateway)),
            ("Request_ResourceNotFound", Some(Service::Directory)),
            ("RequestBodyRead", None),
        ] {
            assert_eq!(Service::of_code(code), service, "{code}");
        }
        assert_eq!(usual_message("BadRequest"), None);
        assert!(usual_message("ErrorRestrictionTooComplex").is_some_and(|it| it.contains("table")));
    }
}
