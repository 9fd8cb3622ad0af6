//! Time zones by their Windows and IANA names, and the `dateTimeTimeZone` type.
//!
//! The names are rows of `data/windows-time-zones.csv`. Source: Unicode CLDR, windowsZones.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::error::GraphError;

/// The time zone of a Windows or IANA name.
pub(crate) fn find(name: &str) -> Option<TimeZone> {
    let iana = WINDOWS
        .get(name.to_ascii_lowercase().as_str())
        .copied()
        .unwrap_or(name);
    TimeZone::get(iana).ok()
}

/// The Windows and IANA names of time zones, in the order of the table.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = include_str!("../../data/windows-time-zones.csv").lines();
    rows.skip(1).filter_map(|row| row.split_once(','))
}

/// The instant of a `dateTimeTimeZone`.
pub(crate) fn instant(value: &Value) -> Result<Timestamp, GraphError> {
    let text = value["dateTime"].as_str().unwrap_or("");
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let name = value["timeZone"].as_str().unwrap_or("UTC");
    let zone = find(name).ok_or_else(|| GraphError::unknown_time_zone(name))?;
    let local: DateTime = text.parse().map_err(|_| {
        GraphError::invalid_request(format!(
            "The value '{text}' of 'dateTime' is not a date and time."
        ))
    })?;
    zone.to_timestamp(local).map_err(|_| {
        GraphError::invalid_request(format!("The value '{text}' of 'dateTime' is out of range."))
    })
}

/// Whether a `dateTimeTimeZone` names the beginning of a day.
pub(crate) fn is_midnight(value: &Value) -> bool {
    let text = value["dateTime"].as_str().unwrap_or("");
    let local = text.trim_end_matches(['Z', 'z']).parse::<DateTime>();
    local.is_ok_and(|local| local.time() == jiff::civil::Time::midnight())
}

/// A moment with the digits that Exchange shows: up to seven, without zeros at the end.
pub(crate) fn ticks(time: Timestamp) -> String {
    let fraction = format!("{:07}", time.subsec_nanosecond().unsigned_abs() / 100);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction}Z", time.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// An instant as a `dateTimeTimeZone` in a zone.
pub(crate) fn in_zone(time: Timestamp, name: &str, zone: &TimeZone) -> Value {
    let local = zone.to_datetime(time);
    json!({"dateTime": written(local), "timeZone": name})
}

/// A local time with the seven digits that Graph shows.
pub(crate) fn written(local: DateTime) -> String {
    format!(
        "{}.{:07}",
        local.strftime("%Y-%m-%dT%H:%M:%S"),
        local.subsec_nanosecond() / 100
    )
}

static WINDOWS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let text = include_str!("../../data/windows-time-zones.csv");
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(windows, iana)| (windows.to_ascii_lowercase(), iana))
        .collect()
});
