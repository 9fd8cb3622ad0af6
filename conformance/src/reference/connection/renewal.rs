//! Access tokens: how long they are used, and how they are renewed.

use std::sync::atomic::Ordering;

use super::super::id_token;
use super::super::mutant::Mutant;
use super::super::problem::Problem;
use super::super::settings::Flow;
use super::super::style::Style;
use super::super::token::{self, Tokens};
use super::{Connection, MARGIN};
use crate::case::Category;

impl Connection {
    /// An access token that is good for some minutes.
    pub(in crate::reference) async fn access_token(&self) -> Result<String, Problem> {
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
        let late = self.http.clock.now() + MARGIN;
        if self.is(Mutant::DistrustsTokensOfTheFuture) {
            *tokens = tokens.take().filter(|it| it.obtained <= late);
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
                if self.renewal_of(current) > now && !self.is(Mutant::TokenForEachCall)
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

    /// When tokens are renewed: some minutes before their end, or earlier where their answer said so.
    fn renewal_of(&self, tokens: &Tokens) -> i64 {
        let margin = if self.settings.kind.has(Style::RenewsAtFourFifths) {
            MARGIN.max((tokens.expires - tokens.obtained) / 5)
        } else {
            MARGIN
        };
        let latest = tokens.expires - margin;
        tokens.renew_from.map_or(latest, |from| from.min(latest))
    }

    /// Another access token than one that Graph refused, with the claims that Graph asks for.
    pub(in crate::reference) async fn replace(
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
        let mut fresh = fresh;
        if claims.is_some() && self.is(Mutant::KeepsTheTokenBeforeAChallenge) {
            fresh.refresh.clone_from(&current.refresh);
        }
        let access = fresh.access.clone();
        self.keep(tokens, Some(fresh))?;
        Ok(access)
    }

    /// Gets a token for a kind of call that was not made before, as a mutant does.
    pub(super) async fn token_for(&self, operation: &str) -> Result<(), Problem> {
        let mut tokens = self.tokens.lock().await;
        let is_new = self.flaws.operations.lock().insert(operation.to_owned());
        let Some(current) = tokens.clone().filter(|_| is_new) else {
            return Ok(());
        };
        let fresh = self.renew(&current, None).await?;
        self.keep(&mut tokens, Some(fresh))
    }

    /// Takes the tokens of another connection of the same person, as a mutant does.
    pub(in crate::reference) async fn adopt(&self, other: &Self) {
        let tokens = other.tokens.lock().await.clone();
        *self.tokens.lock().await = tokens;
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
    pub(in crate::reference) async fn forget(&self) {
        self.retire();
        if self.is(Mutant::SignsOutWithTheToken) {
            self.sign_out().await;
        }
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

    /// Sends the refresh token to the sign-out page, as a mutant does.
    async fn sign_out(&self) {
        let tokens = self.tokens.lock().await.clone();
        let Some(refresh) = tokens.and_then(|it| it.refresh) else {
            return;
        };
        let url = format!("{}/oauth2/v2.0/logout", self.settings.authority());
        let request = self.http.client.post(url).form(&[("token", refresh)]);
        let _ = request.send().await;
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

    pub(super) async fn renew(
        &self,
        current: &Tokens,
        claims: Option<&str>,
    ) -> Result<Tokens, Problem> {
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
        let mut scope = self.scope(scopes);
        if self.is(Mutant::RenewsWithMore) {
            scope.push(' ');
            scope.push_str(&self.settings.qualified("Contacts.Read"));
        }
        let grant = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
            ("scope", scope.as_str()),
        ];
        let now = self.http.clock.now();
        let mut settings = self.settings.clone();
        if self.is(Mutant::RenewsAtCommon) {
            "common".clone_into(&mut settings.tenant);
        }
        let renewed = token::request(&self.http, &settings, &grant, claims, now).await;
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

    pub(super) async fn ask_app_only(&self, claims: Option<&str>) -> Result<Tokens, Problem> {
        let mut scope = format!("{}/.default", self.settings.cloud.resource);
        if self.is(Mutant::NamesPermissionsForAnApp) {
            let role = self.settings.guise.role();
            scope = format!("{}/{role}", self.settings.cloud.resource);
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
    pub(super) fn scope(&self, scopes: &[String]) -> String {
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

/// For how long a refusal is believed that only a person can mend: seconds.
///
/// Source: MSAL for Python, `throttled_http_client.py` (answers of 400 to 499 are kept a minute).
const PAUSE_AFTER_REFUSAL: i64 = 60;
