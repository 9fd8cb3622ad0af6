//! Answers to meetings, cancellations, forwards, reminders.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::attendance::{self, Answer, Meeting, News};
use super::series::Exceptions;
use super::{named, organized, write};
use crate::graph::call::{Call, Reply};
use crate::graph::endpoint::Workload;
use crate::graph::error::GraphError;
use crate::graph::{people, schema, time_zone};
use crate::mailbox::Properties;

/// `POST …/events/{id}/accept`, `/tentativelyAccept`, `/decline`: the organizer is told where the
/// request does not say otherwise.
pub(in crate::graph) fn respond(
    call: &Call<'_>,
    response: &'static str,
) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let comment = action.text("comment")?.unwrap_or_default();
    let send = action.boolean("sendResponse", true)?;
    let proposed = action.take("proposedNewTime");
    action.finish(response)?;
    if proposed.is_some() && (response == "accepted" || !send) {
        // Source: learn.microsoft.com/graph/api/event-tentativelyaccept (400). Unverified: the text.
        return Err(GraphError::invalid_request(
            "A new time can be proposed only with a response that declines or tentatively accepts.",
        ));
    }
    let contents = call.mailbox()?;
    let answer = contents.write(|contents| {
        let (item, day) = named(call, contents)?;
        let (key, mut event) = (item.key, item.properties());
        if organized(&event) {
            // Source: learn.microsoft.com/graph/api/event-accept (400). Unverified: the text.
            return Err(GraphError::invalid_request(
                "Your request can't be completed. You can't respond to this meeting because you're \
             the meeting organizer.",
            ));
        }
        let answer = send.then(|| Answer {
            uid: attendance::uid(&event, key),
            event: event.clone(),
            who: contents.owner.person.clone(),
            response,
            comment,
            proposed,
        });
        let time = time_zone::ticks(call.now);
        let status = json!({"response": response, "time": time});
        let shows = match response {
            "accepted" => json!("busy"),
            _ => json!("tentative"),
        };
        let members = [
            ("responseStatus".to_owned(), status),
            ("showAs".to_owned(), shows),
        ];
        match day {
            Some(day) => {
                let mut exceptions = Exceptions::of(&event);
                if response == "declined" {
                    exceptions.remove(day);
                } else {
                    exceptions.change(day, Properties::from_iter(members));
                }
                exceptions.store(&mut event);
                write::write(call, contents, key, &event);
            }
            None if response == "declined" => {
                contents.events.remove(&key);
            }
            None => {
                event.extend(members);
                write::write(call, contents, key, &event);
            }
        }
        Ok(answer)
    })?;
    if let Some(answer) = answer {
        answer.send(call);
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// `POST …/events/{id}/cancel`.
pub(in crate::graph) fn cancel(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let comment = action.text("comment")?.unwrap_or_default();
    action.finish("cancel")?;
    let contents = call.mailbox()?;
    let news = contents.write(|contents| {
        let (item, _) = named(call, contents)?;
        if !organized(&item.properties()) {
            // Unverified: the text.
            return Err(GraphError::invalid_request(
                "You need to be an organizer to cancel a meeting.",
            ));
        }
        write::remove(call, contents)
    })?;
    if let Some((mut meeting, news)) = news {
        meeting.comment = comment;
        meeting.send(call, news);
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// `POST …/events/{id}/forward`: whoever it goes to is invited.
pub(in crate::graph) fn forward(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let comment = action.text("comment")?.unwrap_or_default();
    let to = action.take("toRecipients").unwrap_or_else(|| json!([]));
    action.finish("forward")?;
    let body = Properties::from_iter([("toRecipients".to_owned(), to)]);
    let mut body = schema::object(call.cloud(), Workload::Mailbox, "message", body)?;
    people::complete(call, &mut body);
    let to: Vec<Value> = match body.shift_remove("toRecipients") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let address = |it: &Value| it["emailAddress"]["address"].as_str().map(str::to_owned);
    let addresses: Vec<String> = to.iter().filter_map(address).collect();
    if addresses.is_empty() {
        return Err(GraphError::no_recipients());
    }
    let contents = call.mailbox()?;
    let meeting = contents.write(|contents| {
        let (item, _) = named(call, contents)?;
        let (key, mut event) = (item.key, item.properties());
        let organizer = event
            .get("organizer")
            .and_then(|it| it.get("emailAddress").cloned())
            .and_then(|it| serde_json::from_value(it).ok())
            .unwrap_or_else(|| contents.owner.person.clone());
        let mut attendees = match event.get("attendees") {
            Some(Value::Array(list)) => list.clone(),
            _ => Vec::new(),
        };
        for one in &to {
            let known = attendees.iter().any(|it| {
                address(it)
                    .is_some_and(|it| address(one).is_some_and(|one| one.eq_ignore_ascii_case(&it)))
            });
            if !known {
                attendees.push(json!({
                    "type": "optional",
                    "status": {"response": "none", "time": "0001-01-01T00:00:00Z"},
                    "emailAddress": one["emailAddress"],
                }));
            }
        }
        event.insert("attendees".to_owned(), json!(attendees));
        if organized(&event) {
            write::write(call, contents, key, &event);
        }
        Ok::<_, GraphError>(Meeting {
            uid: attendance::uid(&event, key),
            event,
            organizer,
            to: addresses,
            comment,
        })
    })?;
    meeting.send(call, News::Invited);
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// `POST …/events/{id}/snoozeReminder`.
pub(in crate::graph) fn snooze(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let time = action.take("newReminderTime").ok_or_else(|| {
        GraphError::invalid_request("The parameter 'NewReminderTime' is missing.")
    })?;
    action.finish("snoozeReminder")?;
    let time = time_zone::instant(&time)?;
    remind(call, &json!(time.to_string()))
}

/// `POST …/events/{id}/dismissReminder`.
pub(in crate::graph) fn dismiss(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.action()?.finish("dismissReminder")?;
    remind(call, &Value::Bool(false))
}

/// Notes when a reminder comes next, or that it does not. Source of the status: learn.microsoft.com/
/// graph/api/event-snoozereminder, /event-dismissreminder.
fn remind(call: &Call<'_>, when: &Value) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        // Unverified: that the reminder of an occurrence is the series' own.
        let (item, _) = named(call, contents)?;
        let (key, mut event) = (item.key, item.properties());
        event.insert(REMINDER.to_owned(), when.clone());
        write::write(call, contents, key, &event);
        Ok(Reply::empty(StatusCode::OK))
    })
}

/// Where an event keeps when its reminder comes next; no member of Graph's.
const REMINDER: &str = "@reminder";
