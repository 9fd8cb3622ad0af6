//! Events: list, get, create, change, delete, answer; calendar views with occurrences.

mod answer;
mod attendance;
mod complete;
mod document;
mod series;
mod write;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(super) use self::answer::{cancel, dismiss, forward, respond, snooze};
pub(super) use self::attendance::{EVENT, owners};
pub(super) use self::document::document;
use self::document::{Occurrence, date_of};
use self::series::Exceptions;
pub(super) use self::write::{create, delete, update};
use super::call::{Call, Payload, Reply};
use super::collection::{self, Listing, Source};
use super::error::GraphError;
use super::messages::of_id;
use super::odata::query::Expand;
use super::{attachments, calendars, extended, time_zone};
use crate::mailbox::{Contents, Item, ItemKey, Properties, occurrences};

/// `GET …/events`: single events and series, no occurrences.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let items = all(contents, calendar_of(call, contents)?);
        collection::list(
            call,
            &listing(call, "events"),
            &Events {
                call,
                contents,
                items,
            },
        )
    })
}

/// `GET …/calendarView`.
pub(super) fn view(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (from, to) = window(call)?;
    let contents = call.mailbox()?;
    contents.read(|contents| {
        // Without a calendar in the path it is the default one.
        let calendar = calendars::find(call, contents)?;
        let mut items = Vec::new();
        for item in contents
            .events
            .values()
            .filter(|item| item.folder == calendar)
        {
            items.extend(within(item, from, to)?);
        }
        items.sort_by_key(|(start, shown)| (*start, shown.item.key));
        let items = items.into_iter().map(|(_, shown)| shown).collect();
        collection::list(
            call,
            &listing(call, "calendarView"),
            &Events {
                call,
                contents,
                items,
            },
        )
    })
}

/// `GET …/events/{id}/instances`.
pub(super) fn instances(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (from, to) = window(call)?;
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = find(call, contents)?;
        let items = within(item, from, to)?
            .into_iter()
            .map(|(_, shown)| shown)
            .collect();
        let set = format!("events('{}')/instances", call.parameters.get("event"));
        collection::list(
            call,
            &listing(call, &set),
            &Events {
                call,
                contents,
                items,
            },
        )
    })
}

/// `GET …/events/{id}`: an occurrence's id is good, too.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let (item, day) = named(call, contents)?;
        if day.is_some() {
            return shown(call, contents, item.key, day);
        }
        if call.not_modified(&contents.ids().change_key(item.change)) {
            return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
        }
        shown(call, contents, item.key, None)
    })
}

/// `GET …/events/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let calendar = calendar_of(call, contents)?;
        let items = all(contents, calendar);
        let source = Events {
            call,
            contents,
            items,
        };
        collection::count(call, &listing(call, "events"), &source)
    })
}

fn all(contents: &Contents, calendar: Option<u64>) -> Vec<Shown<'_>> {
    let mut items: Vec<Shown<'_>> = contents
        .events
        .values()
        .filter(|item| calendar.is_none_or(|calendar| item.folder == calendar))
        .map(|item| Shown {
            item,
            occurrence: None,
        })
        .collect();
    items.reverse();
    items
}

/// What takes place between two moments in a calendar, by its start.
pub(super) fn between(
    contents: &Contents,
    calendar: Option<u64>,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Happening<'_>>, GraphError> {
    let items = contents.events.values();
    let mut found = Vec::new();
    for item in items.filter(|it| calendar.is_none_or(|calendar| it.folder == calendar)) {
        for (start, shown) in within(item, from, to)? {
            let mut event = item.properties();
            let end = match shown.occurrence {
                Some(occurrence) => {
                    event.extend(occurrence.own.unwrap_or_default());
                    occurrence.end
                }
                None => time_zone::instant(&event["end"])?,
            };
            found.push(Happening {
                item,
                event,
                start,
                end,
            });
        }
    }
    found.sort_by_key(|it| (it.start, it.item.key));
    Ok(found)
}

/// The reminders of what takes place between two moments.
pub(super) fn reminders(
    call: &Call<'_>,
    contents: &Contents,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Value>, GraphError> {
    let mut found = Vec::new();
    for item in contents.events.values() {
        for (start, shown) in within(item, from, to)? {
            let event = document(call, contents, item, shown.occurrence.as_ref())?;
            if event["isReminderOn"] != true {
                continue;
            }
            let minutes = event["reminderMinutesBeforeStart"].as_i64().unwrap_or(15);
            let before = SignedDuration::from_mins(minutes);
            let fires = start.saturating_sub(before).unwrap_or(start);
            let (name, zone) = match &call.prefer.time_zone {
                Some((name, zone)) => (name.as_str(), zone.clone()),
                None => ("UTC", jiff::tz::TimeZone::UTC),
            };
            found.push(json!({
                "eventId": event["id"],
                "eventStartTime": event["start"],
                "eventEndTime": event["end"],
                "changeKey": event["changeKey"],
                "eventSubject": event["subject"],
                "eventLocation": event["location"],
                "eventWebLink": event["webLink"],
                "reminderFireTime": time_zone::in_zone(fires, name, &zone),
            }));
        }
    }
    Ok(found)
}

/// An event or an occurrence at its time.
pub(super) struct Happening<'a> {
    pub(super) item: &'a Item,
    /// Its members as they are stored.
    pub(super) event: Properties,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// The event that the path names, and the day of its occurrence if it names one.
fn named<'c>(
    call: &Call<'_>,
    contents: &'c Contents,
) -> Result<(&'c Item, Option<i64>), GraphError> {
    if let Ok(ItemKey::Occurrence { item, day }) =
        contents.ids().decode(call.parameters.get("event"))
    {
        let item = contents
            .events
            .get(&item)
            .filter(|item| Occurrence::on(&item.properties(), day).is_some())
            .ok_or_else(GraphError::item_not_found)?;
        return Ok((item, Some(day)));
    }
    find(call, contents).map(|item| (item, None))
}

/// The event that the path names.
pub(super) fn find<'c>(call: &Call<'_>, contents: &'c Contents) -> Result<&'c Item, GraphError> {
    let item = contents
        .find(&contents.events, call.parameters.get("event"))
        .map_err(of_id)?
        .and_then(|key| contents.events.get(&key))
        .ok_or_else(GraphError::item_not_found)?;
    match calendar_of(call, contents)? {
        Some(calendar) if item.folder != calendar => Err(GraphError::item_not_found()),
        _ => Ok(item),
    }
}

struct Shown<'a> {
    item: &'a Item,
    occurrence: Option<Occurrence>,
}

struct Events<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    items: Vec<Shown<'a>>,
}

impl<'a> Source for Events<'a> {
    type Item = Shown<'a>;

    fn items(&self) -> &[Shown<'a>] {
        &self.items
    }

    fn render(&self, shown: &Shown<'a>) -> Properties {
        // Stored times have been checked when they were stored.
        document(
            self.call,
            self.contents,
            shown.item,
            shown.occurrence.as_ref(),
        )
        .unwrap_or_default()
    }

    fn expand(&self, shown: &Shown<'a>, expand: &Expand) -> Result<Option<Value>, GraphError> {
        expanded(self.call, self.contents, shown.item, expand).map(Some)
    }
}

fn listing(call: &Call<'_>, set: &str) -> Listing<'static> {
    Listing {
        of: "event",
        set: call.set(set),
        page: 10,
        most: 1000,
        searched: &[],
        aliases: &[],
    }
}

fn shown(
    call: &Call<'_>,
    contents: &Contents,
    key: u64,
    day: Option<i64>,
) -> Result<Reply, GraphError> {
    let item = contents
        .events
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    let occurrence = day.and_then(|day| Occurrence::on(&item.properties(), day));
    let document = document(call, contents, item, occurrence.as_ref())?;
    let reply = call.entity(&call.set("events"), "event", document)?;
    with_expanded(call, contents, item, reply)
}

/// The answer with what `$expand` adds.
fn with_expanded(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    mut reply: Reply,
) -> Result<Reply, GraphError> {
    if let Payload::Json(Value::Object(map)) = &mut reply.payload {
        let others = call.query.expand.iter();
        for expand in others.filter(|it| !extended::is_one(&it.name)) {
            map.insert(expand.name.clone(), expanded(call, contents, item, expand)?);
        }
    }
    Ok(reply)
}

fn expanded(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    expand: &Expand,
) -> Result<Value, GraphError> {
    let name = &expand.name;
    if name.eq_ignore_ascii_case("attachments") {
        attachments::all(call, contents, item, expand)
    } else if name.eq_ignore_ascii_case("exceptionOccurrences") {
        let series = item.properties();
        Exceptions::of(&series)
            .changed()
            .filter_map(|day| Occurrence::on(&series, day))
            .map(|it| {
                let document = document(call, contents, item, Some(&it))?;
                let select = expand.select.as_deref();
                collection::selected(call, "event", document, select).map(Value::Object)
            })
            .collect()
    } else {
        Err(GraphError::expand_not_supported(name).not_in_the_mock(format!("$expand={name}")))
    }
}

/// The calendar that the path names, if it names one.
fn calendar_of(call: &Call<'_>, contents: &Contents) -> Result<Option<u64>, GraphError> {
    let default = call.path.to_ascii_lowercase().contains("/calendar/");
    if default || call.parameters.find("calendar").is_some() {
        calendars::find(call, contents).map(Some)
    } else {
        Ok(None)
    }
}

/// `startDateTime` and `endDateTime`: with an offset, otherwise in UTC.
fn window(call: &Call<'_>) -> Result<(Timestamp, Timestamp), GraphError> {
    let instant = |name: &str| {
        // A plus sign of an offset arrives as a space where a client does not encode it.
        let text = call.parameter(name).unwrap_or("").trim().replace(' ', "+");
        if text.is_empty() {
            // Unverified: the text.
            return Err(GraphError::invalid_parameter(
                "This request requires a time window specified by the query string parameters \
                 StartDateTime and EndDateTime.",
            ));
        }
        text.parse::<Timestamp>()
            .or_else(|_| time_zone::instant(&json!({"dateTime": text, "timeZone": "UTC"})))
            .map_err(|_| {
                GraphError::invalid_parameter(format!(
                    "The value '{text}' of parameter '{name}' is invalid."
                ))
            })
    };
    let (from, to) = (instant("startDateTime")?, instant("endDateTime")?);
    if to < from {
        return Err(GraphError::invalid_parameter(
            "The end of the time window lies before its start.",
        ));
    }
    if to.duration_since(from) > MAX_WINDOW {
        // Source: microsoftgraph/microsoft-graph-docs#6284.
        return Err(GraphError::invalid_request(
            "Your request can't be completed. The range between the start and end dates is \
             greater than the allowed range. Maximum number of days: 1825",
        ));
    }
    Ok((from, to))
}

/// An event's occurrences in a window, each with its start; a single event is its own.
fn within(
    item: &Item,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp, Shown<'_>)>, GraphError> {
    let properties = item.properties();
    let start = time_zone::instant(&properties["start"])?;
    let end = time_zone::instant(&properties["end"])?;
    let touches = |start: Timestamp, end: Timestamp| start < to && (end > from || start >= from);
    let recurrence = properties.get("recurrence").filter(|it| it.is_object());
    let Some(recurrence) = recurrence else {
        let single = touches(start, end).then_some((
            start,
            Shown {
                item,
                occurrence: None,
            },
        ));
        return Ok(single.into_iter().collect());
    };
    let length = end.duration_since(start);
    let utc = |time: Timestamp| jiff::tz::TimeZone::UTC.to_datetime(time).date();
    let day = |days: i64| SignedDuration::from_hours(24 * days);
    let first = utc(from
        .saturating_sub(length)
        .and_then(|it| it.saturating_sub(day(1)))
        .unwrap_or(from));
    let last = utc(to.saturating_add(day(1)).unwrap_or(to));
    let exceptions = Exceptions::of(&properties);
    let mut days = occurrences(recurrence, first, last)
        .map_err(|error| GraphError::invalid_request(format!("{error}.")))?;
    // What was moved may come from far away.
    for date in exceptions.changed().filter_map(date_of) {
        if !days.contains(&date) {
            days.push(date);
        }
    }
    Ok(days
        .into_iter()
        .filter_map(|day| {
            let occurrence = Occurrence::of(&properties, &exceptions, day)?;
            touches(occurrence.start, occurrence.end).then(|| {
                (
                    occurrence.start,
                    Shown {
                        item,
                        occurrence: Some(occurrence),
                    },
                )
            })
        })
        .collect())
}

fn organized(properties: &Properties) -> bool {
    properties
        .get("isOrganizer")
        .and_then(Value::as_bool)
        .unwrap_or(true)
}

/// Source: learn.microsoft.com/graph/api/user-list-calendarview.
pub(super) const MAX_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 1825);
