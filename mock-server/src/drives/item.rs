//! An item of a drive: a file, a folder, or the root.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blob::Blob;
use super::id;
use crate::directory::{ApplicationId, ObjectId};

/// Who did something: a person, an app, or both. Neither is the system.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Identity {
    /// The person.
    pub(crate) user: Option<ObjectId>,
    /// The app.
    pub(crate) app: Option<ApplicationId>,
}

/// An item.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// The GUID behind the id.
    pub(crate) id: Uuid,
    /// The folder; none for the root.
    pub(crate) parent: Option<Uuid>,
    /// The name, as it was written.
    pub(crate) name: String,
    /// What a client wrote about it.
    pub(crate) description: Option<String>,
    /// When the service made it.
    pub(crate) created: Timestamp,
    /// When it was last changed, as clients may set it.
    pub(crate) modified: Timestamp,
    /// When it came to be, as clients may set it.
    pub(crate) file_created: Timestamp,
    /// Who made it.
    pub(crate) created_by: Identity,
    /// Who changed it last.
    pub(crate) modified_by: Identity,
    /// The number in `eTag`.
    pub(crate) version: u32,
    /// The number in `cTag`.
    pub(crate) content_version: u32,
    /// The number of its last change in the drive.
    pub(crate) sequence: u64,
    /// The bytes; of a folder, those of all that is in it.
    pub(crate) size: u64,
    /// The content; none for a folder.
    pub(crate) content: Option<Blob>,
    /// Earlier contents, oldest first.
    pub(crate) versions: Vec<Version>,
    /// Who may do what, beside the owner.
    pub(crate) permissions: Vec<Permission>,
    /// Who has checked it out.
    pub(crate) checked_out: Option<Identity>,
    /// The number in the library's list; the root has none.
    #[serde(default)]
    pub(crate) row: u32,
    /// What the columns of the library's list have.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub(crate) fields: super::list::Fields,
    /// The content type in the library's list, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
}

/// An earlier content.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    /// The number before the point.
    pub(crate) number: u32,
    /// When it was written.
    pub(crate) modified: Timestamp,
    /// Who wrote it.
    pub(crate) modified_by: Identity,
    /// The content.
    pub(crate) content: Blob,
}

/// A right in an item and what is in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permission {
    /// The id.
    pub(crate) id: String,
    /// `read`, `write`, `owner`.
    pub(crate) roles: Vec<String>,
    /// The people who have it.
    pub(crate) people: Vec<ObjectId>,
    /// The link, if it is one.
    pub(crate) link: Option<Link>,
    /// The address of somebody outside of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outsider: Option<String>,
    /// When the people lose it; a link has an end of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
}

impl Permission {
    /// A right of people, or of nobody so far.
    pub(crate) fn new(id: String, roles: Vec<String>, people: Vec<ObjectId>) -> Self {
        Self {
            id,
            roles,
            people,
            link: None,
            outsider: None,
            expires: None,
        }
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        let end = self.link.as_ref().map_or(self.expires, |it| it.expires);
        end.is_some_and(|it| it <= now)
    }

    /// Whether who has it may change things.
    pub(crate) fn writes(&self) -> bool {
        self.roles.iter().any(|role| role != "read")
    }
}

/// A sharing link.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// `view` or `edit`.
    pub(crate) kind: String,
    /// `anonymous`, `organization` or `users`.
    pub(crate) scope: String,
    /// The address.
    pub(crate) url: String,
    /// Whether it has a password.
    pub(crate) has_password: bool,
    /// When it ends.
    pub(crate) expires: Option<Timestamp>,
}

impl Item {
    /// A new file.
    pub(crate) fn file(id: Uuid, name: &str, content: Blob, by: Identity, now: Timestamp) -> Self {
        let size = content.length();
        Self {
            size,
            content: Some(content),
            content_version: 1,
            ..Self::new(id, name, by, now)
        }
    }

    /// A new item; where and what it is, its maker says.
    pub(crate) fn new(id: Uuid, name: &str, by: Identity, now: Timestamp) -> Self {
        Self {
            id,
            parent: None,
            name: name.to_owned(),
            description: None,
            created: now,
            modified: now,
            file_created: now,
            created_by: by,
            modified_by: by,
            version: 1,
            content_version: 0,
            sequence: 0,
            size: 0,
            content: None,
            versions: Vec::new(),
            permissions: Vec::new(),
            checked_out: None,
            row: 0,
            fields: serde_json::Map::new(),
            content_type: None,
        }
    }

    /// Whether it is a file.
    pub(crate) fn is_file(&self) -> bool {
        self.content.is_some()
    }

    /// Whether it is the root.
    pub(crate) fn is_root(&self) -> bool {
        self.id == id::ROOT
    }

    /// `eTag`. Source: recordings of NangoHQ/integration-templates.
    pub(crate) fn e_tag(&self) -> String {
        format!("\"{{{}}},{}\"", braced(self.id), self.version)
    }

    /// `cTag`, of folders too. Source: recordings of NangoHQ/integration-templates.
    pub(crate) fn c_tag(&self) -> String {
        format!("\"c:{{{}}},{}\"", braced(self.id), self.content_version)
    }
}

/// A GUID as tags have it.
pub(crate) fn braced(id: Uuid) -> String {
    id.to_string().to_uppercase()
}
