//! The world: all tenants of all environments, and how to find things in them.

mod arrival;
mod connections;
mod drives;
mod index;
mod lists;
pub mod seed;
pub(crate) mod sign_in;
mod snapshot;
mod template;
mod tenant;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::SignedDuration;

pub use connections::Connections;
pub(crate) use sign_in::append_to_log;
pub use snapshot::{Snapshot, SnapshotError};
pub(crate) use template::default_seed;
pub use template::{AppDescription, TenantDescription, TenantName, UserDescription};
pub use tenant::Tenant;

use self::drives::PutFile;
use self::index::{Index, names};
use crate::clock::{self, Clock};
use crate::directory::{
    Application, ApplicationId, Did, Directory, Event, EventError, TenantId, Then,
};
use crate::drives::{Blob, Store};
use crate::environment::SignInCloud;
use crate::fault::{Fault, FaultError};
use crate::journal::{
    ClockMove, ClockRecord, EventRecord, FaultChange, FaultRecord, Journal, StateChange,
    StateRecord,
};
use crate::lock::{RwLock, rank};
use crate::mailbox::{Contents, Mailboxes, Owner, Person};
use crate::notation::Span;
use crate::random::Random;
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
                    let key = contents
                        .write(|it| it.deliver_late(&subject, &sender, &body, (received, now)));
                    tenant.run_rules(user, key, now);
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

impl World {
    /// Takes note of apps and domains that [`Tenant::write`] added.
    pub fn reindex(&self, tenant: &Tenant) {
        let known = tenant.read(names);
        self.tenants.write(|it| it.learn(tenant, known));
    }
}

#[cfg(test)]
mod tests;
