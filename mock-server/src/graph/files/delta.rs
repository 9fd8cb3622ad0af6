//! What changed in a drive.
//!
//! Sources: learn.microsoft.com/graph/api/driveitem-delta; recordings of
//! NangoHQ/integration-templates; live measurements in public code, 2026-09.

use std::collections::HashSet;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::draw;
use super::find::Found;
use super::{list, refusal};
use crate::drives::{Drive, Entry, id};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::route::Step;
use crate::mailbox::Properties;

/// From where a round goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::graph) struct Mark {
    /// The number of the last change that was told.
    pub(in crate::graph) after: u64,
    /// Whether it is the middle of a round.
    pub(in crate::graph) midway: bool,
    /// Whether it is the first round.
    pub(in crate::graph) first: bool,
}

/// The token that a request brings; empty for none.
pub(in crate::graph) fn token(call: &Call<'_>, steps: &[Step]) -> String {
    let argument = steps.last().and_then(|it| {
        let mut all = it.arguments.iter();
        all.find(|it| it.0.eq_ignore_ascii_case("token"))
    });
    // A link that was given out carries a newer token than the function that it repeats.
    call.parameter("token")
        .or(argument.map(|it| it.1.as_str()))
        .or(call.query.delta_token.as_deref())
        .or(call.query.skip_token.as_deref())
        .unwrap_or_default()
        .to_owned()
}

/// Tells what changed since a token, or all there is.
pub(super) fn delta(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let top = found.there()?;
    let token = token(call, steps);
    let token = token.as_str();
    let most = call.query.top.unwrap_or(list::PAGE).min(list::MOST);
    let location = || list::again(call, &TOKENS, "token", "");
    let (values, mark) = list::whole(call, &found.drive, |style, drive| {
        let mark = match read(token, drive, call.now) {
            Ok(mark) => mark,
            Err(refused) => return Some(Err(refused)),
        };
        let latest = token.eq_ignore_ascii_case("latest");
        if latest {
            return Some(Ok((Vec::new(), mark)));
        }
        let Some(mut changes) = drive.changes(mark.after).map(Iterator::peekable) else {
            return Some(Err(refusal::resync(location())));
        };
        let mut values = Vec::new();
        let mut told = HashSet::new();
        let mut next = mark;
        let style = draw::Style {
            with_address: false,
            ..*style
        };
        let inside = |drive: &Drive, item: Uuid| {
            top == id::ROOT || item == top || drive.above(item).iter().any(|it| it.id == top)
        };
        while values.len() < most {
            let Some((number, entry)) = changes.next() else {
                break;
            };
            next.after = number;
            match entry {
                Entry::Item(item) if inside(drive, item.id) => {
                    // The folders above are told, too.
                    for above in drive.above(item.id) {
                        let before = mark.first && above.sequence <= mark.after;
                        if !before && inside(drive, above.id) && told.insert(above.id) {
                            values.push(drawn(&style, drive, above.id));
                        }
                    }
                    if told.insert(item.id) {
                        values.push(drawn(&style, drive, item.id));
                    }
                }
                Entry::Gone(gone) if top == id::ROOT => values.push(tombstone(drive, gone)),
                Entry::Item(_) | Entry::Gone(_) => {}
            }
        }
        next.midway = changes.peek().is_some();
        if !next.midway {
            // All up to now is told, also where the last change was none of an item.
            next.after = next.after.max(drive.sequence());
        }
        Some(Ok((values, next)))
    })??;
    let mut body = Properties::new();
    let context = format!("{}/$metadata#Collection(driveItem)", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    let link = list::again(call, &TOKENS, "token", &write(&found.drive, mark));
    if mark.midway {
        body.insert("@odata.nextLink".to_owned(), json!(link));
    } else {
        body.insert("@odata.deltaLink".to_owned(), json!(link));
    }
    body.insert(
        "@microsoft.graph.hasMoreData".to_owned(),
        json!(mark.midway),
    );
    body.insert("@microsoft.graph.syncStatus".to_owned(), json!("FullData"));
    body.insert("value".to_owned(), json!(values));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

fn drawn(style: &draw::Style<'_>, drive: &Drive, item: Uuid) -> Value {
    let mut found = Properties::new();
    found.insert(
        "@odata.type".to_owned(),
        json!("#microsoft.graph.driveItem"),
    );
    if let Some(item) = drive.get(item) {
        let mut document = style.item(drive, item);
        if let Some(parent) = document
            .get_mut("parentReference")
            .and_then(Value::as_object_mut)
        {
            parent.shift_remove("name");
        }
        found.extend(draw::select(style.call, document));
    }
    Value::Object(found)
}

fn tombstone(drive: &Drive, gone: &crate::drives::Gone) -> Value {
    let mut found = json!({
        "@odata.type": "#microsoft.graph.driveItem",
        "id": drive.id_of(gone.id),
        "deleted": {"state": "deleted"},
        "parentReference": {
            "driveType": draw::kind(drive),
            "driveId": drive.id,
            "id": drive.id_of(gone.parent),
            "siteId": drive.place.collection.to_string(),
        },
        "size": 0,
    });
    if gone.is_file {
        let id = gone.id.to_string().to_uppercase();
        found["cTag"] = json!(format!("\"c:{{{id}}},-1\""));
        found["file"] = json!({"hashes": {"quickXorHash": draw::hash([0; 20])}});
    }
    found
}

/// Reads a token: of an earlier round, `latest`, or a moment of the last 60 days.
fn read(token: &str, drive: &Drive, now: Timestamp) -> Result<Mark, GraphError> {
    read_of(token, drive.place.list, drive.sequence(), || {
        let moment = token.parse::<Timestamp>().ok()?;
        if now.duration_since(moment) > OLDEST {
            return Some(u64::MAX);
        }
        // Items carry the time of their last change; what went before it is told again.
        let older = drive.changes(0).into_iter().flatten();
        let older = older.take_while(|(_, it)| match it {
            Entry::Item(item) => item.is_root() || item.modified < moment,
            Entry::Gone(_) => true,
        });
        Some(older.last().map_or(0, |(number, _)| number))
    })
}

/// The same, of a list whose last change has a number. `moment`: the number of the last change
/// before the moment that the token is, if it is one.
pub(in crate::graph) fn read_of(
    token: &str,
    list: Uuid,
    last: u64,
    moment: impl FnOnce() -> Option<u64>,
) -> Result<Mark, GraphError> {
    let end = Mark {
        after: last,
        midway: false,
        first: false,
    };
    if token.is_empty() {
        return Ok(Mark {
            after: 0,
            midway: true,
            first: true,
        });
    }
    if token.eq_ignore_ascii_case("latest") {
        return Ok(end);
    }
    if let Some(after) = moment() {
        return Ok(Mark { after, ..end });
    }
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    let text = decoded.and_then(|it| String::from_utf8(it).ok());
    let parts: Vec<&str> = text.as_deref().unwrap_or_default().split(';').collect();
    match parts.as_slice() {
        ["4", _, "1", of, number, midway] if *of == list.to_string() => {
            let after = number.parse().map_err(|_| refusal::malformed_token())?;
            Ok(Mark {
                after,
                midway: *midway != "0",
                first: *midway == "2",
            })
        }
        // Of another drive: all has to be read again.
        ["4", _, "1", _, _, _] => Ok(Mark {
            after: u64::MAX,
            ..end
        }),
        _ => Err(refusal::malformed_token()),
    }
}

fn write(drive: &str, mark: Mark) -> String {
    // The list is the last third of the drive's id.
    let bytes = drive
        .strip_prefix("b!")
        .and_then(|it| URL_SAFE_NO_PAD.decode(it).ok())
        .unwrap_or_default();
    let list = bytes
        .get(32..48)
        .and_then(|it| it.try_into().ok())
        .map(Uuid::from_bytes_le)
        .unwrap_or_default();
    write_of(list, mark)
}

/// The token of a list.
pub(in crate::graph) fn write_of(list: Uuid, mark: Mark) -> String {
    let midway = match (mark.midway, mark.first) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    URL_SAFE_NO_PAD.encode(format!("4;%23;1;{list};{};{midway}", mark.after))
}

/// The oldest moment that is a token. Source: live measurements in public code, 2026-09.
pub(in crate::graph) const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 60);

pub(in crate::graph) const TOKENS: [&str; 6] = [
    "token",
    "$deltatoken",
    "deltatoken",
    "$skiptoken",
    "skiptoken",
    "$token",
];
