//! Folders of a mailbox, and the ones that each has.

use serde::{Deserialize, Serialize};

use super::Properties;

/// A folder, calendar or contact folder.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Folder {
    /// The key.
    pub key: u64,
    /// The folder in which it lies; none at the root.
    pub parent: Option<u64>,
    /// Of what.
    pub kind: FolderKind,
    /// The name that people see.
    pub name: String,
    /// The fixed role, if it has one.
    pub well_known: Option<WellKnown>,
    /// Not shown unless asked for.
    pub hidden: bool,
    /// The color of a calendar.
    pub color: String,
    /// The state.
    pub change: u64,
    /// Extended properties.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub extended: Properties,
    /// What it finds, if it shows messages of other folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// What a folder finds in others.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Search {
    /// The folders in which it looks, by key.
    pub folders: Vec<u64>,
    /// Whether it looks into those that lie in them.
    pub nested: bool,
    /// The filter, as OData has it.
    pub filter: String,
}

/// What lies in a folder.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FolderKind {
    /// Events.
    Calendar,
    /// Calendars.
    CalendarGroup,
    /// Contacts.
    Contact,
    /// Messages.
    Mail,
}

/// The folders that every mailbox has.
///
/// Source: learn.microsoft.com/graph/api/resources/mailfolder, "Well-known folder names".
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum WellKnown {
    Archive,
    Calendar,
    Contacts,
    ConversationHistory,
    DeletedItems,
    Drafts,
    Inbox,
    JunkEmail,
    Outbox,
    RecoverableItemsDeletions,
    Root,
    SearchFolders,
    SentItems,
}

impl WellKnown {
    /// The role that a well-known name means, in any case.
    pub fn of_mail_folder(name: &str) -> Option<Self> {
        MAIL_FOLDERS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, role)| *role)
    }

    /// The well-known names of mail folders.
    pub fn mail_folder_names() -> impl Iterator<Item = &'static str> + Clone {
        MAIL_FOLDERS.iter().map(|(name, _)| *name)
    }
}

const MAIL_FOLDERS: [(&str, WellKnown); 11] = [
    ("archive", WellKnown::Archive),
    ("conversationhistory", WellKnown::ConversationHistory),
    ("deleteditems", WellKnown::DeletedItems),
    ("drafts", WellKnown::Drafts),
    ("inbox", WellKnown::Inbox),
    ("junkemail", WellKnown::JunkEmail),
    ("msgfolderroot", WellKnown::Root),
    ("outbox", WellKnown::Outbox),
    (
        "recoverableitemsdeletions",
        WellKnown::RecoverableItemsDeletions,
    ),
    ("searchfolders", WellKnown::SearchFolders),
    ("sentitems", WellKnown::SentItems),
];
