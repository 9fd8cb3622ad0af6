//! The driver's side of the protocol: a line, a request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::clock::Clock;
use super::connection::Connection;
use super::gate::Mailboxes;
use super::guise::Guise;
use super::http::{Http, Log};
use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use super::settings::{Credential, Flow, Settings};
use super::store::{Saved, Store};
use super::style::Style;
use super::token::Tokens;
use super::watch;
use crate::case::{AuthMethod, Category};
use crate::protocol::{
    Capabilities, Connect, ConnectorName, FAILURE_CODE, Network, Notification, Request,
    UNKNOWN_METHOD, VERSION,
};

/// Serves the connector protocol until the line ends or `shutdown` comes. With a store its
/// connections outlive it.
pub async fn serve(
    reader: impl AsyncRead + Send + Unpin + 'static,
    mut writer: impl AsyncWrite + Send + Unpin + 'static,
    (kind, guise): (Kind, Guise),
    store: Option<Store>,
    log: Log,
) {
    let (idle, mut waits) = mpsc::unbounded_channel();
    let connector = Arc::new(Connector {
        kind,
        guise,
        restarts: store.is_some(),
        store: store.unwrap_or_default(),
        clock: Arc::new(Clock::telling(idle)),
        log,
        last_answers: Mutex::default(),
        turn: AsyncMutex::default(),
        broker: Mutex::default(),
        people: Mutex::default(),
        shared: Mutex::default(),
        credentials: Mutex::default(),
        failed: Mutex::default(),
        one_lock: tokio::sync::Mutex::default(),
        network: Mutex::default(),
        connections: Mutex::default(),
        mailboxes: Mailboxes::default(),
    });
    let (answers, mut outgoing) = mpsc::channel::<String>(64);
    let notices = answers.downgrade();
    tokio::spawn(async move {
        while let Some(seconds) = waits.recv().await {
            let Some(notices) = notices.upgrade() else {
                return;
            };
            let _ = notices.send(waiting(seconds)).await;
        }
    });
    let writing = tokio::spawn(async move {
        while let Some(mut line) = outgoing.recv().await {
            line.push('\n');
            if writer.write_all(line.as_bytes()).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    });
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = match serde_json::from_str(&line) {
            Ok(message) => message,
            Err(_) => continue,
        };
        let id = message["id"].clone();
        let request = match serde_json::from_value::<Request>(message.clone()) {
            Ok(request) => request,
            Err(error) => {
                let text = format!(
                    "'{}': {error}",
                    message["method"].as_str().unwrap_or_default()
                );
                let answer = error_answer(&id, UNKNOWN_METHOD, &text, None);
                let _ = answers.send(answer).await;
                continue;
            }
        };
        if matches!(request, Request::Shutdown {}) {
            let _ = answers.send(result_answer(&id, &json!({}))).await;
            break;
        }
        // Each request in a task of its own: calls may come at once.
        let connector = Arc::clone(&connector);
        let answers = answers.clone();
        tokio::spawn(async move {
            let answer = match connector.answer_as(request).await {
                Ok(result) => result_answer(&id, &result),
                Err(_) if kind.is(Mutant::SwallowsErrors) => {
                    result_answer(&id, &json!({"state": "connected", "value": {"value": []}}))
                }
                Err(problem) => {
                    let mut failure = problem.into_failure();
                    if kind.is(Mutant::TellsNothing) {
                        failure.category = Category::Unavailable;
                        "the network is down".clone_into(&mut failure.message);
                    }
                    if kind.is(Mutant::SecretInMessages) {
                        failure.message.push_str(&connector.secrets());
                    }
                    let data = serde_json::to_value(&failure).unwrap_or_default();
                    error_answer(&id, FAILURE_CODE, &failure.message, Some(data))
                }
            };
            let _ = answers.send(answer).await;
        });
    }
    drop(answers);
    let _ = writing.await;
}

/// The connector: its connections, and how it reaches the network.
struct Connector {
    kind: Kind,
    guise: Guise,
    log: Log,
    /// The connections that failed, which a mutant shows as working; the cases that were throttled.
    failed: Mutex<HashSet<String>>,
    /// What each connection of a case was answered last to a question, the newest at the end, for a
    /// mutant.
    last_answers: Mutex<HashMap<(String, String), Answers>>,
    /// What a connector does one at a time, if that is its style.
    turn: AsyncMutex<()>,
    /// The tokens of apps, where the connector has a broker for them.
    broker: Mutex<HashMap<String, Arc<AsyncMutex<Option<Tokens>>>>>,
    /// The first connection of each person, for a mutant.
    people: Mutex<HashMap<String, Arc<Connection>>>,
    /// The one connection of a mutant.
    shared: Mutex<Option<Arc<Connection>>>,
    /// The credentials that were filled in, for a mutant's messages.
    credentials: Mutex<Vec<String>>,
    /// Held by a mutant for each call.
    one_lock: tokio::sync::Mutex<()>,
    network: Mutex<Network>,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
    clock: Arc<Clock>,
    mailboxes: Mailboxes,
    /// Where connections are kept, and whether that outlives this process.
    store: Store,
    restarts: bool,
}

impl Connector {
    /// Answers as the kind of connector that this is.
    async fn answer_as(&self, request: Request) -> Result<Value, Problem> {
        if matches!(request, Request::Initialize(_)) {
            return self.answer(request).await;
        }
        match self.kind {
            // Time passes whatever is being done.
            Kind::Style(Style::OneAtATime)
                if !matches!(request, Request::AdvanceClock { .. } | Request::Settle {}) =>
            {
                let _turn = self.turn.lock().await;
                self.answer(request).await
            }
            Kind::Null => Ok(json!({"state": "connected", "value": {}})),
            Kind::Silent => Err(Problem::new(Category::Unsupported, "not today")),
            Kind::Refusing {
                category,
                opens_a_page,
            } => self.refuse(request, category, opens_a_page).await,
            Kind::Mutant(Mutant::KeepsFailedConnections) => {
                let name = match &request {
                    Request::Connect(it) | Request::Reconnect(it) => Some(it.connection.clone()),
                    Request::FinishAuthorization { connection, .. } => Some(connection.clone()),
                    Request::Status { connection } if self.failed.lock().contains(connection) => {
                        return Ok(json!({"state": "connected"}));
                    }
                    _ => None,
                };
                let answer = self.answer(request).await;
                if let (Err(_), Some(name)) = (&answer, name) {
                    self.failed.lock().insert(name);
                }
                answer
            }
            Kind::Mutant(Mutant::StaysBroken) => {
                let name = match &request {
                    Request::Call { connection, .. } => Some(connection.clone()),
                    _ => None,
                };
                let answer = self.answer(request).await;
                if let (Err(problem), Some(name)) = (&answer, name) {
                    self.find(&name)?.show_as_broken(problem);
                }
                answer
            }
            Kind::Mutant(Mutant::MixesUpAnswers) => {
                let asked = match &request {
                    Request::Call {
                        connection,
                        operation,
                        ..
                    } => Some((connection.clone(), operation.clone())),
                    _ => None,
                };
                let answer = self.answer(request).await?;
                Ok(match asked {
                    Some((connection, operation)) => self.mixed_up(&connection, operation, answer),
                    None => answer,
                })
            }
            Kind::Mutant(Mutant::OneThrottleForAll) => {
                let (connects, name) = match &request {
                    Request::Connect(connect) => (true, connect.connection.clone()),
                    Request::Call { connection, .. } => (false, connection.clone()),
                    _ => (false, String::new()),
                };
                let case = case_of(&name).to_owned();
                if connects && self.failed.lock().contains(&case) {
                    return Err(Problem::new(Category::Throttled, "try again later"));
                }
                let answer = self.answer(request).await;
                if answer
                    .as_ref()
                    .is_err_and(|it| it.category == Category::Throttled)
                {
                    self.failed.lock().insert(case);
                }
                answer
            }
            Kind::Mutant(Mutant::BreaksOnAnyFailure) => {
                let name = match &request {
                    Request::Call { connection, .. } => Some(connection.clone()),
                    _ => None,
                };
                let answer = self.answer(request).await;
                if let (Err(problem), Some(name)) = (&answer, name) {
                    self.find(&name)?.break_off(problem);
                }
                answer
            }
            _ => self.answer(request).await,
        }
    }

    /// Refuses, as politely as a connector can that does nothing.
    async fn refuse(
        &self,
        request: Request,
        category: Category,
        opens_a_page: bool,
    ) -> Result<Value, Problem> {
        let refused = || Err(Problem::new(category, "it did not work"));
        match request {
            Request::Connect(connect) | Request::Reconnect(connect)
                if opens_a_page && !connect.auth_method.is_app_only() =>
            {
                let connection = self.make(&connect)?;
                Ok(json!(connection.begin(None, None).await?))
            }
            Request::Status { .. } => Ok(json!({"state": "broken", "category": category})),
            Request::Disconnect { .. } | Request::Settle {} | Request::AdvanceClock { .. } => {
                Ok(json!({}))
            }
            _ => refused(),
        }
    }

    /// The answer that another connection got last to the same question, if there is one.
    fn mixed_up(&self, connection: &str, operation: String, answer: Value) -> Value {
        let mut last = self.last_answers.lock();
        let case = case_of(connection).to_owned();
        let answers = last.entry((case, operation)).or_default();
        answers.retain(|(own, _)| own != connection);
        let other = answers.last().cloned();
        answers.push((connection.to_owned(), answer.clone()));
        other.map_or(answer, |(_, theirs)| theirs)
    }

    fn secrets(&self) -> String {
        self.credentials.lock().join(" ")
    }

    async fn answer(&self, request: Request) -> Result<Value, Problem> {
        match request {
            Request::Initialize(initialize) => {
                *self.network.lock() = initialize.network;
                // What an earlier process watched goes on being watched.
                for name in self.store.names() {
                    if let Ok(connection) = self.find(&name) {
                        Self::look_after(&connection);
                    }
                }
                Ok(json!(capabilities(self.kind, self.guise, self.restarts)))
            }
            Request::Connect(connect) => {
                let connection = self.make(&connect)?;
                let before = self.connections.lock().get(&connect.connection).cloned();
                if let Some(before) = &before
                    && self.kind.is(Mutant::AcceptsOldCallbacks)
                {
                    connection.remember_sign_ins_of(before);
                }
                let failed = before
                    .filter(|_| self.kind.is(Mutant::AsksForConsentAfterAFailure))
                    .and_then(|it| it.broken());
                let state = connection.begin(failed.as_ref(), None).await?;
                if self.kind.is(Mutant::OnePendingSignIn) {
                    self.connections
                        .lock()
                        .values()
                        .for_each(|it| it.forget_the_sign_in());
                }
                if self.kind.is(Mutant::RedeemsWhereTheLastBegan) {
                    self.connections
                        .lock()
                        .values()
                        .for_each(|it| it.redeem_at(&connection.settings));
                }
                self.connections
                    .lock()
                    .insert(connect.connection, connection);
                Ok(json!(state))
            }
            Request::Reconnect(_) if self.kind.is(Mutant::ReconnectsWithoutSignIn) => {
                Ok(json!({"state": "connected"}))
            }
            Request::Reconnect(mut connect) => {
                let before = self.find(&connect.connection).ok();
                if let Some(before) = &before
                    && self.kind.is(Mutant::KeepsTheFirstClientId)
                {
                    let id = json!(before.settings.client_id);
                    connect.settings.insert("client_id".to_owned(), id);
                }
                if self.kind.is(Mutant::RepairsAtCommon) && !connect.auth_method.is_app_only() {
                    let tenant = json!("common");
                    connect.settings.insert("tenant_id".to_owned(), tenant);
                }
                let broken = before.as_ref().and_then(|it| it.broken());
                let connection = self.make(&connect)?;
                let widens = self.kind.is(Mutant::GetsNewScopesByRefresh)
                    && !connect.auth_method.is_app_only();
                if let Some(before) = before.as_ref().filter(|_| widens) {
                    let state = connection.widen(before).await?;
                    self.connections
                        .lock()
                        .insert(connect.connection, connection);
                    return Ok(json!(state));
                }
                let state = connection.begin(broken.as_ref(), None).await?;
                if let Some(before) = before {
                    before.retire();
                    connection.take_over(&before);
                    Self::look_after(&connection);
                }
                self.connections
                    .lock()
                    .insert(connect.connection, connection);
                Ok(json!(state))
            }
            Request::FinishAuthorization {
                connection,
                redirect_url,
                form,
            } => {
                let connection = self.find(&connection)?;
                let state = connection.finish(&redirect_url, form.as_ref()).await?;
                if self.kind.is(Mutant::KeepsTokensByPerson) {
                    self.share_with_the_person(&connection).await;
                }
                Ok(json!(state))
            }
            Request::Call {
                connection,
                operation,
                arguments,
            } => {
                let mut connection = self.find_to_call(&connection)?;
                if self.kind.is(Mutant::CallsAsTheFirst) {
                    let all = self.connections.lock();
                    let first = all.iter().min_by_key(|it| it.0);
                    connection = first.map_or(connection, |it| Arc::clone(it.1));
                }
                let _alone = match self.kind {
                    Kind::Mutant(Mutant::OneLockForAll) => Some(self.one_lock.lock().await),
                    _ => None,
                };
                let called = connection.call(&operation, &arguments).await;
                Self::look_after(&connection);
                let value = match called {
                    Err(mut problem) if self.kind.is(Mutant::EchoesTokens) => {
                        let token = connection.shown_token().await.unwrap_or_default();
                        problem
                            .message
                            .push_str(&format!(" (with the token {token})"));
                        return Err(problem);
                    }
                    called => called?,
                };
                Ok(json!({ "value": value }))
            }
            Request::Status { connection } => Ok(json!(self.find(&connection)?.status())),
            Request::Disconnect { .. } if self.kind.is(Mutant::RemembersAfterDisconnect) => {
                Ok(json!({}))
            }
            Request::Disconnect { connection } => {
                // What was kept by an earlier process is forgotten, too.
                let _ = self.find(&connection);
                let removed = self.connections.lock().remove(&connection);
                if let Some(connection) = removed {
                    connection.forget().await;
                }
                // What connections share ends with the last of them.
                if self.connections.lock().is_empty() {
                    *self.shared.lock() = None;
                }
                Ok(json!({}))
            }
            Request::AdvanceClock { seconds } => {
                self.clock.advance(seconds);
                Ok(json!({}))
            }
            Request::Settle {} => {
                // What is due is looked after first.
                let all: Vec<_> = self.connections.lock().values().cloned().collect();
                for connection in all.iter().filter(|_| !self.kind.is(Mutant::WaitsToBeAsked)) {
                    connection.look_by_itself().await;
                }
                Ok(json!({}))
            }
            Request::Shutdown {} => Ok(json!({})),
        }
    }

    /// Lets a connection have the tokens of the first one of the same person and app, as a mutant
    /// does.
    async fn share_with_the_person(&self, connection: &Arc<Connection>) {
        let person = connection.person_id().await.unwrap_or_default();
        let name = format!("{person} {}", connection.settings.client_id);
        let first = {
            let mut people = self.people.lock();
            let first = people.entry(name).or_insert_with(|| Arc::clone(connection));
            Arc::clone(first)
        };
        if !Arc::ptr_eq(&first, connection) {
            connection.adopt(&first).await;
        }
    }

    /// Sees to it that a task looks after what the connection watches.
    fn look_after(connection: &Arc<Connection>) {
        if connection.needs_looking_after() {
            tokio::spawn(watch::look_after(Arc::downgrade(connection)));
        }
    }

    fn make(&self, connect: &Connect) -> Result<Arc<Connection>, Problem> {
        let secret = connect
            .settings
            .get("client_secret")
            .and_then(Value::as_str);
        self.credentials.lock().extend(secret.map(str::to_owned));
        Ok(Arc::new(self.build(connect)?))
    }

    fn build(&self, connect: &Connect) -> Result<Connection, Problem> {
        let settings = Settings::of(connect, self.clock.now(), self.kind, self.guise)?;
        let network = self.network.lock().clone();
        let http = Http::new(
            &network,
            self.kind,
            Arc::clone(&self.clock),
            Arc::clone(&self.log),
        )?;
        let mailbox = match (&settings.shared_mailbox, &settings.flow) {
            (Some(shared), _) => shared,
            (None, Flow::AppOnly { account }) => account,
            // Whose it is comes out later.
            (None, Flow::Delegated { .. }) => &connect.connection,
        };
        let name = format!("{} {mailbox}", settings.client_id);
        let gate = self.mailboxes.gate(name);
        let shares = self.kind.has(Style::SharesAppTokens)
            || self.kind.is(Mutant::KeepsAppTokensByClient)
            || self.kind.is(Mutant::KeepsAppTokensOverTenants);
        let broker =
            (shares && connect.auth_method.is_app_only()).then(|| self.broker_of(&settings));
        let (connect, store) = (connect.clone(), self.store.clone());
        let connection = Connection::new(settings, http, gate, connect, store);
        Ok(match broker {
            Some(tokens) => connection.with_tokens_of(tokens),
            None => connection,
        })
    }

    /// The tokens of an app with a credential at an authority.
    fn broker_of(&self, settings: &Settings) -> Arc<AsyncMutex<Option<Tokens>>> {
        let credential = match &settings.credential {
            Credential::Certificate(_) => "a certificate",
            Credential::None => "nothing",
            Credential::Secret(_) if self.kind.is(Mutant::KeepsAppTokensByClient) => "a secret",
            Credential::Secret(secret) => secret,
        };
        let mut authority = settings.authority();
        if self.kind.is(Mutant::KeepsAppTokensOverTenants) {
            settings.cloud.authority.clone_into(&mut authority);
        }
        let id = &settings.client_id;
        let name = format!("{authority} {} {id} {credential}", settings.cloud.resource);
        Arc::clone(self.broker.lock().entry(name).or_default())
    }

    /// A connection that an earlier process made.
    fn restore(&self, name: &str) -> Option<Result<Arc<Connection>, Problem>> {
        let restored = self.store.load(name)?.and_then(|saved| {
            let Saved {
                connect,
                tokens,
                broken,
                watches,
            } = saved;
            let connection = self.build(&connect)?;
            Ok(Arc::new(connection.restored(tokens, broken, watches)))
        });
        if let Ok(connection) = &restored {
            self.connections
                .lock()
                .insert(name.to_owned(), Arc::clone(connection));
        }
        Some(restored)
    }

    /// The connection of a call: a mutant takes the first one for all.
    fn find_to_call(&self, name: &str) -> Result<Arc<Connection>, Problem> {
        if !self.kind.is(Mutant::OneTokenForAll) {
            return self.find(name);
        }
        let first = self.shared.lock().clone();
        let found = first.map_or_else(|| self.find(name), Ok)?;
        *self.shared.lock() = Some(Arc::clone(&found));
        Ok(found)
    }

    fn find(&self, name: &str) -> Result<Arc<Connection>, Problem> {
        let known = self.connections.lock().get(name).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        self.restore(name).unwrap_or_else(|| {
            Err(Problem::new(
                Category::ReconnectRequired,
                format!("there is no connection '{name}'"),
            ))
        })
    }
}

/// What a kind of the connector says of itself.
pub(crate) fn capabilities(kind: Kind, guise: Guise, restarts: bool) -> Capabilities {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Capabilities {
        protocol: VERSION,
        connector: ConnectorName {
            name: "reference".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            language: "rust".to_owned(),
        },
        auth_methods: owned(&AuthMethod::DOCUMENTED.map(AuthMethod::slug)),
        environments: owned(&["office365", "us-gov-l4", "us-gov-l5", "china"]),
        operations: owned(guise.operations()),
        features: owned(if restarts {
            &FEATURES
        } else {
            &FEATURES[..FEATURES.len() - 2]
        })
        .into_iter()
        .chain(owned(guise.features()))
        .filter(|it: &String| it != "concurrent-calls" || !kind.has(Style::OneAtATime))
        .collect(),
        max_connections: 100,
    }
}

/// The last two need a store.
const FEATURES: [&str; 9] = [
    "cae",
    "clock",
    "concurrent-calls",
    "id-token",
    "pkce",
    "polling",
    "public-client",
    "restart",
    "shared-store",
];

fn waiting(seconds: u64) -> String {
    let notice = Notification::Waiting { seconds };
    let mut message = serde_json::to_value(notice).unwrap_or_default();
    message["jsonrpc"] = json!("2.0");
    message.to_string()
}

fn result_answer(id: &Value, result: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

fn error_answer(id: &Value, code: i64, message: &str, data: Option<Value>) -> String {
    let mut error = json!({"code": code, "message": message});
    if let Some(data) = data {
        error["data"] = data;
    }
    json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
}

/// What connections were answered.
type Answers = Vec<(String, Value)>;

/// The names of a case's connections have the same beginning.
fn case_of(connection: &str) -> &str {
    connection.split('-').next().unwrap_or_default()
}
