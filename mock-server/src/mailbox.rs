//! What Graph serves of a mailbox: messages, folders, events, contacts, settings.
//!
//! A mailbox is filled on first use, deterministically from the world's seed and the user's id,
//! so that tenants cost nothing until somebody reads their mail. Its times lie before the moment
//! of that first use, so that recent mail exists whatever the tenant's clock shows.

mod content;
mod drawn;
mod folder;
mod id;
mod item;
mod members;
mod messages;
mod recurrence;
mod rules;
mod sample;
mod store;
mod upload;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use drawn::Drawn;
pub use folder::{Folder, FolderKind, Search, WellKnown};
pub use id::{IdError, IdSpace, ItemKey};
pub use item::{Attachment, AttachmentKind, Item, Photo};
pub(crate) use members::member_of;
pub use messages::Messages;
pub use recurrence::{RecurrenceError, occurrences};
pub(crate) use rules::{Forward, apply as apply_rules};
pub use store::{Change, ChangeKind, Collection, Contents, seconds};

#[cfg(test)]
pub(crate) use store::QUOTA;
pub(crate) use store::base_subject;
pub use upload::{Upload, Uploads};

use crate::directory::{Directory, MailboxKind, ObjectId, User};
use crate::lock::{Mutex, rank};

/// The contents of a mailbox behind their lock.
pub(crate) type MailboxLock = Mutex<rank::Mailbox, Contents>;

/// The mailboxes of one tenant.
#[derive(Debug)]
pub struct Mailboxes {
    seed: u64,
    open: Mutex<rank::Mailboxes, HashMap<ObjectId, Arc<MailboxLock>>>,
}

/// Whose mailbox it is, and who else is in the tenant: what its contents are made from.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Owner {
    /// The user.
    pub person: Person,
    /// The user's object id.
    pub id: ObjectId,
    /// Regular or shared.
    pub kind: MailboxKind,
    /// Others with a mailbox in the tenant.
    pub colleagues: Vec<Person>,
}

/// Somebody with a mail address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Person {
    /// The name that people see.
    pub name: String,
    /// The address.
    pub address: String,
}

impl Mailboxes {
    /// The mailboxes of a directory, not yet filled.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            open: Mutex::default(),
        }
    }

    /// Mailboxes as they were stored; those never used are filled from the same seed as before.
    pub fn restore(seed: u64, stored: Vec<Contents>) -> Self {
        let open = stored
            .into_iter()
            .map(|it| (it.owner.id, Arc::new(Mutex::new(it))))
            .collect();
        Self {
            seed,
            open: Mutex::new(open),
        }
    }

    /// The seed from which mailboxes are filled.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Copies of the mailboxes in use, in a stable order.
    pub fn stored(&self) -> Vec<Contents> {
        // Whoever works on a mailbox holds its lock alone: copied outside of the lock of the map.
        let open: Vec<_> = self.open.read(|it| it.values().map(Arc::clone).collect());
        let mut stored: Vec<Contents> = open.iter().map(|it| it.read(Clone::clone)).collect();
        stored.sort_by_key(|it| it.owner.id);
        stored
    }

    /// The contents of a mailbox in use.
    pub(crate) fn known(&self, user: ObjectId, person: &Person) -> Option<Arc<MailboxLock>> {
        let contents = self.open.read(|it| it.get(&user).map(Arc::clone))?;
        // Names and addresses may have changed; whoever holds the contents has them already.
        contents.try_write(|contents| {
            if contents.owner.person != *person {
                contents.owner.person = person.clone();
                contents.drawn.forget();
            }
        });
        Some(contents)
    }

    /// The contents of a mailbox; made on first use.
    pub(crate) fn open(&self, owner: &Owner, now: Timestamp) -> Arc<MailboxLock> {
        if let Some(known) = self.known(owner.id, &owner.person) {
            return known;
        }
        // Made outside of the lock: others may open theirs meanwhile. Both would be the same.
        let contents = Arc::new(Mutex::new(content::fill(self.seed, owner, now)));
        self.open
            .write(|it| Arc::clone(it.entry(owner.id).or_insert(contents)))
    }

    /// Changes the newest mail with a subject: whether it is read, and where it is. Says whether
    /// there is one.
    pub fn change(
        &self,
        owner: &Owner,
        subject: &str,
        read: Option<bool>,
        folder: Option<WellKnown>,
        now: Timestamp,
    ) -> bool {
        let contents = self.open(owner, now);
        contents.write(|contents| {
            let mut newest = contents.messages.newest_first();
            let found = newest
                .find(|item| item.text("subject") == subject)
                .map(|item| item.key);
            drop(newest);
            let Some(key) = found else { return false };
            if let Some(read) = read {
                contents.change_message(key, now, |item| item.read = read);
            }
            if let Some(folder) = folder {
                let folder = contents.well_known(folder);
                contents.move_message(key, folder, now);
            }
            true
        })
    }
}

impl Owner {
    /// Who has a user's mailbox, if there is one.
    pub(crate) fn person_of(directory: &Directory, user: ObjectId) -> Option<Person> {
        let owner = directory.user(user)?;
        owner.mailbox.as_ref()?;
        Some(Person {
            name: owner.display_name.clone(),
            address: owner.mail()?.to_owned(),
        })
    }

    /// The owner of a user's mailbox, if the user has one.
    pub fn of(directory: &Directory, user: ObjectId) -> Option<Self> {
        let owner = directory.user(user)?;
        let kind = owner.mailbox.as_ref()?.kind;
        let colleagues = directory
            .users
            .values()
            .filter(|it| it.id != user && it.deleted.is_none())
            .filter_map(|it| {
                Some(Person {
                    name: it.display_name.clone(),
                    address: it.mail()?.to_owned(),
                })
            })
            .collect();
        Some(Self {
            person: Self::person_of(directory, user)?,
            id: user,
            kind,
            colleagues,
        })
    }
}

impl Person {
    /// Who has an address: the user with a mailbox, or somebody of whom nothing else is known.
    pub(crate) fn of_address(directory: &Directory, address: &str) -> Self {
        let with_address = |it: &&User| {
            let mail = it.mail();
            it.deleted.is_none() && mail.is_some_and(|it| it.eq_ignore_ascii_case(address))
        };
        let name = directory
            .users
            .values()
            .find(with_address)
            .map(|it| it.display_name.clone());
        Self {
            name: name.unwrap_or_else(|| address.to_owned()),
            address: address.to_owned(),
        }
    }

    /// The person as a `recipient` of Graph.
    pub fn recipient(&self) -> Value {
        json!({"emailAddress": self.email_address()})
    }

    /// The person as an `emailAddress` of Graph.
    pub fn email_address(&self) -> Value {
        json!({"name": self.name, "address": self.address})
    }

    /// The first name.
    pub(crate) fn first_name(&self) -> &str {
        self.name.split(' ').next().unwrap_or(&self.name)
    }
}

/// A JSON object, as Graph's resources are.
pub type Properties = Map<String, Value>;

#[cfg(test)]
mod tests;
