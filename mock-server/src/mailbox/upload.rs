//! Attachments that come in parts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::item::Attachment;

/// The uploads of a mailbox that have begun and not ended; the oldest goes where there are too
/// many. They are not saved.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    open: BTreeMap<u64, Upload>,
    last: u64,
}

/// An attachment of which the first bytes may have come.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The item to which it is to be attached.
    pub item: u64,
    /// Whether the item is an event, not a message.
    pub event: bool,
    /// What was sent in the address by whoever may upload.
    pub token: String,
    /// How many bytes it will have.
    pub size: u64,
    /// When it is forgotten.
    pub expires: Timestamp,
    /// The attachment with the bytes that have come.
    pub attachment: Attachment,
}

impl Uploads {
    /// Begins one: its number.
    pub fn begin(&mut self, upload: Upload) -> u64 {
        self.last += 1;
        while self.open.len() >= MOST {
            self.open.pop_first();
        }
        self.open.insert(self.last, upload);
        self.last
    }

    /// One that has begun, by its number and token, unless its time is over.
    pub fn find(&mut self, number: u64, token: &str, now: Timestamp) -> Option<&mut Upload> {
        self.open.retain(|_, it| it.expires > now);
        self.open.get_mut(&number).filter(|it| it.token == token)
    }

    /// Ends one.
    pub fn end(&mut self, number: u64) -> Option<Upload> {
        self.open.remove(&number)
    }
}

/// The most at once: each takes what a message may have.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::AttachmentKind;

    fn upload(seconds: i64) -> Upload {
        let expires = Timestamp::from_second(seconds).unwrap();
        Upload {
            item: 1,
            event: false,
            token: "t".to_owned(),
            size: 3,
            expires,
            attachment: Attachment {
                key: 0,
                name: "a".to_owned(),
                content_type: String::new(),
                inline: false,
                content_id: None,
                content: Vec::new(),
                modified: expires,
                kind: AttachmentKind::File,
            },
        }
    }

    #[test]
    fn an_upload_is_found_by_its_token_until_its_time_is_over() {
        let mut uploads = Uploads::default();
        let number = uploads.begin(upload(10));
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        assert!(uploads.find(number, "t", at(9)).is_some());
        assert!(uploads.find(number, "x", at(9)).is_none());
        assert!(uploads.find(number, "t", at(10)).is_none());
    }

    #[test]
    fn the_oldest_of_too_many_uploads_goes() {
        let mut uploads = Uploads::default();
        let first = uploads.begin(upload(10));
        for _ in 0..MOST {
            uploads.begin(upload(10));
        }
        let now = Timestamp::from_second(1).unwrap();
        assert!(uploads.find(first, "t", now).is_none());
        assert!(uploads.find(first + 1, "t", now).is_some());
    }
}
