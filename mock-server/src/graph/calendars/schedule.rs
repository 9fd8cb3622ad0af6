//! When people are free: `getSchedule` and `findMeetingTimes`.
//!
//! Sources: learn.microsoft.com/graph/api/calendar-getschedule, /user-findmeetingtimes,
//! /resources/meetingtimesuggestion; microsoftgraph/microsoft-graph-docs#4477 and #6391 (texts).

use axum::http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::directory::ObjectId;
use crate::graph::access::Actor;
use crate::graph::call::{Action, Call, Reply};
use crate::graph::endpoint::Workload;
use crate::graph::error::GraphError;
use crate::graph::outlook::texts;
use crate::graph::{events, schema, time_zone};
use crate::mailbox::{Contents, Properties};

/// A time that somebody has something in, and how it is shown.
struct Busy {
    start: Timestamp,
    end: Timestamp,
    status: String,
    event: Properties,
}

/// `POST …/calendar/getSchedule`.
pub(in crate::graph) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = Action(call.json()?);
    let schedules = texts(action.take("schedules"));
    let start = action.take("startTime");
    let end = action.take("endTime");
    let interval = action.take("availabilityViewInterval");
    action.finish("getSchedule")?;
    if schedules.is_empty() {
        return Err(missing("Schedules"));
    }
    if schedules.len() > MOST_SCHEDULES {
        return Err(GraphError::too_many_schedules(schedules.len()));
    }
    let from = time_zone::instant(&start.ok_or_else(|| missing("StartTime"))?)?;
    let to = time_zone::instant(&end.ok_or_else(|| missing("EndTime"))?)?;
    if to <= from || to.duration_since(from) > LONGEST {
        return Err(GraphError::invalid_time_interval());
    }
    let minutes = interval.as_ref().map_or(Some(30), Value::as_i64);
    let minutes = minutes
        .filter(|it| (5..=1440).contains(it))
        .ok_or_else(|| {
            // Unverified: code and text.
            GraphError::invalid_parameter(
                "The value of 'AvailabilityViewInterval' must be between 5 and 1440.",
            )
        })?;
    let step = SignedDuration::from_mins(minutes);
    let value = schedules
        .iter()
        .map(|address| schedule(call, address, (from, to), step))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": context(call, "Collection(microsoft.graph.scheduleInformation)"),
            "value": value,
        }),
    ))
}

/// The schedule of an address.
fn schedule(
    call: &Call<'_>,
    address: &str,
    (from, to): (Timestamp, Timestamp),
    step: SignedDuration,
) -> Result<Value, GraphError> {
    let owner = events::owners(call, &[address.to_owned()])
        .into_iter()
        .next();
    let Some(owner) = owner else {
        return Ok(json!({
            "scheduleId": address,
            "availabilityView": "",
            "scheduleItems": [],
            "error": {
                "message": format!(
                    "Unable to resolve e-mail address {address} to an Active Directory object."
                ),
                "responseCode": "5009",
            },
        }));
    };
    // Unverified: who sees more of another's calendar than whether there is something.
    let whole = match &call.actor {
        Actor::Application(_) => true,
        Actor::User(user, _) => *user == owner.id,
    };
    let contents = call.tenant.mailboxes.open(&owner, call.now);
    contents.read(|contents| {
        let busy = busy(contents, from, to)?;
        let items: Vec<Value> = busy.iter().map(|it| item(call, it, whole)).collect();
        Ok(json!({
            "scheduleId": address,
            "availabilityView": view(&busy, (from, to), step),
            "scheduleItems": items,
            "workingHours": contents.settings.get("workingHours").cloned().unwrap_or_default(),
        }))
    })
}

/// What somebody has between two moments.
fn busy(contents: &Contents, from: Timestamp, to: Timestamp) -> Result<Vec<Busy>, GraphError> {
    let calendar = contents.well_known(crate::mailbox::WellKnown::Calendar);
    let all = events::between(contents, Some(calendar), (from, to))?;
    let busy = all.into_iter().map(|it| Busy {
        start: it.start,
        end: it.end,
        status: it
            .event
            .get("showAs")
            .and_then(Value::as_str)
            .unwrap_or("busy")
            .to_owned(),
        event: it.event,
    });
    Ok(busy.filter(|it| it.end > from && it.start < to).collect())
}

fn item(call: &Call<'_>, busy: &Busy, whole: bool) -> Value {
    let (name, zone) = match &call.prefer.time_zone {
        Some((name, zone)) => (name.as_str(), zone.clone()),
        None => ("UTC", TimeZone::UTC),
    };
    let private = busy.event.get("sensitivity") == Some(&json!("private"));
    let mut item = json!({"isPrivate": private, "status": busy.status});
    if whole && !private {
        let place = busy
            .event
            .get("location")
            .map(|it| it["displayName"].clone());
        item["subject"] = busy.event.get("subject").cloned().unwrap_or_default();
        item["location"] = place.unwrap_or_default();
    }
    item["start"] = time_zone::in_zone(busy.start, name, &zone);
    item["end"] = time_zone::in_zone(busy.end, name, &zone);
    item
}

/// A digit for each step of the time: 0 free, 1 tentative, 2 busy, 3 away, 4 working elsewhere.
fn view(busy: &[Busy], (from, to): (Timestamp, Timestamp), step: SignedDuration) -> String {
    let digit = |status: &str| match status {
        "free" => '0',
        "tentative" => '1',
        "oof" => '3',
        "workingElsewhere" => '4',
        _ => '2',
    };
    // Of several the one that matters most. Unverified: the order.
    let weight = |digit: char| "04123".find(digit);
    let mut view = String::new();
    let mut at = from;
    while at < to {
        let next = at.saturating_add(step).unwrap_or(to);
        let meanwhile = busy.iter().filter(|it| it.start < next && it.end > at);
        let found = meanwhile.map(|it| digit(&it.status));
        view.push(found.max_by_key(|it| weight(*it)).unwrap_or('0'));
        at = next;
    }
    view
}

/// Somebody who is to come.
struct Guest {
    attendee: Value,
    kind: String,
    /// What they have; none of people whom the tenant does not know.
    busy: Option<Vec<Busy>>,
}

/// `POST …/findMeetingTimes`.
pub(in crate::graph) fn find_times(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let attendees = action.take("attendees").unwrap_or_else(|| json!([]));
    let constraint = action.take("timeConstraint").unwrap_or_default();
    let locations = action.take("locationConstraint").unwrap_or_default();
    let length = action.text("meetingDuration")?;
    let most = action.take("maxCandidates").and_then(|it| it.as_u64());
    let alone = action.boolean("isOrganizerOptional", false)?;
    let reasons = action.boolean("returnSuggestionReasons", false)?;
    let least = action.take("minimumAttendeePercentage");
    action.finish("findMeetingTimes")?;
    let length = match &length {
        None => SignedDuration::from_mins(30),
        Some(text) => text
            .parse()
            .ok()
            .filter(|it| *it > SignedDuration::ZERO)
            .ok_or_else(|| {
                // Unverified: the text, the OData library's.
                GraphError::new(
                    StatusCode::BAD_REQUEST,
                    "RequestBodyRead",
                    format!(
                        "Cannot convert the literal '{text}' to the expected type 'Edm.Duration'."
                    ),
                )
            })?,
    };
    let body = Properties::from_iter([("attendees".to_owned(), attendees)]);
    let mut body = schema::object(call.cloud(), Workload::Mailbox, "event", body)?;
    let attendees = match body.shift_remove("attendees") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let slots = slots(call, &constraint)?;
    let (Some(first), Some(last)) = (
        slots.iter().map(|it| it.0).min(),
        slots.iter().map(|it| it.1).max(),
    ) else {
        return Err(missing("TimeSlots"));
    };
    let me = call.target()?.user;
    let own = of_user(call, me, (first, last))?;
    let guests = attendees
        .iter()
        .map(|it| guest(call, it, (first, last)))
        .collect::<Result<Vec<_>, _>>()?;
    let least = least.and_then(|it| it.as_f64()).unwrap_or(50.0);
    let search = Search {
        own,
        guests,
        length,
        alone,
        least,
    };
    let mut found = search.all(call, &slots);
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    let most = most.and_then(|it| usize::try_from(it).ok()).unwrap_or(20);
    let suggestions: Vec<Value> = found
        .into_iter()
        .take(most.clamp(1, 20))
        .map(|(_, mut it)| {
            it["locations"] = locations["locations"].clone();
            if it["locations"].is_null() {
                it["locations"] = json!([]);
            }
            if reasons {
                it["suggestionReason"] = json!(
                    "Suggested because it is one of the nearest times when all attendees are \
                     available."
                );
            }
            it
        })
        .collect();
    let empty = match (suggestions.is_empty(), search.guests.is_empty()) {
        (false, _) => "",
        (true, true) => "OrganizerUnavailable",
        (true, false) => "AttendeesUnavailable",
    };
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": context(call, "microsoft.graph.meetingTimeSuggestionsResult"),
            "emptySuggestionsReason": empty,
            "meetingTimeSuggestions": suggestions,
        }),
    ))
}

/// What a meeting needs.
struct Search {
    own: Vec<Busy>,
    guests: Vec<Guest>,
    length: SignedDuration,
    /// Whether the organizer need not be there.
    alone: bool,
    /// The least of the confidence.
    least: f64,
}

impl Search {
    /// All times that fit, each with its confidence, earliest first.
    fn all(&self, call: &Call<'_>, slots: &[(Timestamp, Timestamp)]) -> Vec<(f64, Value)> {
        let mut found = Vec::new();
        for (from, to) in slots {
            let mut start = *from;
            while let Ok(end) = start.checked_add(self.length)
                && end <= *to
                && found.len() < MOST_TRIED
            {
                found.extend(self.at(call, start, end));
                start = start.saturating_add(STEP).unwrap_or(*to);
            }
        }
        found
    }

    fn at(&self, call: &Call<'_>, start: Timestamp, end: Timestamp) -> Option<(f64, Value)> {
        let availability = |busy: &[Busy]| {
            let mut meanwhile = busy.iter().filter(|it| it.start < end && it.end > start);
            meanwhile
                .find(|it| it.status != "free")
                .map_or("free".to_owned(), |it| it.status.clone())
        };
        let organizer = availability(&self.own);
        if !self.alone && matches!(organizer.as_str(), "busy" | "oof") {
            return None;
        }
        let mut sum = 0.0;
        let mut required: f64 = 0.0;
        let mut shown = Vec::new();
        for guest in &self.guests {
            let state = guest
                .busy
                .as_deref()
                .map_or("unknown".to_owned(), availability);
            if guest.kind != "optional" {
                required += 1.0;
                sum += match state.as_str() {
                    "free" | "workingElsewhere" => 100.0,
                    "unknown" | "tentative" => 49.0,
                    _ => 0.0,
                };
            }
            shown.push(json!({"attendee": guest.attendee, "availability": state}));
        }
        let confidence = if required > 0.0 {
            sum / required
        } else {
            100.0
        };
        if confidence < self.least {
            return None;
        }
        let (name, zone) = match &call.prefer.time_zone {
            Some((name, zone)) => (name.as_str(), zone.clone()),
            None => ("UTC", TimeZone::UTC),
        };
        Some((
            confidence,
            json!({
                "confidence": confidence,
                "organizerAvailability": organizer,
                "attendeeAvailability": shown,
                "locations": [],
                "meetingTimeSlot": {
                    "start": time_zone::in_zone(start, name, &zone),
                    "end": time_zone::in_zone(end, name, &zone),
                },
            }),
        ))
    }
}

/// The times in which a meeting may be: those that the request names, or the working hours of the
/// next days.
fn slots(call: &Call<'_>, constraint: &Value) -> Result<Vec<(Timestamp, Timestamp)>, GraphError> {
    let named = ["timeSlots", "timeslots", "TimeSlots"]
        .iter()
        .find_map(|name| constraint[*name].as_array());
    let free = constraint["activityDomain"].as_str().is_some_and(|it| {
        it.eq_ignore_ascii_case("unrestricted") || it.eq_ignore_ascii_case("personal")
    });
    let mut whole = Vec::new();
    for slot in named.into_iter().flatten() {
        let from = time_zone::instant(&slot["start"])?;
        let to = time_zone::instant(&slot["end"])?;
        if to <= from || to.duration_since(from) > LONGEST {
            return Err(GraphError::invalid_time_interval());
        }
        whole.push((from, to));
    }
    if whole.is_empty() {
        let to = call.now.saturating_add(SignedDuration::from_hours(24 * 7));
        whole.push((call.now, to.unwrap_or(call.now)));
    }
    if free {
        return Ok(whole);
    }
    let contents = call.mailbox()?;
    let hours = contents.read(|it| it.settings.get("workingHours").cloned());
    Ok(whole
        .into_iter()
        .flat_map(|slot| working(slot, hours.as_ref().unwrap_or(&Value::Null)))
        .collect())
}

/// The working hours inside of a time.
fn working((from, to): (Timestamp, Timestamp), hours: &Value) -> Vec<(Timestamp, Timestamp)> {
    let zone = hours["timeZone"]["name"].as_str().and_then(time_zone::find);
    let zone = zone.unwrap_or(TimeZone::UTC);
    let time = |name: &str, default: i8| {
        let text = hours[name].as_str().unwrap_or("");
        let hour = text
            .get(..5)
            .and_then(|it| it.parse::<jiff::civil::Time>().ok());
        hour.unwrap_or_else(|| jiff::civil::time(default, 0, 0, 0))
    };
    let (opens, closes) = (time("startTime", 8), time("endTime", 17));
    let days: Vec<&str> = hours["daysOfWeek"]
        .as_array()
        .map(|it| it.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut day = zone.to_datetime(from).date();
    let last = zone.to_datetime(to).date();
    while day <= last {
        let name = format!("{:?}", day.weekday()).to_lowercase();
        let works = days.is_empty() || days.iter().any(|it| it.eq_ignore_ascii_case(&name));
        let bounds = (
            zone.to_timestamp(day.to_datetime(opens)),
            zone.to_timestamp(day.to_datetime(closes)),
        );
        if let (true, (Ok(opens), Ok(closes))) = (works, bounds) {
            let (opens, closes) = (opens.max(from), closes.min(to));
            if opens < closes {
                found.push((opens, closes));
            }
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    found
}

fn guest(
    call: &Call<'_>,
    attendee: &Value,
    (from, to): (Timestamp, Timestamp),
) -> Result<Guest, GraphError> {
    let address = attendee["emailAddress"]["address"]
        .as_str()
        .unwrap_or("")
        .to_owned();
    let kind = attendee["type"].as_str().unwrap_or("required").to_owned();
    let owner = events::owners(call, &[address]).into_iter().next();
    let busy = owner
        .map(|it| of_user(call, it.id, (from, to)))
        .transpose()?;
    let attendee = json!({"type": kind, "emailAddress": attendee["emailAddress"]});
    Ok(Guest {
        attendee,
        kind,
        busy,
    })
}

fn of_user(
    call: &Call<'_>,
    user: ObjectId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Busy>, GraphError> {
    let contents = call.mailbox_of(user)?;
    contents.read(|contents| busy(contents, from, to))
}

fn missing(name: &str) -> GraphError {
    // Unverified: the text.
    GraphError::invalid_request(format!("The parameter '{name}' is missing."))
}

fn context(call: &Call<'_>, of: &str) -> String {
    format!("{}/$metadata#{of}", call.root())
}

/// Source: microsoftgraph/microsoft-graph-docs#4477 (the documentation has 20).
const MOST_SCHEDULES: usize = 100;
/// Source: learn.microsoft.com/graph/api/calendar-getschedule (62 days).
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 62);
/// How far the times lie apart that are tried, and how many are at most.
const STEP: SignedDuration = SignedDuration::from_mins(30);
const MOST_TRIED: usize = 3_000;
