//! Watching a mailbox: what has come since the last look, each thing once.
//!
//! Messages are followed by delta queries where the cloud has them, events by the time of their last
//! change. The position moves on only with what was found, and both outlive the process and a repair.
//!
//! Source: learn.microsoft.com/graph/delta-query-messages and /graph/delta-query-overview (links
//! are opaque; `410 Gone` means to begin anew).

use std::collections::{BTreeMap, HashSet};
use std::sync::Weak;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::graph::Session;
use super::mutant::Mutant;
use super::problem::Problem;
use crate::case::Category;

/// What a connection watches, by operation and folder.
pub(super) type Watches = BTreeMap<String, Watch>;

/// Something that is watched.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Watch {
    operation: String,
    folder: String,
    /// Where the next look begins: a link of Graph, or a time. Absent before the first look.
    position: Option<String>,
    /// What was there or was found: when it came, or changed last.
    known: BTreeMap<String, String>,
    /// What is older is no news: it was known, and is forgotten.
    horizon: String,
    /// Found, and not handed over.
    found: Vec<Value>,
    /// When to look again without being asked: seconds by the connector's clock.
    next: i64,
    /// How many looks in a row have failed.
    failures: u32,
}

impl Watch {
    /// The key of a watch.
    pub(super) fn key(operation: &str, folder: &str) -> String {
        format!("{operation} {folder}")
    }

    /// Whether it failed so often that nobody looks any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.failures >= FAILURES
    }

    /// Is looked after again.
    pub(super) fn resume(&mut self) {
        self.failures = 0;
    }

    fn is_news(&self, id: &str, time: &str) -> bool {
        !self.known.contains_key(id) && *time >= *self.horizon
    }

    fn remember(&mut self, id: &str, time: &str) {
        self.known.insert(id.to_owned(), time.to_owned());
        if self.known.len() > KNOWN {
            let oldest = self.known.iter().min_by_key(|(_, time)| *time);
            if let Some((id, time)) = oldest.map(|(id, time)| (id.clone(), time.clone())) {
                self.known.remove(&id);
                self.horizon = time;
            }
        }
    }
}

impl Connection {
    /// Looks, and hands over what has come since the last time; the first look finds nothing.
    pub(super) async fn watch(
        &self,
        session: &Session<'_>,
        operation: &str,
        mailbox: &str,
        folder: &str,
    ) -> Result<Value, Problem> {
        let _one_at_a_time = self.looking.lock().await;
        let key = Watch::key(operation, folder);
        let known = self.watches.lock().get(&key).cloned();
        let mut watch = known.unwrap_or_else(|| Watch {
            operation: operation.to_owned(),
            folder: folder.to_owned(),
            ..Watch::default()
        });
        if watch.is_stopped() {
            return Err(stopped());
        }
        if session.unattended && watch.next > self.http.clock.now() {
            return Ok(Value::Null);
        }
        let looked = match operation {
            "watch-messages" if self.is(Mutant::WatchesWhatWasSent) => {
                "sentitems".clone_into(&mut watch.folder);
                messages(session, &mut watch, mailbox).await
            }
            "watch-messages" if self.settings.cloud.has_message_delta => {
                messages(session, &mut watch, mailbox).await
            }
            "watch-files" => files(session, &mut watch, mailbox).await,
            "watch-messages" => {
                let folder = super::operations::encoded(folder);
                let what = ByTime {
                    path: format!("{mailbox}/mailFolders/{folder}/messages"),
                    time: "receivedDateTime",
                    select: "id,subject,from,receivedDateTime",
                };
                by_time(session, &mut watch, &what).await
            }
            _ => {
                let what = ByTime {
                    path: format!("{mailbox}/events"),
                    time: "lastModifiedDateTime",
                    select: "id,subject,start,createdDateTime,lastModifiedDateTime",
                };
                by_time(session, &mut watch, &what).await
            }
        };
        let interval = if self.is(Mutant::PollsAllTheTime) {
            10
        } else {
            INTERVAL
        };
        let mut pause = interval;
        if let Err(problem) = &looked {
            if self.is(Mutant::BeginsAnewAfterAFailure) {
                watch.position = None;
            }
            watch.failures += 1;
            #[expect(clippy::cast_possible_truncation, reason = "a day at most")]
            let asked = problem.retry_after.unwrap_or_default().ceil() as i64;
            pause = pause.max(asked);
        } else {
            watch.failures = 0;
        }
        watch.next = self.http.clock.now() + pause;
        let begun = watch.position.is_some();
        let told = match &looked {
            Ok(()) if self.is(Mutant::TellsThingsTwice) => watch.found.clone(),
            Ok(()) if !session.unattended => std::mem::take(&mut watch.found),
            _ => Vec::new(),
        };
        if begun || self.is(Mutant::BeginsAnewAfterAFailure) {
            self.watches.lock().insert(key, watch);
            self.save().await?;
        }
        looked.map(|()| json!({ "value": told }))
    }

    /// Looks after what is due, as a trigger does that nobody asks.
    pub(super) async fn look_by_itself(&self) {
        let now = self.http.clock.now();
        let due: Vec<Watch> = {
            let watches = self.watches.lock();
            let due = watches
                .values()
                .filter(|it| it.next <= now && !it.is_stopped());
            due.cloned().collect()
        };
        for watch in due {
            if self.is_retired() {
                return;
            }
            let mut arguments = Map::new();
            // What a folder of mail is to one operation, a path is to another.
            for name in ["folder", "path"] {
                arguments.insert(name.to_owned(), json!(watch.folder));
            }
            let session = Session {
                unattended: true,
                ..Session::of(self)
            };
            // Why it failed is told when somebody asks.
            let _ = session.call(&watch.operation, &arguments).await;
        }
    }

    /// For how long nothing is due.
    fn leisure(&self) -> Duration {
        let now = self.http.clock.now();
        let watches = self.watches.lock();
        let going_on = watches.values().filter(|it| !it.is_stopped());
        let next = going_on.map(|it| it.next).min().unwrap_or(now + INTERVAL);
        Duration::from_secs(u64::try_from(next - now).unwrap_or_default().max(1))
    }
}

/// Looks after a connection until it is given up.
pub(super) async fn look_after(connection: Weak<Connection>) {
    loop {
        let Some(alive) = connection.upgrade().filter(|it| !it.is_retired()) else {
            return;
        };
        let (clock, leisure) = (alive.http.clock.clone(), alive.leisure());
        drop(alive);
        clock.rest(leisure).await;
        if let Some(alive) = connection.upgrade() {
            alive.look_by_itself().await;
        }
    }
}

/// Reads what changed in a folder since the last look.
async fn messages(session: &Session<'_>, watch: &mut Watch, mailbox: &str) -> Result<(), Problem> {
    let is = |mutant| session.connection.is(mutant);
    let first = format!(
        "{}/v1.0{mailbox}/mailFolders/{}/messages/delta?$select=id,subject,from,receivedDateTime",
        session.connection.settings.cloud.graph,
        super::operations::encoded(&watch.folder)
    );
    let mut begins = watch.position.is_none();
    let mut anew = false;
    let position = watch
        .position
        .clone()
        .filter(|_| !is(Mutant::ReadsAllAgain));
    let link = position.unwrap_or_else(|| first.clone());
    let round = match round(session, &link).await? {
        Some(round) => round,
        // The service has forgotten the position: all over, and compare.
        None if begins => return Err(Problem::unavailable("Graph begins no round of changes")),
        None => {
            anew = true;
            let mut whole = round(session, &first).await?;
            let insists = is(Mutant::StartsOverAgainAndAgain);
            for _ in 0..50 {
                if whole.is_none() && insists {
                    whole = round(session, &first).await?;
                }
            }
            whole.ok_or_else(|| Problem::unavailable("Graph begins no round of changes"))?
        }
    };
    begins &= !is(Mutant::BeginsWithWhatIsThere);
    begins |= anew && is(Mutant::LosesWhatCameBeforeAResync);
    let newest = watch.known.values().max().cloned().unwrap_or_default();
    for item in &round.items {
        let Some(id) = item["id"].as_str() else {
            continue;
        };
        if item.get("@removed").is_some() {
            if is(Mutant::StopsAtWhatIsGone) {
                break;
            }
            continue;
        }
        let time = item["receivedDateTime"].as_str().unwrap_or_default();
        let again =
            is(Mutant::TellsChangesAsNew) && !anew || is(Mutant::TellsAllAfterAResync) && anew;
        let too_early = is(Mutant::GoesByTheSecond) && *time <= *newest;
        if !begins && !too_early && (again || watch.is_news(id, time)) {
            watch.found.push(told("created", item));
        }
        watch.remember(id, time);
    }
    let mut link = round.link;
    if is(Mutant::AddsToLinksOfChanges) {
        link.push_str("&$select=id,subject,from,receivedDateTime");
    }
    watch.position = Some(link);
    Ok(())
}

/// Reads what changed in a drive since the last look. Each file is told when it comes, when its
/// content changes, and when it is gone.
///
/// Source: learn.microsoft.com/graph/api/driveitem-delta.
async fn files(session: &Session<'_>, watch: &mut Watch, drive: &str) -> Result<(), Problem> {
    let is = |mutant| session.connection.is(mutant);
    let first = session.url(&format!(
        "{}/delta",
        super::files::root(drive, &watch.folder)
    ))?;
    let begins = watch.position.is_none();
    let position = watch
        .position
        .clone()
        .filter(|_| !is(Mutant::ReadsAllAgain));
    let link = position.unwrap_or_else(|| first.as_str().to_owned());
    let (round, anew) = match round(session, &link).await? {
        Some(round) => (round, begins),
        None if begins => return Err(Problem::unavailable("Graph begins no round of changes")),
        None => {
            let whole = round(session, first.as_str()).await?;
            let whole =
                whole.ok_or_else(|| Problem::unavailable("Graph begins no round of changes"));
            (whole?, true)
        }
    };
    let silent = begins && !is(Mutant::BeginsWithWhatIsThere)
        || anew && (is(Mutant::LosesFilesAtAResync) || is(Mutant::LosesWhatCameBeforeAResync));
    let mut seen = Vec::new();
    for item in &round.items {
        let Some(id) = item["id"].as_str() else {
            continue;
        };
        if item.get("deleted").is_some() {
            if is(Mutant::StopsAtWhatIsGone) {
                break;
            }
            if let Some(gone) = watch.known.remove(id) {
                tell_gone(session, watch, id, &gone);
            }
            continue;
        }
        if item.get("file").is_none() {
            continue;
        }
        seen.push(id.to_owned());
        let state = json!({"name": item["name"], "cTag": item["cTag"]}).to_string();
        let before = watch.known.insert(id.to_owned(), state.clone());
        let again =
            is(Mutant::TellsChangesAsNew) && !anew || is(Mutant::TellsAllAfterAResync) && anew;
        let kind = match &before {
            None => Some("created"),
            Some(_) if again => Some("created"),
            Some(before) if *before != state => Some("updated"),
            Some(_) => None,
        };
        if let Some(kind) = kind.filter(|_| !silent) {
            watch.found.push(told(kind, item));
        }
    }
    if anew && !begins {
        // A list of all that there is says by what it lacks what is gone.
        let gone: Vec<(String, String)> = watch
            .known
            .iter()
            .filter(|(id, _)| !seen.contains(*id))
            .map(|(id, state)| (id.clone(), state.clone()))
            .collect();
        for (id, state) in gone {
            watch.known.remove(&id);
            tell_gone(session, watch, &id, &state);
        }
    }
    let mut link = round.link;
    if is(Mutant::AddsToLinksOfChanges) {
        link.push_str("&$select=id,name");
    }
    watch.position = Some(link);
    Ok(())
}

/// Tells that a file is gone; its name is what was known of it.
fn tell_gone(session: &Session<'_>, watch: &mut Watch, id: &str, known: &str) {
    if session.connection.is(Mutant::ForgetsWhatIsDeleted) {
        return;
    }
    let known: Value = serde_json::from_str(known).unwrap_or_default();
    let gone = json!({"id": id, "name": known["name"]});
    watch.found.push(told("deleted", &gone));
}

/// A round of changes.
struct Round {
    items: Vec<Value>,
    /// Where the next one begins.
    link: String,
}

/// All pages of a round; nothing where the service has forgotten the position.
async fn round(session: &Session<'_>, link: &str) -> Result<Option<Round>, Problem> {
    let session = Session {
        // What a link does not keep is said again.
        // Source: learn.microsoft.com/graph/delta-query-messages.
        prefer: Some("odata.maxpagesize=50, IdType=\"ImmutableId\""),
        ..*session
    };
    let mut items = Vec::new();
    let mut followed = HashSet::new();
    let mut link = link.to_owned();
    loop {
        let url = session.own_link(&link)?;
        if !followed.insert(link) {
            return Err(Problem::unavailable(
                "Graph's links to the next page go round in a circle",
            ));
        }
        let answer = session.exchange(&Method::GET, &url, None).await?;
        if has_forgotten(answer.status(), answer.code().as_deref()) {
            return Ok(None);
        }
        let mut page = answer.read()?;
        let skips = followed.len() > 1 && session.connection.is(Mutant::StopsAtTheFirstPage);
        if let Some(Value::Array(more)) = page.get_mut("value").map(Value::take)
            && !skips
        {
            items.extend(more);
        }
        let text = |name: &str| page[name].as_str().map(str::to_owned);
        match (text("@odata.nextLink"), text("@odata.deltaLink")) {
            (Some(next), _) => link = next,
            (None, Some(link)) => return Ok(Some(Round { items, link })),
            (None, None) => {
                return Err(Problem::unavailable(
                    "Graph's answer says neither where the next page is nor where to go on",
                ));
            }
        }
    }
}

/// Whether an answer to a link says that the position is lost.
///
/// Source: learn.microsoft.com/graph/delta-query-overview, "Synchronization reset".
fn has_forgotten(status: StatusCode, code: Option<&str>) -> bool {
    let lost = ["syncstatenotfound", "syncstateinvalid", "resyncrequired"];
    status == StatusCode::GONE
        || status == StatusCode::BAD_REQUEST
            && code.is_some_and(|code| lost.contains(&code.to_lowercase().as_str()))
}

/// What is asked for by time.
struct ByTime {
    path: String,
    /// The time that tells what is new.
    time: &'static str,
    select: &'static str,
}

/// Reads what came or was changed since the last look, by a time that the items have.
async fn by_time(session: &Session<'_>, watch: &mut Watch, what: &ByTime) -> Result<(), Problem> {
    let ByTime { path, time, select } = what;
    let begins = watch.position.is_none();
    let mut position = watch.position.clone();
    if begins {
        let query = [
            ("$orderby", format!("{time} desc")),
            ("$top", "1".to_owned()),
            ("$select", (*select).to_owned()),
        ];
        let newest = session.collect(path, &query, 1).await?;
        position = newest["value"][0][*time].as_str().map(str::to_owned);
    }
    let before = position.unwrap_or_else(|| EVER.to_owned());
    let since = earlier(&before);
    let query = [
        ("$filter", format!("{time} ge {since}")),
        ("$orderby", (*time).to_owned()),
        ("$top", "100".to_owned()),
        ("$select", (*select).to_owned()),
    ];
    let changed = session.collect(path, &query, KNOWN).await?;
    let mut newest = before;
    for item in changed["value"].as_array().into_iter().flatten() {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        let (id, changed) = (text("id"), text(time));
        let made = item["createdDateTime"].as_str().unwrap_or(changed);
        let second = |time: &str| time.get(..19).unwrap_or_default().to_owned();
        if session.connection.is(Mutant::GoesByTheSecond) && second(changed) <= second(&newest) {
            continue;
        }
        let known = watch.known.get(id);
        if !begins && known.is_none_or(|it| it != changed) {
            let is_new = known.is_none() && *made >= *since;
            let is_new = is_new || session.connection.is(Mutant::TellsChangesAsNew);
            let kind = if is_new { "created" } else { "updated" };
            watch.found.push(told(kind, item));
        }
        watch.known.insert(id.to_owned(), changed.to_owned());
        if *newest < *changed {
            changed.clone_into(&mut newest);
        }
    }
    // What lies before the next look's window does not come again.
    let since = earlier(&newest);
    watch.known.retain(|_, changed| **changed >= *since);
    watch.position = Some(newest);
    Ok(())
}

/// Some time before a moment: what became visible late is found, too.
fn earlier(moment: &str) -> String {
    let parsed = moment.parse::<Timestamp>().ok();
    let earlier = parsed.and_then(|it| it.checked_sub(OVERLAP).ok());
    earlier.map_or_else(|| EVER.to_owned(), |it| format!("{it:.7}"))
}

/// What is told of something that was found.
fn told(kind: &str, item: &Value) -> Value {
    let mut told = json!({ "changeType": kind });
    for (name, value) in item.as_object().into_iter().flatten() {
        if !name.starts_with('@') {
            told[name] = value.clone();
        }
    }
    told
}

/// Nobody looks any more.
fn stopped() -> Problem {
    Problem::new(
        Category::Unavailable,
        format!(
            "the trigger was stopped after {FAILURES} failures in a row: repair the connection"
        ),
    )
}

/// How often it looks without being asked: seconds.
const INTERVAL: i64 = 300;

/// After so many failures in a row nobody looks any more.
const FAILURES: u32 = 100;

/// So many items are remembered.
const KNOWN: usize = 10_000;

/// A moment before all others.
const EVER: &str = "1970-01-01T00:00:00.0000000Z";

const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
