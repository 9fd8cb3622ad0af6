//! Drives: what `OneDrive` and document libraries keep, without HTTP.
//!
//! A drive has items with an index by folder and name, and a log of changes by number, so that
//! looking up a path, listing a folder and telling what changed take no longer in a drive of a
//! hundred thousand items than in one of a thousand. The contents are blobs: see [`blob`].

pub(crate) mod blob;
mod drive;
pub(crate) mod id;
mod item;
pub(crate) mod list;
pub(crate) mod name;
pub(crate) mod place;
mod quick_xor;
mod session;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::blob::{Blob, BlobError, Store, Writer};
pub(crate) use self::drive::{Conflict, Drive, Entry, Gone, Owner, Place, Refused};
pub(crate) use self::item::{Identity, Item, Link, Permission};
pub(crate) use self::session::{Fragment, Job, LIFE, Said, Session};

/// The drives of a tenant that are in use, with what is under way in them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Drives {
    #[serde(rename = "drives")]
    by_id: BTreeMap<String, Drive>,
    /// Uploads that are under way; a restart ends them.
    #[serde(skip)]
    pub(crate) sessions: BTreeMap<uuid::Uuid, Session>,
    /// Copies, newest last; a restart forgets them.
    #[serde(skip)]
    pub(crate) jobs: BTreeMap<uuid::Uuid, Job>,
    /// What the sites have beside drives.
    pub(crate) lists: list::Lists,
}

impl Drives {
    /// A drive by its id.
    pub(crate) fn get(&self, id: &str) -> Option<&Drive> {
        self.by_id.get(id)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Drive> {
        self.by_id.get_mut(id)
    }

    /// The drive of an owner.
    pub(crate) fn of(&self, owner: &Owner) -> Option<&Drive> {
        self.by_id
            .values()
            .find(|it| it.owner == *owner && !it.additional)
    }

    /// All drives of an owner, the first one first.
    pub(crate) fn all_of<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = &'a Drive> {
        let mut all: Vec<&Drive> = self.by_id.values().collect();
        all.retain(|it| it.owner == *owner);
        all.sort_by_key(|it| (it.additional, it.created));
        all.into_iter()
    }

    /// Takes a drive away.
    pub(crate) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// All drives.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Drive> {
        self.by_id.values()
    }

    /// Adds a drive, unless it is there.
    pub(crate) fn add(&mut self, drive: Drive) {
        self.by_id.entry(drive.id.clone()).or_insert(drive);
    }

    /// Makes what was read from a state file usable: indexes, and where contents lie.
    pub(crate) fn revive(&mut self, store: &std::sync::Arc<Store>) {
        for drive in self.by_id.values_mut() {
            drive.revive(store);
        }
        self.lists.revive();
    }

    /// The places on disk that the contents take.
    pub(crate) fn places(&self) -> Vec<(u64, u64)> {
        self.by_id.values().flat_map(Drive::places).collect()
    }

    /// Forgets sessions that have ended and the oldest copies, so that neither grows.
    pub(crate) fn tidy(&mut self, now: jiff::Timestamp) {
        self.sessions.retain(|_, it| it.expires > now);
        while self.jobs.len() > MOST_JOBS {
            let oldest = self.jobs.iter().min_by_key(|(_, job)| job.started);
            let Some(id) = oldest.map(|(id, _)| *id) else {
                return;
            };
            self.jobs.remove(&id);
        }
    }
}

/// The sessions that may be open at once in a tenant.
pub(crate) const MOST_SESSIONS: usize = 1000;

/// The copies whose outcome is remembered.
const MOST_JOBS: usize = 1000;
