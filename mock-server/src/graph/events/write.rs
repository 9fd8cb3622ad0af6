//! Events made, changed and deleted, single occurrences of a series among them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::attendance::{Meeting, News};
use super::complete;
use super::document::Occurrence;
use super::series::Exceptions;
use super::{named, shown};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::message::merge;
use crate::graph::{attachments, calendars, extended, time_zone};
use crate::mailbox::{Contents, Properties};

/// `POST …/events`.
pub(in crate::graph) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut body = call.object("event")?;
    let attachments = attachments::take(call, &mut body)?;
    complete::complete(call, &mut body)?;
    complete::defaults(call, &mut body);
    complete::agree(&mut body)?;
    let contents = call.mailbox()?;
    let (reply, meeting) = contents.write(|contents| {
        let calendar = calendars::find(call, contents)?;
        // The same transaction makes one event only.
        // Source: learn.microsoft.com/graph/api/resources/event, transactionId.
        if let Some(transaction) = body.get("transactionId").filter(|it| it.is_string()) {
            let known = contents
                .events
                .values()
                .find(|item| item.property("transactionId").as_ref() == Some(transaction))
                .map(|item| item.key);
            if let Some(key) = known {
                return shown(call, contents, key, None).map(|it| (it, None));
            }
        }
        body.insert("organizer".to_owned(), contents.owner.person.recipient());
        if contents.is_full_of_others() {
            return Err(GraphError::quota_exceeded());
        }
        let mut item = contents.make_item(calendar, &body, call.now);
        item.attachments = attachments;
        let key = item.key;
        contents.events.insert(key, item);
        let meeting = Meeting::of(contents, key);
        Ok::<_, GraphError>((shown(call, contents, key, None)?, meeting))
    })?;
    if let Some(meeting) = meeting {
        meeting.send(call, News::Invited);
    }
    Ok(reply)
}

/// `PATCH …/events/{id}`: an occurrence of a series becomes an exception.
pub(in crate::graph) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut changes = call.object("event")?;
    complete::complete(call, &mut changes)?;
    let tells = changes.keys().any(|it| TOLD.contains(&it.as_str()));
    let contents = call.mailbox()?;
    let (reply, meeting) = contents.write(|contents| {
        let (item, day) = named(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        let key = item.key;
        let mut series = item.properties();
        match day {
            Some(day) => change_occurrence(&mut series, day, changes)?,
            None => change(&mut series, changes)?,
        }
        write(call, contents, key, &series);
        let meeting = Meeting::of(contents, key).filter(|_| tells);
        Ok::<_, GraphError>((shown(call, contents, key, day)?, meeting))
    })?;
    if let Some(meeting) = meeting {
        meeting.send(call, News::Updated);
    }
    Ok(reply)
}

/// `DELETE …/events/{id}`: of a meeting, its attendees are told.
pub(in crate::graph) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    let news = contents.write(|contents| {
        let (item, _) = named(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        remove(call, contents)
    })?;
    if let Some((meeting, news)) = news {
        meeting.send(call, news);
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Takes the event or the occurrence out that the path names; whom to tell.
pub(super) fn remove(
    call: &Call<'_>,
    contents: &mut Contents,
) -> Result<Option<(Meeting, News)>, GraphError> {
    let (item, day) = named(call, contents)?;
    let key = item.key;
    let Some(day) = day else {
        let meeting = Meeting::of(contents, key);
        contents.events.remove(&key);
        return Ok(meeting.map(|it| (it, News::Cancelled)));
    };
    let mut series = item.properties();
    let mut exceptions = Exceptions::of(&series);
    exceptions.remove(day);
    exceptions.store(&mut series);
    write(call, contents, key, &series);
    // Unverified: that an occurrence that is taken out is told as an update of the series.
    Ok(Meeting::of(contents, key).map(|it| (it, News::Updated)))
}

/// Writes the members of an event.
pub(super) fn write(call: &Call<'_>, contents: &mut Contents, key: u64, members: &Properties) {
    contents.change_item(
        |it| &mut it.events,
        key,
        call.now,
        |item| item.set_properties(members),
    );
}

/// Changes a whole event or series.
fn change(event: &mut Properties, changes: Properties) -> Result<(), GraphError> {
    let pattern =
        |event: &Properties| ["start", "end", "recurrence"].map(|name| event.get(name).cloned());
    let before = pattern(event);
    let answers = event.get("attendees").cloned();
    apply(event, changes);
    keep_answers(event, answers.as_ref());
    complete::agree(event)?;
    // Unverified: that a series whose pattern changes loses all its exceptions.
    if pattern(event) != before {
        Exceptions::forget(event);
    }
    Ok(())
}

/// Changes one occurrence of a series.
fn change_occurrence(
    series: &mut Properties,
    day: i64,
    changes: Properties,
) -> Result<(), GraphError> {
    if changes.get("recurrence").is_some_and(|it| !it.is_null()) {
        // Unverified: code and text.
        return Err(GraphError::invalid_request(
            "The recurrence of an occurrence can't be changed: change the series master.",
        ));
    }
    let occurrence = Occurrence::on(series, day).ok_or_else(GraphError::item_not_found)?;
    let mut whole = series.clone();
    whole.shift_remove("recurrence");
    Exceptions::forget(&mut whole);
    let zone = series["start"]["timeZone"]
        .as_str()
        .unwrap_or("UTC")
        .to_owned();
    let local = time_zone::find(&zone).unwrap_or(jiff::tz::TimeZone::UTC);
    for (name, time) in [("start", occurrence.start), ("end", occurrence.end)] {
        whole.insert(name.to_owned(), time_zone::in_zone(time, &zone, &local));
    }
    whole.extend(occurrence.own.unwrap_or_default());
    let names: Vec<String> = changes.keys().cloned().collect();
    apply(&mut whole, changes);
    complete::agree(&mut whole)?;
    let own = names
        .into_iter()
        .filter(|name| name != "recurrence")
        .map(|name| {
            let value = whole.get(&name).cloned().unwrap_or_default();
            (name, value)
        })
        .collect();
    let mut exceptions = Exceptions::of(series);
    exceptions.change(day, own);
    exceptions.store(series);
    Ok(())
}

/// Applies the members of a body; null takes one away.
fn apply(event: &mut Properties, changes: Properties) {
    for (name, value) in changes {
        match name.as_str() {
            name if extended::is_one(name) => extended::merge(event, name, &value),
            _ if value.is_null() => {
                // An event has always a beginning and an end.
                if name != "start" && name != "end" {
                    event.shift_remove(&name);
                }
            }
            "start" | "end" => {
                merge(event.entry(name).or_insert_with(|| json!({})), value);
            }
            _ => {
                event.insert(name, value);
            }
        }
    }
}

/// Attendees who were there keep the answers that they gave.
fn keep_answers(event: &mut Properties, before: Option<&Value>) {
    let address = |it: &Value| {
        let address = it["emailAddress"]["address"].as_str();
        address.unwrap_or("").to_lowercase()
    };
    let before = before.and_then(Value::as_array);
    let attendees = event.get_mut("attendees").and_then(Value::as_array_mut);
    for attendee in attendees.into_iter().flatten() {
        let mut known = before.into_iter().flatten();
        let known = known.find(|it| address(it) == address(attendee));
        let unanswered = attendee["status"]["response"] == "none";
        if let (true, Some(known)) = (unanswered, known) {
            attendee["status"] = known["status"].clone();
        }
    }
}

/// The changes that attendees are told of. Unverified.
const TOLD: [&str; 11] = [
    "attendees",
    "body",
    "end",
    "isAllDay",
    "isOnlineMeeting",
    "location",
    "locations",
    "recurrence",
    "start",
    "subject",
    "importance",
];
