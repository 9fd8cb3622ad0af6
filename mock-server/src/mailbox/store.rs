//! The contents of one mailbox: folders, items in them, and the log of their changes.
//!
//! An item's properties are kept as JSON text, without what follows from its place and state
//! (ids, change key, parent folder, read and draft marks): a mailbox of 300 mails takes some
//! 300 KiB.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::drawn::Drawn;
use super::folder::{Folder, FolderKind, WellKnown};
use super::id::{IdError, IdSpace, ItemKey};
use super::item::{Attachment, Item, Photo};
use super::members::Members;
use super::messages::Messages;
use super::upload::Uploads;
use super::{Owner, Person, Properties};

/// The contents of one mailbox.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Contents {
    /// Whose.
    pub owner: Owner,
    /// Folders, calendars and contact folders by key.
    pub folders: BTreeMap<u64, Folder>,
    /// Messages.
    pub messages: Messages,
    /// Events, series masters included, occurrences not.
    pub events: Collection,
    /// Contacts.
    pub contacts: Collection,
    /// `mailboxSettings`.
    pub settings: Properties,
    /// The categories, once somebody has changed them.
    #[serde(default)]
    pub categories: Option<Vec<Properties>>,
    /// The owner's photo.
    #[serde(default)]
    pub photo: Option<Photo>,
    /// Photos of contacts by their keys.
    #[serde(default)]
    pub contact_photos: BTreeMap<u64, Photo>,
    last_key: u64,
    changes: u64,
    log: VecDeque<Change>,
    forgotten: u64,
    /// Documents of messages as they were written lately.
    #[serde(skip)]
    pub drawn: Drawn,
    /// Attachments of which only a part has come.
    #[serde(skip)]
    pub uploads: Uploads,
}

/// The items of one kind.
pub type Collection = BTreeMap<u64, Item>;

/// A change of a message, for delta queries.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    /// The position.
    pub number: u64,
    /// The folder in which it happened.
    pub folder: u64,
    /// The message.
    pub item: u64,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a message in a folder.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It appeared.
    Created,
    /// It left: deleted or moved away.
    Removed,
    /// It changed.
    Updated,
}

impl Contents {
    /// An empty mailbox.
    pub(super) fn new(owner: Owner) -> Self {
        Self {
            owner,
            folders: BTreeMap::new(),
            messages: Messages::default(),
            events: BTreeMap::new(),
            contacts: BTreeMap::new(),
            settings: Map::new(),
            categories: None,
            photo: None,
            contact_photos: BTreeMap::new(),
            last_key: 0x10b,
            changes: 0,
            log: VecDeque::new(),
            forgotten: 0,
            drawn: Drawn::default(),
            uploads: Uploads::default(),
        }
    }

    /// The ids of this mailbox.
    pub fn ids(&self) -> IdSpace {
        IdSpace::new(self.owner.id)
    }

    /// The folder with a fixed role.
    pub fn well_known(&self, role: WellKnown) -> u64 {
        self.folders
            .values()
            .find(|folder| folder.well_known == Some(role))
            // Every mailbox is made with these folders, and they can't be deleted.
            .map_or(0, |folder| folder.key)
    }

    /// Whether the messages take as much room as they may: then there is none for another.
    pub fn is_full_of_messages(&self) -> bool {
        self.messages.bytes() >= QUOTA
    }

    /// Whether events and contacts take as much room as they may.
    pub fn is_full_of_others(&self) -> bool {
        let others = self.events.values().chain(self.contacts.values());
        others.map(Item::size).sum::<usize>() >= QUOTA
    }

    /// A key that no item and no folder has.
    pub fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// The position of the newest change.
    pub fn position(&self) -> u64 {
        self.changes
    }

    /// Forgets all changes: delta queries have to begin anew.
    pub fn forget_changes(&mut self) {
        self.changes += 1;
        self.forgotten = self.changes;
        self.log.clear();
    }

    /// Whether the changes after a position are remembered.
    pub fn remembers(&self, position: u64) -> bool {
        (self.forgotten..=self.changes).contains(&position)
    }

    /// The changes of messages in a folder after a position; `None` if they are forgotten.
    pub fn changes_since(&self, position: u64, folder: u64) -> Option<Vec<Change>> {
        if !self.remembers(position) {
            return None;
        }
        let after = self
            .log
            .iter()
            .filter(|it| it.number > position && it.folder == folder);
        Some(after.copied().collect())
    }

    /// Adds a folder.
    pub fn add_folder(&mut self, name: &str, parent: Option<u64>, kind: FolderKind) -> u64 {
        let key = self.next_key();
        self.changes += 1;
        self.folders.insert(
            key,
            Folder {
                key,
                parent,
                kind,
                name: name.to_owned(),
                well_known: None,
                hidden: false,
                color: "auto".to_owned(),
                change: self.changes,
                extended: Properties::new(),
                search: None,
            },
        );
        key
    }

    /// Marks a folder as changed.
    pub fn touch_folder(&mut self, key: u64) {
        self.changes += 1;
        if let Some(folder) = self.folders.get_mut(&key) {
            folder.change = self.changes;
        }
    }

    /// Deletes a folder with what lies in it, at every depth.
    pub fn delete_folder(&mut self, key: u64) {
        let children: Vec<u64> = self
            .folders
            .values()
            .filter(|it| it.parent == Some(key))
            .map(|it| it.key)
            .collect();
        for child in children {
            self.delete_folder(child);
        }
        self.folders.remove(&key);
        self.messages.empty(key);
        self.events.retain(|_, item| item.folder != key);
        self.contacts.retain(|_, item| item.folder != key);
        self.changes += 1;
    }

    /// Copies a folder with what lies in it, at every depth, into another one: the new folder.
    pub fn copy_folder(&mut self, key: u64, to: u64) -> Option<u64> {
        let folder = self.folders.get(&key)?.clone();
        // What is there now, so that a copy into itself ends.
        let children: Vec<u64> = self
            .folders
            .values()
            .filter(|it| it.parent == Some(key))
            .map(|it| it.key)
            .collect();
        let messages: Vec<Item> = self.messages.newest_first_in(key).cloned().collect();
        let copy = self.add_folder(&folder.name, Some(to), folder.kind);
        if let Some(made) = self.folders.get_mut(&copy) {
            made.extended.clone_from(&folder.extended);
            made.search.clone_from(&folder.search);
        }
        for mut item in messages.into_iter().rev() {
            item.key = self.next_key();
            item.folder = copy;
            self.add_message(item);
        }
        for child in children {
            self.copy_folder(child, copy);
        }
        Some(copy)
    }

    /// Makes an item; it is not yet in a collection.
    pub fn make_item(&mut self, folder: u64, properties: &Properties, now: Timestamp) -> Item {
        let key = self.next_key();
        self.changes += 1;
        Item {
            key,
            folder,
            change: self.changes,
            created: now,
            modified: now,
            received: now,
            read: true,
            draft: false,
            conversation: key,
            attachments: Vec::new(),
            properties: Members::of(properties),
        }
    }

    /// Puts a message into the mailbox.
    pub fn add_message(&mut self, item: Item) -> u64 {
        let key = item.key;
        self.record(item.folder, key, ChangeKind::Created);
        self.messages.insert(item);
        key
    }

    /// A mail arrives: completes the properties, and puts it unread into a folder.
    pub fn receive(
        &mut self,
        folder: u64,
        properties: &Properties,
        attachments: Vec<Attachment>,
        now: Timestamp,
    ) -> u64 {
        let mut item = self.make_item(folder, properties, now);
        item.conversation = self.conversation_of(properties).unwrap_or(item.key);
        item.read = false;
        item.attachments = attachments;
        self.add_message(item)
    }

    /// A mail arrives in the inbox.
    pub fn deliver(&mut self, subject: &str, from: &Person, body: &str, now: Timestamp) {
        self.deliver_late(subject, from, body, (now, now));
    }

    /// A mail arrives in the inbox that was received earlier, and is only seen now.
    pub fn deliver_late(
        &mut self,
        subject: &str,
        from: &Person,
        body: &str,
        (received, now): (Timestamp, Timestamp),
    ) -> u64 {
        let mail = json!({
            "subject": subject,
            "body": {"contentType": "text", "content": body},
            "sender": from.recipient(),
            "from": from.recipient(),
            "toRecipients": [self.owner.person.recipient()],
        });
        let properties = match mail {
            Value::Object(properties) => properties,
            _ => Properties::new(),
        };
        let inbox = self.well_known(WellKnown::Inbox);
        let key = self.receive(inbox, &properties, Vec::new(), now);
        self.messages.change(key, |item| item.received = received);
        key
    }

    /// Changes a message and takes note of it.
    pub fn change_message(&mut self, key: u64, now: Timestamp, change: impl FnOnce(&mut Item)) {
        self.changes += 1;
        let number = self.changes;
        let folder = self.messages.change(key, |item| {
            change(item);
            item.change = number;
            item.modified = now;
            item.folder
        });
        let Some(folder) = folder else {
            return;
        };
        self.log(Change {
            number,
            folder,
            item: key,
            kind: ChangeKind::Updated,
        });
    }

    /// Moves a message to another folder.
    pub fn move_message(&mut self, key: u64, to: u64, now: Timestamp) {
        let Some(from) = self.messages.get(&key).map(|item| item.folder) else {
            return;
        };
        self.record(from, key, ChangeKind::Removed);
        self.record(to, key, ChangeKind::Created);
        let change = self.changes;
        self.messages.change(key, |item| {
            item.folder = to;
            item.change = change;
            item.modified = now;
        });
    }

    /// Forgets that a message that has just come was ever in a folder which it has left.
    pub(crate) fn begins_where_it_is(&mut self, key: u64, first: u64) {
        let stays = self.messages.get(&key).is_some_and(|it| it.folder == first);
        if !stays {
            self.log.retain(|it| it.item != key || it.folder != first);
        }
    }

    /// Removes a message for good.
    pub fn remove_message(&mut self, key: u64) -> Option<Item> {
        let item = self.messages.remove(key)?;
        self.record(item.folder, key, ChangeKind::Removed);
        Some(item)
    }

    /// Changes an event or a contact of a collection.
    pub fn change_item(
        &mut self,
        collection: impl FnOnce(&mut Self) -> &mut Collection,
        key: u64,
        now: Timestamp,
        change: impl FnOnce(&mut Item),
    ) {
        self.changes += 1;
        let number = self.changes;
        if let Some(item) = collection(self).get_mut(&key) {
            change(item);
            item.change = number;
            item.modified = now;
        }
    }

    /// The key of an item in a collection that an id names, if it is there.
    pub fn find(&self, collection: &Collection, id: &str) -> Result<Option<u64>, IdError> {
        let found = match self.ids().decode(id) {
            Ok(ItemKey::Placed { folder, item }) => {
                collection.get(&item).filter(|it| it.folder == folder)
            }
            Ok(ItemKey::Immutable(item)) => collection.get(&item),
            Ok(ItemKey::Folder(_) | ItemKey::Occurrence { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(found.map(|item| item.key))
    }

    /// The conversation of the mail that a reply answers, by subject.
    fn conversation_of(&self, properties: &Properties) -> Option<u64> {
        let subject = properties.get("subject")?.as_str()?;
        let base = base_subject(subject);
        if base == subject {
            return None;
        }
        self.messages
            .values()
            .rev()
            .find(|item| base_subject(&item.text("subject")).eq_ignore_ascii_case(base))
            .map(|item| item.conversation)
    }

    fn record(&mut self, folder: u64, item: u64, kind: ChangeKind) {
        self.changes += 1;
        let number = self.changes;
        self.log(Change {
            number,
            folder,
            item,
            kind,
        });
    }

    fn log(&mut self, change: Change) {
        if self.log.len() == LOG {
            self.forgotten = self.log.pop_front().map_or(self.forgotten, |it| it.number);
        }
        self.log.push_back(change);
    }
}

/// A subject without the marks of replies and forwards.
pub(crate) fn base_subject(mut subject: &str) -> &str {
    loop {
        let trimmed = subject.trim_start();
        let rest = ["re:", "fw:", "fwd:"].iter().find_map(|mark| {
            trimmed
                .get(..mark.len())
                .filter(|start| start.eq_ignore_ascii_case(mark))
                .map(|_| trimmed[mark.len()..].trim_start())
        });
        match rest {
            Some(rest) => subject = rest,
            None => return trimmed,
        }
    }
}

/// A time as Graph writes it for mail: whole seconds, `Z`.
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// So many bytes have room in a mailbox: in messages, and again in events and contacts. What the
/// service gives is a hundred times as much, and no test's.
pub(crate) const QUOTA: usize = 1 << 30;

/// Changes that are kept for delta queries.
const LOG: usize = 10_000;
