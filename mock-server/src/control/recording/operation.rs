//! Which operation of the connector protocol a request to Graph is.

use serde_json::{Map, Value};

use crate::journal::Exchange;

/// The operation of a request, with its arguments; None where the protocol has none, or it needs an
/// id that another world does not have.
pub(super) fn of(exchange: &Exchange) -> Option<(&'static str, Map<String, Value>)> {
    let endpoint = exchange.endpoint.as_deref()?;
    let (method, path) = endpoint.split_once(' ')?;
    // `/me` or `/users/{id}`, and what follows.
    let path = match path.strip_prefix("/me") {
        Some(rest) => rest,
        None => {
            let rest = path.strip_prefix("/users/")?;
            rest.find('/').map_or("", |at| &rest[at..])
        }
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    let (_, _, operation) = OPERATIONS
        .iter()
        .find(|(of, end, _)| *of == method && *end == last)?;
    let body = exchange.request_body.as_ref();
    let arguments = match *operation {
        "send-message" => arguments(body.map(|it| &it["message"]), &MESSAGE),
        "create-draft" => arguments(body, &MESSAGE),
        "create-event" => arguments(body, &EVENT),
        _ => Map::new(),
    };
    Some((operation, arguments))
}

/// Whether a request asks for more of what an earlier one began.
pub(super) fn is_next_page(exchange: &Exchange) -> bool {
    let later = ["$skip", "$skiptoken", "$deltatoken"];
    exchange
        .query
        .iter()
        .any(|(name, _)| later.contains(&name.as_str()))
}

/// Whose mailbox a request names, if it does.
pub(super) fn mailbox(exchange: &Exchange) -> Option<String> {
    let (_, rest) = exchange.path.split_once("/users/")?;
    let name = rest.split('/').next()?;
    let name = percent_encoding::percent_decode_str(name);
    Some(name.decode_utf8_lossy().into_owned())
}

fn arguments(from: Option<&Value>, names: &[&str]) -> Map<String, Value> {
    let members = from.and_then(Value::as_object);
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), members?.get(*name)?.clone())))
        .collect()
}

/// The last segment of the endpoint's template, and the operation of the connector protocol.
const OPERATIONS: [(&str, &str, &str); 12] = [
    ("GET", "", "get-profile"),
    ("GET", "messages", "list-messages"),
    ("GET", "mailFolders", "list-folders"),
    ("GET", "childFolders", "list-folders"),
    ("GET", "events", "list-events"),
    ("GET", "calendarView", "list-events"),
    ("GET", "calendars", "list-calendars"),
    ("GET", "mailboxSettings", "get-mailbox-settings"),
    ("GET", "contacts", "list-contacts"),
    ("POST", "sendMail", "send-message"),
    ("POST", "messages", "create-draft"),
    ("POST", "events", "create-event"),
];

const MESSAGE: [&str; 3] = ["subject", "body", "toRecipients"];
const EVENT: [&str; 4] = ["subject", "body", "start", "end"];
