//! What changed in a list.
//!
//! Sources: learn.microsoft.com/graph/api/listitem-delta; recordings of
//! NangoHQ/integration-templates. The tokens are those of drives.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::base::Target;
use super::draw::{self, Drawing, Line};
use super::list::list_of;
use super::row;
use crate::drives::Entry;
use crate::drives::list::{List, RowChange};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::delta::{self as drive, OLDEST, TOKENS};
use crate::graph::files::{list as files_list, refusal as files};
use crate::graph::generic::route::Step;
use crate::mailbox::Properties;

/// A row that changed, or the number of one that is gone.
enum Change<'a> {
    Line(Line<'a>),
    Gone(u32),
}

/// Tells what changed since a token, or all there is.
pub(super) fn answer(
    call: &Call<'_>,
    target: &Target,
    steps: &[Step],
) -> Result<Reply, GraphError> {
    let id = target.list()?;
    let token = drive::token(call, steps);
    let most = call.query.top.unwrap_or(draw::PAGE).min(files_list::MOST);
    let (values, mark) = draw::whole(call, &target.site, |drawing| {
        let list = list_of(drawing, id)?;
        let last = sequence(drawing, list);
        let mark = drive::read_of(&token, id, last, || after(drawing, list, &token))?;
        if token.eq_ignore_ascii_case("latest") {
            return Ok((Vec::new(), mark));
        }
        let resync = || files::resync(files_list::again(call, &TOKENS, "token", ""));
        // One more tells whether there is a next page.
        let changes = changes(drawing, list, mark.after, most + 1).ok_or_else(resync)?;
        let mut next = mark;
        let mut values = Vec::new();
        let mut told = HashSet::new();
        let mut all = changes.into_iter().peekable();
        while values.len() < most {
            let Some((number, change)) = all.next() else {
                break;
            };
            next.after = number;
            match change {
                Change::Line(line) if told.insert(line.number()) => {
                    values.push(drawn(drawing, list, line)?);
                }
                Change::Line(_) => {}
                Change::Gone(row) => values.push(tombstone(target, row)),
            }
        }
        next.midway = all.peek().is_some();
        Ok((values, next))
    })?;
    let mut body = Properties::new();
    let context = format!("{}/$metadata#Collection(listItem)", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    let link = files_list::again(call, &TOKENS, "token", &drive::write_of(id, mark));
    let name = if mark.midway {
        "@odata.nextLink"
    } else {
        "@odata.deltaLink"
    };
    body.insert(name.to_owned(), json!(link));
    body.insert("value".to_owned(), json!(values));
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

fn sequence(drawing: &Drawing<'_>, list: &List) -> u64 {
    match list.drive.as_ref().and_then(|it| drawing.drives.get(it)) {
        Some(drive) => drive.sequence(),
        None => list.sequence(),
    }
}

fn changes<'a>(
    drawing: &Drawing<'a>,
    list: &'a List,
    after: u64,
    most: usize,
) -> Option<Vec<(u64, Change<'a>)>> {
    let Some(drive) = list.drive.as_ref().and_then(|it| drawing.drives.get(it)) else {
        let all = list.changes(after, most)?.into_iter();
        return Some(
            all.map(|(number, change)| match change {
                RowChange::Row(row) => (number, Change::Line(Line::Row(row))),
                RowChange::Gone(row) => (number, Change::Gone(row)),
            })
            .collect(),
        );
    };
    let all = drive.changes(after)?;
    Some(
        all.filter_map(|(number, entry)| match entry {
            // The root is no row.
            Entry::Item(item) if item.is_root() => None,
            Entry::Item(item) => Some((number, Change::Line(Line::Item(drive, item)))),
            Entry::Gone(gone) => Some((number, Change::Gone(gone.row))),
        })
        .take(most)
        .collect(),
    )
}

/// The number of the last change before a moment.
fn after(drawing: &Drawing<'_>, list: &List, token: &str) -> Option<u64> {
    let moment: jiff::Timestamp = token.parse().ok()?;
    if drawing.style.call.now.duration_since(moment) > OLDEST {
        return Some(u64::MAX);
    }
    let all = changes(drawing, list, 0, usize::MAX)?;
    let older = all.iter().take_while(|(_, it)| match it {
        Change::Line(Line::Row(row)) => row.modified < moment,
        Change::Line(Line::Item(_, item)) => item.modified < moment,
        Change::Gone(_) => true,
    });
    Some(older.last().map_or(0, |(number, _)| *number))
}

fn drawn(drawing: &Drawing<'_>, list: &List, line: Line<'_>) -> Result<Value, GraphError> {
    let call = drawing.style.call;
    let mut document = row::drawn(drawing, list, line, &call.query)?;
    // In a delta it is the site collection alone. Source: recordings of
    // NangoHQ/integration-templates.
    if let Some(parent) = document.get_mut("parentReference") {
        parent["siteId"] = json!(drawing.site.place.collection.to_string());
    }
    Ok(document)
}

fn tombstone(target: &Target, row: u32) -> Value {
    let site: Uuid = target.site.place.collection;
    json!({
        "id": row.to_string(),
        "deleted": {"state": "deleted"},
        "parentReference": {"siteId": site.to_string()},
    })
}
