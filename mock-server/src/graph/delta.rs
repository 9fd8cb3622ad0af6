//! Delta queries over the messages of a folder.
//!
//! Source: learn.microsoft.com/graph/delta-query-messages and /graph/api/message-delta.

mod token;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::token::{Cursor, State};
use super::access::Reach;
use super::call::{Call, Reply};
use super::collection::check_members;
use super::error::GraphError;
use super::generic::not_in_the_mock;
use super::odata::evaluate::holds;
use super::odata::query::{Query, option_of};
use super::{collection, folders, link, message, messages};
use crate::mailbox::{Change, ChangeKind, Contents, Item, ItemKey};

/// `GET …/mailFolders/{id}/messages/delta`.
pub(super) fn messages(call: &Call<'_>) -> Result<Reply, GraphError> {
    let given = match (&call.query.skip_token, &call.query.delta_token) {
        (Some(token), _) => Some((State::read(token)?, true)),
        (None, Some(token)) => Some((State::read(token)?, false)),
        (None, None) => None,
    };
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let folder = folders::find(call, contents)?;
        if contents
            .folders
            .get(&folder)
            .is_some_and(|it| it.search.is_some())
        {
            return Err(not_in_the_mock("messages/delta of a search folder"));
        }
        let position = contents.position();
        let mut state = match given {
            // The middle of a round.
            Some((state, true)) => state,
            // A new round, from where the last one ended.
            Some((ended, false)) => State {
                since: Some(ended.until),
                until: position,
                cursor: None,
                ..ended
            },
            None => State {
                folder,
                since: None,
                until: position,
                cursor: None,
                options: options(call),
            },
        };
        // What the first request asked for counts in the whole round and in the later ones.
        let query = Query::parse(&state.options)?;
        check(call, &state.options, &query)?;
        let oldest = state.since.unwrap_or(state.until);
        if state.folder != folder || !contents.remembers(oldest) {
            return Err(GraphError::sync_state_not_found(oldest, position));
        }
        let entries = match state.since {
            None => all(contents, folder),
            Some(since) => changed(call, contents, folder, since, &state.options)?,
        };
        let size = call
            .prefer
            .page_size
            .or(query.top)
            .unwrap_or(PAGE)
            .min(MOST);
        let told = state.cursor;
        let mut left = entries
            .iter()
            .filter(|entry| told.is_none_or(|told| entry.at > told))
            .peekable();
        let nothing = left.peek().is_none() && told.is_none();
        let mut value = Vec::new();
        for entry in left.by_ref().take(size) {
            state.cursor = Some(entry.at);
            value.extend(shown(call, contents, &query, entry)?);
        }
        let mut body = Map::new();
        let context = format!("{}/$metadata#Collection(message)", call.root());
        body.insert("@odata.context".to_owned(), json!(context));
        let (name, option) = if left.peek().is_some() {
            ("@odata.nextLink", "skiptoken")
        } else {
            state.cursor = None;
            // Where nothing has happened, the token stays as it is.
            // Source: allodia-eu/email-calendar-sync-engine, fixtures/mail.
            if let (true, Some(since)) = (nothing, state.since) {
                state.until = since;
            }
            state.since = None;
            ("@odata.deltaLink", "deltatoken")
        };
        let link = link::delta(call, option, &state.write());
        body.insert(name.to_owned(), json!(link));
        body.insert("value".to_owned(), Value::Array(value));
        Ok(Reply::json(StatusCode::OK, Value::Object(body)))
    })
}

/// `GET …/messages/delta` and `…/events/delta`: the SDKs have them, the service has not.
///
/// Source: microsoftgraph/msgraph-metadata#607 and #608, dcblogdev/laravel-microsoft-graph#107.
pub(super) fn not_of(call: &Call<'_>, of: &str) -> Result<Reply, GraphError> {
    if of == "event" && call.version == "beta" {
        let refusal = GraphError::unknown_segment("delta");
        return Err(refusal.not_in_the_mock("GET /events/delta"));
    }
    Err(GraphError::bad_request(format!(
        "Unsupported request: Change tracking is not supported against 'microsoft.graph.{of}'."
    )))
}

/// The options of the first request that count in all rounds.
fn options(call: &Call<'_>) -> Vec<(String, String)> {
    call.parameters_sent
        .iter()
        .filter_map(|(name, value)| match option_of(name) {
            Some(option) => Some((format!("${option}"), value.clone())),
            None if name.eq_ignore_ascii_case(CHANGE_TYPE) => {
                Some((CHANGE_TYPE.to_owned(), value.clone()))
            }
            None => None,
        })
        .filter(|(name, _)| name != "$skiptoken" && name != "$deltatoken")
        .collect()
}

/// Refuses options that change tracking has not.
fn check(call: &Call<'_>, options: &[(String, String)], query: &Query) -> Result<(), GraphError> {
    let option = |name: &str| {
        let found = options.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    };
    check_members(call, query, "message")?;
    // Unverified: the list, which is made like those of other resources.
    if ["$search", "$skip", "$count"]
        .iter()
        .any(|name| option(name).is_some())
    {
        return Err(GraphError::invalid_url_query(
            "The following parameters are not supported with change tracking over the 'Messages' \
             resource: '$search, $skip, $count'.",
        ));
    }
    // Source: microsoftgraph/microsoft-graph-docs-contrib#1771, which also shows that a date
    // without a time is refused.
    if option("$filter").is_some_and(|filter| !since_a_time(filter)) {
        return Err(GraphError::invalid_url_query(
            "The '$filter' parameter value is not supported for 'Messages' resource; only a value \
             of 'receivedDateTime ge value' is supported.",
        ));
    }
    // Unverified: the text, made like that of `$filter`.
    let newest_first = |order: &str| {
        let words: Vec<String> = order.split_whitespace().map(str::to_lowercase).collect();
        words == ["receiveddatetime", "desc"]
    };
    if option("$orderby").is_some_and(|order| !newest_first(order)) {
        return Err(GraphError::invalid_url_query(
            "The '$orderby' parameter value is not supported for 'Messages' resource; only a value \
             of 'receivedDateTime desc' is supported.",
        ));
    }
    // Unverified: the text.
    let kinds = ["created", "updated", "deleted"];
    match option(CHANGE_TYPE) {
        Some(kind) if !kinds.iter().any(|it| it.eq_ignore_ascii_case(kind)) => {
            Err(GraphError::invalid_url_query(format!(
                "The 'changeType' parameter value '{kind}' is not supported."
            )))
        }
        _ => Ok(()),
    }
}

/// Whether a filter is `receivedDateTime ge` or `gt` with a moment.
fn since_a_time(filter: &str) -> bool {
    let words: Vec<&str> = filter.split_whitespace().collect();
    matches!(words.as_slice(), [name, operator, moment]
        if name.eq_ignore_ascii_case("receivedDateTime")
            && (operator.eq_ignore_ascii_case("ge") || operator.eq_ignore_ascii_case("gt"))
            && moment.parse::<Timestamp>().is_ok())
}

/// A message that a round tells of.
struct Entry<'a> {
    at: Cursor,
    state: EntryState<'a>,
}

enum EntryState<'a> {
    Present(&'a Item),
    Removed(String),
}

/// What a page shows of an entry; nothing where the filter leaves it out.
fn shown(
    call: &Call<'_>,
    contents: &Contents,
    query: &Query,
    entry: &Entry<'_>,
) -> Result<Option<Value>, GraphError> {
    let item = match &entry.state {
        EntryState::Present(item) => item,
        EntryState::Removed(id) => {
            return Ok(Some(json!({
                "@odata.type": "#microsoft.graph.message",
                "id": id,
                "@removed": {"reason": "deleted"},
            })));
        }
    };
    let fields = message::MessageFields::new(call, contents, item);
    let wanted = |filter| holds(filter, &fields);
    if !query.filter.as_ref().is_none_or(wanted) {
        return Ok(None);
    }
    let document = message::document(call, contents, item);
    let mut shown = Map::new();
    shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.message"));
    let select = query.select.as_deref();
    shown.extend(collection::selected(call, "message", document, select)?);
    for expand in &query.expand {
        if let Some(value) = messages::expanded(call, contents, item, expand)? {
            shown.insert(expand.member().to_owned(), value);
        }
    }
    if call.reach == Reach::Basic {
        shown.shift_remove("attachments");
    }
    Ok(Some(Value::Object(shown)))
}

/// All messages, newest first.
fn all(contents: &Contents, folder: u64) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = contents
        .messages
        .newest_first_in(folder)
        .map(|item| Entry {
            at: Cursor::newest_first(item.received, item.key),
            state: EntryState::Present(item),
        })
        .collect();
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// What happened to each message since a position, the newest state of each.
fn changed<'a>(
    call: &Call<'_>,
    contents: &'a Contents,
    folder: u64,
    since: u64,
    options: &[(String, String)],
) -> Result<Vec<Entry<'a>>, GraphError> {
    let changes = contents
        .changes_since(since, folder)
        .ok_or_else(|| GraphError::sync_state_not_found(since, contents.position()))?;
    let wanted = options.iter().find(|(name, _)| name == CHANGE_TYPE);
    let mut by_item: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
    for change in changes {
        by_item.entry(change.item).or_default().push(change);
    }
    let ids = contents.ids();
    Ok(by_item
        .into_iter()
        .filter_map(|(key, changes)| {
            let created = changes.iter().any(|it| it.kind == ChangeKind::Created);
            let item = contents
                .messages
                .get(&key)
                .filter(|item| item.folder == folder);
            let (kind, state) = match item {
                Some(item) => (
                    if created { "created" } else { "updated" },
                    EntryState::Present(item),
                ),
                // It came and went between two rounds.
                None if created => return None,
                None => {
                    let key = if call.prefer.immutable_ids {
                        ItemKey::Immutable(key)
                    } else {
                        ItemKey::Placed { folder, item: key }
                    };
                    ("deleted", EntryState::Removed(ids.encode(key)))
                }
            };
            let fits = wanted.is_none_or(|(_, wanted)| wanted.eq_ignore_ascii_case(kind));
            let at = Cursor::by_key(key);
            fits.then_some(Entry { at, state })
        })
        .collect())
}

const CHANGE_TYPE: &str = "changeType";
/// The page without a preference, and the largest one.
/// Source: albertocavalcante/msgraph-go, graphmock (measured at a mailbox).
const PAGE: usize = 10;
const MOST: usize = 512;
