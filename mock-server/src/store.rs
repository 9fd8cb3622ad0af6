//! What Graph serves beside the directory and the mailboxes: documents in collections, and links
//! between them.
//!
//! A collection is named by its address: `groups`, `users/{id}/todo/lists`. A singleton is the
//! one document of its address, without an id. Each change has a number, deletions leave a
//! tombstone, so that a delta is everything since a number.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The members of a document.
pub(crate) type Properties = Map<String, Value>;

/// The documents of a tenant.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Documents {
    collections: BTreeMap<String, Collection>,
    links: BTreeMap<String, Vec<String>>,
    moves: VecDeque<Move>,
    /// The number of the newest move that was dropped.
    forgotten: u64,
    sequence: u64,
    bytes: usize,
}

/// A link that was added or taken away.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Move {
    sequence: u64,
    navigation: String,
    target: String,
    added: bool,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Collection {
    documents: IndexMap<String, Document>,
    tombstones: VecDeque<(u64, String)>,
    /// The number of the newest tombstone that was dropped.
    forgotten: u64,
}

/// A document of a collection.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The id; empty for a singleton.
    pub id: String,
    /// What was written.
    pub properties: Properties,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written.
    pub modified: Timestamp,
    /// The number of its last change.
    pub sequence: u64,
}

/// What a delta has since a number.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    /// Created and changed documents.
    pub(crate) documents: Vec<&'a Document>,
    /// The ids of those that are gone, with the numbers of that.
    pub(crate) removed: Vec<(u64, &'a str)>,
}

/// Why nothing more is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the tenant's documents take {MOST_BYTES} bytes, which is the most that the mock keeps")]
pub(crate) struct Full;

impl Documents {
    /// The number of the last change.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The documents of a collection, oldest first.
    pub(crate) fn list(&self, collection: &str) -> impl Iterator<Item = &Document> {
        self.collections
            .get(collection)
            .into_iter()
            .flat_map(|it| it.documents.values())
    }

    /// All collections with their documents.
    pub(crate) fn collections(
        &self,
    ) -> impl Iterator<Item = (&str, impl Iterator<Item = &Document>)> {
        let all = self.collections.iter();
        all.map(|(name, it)| (name.as_str(), it.documents.values()))
    }

    /// The navigations of an object with the addresses to which they lead.
    pub(crate) fn links_of(&self, address: &str) -> impl Iterator<Item = (&str, &[String])> {
        let prefix = format!("{address}/");
        let from = self.links.range(prefix.clone()..);
        from.map_while(move |(navigation, targets)| {
            Some((navigation.strip_prefix(&prefix)?, targets.as_slice()))
        })
        .filter(|(name, targets)| !name.contains('/') && !targets.is_empty())
    }

    /// A document.
    pub(crate) fn get(&self, collection: &str, id: &str) -> Option<&Document> {
        self.collections.get(collection)?.documents.get(id)
    }

    /// Creates a document, or replaces it; links of what was replaced stay.
    pub(crate) fn put(
        &mut self,
        collection: &str,
        id: &str,
        properties: Properties,
        now: Timestamp,
    ) -> Result<&Document, Full> {
        let size = size_of(&properties) + id.len();
        let before = self.get(collection, id);
        let (created, freed) = before.map_or((now, 0), |it| {
            (it.created, size_of(&it.properties) + id.len())
        });
        let bytes = self.bytes - freed + size;
        if bytes > MOST_BYTES {
            return Err(Full);
        }
        self.bytes = bytes;
        self.sequence += 1;
        let document = Document {
            id: id.to_owned(),
            properties,
            created,
            modified: now,
            sequence: self.sequence,
        };
        let collection = self.collections.entry(collection.to_owned()).or_default();
        collection.tombstones.retain(|(_, gone)| gone != id);
        let entry = collection.documents.entry(id.to_owned());
        Ok(entry.insert_entry(document).into_mut())
    }

    /// Deletes a document with all that lives below it; says whether it was there.
    pub(crate) fn delete(&mut self, collection: &str, id: &str) -> bool {
        let Some(found) = self.collections.get_mut(collection) else {
            return false;
        };
        let Some(document) = found.documents.shift_remove(id) else {
            return false;
        };
        self.sequence += 1;
        self.bytes -= size_of(&document.properties) + id.len();
        found.bury(self.sequence, id);
        let address = address(collection, id);
        self.forget_below(&address);
        true
    }

    /// Drops the oldest documents of a log, so that one more fits.
    pub(crate) fn make_room(&mut self, collection: &str, most: usize) {
        let Some(found) = self.collections.get_mut(collection) else {
            return;
        };
        while found.documents.len() >= most {
            // The oldest stand first; a tenth goes at once, since that moves the others.
            for (id, gone) in found.documents.drain(..most.div_ceil(10)) {
                self.bytes -= size_of(&gone.properties) + id.len();
            }
        }
    }

    /// Moves a document to another collection, changed; links and what lives below it stay where
    /// they are, for when it comes back. Null takes a member away. Says whether it was there.
    pub(crate) fn relocate(
        &mut self,
        from: &str,
        id: &str,
        to: &str,
        more: Properties,
        now: Timestamp,
    ) -> Result<bool, Full> {
        let Some(found) = self.collections.get_mut(from) else {
            return Ok(false);
        };
        let Some(document) = found.documents.shift_remove(id) else {
            return Ok(false);
        };
        self.sequence += 1;
        self.bytes -= size_of(&document.properties) + id.len();
        found.bury(self.sequence, id);
        let mut properties = document.properties;
        for (name, value) in more {
            if value.is_null() {
                properties.shift_remove(&name);
            } else {
                properties.insert(name, value);
            }
        }
        self.put(to, id, properties, now)?;
        if let Some(moved) = self
            .collections
            .get_mut(to)
            .and_then(|it| it.documents.get_mut(id))
        {
            moved.created = document.created;
        }
        Ok(true)
    }

    /// Forgets what lives below an entity that is kept elsewhere, such as a user.
    pub(crate) fn forget_below(&mut self, address: &str) {
        let prefix = format!("{address}/");
        let gone: Vec<String> = self
            .collections
            .range(prefix.clone()..)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(&prefix))
            .cloned()
            .collect();
        for name in gone {
            if let Some(collection) = self.collections.remove(&name) {
                let freed = collection.documents.values();
                self.bytes -= freed
                    .map(|it| size_of(&it.properties) + it.id.len())
                    .sum::<usize>();
            }
        }
        self.links.retain(|from, _| !from.starts_with(&prefix));
        for targets in self.links.values_mut() {
            targets.retain(|target| target != address && !target.starts_with(&prefix));
        }
    }

    /// The addresses to which a navigation leads.
    pub(crate) fn links(&self, navigation: &str) -> &[String] {
        self.links.get(navigation).map_or(&[], Vec::as_slice)
    }

    /// The addresses of all that lead to a target by a navigation of this name.
    pub(crate) fn holders(&self, name: &str, target: &str) -> Vec<String> {
        self.links
            .iter()
            .filter(|(_, targets)| targets.iter().any(|it| it == target))
            .filter_map(|(navigation, _)| navigation.strip_suffix(name)?.strip_suffix('/'))
            .map(str::to_owned)
            .collect()
    }

    /// Adds a link; says whether it is new.
    pub(crate) fn link(&mut self, navigation: &str, target: &str) -> bool {
        let targets = self.links.entry(navigation.to_owned()).or_default();
        let new = !targets.iter().any(|it| it == target);
        if new {
            targets.push(target.to_owned());
            self.note(navigation, target, true);
        }
        new
    }

    /// Remembers that a link was added or taken away.
    fn note(&mut self, navigation: &str, target: &str, added: bool) {
        self.sequence += 1;
        self.moves.push_back(Move {
            sequence: self.sequence,
            navigation: navigation.to_owned(),
            target: target.to_owned(),
            added,
        });
        if self.moves.len() > MOST_MOVES
            && let Some(dropped) = self.moves.pop_front()
        {
            self.forgotten = dropped.sequence;
        }
    }

    /// What a navigation leads to that it did not lead to before a number, and what it no longer
    /// leads to, with the number of the last change; none where changes of that time are forgotten.
    pub(crate) fn moved(&self, navigation: &str, after: u64) -> Option<Vec<(u64, &str, bool)>> {
        if self.forgotten > after {
            return None;
        }
        let mut last: Vec<(u64, &str, bool)> = Vec::new();
        let moves = self.moves.iter();
        for it in moves.filter(|it| it.sequence > after && it.navigation == navigation) {
            last.retain(|(_, target, _)| *target != it.target);
            last.push((it.sequence, &it.target, it.added));
        }
        Some(last)
    }

    /// The navigations of a collection's elements by which links were added or taken away after a
    /// number, such as `members` of `groups`: the ids of the elements.
    pub(crate) fn with_moves(&self, collection: &str, name: &str, after: u64) -> BTreeSet<&str> {
        let moves = self.moves.iter().filter(|it| it.sequence > after);
        moves
            .filter_map(|it| {
                let id = it.navigation.strip_suffix(name)?.strip_suffix('/')?;
                id.strip_prefix(collection)?.strip_prefix('/')
            })
            .filter(|id| !id.contains('/'))
            .collect()
    }

    /// Sets the one link of a navigation, or takes it away.
    pub(crate) fn set_link(&mut self, navigation: &str, target: Option<&str>) {
        for gone in self.links.remove(navigation).unwrap_or_default() {
            if Some(gone.as_str()) != target {
                self.note(navigation, &gone, false);
            }
        }
        if let Some(target) = target {
            self.link(navigation, target);
        }
    }

    /// Takes a link away; says whether it was there.
    pub(crate) fn unlink(&mut self, navigation: &str, target: &str) -> bool {
        let Some(targets) = self.links.get_mut(navigation) else {
            return false;
        };
        let before = targets.len();
        targets.retain(|it| it != target);
        let removed = targets.len() < before;
        if removed {
            self.note(navigation, target, false);
        }
        removed
    }

    /// What changed in a collection after a number; none where tombstones of that time are gone.
    pub(crate) fn changes(&self, collection: &str, after: u64) -> Option<Changes<'_>> {
        let mut changes = Changes {
            documents: Vec::new(),
            removed: Vec::new(),
        };
        let Some(collection) = self.collections.get(collection) else {
            return Some(changes);
        };
        if collection.forgotten > after {
            return None;
        }
        let documents = collection.documents.values();
        changes.documents = documents.filter(|it| it.sequence > after).collect();
        let tombstones = collection.tombstones.iter();
        changes.removed = tombstones
            .filter(|(number, _)| *number > after)
            .map(|(number, id)| (*number, id.as_str()))
            .collect();
        Some(changes)
    }
}

impl Collection {
    /// Leaves a tombstone.
    fn bury(&mut self, sequence: u64, id: &str) {
        self.tombstones.push_back((sequence, id.to_owned()));
        if self.tombstones.len() > MOST_TOMBSTONES
            && let Some((number, _)) = self.tombstones.pop_front()
        {
            self.forgotten = number;
        }
    }
}

/// The address of a document of a collection, or of a singleton.
pub(crate) fn address(collection: &str, id: &str) -> String {
    if id.is_empty() {
        collection.to_owned()
    } else {
        format!("{collection}/{id}")
    }
}

/// Roughly what a document takes.
fn size_of(properties: &Properties) -> usize {
    fn of(value: &Value) -> usize {
        16 + match value {
            Value::Array(elements) => elements.iter().map(of).sum(),
            Value::Object(members) => members
                .iter()
                .map(|(name, it)| 32 + name.len() + of(it))
                .sum(),
            Value::String(text) => text.len(),
            Value::Bool(_) | Value::Null | Value::Number(_) => 0,
        }
    }
    64 + properties
        .iter()
        .map(|(name, it)| 32 + name.len() + of(it))
        .sum::<usize>()
}

/// The most that the documents of a tenant take.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The deletions that a collection remembers.
const MOST_TOMBSTONES: usize = 10_000;

/// The links added and taken away that a tenant remembers.
const MOST_MOVES: usize = 20_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn some(text: &str) -> Properties {
        let mut properties = Properties::new();
        properties.insert("displayName".to_owned(), json!(text));
        properties
    }

    #[test]
    fn a_delta_has_changes_and_tombstones_since_a_number() {
        let mut documents = Documents::default();
        documents
            .put("groups", "a", some("A"), Timestamp::UNIX_EPOCH)
            .unwrap();
        documents
            .put("groups", "b", some("B"), Timestamp::UNIX_EPOCH)
            .unwrap();
        let then = documents.sequence();
        documents
            .put("groups", "b", some("C"), Timestamp::UNIX_EPOCH)
            .unwrap();
        assert!(documents.delete("groups", "a"));
        let changes = documents.changes("groups", then).unwrap();
        assert_eq!(changes.documents.len(), 1);
        assert_eq!(changes.documents[0].id, "b");
        assert_eq!(changes.removed.len(), 1);
        assert_eq!(changes.removed[0].1, "a");
        documents
            .put("groups", "a", some("again"), Timestamp::UNIX_EPOCH)
            .unwrap();
        assert!(
            documents
                .changes("groups", then)
                .unwrap()
                .removed
                .is_empty()
        );
    }

    #[test]
    fn a_delta_from_before_a_forgotten_tombstone_is_none() {
        let mut documents = Documents::default();
        for number in 0..=MOST_TOMBSTONES {
            let id = number.to_string();
            documents
                .put("groups", &id, some("x"), Timestamp::UNIX_EPOCH)
                .unwrap();
            documents.delete("groups", &id);
        }
        assert!(documents.changes("groups", 0).is_none());
        assert!(documents.changes("groups", documents.sequence()).is_some());
    }

    #[test]
    fn what_lives_below_a_document_goes_with_it_and_so_do_links_to_it() {
        let mut documents = Documents::default();
        let now = Timestamp::UNIX_EPOCH;
        documents.put("groups", "a", some("A"), now).unwrap();
        documents
            .put("groups/a/threads", "t", some("T"), now)
            .unwrap();
        documents.link("groups/b/members", "groups/a");
        documents.link("groups/a/members", "users/u");
        assert!(documents.delete("groups", "a"));
        assert!(documents.get("groups/a/threads", "t").is_none());
        assert!(documents.links("groups/b/members").is_empty());
        assert!(documents.links("groups/a/members").is_empty());
        assert_eq!(documents.bytes, 0);
    }

    #[test]
    fn no_more_is_stored_than_there_is_room_for() {
        let mut documents = Documents::default();
        let long = some(&"x".repeat(MOST_BYTES / 2));
        documents
            .put("groups", "a", long.clone(), Timestamp::UNIX_EPOCH)
            .unwrap();
        assert_eq!(
            documents
                .put("groups", "b", long, Timestamp::UNIX_EPOCH)
                .unwrap_err(),
            Full
        );
        assert_eq!(documents.list("groups").count(), 1);
    }
}
