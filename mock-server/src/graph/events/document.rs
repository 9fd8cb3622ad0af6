//! An event, or an occurrence of a series, as a document.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::attendance;
use super::complete::nowhere;
use super::series::Exceptions;
use crate::graph::access::Reach;
use crate::graph::call::Call;
use crate::graph::endpoint::Operation;
use crate::graph::error::GraphError;
use crate::graph::message::{id_of, outlook_host, preferred};
use crate::graph::{extended, text, time_zone};
use crate::mailbox::{Contents, Item, ItemKey, Properties, occurrences, seconds};

/// One occurrence of a series.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Occurrence {
    /// When it begins.
    pub(super) start: Timestamp,
    /// When it ends.
    pub(super) end: Timestamp,
    /// When it would begin by the pattern.
    pub(super) original: Timestamp,
    /// The day on which it would be, since 1970.
    pub(super) day: i64,
    /// The members that it has of its own, if it was changed.
    pub(super) own: Option<Properties>,
}

impl Occurrence {
    /// The occurrence of a series, as it is stored, on a day of its own time zone; none where it was
    /// taken out.
    pub(super) fn of(series: &Properties, exceptions: &Exceptions, date: Date) -> Option<Self> {
        let day = i64::from(date.since(EPOCH).ok()?.get_days());
        if exceptions.is_gone(day) {
            return None;
        }
        let start = time_zone::instant(&series["start"]).ok()?;
        let end = time_zone::instant(&series["end"]).ok()?;
        let zone = time_zone::find(series["start"]["timeZone"].as_str().unwrap_or("UTC"))?;
        let first = zone.to_datetime(start);
        let original = zone.to_timestamp(date.to_datetime(first.time())).ok()?;
        let own = exceptions.members(day).cloned();
        let moved = |name: &str| {
            let value = own.as_ref()?.get(name)?;
            time_zone::instant(value).ok()
        };
        let length = end.duration_since(start);
        Some(Self {
            start: moved("start").unwrap_or(original),
            end: match moved("end") {
                Some(end) => end,
                None => original.checked_add(length).ok()?,
            },
            original,
            day,
            own,
        })
    }

    /// The day on which it would be.
    pub(super) fn date(&self) -> Date {
        date_of(self.day).unwrap_or(EPOCH)
    }

    /// The occurrence by its day, if there is one then.
    pub(super) fn on(series: &Properties, day: i64) -> Option<Self> {
        let date = date_of(day)?;
        let found = occurrences(series.get("recurrence")?, date, date).ok()?;
        found
            .contains(&date)
            .then(|| Self::of(series, &Exceptions::of(series), date))
            .flatten()
    }
}

/// The date of a day since 1970.
pub(super) fn date_of(day: i64) -> Option<Date> {
    let days = jiff::Span::new().try_days(day).ok()?;
    EPOCH.checked_add(days).ok()
}

/// The document, in the order in which Graph writes it.
pub(in crate::graph) fn document(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    occurrence: Option<&Occurrence>,
) -> Result<Properties, GraphError> {
    let ids = contents.ids();
    let mut stored = item.properties();
    let exceptions = Exceptions::of(&stored);
    let series = stored.get("recurrence").is_some_and(Value::is_object);
    stored.extend(occurrence.and_then(|it| it.own.clone()).unwrap_or_default());
    let stored = stored;
    let get = |name: &str, default: Value| stored.get(name).cloned().unwrap_or(default);
    let id = match occurrence {
        Some(occurrence) => ids.encode(ItemKey::Occurrence {
            item: item.key,
            day: occurrence.day,
        }),
        None => id_of(call, contents, item),
    };
    let kind = match (occurrence, series) {
        (Some(Occurrence { own: Some(_), .. }), _) => "exception",
        (Some(_), _) => "occurrence",
        (None, true) => "seriesMaster",
        (None, false) => "singleInstance",
    };
    let (start, end) = match occurrence {
        Some(occurrence) => (occurrence.start, occurrence.end),
        None => (
            time_zone::instant(&stored["start"])?,
            time_zone::instant(&stored["end"])?,
        ),
    };
    let (zone_name, zone) = match &call.prefer.time_zone {
        Some((name, zone)) => (name.clone(), zone.clone()),
        None => ("UTC".to_owned(), TimeZone::UTC),
    };
    let all_day = get("isAllDay", json!(false));
    // All-day events keep their dates whatever the zone.
    let at = |time: Timestamp, stored: &Value| {
        if all_day == json!(true) {
            let own = time_zone::find(stored["timeZone"].as_str().unwrap_or("UTC"));
            let local = own.unwrap_or(TimeZone::UTC).to_datetime(time);
            json!({"dateTime": time_zone::written(local), "timeZone": zone_name})
        } else {
            time_zone::in_zone(time, &zone_name, &zone)
        }
    };
    let change_key = ids.change_key(item.change);
    let fine = |time: Timestamp| json!(time_zone::ticks(time));
    let host = outlook_host(call);
    let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
    let online = get("isOnlineMeeting", json!(false));
    let zone_of = |name: &str| {
        stored
            .get(name)
            .map_or(json!("UTC"), |it| it["timeZone"].clone())
    };
    let body = get("body", json!({"contentType": "html", "content": ""}));
    let mut found = Properties::new();
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    put("@odata.etag", json!(format!("W/\"{change_key}\"")));
    put("id", json!(id));
    put("createdDateTime", fine(item.created));
    put("lastModifiedDateTime", fine(item.modified));
    put("changeKey", json!(change_key));
    put("categories", get("categories", json!([])));
    put("transactionId", get("transactionId", Value::Null));
    put(
        "originalStartTimeZone",
        get("originalStartTimeZone", zone_of("start")),
    );
    put(
        "originalEndTimeZone",
        get("originalEndTimeZone", zone_of("end")),
    );
    let uid = attendance::uid(&stored, item.key);
    put("iCalUId", json!(uid));
    put("uid", json!(uid));
    put(
        "reminderMinutesBeforeStart",
        get("reminderMinutesBeforeStart", json!(15)),
    );
    put("isReminderOn", get("isReminderOn", json!(true)));
    put("hasAttachments", json!(!item.attachments.is_empty()));
    put("subject", get("subject", json!("")));
    if call.reach == Reach::Full {
        put("bodyPreview", json!(text::preview(&body)));
    }
    for (name, default) in [
        ("importance", json!("normal")),
        ("sensitivity", json!("normal")),
        ("isAllDay", json!(false)),
        ("isCancelled", json!(false)),
        ("isOrganizer", json!(true)),
        ("responseRequested", json!(true)),
    ] {
        put(name, get(name, default));
    }
    let master = occurrence.map(|_| id_of(call, contents, item));
    put("seriesMasterId", json!(master.as_deref()));
    put("showAs", get("showAs", json!("busy")));
    put("type", json!(kind));
    put(
        "webLink",
        json!(format!(
            "https://{host}/owa/?itemid={encoded}&exvsurl=1&path=/calendar/item"
        )),
    );
    put("onlineMeetingUrl", Value::Null);
    put("isOnlineMeeting", online.clone());
    let provider = if online == json!(true) {
        "teamsForBusiness"
    } else {
        "unknown"
    };
    put(
        "onlineMeetingProvider",
        get("onlineMeetingProvider", json!(provider)),
    );
    put(
        "allowNewTimeProposals",
        get("allowNewTimeProposals", json!(true)),
    );
    // Source of the form: learn.microsoft.com/graph/api/resources/event (beta).
    let occurrence_id = occurrence
        .zip(master)
        .map(|(occurrence, master)| format!("OID.{master}.{}", occurrence.date()));
    put("occurrenceId", json!(occurrence_id));
    put("isDraft", json!(item.draft));
    put("hideAttendees", get("hideAttendees", json!(false)));
    put(
        "responseStatus",
        get(
            "responseStatus",
            json!({"response": "organizer", "time": "0001-01-01T00:00:00Z"}),
        ),
    );
    if call.reach == Reach::Full {
        put("body", preferred(call, body));
    }
    put("start", at(start, &stored["start"]));
    put("end", at(end, &stored["end"]));
    put("location", get("location", nowhere()));
    put("locations", get("locations", json!([])));
    put(
        "recurrence",
        if occurrence.is_some() {
            Value::Null
        } else {
            get("recurrence", Value::Null)
        },
    );
    put("attendees", get("attendees", json!([])));
    put(
        "organizer",
        get("organizer", contents.owner.person.recipient()),
    );
    put(
        "onlineMeeting",
        if online == json!(true) {
            json!({"joinUrl": format!("https://teams.example/l/meetup-join/{:x}", item.key)})
        } else {
            Value::Null
        },
    );
    only_where_shown(
        call,
        contents,
        item,
        (series && occurrence.is_none()).then_some(&exceptions),
        occurrence,
        &mut found,
    );
    extended::attach(call, "event", item, &mut found);
    Ok(found)
}

/// Members that some answers have, and others have not.
fn only_where_shown(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    exceptions: Option<&Exceptions>,
    occurrence: Option<&Occurrence>,
    found: &mut Properties,
) {
    // Only a GET of a series by its id has them, if they are selected.
    // Source: learn.microsoft.com/graph/api/resources/event.
    let single = call.endpoint.operation == Operation::GetEvent;
    if let (true, Some(exceptions)) = (single, exceptions) {
        let master = id_of(call, contents, item);
        let gone: Vec<String> = exceptions
            .gone()
            .filter_map(date_of)
            .map(|date| format!("OID.{master}.{date}"))
            .collect();
        found.insert("cancelledOccurrences".to_owned(), json!(gone));
    }
    let original = occurrence.map(|it| seconds(it.original));
    found.insert("originalStart".to_owned(), json!(original));
    // A view leads to no calendar; the calendar of an event by itself does.
    // Source: allodia-eu/email-calendar-sync-engine, fixtures/calendar/event_online_meeting.json
    // (from a view), event_single.json (from a list).
    let view = matches!(
        call.endpoint.operation,
        Operation::CalendarView | Operation::ListEventInstances
    );
    if !view {
        let key = call.target.as_ref().map_or("", |it| it.key.as_str());
        let calendar = contents.ids().encode(ItemKey::Folder(item.folder));
        let link = format!("{}/users('{key}')/calendars('{calendar}')", call.root());
        found.insert(
            "calendar@odata.associationLink".to_owned(),
            json!(format!("{link}/$ref")),
        );
        found.insert("calendar@odata.navigationLink".to_owned(), json!(link));
    }
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);
