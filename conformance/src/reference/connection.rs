//! A connection: its tokens, its state, and how it is repaired.

mod renewal;
mod sign_in;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::Mutex as AsyncMutex;

use super::authorize::Pending;
use super::gate::Gate;
use super::http::Http;
use super::mutant::Mutant;
use super::problem::Problem;
use super::settings::Settings;
use super::store::{Saved, Store};
use super::token::Tokens;
use super::watch::{Watch, Watches};
use super::{graph, id_token};
use crate::case::Category;
use crate::protocol::{Connect, ConnectionState, State};

/// A connection of a user.
pub(super) struct Connection {
    pub(super) settings: Settings,
    pub(super) http: Http,
    /// The gate of its mailbox.
    pub(super) mailbox: Arc<Gate>,
    /// What the user filled in, and where the connection is kept.
    connect: Connect,
    store: Store,
    /// Another one has taken its place, or the user has given it up.
    retired: AtomicBool,
    pending: Mutex<Option<Pending>>,
    /// Who signed in last, by name.
    signed_in: Mutex<Option<String>>,
    /// Held while tokens are asked for: fifty calls at expiry make one refresh.
    tokens: Arc<AsyncMutex<Option<Tokens>>>,
    broken: Mutex<Option<Problem>>,
    /// What is watched.
    pub(super) watches: Mutex<Watches>,
    /// Held while somebody looks: each thing is told once.
    pub(super) looking: AsyncMutex<()>,
    /// Whether a task looks by itself.
    looked_after: AtomicBool,
    /// What the authority refused last that only a person can mend, and until when it is not asked
    /// again.
    refused: Mutex<Option<(i64, Problem)>>,
    /// What a mutant shows, remembers or holds against better knowledge.
    flaws: Flaws,
    /// How many renewals failed, and why the last one did: those who waited for it share its answer.
    failures: AtomicU64,
    last_failure: Mutex<Option<Problem>>,
}

/// What only mutants have.
#[derive(Default)]
struct Flaws {
    /// Whether an earlier process has made the connection.
    restored: bool,
    /// Why the connection is shown as broken, though it works.
    shown: Mutex<Option<Problem>>,
    /// The sign-ins that were begun, finished or not.
    begun: Mutex<Vec<Pending>>,
    /// Where a code is redeemed in the place of where it comes from.
    elsewhere: Mutex<Option<Settings>>,
    /// The newest refresh token, which is kept and not used yet.
    last_refresh: Mutex<Option<String>>,
    /// The kinds of calls that were made.
    operations: Mutex<HashSet<String>>,
    /// The sign-in whose code waits for the first call.
    unredeemed: Mutex<Option<(Pending, String)>>,
    /// What was read, by what was asked; and whether something has failed since.
    memory: Mutex<(HashMap<String, Value>, bool)>,
}

impl Connection {
    pub(super) fn new(
        settings: Settings,
        http: Http,
        mailbox: Arc<Gate>,
        connect: Connect,
        store: Store,
    ) -> Self {
        Self {
            settings,
            http,
            mailbox,
            connect,
            store,
            retired: AtomicBool::new(false),
            pending: Mutex::new(None),
            signed_in: Mutex::new(None),
            tokens: Arc::default(),
            broken: Mutex::new(None),
            watches: Mutex::default(),
            looking: AsyncMutex::default(),
            looked_after: AtomicBool::new(false),
            refused: Mutex::new(None),
            flaws: Flaws::default(),
            failures: AtomicU64::new(0),
            last_failure: Mutex::new(None),
        }
    }

    /// The connection as it was kept.
    pub(super) fn restored(
        mut self,
        tokens: Option<Tokens>,
        broken: Option<Problem>,
        watches: Watches,
    ) -> Self {
        self.flaws.restored = true;
        let cold = self.is(Mutant::AsksForEachAtTheStart) && self.connect.auth_method.is_app_only();
        let tokens = tokens.filter(|_| !cold);
        self.tokens = Arc::new(AsyncMutex::new(tokens));
        self.broken = Mutex::new(broken);
        self.watches = Mutex::new(watches);
        self
    }

    /// Goes on watching where another one left off, whose place it takes.
    pub(super) fn take_over(&self, before: &Self) {
        if self.is(Mutant::BeginsAnewWhenRepaired) {
            return;
        }
        let mut watches = before.watches.lock().clone();
        watches.values_mut().for_each(Watch::resume);
        *self.watches.lock() = watches;
    }

    /// Whether it is to be looked after by a task that is not there yet.
    pub(super) fn needs_looking_after(&self) -> bool {
        !self.watches.lock().is_empty()
            && !self.is(Mutant::WaitsToBeAsked)
            && !self.looked_after.swap(true, Ordering::AcqRel)
    }

    /// Keeps what is known of the connection.
    pub(super) async fn save(&self) -> Result<(), Problem> {
        let tokens = self.tokens.lock().await;
        if self.is(Mutant::ForgetsAtRestart) || self.is_retired() {
            return Ok(());
        }
        self.store
            .save(&self.connect.connection, &self.kept(tokens.as_ref()))
    }

    fn kept(&self, tokens: Option<&Tokens>) -> Saved {
        let mut watches = self.watches.lock().clone();
        if self.is(Mutant::ForgetsItsPosition) {
            watches.clear();
        }
        let mut tokens = tokens.cloned();
        if self.is(Mutant::HasRoomForShortTokens) {
            tokens = tokens.map(|it| it.cut(4_096));
        }
        Saved {
            connect: self.connect.clone(),
            tokens,
            broken: self.broken(),
            watches,
        }
    }

    /// The connection with the tokens of a broker.
    pub(super) fn with_tokens_of(mut self, broker: Arc<AsyncMutex<Option<Tokens>>>) -> Self {
        self.tokens = broker;
        self
    }

    /// Takes new tokens into use; they are kept before anybody uses them.
    fn keep(&self, tokens: &mut Option<Tokens>, fresh: Option<Tokens>) -> Result<(), Problem> {
        let is_renewal = tokens.is_some();
        *tokens = fresh;
        let forgets =
            self.is(Mutant::ForgetsAtRestart) || is_renewal && self.is(Mutant::SavesOnlyTheSignIn);
        let given_up = self.is_retired() && !self.is(Mutant::WritesBackAfterwards);
        let later = is_renewal && self.is(Mutant::SavesAfterUse);
        if forgets || given_up || later {
            return Ok(());
        }
        self.store
            .save(&self.connect.connection, &self.kept(tokens.as_ref()))
    }

    /// Whether another one has taken its place, or it was given up.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Another one takes its place: what it still learns is of no use.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// What a user sees of the connection.
    pub(super) fn status(&self) -> State {
        if self.is(Mutant::HidesFailures) {
            return connected();
        }
        if self.is(Mutant::NeverSaysConnected) {
            return State {
                state: ConnectionState::AwaitingAuthorization,
                authorize_url: None,
                category: None,
            };
        }
        if let Some(problem) = &*self.flaws.shown.lock() {
            return State {
                state: ConnectionState::Broken,
                authorize_url: None,
                category: Some(problem.category),
            };
        }
        if let Some(problem) = &*self.broken.lock() {
            return State {
                state: ConnectionState::Broken,
                authorize_url: None,
                category: Some(problem.category),
            };
        }
        if self.watches.lock().values().any(Watch::is_stopped) {
            return State {
                state: ConnectionState::Broken,
                authorize_url: None,
                category: Some(Category::Unavailable),
            };
        }
        if let Some(pending) = &*self.pending.lock() {
            return State {
                state: ConnectionState::AwaitingAuthorization,
                authorize_url: Some(pending.url.clone()),
                category: None,
            };
        }
        connected()
    }

    /// Asks for other scopes with the refresh token of `before`, as a mutant does.
    pub(super) async fn widen(&self, before: &Self) -> Result<State, Problem> {
        let current = before.tokens.lock().await.clone();
        let current =
            current.ok_or_else(|| Problem::new(Category::ReconnectRequired, "connect again"))?;
        *self.tokens.lock().await = Some(self.renew(&current, None).await?);
        Ok(connected())
    }

    /// The access token that is in use, for a mutant's messages.
    pub(super) async fn shown_token(&self) -> Option<String> {
        Some(self.tokens.lock().await.as_ref()?.access.clone())
    }

    /// The name of the person who signed in, from the ID token.
    pub(super) async fn person(&self) -> Option<String> {
        let tokens = self.tokens.lock().await;
        let newest = tokens.as_ref().and_then(|it| name_in(it.id.as_deref()?));
        newest.or_else(|| self.signed_in.lock().clone())
    }

    /// Shows the connection as broken and goes on with it, as a mutant does.
    pub(super) fn show_as_broken(&self, problem: &Problem) {
        *self.flaws.shown.lock() = Some(problem.clone());
    }

    /// Takes over the sign-ins that were begun before, as a mutant does.
    pub(super) fn remember_sign_ins_of(&self, before: &Self) {
        let earlier = before.flaws.begun.lock().clone();
        self.flaws.begun.lock().extend(earlier);
    }

    /// Keeps an answer, as a mutant does; or that there is none.
    pub(super) fn remember(&self, asked: &str, answer: Result<&Value, &Problem>) {
        let (known, failed) = &mut *self.flaws.memory.lock();
        match answer {
            Ok(value) => _ = known.insert(asked.to_owned(), value.clone()),
            Err(_) => *failed = true,
        }
    }

    /// What was answered before, once something has failed.
    pub(super) fn remembered(&self, asked: &str) -> Option<Value> {
        let (known, failed) = &*self.flaws.memory.lock();
        known.get(asked).filter(|_| *failed).cloned()
    }

    /// The id of the person who signed in, from the ID token.
    pub(super) async fn person_id(&self) -> Option<String> {
        let tokens = self.tokens.lock().await;
        let claims = id_token::claims(tokens.as_ref()?.id.as_deref()?)?;
        claims["oid"].as_str().map(str::to_owned)
    }

    /// Gives up a sign-in that is not finished, as a mutant does.
    pub(super) fn forget_the_sign_in(&self) {
        *self.pending.lock() = None;
    }

    /// Whether the connector has this defect.
    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.settings.kind.is(mutant)
    }

    /// Shows the connection as broken, as a mutant does.
    pub(super) fn break_off(&self, problem: &Problem) {
        *self.broken.lock() = Some(problem.clone());
    }

    /// Why the connection is broken, if it is.
    pub(super) fn broken(&self) -> Option<Problem> {
        self.broken.lock().clone()
    }

    /// Does something at Graph.
    pub(super) async fn call(
        &self,
        operation: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Problem> {
        if self.is(Mutant::TokenForEachOperation) {
            self.token_for(operation).await?;
        }
        let session = graph::Session::of(self);
        let answer = session.call(operation, arguments).await;
        if self.is(Mutant::SavesAfterUse) && answer.is_ok() {
            self.save().await?;
        }
        answer
    }
}

/// The name of the person in an ID token.
fn name_in(token: &str) -> Option<String> {
    let claims = id_token::claims(token)?;
    ["preferred_username", "email"]
        .iter()
        .find_map(|name| claims[*name].as_str().map(str::to_owned))
}

fn connected() -> State {
    State {
        state: ConnectionState::Connected,
        authorize_url: None,
        category: None,
    }
}

/// Tokens are renewed this many seconds before they expire.
const MARGIN: i64 = 300;
