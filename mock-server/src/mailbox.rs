//! What Graph serves of a mailbox: messages, folders, events, contacts, settings.
//!
//! A mailbox is filled on first use, deterministically from the world's seed and the user's id,
//! so that tenants cost nothing until somebody reads their mail.

use jiff::Timestamp;

use crate::directory::{Directory, ObjectId};

/// The mailboxes of one tenant.
#[derive(Debug)]
pub struct Mailboxes {}

impl Mailboxes {
    /// The mailboxes of a directory, not yet filled.
    pub fn new(_seed: u64, _directory: &Directory) -> Self {
        Self {}
    }

    /// Puts a new mail into the inbox of a user.
    pub fn deliver(
        &self,
        _directory: &Directory,
        _user: ObjectId,
        _subject: &str,
        _from: &str,
        _body: &str,
        _now: Timestamp,
    ) {
    }
}
