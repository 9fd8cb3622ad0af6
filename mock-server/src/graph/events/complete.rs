//! What the service fills in when an event is made or changed.
//!
//! Source: allodia-eu/email-calendar-sync-engine, fixtures/calendar/*.json (the answers to GET of
//! events that were made with few members).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::{people, text, time_zone};
use crate::mailbox::{Properties, occurrences};

/// Takes what only the service sets out of a body, checks the rest, and completes it.
pub(super) fn complete(call: &Call<'_>, body: &mut Properties) -> Result<(), GraphError> {
    for name in READ_ONLY {
        body.shift_remove(*name);
    }
    people::complete(call, body);
    for name in ["start", "end"] {
        if let Some(value) = body.get(name).filter(|it| !it.is_null()) {
            time_zone::instant(value)?;
        }
    }
    if let Some(attendees) = body.get_mut("attendees").and_then(Value::as_array_mut) {
        for attendee in attendees {
            *attendee = completed_attendee(attendee);
        }
    }
    if let Some(content) = body.get_mut("body").filter(|it| it.is_object()) {
        *content = html(content);
    }
    places(body);
    Ok(())
}

/// What a new event has where its body does not say so.
pub(super) fn defaults(call: &Call<'_>, body: &mut Properties) {
    body.retain(|_, value| !value.is_null());
    // Each by itself, so that an end before the start can come out.
    // Source: Softeria/ms-365-mcp-server#241 (`start defaults to now`), O365/python-o365#180.
    // Unverified: the end.
    let at = |time: Timestamp| {
        let zone = jiff::tz::TimeZone::UTC;
        time_zone::in_zone(time, "UTC", &zone)
    };
    let end = call.now.saturating_add(SignedDuration::from_mins(30));
    body.entry("start").or_insert_with(|| at(call.now));
    body.entry("end")
        .or_insert_with(|| at(end.unwrap_or(call.now)));
    body.entry("body").or_insert_with(|| html(&json!({})));
    for (name, of) in [
        ("originalStartTimeZone", "start"),
        ("originalEndTimeZone", "end"),
    ] {
        let zone = body[of]["timeZone"].as_str().unwrap_or("UTC").to_owned();
        body.insert(name.to_owned(), json!(zone));
    }
}

/// Checks the members of a whole event against each other, and completes what depends on others.
pub(super) fn agree(event: &mut Properties) -> Result<(), GraphError> {
    let (start, end) = (
        time_zone::instant(&event["start"])?,
        time_zone::instant(&event["end"])?,
    );
    if end < start {
        return Err(GraphError::validation_failure());
    }
    if event.get("isAllDay") == Some(&json!(true)) {
        for (name, title) in [("start", "Start"), ("end", "End")] {
            if !time_zone::is_midnight(&event[name]) {
                // Unverified: the second half of the text, which is that of other refusals.
                return Err(GraphError::invalid_request(format!(
                    "The Event.{title} property for an all-day event needs to be set to midnight."
                )));
            }
        }
        if end == start {
            return Err(GraphError::validation_failure());
        }
    }
    let zone = event["start"]["timeZone"]
        .as_str()
        .unwrap_or("UTC")
        .to_owned();
    if let Some(recurrence) = event.get_mut("recurrence").filter(|it| it.is_object()) {
        *recurrence = completed_recurrence(recurrence, &zone);
        let day = jiff::civil::date(2000, 1, 1);
        occurrences(recurrence, day, day)
            .map_err(|error| GraphError::invalid_request(format!("{error}.")))?;
    }
    Ok(())
}

/// An attendee with a kind and an answer.
fn completed_attendee(given: &Value) -> Value {
    let get = |name: &str| given.get(name).filter(|it| !it.is_null()).cloned();
    let unanswered = || json!({"response": "none", "time": NEVER});
    let mut attendee = Map::new();
    attendee.insert("type".to_owned(), get("type").unwrap_or(json!("required")));
    attendee.insert(
        "status".to_owned(),
        get("status").unwrap_or_else(unanswered),
    );
    if let Some(address) = get("emailAddress") {
        attendee.insert("emailAddress".to_owned(), address);
    }
    Value::Object(attendee)
}

/// A body of an event, which is kept as HTML.
fn html(given: &Value) -> Value {
    let content = given["content"].as_str().unwrap_or("");
    let is_html = given["contentType"]
        .as_str()
        .is_some_and(|it| it.eq_ignore_ascii_case("html"));
    let content = if is_html {
        text::document(content)
    } else {
        text::event_document(content)
    };
    json!({"contentType": "html", "content": content})
}

/// Where it is: `location` and `locations` follow each other.
fn places(body: &mut Properties) {
    let list = body
        .get("locations")
        .and_then(Value::as_array)
        .map(|list| list.iter().map(completed_location).collect::<Vec<_>>());
    let one = body
        .get("location")
        .filter(|it| it.is_object())
        .map(completed_location);
    let (one, list) = match (one, list) {
        (None, None) => {
            // Null takes both away.
            if body.get("location").is_some_and(Value::is_null) {
                body.insert("location".to_owned(), nowhere());
                body.insert("locations".to_owned(), json!([]));
            }
            return;
        }
        (Some(one), Some(list)) => (one, list),
        (Some(one), None) => {
            let list = if one == nowhere() {
                Vec::new()
            } else {
                vec![one.clone()]
            };
            (one, list)
        }
        (None, Some(list)) => (list.first().cloned().unwrap_or_else(nowhere), list),
    };
    body.insert("location".to_owned(), one);
    body.insert("locations".to_owned(), Value::Array(list));
}

fn completed_location(given: &Value) -> Value {
    let mut location: Properties = given.as_object().cloned().unwrap_or_default();
    location.retain(|_, value| !value.is_null());
    let name = location
        .get("displayName")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    if name.is_empty() && location.keys().all(|it| it == "displayName") {
        return nowhere();
    }
    let mut found = Properties::new();
    found.insert("displayName".to_owned(), json!(name));
    found.insert("locationType".to_owned(), json!("default"));
    // Unverified: that a mail address stands for the place where one is given.
    let id = location
        .get("locationEmailAddress")
        .cloned()
        .unwrap_or(json!(name));
    found.insert("uniqueId".to_owned(), id);
    found.insert("uniqueIdType".to_owned(), json!("private"));
    found.extend(location);
    Value::Object(found)
}

/// The location of an event that has none.
pub(super) fn nowhere() -> Value {
    json!({
        "displayName": "",
        "locationType": "default",
        "uniqueIdType": "unknown",
        "address": {},
        "coordinates": {},
    })
}

/// A recurrence with all members that the service shows.
fn completed_recurrence(given: &Value, zone: &str) -> Value {
    let get = |part: &str, name: &str, default: Value| {
        let found = given[part].get(name).filter(|it| !it.is_null());
        found.cloned().unwrap_or(default)
    };
    let mut pattern = Map::new();
    for (name, default) in [
        ("type", Value::Null),
        ("interval", json!(1)),
        ("month", json!(0)),
        ("dayOfMonth", json!(0)),
        ("daysOfWeek", Value::Null),
        ("firstDayOfWeek", json!("sunday")),
        ("index", json!("first")),
    ] {
        let value = get("pattern", name, default);
        if !value.is_null() {
            pattern.insert(name.to_owned(), value);
        }
    }
    let mut range = Map::new();
    for (name, default) in [
        ("type", Value::Null),
        ("startDate", Value::Null),
        ("endDate", json!("0001-01-01")),
        ("recurrenceTimeZone", json!(zone)),
        ("numberOfOccurrences", json!(0)),
    ] {
        let value = get("range", name, default);
        if !value.is_null() {
            range.insert(name.to_owned(), value);
        }
    }
    json!({"pattern": pattern, "range": range})
}

/// The time of what has not happened.
const NEVER: &str = "0001-01-01T00:00:00Z";

const READ_ONLY: &[&str] = &[
    "@odata.type",
    "bodyPreview",
    "cancelledOccurrences",
    "changeKey",
    "createdDateTime",
    "hasAttachments",
    "iCalUId",
    "id",
    "isCancelled",
    "isDraft",
    "isOrganizer",
    "lastModifiedDateTime",
    "onlineMeeting",
    "onlineMeetingUrl",
    "organizer",
    "originalEndTimeZone",
    "originalStart",
    "originalStartTimeZone",
    "responseStatus",
    "seriesMasterId",
    "type",
    "webLink",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_completed_and_listed() {
        let mut body =
            Properties::from_iter([("location".to_owned(), json!({"displayName": "Room A"}))]);
        places(&mut body);
        let room = json!({
            "displayName": "Room A", "locationType": "default", "uniqueId": "Room A",
            "uniqueIdType": "private",
        });
        assert_eq!(
            (&body["location"], &body["locations"]),
            (&room, &json!([room]))
        );
        body.shift_remove("locations");
        body.insert("location".to_owned(), Value::Null);
        places(&mut body);
        assert_eq!(
            (&body["location"], &body["locations"]),
            (&nowhere(), &json!([]))
        );
    }

    #[test]
    fn a_recurrence_shows_all_members_in_their_order() {
        let given = json!({
            "range": {"startDate": "2026-01-05", "type": "noEnd"},
            "pattern": {"daysOfWeek": ["monday"], "type": "weekly"},
        });
        let names = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        let found = completed_recurrence(&given, "W. Europe Standard Time");
        assert_eq!(
            names(&found["pattern"]).join(" "),
            "type interval month dayOfMonth daysOfWeek firstDayOfWeek index"
        );
        assert_eq!(
            found["range"],
            json!({
                "type": "noEnd", "startDate": "2026-01-05", "endDate": "0001-01-01",
                "recurrenceTimeZone": "W. Europe Standard Time", "numberOfOccurrences": 0,
            })
        );
    }
}
