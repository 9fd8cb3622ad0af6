//! The messages of a mailbox, by key and in the order in which they are listed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::item::Item;
use super::store::Collection;

/// The messages of a mailbox. They are read as a map by key, and changed so that the order is kept.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    by_key: Collection,
    /// All, by the time at which they were received.
    order: BTreeSet<Place>,
    by_folder: HashMap<u64, Inside>,
}

/// What is in a folder.
#[derive(Clone, Debug, Default)]
struct Inside {
    order: BTreeSet<Place>,
    unread: usize,
    bytes: usize,
}

type Place = (Timestamp, u64);

impl Messages {
    /// All, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Item> {
        self.order.iter().rev().filter_map(|at| self.at(at))
    }

    /// Those in a folder, the newest first.
    pub fn newest_first_in(&self, folder: u64) -> impl Iterator<Item = &Item> {
        let inside = self.by_folder.get(&folder);
        inside
            .into_iter()
            .flat_map(|it| it.order.iter().rev())
            .filter_map(|at| self.at(at))
    }

    /// How many are in a folder.
    pub fn count_in(&self, folder: u64) -> usize {
        self.by_folder.get(&folder).map_or(0, |it| it.order.len())
    }

    /// How many in a folder nobody has read.
    pub fn unread_in(&self, folder: u64) -> usize {
        self.by_folder.get(&folder).map_or(0, |it| it.unread)
    }

    /// About how many bytes those in a folder take.
    pub fn bytes_in(&self, folder: u64) -> usize {
        self.by_folder.get(&folder).map_or(0, |it| it.bytes)
    }

    /// About how many bytes all take.
    pub fn bytes(&self) -> usize {
        self.by_folder.values().map(|it| it.bytes).sum()
    }

    /// Puts a message in.
    pub fn insert(&mut self, item: Item) {
        self.remove(item.key);
        self.note(&item);
        self.by_key.insert(item.key, item);
    }

    /// Takes a message out.
    pub fn remove(&mut self, key: u64) -> Option<Item> {
        let item = self.by_key.remove(&key)?;
        self.forget(&item);
        Some(item)
    }

    /// Changes a message, which keeps its key.
    pub fn change<A>(&mut self, key: u64, change: impl FnOnce(&mut Item) -> A) -> Option<A> {
        let mut item = self.remove(key)?;
        let changed = change(&mut item);
        item.key = key;
        self.insert(item);
        Some(changed)
    }

    /// Takes out what is in a folder.
    pub fn empty(&mut self, folder: u64) {
        let inside = self.by_folder.remove(&folder).unwrap_or_default();
        for at in inside.order {
            self.order.remove(&at);
            self.by_key.remove(&at.1);
        }
    }

    fn at(&self, place: &Place) -> Option<&Item> {
        self.by_key.get(&place.1)
    }

    fn note(&mut self, item: &Item) {
        let at = (item.received, item.key);
        self.order.insert(at);
        let inside = self.by_folder.entry(item.folder).or_default();
        inside.order.insert(at);
        inside.unread += usize::from(!item.read);
        inside.bytes += item.size();
    }

    fn forget(&mut self, item: &Item) {
        let at = (item.received, item.key);
        self.order.remove(&at);
        if let Some(inside) = self.by_folder.get_mut(&item.folder) {
            inside.order.remove(&at);
            inside.unread -= usize::from(!item.read);
            inside.bytes -= item.size();
            if inside.order.is_empty() {
                self.by_folder.remove(&item.folder);
            }
        }
    }
}

impl Deref for Messages {
    type Target = Collection;

    fn deref(&self) -> &Collection {
        &self.by_key
    }
}

impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.by_key.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let by_key: BTreeMap<u64, Item> = Deserialize::deserialize(from)?;
        let mut messages = Self::default();
        for (_, item) in by_key {
            messages.insert(item);
        }
        Ok(messages)
    }
}
