//! Which operation of the connector protocol a request to Graph is.

use serde_json::{Map, Value};

use crate::journal::Exchange;
use crate::scenario::{is_person, operation_of};

/// The operation of a request, with its arguments; None where the protocol has none, or it needs an
/// id that another world does not have.
pub(super) fn of(exchange: &Exchange) -> Option<(&'static str, Map<String, Value>)> {
    // What the mock does not have is no call that could be made again. Where a fault answered, no
    // endpoint was asked.
    if exchange.endpoint.is_none() && exchange.fault.is_none() {
        return None;
    }
    let operation = operation_of(exchange).filter(|it| !NEED_AN_ID.contains(it))?;
    let body = exchange.request_body.as_deref();
    let arguments = match operation {
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
    let name = rest.split('/').next().filter(|it| is_person(it))?;
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

/// The operations whose arguments name what another world does not have.
const NEED_AN_ID: [&str; 12] = [
    "create-folder",
    "delete-file",
    "get-file",
    "get-message",
    "list-items",
    "move-file",
    "move-message",
    "send-channel-message",
    "upload-file",
    "watch-events",
    "watch-files",
    "watch-messages",
];

const MESSAGE: [&str; 3] = ["subject", "body", "toRecipients"];
const EVENT: [&str; 4] = ["subject", "body", "start", "end"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::OPERATIONS;

    #[test]
    fn what_needs_an_id_is_an_operation_of_the_protocol() {
        for operation in NEED_AN_ID {
            assert!(OPERATIONS.contains(&operation), "{operation}");
        }
    }
}
