//! An event, or an occurrence of a series, as a document.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::complete::nowhere;
use crate::graph::access::Reach;
use crate::graph::call::Call;
use crate::graph::endpoint::Operation;
use crate::graph::error::GraphError;
use crate::graph::message::{id_of, outlook_host, preferred};
use crate::graph::{text, time_zone};
use crate::mailbox::{Contents, Item, ItemKey, Properties, occurrences};

/// One occurrence of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    /// When it begins.
    pub(super) start: Timestamp,
    /// When it ends.
    pub(super) end: Timestamp,
    day: i64,
}

impl Occurrence {
    /// The occurrence of a series on a day of its own time zone.
    pub(super) fn of(item: &Item, date: Date) -> Option<Self> {
        let properties = item.properties();
        let start = time_zone::instant(&properties["start"]).ok()?;
        let end = time_zone::instant(&properties["end"]).ok()?;
        let zone = time_zone::find(properties["start"]["timeZone"].as_str().unwrap_or("UTC"))?;
        let first = zone.to_datetime(start);
        let moved = zone.to_timestamp(date.to_datetime(first.time())).ok()?;
        let end = moved.checked_add(end.duration_since(start)).ok()?;
        let since = date.since(EPOCH).ok()?;
        Some(Self {
            start: moved,
            end,
            day: i64::from(since.get_days()),
        })
    }

    /// The day on which it begins.
    fn date(self) -> Date {
        let days = jiff::Span::new().try_days(self.day);
        // The day was counted from there.
        days.and_then(|days| EPOCH.checked_add(days))
            .unwrap_or(EPOCH)
    }

    /// The occurrence by its day, if there is one then.
    pub(super) fn on(item: &Item, day: i64) -> Option<Self> {
        let days = jiff::Span::new().try_days(day).ok()?;
        let date = EPOCH.checked_add(days).ok()?;
        let found = occurrences(item.properties().get("recurrence")?, date, date).ok()?;
        found
            .contains(&date)
            .then(|| Self::of(item, date))
            .flatten()
    }
}

/// The document, in the order in which Graph writes it.
pub(super) fn document(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    occurrence: Option<Occurrence>,
) -> Result<Properties, GraphError> {
    let ids = contents.ids();
    let stored = item.properties();
    let get = |name: &str, default: Value| stored.get(name).cloned().unwrap_or(default);
    let series = stored.get("recurrence").is_some_and(Value::is_object);
    let id = match occurrence {
        Some(occurrence) => ids.encode(ItemKey::Occurrence {
            item: item.key,
            day: occurrence.day,
        }),
        None => id_of(call, contents, item),
    };
    let kind = match (occurrence.is_some(), series) {
        (true, _) => "occurrence",
        (false, true) => "seriesMaster",
        (false, false) => "singleInstance",
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
    let uid = format!(
        "040000008200E00074C5B7101A82E008{:032X}",
        u128::from(item.key)
    );
    put("iCalUId", get("iCalUId", json!(uid)));
    put("uid", get("iCalUId", json!(uid)));
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
        series && occurrence.is_none(),
        &mut found,
    );
    Ok(found)
}

/// Members that some answers have, and others have not.
fn only_where_shown(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    master: bool,
    found: &mut Properties,
) {
    // Only a GET of a series by its id has them, if they are selected.
    // Source: learn.microsoft.com/graph/api/resources/event.
    let single = call.endpoint.operation == Operation::GetEvent;
    if single && master {
        found.insert("cancelledOccurrences".to_owned(), json!([]));
    }
    found.insert("originalStart".to_owned(), Value::Null);
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
