//! The ids of items and folders: opaque to clients, decodable here.
//!
//! An ordinary id changes when the item moves, since it holds the folder; an immutable one does
//! not. Both are url-safe base64 of the length that Exchange Online shows, and case-sensitive.
//! Source: learn.microsoft.com/graph/outlook-immutable-id; the shape from recorded examples.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::directory::ObjectId;

/// The ids of one mailbox.
#[derive(Clone, Copy, Debug)]
pub struct IdSpace {
    mailbox: ObjectId,
}

/// What an id names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ItemKey {
    /// A folder, calendar or contact folder.
    Folder(u64),
    /// An item wherever it is.
    Immutable(u64),
    /// An occurrence of a recurring event, by the day of its start (days since 1970).
    Occurrence {
        /// The series.
        item: u64,
        /// The day.
        day: i64,
    },
    /// An item by its place: it is found there only.
    Placed {
        /// The folder.
        folder: u64,
        /// The item.
        item: u64,
    },
}

/// Why a text is no id of this mailbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdError {
    /// An id of another mailbox.
    #[error("the id belongs to another mailbox")]
    Foreign,
    /// Not an id at all.
    #[error("the id is malformed")]
    Malformed,
}

impl IdSpace {
    /// The ids of a user's mailbox.
    pub fn new(mailbox: ObjectId) -> Self {
        Self { mailbox }
    }

    /// Writes an id.
    pub fn encode(self, key: ItemKey) -> String {
        let mut bytes = Vec::with_capacity(121);
        let immutable = matches!(key, ItemKey::Immutable(_));
        bytes.extend(if immutable { IMMUTABLE_HEAD } else { HEAD });
        bytes.extend(self.mailbox.to_string().as_bytes());
        bytes.extend(STORE);
        bytes.extend(&self.digest(b"store")[..16]);
        match key {
            // 89 bytes in all: 120 characters.
            ItemKey::Folder(folder) => bytes.extend(folder.to_be_bytes()),
            ItemKey::Immutable(item) => {
                bytes.extend(item.to_be_bytes());
                bytes.extend([0; 6]);
            }
            ItemKey::Occurrence { item, day } => {
                bytes.extend(item.to_be_bytes());
                bytes.extend(day.to_be_bytes());
                bytes.extend([0; 24]);
            }
            // 113 bytes in all: 152 characters.
            ItemKey::Placed { folder, item } => {
                bytes.extend(folder.to_be_bytes());
                bytes.extend(item.to_be_bytes());
                bytes.extend([0; 16]);
            }
        }
        let check = self.digest(&bytes);
        bytes.extend(&check[..CHECK]);
        URL_SAFE.encode(bytes)
    }

    /// Reads an id.
    pub fn decode(self, id: &str) -> Result<ItemKey, IdError> {
        let bytes = URL_SAFE.decode(id).map_err(|_| IdError::Malformed)?;
        let (payload, check) = bytes
            .len()
            .checked_sub(CHECK)
            .filter(|length| *length > PREFIX)
            .map(|length| bytes.split_at(length))
            .ok_or(IdError::Malformed)?;
        let immutable = payload[..4] == IMMUTABLE_HEAD;
        if !immutable && payload[..4] != HEAD || payload[40..47] != STORE {
            return Err(IdError::Malformed);
        }
        if payload[4..40] != *self.mailbox.to_string().as_bytes() {
            return Err(IdError::Foreign);
        }
        if self.digest(payload)[..CHECK] != *check {
            return Err(IdError::Malformed);
        }
        let rest = &payload[PREFIX..];
        let number = |at: usize| {
            let bytes: [u8; 8] = rest.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        match (immutable, rest.len()) {
            (true, 14) => number(0).map(ItemKey::Immutable),
            (false, 8) => number(0).map(ItemKey::Folder),
            (false, 32) => number(0)
                .zip(number(8))
                .map(|(folder, item)| ItemKey::Placed { folder, item }),
            (false, 40) => number(0)
                .zip(number(8))
                .map(|(item, day)| ItemKey::Occurrence {
                    item,
                    day: day.cast_signed(),
                }),
            _ => None,
        }
        .ok_or(IdError::Malformed)
    }

    /// The key of a state of an item: `changeKey`, and the inner part of its ETag.
    pub fn change_key(self, change: u64) -> String {
        let mut bytes = vec![0x09, 0, 0, 0, 0x16, 0, 0, 0];
        bytes.extend(&self.digest(b"change")[..16]);
        bytes.extend(&change.to_be_bytes()[2..]);
        STANDARD.encode(bytes)
    }

    /// The id of a conversation.
    pub fn conversation(self, conversation: u64) -> String {
        let mut bytes = vec![0x00, 0x04, 0x24, 0x00];
        bytes.extend(self.mailbox.to_string().as_bytes());
        bytes.extend([0x00, 0x10, 0x00]);
        bytes.extend(&self.digest(&conversation.to_be_bytes())[..16]);
        URL_SAFE.encode(bytes)
    }

    /// The id of an attachment of an item: the item's id and what stands for the attachment.
    pub fn attachment(self, item_id: &str, attachment: u64) -> String {
        let mut bytes = URL_SAFE.decode(item_id).unwrap_or_default();
        bytes.extend([0x01, 0x12, 0x00, 0x10]);
        bytes.extend(&self.digest(&attachment.to_be_bytes())[..16]);
        URL_SAFE.encode(bytes)
    }

    fn digest(self, text: &[u8]) -> Vec<u8> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.mailbox.0.as_bytes());
        context.update(text);
        context.finish().as_ref().to_vec()
    }
}

const HEAD: [u8; 4] = [0x00, 0x03, 0x24, 0x00];
const IMMUTABLE_HEAD: [u8; 4] = [0x00, 0x09, 0x00, 0x2e];
const STORE: [u8; 7] = [0x00, 0x46, 0x00, 0x00, 0x00, 0x00, 0x00];
/// Bytes before the keys: head, mailbox id as text, store mark, digest.
const PREFIX: usize = 4 + 36 + 7 + 16;
/// Bytes of the checksum at the end.
const CHECK: usize = 18;

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn ids_are_read_back_and_look_like_the_real_ones() {
        let ids = IdSpace::new(ObjectId(Uuid::from_u128(7)));
        for key in [
            ItemKey::Folder(3),
            ItemKey::Placed {
                folder: 3,
                item: u64::MAX,
            },
            ItemKey::Immutable(9),
            ItemKey::Occurrence { item: 9, day: -4 },
        ] {
            assert_eq!(ids.decode(&ids.encode(key)), Ok(key));
        }
        let id = ids.encode(ItemKey::Placed { folder: 3, item: 4 });
        assert_eq!((id.len(), &id[..4]), (152, "AAMk"));
        assert_eq!(ids.encode(ItemKey::Folder(3)).len(), 120);
        assert!(ids.encode(ItemKey::Immutable(9)).starts_with("AAkAL"));
    }

    #[test]
    fn a_changed_or_foreign_id_is_told_apart() {
        let ids = IdSpace::new(ObjectId(Uuid::from_u128(7)));
        let id = ids.encode(ItemKey::Immutable(9));
        assert_eq!(ids.decode(&id.to_lowercase()), Err(IdError::Malformed));
        assert_eq!(ids.decode(&id[..id.len() - 4]), Err(IdError::Malformed));
        assert_eq!(ids.decode("x"), Err(IdError::Malformed));
        let other = IdSpace::new(ObjectId(Uuid::from_u128(8)));
        assert_eq!(other.decode(&id), Err(IdError::Foreign));
    }
}
