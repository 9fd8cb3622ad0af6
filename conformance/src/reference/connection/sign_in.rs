//! Signing in: from the first page to tokens, and app-only connections.

use serde_json::{Map, Value};

use super::super::authorize::Pending;
use super::super::id_token;
use super::super::mutant::Mutant;
use super::super::problem::Problem;
use super::super::settings::{Flow, Settings};
use super::super::style::Style;
use super::super::token;
use super::{Connection, MARGIN, connected, name_in};
use crate::case::Category;
use crate::protocol::{ConnectionState, State};

impl Connection {
    /// Begins: an app-only connection is tried out, a user is sent to sign in. Where that repairs
    /// something `broken`, the sign-in asks for what was missing.
    pub(in crate::reference) async fn begin(
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
                let mut pending = Pending::begin(&self.settings, consent, claims, person)?;
                if self.is(Mutant::StateOfTheConnection) {
                    pending = pending.with_state_of(&self.connect.connection);
                }
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
    pub(in crate::reference) async fn finish(
        &self,
        redirect_url: &str,
        form: Option<&Map<String, Value>>,
    ) -> Result<State, Problem> {
        if self.is(Mutant::LogsCallbacks) {
            self.http.log(&format!("called back: {redirect_url}"));
        }
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

    /// Has a code redeemed where another connection would, as a mutant does.
    pub(in crate::reference) fn redeem_at(&self, other: &Settings) {
        *self.flaws.elsewhere.lock() = Some(other.clone());
    }

    pub(super) async fn redeem(&self, pending: &Pending, code: &str) -> Result<State, Problem> {
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
        if let Some(elsewhere) = self.flaws.elsewhere.lock().take() {
            settings.cloud = elsewhere.cloud;
            settings.tenant = elsewhere.tenant;
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
        let (_, needed) = self.settings.guise.probe();
        if scopes.iter().any(|it| it.starts_with(needed)) {
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
        let looked = Box::pin(self.call(self.settings.guise.probe().0, &one)).await;
        if looked.is_err() {
            *self.tokens.lock().await = None;
        }
        looked.map(|_| ())
    }
}
