//! What Outlook offers a person: time zones and languages; the reminders of a while.
//!
//! Sources: learn.microsoft.com/graph/api/outlookuser-supportedtimezones,
//! /outlookuser-supportedlanguages, /user-reminderview.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::directory::ObjectId;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, Subject};
use crate::graph::{events, time_zone};

/// What Outlook adds.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        operations: &[
            ("supportedTimeZones", time_zones),
            ("supportedLanguages", languages),
        ],
        ..Behaviour::of("outlookUser")
    },
    Behaviour {
        operations: &[("reminderView", reminders)],
        ..Behaviour::of("user")
    },
];

/// `GET …/outlook/supportedTimeZones`, by their Windows names, or by those of the IANA.
///
/// Unverified: the names that people see.
fn time_zones(call: &Call<'_>, outlook: &Subject<'_>) -> Result<Reply, GraphError> {
    let standard = outlook.argument(call, "TimeZoneStandard");
    let standard = standard.unwrap_or_else(|| "Windows".to_owned());
    let standard = standard
        .trim_start_matches("microsoft.graph.timeZoneStandard")
        .trim_matches('\'');
    let zone = |alias: &str, name: String| json!({"alias": alias, "displayName": name});
    let found: Vec<Value> = if standard.eq_ignore_ascii_case("iana") {
        let mut names: Vec<&str> = time_zone::names().map(|(_, iana)| iana).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|it| zone(it, it.to_owned()))
            .collect()
    } else if standard.eq_ignore_ascii_case("windows") {
        time_zone::names()
            .map(|(windows, _)| {
                let offset =
                    time_zone::find(windows).map_or(0, |it| it.to_offset(call.now).seconds());
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                let name = format!(
                    "(UTC{sign}{:02}:{:02}) {windows}",
                    minutes / 60,
                    minutes % 60
                );
                zone(windows, name)
            })
            .collect()
    } else {
        // Unverified: the text.
        return Err(GraphError::bad_request(format!(
            "The string '{standard}' is not a valid enumeration type constant."
        )));
    };
    Ok(listed(call, "timeZoneInformation", &found))
}

/// `GET …/outlook/supportedLanguages`.
fn languages(call: &Call<'_>, _: &Subject<'_>) -> Result<Reply, GraphError> {
    let rows = include_str!("../../../data/outlook-languages.csv")
        .lines()
        .skip(1);
    let found = rows.filter_map(|row| row.split_once(','));
    let found = found.map(|(locale, name)| json!({"locale": locale, "displayName": name}));
    let found: Vec<Value> = found.collect();
    if found.is_empty() {
        return Err(GraphError::item_not_found());
    }
    Ok(listed(call, "localeInfo", &found))
}

/// `GET …/reminderView(startDateTime=…,endDateTime=…)`: of the events of a while that remind.
fn reminders(call: &Call<'_>, user: &Subject<'_>) -> Result<Reply, GraphError> {
    let time = |name: &str| -> Result<Option<Timestamp>, GraphError> {
        let Some(text) = user.argument(call, name) else {
            return Ok(None);
        };
        let moment = text
            .parse()
            .or_else(|_| time_zone::instant(&json!({"dateTime": text, "timeZone": "UTC"})));
        moment.map(Some).map_err(|_| {
            GraphError::invalid_parameter(format!(
                "The value '{text}' of parameter '{name}' is invalid."
            ))
        })
    };
    let from = time("startDateTime")?.ok_or_else(|| {
        GraphError::invalid_parameter("The parameter 'startDateTime' is missing.")
    })?;
    // Unverified: that it is five years at most, as of calendar views.
    let most = from.saturating_add(events::MAX_WINDOW).unwrap_or(from);
    let to = time("endDateTime")?.map_or(most, |to| to.min(most));
    let owner: ObjectId = user.id.parse().map_err(|_| GraphError::item_not_found())?;
    let contents = call.mailbox_of(owner)?;
    let found = contents.read(|contents| events::reminders(call, contents, (from, to)))?;
    Ok(listed(call, "reminder", &found))
}

fn listed(call: &Call<'_>, of: &str, value: &[Value]) -> Reply {
    let context = format!("{}/$metadata#Collection(microsoft.graph.{of})", call.root());
    Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": value}),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn time_zones_and_languages_are_offered() {
        let bench = Bench::new();
        let alice = bench.delegated("alice", &["User.Read"]);
        let path = "/v1.0/me/outlook/supportedTimeZones";
        let windows = bench.get(&alice, path).await.expect(200);
        assert!(
            windows
                .values()
                .iter()
                .any(|it| it["alias"] == "Pacific Standard Time")
        );
        let named = format!("{path}(TimeZoneStandard=microsoft.graph.timeZoneStandard'Iana')");
        let iana = bench.get(&alice, &named).await.expect(200);
        assert!(
            iana.values()
                .iter()
                .any(|it| it["alias"] == "Europe/Berlin")
        );
        // An argument may stand behind an alias.
        let aliased =
            format!("{path}(TimeZoneStandard=@p)?@p=microsoft.graph.timeZoneStandard'Iana'");
        let again = bench.get(&alice, &aliased).await.expect(200);
        assert_eq!(again.values().len(), iana.values().len());
        let wrong = format!("{path}(TimeZoneStandard=microsoft.graph.timeZoneStandard'Sun')");
        bench.get(&alice, &wrong).await.expect(400);
        let languages = bench
            .get(&alice, "/v1.0/me/outlook/supportedLanguages")
            .await
            .expect(200);
        assert!(languages.values().iter().any(|it| it["locale"] == "de-DE"));
    }

    #[tokio::test]
    async fn reminders_are_those_of_events_that_remind() {
        let bench = Bench::new();
        let alice = bench.delegated("alice", &["Calendars.ReadWrite"]);
        for (subject, day, reminds) in [
            ("Near", "11", true),
            ("Silent", "11", false),
            ("Far", "20", true),
        ] {
            let at = |hour: &str| json!({"dateTime": format!("2026-03-{day}T{hour}:00:00"), "timeZone": "UTC"});
            let event = json!({"subject": subject, "start": at("10"), "end": at("11"),
                "isReminderOn": reminds, "reminderMinutesBeforeStart": 30});
            bench
                .post(&alice, "/v1.0/me/events", event)
                .await
                .expect(201);
        }
        let view = "/v1.0/me/reminderView(startDateTime='2026-03-11T00:00:00Z',endDateTime='2026-03-12T00:00:00Z')";
        let found = bench.get(&alice, view).await.expect(200);
        let subjects: Vec<_> = found
            .values()
            .iter()
            .map(|it| &it["eventSubject"])
            .collect();
        assert!(
            subjects.contains(&&json!("Near"))
                && !subjects.contains(&&json!("Silent"))
                && !subjects.contains(&&json!("Far"))
        );
        let near = found
            .values()
            .iter()
            .find(|it| it["eventSubject"] == "Near")
            .unwrap();
        assert_eq!(
            near["reminderFireTime"]["dateTime"],
            "2026-03-11T09:30:00.0000000"
        );
    }
}
