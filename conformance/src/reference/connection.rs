//! A connection: its tokens, its state, and how it is repaired.

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
use super::settings::{Flow, Settings};
use super::store::{Saved, Store};
use super::token::{self, Tokens};
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
    /// Held while tokens are asked for: fifty calls at expiry make one refresh.
    tokens: AsyncMutex<Option<Tokens>>,
    broken: Mutex<Option<Problem>>,
    /// What is watched.
    pub(super) watches: Mutex<Watches>,
    /// Held while somebody looks: each thing is told once.
    pub(super) looking: AsyncMutex<()>,
    /// Whether a task looks by itself.
    looked_after: AtomicBool,
    /// How many renewals failed, and why the last one did: those who waited for it share its answer.
    failures: AtomicU64,
    last_failure: Mutex<Option<Problem>>,
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
            tokens: AsyncMutex::new(None),
            broken: Mutex::new(None),
            watches: Mutex::default(),
            looking: AsyncMutex::default(),
            looked_after: AtomicBool::new(false),
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
        self.tokens = AsyncMutex::new(tokens);
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
            .save(&self.connect.connection, &self.kept(&tokens))
    }

    fn kept(&self, tokens: &Option<Tokens>) -> Saved {
        let mut watches = self.watches.lock().clone();
        if self.is(Mutant::ForgetsItsPosition) {
            watches.clear();
        }
        Saved {
            connect: self.connect.clone(),
            tokens: tokens.clone(),
            broken: self.broken(),
            watches,
        }
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
            .save(&self.connect.connection, &self.kept(tokens))
    }

    /// Whether another one has taken its place, or it was given up.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Another one takes its place: what it still learns is of no use.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Begins: an app-only connection is tried out, a user is sent to sign in. Where that repairs
    /// something `broken`, the sign-in asks for what was missing.
    pub(super) async fn begin(&self, broken: Option<&Problem>) -> Result<State, Problem> {
        if self.is(Mutant::AsksInClear) {
            let authority = self.settings.cloud.authority.replace("https://", "http://");
            let url = format!("{authority}/common/v2.0/.well-known/openid-configuration");
            let _ = self.http.client.get(url).send().await;
        }
        match &self.settings.flow {
            Flow::AppOnly { .. } => {
                if self.is(Mutant::OpensAPageForAnApp) {
                    let url = format!("{}/oauth2/v2.0/authorize", self.settings.authority());
                    let _ = self.http.client.get(url).send().await;
                }
                let fresh = self.ask_app_only(None).await?;
                self.keep(&mut *self.tokens.lock().await, Some(fresh))?;
                Ok(connected())
            }
            Flow::Delegated { .. } => {
                let consent = broken.is_some_and(|it| it.category == Category::ConsentRequired);
                let claims = broken.and_then(|it| it.claims.as_deref());
                let claims = claims.filter(|_| !self.is(Mutant::ForgetsWhatIsToBeProved));
                let pending = Pending::begin(&self.settings, consent, claims)?;
                if self.is(Mutant::PasswordGrant) {
                    let password = [
                        ("grant_type", "password"),
                        ("username", "alice"),
                        ("password", "the-password"),
                        ("scope", "openid"),
                    ];
                    let now = self.http.clock.now();
                    let _ = token::request(&self.http, &self.settings, &password, None, now).await;
                }
                if self.is(Mutant::ProbesTheSignInPage) {
                    let url = format!(
                        "{}/organizations/oauth2/v2.0/authorize?client_id=another\
                         &redirect_uri=https%253A%252F%252Felsewhere.example",
                        self.settings.cloud.authority
                    );
                    let _ = self.http.client.get(url).send().await;
                }
                if self.is(Mutant::AsksBeforeTheCallback) {
                    let grant = [("grant_type", "authorization_code"), ("code", "undefined")];
                    let now = self.http.clock.now();
                    let _ = token::request(&self.http, &self.settings, &grant, None, now).await;
                }
                let url = pending.url.clone();
                *self.pending.lock() = Some(pending);
                Ok(State {
                    state: ConnectionState::AwaitingAuthorization,
                    authorize_url: Some(url),
                    category: None,
                })
            }
        }
    }

    /// Ends a sign-in with its callback.
    pub(super) async fn finish(
        &self,
        redirect_url: &str,
        form: Option<&Map<String, Value>>,
    ) -> Result<State, Problem> {
        let pending = self.pending.lock().clone();
        let pending = pending.ok_or_else(|| {
            Problem::untrusted("no sign-in is waiting for this callback: start again")
        })?;
        let code = match pending.code(&self.settings, redirect_url, form) {
            Err(problem)
                if problem.category == Category::Untrusted
                    && self.is(Mutant::TakesAnyCallbackForASignIn) =>
            {
                *self.pending.lock() = None;
                return Ok(connected());
            }
            Err(problem)
                if problem.category == Category::InteractionBlocked
                    && self.is(Mutant::PollsForApproval) =>
            {
                for _ in 0..3 {
                    let _ = self.http.client.get(&pending.url).send().await;
                }
                return Err(problem);
            }
            code => code?,
        };
        // From here on the callback is used up.
        if !self.is(Mutant::AcceptsOldCallbacks) {
            *self.pending.lock() = None;
        }
        let redeemed = self.redeem(&pending, &code).await;
        if let Err(problem) = &redeemed
            && self.tokens.lock().await.is_none()
        {
            // Nothing came to be: that is what the user sees of it from now on.
            *self.broken.lock() = Some(problem.clone());
        }
        redeemed
    }

    async fn redeem(&self, pending: &Pending, code: &str) -> Result<State, Problem> {
        let Flow::Delegated {
            scopes,
            redirect_uri,
        } = &self.settings.flow
        else {
            return Err(Problem::configuration(
                "this auth method has no sign-in page",
            ));
        };
        let scope = self.scope(scopes);
        let redirect_uri = if self.is(Mutant::RedeemsWithAnotherUri) {
            "https://localhost/callback"
        } else {
            redirect_uri.as_str()
        };
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", pending.verifier.as_str()),
            ("scope", scope.as_str()),
        ];
        let now = self.http.clock.now();
        let fresh = match token::request(&self.http, &self.settings, &grant, None, now).await {
            Err(_) if self.is(Mutant::FallsBackToAppOnly) => self.ask_app_only(None).await?,
            fresh => fresh?,
        };
        match &fresh.id {
            Some(id) => {
                id_token::validate(&self.http, &self.settings, id, &pending.nonce, now).await?;
            }
            None if self.is(Mutant::FallsBackToAppOnly) => {}
            None if scopes.iter().any(|scope| scope == "openid") => {
                return Err(Problem::untrusted(
                    "the ID token that was asked for is missing",
                ));
            }
            None => {}
        }
        *self.broken.lock() = None;
        self.keep(&mut *self.tokens.lock().await, Some(fresh))?;
        Ok(connected())
    }

    /// What a user sees of the connection.
    pub(super) fn status(&self) -> State {
        if self.is(Mutant::HidesFailures) {
            return connected();
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

    /// The name of the person who signed in, from the ID token.
    pub(super) async fn person(&self) -> Option<String> {
        let tokens = self.tokens.lock().await;
        let claims = id_token::claims(tokens.as_ref()?.id.as_deref()?)?;
        ["preferred_username", "email"]
            .iter()
            .find_map(|name| claims[*name].as_str().map(str::to_owned))
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
        let session = graph::Session::of(self);
        let answer = session.call(operation, arguments).await;
        if self.is(Mutant::SavesAfterUse) && answer.is_ok() {
            self.save().await?;
        }
        answer
    }

    /// An access token that is good for some minutes.
    pub(super) async fn access_token(&self) -> Result<String, Problem> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut tokens = self.tokens.lock().await;
        if let Some(problem) = self.broken() {
            return Err(problem);
        }
        if self.is(Mutant::RenewsForEachCaller)
            && let Some(current) = tokens.clone()
            && current.expires - MARGIN <= self.http.clock.now()
        {
            drop(tokens);
            let fresh = self.renew(&current, None).await?;
            let access = fresh.access.clone();
            self.keep(&mut *self.tokens.lock().await, Some(fresh))?;
            return Ok(access);
        }
        let now = self.http.clock.now();
        match &*tokens {
            Some(current)
                if current.expires - MARGIN > now && !self.is(Mutant::TokenForEachCall)
                    || self.is(Mutant::NeverRenews) =>
            {
                Ok(current.access.clone())
            }
            Some(current) => {
                let current = current.clone();
                let still_good = (current.expires > now).then(|| current.access.clone());
                match self.renewed(failures, &mut tokens, current, None).await {
                    // Early renewal may fail while the service is down.
                    Err(problem) if problem.category == Category::Unavailable => {
                        still_good.ok_or(problem)
                    }
                    renewed => renewed.map_err(|problem| self.note(problem, &mut tokens)),
                }
            }
            None => Err(Problem::new(
                Category::ReconnectRequired,
                "the sign-in was not finished: connect again",
            )),
        }
    }

    /// Another access token than one that Graph refused, with the claims that Graph asks for.
    pub(super) async fn replace(
        &self,
        refused: &str,
        claims: Option<&str>,
    ) -> Result<String, Problem> {
        let failures = self.failures.load(Ordering::Acquire);
        let mut tokens = self.tokens.lock().await;
        if let Some(problem) = self.broken() {
            return Err(problem);
        }
        let Some(current) = tokens.clone() else {
            return Err(Problem::new(Category::ReconnectRequired, "connect again"));
        };
        if self.is(Mutant::NeverRenews) {
            return Err(Problem::new(Category::Unavailable, "the token has ended"));
        }
        if self.is(Mutant::RenewsForEachCaller) {
            drop(tokens);
            let fresh = self.renew(&current, claims).await?;
            let access = fresh.access.clone();
            self.keep(&mut *self.tokens.lock().await, Some(fresh))?;
            return Ok(access);
        }
        if current.access != refused {
            // Somebody else has replaced it in the meantime.
            return Ok(current.access);
        }
        let renewed = self.renewed(failures, &mut tokens, current, claims).await;
        renewed.map_err(|problem| self.note(problem, &mut tokens))
    }

    /// The access token of new tokens: those that another process has kept since, or else of the
    /// token endpoint.
    async fn renewed(
        &self,
        failures: u64,
        tokens: &mut Option<Tokens>,
        mut current: Tokens,
        claims: Option<&str>,
    ) -> Result<String, Problem> {
        if let Some(kept) = self.kept_by_another(&current) {
            *tokens = Some(kept.clone());
            if claims.is_none() && kept.expires - MARGIN > self.http.clock.now() {
                return Ok(kept.access);
            }
            current = kept;
        }
        let fresh = match self.renew_since(failures, &current, claims).await {
            // Where a refresh token counts once, another process may just have used it.
            Err(problem) if problem.ends_the_grant() => {
                let kept = self.kept_by_another(&current).ok_or(problem)?;
                *tokens = Some(kept.clone());
                return Ok(kept.access);
            }
            fresh => fresh?,
        };
        let access = fresh.access.clone();
        self.keep(tokens, Some(fresh))?;
        Ok(access)
    }

    /// Newer tokens in the store: another process of this connector uses it, too.
    fn kept_by_another(&self, current: &Tokens) -> Option<Tokens> {
        if self.is(Mutant::KnowsOnlyItsOwnTokens) || self.retired.load(Ordering::Acquire) {
            return None;
        }
        let saved = self.store.load(&self.connect.connection)?.ok()?;
        let kept = saved.tokens?;
        (kept.obtained > current.obtained).then_some(kept)
    }

    /// Forgets the tokens.
    pub(super) async fn forget(&self) {
        self.retire();
        if self.is(Mutant::WritesBackAfterwards) {
            self.store.remove(&self.connect.connection);
            return;
        }
        *self.tokens.lock().await = None;
        *self.pending.lock() = None;
        self.store.remove(&self.connect.connection);
    }

    /// Renews, unless a renewal failed since `failures` were counted: then that is the answer.
    async fn renew_since(
        &self,
        failures: u64,
        current: &Tokens,
        claims: Option<&str>,
    ) -> Result<Tokens, Problem> {
        let failed_meanwhile = self.failures.load(Ordering::Acquire) != failures;
        if let Some(problem) = self
            .last_failure
            .lock()
            .clone()
            .filter(|_| failed_meanwhile)
        {
            return Err(problem);
        }
        let claims = claims.filter(|_| !self.is(Mutant::IgnoresClaims));
        let renewed = self.renew(current, claims).await;
        if let Err(problem) = &renewed {
            *self.last_failure.lock() = Some(problem.clone());
            self.failures.fetch_add(1, Ordering::Release);
        }
        renewed
    }

    async fn renew(&self, current: &Tokens, claims: Option<&str>) -> Result<Tokens, Problem> {
        let scopes = match &self.settings.flow {
            Flow::AppOnly { .. } => return self.ask_app_only(claims).await,
            Flow::Delegated { scopes, .. } => scopes,
        };
        let absent = String::new();
        let refresh = current
            .refresh
            .as_ref()
            .or(Some(&absent).filter(|_| self.is(Mutant::RefreshesWithoutToken)));
        let Some(refresh) = refresh else {
            return Err(Problem {
                error: Some("no_refresh_token".to_owned()),
                ..Problem::new(
                    Category::ReconnectRequired,
                    "the sign-in has ended, and without the scope offline_access it cannot be \
                     renewed: connect again",
                )
            });
        };
        let scope = self.scope(scopes);
        let grant = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
            ("scope", scope.as_str()),
        ];
        let now = self.http.clock.now();
        let renewed = token::request(&self.http, &self.settings, &grant, claims, now).await;
        let mut fresh = renewed.map_err(|problem| match current.refresh {
            Some(_) => problem,
            None => Problem::new(Category::ReconnectRequired, "connect again"),
        })?;
        if let (Some(before), Some(fresh)) = (&current.id, &fresh.id)
            && !id_token::is_of_the_same_user(before, fresh)
            && !self.is(Mutant::TakesTokensOfAnyUser)
        {
            return Err(Problem::untrusted(
                "the renewed sign-in is another user's: connect again",
            ));
        }
        if fresh.id.is_none() {
            fresh.id.clone_from(&current.id);
        }
        let keeps = fresh.refresh.is_none() && !self.is(Mutant::DropsTheRefreshToken);
        if keeps || self.is(Mutant::KeepsFirstRefreshToken) {
            // Without a new one the old one stays in use.
            fresh.refresh.clone_from(&current.refresh);
        }
        Ok(fresh)
    }

    async fn ask_app_only(&self, claims: Option<&str>) -> Result<Tokens, Problem> {
        let mut scope = format!("{}/.default", self.settings.cloud.resource);
        if self.is(Mutant::NamesPermissionsForAnApp) {
            scope = format!("{}/Mail.Read", self.settings.cloud.resource);
        }
        if self.is(Mutant::RefreshTokenForAnApp) {
            let refresh = [("grant_type", "refresh_token"), ("refresh_token", "none")];
            let now = self.http.clock.now();
            let _ = token::request(&self.http, &self.settings, &refresh, None, now).await;
        }
        let grant = [
            ("grant_type", "client_credentials"),
            ("scope", scope.as_str()),
        ];
        let now = self.http.clock.now();
        token::request(&self.http, &self.settings, &grant, claims, now).await
    }

    /// The scopes of a token request: of one resource, as at the authorize endpoint.
    fn scope(&self, scopes: &[String]) -> String {
        let qualified: Vec<String> = scopes
            .iter()
            .map(|scope| self.settings.qualified(scope))
            .collect();
        qualified.join(" ")
    }

    /// A dead grant breaks the connection: the refresh token is dropped, and nothing is asked
    /// until the user repairs it.
    fn note(&self, problem: Problem, tokens: &mut Option<Tokens>) -> Problem {
        if self.is(Mutant::ReusesDeadRefreshToken) {
            return problem;
        }
        if self.is(Mutant::LosesTheGrantOnAnyRefusal) && problem.error.is_some() {
            *tokens = None;
        }
        if problem.ends_the_grant() {
            *self.broken.lock() = Some(problem.clone());
            // What cannot be written is known in this process.
            let _ = self.keep(tokens, None);
        }
        problem
    }
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
