//! What changed in a collection: rounds of pages, each ended by a link to the next round.
//!
//! Sources: learn.microsoft.com/graph/delta-query-overview, /delta-query-users, /delta-query-groups;
//! allodia-eu/email-calendar-sync-engine, fixtures of contacts/delta.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::behaviour;
use super::membership::{self, DELETED};
use super::mirror::{self, Mirror};
use super::place::{self, Place};
use super::read;
use super::service::Voice;
use crate::graph::call::{Call, Reply};
use crate::graph::collection;
use crate::graph::error::{GraphError, Service};
use crate::graph::link;
use crate::graph::odata::evaluate::holds;
use crate::mailbox::Properties;
use crate::model::MemberKind;
use crate::store::Documents;

mod round;

use round::Round;

/// What changed in a collection since the token, or everything; a page of it.
pub(super) fn answer(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let exchange = voice.service() == Service::Exchange;
    let round = begin(call, voice)?;
    let mirror = if place::is_modelled(call, &place.collection) {
        Some(mirror::refreshed(call, place, &round.window)?)
    } else {
        None
    };
    if tracked(place, &round).next().is_some() {
        behaviour::refresh(call);
    }
    let (mut changes, now) = call
        .tenant
        .read_documents(|documents| changed(documents, place, mirror.as_ref(), &round))
        .ok_or_else(|| too_old(call, voice, &round))?;
    // A page goes on where the one before it ended, in the order of the changes.
    let until = round.until.unwrap_or(now);
    changes.retain(|it| it.sequence > round.cursor && it.sequence <= until);
    changes.sort_by_key(|it| it.sequence);
    if round.latest {
        changes.clear();
    }
    let size = call
        .query
        .top
        .or(call.prefer.page_size)
        .or(round.size)
        .unwrap_or(if exchange { usize::MAX } else { PAGE })
        .max(1);
    let more = changes.len() > size;
    changes.truncate(size);
    let cursor = changes.last().map_or(until, |it| it.sequence);
    let mut value = Vec::new();
    for change in changes {
        value.extend(shown(
            call,
            place,
            mirror.as_ref(),
            &round,
            change,
            exchange,
        )?);
    }
    let context = if voice.is_directory() {
        let select = round.select.as_ref().map(|it| it.join(","));
        let select = select.map_or_else(String::new, |it| format!("({it})"));
        format!("{}/$metadata#{}{select}", call.root(), place.set)
    } else {
        format!("{}/$metadata#Collection({})", call.root(), place.of.name())
    };
    let (name, option, token) = if more {
        let next = round.next_page(cursor, until, Some(size));
        ("@odata.nextLink", "skiptoken", next)
    } else if exchange && !round.initial && round.until.is_none() && value.is_empty() {
        // Where nothing has happened, the token of Exchange stays as it is.
        // Source: allodia-eu/email-calendar-sync-engine, fixtures of delta.
        ("@odata.deltaLink", "deltatoken", round)
    } else {
        let next = round.next_round(until, call.now);
        ("@odata.deltaLink", "deltatoken", next)
    };
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": context,
            name: link::delta(call, option, &token.write()),
            "value": value,
        }),
    ))
}

/// The round that a request begins or continues.
fn begin(call: &Call<'_>, voice: &Voice) -> Result<Round, GraphError> {
    let query = &call.query;
    let sent = query
        .skip_token
        .as_deref()
        .or(query.delta_token.as_deref())
        .filter(|it| !it.is_empty());
    let Some(sent) = sent else {
        return first(call, false);
    };
    if sent.eq_ignore_ascii_case("latest") {
        return first(call, true);
    }
    let round = Round::read(sent).ok_or_else(|| GraphError::bad_request("Badly formed token."))?;
    let age = SignedDuration::from_secs(call.now.as_second() - round.issued);
    if voice.is_directory() && age > LIFE {
        return Err(too_old(call, voice, &round));
    }
    Ok(round)
}

/// The first round: everything, or nothing but a link.
fn first(call: &Call<'_>, latest: bool) -> Result<Round, GraphError> {
    let query = &call.query;
    let window = ["startDateTime", "endDateTime"]
        .into_iter()
        .filter_map(|name| {
            let value = call.parameter(name)?;
            Some((name.to_owned(), value.to_owned()))
        });
    let filter = call
        .parameters_sent
        .iter()
        .find(|(name, _)| name.trim_start_matches('$').eq_ignore_ascii_case("filter"));
    let options = [
        ("$orderby", !query.order.is_empty()),
        ("$search", query.search.is_some()),
        ("$skip", query.skip > 0),
    ];
    if let Some((name, _)) = options.into_iter().find(|(_, sent)| *sent) {
        // Unverified: the text.
        return Err(GraphError::bad_request(format!(
            "The query parameter '{name}' is not supported with change tracking."
        )));
    }
    Ok(Round {
        initial: true,
        latest,
        select: query.select.clone(),
        filter: filter.map(|(_, value)| value.clone()),
        window: window.collect(),
        issued: call.now.as_second(),
        ..Round::default()
    })
}

/// A token whose changes are forgotten.
///
/// Source of the directory's text: users' questions about its refusal, such as
/// learn.microsoft.com/answers; its page promises 410. Of Exchange's:
/// allodia-eu/email-calendar-sync-engine.
fn too_old(call: &Call<'_>, voice: &Voice, round: &Round) -> GraphError {
    if voice.is_directory() {
        GraphError::unsupported_query("DeltaLink older than 30 days is not supported.")
    } else {
        let newest = call.tenant.read_documents(Documents::sequence);
        GraphError::sync_state_not_found(round.after, newest)
    }
}

/// A change of a collection.
struct Change {
    sequence: u64,
    id: String,
    kind: Kind,
}

enum Kind {
    /// It is there.
    There {
        /// What its navigations lead to, or no longer do: name, target, whether it was added.
        moves: Vec<(&'static str, String, bool)>,
    },
    /// It is gone; whether it can be restored.
    Gone { kept: bool },
}

/// What changed in a round, with the number of the newest change; none where that is forgotten.
fn changed(
    documents: &Documents,
    place: &Place<'_>,
    mirror: Option<&Mirror>,
    round: &Round,
) -> Option<(Vec<Change>, u64)> {
    let collection = mirror.map_or(&place.collection, |it| &it.collection);
    let found = documents.changes(collection, round.after)?;
    let mut changes: Vec<Change> = Vec::new();
    for it in found.documents {
        if mirror.is_some() || place.shows(documents, it) {
            changes.push(Change {
                sequence: it.sequence,
                id: it.id.clone(),
                kind: Kind::There { moves: Vec::new() },
            });
        }
    }
    for name in tracked(place, round) {
        let touched = documents.with_moves(&place.collection, name, round.after);
        for id in touched {
            if changes.iter().all(|it| it.id != id) && documents.get(collection, id).is_some() {
                changes.push(Change {
                    sequence: 0,
                    id: id.to_owned(),
                    kind: Kind::There { moves: Vec::new() },
                });
            }
        }
        for change in &mut changes {
            let navigation = format!("{}/{}/{name}", place.collection, change.id);
            let Kind::There { moves } = &mut change.kind else {
                continue;
            };
            if round.initial {
                let all = documents.links(&navigation).iter();
                moves.extend(all.map(|target| (name, target.clone(), true)));
            } else {
                for (sequence, target, added) in documents.moved(&navigation, round.after)? {
                    change.sequence = change.sequence.max(sequence);
                    moves.push((name, target.to_owned(), added));
                }
            }
        }
    }
    if !round.initial {
        changes.extend(found.removed.into_iter().map(|(sequence, id)| {
            let kept = documents.get(DELETED, id).is_some();
            Change {
                sequence,
                id: id.to_owned(),
                kind: Kind::Gone { kept },
            }
        }));
    }
    Some((changes, documents.sequence()))
}

/// The relations whose changes a delta tells: those that `$select` names, or the members of what
/// has members.
///
/// Source: learn.microsoft.com/graph/api/group-delta, /administrativeunit-delta.
fn tracked(place: &Place<'_>, round: &Round) -> impl Iterator<Item = &'static str> {
    let all: &[&'static str] = match place.of.name() {
        "group" => &["members", "owners"],
        "administrativeUnit" => &["members"],
        _ => &[],
    };
    let select = round.select.clone();
    all.iter().copied().filter(move |name| match &select {
        None => *name == "members",
        Some(select) => select.iter().any(|it| it.eq_ignore_ascii_case(name)),
    })
}

/// A change as it is shown.
fn shown(
    call: &Call<'_>,
    place: &Place<'_>,
    mirror: Option<&Mirror>,
    round: &Round,
    change: Change,
    exchange: bool,
) -> Result<Option<Value>, GraphError> {
    let typed = json!(format!("#microsoft.graph.{}", place.of.name()));
    let moves = match change.kind {
        Kind::There { moves } => moves,
        Kind::Gone { kept } => {
            // Source: learn.microsoft.com/graph/delta-query-overview: `changed` can be restored.
            let kept = kept || is_deleted_user(call, &change.id);
            let reason = if kept && !exchange {
                "changed"
            } else {
                "deleted"
            };
            let mut gone = Properties::new();
            if exchange {
                gone.insert("@odata.type".to_owned(), typed);
            }
            gone.insert("id".to_owned(), json!(change.id));
            gone.insert("@removed".to_owned(), json!({"reason": reason}));
            return Ok(Some(Value::Object(gone)));
        }
    };
    let document = match mirror {
        Some(mirror) => mirror.documents.get(&change.id).cloned(),
        None => call
            .tenant
            .read_documents(|it| it.get(&place.collection, &change.id).cloned())
            .map(|it| read::whole(call, &it, place.of)),
    };
    let Some(document) = document else {
        return Ok(None);
    };
    if let Some(filter) = round.filter(call)?
        && !holds(&filter, &Value::Object(document.clone()))
    {
        return Ok(None);
    }
    let select: Option<Vec<String>> = round.select.as_ref().map(|select| {
        let mut properties: Vec<String> = select
            .iter()
            .filter(|name| {
                let member = place.of.member(name, call.cloud());
                member.is_none_or(|it| it.kind() == MemberKind::Property)
            })
            .cloned()
            .collect();
        // Whatever is selected, a delta says of what it speaks.
        if !properties.iter().any(|it| it == "id") {
            properties.push("id".to_owned());
        }
        properties
    });
    let of = place.of.name();
    let document = collection::selected(call, of, document, select.as_deref())?;
    let mut shown = Properties::new();
    if exchange && !document.contains_key("@odata.type") {
        shown.insert("@odata.type".to_owned(), typed);
    }
    shown.extend(document);
    for (name, target, added) in moves {
        let list = shown
            .entry(format!("{name}@delta"))
            .or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.extend(moved(&target, added));
        }
    }
    Ok(Some(Value::Object(shown)))
}

/// An object that a relation leads to, or no longer does.
fn moved(target: &str, added: bool) -> Option<Value> {
    let of = place::type_at(target)?;
    let mut shown = Properties::new();
    let kind = format!("#microsoft.graph.{}", of.name());
    shown.insert("@odata.type".to_owned(), json!(kind));
    shown.insert("id".to_owned(), json!(membership::id_of(target)));
    if !added {
        shown.insert("@removed".to_owned(), json!({"reason": "deleted"}));
    }
    Some(Value::Object(shown))
}

fn is_deleted_user(call: &Call<'_>, id: &str) -> bool {
    call.tenant.read(|directory| {
        let mut users = directory.deleted_users(call.now);
        users.any(|it| it.id.to_string() == id)
    })
}

/// How long a token of the directory is good. Source: the text of its refusal.
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The changes of a page, where the request does not say. Unverified.
const PAGE: usize = 200;
