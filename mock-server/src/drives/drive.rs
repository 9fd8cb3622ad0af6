//! One drive: its items, and what changed in it.

mod change;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blob::{Blob, Store};
use super::id;
use super::item::{Identity, Item};

/// A drive.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drive {
    /// The id.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// Where it is.
    pub(crate) place: Place,
    /// The name that people see.
    pub(crate) name: String,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// The most that it keeps, as `quota` tells.
    pub(crate) quota: u64,
    /// Whether it is a library beside the owner's first.
    #[serde(default)]
    pub(crate) additional: bool,
    #[serde(with = "items")]
    items: HashMap<Uuid, Item>,
    /// What was deleted and may come back, by the item that was named; the newest last.
    bin: Vec<Vec<Item>>,
    gone: BTreeMap<u64, Gone>,
    /// The number of the newest tombstone that was dropped.
    forgotten: u64,
    sequence: u64,
    /// The number of the newest row that the library ever had.
    #[serde(default)]
    last_row: u32,
    #[serde(skip)]
    children: HashMap<Uuid, BTreeMap<String, Uuid>>,
    /// The items by their numbers in the library's list.
    #[serde(skip)]
    rows: BTreeMap<u32, Uuid>,
    /// The items by the number of their last change.
    #[serde(skip)]
    changes: BTreeMap<u64, Uuid>,
}

/// Whose a drive is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Owner {
    /// A person's.
    User(String),
    /// A group's.
    Group(String),
    /// A site's that belongs to no group.
    Site(String),
}

/// Where a drive is in `SharePoint`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// The host.
    pub(crate) host: String,
    /// The path of the site: empty, or `/sites/Sales`.
    pub(crate) site: String,
    /// The library in addresses: `Shared Documents`.
    pub(crate) library: String,
    /// The GUID of the site collection.
    pub(crate) collection: Uuid,
    /// The GUID of the web.
    pub(crate) web: Uuid,
    /// The GUID of the list.
    pub(crate) list: Uuid,
}

/// A tombstone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gone {
    /// The item.
    pub(crate) id: Uuid,
    /// The folder in which it was.
    pub(crate) parent: Uuid,
    /// Whether it was a file.
    pub(crate) is_file: bool,
    /// Its number in the library's list.
    #[serde(default)]
    pub(crate) row: u32,
}

/// What a delta has: an item, or a tombstone.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// An item.
    Item(&'a Item),
    /// A tombstone.
    Gone(&'a Gone),
}

/// What to do with an item of the same name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Conflict {
    /// Refuse.
    Fail,
    /// Take another name.
    Rename,
    /// Write over it.
    Replace,
}

/// Why a drive does not change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// There is no such item.
    NotFound,
    /// The name is taken.
    NameTaken,
    /// A folder would come into itself.
    IntoItself,
    /// It is a file, and holds nothing.
    NoFolder,
    /// It is a folder, and has no content.
    NoFile,
    /// It is the root.
    Root,
    /// There is no room.
    Quota,
    /// There are too many items.
    TooMany,
}

impl Drive {
    /// A drive with a root alone.
    pub(crate) fn new(owner: Owner, place: Place, name: &str, now: Timestamp) -> Self {
        let quota = match owner {
            Owner::User(_) => PERSONAL_QUOTA,
            Owner::Group(_) | Owner::Site(_) => LIBRARY_QUOTA,
        };
        let mut drive = Self {
            id: id::of_drive(place.collection, place.web, place.list),
            owner,
            place,
            name: name.to_owned(),
            created: now,
            quota,
            additional: false,
            last_row: 0,
            rows: BTreeMap::new(),
            items: HashMap::new(),
            bin: Vec::new(),
            gone: BTreeMap::new(),
            forgotten: 0,
            sequence: 0,
            children: HashMap::new(),
            changes: BTreeMap::new(),
        };
        let root = Item::new(id::ROOT, "root", Identity::default(), now);
        drive.items.insert(id::ROOT, root);
        drive.touch(id::ROOT);
        drive
    }

    /// The four bytes before the GUID in the ids of its items.
    pub(crate) fn prefix(&self) -> [u8; 4] {
        let bytes = self.place.collection.as_bytes();
        let mut prefix = [0; 4];
        for (at, byte) in bytes.iter().enumerate() {
            prefix[at % 4] ^= byte.rotate_left(u32::try_from(at / 4).unwrap_or(0));
        }
        prefix
    }

    /// The id of one of its items.
    pub(crate) fn id_of(&self, item: Uuid) -> String {
        id::of_item(self.prefix(), item)
    }

    /// The item with an id, if the id is of this drive's site.
    pub(crate) fn parse_id(&self, text: &str) -> Option<Uuid> {
        if text.eq_ignore_ascii_case("root") {
            return Some(id::ROOT);
        }
        id::parse_item(text)
            .filter(|(prefix, _)| *prefix == self.prefix())
            .map(|(_, item)| item)
    }

    /// The root.
    pub(crate) fn root(&self) -> &Item {
        // Made with the drive, and never deleted.
        &self.items[&id::ROOT]
    }

    /// An item.
    pub(crate) fn get(&self, item: Uuid) -> Option<&Item> {
        self.items.get(&item)
    }

    /// The item with a name in a folder, in any case.
    pub(crate) fn child(&self, folder: Uuid, name: &str) -> Option<&Item> {
        let found = self.children.get(&folder)?.get(&key(name))?;
        self.items.get(found)
    }

    /// The number of items in a folder.
    pub(crate) fn child_count(&self, folder: Uuid) -> usize {
        self.children.get(&folder).map_or(0, BTreeMap::len)
    }

    /// The items of a folder by name, from behind a name on, with the keys to go on behind.
    pub(crate) fn list(
        &self,
        folder: Uuid,
        behind: Option<&str>,
    ) -> impl DoubleEndedIterator<Item = (&str, &Item)> {
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        self.children
            .get(&folder)
            .into_iter()
            .flat_map(move |it| it.range::<str, _>((from, Bound::Unbounded)))
            .filter_map(|(key, id)| Some((key.as_str(), self.items.get(id)?)))
    }

    /// An item and all that is in it, folders before what they hold.
    pub(crate) fn tree(&self, top: Uuid) -> Vec<Uuid> {
        let mut found = vec![top];
        let mut at = 0;
        while let Some(folder) = found.get(at).copied() {
            at += 1;
            let children = self.children.get(&folder);
            found.extend(children.into_iter().flat_map(|it| it.values().copied()));
        }
        found
    }

    /// The item with a number in the library's list.
    pub(crate) fn row(&self, number: u32) -> Option<&Item> {
        self.items.get(self.rows.get(&number)?)
    }

    /// The items behind a number, as the library's list has them.
    pub(crate) fn rows(&self, behind: u32) -> impl Iterator<Item = &Item> {
        let from = (Bound::Excluded(behind), Bound::Unbounded);
        let ids = self.rows.range(from);
        ids.filter_map(|(_, id)| self.items.get(id))
    }

    /// The number of rows that the library's list has.
    pub(crate) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The folders above an item, the root first.
    pub(crate) fn above(&self, item: Uuid) -> Vec<&Item> {
        let mut found = Vec::new();
        let mut at = self.items.get(&item);
        while let Some(parent) = at
            .and_then(|it| it.parent)
            .and_then(|it| self.items.get(&it))
        {
            found.push(parent);
            at = Some(parent);
        }
        found.reverse();
        found
    }

    /// The names from the root to an item, without the root.
    pub(crate) fn path(&self, item: Uuid) -> Vec<&str> {
        let Some(own) = self.items.get(&item).filter(|it| !it.is_root()) else {
            return Vec::new();
        };
        let above = self.above(item).into_iter().skip(1);
        above
            .map(|it| it.name.as_str())
            .chain([own.name.as_str()])
            .collect()
    }

    /// The number of the last change.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The bytes in use.
    pub(crate) fn used(&self) -> u64 {
        self.root().size
    }

    /// The bytes of what was deleted and may come back.
    pub(crate) fn deleted(&self) -> u64 {
        let tops = self.bin.iter().filter_map(|it| it.first());
        tops.map(|it| it.size).sum()
    }

    /// What changed after a number, oldest first; none where tombstones of that time are gone.
    pub(crate) fn changes(&self, after: u64) -> Option<impl Iterator<Item = (u64, Entry<'_>)>> {
        if after > 0 && after < self.forgotten || after > self.sequence {
            return None;
        }
        let from = (Bound::Excluded(after), Bound::Unbounded);
        let mut items = self.changes.range(from).peekable();
        let mut gone = self.gone.range(from).peekable();
        // Who asks for the first time has nothing that could be gone.
        if after == 0 {
            gone = self.gone.range(self.sequence + 1..).peekable();
        }
        Some(std::iter::from_fn(move || {
            let next_gone = gone.peek().map(|(number, _)| **number);
            let next_item = items.peek().map(|(number, _)| **number);
            if next_gone.is_some_and(|it| next_item.is_none_or(|item| it < item)) {
                return gone.next().map(|(number, it)| (*number, Entry::Gone(it)));
            }
            let (number, id) = items.next()?;
            // Both are kept together.
            Some((*number, Entry::Item(self.items.get(id)?)))
        }))
    }

    /// The places on disk that its contents take.
    pub(super) fn places(&self) -> impl Iterator<Item = (u64, u64)> {
        let items = self.items.values().chain(self.bin.iter().flatten());
        let contents = items.flat_map(|it| {
            let versions = it.versions.iter().map(|it| &it.content);
            it.content.iter().chain(versions)
        });
        contents.flat_map(Blob::places)
    }

    pub(super) fn revive(&mut self, store: &Arc<Store>) {
        self.children.clear();
        self.changes.clear();
        let revive = |item: &mut Item| {
            for content in item
                .content
                .iter_mut()
                .chain(item.versions.iter_mut().map(|it| &mut it.content))
            {
                content.revive(store);
            }
        };
        self.bin.iter_mut().flatten().for_each(revive);
        // States of before have no numbers.
        let mut unnumbered: Vec<&mut Item> = self.items.values_mut().collect();
        unnumbered.retain(|it| it.row == 0 && !it.is_root());
        unnumbered.sort_by_key(|it| it.sequence);
        for item in unnumbered {
            self.last_row += 1;
            item.row = self.last_row;
        }
        self.rows.clear();
        for item in self.items.values_mut() {
            if !item.is_root() {
                self.rows.insert(item.row, item.id);
            }
            revive(item);
            self.changes.insert(item.sequence, item.id);
            if let Some(parent) = item.parent {
                let children = self.children.entry(parent).or_default();
                children.insert(key(&item.name), item.id);
            }
        }
    }
}

/// A name as names are compared: in any case.
fn key(name: &str) -> String {
    name.to_lowercase()
}

/// Items in state files: a list.
mod items {
    use std::collections::HashMap;

    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};
    use uuid::Uuid;

    use super::Item;

    pub(super) fn serialize<S: Serializer>(
        items: &HashMap<Uuid, Item>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut all: Vec<&Item> = items.values().collect();
        all.sort_by_key(|it| it.sequence);
        all.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<HashMap<Uuid, Item>, D::Error> {
        let all = Vec::<Item>::deserialize(deserializer)?;
        let items: HashMap<Uuid, Item> = all.into_iter().map(|it| (it.id, it)).collect();
        if items.contains_key(&super::id::ROOT) {
            Ok(items)
        } else {
            Err(serde::de::Error::custom("a drive has no root"))
        }
    }
}

/// Source: recordings of NangoHQ/integration-templates: 1 TiB and 25 TiB.
const PERSONAL_QUOTA: u64 = 1 << 40;
const LIBRARY_QUOTA: u64 = 25 << 40;

#[cfg(test)]
mod tests;
