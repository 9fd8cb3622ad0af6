//! Playing a scenario in a running mock: its world, faults, events and times, each when its turn
//! comes.
//!
//! What only a client can do (`connect`, `call`, …) is waited for: the step is done when an
//! exchange of the journal shows it, or when somebody says to go on. The next steps then happen
//! before the client gets the answer of that very exchange, so that a client that does one thing
//! after the other always meets the same.

mod expected;
mod plan;
mod progress;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

pub use progress::{PlayState, PlayedBy, Progress, StepProgress, StepState};

use super::placeholder::{self, fill};
use super::{Action, AuthMethod, ConnectorKind, Scenario};
use crate::directory::TenantId;
use crate::environment::SignInCloud;
use crate::journal::{Entry, Exchange};
use crate::lock::{Mutex, rank};
use crate::world::{Tenant, World};
use expected::{Expected, Verdict};
pub(crate) use expected::{is_person, operation_of};
use plan::{Does, Planned, Planner};

/// The scenarios that are played in the tenants of a mock, at most one in each.
#[derive(Debug, Default)]
pub struct Players {
    at_work: Mutex<rank::Players, HashMap<(SignInCloud, TenantId), Player>>,
    /// Whether a scenario was ever loaded: until then no exchange has to look for one.
    any: AtomicBool,
    told: OnceLock<fn(&str)>,
}

/// A scenario in its tenant.
#[derive(Debug)]
struct Player {
    tenant: Arc<Tenant>,
    title: String,
    auth_method: AuthMethod,
    steps: Vec<Planned>,
    /// The step that is due.
    at: usize,
    /// The last entry of the journal that was looked at.
    seen: u64,
}

/// Why a scenario cannot be played.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// It has ended: there is no step to go on to.
    #[error("the scenario has ended: load it again to play it once more")]
    Ended,
    /// The tenant is none of its environments, or the auth method none of its own.
    #[error("{0}")]
    Misfit(String),
    /// No scenario is loaded.
    #[error("no scenario is loaded in this tenant")]
    NotLoaded,
    /// A step names somebody whom the tenant does not have.
    #[error("step {number}, {text}: {reason}")]
    Step {
        /// Which one, from 1.
        number: usize,
        /// The step in a line.
        text: String,
        /// Why it cannot be.
        reason: String,
    },
    /// `repeat` makes too many steps.
    #[error("the scenario has more than {0} steps: repeat fewer times")]
    TooLong(usize),
    /// The world cannot be changed so.
    #[error("the scenario's world does not fit the tenant: {0}")]
    World(String),
}

impl Players {
    /// Calls a function with each line of progress; the first one that is given counts.
    pub fn tell(&self, line: fn(&str)) {
        let _ = self.told.set(line);
    }

    /// Loads a scenario into a tenant as it is: changes its world, and plays until a client must
    /// do something. It takes the place of the one that was loaded before. Without an auth
    /// method the first one of the scenario is meant.
    ///
    /// # Errors
    ///
    /// The scenario is not for this environment or auth method, or names what the tenant does not
    /// have. Nothing was changed then, unless the world does not fit.
    pub fn load(
        &self,
        world: &World,
        tenant: &Arc<Tenant>,
        scenario: &Scenario,
        auth_method: Option<AuthMethod>,
    ) -> Result<Progress, PlayError> {
        let auth_method = chosen(scenario, tenant, auth_method)?;
        let description = world.describe(tenant);
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        let mut learn = |known: Vec<placeholder::Placeholder>| {
            values.extend(known.into_iter().map(|it| (it.name, it.value)));
        };
        learn(placeholder::of_tenant("", auth_method, &description));
        learn(placeholder::of_environment(tenant.environment));
        learn(ConnectorKind::usual().placeholders());
        let defaults = world.defaults();
        for (name, environment) in placeholder::neighbours(tenant.environment) {
            let neighbour = defaults.iter().find(|it| it.environment == environment);
            if let Some(neighbour) = neighbour {
                let description = world.describe(neighbour);
                let prefix = format!("{name}.");
                learn(placeholder::of_tenant(&prefix, auth_method, &description));
            }
        }
        let steps =
            Planner::new(tenant, &values, world.journal.redactor()).plan(&scenario.steps)?;
        let not_so = |error: &dyn std::fmt::Display| PlayError::World(error.to_string());
        let tweaks = fill(&values, &scenario.world).map_err(|error| not_so(&error))?;
        tweaks
            .apply(world, tenant, &description, auth_method)
            .map_err(|error| not_so(&error))?;
        let mut player = Player {
            tenant: Arc::clone(tenant),
            title: scenario.title.clone(),
            auth_method,
            steps,
            at: 0,
            seen: world.journal.position(),
        };
        let mut said = format!("\nPlaying: {}\n\n", player.title);
        let progress = self.at_work.write(|players| {
            self.any.store(true, Ordering::Release);
            player.go_on(world, &mut said);
            let progress = player.progress();
            players.insert(key(tenant), player);
            progress
        });
        self.show(&said);
        Ok(progress)
    }

    /// How far the scenario of a tenant is, if one is loaded.
    pub fn progress(&self, tenant: &Tenant) -> Option<Progress> {
        self.at_work.read(|players| {
            let player = players.get(&key(tenant))?;
            // A tenant may have made way for another one of the same id.
            std::ptr::eq(Arc::as_ptr(&player.tenant), tenant).then(|| player.progress())
        })
    }

    /// Whether the scenario of a tenant is loaded, played or ended.
    pub fn is_loaded(&self, tenant: &Tenant) -> bool {
        self.at_work.read(|players| {
            let player = players.get(&key(tenant));
            player.is_some_and(|it| std::ptr::eq(Arc::as_ptr(&it.tenant), tenant))
        })
    }

    /// Passes over the step that is due, and goes on.
    ///
    /// # Errors
    ///
    /// No scenario is loaded, or it has ended.
    pub fn next(&self, world: &World, tenant: &Tenant) -> Result<Progress, PlayError> {
        let mut said = String::new();
        let progress = self.at_work.write(|players| {
            let player = players.get_mut(&key(tenant)).ok_or(PlayError::NotLoaded)?;
            let due = player.steps.get_mut(player.at).ok_or(PlayError::Ended)?;
            due.progress.state = StepState::PassedOver;
            due.progress.detail = Some("told to go on".to_owned());
            say(&mut said, due);
            player.at += 1;
            player.seen = world.journal.position();
            player.go_on(world, &mut said);
            Ok(player.progress())
        })?;
        self.show(&said);
        Ok(progress)
    }

    /// Forgets the scenario of a tenant. What it did remains, its faults too.
    ///
    /// # Errors
    ///
    /// No scenario is loaded.
    pub fn stop(&self, tenant: &Tenant) -> Result<(), PlayError> {
        let player = self.at_work.write(|it| it.remove(&key(tenant)));
        player.map(drop).ok_or(PlayError::NotLoaded)
    }

    /// Forgets all scenarios: their tenants are gone.
    pub fn clear(&self) {
        self.at_work.write(HashMap::clear);
    }

    /// Goes on where an exchange that was just journalled is what was waited for.
    pub(crate) fn exchanged(&self, world: &World) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut said = String::new();
        self.at_work.write(|players| {
            for player in players.values_mut() {
                player.go_on(world, &mut said);
            }
        });
        self.show(&said);
    }

    /// Shows on the console what was done, after the lock is released.
    fn show(&self, said: &str) {
        if let Some(told) = self.told.get()
            && !said.is_empty()
        {
            told(said);
        }
    }
}

fn key(tenant: &Tenant) -> (SignInCloud, TenantId) {
    (tenant.environment.cloud(), tenant.id)
}

/// The auth method, if the scenario is for it and for the tenant's environment.
fn chosen(
    scenario: &Scenario,
    tenant: &Tenant,
    auth_method: Option<AuthMethod>,
) -> Result<AuthMethod, PlayError> {
    let names = |all: Vec<&str>| all.join(", ");
    let environments = scenario.environments();
    if !environments.contains(&tenant.environment) {
        return Err(PlayError::Misfit(format!(
            "the scenario is for {}, but the tenant lives in {}: choose a tenant there",
            names(environments.iter().map(|it| it.slug()).collect()),
            tenant.environment
        )));
    }
    let methods = scenario.auth_methods();
    match auth_method {
        Some(method) if !methods.contains(&method) => Err(PlayError::Misfit(format!(
            "the scenario is for {}, not for {method}",
            names(methods.iter().map(|it| it.slug()).collect())
        ))),
        Some(method) => Ok(method),
        // A list of auth methods is never empty.
        None => methods
            .first()
            .copied()
            .ok_or_else(|| PlayError::Misfit("the scenario has no auth method".to_owned())),
    }
}

impl Player {
    /// Does what the mock does, up to a step that a client or a person must do.
    fn go_on(&mut self, world: &World, said: &mut String) {
        let first = self.at;
        while let Some(due) = self.steps.get_mut(self.at) {
            let progress = &mut due.progress;
            match &mut due.does {
                Does::Mock(_) if progress.state == StepState::Failed => return,
                Does::Mock(action) => {
                    let done = act(world, &self.tenant, action);
                    self.seen = world.journal.position();
                    if let Err(reason) = done {
                        progress.state = StepState::Failed;
                        progress.detail = Some(reason);
                        say(said, due);
                        return;
                    }
                    progress.state = StepState::Done;
                }
                Does::PassOver(words) => {
                    progress.state = StepState::PassedOver;
                    progress.detail = Some((*words).to_owned());
                }
                Does::Pause(words) => {
                    if progress.state != StepState::Waiting {
                        progress.state = StepState::Waiting;
                        progress.detail = Some((*words).to_owned());
                        say(said, due);
                    }
                    return;
                }
                Does::Wait(expected) => {
                    let is_new = progress.state != StepState::Waiting;
                    progress.state = StepState::Waiting;
                    for entry in world.journal.since(self.seen) {
                        self.seen = entry.number();
                        let Entry::Exchange(exchange) = &*entry else {
                            continue;
                        };
                        if exchange.tenant != Some(self.tenant.id) {
                            continue;
                        }
                        if take_out(expected, progress, exchange) {
                            self.seen = exchange.number - 1;
                        }
                        if expected.is_empty() {
                            break;
                        }
                    }
                    if !expected.is_empty() {
                        let words: Vec<String> = expected.iter().map(Expected::words).collect();
                        progress.detail = Some(words.join("; "));
                        if is_new {
                            say(said, due);
                        }
                        return;
                    }
                    progress.state = StepState::Done;
                    progress.detail = None;
                }
            }
            say(said, due);
            self.at += 1;
        }
        if self.at > first {
            said.push_str(progress::ENDED);
            said.push('\n');
        }
    }

    fn progress(&self) -> Progress {
        let due = self.steps.get(self.at).map(|it| &it.progress);
        Progress {
            title: self.title.clone(),
            tenant: self.tenant.id,
            environment: self.tenant.environment,
            auth_method: self.auth_method,
            state: match due.map(|it| it.state) {
                None => PlayState::Ended,
                Some(StepState::Failed) => PlayState::Failed,
                Some(_) => PlayState::Waiting,
            },
            waiting_for: due.and_then(|it| it.detail.clone()),
            steps: self.steps.iter().map(|it| it.progress.clone()).collect(),
        }
    }
}

/// Takes out what an exchange shows. Returns whether all is done, and was so before this exchange:
/// the next step may be waiting for it.
fn take_out(
    expected: &mut Vec<Expected>,
    progress: &mut StepProgress,
    exchange: &Exchange,
) -> bool {
    loop {
        let mut judged = expected.iter_mut().enumerate();
        let verdict = judged.find_map(|(index, it)| match it.judge(exchange) {
            Verdict::Open => None,
            Verdict::Done => Some((index, None)),
            Verdict::DoneBefore(number) => Some((index, Some(number))),
        });
        let Some((index, before)) = verdict else {
            return false;
        };
        expected.remove(index);
        progress.exchanges.push(before.unwrap_or(exchange.number));
        match before {
            None => return false,
            Some(_) if expected.is_empty() => return true,
            Some(_) => {}
        }
    }
}

fn say(said: &mut String, step: &Planned) {
    said.push_str(&format!("{}\n", step.progress));
}

/// Does a step that is the mock's own.
fn act(world: &World, tenant: &Tenant, action: &Action) -> Result<(), String> {
    match action {
        Action::Advance(span) => world.advance(tenant, span.0),
        Action::ClearFaults => world.clear_faults(tenant),
        Action::Event(event) => {
            let happened = world.apply(tenant, event);
            happened.map_err(|error| error.to_string())?;
        }
        Action::Fault(fault) => {
            let set = world.add_fault(tenant, (**fault).clone());
            set.map_err(|error| error.to_string())?;
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
