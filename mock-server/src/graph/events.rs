//! Events: list, get, create, change, delete, answer; calendar views with occurrences.

mod complete;
mod document;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::document::{Occurrence, document};
use super::call::{Call, Payload, Reply};
use super::collection::{self, Listing, Source};
use super::error::GraphError;
use super::message::merge;
use super::messages::of_id;
use super::odata::query::Expand;
use super::{attachments, calendars, time_zone};
use crate::mailbox::{Contents, Item, ItemKey, Properties, occurrences};

/// `GET …/events`: single events and series, no occurrences.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let calendar = calendar_of(call, contents)?;
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
        if let Ok(ItemKey::Occurrence { item, day }) =
            contents.ids().decode(call.parameters.get("event"))
        {
            let item = contents
                .events
                .get(&item)
                .ok_or_else(GraphError::item_not_found)?;
            let occurrence = Occurrence::on(item, day).ok_or_else(GraphError::item_not_found)?;
            let document = document(call, contents, item, Some(occurrence))?;
            let reply = call.entity(&call.set("events"), "event", document)?;
            return with_expanded(call, contents, item, reply);
        }
        let item = find(call, contents)?;
        if call.not_modified(&contents.ids().change_key(item.change)) {
            return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
        }
        shown(call, contents, item.key)
    })
}

/// `POST …/events`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut body = call.object("event")?;
    complete::complete(call, &mut body)?;
    complete::defaults(call, &mut body);
    complete::agree(&mut body)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let calendar = calendars::find(call, contents)?;
        // The same transaction makes one event only.
        // Source: learn.microsoft.com/graph/api/resources/event, transactionId.
        if let Some(transaction) = body.get("transactionId").filter(|it| it.is_string()) {
            let known = contents
                .events
                .values()
                .find(|item| item.properties().get("transactionId") == Some(transaction))
                .map(|item| item.key);
            if let Some(key) = known {
                return shown(call, contents, key);
            }
        }
        body.insert("organizer".to_owned(), contents.owner.person.recipient());
        let item = contents.make_item(calendar, &body, call.now);
        let key = item.key;
        contents.events.insert(key, item);
        shown(call, contents, key)
    })
}

/// `PATCH …/events/{id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut changes = call.object("event")?;
    complete::complete(call, &mut changes)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        let key = item.key;
        let mut properties = item.properties();
        for (name, value) in changes {
            match name.as_str() {
                _ if value.is_null() => {
                    // An event has always a beginning and an end.
                    if name != "start" && name != "end" {
                        properties.shift_remove(&name);
                    }
                }
                "start" | "end" => {
                    merge(properties.entry(name).or_insert_with(|| json!({})), value);
                }
                _ => {
                    properties.insert(name, value);
                }
            }
        }
        complete::agree(&mut properties)?;
        contents.change_item(
            |it| &mut it.events,
            key,
            call.now,
            |item| {
                item.set_properties(&properties);
            },
        );
        shown(call, contents, key)
    })
}

/// `DELETE …/events/{id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        let key = item.key;
        contents.events.remove(&key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `POST …/events/{id}/accept`, `/tentativelyAccept`, `/decline`.
pub(super) fn respond(call: &Call<'_>, response: &'static str) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    action.text("comment")?;
    action.boolean("sendResponse", true)?;
    action.take("proposedNewTime");
    action.finish(response)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        let (key, mut properties) = (item.key, item.properties());
        if organized(&properties) {
            // Source: learn.microsoft.com/graph/api/event-accept (400). Unverified: the text.
            return Err(GraphError::invalid_request(
                "Your request can't be completed. You can't respond to this meeting because you're \
             the meeting organizer.",
            ));
        }
        let time = time_zone::ticks(call.now);
        properties.insert(
            "responseStatus".to_owned(),
            json!({"response": response, "time": time}),
        );
        if response == "declined" {
            contents.events.remove(&key);
        } else {
            contents.change_item(
                |it| &mut it.events,
                key,
                call.now,
                |item| {
                    item.set_properties(&properties);
                },
            );
        }
        Ok(Reply::empty(StatusCode::ACCEPTED))
    })
}

/// `POST …/events/{id}/cancel`.
pub(super) fn cancel(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    action.text("comment")?;
    action.finish("cancel")?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        if !organized(&item.properties()) {
            // Unverified: the text.
            return Err(GraphError::invalid_request(
                "You need to be an organizer to cancel a meeting.",
            ));
        }
        let key = item.key;
        contents.events.remove(&key);
        Ok(Reply::empty(StatusCode::ACCEPTED))
    })
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
        document(self.call, self.contents, shown.item, shown.occurrence).unwrap_or_default()
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

fn shown(call: &Call<'_>, contents: &Contents, key: u64) -> Result<Reply, GraphError> {
    let item = contents
        .events
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    let document = document(call, contents, item, None)?;
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
        for expand in &call.query.expand {
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
    let days = occurrences(recurrence, first, last)
        .map_err(|error| GraphError::invalid_request(format!("{error}.")))?;
    Ok(days
        .into_iter()
        .filter_map(|day| {
            let occurrence = Occurrence::of(item, day)?;
            touches(occurrence.start, occurrence.end).then_some((
                occurrence.start,
                Shown {
                    item,
                    occurrence: Some(occurrence),
                },
            ))
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
const MAX_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 1825);
