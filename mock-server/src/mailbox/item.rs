//! What lies in a mailbox: messages, events and contacts with what is attached to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Properties;
use super::members::Members;

/// A message, event or contact.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Item {
    /// The key: stays when the item moves.
    pub key: u64,
    /// The folder.
    pub folder: u64,
    /// The state: grows with each change in the mailbox.
    pub change: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed.
    pub modified: Timestamp,
    /// When a message was received: the order of lists.
    pub received: Timestamp,
    /// Whether a message was read.
    pub read: bool,
    /// Whether a message or event is not yet sent.
    pub draft: bool,
    /// The conversation of a message.
    pub conversation: u64,
    /// Files.
    pub attachments: Vec<Attachment>,
    pub(super) properties: Members,
}

/// A file attached to an item.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Attachment {
    /// The key.
    pub key: u64,
    /// The file name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// Shown inside of the body.
    pub inline: bool,
    /// The id by which the body refers to it.
    pub content_id: Option<String>,
    /// The bytes.
    #[serde(with = "crate::base64_bytes")]
    pub content: Vec<u8>,
    /// When it was added.
    pub modified: Timestamp,
    /// What it is beside a file.
    #[serde(default, skip_serializing_if = "AttachmentKind::is_file")]
    pub kind: AttachmentKind,
}

/// A photo.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Photo {
    /// The media type.
    pub kind: String,
    /// The bytes.
    #[serde(with = "crate::base64_bytes")]
    pub bytes: Vec<u8>,
}

/// What is attached.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachmentKind {
    /// A file.
    #[default]
    File,
    /// A message, event or contact, by its members; its bytes are how it is written as text.
    Item(Properties),
    /// A link to a file elsewhere, by its members.
    Reference(Properties),
}

impl AttachmentKind {
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }
}

impl Item {
    /// The stored properties.
    pub fn properties(&self) -> Properties {
        self.properties.properties()
    }

    /// One of the stored properties.
    pub fn property(&self, name: &str) -> Option<Value> {
        self.properties.get(name)
    }

    /// The JSON of a stored property.
    pub(crate) fn json(&self, name: &str) -> Option<&str> {
        self.properties.json(name)
    }

    /// Replaces the stored properties.
    pub fn set_properties(&mut self, properties: &Properties) {
        self.properties = Members::of(properties);
    }

    /// About how many bytes it takes: its properties and its files.
    pub fn size(&self) -> usize {
        let files = self.attachments.iter().map(|it| it.content.len());
        self.properties.len() + files.sum::<usize>()
    }

    /// A stored text, empty where there is none.
    pub fn text(&self, name: &str) -> String {
        match self.property(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        }
    }
}
