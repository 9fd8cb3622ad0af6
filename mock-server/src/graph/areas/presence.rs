//! Presence: sessions that apps set, and what a person prefers.
//!
//! Sources: learn.microsoft.com/graph/api/resources/presence, /presence-setpresence,
//! /presence-clearpresence, /presence-setuserpreferredpresence, /presence-setstatusmessage,
//! /cloudcommunications-getpresencesbyuserid.

use axum::http::StatusCode;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

use crate::graph::call::{Call, Reply};
use crate::graph::collection::{self, members};
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, Subject, text};
use crate::mailbox::Properties;

/// What presence adds.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        presets: Some(everybody),
        show: Some(show),
        operations: &[
            ("setPresence", set),
            ("clearPresence", clear),
            ("setUserPreferredPresence", prefer),
            ("clearUserPreferredPresence", clear_preferred),
            ("setStatusMessage", set_message),
        ],
        ..Behaviour::of("presence")
    },
    Behaviour {
        operations: &[("getPresencesByUserId", by_ids)],
        ..Behaviour::of("cloudCommunications")
    },
];

/// Everybody has a presence: a person's own, and those of `/communications/presences`.
fn everybody(call: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if let Some(user) = owner(collection) {
        let unset = Properties::from_iter([("id".to_owned(), json!(user))]);
        return vec![(String::new(), unset)];
    }
    let all = call.tenant.read(|directory| {
        let users = directory.users.values().filter(|it| it.deleted.is_none());
        users.map(|it| it.id.to_string()).collect::<Vec<_>>()
    });
    all.into_iter()
        .map(|id| (id.clone(), stored(call, &id)))
        .collect()
}

/// Whose presence a place has.
fn owner(collection: &str) -> Option<&str> {
    collection
        .strip_prefix("users/")?
        .strip_suffix("/presence")
        .filter(|it| !it.contains('/'))
}

fn stored(call: &Call<'_>, user: &str) -> Properties {
    let collection = format!("users/{user}/presence");
    let place = Subject::of(&collection, "");
    let mut found = place.properties(call).unwrap_or_default();
    found.insert("id".to_owned(), json!(user));
    found
}

/// What follows from sessions, and from what the person prefers while there is one.
fn show(call: &Call<'_>, _: &Subject<'_>, shown: &mut Properties) {
    let sessions = members(shown.shift_remove(SESSIONS).unwrap_or_default());
    let preferred = shown.shift_remove(PREFERRED).unwrap_or_default();
    let is_live = |it: &&Value| time(it, "until").is_some_and(|until| until > call.now);
    let of_sessions = sessions
        .values()
        .filter(is_live)
        .map(|it| faded(call, it))
        .min_by_key(|(availability, _)| {
            RANKS
                .iter()
                .position(|rank| rank == availability)
                .unwrap_or(RANKS.len())
        });
    let pair = |it: &Value| {
        let part = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        (part("availability"), part("activity"))
    };
    let (availability, activity) = match of_sessions {
        None => ("Offline".to_owned(), "Offline".to_owned()),
        Some(_) if is_live(&&preferred) => pair(&preferred),
        Some(found) => found,
    };
    shown.insert("availability".to_owned(), json!(availability));
    shown.insert("activity".to_owned(), json!(activity));
    if shown.get("outOfOfficeSettings").is_some_and(Value::is_null) {
        let none = json!({"message": null, "isOutOfOffice": false});
        shown.insert("outOfOfficeSettings".to_owned(), none);
    }
}

/// A session that says Available fades: idle after five minutes, away after ten.
fn faded(call: &Call<'_>, session: &Value) -> (String, String) {
    let part = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    let since =
        time(session, "since").map_or(SignedDuration::ZERO, |it| call.now.duration_since(it));
    let minutes = since.as_mins();
    match part("availability").as_str() {
        "Available" if minutes >= 10 => ("Away".to_owned(), "Away".to_owned()),
        // Unverified: how it is shown.
        "Available" if minutes >= 5 => ("AvailableIdle".to_owned(), "Inactive".to_owned()),
        availability => (availability.to_owned(), part("activity")),
    }
}

fn time(value: &Value, name: &str) -> Option<Timestamp> {
    value[name].as_str()?.parse().ok()
}

/// `POST …/presence/setPresence`.
fn set(call: &Call<'_>, presence: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let session = action.text("sessionId")?;
    let session = session.ok_or_else(|| invalid("sessionId"))?;
    let state = state(call, &mut action, &PAIRS, Some("PT5M"))?;
    action.finish("setPresence")?;
    presence.change(call, |it| {
        let sessions = it.entry(SESSIONS).or_insert_with(|| json!({}));
        sessions[session] = state;
    })?;
    Ok(Reply::empty(StatusCode::OK))
}

/// `POST …/presence/setUserPreferredPresence`.
fn prefer(call: &Call<'_>, presence: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let state = state(call, &mut action, &PREFERABLE, None)?;
    action.finish("setUserPreferredPresence")?;
    presence.change(call, |it| {
        it.insert(PREFERRED.to_owned(), state);
    })?;
    Ok(Reply::empty(StatusCode::OK))
}

/// The pair that an action sets, and until when.
fn state(
    call: &Call<'_>,
    action: &mut crate::graph::call::Action,
    pairs: &[(&str, &str)],
    default: Option<&str>,
) -> Result<Value, GraphError> {
    let availability = action.text("availability")?;
    let activity = action.text("activity")?;
    let pair = availability.as_deref().zip(activity.as_deref());
    let pair = pair.filter(|pair| pairs.contains(pair));
    let (availability, activity) = pair.ok_or_else(|| invalid("availability and activity"))?;
    let length = action.text("expirationDuration")?;
    let length = match length.as_deref().or(default) {
        Some(text) => {
            let span: Option<Span> = text.parse().ok();
            span.and_then(|it| {
                it.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
                    .ok()
            })
        }
        // Source: presence-setuserpreferredpresence: a day, and seven days otherwise.
        None if matches!(availability, "Busy" | "DoNotDisturb") => {
            Some(SignedDuration::from_hours(24))
        }
        None => Some(SignedDuration::from_hours(24 * 7)),
    };
    let fits = |it: &SignedDuration| {
        // Source: presence-setpresence: from 5 to 240 minutes.
        default.is_none() && it.is_positive() || (5..=240).contains(&it.as_mins())
    };
    let until = length
        .filter(fits)
        .and_then(|it| call.now.checked_add(it).ok());
    let until = until.ok_or_else(|| invalid("expirationDuration"))?;
    Ok(json!({
        "availability": availability, "activity": activity, "since": call.now, "until": until,
    }))
}

/// `POST …/presence/clearPresence`: the session of an app is over.
fn clear(call: &Call<'_>, presence: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let session = action.text("sessionId")?;
    let session = session.ok_or_else(|| invalid("sessionId"))?;
    action.finish("clearPresence")?;
    let mut gone = false;
    presence.change(call, |it| {
        let sessions = it.get_mut(SESSIONS).and_then(Value::as_object_mut);
        gone = sessions.is_some_and(|it| it.shift_remove(&session).is_some());
    })?;
    if gone {
        Ok(Reply::empty(StatusCode::OK))
    } else {
        // Unverified: code and text.
        Err(GraphError::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            "The presence session is not found.",
        ))
    }
}

/// `POST …/presence/clearUserPreferredPresence`: twice is good, too.
fn clear_preferred(call: &Call<'_>, presence: &Subject<'_>) -> Result<Reply, GraphError> {
    presence.change(call, |it| {
        it.shift_remove(PREFERRED);
    })?;
    Ok(Reply::empty(StatusCode::OK))
}

/// `POST …/presence/setStatusMessage`.
fn set_message(call: &Call<'_>, presence: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let message = action.take("statusMessage");
    action.finish("setStatusMessage")?;
    let mut message = members(message.ok_or_else(|| invalid("statusMessage"))?);
    message.insert("publishedDateTime".to_owned(), json!(call.now));
    presence.change(call, |it| {
        it.insert("statusMessage".to_owned(), Value::Object(message));
    })?;
    Ok(Reply::empty(StatusCode::OK))
}

/// `POST /communications/getPresencesByUserId`: who is unknown has an unknown presence.
fn by_ids(call: &Call<'_>, _: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let ids = action.take("ids");
    action.finish("getPresencesByUserId")?;
    let ids = ids.as_ref().and_then(Value::as_array);
    let ids = ids.filter(|it| !it.is_empty() && it.len() <= MOST);
    let ids = ids.ok_or_else(|| invalid("ids"))?;
    let found = ids.iter().filter_map(Value::as_str).map(|id| {
        let known = call
            .tenant
            .read(|it| it.user_by_id_or_name(id).map(|user| user.id.to_string()));
        let mut document = stored(call, known.as_deref().unwrap_or(id));
        if known.is_some() {
            show(call, &Subject::of("", ""), &mut document);
        } else {
            let unknown = json!("PresenceUnknown");
            document.insert("availability".to_owned(), unknown.clone());
            document.insert("activity".to_owned(), unknown);
        }
        let id = text(&document, "id").unwrap_or_default().to_owned();
        let mut shown = Properties::from_iter([("id".to_owned(), json!(id))]);
        shown.extend(document);
        collection::project(call, "presence", shown)
    });
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let context = format!(
        "{}/$metadata#Collection(microsoft.graph.presence)",
        call.root()
    );
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": found}),
    ))
}

/// Unverified: the text.
fn invalid(what: &str) -> GraphError {
    GraphError::bad_request(format!("The value of {what} is missing or not valid."))
}

const SESSIONS: &str = "@sessions";
const PREFERRED: &str = "@preferred";
/// How many ids a request may have. Unverified beyond the documentation's 650.
const MOST: usize = 650;
/// What counts most stands first.
const RANKS: [&str; 5] = ["DoNotDisturb", "Busy", "Available", "AvailableIdle", "Away"];

const PAIRS: [(&str, &str); 5] = [
    ("Available", "Available"),
    ("Away", "Away"),
    ("Busy", "InACall"),
    ("Busy", "InAConferenceCall"),
    ("DoNotDisturb", "Presenting"),
];

const PREFERABLE: [(&str, &str); 6] = [
    ("Available", "Available"),
    ("Away", "Away"),
    ("BeRightBack", "BeRightBack"),
    ("Busy", "Busy"),
    ("DoNotDisturb", "DoNotDisturb"),
    ("Offline", "OffWork"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn a_session_makes_a_presence_that_fades() {
        let bench = Bench::new();
        let app = bench.app_only(&["Presence.ReadWrite.All"]);
        let alice = bench.user("alice");
        let path = format!("/v1.0/users/{alice}/presence");
        let before = bench.get(&app, &path).await.expect(200);
        assert_eq!(before.body["availability"], "Offline");
        assert_eq!(before.body["id"], alice.to_string());
        let session = |availability: &str, activity: &str| {
            json!({"sessionId": "22553876-f5ab-4529-bffb-cfe50aa89f87", "availability": availability,
                   "activity": activity, "expirationDuration": "PT1H"})
        };
        let set = format!("{path}/setPresence");
        let wrong = bench.post(&app, &set, session("Busy", "Available")).await;
        wrong.refused(400);
        bench
            .post(&app, &set, session("Available", "Available"))
            .await
            .expect(200);
        let read = bench.get(&app, &path).await.expect(200);
        assert_eq!(
            (&read.body["availability"], &read.body["activity"]),
            (&json!("Available"), &json!("Available"))
        );
        let app = bench.app_only_after(
            jiff::SignedDuration::from_mins(11),
            &["Presence.ReadWrite.All"],
        );
        assert_eq!(
            bench.get(&app, &path).await.expect(200).body["availability"],
            "Away"
        );
        // What the person prefers counts while there is a session.
        let preferred = json!({"availability": "DoNotDisturb", "activity": "DoNotDisturb"});
        bench
            .post(&app, &format!("{path}/setUserPreferredPresence"), preferred)
            .await
            .expect(200);
        let ids = json!({"ids": [alice, "5f0bf3a7-0000-4000-8000-000000000000"]});
        let all = bench
            .post(&app, "/v1.0/communications/getPresencesByUserId", ids)
            .await
            .expect(200);
        assert_eq!(all.values()[0]["availability"], "DoNotDisturb");
        assert_eq!(all.values()[1]["availability"], "PresenceUnknown");
        let clear = json!({"sessionId": "22553876-f5ab-4529-bffb-cfe50aa89f87"});
        bench
            .post(&app, &format!("{path}/clearPresence"), clear.clone())
            .await
            .expect(200);
        bench
            .post(&app, &format!("{path}/clearPresence"), clear)
            .await
            .expect(404);
        let one = format!("/v1.0/communications/presences/{alice}");
        assert_eq!(
            bench.get(&app, &one).await.expect(200).body["availability"],
            "Offline"
        );
    }
}
