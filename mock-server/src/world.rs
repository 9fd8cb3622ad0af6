//! The world: all tenants of all environments, and how to find things in them.

mod connections;
mod drives;
pub mod seed;
pub(crate) mod sign_in;
mod snapshot;
mod template;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

pub use connections::Connections;
pub(crate) use sign_in::append_to_log;
pub use snapshot::{Snapshot, SnapshotError};
pub(crate) use template::default_seed;
pub use template::{AppDescription, TenantDescription, TenantName, UserDescription};

use self::drives::PutFile;
use crate::clock::{self, Clock};
use crate::directory::{
    Application, ApplicationId, Did, Directory, Event, EventError, ObjectId, TenantId, Then,
};
use crate::drives::{Blob, Drives, Store};
use crate::environment::{Environment, SignInCloud};
use crate::fault::{Fault, FaultError, Faults};
use crate::journal::{
    ClockMove, ClockRecord, EventRecord, FaultChange, FaultRecord, Journal, SecretHolder,
    StateChange, StateRecord,
};
use crate::limit::Limits;
use crate::lock::{RwLock, rank};
use crate::mailbox::{Contents, MailboxLock, Mailboxes, Owner, Person};
use crate::notation::Span;
use crate::random::Random;
use crate::store::Documents;
use crate::token::{KeyRings, RedeemedCodes, Sealer, SeenTokens};

/// All tenants, their keys, and the source of randomness.
#[derive(Debug)]
pub struct World {
    /// Ids, lifetimes, trace ids.
    pub random: Random,
    /// The signing keys of the sign-in clouds.
    pub keys: Arc<KeyRings>,
    /// Seals authorization codes, device codes, refresh tokens and page state.
    pub sealer: Sealer,
    /// The record of what happens.
    pub journal: Journal,
    /// Redeemed authorization codes.
    pub redeemed: RedeemedCodes,
    /// The newest tokens that went over the wire, for people who look.
    pub seen: SeenTokens,
    /// The contents of files.
    pub(crate) contents: Arc<Store>,
    tenants: RwLock<rank::Tenants, Index>,
    changes: AtomicU64,
    /// Whether a fault was ever set: until then no exchange has to look for one.
    faults: AtomicBool,
}

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
    changes: AtomicU64,
    /// So that the journal knows the directory's secrets wherever they are.
    secrets: SecretHolder,
    /// The tenant that was made together with this one, for it alone.
    companion: OnceLock<TenantId>,
}

#[derive(Debug, Default)]
struct Index {
    // A tenant id may exist in two clouds, so the cloud is part of the key.
    // Source: the tenant f8cdef31-… of the global and the US Government cloud.
    by_id: HashMap<(SignInCloud, TenantId), Arc<Tenant>>,
    by_domain: HashMap<(SignInCloud, String), TenantId>,
    by_app: HashMap<(SignInCloud, ApplicationId), TenantId>,
    order: Vec<(SignInCloud, TenantId)>,
    /// The tenants that the ready file names, in its order.
    defaults: Vec<(SignInCloud, TenantId)>,
}

impl World {
    /// A world without tenants.
    pub fn new(random: Random, keys: Arc<KeyRings>, sealer: Sealer, journal: Journal) -> Self {
        Self {
            random,
            keys,
            sealer,
            journal,
            redeemed: RedeemedCodes::default(),
            seen: SeenTokens::default(),
            contents: Arc::default(),
            tenants: RwLock::default(),
            changes: AtomicU64::new(0),
            faults: AtomicBool::new(false),
        }
    }

    /// Adds a tenant, or replaces the one with the same id.
    pub fn add(&self, directory: Directory, clock: Clock) -> Arc<Tenant> {
        let mailboxes = Mailboxes::new(self.random.seed());
        let tenant = Arc::new(Tenant::new(directory, clock, mailboxes, &self.journal));
        self.tenants.write(|it| it.add(&tenant));
        self.changed();
        tenant
    }

    /// Forgets a tenant, and the vendor's tenant that was made for it alone.
    pub fn remove(&self, cloud: SignInCloud, id: TenantId) -> Option<Arc<Tenant>> {
        self.tenants.write(|index| {
            let tenant = index.remove((cloud, id))?;
            if let Some(companion) = tenant.companion.get() {
                index.remove((cloud, *companion));
            }
            self.changed();
            Some(tenant)
        })
    }

    pub(crate) fn note_state(&self, change: StateChange) {
        self.journal.state(StateRecord {
            number: 0,
            at: Clock::real().now(),
            change,
        });
    }

    /// Checks a fault and sets it in a tenant; returns its number.
    ///
    /// # Errors
    ///
    /// The fault would never act, or names what the tenant does not have.
    pub fn add_fault(&self, tenant: &Tenant, fault: Fault) -> Result<u64, FaultError> {
        let what = serde_json::to_value(&fault).unwrap_or_default();
        let number = tenant.set_fault(fault)?;
        self.faults.store(true, Ordering::Release);
        self.note_faults(
            tenant,
            FaultChange::Set {
                number,
                fault: what,
            },
        );
        Ok(number)
    }

    /// Takes a fault away; returns whether it was there.
    pub fn remove_fault(&self, tenant: &Tenant, number: u64) -> bool {
        let removed = tenant.faults.remove(number);
        if removed {
            self.note_faults(tenant, FaultChange::Removed { number });
        }
        removed
    }

    /// Takes all faults of a tenant away.
    pub fn clear_faults(&self, tenant: &Tenant) {
        if !tenant.faults.is_empty() {
            tenant.faults.clear();
            self.note_faults(tenant, FaultChange::Cleared {});
        }
    }

    fn note_faults(&self, tenant: &Tenant, change: FaultChange) {
        self.journal.fault(FaultRecord {
            number: 0,
            at: Clock::real().now(),
            tenant: tenant.id,
            tenant_time: tenant.now(),
            change,
        });
    }

    /// Moves a tenant's time, and writes that to the journal.
    ///
    /// # Errors
    ///
    /// The text of an advance is no amount of time.
    pub fn move_clock(&self, tenant: &Tenant, change: ClockMove) -> Result<(), String> {
        match &change {
            ClockMove::Advance(by) => tenant.clock.advance(clock::duration(by)?),
            ClockMove::Freeze {} => tenant.clock.freeze(),
            ClockMove::Reset {} => tenant.clock.reset(),
        }
        self.note_clock(tenant, change);
        Ok(())
    }

    fn note_clock(&self, tenant: &Tenant, change: ClockMove) {
        self.journal.clock(ClockRecord {
            number: 0,
            at: Clock::real().now(),
            tenant: tenant.id,
            tenant_time: tenant.now(),
            change,
        });
    }

    /// Whether any tenant ever had a fault.
    pub(crate) fn has_faults(&self) -> bool {
        self.faults.load(Ordering::Acquire)
    }

    /// All tenants in the order in which they were added.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read(|index| index.of(&index.order))
    }

    /// The tenants that the ready file names, in its order.
    pub fn defaults(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read(|index| index.of(&index.defaults))
    }

    /// Names the tenants for the ready file.
    pub fn name_defaults(&self, tenants: &[Arc<Tenant>]) {
        self.tenants
            .write(|it| it.defaults = tenants.iter().map(|it| it.key()).collect());
        self.changed();
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// The tenant with this id in a cloud.
    pub fn tenant(&self, cloud: SignInCloud, id: TenantId) -> Option<Arc<Tenant>> {
        self.tenants.read(|it| it.by_id.get(&(cloud, id)).cloned())
    }

    /// The tenant with this id, whatever the cloud.
    pub fn tenant_anywhere(&self, id: TenantId) -> Option<Arc<Tenant>> {
        SignInCloud::ALL
            .into_iter()
            .find_map(|cloud| self.tenant(cloud, id))
    }

    /// The tenant of a verified domain in a cloud.
    pub fn tenant_of_domain(&self, cloud: SignInCloud, domain: &str) -> Option<Arc<Tenant>> {
        self.tenants.read(|index| {
            let id = index.by_domain.get(&(cloud, domain.to_ascii_lowercase()))?;
            index.by_id.get(&(cloud, *id)).cloned()
        })
    }

    /// The tenant that a path segment names by id or verified domain.
    pub fn tenant_of_segment(&self, cloud: SignInCloud, segment: &str) -> Option<Arc<Tenant>> {
        match segment.parse() {
            Ok(id) => self.tenant(cloud, id),
            Err(_) => self.tenant_of_domain(cloud, segment),
        }
    }

    /// The registration of an app, as it is now, with the tenant in which it is registered.
    pub fn application(
        &self,
        cloud: SignInCloud,
        app: ApplicationId,
    ) -> Option<(Arc<Tenant>, Arc<Application>)> {
        let home = {
            self.tenants.read(|index| {
                let id = index.by_app.get(&(cloud, app))?;
                index.by_id.get(&(cloud, *id)).cloned()
            })?
        };
        let application = home.read(|it| it.applications.shared(&app))?;
        Some((home, application))
    }

    /// Moves the time of a tenant on, and that of the tenants in which its apps are registered:
    /// their credentials live by it. The journal tells of each of them.
    pub fn advance(&self, tenant: &Tenant, by: SignedDuration) {
        let advance = |tenant: &Tenant| {
            tenant.clock.advance(by);
            self.note_clock(tenant, ClockMove::Advance(Span(by).to_string()));
        };
        let mut moved = vec![tenant.id];
        advance(tenant);
        for app in self.describe(tenant).apps.values() {
            if moved.contains(&app.tenant_id) {
                continue;
            }
            moved.push(app.tenant_id);
            if let Some(home) = self.tenant(tenant.environment.cloud(), app.tenant_id) {
                advance(&home);
            }
        }
    }

    /// Applies an event to a tenant, at its own time, and writes it to the journal. Returns what it
    /// did.
    pub fn apply(&self, tenant: &Tenant, event: &Event) -> Result<Did, EventError> {
        self.happen(tenant, event, None)
    }

    /// Applies the event of a fault.
    pub(crate) fn apply_by_fault(
        &self,
        tenant: &Tenant,
        event: &Event,
        fault: u64,
    ) -> Result<Did, EventError> {
        self.happen(tenant, event, Some(fault))
    }

    fn happen(
        &self,
        tenant: &Tenant,
        event: &Event,
        fault: Option<u64>,
    ) -> Result<Did, EventError> {
        self.check_foreign_permissions(tenant, event)?;
        let now = tenant.now();
        let name = event.name();
        let (applied, renamed) = tenant.write_by(Some(&name), |directory| {
            let before = names(directory);
            let applied = directory.apply(event, now, &self.random)?;
            Ok::<_, EventError>((applied, names(directory) != before))
        })?;
        let mut did = applied.did;
        match applied.then {
            Then::Done => {}
            Then::Elsewhere(home) => {
                let home = self
                    .tenant(tenant.environment.cloud(), home)
                    .ok_or_else(|| {
                        EventError::NotPossible(format!(
                            "the app's home tenant {home} does not exist"
                        ))
                    })?;
                let then = home.now();
                did = home
                    .write_by(Some(&name), |it| it.apply(event, then, &self.random))?
                    .did;
            }
            Then::ChangeMessage {
                user,
                subject,
                read,
                folder,
            } => {
                let owner = tenant.read(|it| Owner::of(it, user));
                let changed = owner.is_some_and(|owner| {
                    let mailboxes = &tenant.mailboxes;
                    mailboxes.change(&owner, &subject, read, folder, now)
                });
                if !changed {
                    return Err(EventError::NotPossible(format!(
                        "no mail with the subject '{subject}' in this mailbox"
                    )));
                }
            }
            Then::DeleteFile { user, path } => {
                tenant
                    .delete_file(user, &path)
                    .map_err(EventError::NotPossible)?;
            }
            Then::PutFile {
                user,
                path,
                text,
                keep_both,
            } => {
                let content = Blob::of(&self.contents, text.as_bytes());
                let content = content.map_err(|it| EventError::NotPossible(it.to_string()))?;
                let put = PutFile {
                    path: &path,
                    content,
                    keep_both,
                };
                let number = || self.random.uuid();
                let put = tenant.put_file(user, put, now, number);
                put.map_err(EventError::NotPossible)?;
            }
            Then::ForgetChanges(user) => {
                if let Some(contents) = tenant.mailbox(user, now) {
                    contents.write(Contents::forget_changes);
                }
                tenant.forget_file_changes(user);
            }
            Then::Deliver {
                user,
                subject,
                from,
                body,
                late,
            } => {
                // The directory's lock is released before the mailbox is opened.
                let sender = tenant.read(|it| Person::of_address(it, &from));
                if let Some(contents) = tenant.mailbox(user, now) {
                    let late = SignedDuration::from_secs(late.into());
                    let received = now.checked_sub(late).unwrap_or(now);
                    contents.write(|it| {
                        it.deliver_late(&subject, &sender, &body, (received, now));
                    });
                }
            }
        }
        // Most events change no domain and no app: the index of all tenants is left alone.
        if renamed {
            self.reindex(tenant);
        }
        tenant.faults.event_happened(&name);
        self.journal.event(EventRecord {
            number: 0,
            at: Clock::real().now(),
            tenant: tenant.id,
            tenant_time: now,
            event: event.clone(),
            fault,
        });
        Ok(did)
    }

    /// The permissions of an API that is registered in another tenant are known there alone.
    fn check_foreign_permissions(&self, tenant: &Tenant, event: &Event) -> Result<(), EventError> {
        for (api, name, kind) in event.permissions_by_id() {
            if tenant.read(|it| it.applications.contains_key(&api)) {
                continue;
            }
            if let Some((_, app)) = self.application(tenant.environment.cloud(), api) {
                app.check_permission(name, kind)?;
            }
        }
        Ok(())
    }
}

impl Tenant {
    fn new(
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
    fn comes_with(&self, companion: TenantId) {
        // Each tenant is made once.
        let _ = self.companion.set(companion);
    }

    fn key(&self) -> (SignInCloud, TenantId) {
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

    /// Changes the directory at set-up, and where no [`Event`] exists (consent on the pages,
    /// Graph writes). Apps and domains added here are found after [`World::reindex`].
    pub fn write<A>(&self, change: impl FnOnce(&mut Directory) -> A) -> A {
        self.write_by(None, change)
    }

    /// The one way in which a directory changes: each change is in its log, with the name of the
    /// event that makes it.
    fn write_by<A>(&self, event: Option<&str>, change: impl FnOnce(&mut Directory) -> A) -> A {
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

impl World {
    /// Takes note of apps and domains that [`Tenant::write`] added.
    pub fn reindex(&self, tenant: &Tenant) {
        let known = tenant.read(names);
        self.tenants.write(|it| it.learn(tenant, known));
    }
}

impl Index {
    fn add(&mut self, tenant: &Arc<Tenant>) {
        let key = tenant.key();
        if self.by_id.insert(key, Arc::clone(tenant)).is_none() {
            self.order.push(key);
        }
        self.learn(tenant, tenant.read(names));
    }

    fn remove(&mut self, key: (SignInCloud, TenantId)) -> Option<Arc<Tenant>> {
        let (cloud, id) = key;
        let tenant = self.by_id.remove(&key)?;
        self.order.retain(|it| *it != key);
        self.defaults.retain(|it| *it != key);
        self.by_domain
            .retain(|(of, _), tenant| (*of, *tenant) != (cloud, id));
        self.by_app
            .retain(|(of, _), tenant| (*of, *tenant) != (cloud, id));
        Some(tenant)
    }

    fn of(&self, keys: &[(SignInCloud, TenantId)]) -> Vec<Arc<Tenant>> {
        keys.iter()
            .filter_map(|key| self.by_id.get(key).cloned())
            .collect()
    }

    fn learn(&mut self, tenant: &Tenant, (domains, apps): Names) {
        let cloud = tenant.environment.cloud();
        for domain in domains {
            self.by_domain.insert((cloud, domain), tenant.id);
        }
        for app in apps {
            self.by_app.insert((cloud, app), tenant.id);
        }
    }
}

/// Domains in lower case, and apps: by what a tenant is found.
type Names = (Vec<String>, Vec<ApplicationId>);

fn names(directory: &Directory) -> Names {
    let domains = directory.domains.iter().map(|it| it.to_ascii_lowercase());
    let apps = directory.applications.keys().copied();
    (domains.collect(), apps.collect())
}

#[cfg(test)]
mod tests;
