//! The consent policy that Microsoft keeps: `microsoft-user-default-recommended`.
//!
//! `data/managed-consent.csv` has the permissions to which users may not consent,
//! `data/managed-consent-apps.csv` the mail clients to which they may all the same.
//! Source: learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::directory::ApplicationId;

/// Whether users may not consent to a permission of an API.
pub(super) fn is_kept_back(resource: ApplicationId, scope: &str) -> bool {
    PERMISSIONS.contains(&(resource, scope.to_ascii_lowercase()))
}

/// Whether users may consent to everything that the app asks for.
pub(super) fn is_excepted(app: ApplicationId) -> bool {
    APPS.contains(&app)
}

#[derive(Debug, Deserialize)]
struct Row {
    resource: ApplicationId,
    permission: String,
}

#[derive(Debug, Deserialize)]
struct App {
    app: ApplicationId,
}

static PERMISSIONS: LazyLock<HashSet<(ApplicationId, String)>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/managed-consent.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/managed-consent.csv fits its types"))
        .map(|row| (row.resource, row.permission.to_ascii_lowercase()))
        .collect()
});

static APPS: LazyLock<HashSet<ApplicationId>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/managed-consent-apps.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<App, _>| row.expect("data/managed-consent-apps.csv fits its types"))
        .map(|row| row.app)
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::GRAPH_APPLICATION_ID;
    use crate::permission::{Permission, PermissionKind};

    #[test]
    fn mail_is_kept_back_and_signing_in_is_not() {
        let graph = GRAPH_APPLICATION_ID.parse().unwrap();
        assert!(is_kept_back(graph, "mail.read") && is_kept_back(graph, "Calendars.ReadWrite"));
        assert!(!is_kept_back(graph, "User.Read") && !is_kept_back(graph, "openid"));
        assert!(is_excepted(
            "9e5f94bc-e8a4-4e73-b8be-63364c29d753".parse().unwrap()
        ));
    }

    #[test]
    fn what_is_kept_back_of_graph_are_permissions_of_graph() {
        let graph: ApplicationId = GRAPH_APPLICATION_ID.parse().unwrap();
        for (resource, permission) in PERMISSIONS.iter() {
            let known = Permission::find(permission, PermissionKind::Delegated);
            assert!(*resource != graph || known.is_some(), "{permission}");
        }
    }
}
