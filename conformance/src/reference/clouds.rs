//! The national clouds, as Microsoft documents them.
//!
//! Source: learn.microsoft.com/graph/deployments and entra/identity-platform/authentication-national-cloud.

use super::problem::Problem;
use crate::case::Category;

/// A national cloud.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Cloud {
    /// The root of the authority, `https://…`.
    pub(super) authority: String,
    /// The root of Graph, `https://…`.
    pub(super) graph: String,
    /// The resource of tokens for Graph: always Microsoft's own name.
    pub(super) resource: &'static str,
    /// Hosts at which keys and issuers of this cloud may be.
    pub(super) trusted_hosts: &'static [&'static str],
    /// Whether Graph tells what changed in a mail folder.
    ///
    /// Source: learn.microsoft.com/graph/api/message-delta, "Availability".
    pub(super) has_message_delta: bool,
}

impl Cloud {
    /// The cloud of an environment; Office 365 where the user picked none.
    pub(super) fn of(environment: Option<&str>) -> Result<Self, Problem> {
        let row = ROWS
            .iter()
            .find(|row| row.slug == environment.unwrap_or(DEFAULT))
            .ok_or_else(|| {
                let known: Vec<_> = ROWS.iter().map(|row| row.slug).collect();
                Problem::new(
                    Category::InvalidConfiguration,
                    format!(
                        "environment '{}' is unknown: pick one of {}",
                        environment.unwrap_or_default(),
                        known.join(", ")
                    ),
                )
            })?;
        Ok(Self {
            authority: format!("https://{}", row.login),
            graph: row.graph.to_owned(),
            resource: row.graph,
            trusted_hosts: row.trusted,
            has_message_delta: row.slug != "china",
        })
    }
}

/// Whether an address is at a login host of any cloud.
pub(super) fn is_login(address: &str) -> bool {
    let mut hosts = ROWS.iter().flat_map(|row| row.trusted);
    hosts.any(|host| address.starts_with(&format!("https://{host}/")))
}

struct Row {
    slug: &'static str,
    login: &'static str,
    graph: &'static str,
    trusted: &'static [&'static str],
}

const DEFAULT: &str = "office365";

const ROWS: [Row; 4] = [
    Row {
        slug: "office365",
        login: "login.microsoftonline.com",
        graph: "https://graph.microsoft.com",
        trusted: &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
        ],
    },
    Row {
        slug: "us-gov-l4",
        login: "login.microsoftonline.us",
        graph: "https://graph.microsoft.us",
        trusted: &["login.microsoftonline.us"],
    },
    Row {
        slug: "us-gov-l5",
        login: "login.microsoftonline.us",
        graph: "https://dod-graph.microsoft.us",
        trusted: &["login.microsoftonline.us"],
    },
    Row {
        slug: "china",
        login: "login.chinacloudapi.cn",
        graph: "https://microsoftgraph.chinacloudapi.cn",
        trusted: &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
    },
];
