//! One drive: its items, and what changed in it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blob::{Blob, Store};
use super::id;
use super::item::{Identity, Item, Version};

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

    /// Adds an item to a folder. Where its name is taken, what was said happens; the item that is
    /// there then, and whether it is new.
    pub(crate) fn add(
        &mut self,
        folder: Uuid,
        mut item: Item,
        conflict: Conflict,
    ) -> Result<(Uuid, bool), Refused> {
        let parent = self.items.get(&folder).ok_or(Refused::NotFound)?;
        if parent.is_file() {
            return Err(Refused::NoFolder);
        }
        if let Some(there) = self.child(folder, &item.name) {
            match conflict {
                Conflict::Fail => return Err(Refused::NameTaken),
                Conflict::Rename => item.name = self.free_name(folder, &item.name, item.is_file()),
                Conflict::Replace if there.is_file() != item.is_file() => {
                    return Err(Refused::NameTaken);
                }
                Conflict::Replace => {
                    let there = there.id;
                    if let Some(content) = item.content {
                        self.write(there, content, item.modified_by, item.modified)?;
                        self.update(there, |own| {
                            own.file_created = item.file_created;
                            if item.description.is_some() {
                                own.description = item.description;
                            }
                        });
                    }
                    return Ok((there, false));
                }
            }
        }
        self.has_room(item.size)?;
        if self.items.len() >= MOST_ITEMS {
            return Err(Refused::TooMany);
        }
        item.parent = Some(folder);
        let (id, size) = (item.id, item.size);
        let children = self.children.entry(folder).or_default();
        children.insert(key(&item.name), id);
        self.last_row += 1;
        item.row = self.last_row;
        self.rows.insert(item.row, id);
        self.items.insert(id, item);
        self.grow(folder, size, 0);
        self.touch(id);
        Ok((id, true))
    }

    /// Writes the content of a file, and keeps the one before as a version.
    pub(crate) fn write(
        &mut self,
        item: Uuid,
        content: Blob,
        by: Identity,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let own = self.items.get(&item).ok_or(Refused::NotFound)?;
        if !own.is_file() {
            return Err(Refused::NoFile);
        }
        let (before, parent) = (own.size, own.parent);
        let length = content.length();
        self.has_room(length.saturating_sub(before))?;
        if let Some(own) = self.items.get_mut(&item) {
            let number = own.versions.last().map_or(1, |it| it.number + 1);
            if let Some(content) = own.content.replace(content) {
                own.versions.push(Version {
                    number,
                    modified: own.modified,
                    modified_by: own.modified_by,
                    content,
                });
            }
            let surplus = own.versions.len().saturating_sub(MOST_VERSIONS);
            own.versions.drain(..surplus);
            own.content_version += 1;
            own.version += 1;
            own.size = length;
            own.modified = now;
            own.modified_by = by;
        }
        if let Some(parent) = parent {
            self.grow(parent, length, before);
        }
        self.touch(item);
        Ok(())
    }

    /// Changes what an item says about itself.
    pub(crate) fn update(&mut self, item: Uuid, change: impl FnOnce(&mut Item)) {
        if let Some(own) = self.items.get_mut(&item) {
            change(own);
            self.touch(item);
        }
    }

    /// Renames an item, or moves it to another folder, or both.
    pub(crate) fn relocate(
        &mut self,
        item: Uuid,
        folder: Option<Uuid>,
        name: Option<&str>,
        conflict: Conflict,
    ) -> Result<(), Refused> {
        let own = self.items.get(&item).ok_or(Refused::NotFound)?;
        let from = own.parent.ok_or(Refused::Root)?;
        let to = folder.unwrap_or(from);
        let target = self.items.get(&to).ok_or(Refused::NotFound)?;
        if target.is_file() {
            return Err(Refused::NoFolder);
        }
        if to == item || self.above(to).iter().any(|it| it.id == item) {
            return Err(Refused::IntoItself);
        }
        let is_file = own.is_file();
        let before = key(&own.name);
        let mut name = name.unwrap_or(&own.name).to_owned();
        let size = own.size;
        if let Some(there) = self.child(to, &name).map(|it| (it.id, it.is_file()))
            && there.0 != item
        {
            match conflict {
                Conflict::Rename => name = self.free_name(to, &name, is_file),
                Conflict::Replace if is_file && there.1 => {
                    self.delete(there.0)?;
                }
                Conflict::Fail | Conflict::Replace => return Err(Refused::NameTaken),
            }
        }
        if let Some(children) = self.children.get_mut(&from) {
            children.remove(&before);
        }
        let children = self.children.entry(to).or_default();
        children.insert(key(&name), item);
        if from != to {
            self.grow(from, 0, size);
            self.grow(to, size, 0);
        }
        self.update(item, |own| {
            own.parent = Some(to);
            own.name = name;
            own.version += 1;
        });
        Ok(())
    }

    /// Deletes an item with all that is in it; it may be restored.
    pub(crate) fn delete(&mut self, item: Uuid) -> Result<(), Refused> {
        let taken = self.take(item)?;
        self.bin.push(taken);
        let surplus = self.bin.len().saturating_sub(MOST_DELETED);
        self.bin.drain(..surplus);
        Ok(())
    }

    /// Deletes an item for good, be it deleted already or not.
    pub(crate) fn purge(&mut self, item: Uuid) -> Result<(), Refused> {
        let before = self.bin.len();
        self.bin
            .retain(|it| it.first().is_none_or(|top| top.id != item));
        if self.bin.len() < before {
            return Ok(());
        }
        self.take(item).map(drop)
    }

    /// Brings a deleted item back, to where it was or to another folder.
    pub(crate) fn restore(
        &mut self,
        item: Uuid,
        folder: Option<Uuid>,
        name: Option<&str>,
    ) -> Result<(), Refused> {
        let at = self
            .bin
            .iter()
            .position(|it| it.first().is_some_and(|top| top.id == item))
            .ok_or(Refused::NotFound)?;
        let top = self.bin[at].first().ok_or(Refused::NotFound)?;
        let to = folder.or(top.parent).unwrap_or(id::ROOT);
        let name = name.unwrap_or(&top.name).to_owned();
        let target = self.items.get(&to).ok_or(Refused::NotFound)?;
        if target.is_file() {
            return Err(Refused::NoFolder);
        }
        if self.child(to, &name).is_some() {
            return Err(Refused::NameTaken);
        }
        self.has_room(top.size)?;
        for (number, mut item) in self.bin.remove(at).into_iter().enumerate() {
            if number == 0 {
                item.parent = Some(to);
                item.name.clone_from(&name);
                item.version += 1;
                self.grow(to, item.size, 0);
            }
            if let Some(parent) = item.parent {
                let children = self.children.entry(parent).or_default();
                children.insert(key(&item.name), item.id);
            }
            let id = item.id;
            self.rows.insert(item.row, id);
            self.gone.retain(|_, it| it.id != id);
            self.items.insert(id, item);
            self.touch(id);
        }
        Ok(())
    }

    /// Takes an earlier version away; says whether it was there.
    pub(crate) fn forget_version(&mut self, item: Uuid, number: u32) -> bool {
        let Some(own) = self.items.get_mut(&item) else {
            return false;
        };
        let before = own.versions.len();
        own.versions.retain(|it| it.number != number);
        own.versions.len() < before
    }

    /// Makes every delta from before now answer that all must be read again.
    pub(crate) fn forget_changes(&mut self) {
        self.sequence += 1;
        self.forgotten = self.sequence;
        self.gone.clear();
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

    /// Takes an item with all that is in it out of the drive, and leaves tombstones: the service
    /// has one for each item of a folder.
    fn take(&mut self, item: Uuid) -> Result<Vec<Item>, Refused> {
        let own = self.items.get(&item).ok_or(Refused::NotFound)?;
        let parent = own.parent.ok_or(Refused::Root)?;
        let (name, size) = (key(&own.name), own.size);
        if let Some(children) = self.children.get_mut(&parent) {
            children.remove(&name);
        }
        self.grow(parent, 0, size);
        let mut taken = Vec::new();
        for id in self.tree(item) {
            self.children.remove(&id);
            let Some(item) = self.items.remove(&id) else {
                continue;
            };
            self.changes.remove(&item.sequence);
            self.rows.remove(&item.row);
            self.sequence += 1;
            let gone = Gone {
                id,
                row: item.row,
                parent: item.parent.unwrap_or(id::ROOT),
                is_file: item.is_file(),
            };
            self.gone.insert(self.sequence, gone);
            taken.push(item);
        }
        while self.gone.len() > MOST_TOMBSTONES {
            if let Some((number, _)) = self.gone.pop_first() {
                self.forgotten = number;
            }
        }
        Ok(taken)
    }

    fn touch(&mut self, item: Uuid) {
        if let Some(own) = self.items.get_mut(&item) {
            self.changes.remove(&own.sequence);
            self.sequence += 1;
            own.sequence = self.sequence;
            self.changes.insert(own.sequence, item);
        }
    }

    /// Counts bytes to a folder and those above it.
    fn grow(&mut self, folder: Uuid, more: u64, less: u64) {
        let mut at = Some(folder);
        while let Some(folder) = at.and_then(|it| self.items.get_mut(&it)) {
            folder.size = (folder.size + more).saturating_sub(less);
            at = folder.parent;
        }
    }

    fn has_room(&self, more: u64) -> Result<(), Refused> {
        if self.used().saturating_add(more) > self.quota {
            Err(Refused::Quota)
        } else {
            Ok(())
        }
    }

    /// The first free name: `name 1`, `name 2`, before the ending of a file.
    /// Source: recordings of NangoHQ/integration-templates.
    fn free_name(&self, folder: Uuid, name: &str, is_file: bool) -> String {
        let (stem, ending) = match name.rfind('.').filter(|at| is_file && *at > 0) {
            Some(at) => name.split_at(at),
            None => (name, ""),
        };
        let taken = self.children.get(&folder);
        let is_free = |name: &String| taken.is_none_or(|it| !it.contains_key(&key(name)));
        let mut names = (1_u64..).map(|number| format!("{stem} {number}{ending}"));
        names.find(is_free).unwrap_or_else(|| name.to_owned())
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

/// The items that a drive may have.
const MOST_ITEMS: usize = 1_000_000;

/// The deletions that a drive tells of.
const MOST_TOMBSTONES: usize = 100_000;

/// The deleted items that may come back.
const MOST_DELETED: usize = 1000;

/// The earlier contents of a file. Source: learn.microsoft.com/sharepoint/document-library-version-history-limits.
const MOST_VERSIONS: usize = 500;

#[cfg(test)]
mod tests;
