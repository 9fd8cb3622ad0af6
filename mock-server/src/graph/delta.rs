//! Delta queries over the messages of a folder.
//!
//! Source: learn.microsoft.com/graph/delta-query-messages and /graph/api/message-delta.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::collection::{link, project};
use super::error::GraphError;
use super::odata::evaluate::holds;
use super::{folders, message, schema};
use crate::mailbox::{Change, ChangeKind, Contents, Item};

/// Where a round of delta queries stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct State {
    /// The changes from here on are told; none in the first round, which tells all messages.
    since: Option<u64>,
    /// The position of the mailbox when the round began.
    until: u64,
    /// Entries told so far in this round.
    told: usize,
}

/// `GET …/mailFolders/{id}/messages/delta`.
pub(super) fn messages(call: &Call<'_>) -> Result<Reply, GraphError> {
    let query = &call.query;
    if query.search.is_some() || query.count || query.skip > 0 {
        return Err(GraphError::bad_request(
            "Change tracking is not supported together with $search, $count or $skip.",
        ));
    }
    if let Some(filter) = &query.filter {
        schema::check(call.cloud(), "message", filter).map_err(|it| call.misfit(it))?;
    }
    let contents = call.mailbox()?;
    let contents = contents.lock();
    let folder = folders::find(call, &contents)?;
    let position = contents.position();
    let state = match (&query.skip_token, &query.delta_token) {
        (Some(token), _) => State::read(token)?,
        (None, Some(token)) => {
            let ended = State::read(token)?;
            State {
                since: Some(ended.until),
                until: position,
                told: 0,
            }
        }
        (None, None) => State {
            since: None,
            until: position,
            told: 0,
        },
    };
    let entries = match state.since {
        None => all(&contents, folder),
        Some(since) => changed(call, &contents, folder, since)?,
    };
    let size = call
        .prefer
        .page_size
        .or(query.top)
        .unwrap_or(PAGE)
        .min(MOST);
    let mut value = Vec::new();
    for entry in entries.iter().skip(state.told).take(size) {
        match entry {
            Entry::Present(item) => {
                let document = message::document(call, &contents, item);
                let document = Value::Object(document);
                if query
                    .filter
                    .as_ref()
                    .is_some_and(|filter| !holds(filter, &document))
                {
                    continue;
                }
                if let Value::Object(document) = document {
                    let mut shown = Map::new();
                    shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.message"));
                    shown.extend(project(call, "message", document)?);
                    value.push(Value::Object(shown));
                }
            }
            Entry::Removed(id) => value.push(json!({
                "@odata.type": "#microsoft.graph.message",
                "id": id,
                "@removed": {"reason": "deleted"},
            })),
        }
    }
    let mut body = Map::new();
    let context = format!("{}/$metadata#Collection(message)", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    let told = state.told + size;
    let (name, option, state) = if told < entries.len() {
        ("@odata.nextLink", "skiptoken", State { told, ..state })
    } else {
        ("@odata.deltaLink", "deltatoken", State { told: 0, ..state })
    };
    body.insert(name.to_owned(), json!(link(call, option, &state.write())));
    body.insert("value".to_owned(), Value::Array(value));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

enum Entry<'a> {
    Present(&'a Item),
    Removed(String),
}

fn all(contents: &Contents, folder: u64) -> Vec<Entry<'_>> {
    let mut items: Vec<&Item> = contents
        .messages
        .values()
        .filter(|item| item.folder == folder)
        .collect();
    items.sort_by_key(|item| std::cmp::Reverse((item.received, item.key)));
    items.into_iter().map(Entry::Present).collect()
}

/// What happened to each message since a position, the newest state of each.
fn changed<'a>(
    call: &Call<'_>,
    contents: &'a Contents,
    folder: u64,
    since: u64,
) -> Result<Vec<Entry<'a>>, GraphError> {
    let changes = contents
        .changes_since(since, folder)
        .ok_or_else(|| GraphError::sync_state_not_found(since, contents.position()))?;
    let wanted = call.parameter("changeType").map(str::to_ascii_lowercase);
    let mut by_item: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
    for change in changes {
        by_item.entry(change.item).or_default().push(change);
    }
    let ids = contents.ids();
    Ok(by_item
        .into_iter()
        .filter_map(|(key, changes)| {
            let created = changes.iter().any(|it| it.kind == ChangeKind::Created);
            match contents
                .messages
                .get(&key)
                .filter(|item| item.folder == folder)
            {
                Some(item) => Some((
                    if created { "created" } else { "updated" },
                    Entry::Present(item),
                )),
                // It came and went between two rounds.
                None if created => None,
                None => {
                    let key = if call.prefer.immutable_ids {
                        crate::mailbox::ItemKey::Immutable(key)
                    } else {
                        crate::mailbox::ItemKey::Placed { folder, item: key }
                    };
                    Some(("deleted", Entry::Removed(ids.encode(key))))
                }
            }
        })
        .filter(|(kind, _)| wanted.as_ref().is_none_or(|wanted| wanted == kind))
        .map(|(_, entry)| entry)
        .collect())
}

impl State {
    fn write(self) -> String {
        let since = self.since.map_or_else(String::new, |it| it.to_string());
        URL_SAFE_NO_PAD.encode(format!("delta.{since}.{}.{}", self.until, self.told))
    }

    fn read(token: &str) -> Result<Self, GraphError> {
        let parse = || {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let mut parts = text.strip_prefix("delta.")?.split('.');
            let since = match parts.next()? {
                "" => None,
                text => Some(text.parse().ok()?),
            };
            let (until, told) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some(Self { since, until, told })
        };
        parse().ok_or_else(GraphError::bad_delta_token)
    }
}

/// The page without a preference; the service chooses its own.
const PAGE: usize = 10;
const MOST: usize = 1000;
