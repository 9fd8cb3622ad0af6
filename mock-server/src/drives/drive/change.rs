//! How a drive changes: what comes into it, moves in it, goes from it, and comes back.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Conflict, Drive, Gone, Refused, key};
use crate::drives::blob::Blob;
use crate::drives::id;
use crate::drives::item::{Identity, Item, Version};

impl Drive {
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

    pub(super) fn touch(&mut self, item: Uuid) {
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

/// The items that a drive may have.
const MOST_ITEMS: usize = 1_000_000;

/// The deletions that a drive tells of.
const MOST_TOMBSTONES: usize = 100_000;

/// The deleted items that may come back.
const MOST_DELETED: usize = 1000;

/// The earlier contents of a file. Source: learn.microsoft.com/sharepoint/document-library-version-history-limits.
const MOST_VERSIONS: usize = 500;
