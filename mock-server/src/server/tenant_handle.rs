//! A tenant as a Rust test holds it.

use std::borrow::Borrow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::core::Core;
use crate::directory::{Did, Event, EventError, TenantId};
use crate::environment::Environment;
use crate::fault::{Fault, FaultError};
use crate::journal::ClockMove;
use crate::scenario::{AuthMethod, PlayError, Progress, Scenario};
use crate::world::{Tenant, TenantDescription};

/// A tenant of a running mock.
#[derive(Clone, Debug)]
pub struct TenantHandle {
    pub(super) core: Arc<Core>,
    pub(super) tenant: Arc<Tenant>,
}

impl TenantHandle {
    /// The id.
    pub fn id(&self) -> TenantId {
        self.tenant.id
    }

    /// The initial domain.
    pub fn domain(&self) -> String {
        self.tenant.read(|it| it.domain().to_owned())
    }

    /// Where the tenant lives.
    pub fn environment(&self) -> Environment {
        self.tenant.environment
    }

    /// Users, apps and credentials.
    pub fn describe(&self) -> TenantDescription {
        self.core.describe(&self.tenant)
    }

    /// The authority on localhost, for clients that take addresses.
    pub fn authority(&self) -> String {
        format!("{}/{}", self.core.root(self.environment()), self.id())
    }

    /// The root of Graph on localhost, without a version.
    pub fn graph(&self) -> String {
        self.core.root(self.environment())
    }

    /// The tenant's token endpoint (v2) on localhost.
    pub fn token_endpoint(&self) -> String {
        format!("{}/oauth2/v2.0/token", self.authority())
    }

    /// Moves the tenant's time forward, or back; the journal says so.
    pub fn advance(&self, by: SignedDuration) {
        let by = ClockMove::Advance(format!("{}s", by.as_secs()));
        // Seconds can be read.
        let _ = self.core.world.move_clock(&self.tenant, by);
    }

    /// Stops the tenant's time; the journal says so.
    pub fn freeze(&self) {
        let _ = self
            .core
            .world
            .move_clock(&self.tenant, ClockMove::Freeze {});
    }

    /// Returns the tenant's time to real time; the journal says so.
    pub fn reset_clock(&self) {
        let _ = self
            .core
            .world
            .move_clock(&self.tenant, ClockMove::Reset {});
    }

    /// The tenant's time.
    pub fn now(&self) -> Timestamp {
        self.tenant.now()
    }

    /// Makes something happen; returns what it did, or why it did nothing.
    ///
    /// # Errors
    ///
    /// The event names what the tenant does not have, or does not fit the state.
    pub fn event(&self, event: impl Borrow<Event>) -> Result<Did, EventError> {
        self.core.world.apply(&self.tenant, event.borrow())
    }

    /// Sets a fault, and returns its number, which the journal names.
    ///
    /// # Errors
    ///
    /// The fault would never act, or names what the tenant does not have.
    pub fn fault(&self, fault: Fault) -> Result<u64, FaultError> {
        self.core.world.add_fault(&self.tenant, fault)
    }

    /// Sets a fault until the guard is dropped.
    ///
    /// # Errors
    ///
    /// The fault would never act, or names what the tenant does not have.
    pub fn with_fault(&self, fault: Fault) -> Result<FaultGuard, FaultError> {
        let number = self.fault(fault)?;
        let tenant = self.clone();
        Ok(FaultGuard { tenant, number })
    }

    /// Plays a scenario, in place of the one that was loaded before: what it says of the mock
    /// happens, and what it says of a client is waited for. Without an auth method the first one
    /// of the scenario is meant.
    ///
    /// # Errors
    ///
    /// The scenario does not fit the tenant, or names what it does not have.
    pub fn play(
        &self,
        scenario: &Scenario,
        auth_method: Option<AuthMethod>,
    ) -> Result<Progress, PlayError> {
        let core = &self.core;
        core.players
            .load(&core.world, &self.tenant, scenario, auth_method)
    }

    /// How far the scenario is, if one is played.
    pub fn played(&self) -> Option<Progress> {
        self.core.players.progress(&self.tenant)
    }

    /// Passes over the step of the scenario that is waited for.
    ///
    /// # Errors
    ///
    /// No scenario is played, or it has ended.
    pub fn play_next(&self) -> Result<Progress, PlayError> {
        self.core.players.next(&self.core.world, &self.tenant)
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.core.world.clear_faults(&self.tenant);
    }

    /// The tenant itself.
    #[doc(hidden)]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }
}

/// A fault that is taken away when this is dropped.
#[derive(Debug)]
#[must_use = "the fault is taken away when the guard is dropped"]
pub struct FaultGuard {
    tenant: TenantHandle,
    number: u64,
}

impl FaultGuard {
    /// The number, which the journal names.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        // It may be gone already: all were cleared.
        let core = &self.tenant.core;
        core.world.remove_fault(&self.tenant.tenant, self.number);
    }
}
