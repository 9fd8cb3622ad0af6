//! A tenant: its directory, its mailboxes, its documents, its time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::Connections;
use crate::clock::Clock;
use crate::directory::{Directory, ObjectId, TenantId};
use crate::drives::Drives;
use crate::environment::{Environment, SignInCloud};
use crate::fault::Faults;
use crate::journal::{Journal, SecretHolder};
use crate::limit::Limits;
use crate::lock::{RwLock, rank};
use crate::mailbox::{MailboxLock, Mailboxes, Owner};
use crate::store::Documents;

/// One tenant: the unit of isolation.
#[derive(Debug)]
pub struct Tenant {
    /// The id.
    pub id: TenantId,
    /// Where it lives.
    pub environment: Environment,
    /// Its time.
    pub clock: Clock,
    /// The contents of its mailboxes.
    pub mailboxes: Mailboxes,
    /// Who is signed in with which client.
    pub connections: Connections,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What was counted against Graph's limits.
    pub(crate) limits: Limits,
    directory: RwLock<rank::Directory, Directory>,
    documents: RwLock<rank::Documents, Documents>,
    drives: RwLock<rank::Drives, Drives>,
    pub(super) changes: AtomicU64,
    /// So that the journal knows the directory's secrets wherever they are.
    secrets: SecretHolder,
    /// The tenant that was made together with this one, for it alone.
    pub(super) companion: OnceLock<TenantId>,
}

impl Tenant {
    pub(super) fn new(
        mut directory: Directory,
        clock: Clock,
        mailboxes: Mailboxes,
        journal: &Journal,
    ) -> Self {
        directory.forget_touched();
        let secrets = journal.redactor().known().holder();
        secrets.renew(directory.secrets());
        Self {
            id: directory.id,
            environment: directory.environment,
            clock,
            mailboxes,
            connections: Connections::default(),
            faults: Faults::default(),
            limits: Limits::default(),
            documents: RwLock::new(Documents::default()),
            drives: RwLock::default(),
            directory: RwLock::new(directory),
            changes: AtomicU64::new(0),
            secrets,
            companion: OnceLock::new(),
        }
    }

    /// Notes the tenant that was made together with this one, for it alone.
    pub(super) fn comes_with(&self, companion: TenantId) {
        // Each tenant is made once.
        let _ = self.companion.set(companion);
    }

    pub(super) fn key(&self) -> (SignInCloud, TenantId) {
        (self.environment.cloud(), self.id)
    }

    /// The contents of a user's mailbox, if the user has one.
    pub(crate) fn mailbox(&self, user: ObjectId, now: Timestamp) -> Option<Arc<MailboxLock>> {
        let person = self.read(|it| Owner::person_of(it, user))?;
        if let Some(known) = self.mailboxes.known(user, &person) {
            return Some(known);
        }
        // Everybody in the tenant is needed only to fill it.
        let owner = self.read(|it| Owner::of(it, user))?;
        Some(self.mailboxes.open(&owner, now))
    }

    /// The tenant's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The directory and the documents, copied.
    pub(crate) fn contents(&self) -> (Directory, Documents) {
        (self.read(Clone::clone), self.read_documents(Clone::clone))
    }

    /// Looks at what Graph serves beside the directory and the mailboxes.
    pub(crate) fn read_documents<A>(&self, look: impl FnOnce(&Documents) -> A) -> A {
        self.documents.read(look)
    }

    /// Changes what Graph serves beside the directory and the mailboxes.
    pub(crate) fn write_documents<A>(&self, change: impl FnOnce(&mut Documents) -> A) -> A {
        self.documents.write(|documents| {
            // Under the lock: who has seen the number waits for the change.
            self.changes.fetch_add(1, Ordering::Relaxed);
            change(documents)
        })
    }

    /// Looks at the drives.
    pub(crate) fn read_drives<A>(&self, look: impl FnOnce(&Drives) -> A) -> A {
        self.drives.read(look)
    }

    /// Changes the drives.
    pub(crate) fn write_drives<A>(&self, change: impl FnOnce(&mut Drives) -> A) -> A {
        self.drives.write(|drives| {
            // Under the lock: who has seen the number waits for the change.
            self.changes.fetch_add(1, Ordering::Relaxed);
            change(drives)
        })
    }

    /// Looks at the directory. What is looked up elsewhere (other tenants, the world) is looked up
    /// before or after, for locks are taken in one order.
    pub fn read<A>(&self, look: impl FnOnce(&Directory) -> A) -> A {
        self.directory.read(look)
    }

    /// Changes the directory at set-up, and where no [`Event`](crate::directory::Event) exists (consent on the pages,
    /// Graph writes). Apps and domains added here are found after [`World::reindex`](super::World::reindex).
    pub fn write<A>(&self, change: impl FnOnce(&mut Directory) -> A) -> A {
        self.write_by(None, change)
    }

    /// The one way in which a directory changes: each change is in its log, with the name of the
    /// event that makes it.
    pub(super) fn write_by<A>(
        &self,
        event: Option<&str>,
        change: impl FnOnce(&mut Directory) -> A,
    ) -> A {
        let now = self.now();
        self.directory.write(|directory| {
            // Under the lock: who has seen the number waits for the change.
            self.changes.fetch_add(1, Ordering::Relaxed);
            let changed = change(directory);
            directory.note_changes(now, event);
            self.secrets.renew(directory.secrets());
            changed
        })
    }
}
