//! A connection: its tokens, its state, and how it is repaired.

use std::collections::HashMap;
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
use super::style::Style;
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
    /// The newest refresh token, which is kept and not used yet.
    last_refresh: Mutex<Option<String>>,
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
        Saved {
            connect: self.connect.clone(),
            tokens: tokens.cloned(),
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

    /// Begins: an app-only connection is tried out, a user is sent to sign in. Where that repairs
    /// something `broken`, the sign-in asks for what was missing.
    pub(super) async fn begin(
        &self,
        broken: Option<&Problem>,
        person: Option<&str>,
    ) -> Result<State, Problem> {
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
                let mut tokens = self.tokens.lock().await;
                let now = self.http.clock.now();
                if tokens.as_ref().is_none_or(|it| it.expires - MARGIN <= now) {
                    let fresh = self.ask_app_only(None).await?;
                    self.keep(&mut tokens, Some(fresh))?;
                }
                drop(tokens);
                self.look_into_the_mailbox().await?;
                if self.is(Mutant::SendsAPersonForAnApp) {
                    let url = format!(
                        "{}/oauth2/v2.0/authorize?client_id={}&response_type=code&scope=openid",
                        self.settings.authority(),
                        self.settings.client_id
                    );
                    return Ok(State {
                        state: ConnectionState::AwaitingAuthorization,
                        authorize_url: Some(url),
                        category: None,
                    });
                }
                Ok(connected())
            }
            Flow::Delegated { .. } => {
                let consent = broken.is_some_and(|it| it.category == Category::ConsentRequired);
                let claims = broken.and_then(|it| it.claims.as_deref());
                let claims = claims.filter(|_| !self.is(Mutant::ForgetsWhatIsToBeProved));
                let consent =
                    consent || broken.is_some() && self.is(Mutant::AsksForConsentAfterAFailure);
                let pending = Pending::begin(&self.settings, consent, claims, person)?;
                if self.is(Mutant::LooksAtTheSignInPage) {
                    let _ = self.http.client.get(&pending.url).send().await;
                }
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
                self.flaws.begun.lock().push(pending.clone());
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
        let mut pending = self.pending.lock().clone();
        if self.is(Mutant::AcceptsOldCallbacks) {
            let begun = self.flaws.begun.lock();
            let fits = |it: &&Pending| it.code(&self.settings, redirect_url, form).is_ok();
            pending = begun.iter().find(fits).cloned().or(pending);
        }
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
            Err(problem) if self.is(Mutant::AsksForConsentAfterAFailure) => {
                *self.broken.lock() = Some(problem.clone());
                return Err(problem);
            }
            code => code?,
        };
        // From here on the callback is used up.
        *self.pending.lock() = None;
        if self.is(Mutant::RedeemsAtTheFirstCall) {
            *self.flaws.unredeemed.lock() = Some((pending, code));
            return Ok(connected());
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
        let mut settings = self.settings.clone();
        if self.is(Mutant::RedeemsAtCommon) {
            "common".clone_into(&mut settings.tenant);
        }
        let fresh = match token::request(&self.http, &settings, &grant, None, now).await {
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
        *self.signed_in.lock() = fresh.id.as_deref().and_then(name_in);
        self.keep(&mut *self.tokens.lock().await, Some(fresh))?;
        if scopes.iter().any(|it| it.starts_with("Mail.")) {
            self.look_into_the_mailbox().await?;
        }
        Ok(connected())
    }

    /// Looks whether the mailbox can be read, where that is the connector's style.
    async fn look_into_the_mailbox(&self) -> Result<(), Problem> {
        if !self.settings.kind.has(Style::ChecksTheMailbox) {
            return Ok(());
        }
        let one = Map::from_iter([("top".to_owned(), Value::from(1))]);
        let looked = Box::pin(self.call("list-messages", &one)).await;
        if looked.is_err() {
            *self.tokens.lock().await = None;
        }
        looked.map(|_| ())
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
        let session = graph::Session::of(self);
        let answer = session.call(operation, arguments).await;
        if self.is(Mutant::SavesAfterUse) && answer.is_ok() {
            self.save().await?;
        }
        answer
    }

    /// An access token that is good for some minutes.
    pub(super) async fn access_token(&self) -> Result<String, Problem> {
        let waiting = self.flaws.unredeemed.lock().take();
        if let Some((pending, code)) = waiting {
            self.redeem(&pending, &code).await?;
        }
        if self.is(Mutant::AsksForEachAtTheStart)
            && matches!(self.settings.flow, Flow::AppOnly { .. })
            && self.tokens.lock().await.is_none()
        {
            let fresh = self.ask_app_only(None).await?;
            let access = fresh.access.clone();
            self.keep(&mut *self.tokens.lock().await, Some(fresh))?;
            return Ok(access);
        }
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
                if current.expires - self.margin(current) > now
                    && !self.is(Mutant::TokenForEachCall)
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
                    Err(problem) if self.is(Mutant::UsesEndedTokens) => {
                        let ended = tokens.as_ref().map(|it| it.access.clone());
                        ended.ok_or_else(|| self.note(problem, &mut tokens))
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

    /// How many seconds before its end a token is renewed.
    fn margin(&self, tokens: &Tokens) -> i64 {
        if self.settings.kind.has(Style::RenewsAtFourFifths) {
            MARGIN.max((tokens.expires - tokens.obtained) / 5)
        } else {
            MARGIN
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
        let believes = self.is(Mutant::BelievesItsClock) && claims.is_none();
        if self.is(Mutant::NeverRenews) || believes && current.expires > self.http.clock.now() {
            return Err(Problem::new(Category::Unavailable, "the token has ended"));
        }
        if self.is(Mutant::RenewsForEachCaller) || self.is(Mutant::RenewsForEachRefusal) {
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
        if !self.settings.kind.has(Style::SharesAppTokens) {
            *self.tokens.lock().await = None;
        }
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
        if let Some((until, problem)) = &*self.refused.lock()
            && self.http.clock.now() < *until
        {
            return Err(problem.clone());
        }
        let claims = claims.filter(|_| !self.is(Mutant::IgnoresClaims));
        let renewed = self.renew(current, claims).await;
        if renewed.is_err() && self.is(Mutant::SignsInByItself) {
            let url = format!("{}/oauth2/v2.0/authorize", self.settings.authority());
            let _ = self.http.client.get(url).send().await;
        }
        if let Err(problem) = &renewed {
            *self.last_failure.lock() = Some(problem.clone());
            let forgets =
                self.is(Mutant::ForgetsRefusals) || self.is(Mutant::ReusesDeadRefreshToken);
            if problem.needs_a_person() && !forgets {
                let until = self.http.clock.now() + PAUSE_AFTER_REFUSAL;
                *self.refused.lock() = Some((until, problem.clone()));
            }
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
        if self.is(Mutant::UsesTheTokenBeforeLast) {
            let mut last = self.flaws.last_refresh.lock();
            std::mem::swap(&mut *last, &mut fresh.refresh);
            fresh.refresh = fresh.refresh.or_else(|| current.refresh.clone());
            return Ok(fresh);
        }
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
        let insists = self.is(Mutant::AsksAgainAfterARestart);
        if self.is(Mutant::ReusesDeadRefreshToken) || insists && self.flaws.restored {
            return problem;
        }
        if self.is(Mutant::LosesTheGrantOnAnyRefusal) && problem.error.is_some() {
            *tokens = None;
        }
        if problem.ends_the_grant() {
            *self.broken.lock() = Some(problem.clone());
            if insists {
                return problem;
            }
            // What cannot be written is known in this process.
            let _ = self.keep(tokens, None);
        }
        problem
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

/// For how long a refusal is believed that only a person can mend: seconds.
///
/// Source: MSAL for Python, `throttled_http_client.py` (answers of 400 to 499 are kept a minute).
const PAUSE_AFTER_REFUSAL: i64 = 60;

/// Tokens are renewed this many seconds before they expire.
const MARGIN: i64 = 300;
