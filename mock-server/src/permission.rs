//! The permissions of Microsoft Graph: names, ids, and who may consent.
//!
//! Rows of `data/permissions.csv`. Source: microsoftgraph/microsoft-graph-devx-content,
//! permissions/permissions-descriptions.json and permissions/new/permissions.json.
//! Unverified: the ids of permissions for which none is published; they are made from the names.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use uuid::Uuid;

/// Delegated permission (scope) or application permission (app role).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum PermissionKind {
    /// The app acts as itself.
    Application,
    /// The app acts for a user.
    Delegated,
}

/// A permission of Microsoft Graph.
#[derive(Debug)]
pub struct Permission {
    /// The name, such as `Mail.Read`.
    pub name: String,
    /// Delegated or application.
    pub kind: PermissionKind,
    /// The id of the scope or the app role.
    pub id: Uuid,
    /// Whether only an administrator may consent; application permissions always need one.
    pub admin_only: bool,
    /// What a consent page says.
    pub meaning: String,
}

impl Permission {
    /// The permission with this name (any case) and kind.
    pub fn find(name: &str, kind: PermissionKind) -> Option<&'static Self> {
        TABLE
            .by_name
            .get(&(name.to_ascii_lowercase(), kind))
            .map(|index| &TABLE.rows[*index])
    }

    /// The permission with this id and kind.
    pub fn find_by_id(id: Uuid, kind: PermissionKind) -> Option<&'static Self> {
        TABLE
            .rows
            .iter()
            .find(|row| row.id == id && row.kind == kind)
    }

    /// All permissions of Microsoft Graph, in the order of the table.
    pub fn all() -> &'static [Self] {
        &TABLE.rows
    }
}

/// The OpenID Connect scopes, which are permissions of Microsoft Graph in the records of consent.
pub const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

struct Table {
    rows: Vec<Permission>,
    by_name: HashMap<(String, PermissionKind), usize>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    kind: PermissionKind,
    id: Option<Uuid>,
    admin_consent_required: String,
    meaning: String,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("../data/permissions.csv").as_bytes());
    let rows: Vec<Permission> = reader
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/permissions.csv fits its types"))
        .map(|row| Permission {
            admin_only: row.kind == PermissionKind::Application
                || row.admin_consent_required == "true",
            id: row.id.unwrap_or_else(|| made_of(&row.name, row.kind)),
            name: row.name,
            kind: row.kind,
            meaning: row.meaning,
        })
        .collect();
    let by_name = rows
        .iter()
        .enumerate()
        .map(|(index, row)| ((row.name.to_ascii_lowercase(), row.kind), index))
        .collect();
    Table { rows, by_name }
});

/// An id that is always the same for the same permission.
fn made_of(name: &str, kind: PermissionKind) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{name} {kind:?}").as_bytes())
}

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
            let found = Permission::find(&it.name, it.kind).unwrap();
            assert_eq!(found.id, it.id, "{} is there twice", it.name);
        }
    }
}
