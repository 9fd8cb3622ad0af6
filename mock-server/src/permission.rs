//! The permissions of Microsoft Graph and of Exchange Online: names, ids, and who may consent.
//!
//! Rows of `data/permissions.csv`. Source: microsoftgraph/microsoft-graph-devx-content,
//! permissions/permissions-descriptions.json and permissions/new/permissions.json; and of
//! `data/exchange-permissions.csv`, each with its source.
//! Unverified: the ids of permissions for which none is published; they are made from the names.

use serde::Deserialize;
use uuid::Uuid;

use crate::environment::{EXCHANGE_APPLICATION_ID, GRAPH_APPLICATION_ID};

/// Delegated permission (scope) or application permission (app role).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum PermissionKind {
    /// The app acts as itself.
    Application,
    /// The app acts for a user.
    Delegated,
}

impl PermissionKind {
    /// The word for it, as in "application permission".
    pub fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Delegated => "delegated",
        }
    }
}

/// An API of Microsoft's whose permissions are known here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MicrosoftApi {
    /// Microsoft Graph.
    Graph,
    /// Office 365 Exchange Online: IMAP, POP, SMTP and Exchange Web Services.
    Exchange,
}

impl MicrosoftApi {
    /// All of them; a name without an API is looked for in this order.
    pub const ALL: [Self; 2] = [Self::Graph, Self::Exchange];

    /// The application id, the same in each tenant.
    pub fn application_id(self) -> Uuid {
        let text = match self {
            Self::Graph => GRAPH_APPLICATION_ID,
            Self::Exchange => EXCHANGE_APPLICATION_ID,
        };
        // Constants; a test reads them.
        text.parse().expect("application ids are UUIDs")
    }

    /// The API with this application id.
    pub fn of(id: Uuid) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.application_id() == id)
    }

    /// The name that people see.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Graph => "Microsoft Graph",
            Self::Exchange => "Office 365 Exchange Online",
        }
    }

    /// The permission with this name (any case) and kind.
    pub fn find(self, name: &str, kind: PermissionKind) -> Option<&'static Permission> {
        self.table().find(name, kind)
    }

    /// All permissions, in the order of the table.
    pub fn permissions(self) -> &'static [Permission] {
        self.table().rows
    }

    fn table(self) -> &'static Table {
        match self {
            Self::Graph => &GRAPH,
            Self::Exchange => &EXCHANGE,
        }
    }
}

/// A permission of Microsoft Graph or Exchange Online.
#[derive(Debug)]
pub struct Permission {
    /// The name, such as `Mail.Read`.
    pub name: &'static str,
    /// Delegated or application.
    pub kind: PermissionKind,
    /// The id of the scope or the app role.
    pub id: Uuid,
    /// Whether only an administrator may consent; application permissions always need one.
    pub admin_only: bool,
    /// What a consent page says.
    pub meaning: &'static str,
}

impl Permission {
    /// The permission of Microsoft Graph with this name (any case) and kind.
    pub fn find(name: &str, kind: PermissionKind) -> Option<&'static Self> {
        MicrosoftApi::Graph.find(name, kind)
    }

    /// The permission of Microsoft Graph with this id and kind.
    pub fn find_by_id(id: Uuid, kind: PermissionKind) -> Option<&'static Self> {
        GRAPH
            .rows
            .iter()
            .find(|row| row.id == id && row.kind == kind)
    }

    /// All permissions of Microsoft Graph, in the order of the table.
    pub fn all() -> &'static [Self] {
        GRAPH.rows
    }
}

/// The OpenID Connect scopes, which are permissions of Microsoft Graph in the records of consent.
pub const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Compiled by `build/permissions.rs`.
struct Table {
    rows: &'static [Permission],
    /// The places of the rows, by their names in lower case and their kinds.
    by_name: &'static [u16],
}

impl Table {
    fn find(&self, name: &str, kind: PermissionKind) -> Option<&'static Permission> {
        let sought = (name.bytes().map(|it| it.to_ascii_lowercase()), kind);
        let at = self.by_name.binary_search_by(|at| {
            let row = &self.rows[usize::from(*at)];
            let found = row.name.bytes().map(|it| it.to_ascii_lowercase());
            found.cmp(sought.0.clone()).then(row.kind.cmp(&sought.1))
        });
        Some(&self.rows[usize::from(self.by_name[at.ok()?])])
    }
}

include!(concat!(env!("OUT_DIR"), "/permissions.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connector_permissions_are_there() {
        let admin = |name| {
            Permission::find(name, PermissionKind::Delegated)
                .unwrap()
                .admin_only
        };
        assert!(!admin("Mail.Read"));
        assert!(!admin("offline_access"));
        assert!(!admin("Calendars.ReadWrite.Shared"));
        assert!(admin("User.Read.All"));
        assert!(
            Permission::find("mail.read", PermissionKind::Application)
                .unwrap()
                .admin_only
        );
        assert!(Permission::find("User.Read", PermissionKind::Application).is_none());
    }

    #[test]
    fn what_exchange_has_is_found_beside_what_graph_has() {
        let role = |name| MicrosoftApi::Exchange.find(name, PermissionKind::Application);
        for name in [
            "IMAP.AccessAsApp",
            "POP.AccessAsApp",
            "SMTP.SendAsApp",
            "full_access_as_app",
        ] {
            assert!(role(name).unwrap().admin_only, "{name}");
            assert!(Permission::find(name, PermissionKind::Application).is_none());
        }
        for api in MicrosoftApi::ALL {
            assert_eq!(MicrosoftApi::of(api.application_id()), Some(api));
        }
    }

    #[test]
    fn each_permission_is_there_once_and_has_an_id_of_its_own() {
        use PermissionKind::{Application, Delegated};
        for (name, kind) in [
            ("CallTranscripts.Read.All", Delegated),
            ("ExternalItem.Read.All", Delegated),
            ("SensitivityLabel.Read", Delegated),
            ("VirtualEvent.Read", Delegated),
            ("ProfilePhoto.Read.All", Delegated),
            ("ProfilePhoto.ReadWrite.All", Application),
            ("AdministrativeUnit.ReadWrite.All", Application),
            ("Device.Read.All", Application),
        ] {
            assert!(Permission::find(name, kind).is_some(), "{name}");
        }
        let mut ids = std::collections::HashSet::new();
        for it in Permission::all() {
            assert!(
                !it.id.is_nil() && ids.insert((it.id, it.kind)),
                "{}",
                it.name
            );
            assert!(!it.meaning.is_empty(), "{}", it.name);
            let found = Permission::find(it.name, it.kind).unwrap();
            assert_eq!(found.id, it.id, "{} is there twice", it.name);
        }
    }
}
