//! Snapshots: everything of a world that state files keep.
//!
//! Tenants with their directories, clocks and mailboxes in use, redeemed codes, and the keys, so
//! that tokens issued before live on. The journal is not part of it: it is a record of a run.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::{Index, Tenant, World};
use crate::clock::{Clock, ClockState};
use crate::directory::{Directory, TenantId};
use crate::drives::{Drives, Store};
use crate::environment::SignInCloud;
use crate::journal::Journal;
use crate::mailbox::{Contents, Mailboxes};
use crate::store::Documents;
use crate::token::{RedeemedCode, RefreshToken, StoredKey};

/// Everything of a world that a state file keeps.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    version: u32,
    /// The stream of random values that the world draws from.
    random_stream: u64,
    #[serde(with = "crate::base64_bytes")]
    sealing_secret: Vec<u8>,
    signing_keys: Vec<StoredKey>,
    defaults: Vec<(SignInCloud, TenantId)>,
    redeemed_codes: Vec<RedeemedCode>,
    tenants: Vec<TenantSnapshot>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TenantSnapshot {
    directory: Directory,
    clock: ClockState,
    connections: Vec<RefreshToken>,
    mailbox_seed: u64,
    mailboxes: Vec<Contents>,
    /// What Graph serves beside the directory and the mailboxes.
    #[serde(default)]
    documents: Documents,
    /// The drives that are in use.
    #[serde(default)]
    drives: Drives,
    /// The tenant that was made together with this one, for it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    companion: Option<TenantId>,
}

/// Why a text is no state of a world.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Not JSON, a member missing or unknown, a wrong type.
    #[error("this is not a state of entra-mock: {0}")]
    Syntax(String),
    /// A version that this program does not know.
    #[error(
        "the state has version {0}, but this version of entra-mock reads version {VERSION}: use \
         the newer program, or begin with another file"
    )]
    Version(u32),
    /// A value that does not fit.
    #[error("the state cannot be used: {0}")]
    Value(String),
}

impl Snapshot {
    /// Reads a state.
    pub fn parse(text: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Header {
            version: u32,
        }
        let syntax = |error: serde_json::Error| SnapshotError::Syntax(error.to_string());
        // Looked at first: a newer version may have members that this one does not know.
        let header: Header = serde_json::from_slice(text).map_err(syntax)?;
        if header.version != VERSION {
            return Err(SnapshotError::Version(header.version));
        }
        serde_json::from_slice(text).map_err(syntax)
    }

    /// The text of a state file.
    pub fn to_text(&self) -> String {
        // Maps of a directory and of mailboxes have strings and numbers as keys.
        serde_json::to_string(self).expect("a snapshot serializes")
    }
}

impl World {
    /// Everything that a state file keeps.
    pub fn snapshot(&self) -> Snapshot {
        let tenants = self.tenants();
        Snapshot {
            version: VERSION,
            random_stream: self.random.stream(),
            sealing_secret: self.sealer.secret().to_vec(),
            signing_keys: self.keys.stored(),
            defaults: self.tenants.read(|it| it.defaults.clone()),
            redeemed_codes: self.redeemed.stored(),
            tenants: tenants.iter().map(|it| it.snapshot()).collect(),
        }
    }

    /// Replaces the world by one that was kept. On an error nothing is changed. Handles of tenants
    /// from before go on to mean what is gone.
    pub fn restore(&self, snapshot: Snapshot) -> Result<(), SnapshotError> {
        let secret = <[u8; 32]>::try_from(snapshot.sealing_secret)
            .map_err(|_| SnapshotError::Value("sealing_secret has not 32 bytes".to_owned()))?;
        let mut index = Index::default();
        let mut seen = HashSet::new();
        let stored = snapshot.signing_keys.iter().map(|it| it.generation);
        let used = snapshot
            .tenants
            .iter()
            .map(|it| it.directory.key_generation);
        if stored.chain(used).any(|it| it > MOST_KEYS) {
            let problem = format!("no cloud has more than {MOST_KEYS} generations of keys");
            return Err(SnapshotError::Value(problem));
        }
        for tenant in snapshot.tenants {
            let tenant = Arc::new(tenant.restore(&self.journal, &self.contents));
            if !seen.insert(tenant.key()) {
                let problem = format!("tenant {} occurs twice", tenant.id);
                return Err(SnapshotError::Value(problem));
            }
            index.add(&tenant);
        }
        index.defaults = snapshot.defaults;
        self.keys
            .restore(&snapshot.signing_keys)
            .ok_or_else(|| SnapshotError::Value("signing_keys has no RSA keys".to_owned()))?;
        let stream = self.random.stream().max(snapshot.random_stream);
        self.random.change_stream(stream + 1);
        self.sealer.replace(secret);
        self.redeemed.restore(&snapshot.redeemed_codes);
        self.tenants.write(|it| *it = index);
        self.changed();
        Ok(())
    }

    /// A number that differs after a change; mailboxes change by exchanges only, which count each.
    pub fn pulse(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.journal.position().hash(&mut hasher);
        self.changes.load(Ordering::Relaxed).hash(&mut hasher);
        for tenant in self.tenants() {
            let clock = tenant.clock.state();
            (clock.offset, clock.frozen).hash(&mut hasher);
            tenant.changes.load(Ordering::Relaxed).hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl Tenant {
    fn snapshot(&self) -> TenantSnapshot {
        TenantSnapshot {
            directory: self.read(Clone::clone),
            clock: self.clock.state(),
            connections: self.connections.all(),
            mailbox_seed: self.mailboxes.seed(),
            mailboxes: self.mailboxes.stored(),
            documents: self.read_documents(Documents::clone),
            drives: self.read_drives(Drives::clone),
            companion: self.companion.get().copied(),
        }
    }
}

impl TenantSnapshot {
    fn restore(self, journal: &Journal, contents: &Arc<Store>) -> Tenant {
        let clock = Clock::from_state(self.clock);
        let mailboxes = Mailboxes::restore(self.mailbox_seed, self.mailboxes);
        let tenant = Tenant::new(self.directory, clock, mailboxes, journal);
        for token in &self.connections {
            tenant.connections.note(token);
        }
        tenant.write_documents(|it| *it = self.documents);
        let mut drives = self.drives;
        drives.revive(contents);
        tenant.write_drives(|it| *it = drives);
        if let Some(companion) = self.companion {
            tenant.comes_with(companion);
        }
        tenant
    }
}

/// Keys are kept in a list by their generation.
const MOST_KEYS: u32 = 10_000;

/// The version of the format.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests;
