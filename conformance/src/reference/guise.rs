//! What the connector is for: mail, or files.

use std::fmt;
use std::str::FromStr;

use super::named::unknown;
use super::{files, operations};

/// A guise of the reference connector: the same sign-in and tokens, other operations.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Guise {
    /// A connector for `OneDrive` and `SharePoint`.
    Files,
    /// A connector for mail, calendars and contacts.
    #[default]
    Mail,
}

impl Guise {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Files, Self::Mail];

    /// The name, as `--connector reference:NAME` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Mail => "mail",
        }
    }

    /// The operations that the connector has.
    pub(super) fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Files => &files::OPERATIONS,
            Self::Mail => &operations::OPERATIONS,
        }
    }

    /// The features that only one of them has.
    pub(super) fn features(self) -> &'static [&'static str] {
        match self {
            Self::Files => &["upload-sessions"],
            Self::Mail => &["shared-mailbox"],
        }
    }

    /// What is tried out when a connection is made, and what the scopes for it begin with.
    pub(super) fn probe(self) -> (&'static str, &'static str) {
        match self {
            Self::Files => ("list-files", "Files."),
            Self::Mail => ("list-messages", "Mail."),
        }
    }

    /// The application permission that stands for the connector's.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Files => "Files.Read.All",
            Self::Mail => "Mail.Read",
        }
    }
}

impl fmt::Display for Guise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Guise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| unknown("guise", text, &Self::ALL.map(Self::name)))
    }
}
