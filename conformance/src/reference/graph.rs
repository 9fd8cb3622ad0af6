//! Microsoft Graph: requests with a token, and what its refusals mean.
//!
//! Source: learn.microsoft.com/graph/errors, /graph/throttling, and
//! entra/identity-platform/claims-challenge.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value};

use super::challenge;
use super::connection::Connection;
use super::http;
use super::mutant::{Kind, Mutant};
use super::operations;
use super::problem::Problem;
use super::settings::Credential;
use crate::case::Category;

/// What a request brings.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// JSON.
    Json(&'a Value),
    /// The content of a file.
    Raw(&'a [u8]),
}

/// What an operation works with.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    /// Whether a mutant has turned to the person's own mailbox.
    pub(super) own_mailbox: bool,
    /// Whether nobody has asked: a trigger looks by itself.
    pub(super) unattended: bool,
    /// What the requests say in `Prefer`.
    pub(super) prefer: Option<&'static str>,
}

impl<'a> Session<'a> {
    /// What somebody asks of a connection.
    pub(super) fn of(connection: &'a Connection) -> Self {
        Self {
            connection,
            own_mailbox: false,
            unattended: false,
            prefer: None,
        }
    }

    /// Does an operation.
    pub(super) async fn call(
        &self,
        operation: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Problem> {
        let is = |mutant| self.connection.is(mutant);
        let asked = format!("{operation} {}", Value::Object(arguments.clone()));
        if is(Mutant::AnswersFromMemory)
            && let Some(known) = self.connection.remembered(&asked)
        {
            let token = self.connection.access_token().await?;
            self.connection.replace(&token, None).await?;
            return Ok(known);
        }
        let answer = operations::run(self, operation, arguments).await;
        if is(Mutant::AnswersFromMemory) {
            self.connection.remember(&asked, answer.as_ref());
        }
        match &answer {
            Err(problem)
                if [Category::AccessDenied, Category::NotFound].contains(&problem.category)
                    && self.connection.settings.shared_mailbox.is_some()
                    && is(Mutant::FallsBackToOwnMailbox) =>
            {
                let own = Self {
                    own_mailbox: true,
                    ..*self
                };
                operations::run(&own, operation, arguments).await
            }
            Ok(value) if is(Mutant::LosesForeignLetters) || is(Mutant::LowercasesIds) => {
                let mut value = value.clone();
                self.spoil(&mut value);
                Ok(value)
            }
            Err(problem)
                if problem.category == Category::NotFound
                    && is(Mutant::FallsBackToAnotherMailbox) =>
            {
                let users = self.send(Method::GET, "/users", &[], None).await?;
                let id = users["value"][0]["id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let path = format!("/users/{id}/messages");
                self.send(Method::GET, &path, &[], None).await
            }
            _ => answer,
        }
    }

    /// Changes ids or letters of an answer, as mutants do.
    fn spoil(&self, value: &mut Value) {
        let ids = self.connection.is(Mutant::LowercasesIds);
        match value {
            Value::Array(items) => items.iter_mut().for_each(|it| self.spoil(it)),
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(text) if ids && name == "id" => text.make_ascii_lowercase(),
                        Value::String(text) if !ids => {
                            *text = text.replace(|it: char| !it.is_ascii(), "?");
                        }
                        other => self.spoil(other),
                    }
                }
            }
            _ => {}
        }
    }

    /// Sends a request to a path below the version, and returns the JSON of the answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send_to(&method, &url, body).await
    }

    /// The address of a path below the version.
    pub(super) fn url(&self, path: &str) -> Result<url::Url, Problem> {
        let root = &self.connection.settings.cloud.graph;
        url::Url::parse(&format!("{root}/v1.0{path}"))
            .map_err(|_| Problem::configuration(format!("'{root}' is no address of Graph")))
    }

    /// What is at an address of a site that needs no token; nothing where it has ended.
    pub(super) async fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, Problem> {
        let response = self.ask_site(Method::GET, url, |it| it).await?;
        let status = response.status();
        if [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND].contains(&status) {
            return Ok(None);
        }
        let broken_off = || Problem::unavailable("the site broke off the content");
        let content = self.connection.http.bytes(response).await;
        if !status.is_success() {
            let message = format!("the site answered {status} instead of the content");
            return Err(http::throttled(status, None, message));
        }
        content.map(Some).ok_or_else(broken_off)
    }

    /// The answer of a site, at an address that needs no token: status and JSON.
    pub(super) async fn at_site(
        &self,
        method: Method,
        url: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<(StatusCode, Value), Problem> {
        let response = self.ask_site(method, url, with).await?;
        let status = response.status();
        let broken_off = || Problem::unavailable("the site broke off its answer");
        let text = self.connection.http.text(response).await;
        let body = serde_json::from_str(&text.ok_or_else(broken_off)?).unwrap_or(Value::Null);
        Ok((status, body))
    }

    /// Asks a site. It gets no token: the address has all that it needs, and what a token is for
    /// is Graph.
    async fn ask_site(
        &self,
        method: Method,
        url: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, Problem> {
        let http = &self.connection.http;
        let secure = self.connection.settings.cloud.graph.starts_with("https://");
        let url = url::Url::parse(url)
            .ok()
            .filter(|it| it.scheme() == "https" || !secure)
            .ok_or_else(|| Problem::untrusted("a content's address is not https"))?;
        let token = if self.connection.is(Mutant::KeepsTheTokenForSites) {
            Some(self.connection.access_token().await?)
        } else {
            None
        };
        let repeatable = method == Method::GET;
        let build = |_| {
            let request = http.client.request(method.clone(), url.clone());
            with(match &token {
                Some(token) => request.bearer_auth(token),
                None => request,
            })
        };
        http.send("the site", repeatable, None, build).await
    }

    /// All pages of a collection until there are enough items. Links are followed on the same
    /// host only: the token is for nobody else.
    pub(super) async fn collect(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
    ) -> Result<Value, Problem> {
        let mut page = self.send(Method::GET, path, query, None).await?;
        let mut items = Vec::new();
        let mut followed = HashSet::new();
        let mut last = String::new();
        loop {
            let next = page["@odata.nextLink"].as_str().map(str::to_owned);
            let is_empty = page["value"].as_array().is_some_and(Vec::is_empty);
            if is_empty && self.connection.is(Mutant::StopsAtAnEmptyPage) {
                break;
            }
            if let Some(Value::Array(more)) = page.get_mut("value").map(Value::take) {
                items.extend(more);
            }
            let goes_on = items.len() < limit && !self.connection.is(Mutant::StopsAtTheFirstPage);
            let Some(next) = next.filter(|_| goes_on) else {
                break;
            };
            let url = self.own_link(&next)?;
            // Pages may be empty, so only a link that comes again tells a circle.
            if self.connection.is(Mutant::ForgetsTheLinkBeforeLast) {
                followed.retain(|it| *it == last);
                last.clone_from(&next);
            }
            if !followed.insert(next) && !self.connection.is(Mutant::GoesRoundInCircles) {
                return Err(Problem::unavailable(
                    "Graph's links to the next page go round in a circle",
                ));
            }
            let mut url = url;
            if self.connection.is(Mutant::RewritesLinks) {
                // A host name.
                let _ = url.set_host(Some("graph.microsoft.com"));
            }
            let url = if self.connection.is(Mutant::RebuildsLinks) {
                let mut url = url;
                let skip = items.len().to_string();
                let (top, skip) = (("$top", "100"), ("$skip", skip.as_str()));
                url.query_pairs_mut().clear().extend_pairs([top, skip]);
                url
            } else {
                url
            };
            page = match self.send_to(&Method::GET, &url, None).await {
                Err(_) if self.connection.is(Mutant::TakesHalfForWhole) => break,
                page => page?,
            };
        }
        items.truncate(limit);
        Ok(serde_json::json!({ "value": items }))
    }

    /// A link of Graph's own host.
    pub(super) fn own_link(&self, link: &str) -> Result<url::Url, Problem> {
        let root = &self.connection.settings.cloud.graph;
        let of_changes = self.connection.is(Mutant::FollowsAnyLinkOfChanges);
        let any = self.connection.is(Mutant::FollowsAnyLink)
            || of_changes && (self.prefer.is_some() || link.contains("delta"));
        url::Url::parse(link)
            .ok()
            .filter(|_| any || link.starts_with(&format!("{root}/")))
            .ok_or_else(|| Problem::untrusted("Graph's link to the next page leads elsewhere"))
    }

    async fn send_to(
        &self,
        method: &Method,
        url: &url::Url,
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        if self.connection.is(Mutant::InventsAnswers) {
            self.connection.access_token().await?;
            return Ok(invented());
        }
        self.exchange(method, url, body.map(Body::Json))
            .await?
            .read()
    }

    /// The answer to a request; once more with another token where one was refused.
    pub(super) async fn exchange(
        &self,
        method: &Method,
        url: &url::Url,
        body: Option<Body<'_>>,
    ) -> Result<Answer, Problem> {
        let token = self.connection.access_token().await?;
        let answer = self.attempt(method, url, body, &token).await?;
        if self.connection.is(Mutant::AsksForTokensWhenDenied)
            && [
                StatusCode::FORBIDDEN,
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::UNAUTHORIZED,
            ]
            .contains(&answer.status)
        {
            let mut token = token.clone();
            for _ in 0..5 {
                token = self.connection.replace(&token, None).await?;
            }
        }
        if answer.status == StatusCode::LOCKED && self.connection.is(Mutant::BreaksOnALock) {
            let problem = Problem::new(Category::ReconnectRequired, "connect again");
            self.connection.break_off(&problem);
        }
        let denied = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
        if denied.contains(&answer.status) && self.connection.is(Mutant::InsistsOnDeniedRequests) {
            for _ in 0..4 {
                self.attempt(method, url, body, &token).await?;
            }
        }
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        if self.connection.is(Mutant::InsistsOnRefusedTokens) {
            for _ in 0..3 {
                self.attempt(method, url, body, &token).await?;
            }
        }
        // Once, with another token: the first one may have been revoked.
        let claims = answer.claims.as_deref();
        let token = self.connection.replace(&token, claims).await?;
        if self.connection.is(Mutant::BreaksOnRefusedTokens) {
            let problem = Problem::new(Category::ReconnectRequired, "connect again");
            self.connection.show_as_broken(&problem);
        }
        self.attempt(method, url, body, &token).await
    }

    async fn attempt(
        &self,
        method: &Method,
        url: &url::Url,
        body: Option<Body<'_>>,
        token: &str,
    ) -> Result<Answer, Problem> {
        let http = &self.connection.http;
        let request_id = uuid::Builder::from_random_bytes(random())
            .into_uuid()
            .to_string();
        let is = |mutant| self.connection.is(mutant);
        let mut url = url.clone();
        if is(Mutant::TokenInUrl) {
            url.query_pairs_mut().append_pair("access_token", token);
        }
        let mut elsewhere = Vec::new();
        if is(Mutant::UsesOutlookRest) {
            elsewhere.push("https://outlook.office.com/api/v2.0/me/messages".to_owned());
        }
        if is(Mutant::TriesAnotherGraph) {
            let host = match url.host_str() {
                Some("graph.microsoft.us") => "dod-graph.microsoft.us",
                _ => "graph.microsoft.us",
            };
            elsewhere.push(format!("https://{host}{}", url.path()));
        }
        if is(Mutant::AsksForTheForbidden) {
            let root = &self.connection.settings.cloud.graph;
            elsewhere.push(format!("{root}/v1.0/groups"));
        }
        if is(Mutant::LooksIntoOtherMailboxes) {
            let root = &self.connection.settings.cloud.graph;
            elsewhere.push(format!("{root}/v1.0/users/somebody-else/messages"));
        }
        if is(Mutant::GivesTheSecretToItsVendor) {
            // In clear, so that the proxy sees it.
            let mut telemetry = self
                .connection
                .http
                .client
                .get("http://telemetry.connector.example/tokens");
            if let Credential::Secret(secret) = &self.connection.settings.credential {
                telemetry = telemetry.header("x-client-secret", secret);
            }
            let _ = telemetry.send().await;
        }
        for address in elsewhere {
            let _ = self
                .connection
                .http
                .client
                .get(address)
                .bearer_auth(token)
                .send()
                .await;
        }
        if is(Mutant::LogsItsHeaders)
            && let Credential::Secret(secret) = &self.connection.settings.credential
        {
            let pair = format!("{}:{secret}", self.connection.settings.client_id);
            http.log(&format!("Authorization: Basic {}", STANDARD.encode(pair)));
        }
        if is(Mutant::LogsTokens) {
            http.log(&format!("{method} {url} with the token {token}"));
        }
        let build = |attempt: u32| {
            let mut request = http.client.request(method.clone(), url.clone());
            if is(Mutant::SendsItsSecretToGraph) {
                request = match &self.connection.settings.credential {
                    Credential::Secret(secret) => request.header("x-client-credential", secret),
                    _ => request,
                };
            }
            let request = if is(Mutant::TokenInAHeaderOfItsOwn) {
                request.header("x-access-token", token)
            } else {
                request.bearer_auth(token)
            };
            let request = request
                .header("accept", "application/json")
                .header("client-request-id", &request_id);
            let request = match self.prefer {
                Some(prefer) => request.header("prefer", prefer),
                None => request,
            };
            match body {
                Some(_) if attempt > 1 && is(Mutant::LosesTheBodyOnRetry) => request,
                Some(Body::Json(body)) => request.json(body),
                Some(Body::Raw(bytes)) => request
                    .header("content-type", "application/octet-stream")
                    .body(bytes.to_vec()),
                None => request,
            }
        };
        // Whoever puts the same content twice has put it once.
        let repeatable = [Method::GET, Method::PUT].contains(method);
        let mailbox = &self.connection.mailbox;
        let _turn = if is(Mutant::FloodsTheMailbox) {
            None
        } else {
            mailbox.turn().await
        };
        let sent = http.send("Microsoft Graph", repeatable, Some(mailbox), build);
        let response = sent.await?;
        let label = response.headers().get("content-type");
        let is_page = label.is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
        if is_page && is(Mutant::BreaksOnMislabelledAnswers) {
            let problem = Problem::unavailable("Microsoft Graph answered with a page");
            self.connection.break_off(&problem);
            return Err(problem);
        }
        if is(Mutant::GoesWhereTheChallengeSays)
            && let Some(place) = place_of_sign_in(&response)
        {
            let _ = http.client.get(place).send().await;
        }
        Ok(Answer {
            status: response.status(),
            after: http::retry_after(&response),
            claims: claims_of(&response, self.connection.settings.kind),
            has_content: *method == Method::GET && !is(Mutant::TakesHalfForWhole),
            by_words: is(Mutant::GoesByTheText),
            wants_words: is(Mutant::WantsWordsForRefusals),
            strict: is(Mutant::RefusesOddAnswers),
            text: http.text(response).await,
        })
    }
}

/// An answer of Graph.
pub(super) struct Answer {
    status: StatusCode,
    after: Option<f64>,
    /// The claims of a challenge.
    claims: Option<String>,
    /// Nothing, if it broke off.
    text: Option<String>,
    /// Whether what was asked for is in the answer.
    has_content: bool,
    /// Whether a mutant goes by the words of refusals.
    by_words: bool,
    /// Whether a mutant takes refusals without words for outages.
    wants_words: bool,
    /// Whether a mutant reads it that takes what it does not know for a failure.
    strict: bool,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The code of a refusal.
    pub(super) fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(self.text.as_deref()?).ok()?;
        body["error"]["code"].as_str().map(str::to_owned)
    }

    /// The JSON of a success, or what a refusal means.
    pub(super) fn read(self) -> Result<Value, Problem> {
        let status = self.status;
        let broken_off = || Problem::unavailable("Microsoft Graph broke off its answer");
        let text = self.text.ok_or_else(broken_off)?;
        if status.is_success() {
            if text.is_empty() && !self.has_content {
                return Ok(Value::Null);
            }
            let unreadable = || Problem::unavailable("Microsoft Graph's answer cannot be read");
            let value: Value = serde_json::from_str(&text).map_err(|_| unreadable())?;
            if self.strict && value.get("laterMember").is_some() {
                return Err(unreadable());
            }
            return Ok(value);
        }
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let code = body["error"]["code"].as_str().unwrap_or_default();
        let detail = body["error"]["message"].as_str().unwrap_or_default();
        let message = format!("Microsoft Graph answered {status} {code}: {detail}");
        if self.wants_words && text.is_empty() {
            return Err(Problem::unavailable(message));
        }
        if self.by_words && status == StatusCode::FORBIDDEN && !detail.contains("denied") {
            return Err(Problem::unavailable(message));
        }
        let category = match status.as_u16() {
            300..=399 => Category::Untrusted,
            401 if detail.contains("audience") || detail.contains("InvalidCloudInstance") => {
                Category::InvalidConfiguration
            }
            401 => Category::ReconnectRequired,
            403 => Category::AccessDenied,
            404 | 410 => Category::NotFound,
            409 | 412 | 423 => Category::Conflict,
            429 => Category::Throttled,
            500.. => Category::Unavailable,
            _ => Category::InvalidConfiguration,
        };
        let category = match code {
            "MailboxNotEnabledForRESTAPI"
            | "ErrorInvalidUser"
            | "ErrorItemNotFound"
            | "Request_ResourceNotFound"
            | "ResourceNotFound"
            | "itemNotFound" => Category::NotFound,
            // Graph says 401 to a token without any permission: no sign-in would help.
            "ErrorAccessDenied"
            | "Authorization_RequestDenied"
            | "NoPermissionsInAccessToken"
            | "accessDenied" => Category::AccessDenied,
            _ => category,
        };
        Err(Problem {
            retry_after: self.after,
            ..Problem::new(category, message)
        })
    }
}

/// An answer that fits most questions, as a mutant makes it up.
fn invented() -> Value {
    serde_json::json!({
        "id": "invented",
        "subject": "invented",
        "value": [{"id": "invented", "subject": "invented"}],
    })
}

/// The claims of a challenge, decoded.
///
/// Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
fn claims_of(response: &Response, kind: Kind) -> Option<String> {
    let headers = response.headers().get_all("www-authenticate");
    let texts = headers.iter().filter_map(|it| it.to_str().ok());
    texts.flat_map(challenge::all).find_map(|challenge| {
        if challenge.get("error") != Some("insufficient_claims") {
            return None;
        }
        let mut claims = challenge.get("claims")?;
        if kind.is(Mutant::SplitsAtEqualsSigns) {
            claims = claims.split('=').next().unwrap_or_default();
        }
        String::from_utf8(STANDARD.decode(claims).ok()?).ok()
    })
}

/// Where a challenge says that a sign-in is to be had, for a mutant.
fn place_of_sign_in(response: &Response) -> Option<String> {
    let header = response.headers().get("www-authenticate")?;
    let challenges = challenge::all(header.to_str().ok()?);
    let places = challenges
        .iter()
        .filter_map(|it| it.get("authorization_uri"));
    places.map(str::to_owned).next()
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}
