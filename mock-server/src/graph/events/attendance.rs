//! Invitations, updates and cancellations that reach attendees, and answers that reach the organizer.
//!
//! Who is of the tenant gets the event in the calendar and a message in the inbox; whoever is not
//! would get a mail, which nobody reads here. Both sides know the meeting by its `iCalUId`.
//!
//! Sources: learn.microsoft.com/graph/api/event-accept, /event-cancel, /event-delete,
//! /event-forward, /resources/eventmessage, /resources/eventmessagerequest. Unverified: the texts of
//! subjects, and which members of a message are set.

use indexmap::IndexSet;
use serde_json::{Value, json};

use crate::directory::ObjectId;
use crate::graph::call::Call;
use crate::graph::time_zone;
use crate::mailbox::{Contents, Owner, Person, Properties, WellKnown};

/// What is said of a meeting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum News {
    Cancelled,
    Invited,
    Updated,
}

/// A meeting as its organizer has it, on the way to others.
pub(super) struct Meeting {
    pub(super) uid: String,
    pub(super) event: Properties,
    pub(super) organizer: Person,
    pub(super) to: Vec<String>,
    pub(super) comment: String,
}

impl Meeting {
    /// The meeting that an event of an organizer is, if it is one.
    pub(super) fn of(contents: &Contents, key: u64) -> Option<Self> {
        let event = contents.events.get(&key)?.properties();
        if event.get("isOrganizer") == Some(&json!(false))
            || event.get("isDraft") == Some(&json!(true))
        {
            return None;
        }
        let organizer = contents.owner.person.clone();
        let to: Vec<String> = addresses(&event)
            .into_iter()
            .filter(|it| !it.eq_ignore_ascii_case(&organizer.address))
            .collect();
        (!to.is_empty()).then(|| Self {
            uid: uid(&event, key),
            event,
            organizer,
            to,
            comment: String::new(),
        })
    }

    /// Tells the attendees.
    pub(super) fn send(&self, call: &Call<'_>, news: News) {
        for owner in owners(call, &self.to) {
            let contents = call.tenant.mailboxes.open(&owner, call.now);
            let message = contents.write(|contents| self.arrive(call, contents, news));
            call.tenant.run_rules(owner.id, message, call.now);
        }
    }

    /// Comes to an attendee; returns the message.
    fn arrive(&self, call: &Call<'_>, contents: &mut Contents, news: News) -> u64 {
        let known = by_uid(contents, &self.uid);
        let key = match (known, news) {
            (None, News::Cancelled) => None,
            (Some(key), News::Cancelled) => {
                contents.change_item(
                    |it| &mut it.events,
                    key,
                    call.now,
                    |item| {
                        let mut event = item.properties();
                        event.insert("isCancelled".to_owned(), json!(true));
                        event.insert("showAs".to_owned(), json!("free"));
                        event.insert("subject".to_owned(), json!(self.titled(news)));
                        item.set_properties(&event);
                    },
                );
                Some(key)
            }
            (known, News::Invited | News::Updated) => Some(self.note(call, contents, known)),
        };
        let message = self.message(contents, news, key);
        let inbox = contents.well_known(WellKnown::Inbox);
        contents.receive(inbox, &message, Vec::new(), call.now)
    }

    /// Writes the event into an attendee's calendar.
    fn note(&self, call: &Call<'_>, contents: &mut Contents, known: Option<u64>) -> u64 {
        let mut event = self.event.clone();
        for name in ["transactionId", "categories", "sensitivity", "isReminderOn"] {
            event.shift_remove(name);
        }
        event.insert("iCalUId".to_owned(), json!(self.uid));
        event.insert("isOrganizer".to_owned(), json!(false));
        event.insert("organizer".to_owned(), self.organizer.recipient());
        event.insert("showAs".to_owned(), json!("tentative"));
        event.insert(
            "responseStatus".to_owned(),
            json!({"response": "notResponded", "time": NEVER}),
        );
        if let Some(key) = known {
            contents.change_item(
                |it| &mut it.events,
                key,
                call.now,
                |item| {
                    let before = item.properties();
                    let same = ["start", "end", "recurrence"]
                        .iter()
                        .all(|it| before.get(*it) == event.get(*it));
                    // A meeting at the same time keeps the answer that was given.
                    for name in ["responseStatus", "showAs"] {
                        if let (true, Some(value)) = (same, before.get(name)) {
                            event.insert(name.to_owned(), value.clone());
                        }
                    }
                    item.set_properties(&event);
                },
            );
            return key;
        }
        let calendar = contents.well_known(WellKnown::Calendar);
        let item = contents.make_item(calendar, &event, call.now);
        let key = item.key;
        contents.events.insert(key, item);
        key
    }

    fn titled(&self, news: News) -> String {
        let subject = self
            .event
            .get("subject")
            .and_then(Value::as_str)
            .unwrap_or("");
        match news {
            News::Cancelled => format!("Canceled: {subject}"),
            News::Invited | News::Updated => subject.to_owned(),
        }
    }

    fn message(&self, contents: &Contents, news: News, event: Option<u64>) -> Properties {
        let kind = match news {
            News::Cancelled => ("eventMessage", "meetingCancelled"),
            News::Invited | News::Updated => ("eventMessageRequest", "meetingRequest"),
        };
        let mut message = message(kind, &self.titled(news), &self.event, event);
        let body = if self.comment.is_empty() {
            self.event.get("body").cloned()
        } else {
            Some(
                json!({"contentType": "html", "content": crate::graph::text::event_document(&self.comment)}),
            )
        };
        message.extend(body.map(|it| ("body".to_owned(), it)));
        message.insert("from".to_owned(), self.organizer.recipient());
        message.insert("sender".to_owned(), self.organizer.recipient());
        let mut to = recipients(&self.event);
        if to.is_empty() {
            to.push(contents.owner.person.recipient());
        }
        message.insert("toRecipients".to_owned(), json!(to));
        if kind.0 == "eventMessageRequest" {
            let kind = match news {
                News::Updated => "fullUpdate",
                News::Cancelled | News::Invited => "newMeetingRequest",
            };
            message.insert("meetingRequestType".to_owned(), json!(kind));
            for name in ["allowNewTimeProposals", "responseRequested"] {
                let value = self.event.get(name).cloned().unwrap_or(json!(true));
                message.insert(name.to_owned(), value);
            }
        }
        message
    }
}

/// An attendee's answer, on the way to the organizer.
pub(super) struct Answer {
    pub(super) uid: String,
    pub(super) event: Properties,
    pub(super) who: Person,
    pub(super) response: &'static str,
    pub(super) comment: String,
    pub(super) proposed: Option<Value>,
}

impl Answer {
    /// Tells the organizer, whose event then knows the answer.
    pub(super) fn send(&self, call: &Call<'_>) {
        let organizer = self
            .event
            .get("organizer")
            .and_then(|it| it["emailAddress"]["address"].as_str())
            .unwrap_or("")
            .to_owned();
        for owner in owners(call, &[organizer]) {
            let contents = call.tenant.mailboxes.open(&owner, call.now);
            let message = contents.write(|contents| self.arrive(call, contents));
            if let Some(message) = message {
                call.tenant.run_rules(owner.id, message, call.now);
            }
        }
    }

    /// Comes to the organizer, where the event is still there; returns the message.
    fn arrive(&self, call: &Call<'_>, contents: &mut Contents) -> Option<u64> {
        let key = by_uid(contents, &self.uid)?;
        contents.change_item(
            |it| &mut it.events,
            key,
            call.now,
            |item| {
                let mut event = item.properties();
                let attendees = event.get_mut("attendees").and_then(Value::as_array_mut);
                for attendee in attendees.into_iter().flatten() {
                    let address = attendee["emailAddress"]["address"].as_str().unwrap_or("");
                    if !address.eq_ignore_ascii_case(&self.who.address) {
                        continue;
                    }
                    attendee["status"] =
                        json!({"response": self.response, "time": time_zone::ticks(call.now)});
                    if let Some(proposed) = &self.proposed {
                        attendee["proposedNewTime"] = proposed.clone();
                    }
                }
                item.set_properties(&event);
            },
        );
        let (kind, title) = match self.response {
            "accepted" => ("meetingAccepted", "Accepted"),
            "declined" => ("meetingDeclined", "Declined"),
            // Graph spells it so.
            _ => ("meetingTenativelyAccepted", "Tentative"),
        };
        let subject = self
            .event
            .get("subject")
            .and_then(Value::as_str)
            .unwrap_or("");
        let kind = ("eventMessageResponse", kind);
        let mut message = message(kind, &format!("{title}: {subject}"), &self.event, Some(key));
        message.insert("from".to_owned(), self.who.recipient());
        message.insert("sender".to_owned(), self.who.recipient());
        message.insert(
            "toRecipients".to_owned(),
            json!([contents.owner.person.recipient()]),
        );
        let content = crate::graph::text::event_document(&self.comment);
        message.insert(
            "body".to_owned(),
            json!({"contentType": "html", "content": content}),
        );
        message.insert("responseType".to_owned(), json!(self.response));
        if let Some(proposed) = &self.proposed {
            message.insert("proposedNewTime".to_owned(), proposed.clone());
        }
        let inbox = contents.well_known(WellKnown::Inbox);
        Some(contents.receive(inbox, &message, Vec::new(), call.now))
    }
}

/// The `iCalUId` of an event.
pub(super) fn uid(event: &Properties, key: u64) -> String {
    event.get("iCalUId").and_then(Value::as_str).map_or_else(
        || format!("040000008200E00074C5B7101A82E008{:032X}", u128::from(key)),
        str::to_owned,
    )
}

/// The event with an `iCalUId`.
fn by_uid(contents: &Contents, wanted: &str) -> Option<u64> {
    contents
        .events
        .values()
        .rev()
        .find(|item| uid(&item.properties(), item.key) == wanted)
        .map(|item| item.key)
}

/// The attendees' addresses.
fn addresses(event: &Properties) -> Vec<String> {
    let attendees = event.get("attendees").and_then(Value::as_array);
    let addresses = attendees
        .into_iter()
        .flatten()
        .filter_map(|it| it["emailAddress"]["address"].as_str());
    let mut found: Vec<String> = Vec::new();
    for address in addresses.filter(|it| !it.is_empty()) {
        if !found.iter().any(|it| it.eq_ignore_ascii_case(address)) {
            found.push(address.to_owned());
        }
    }
    found
}

fn recipients(event: &Properties) -> Vec<Value> {
    let attendees = event.get("attendees").and_then(Value::as_array);
    attendees
        .into_iter()
        .flatten()
        .map(|it| json!({"emailAddress": it["emailAddress"]}))
        .collect()
}

/// The mailboxes of the tenant that have one of the addresses.
pub(in crate::graph) fn owners(call: &Call<'_>, addresses: &[String]) -> Vec<Owner> {
    call.tenant.read(|directory| {
        let users = addresses
            .iter()
            .filter_map(|address| directory.user_by_name(address));
        // Who is named twice gets one.
        let ids: IndexSet<ObjectId> = users.map(|user| user.id).collect();
        ids.into_iter()
            .filter_map(|id| Owner::of(directory, id))
            .collect()
    })
}

/// What all messages about meetings have.
fn message(
    (kind, about): (&str, &str),
    subject: &str,
    event: &Properties,
    key: Option<u64>,
) -> Properties {
    let at = |name: &str| {
        let time = event.get(name).map(time_zone::instant)?.ok()?;
        Some(time_zone::in_zone(time, "UTC", &jiff::tz::TimeZone::UTC))
    };
    let get = |name: &str, default: Value| event.get(name).cloned().unwrap_or(default);
    let series = event.get("recurrence").is_some_and(Value::is_object);
    let members = [
        ("@odata.type", json!(format!("#microsoft.graph.{kind}"))),
        ("subject", json!(subject)),
        ("meetingMessageType", json!(about)),
        (
            "type",
            json!(if series {
                "seriesMaster"
            } else {
                "singleInstance"
            }),
        ),
        ("isOutOfDate", json!(false)),
        ("isAllDay", get("isAllDay", json!(false))),
        ("isDelegated", json!(false)),
        ("startDateTime", at("start").unwrap_or_default()),
        ("endDateTime", at("end").unwrap_or_default()),
        ("location", get("location", super::complete::nowhere())),
        ("recurrence", get("recurrence", Value::Null)),
        (EVENT, json!(key)),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Where a message keeps the event that it is about; no member of Graph's.
pub(in crate::graph) const EVENT: &str = "@event";
/// The time of what has not happened.
const NEVER: &str = "0001-01-01T00:00:00Z";
