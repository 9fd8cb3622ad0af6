//! The operations: arguments and values are named after Graph's own fields.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::files;
use super::graph::Session;
use super::guise::Guise;
use super::mutant::Mutant;
use super::problem::Problem;
use super::settings::Flow;
use super::style::Style;
use crate::case::Category;

/// The operations that the connector has.
pub(super) const OPERATIONS: [&str; 14] = [
    "create-draft",
    "create-event",
    "get-mailbox-settings",
    "get-message",
    "get-profile",
    "list-calendars",
    "list-contacts",
    "list-events",
    "list-folders",
    "list-messages",
    "move-message",
    "send-message",
    "watch-events",
    "watch-messages",
];

/// Does an operation.
pub(super) async fn run(
    session: &Session<'_>,
    operation: &str,
    arguments: &Map<String, Value>,
) -> Result<Value, Problem> {
    let arguments = Arguments(arguments);
    let settings = &session.connection.settings;
    let own = match &settings.flow {
        Flow::AppOnly { .. } if settings.kind.is(Mutant::UsesMeForAnApp) => "/me".to_owned(),
        Flow::AppOnly { account } if settings.kind.is(Mutant::DoesNotEncodeNames) => {
            format!("/users/{account}")
        }
        Flow::AppOnly { account } if settings.kind.is(Mutant::TakesPlusForASpace) => {
            format!("/users/{}", encoded(&account.replace('+', " ")))
        }
        Flow::AppOnly { account } => format!("/users/{}", encoded(account)),
        Flow::Delegated { .. } if settings.kind.is(Mutant::AddressesThePersonByName) => {
            let person = session.connection.person().await;
            person.map_or_else(
                || "/me".to_owned(),
                |name| format!("/users/{}", encoded(&name)),
            )
        }
        Flow::Delegated { .. } if settings.kind.has(Style::NamesPeopleById) => {
            let id = session.connection.person_id().await;
            id.map_or_else(|| "/me".to_owned(), |id| format!("/users/{id}"))
        }
        Flow::Delegated { .. } => "/me".to_owned(),
    };
    let forgets = settings
        .kind
        .is(Mutant::ForgetsTheSharedMailboxForCalendars)
        && [
            "create-event",
            "list-calendars",
            "list-events",
            "watch-events",
        ]
        .contains(&operation);
    let shared = settings.shared_mailbox.as_ref().filter(|_| !forgets);
    let shared = shared.filter(|_| !session.own_mailbox);
    let mailbox = shared.map_or_else(
        || own.clone(),
        |shared| format!("/users/{}", encoded(shared)),
    );
    if settings.guise == Guise::Files && operation != "get-profile" {
        return files::run(session, operation, &own, &arguments).await;
    }
    let select = |fields: &str| ("$select", fields.to_owned());
    let limit = arguments.limit();
    let top = ("$top", limit.min(100).to_string());
    match operation {
        "get-profile" => {
            let query = [select("id,displayName,mail,userPrincipalName")];
            let mut profile = session.send(Method::GET, &own, &query, None).await?;
            if settings.kind.is(Mutant::AnswersWithSomebodyElse) {
                profile["userPrincipalName"] = json!("somebody-else@contoso.com");
            }
            Ok(profile)
        }
        "list-messages"
            if settings.kind.has(Style::ReadsByDelta)
                && settings.cloud.has_message_delta
                && !["filter", "orderby", "search"]
                    .iter()
                    .any(|name| arguments.0.contains_key(*name)) =>
        {
            let folder = arguments.text("folder");
            let folder = folder.unwrap_or_else(|| "inbox".to_owned());
            let path = format!("{mailbox}/mailFolders/{}/messages/delta", encoded(&folder));
            let query = [select("id,subject,from,receivedDateTime,isRead")];
            let all = session.collect(&path, &query, usize::MAX).await?;
            let mut all = all["value"].as_array().cloned().unwrap_or_default();
            all.sort_by_key(|it| {
                std::cmp::Reverse(it["receivedDateTime"].as_str().map(str::to_owned))
            });
            all.truncate(limit);
            Ok(json!({ "value": all }))
        }
        "list-messages" => {
            let path = match arguments.text("folder") {
                Some(folder) => format!("{mailbox}/mailFolders/{}/messages", encoded(&folder)),
                None => format!("{mailbox}/messages"),
            };
            let mut query = vec![
                top,
                select("id,subject,from,receivedDateTime,isRead,hasAttachments"),
            ];
            if settings.kind.is(Mutant::ListsTheOldestFirst) {
                query.push(("$orderby", "receivedDateTime asc".to_owned()));
            }
            for (name, option) in [
                ("filter", "$filter"),
                ("orderby", "$orderby"),
                ("search", "$search"),
            ] {
                if let Some(value) = arguments.text(name) {
                    query.push((option, value));
                }
            }
            session.collect(&path, &query, limit).await
        }
        "get-message" if settings.kind.is(Mutant::IgnoresTheId) => {
            let path = format!("{mailbox}/mailFolders/inbox/messages");
            let newest = session.collect(&path, &[top], 1).await?;
            Ok(newest["value"][0].clone())
        }
        "get-message" => {
            let path = format!("{mailbox}/messages/{}", encoded(&arguments.required("id")?));
            session.send(Method::GET, &path, &[], None).await
        }
        "send-message" if settings.kind.has(Style::DraftsFirst) => {
            let (messages, body) = (format!("{mailbox}/messages"), arguments.message()?);
            let draft = session
                .send(Method::POST, &messages, &[], Some(&body))
                .await?;
            let id = draft["id"].as_str().unwrap_or_default();
            let path = format!("{messages}/{}/send", encoded(id));
            session.send(Method::POST, &path, &[], None).await
        }
        "send-message" => {
            let mut body = json!({"message": arguments.message()?, "saveToSentItems": true});
            if settings.kind.is(Mutant::SendsToTheFirstAlone)
                && let Some(all) = body["message"]["toRecipients"].as_array_mut()
            {
                all.truncate(1);
            }
            if settings.kind.is(Mutant::SendsHtmlAsText) {
                body["message"]["body"]["contentType"] = json!("Text");
            }
            if settings.kind.is(Mutant::LosesTheSubject) {
                body["message"]["subject"] = json!("");
            }
            if settings.kind.is(Mutant::SendsMailTwice) {
                let path = format!("{mailbox}/sendMail");
                session.send(Method::POST, &path, &[], Some(&body)).await?;
            }
            session
                .send(
                    Method::POST,
                    &format!("{mailbox}/sendMail"),
                    &[],
                    Some(&body),
                )
                .await
        }
        "create-draft" => {
            let body = arguments.message()?;
            session
                .send(
                    Method::POST,
                    &format!("{mailbox}/messages"),
                    &[],
                    Some(&body),
                )
                .await
        }
        "move-message" => {
            let path = format!(
                "{mailbox}/messages/{}/move",
                encoded(&arguments.required("id")?)
            );
            let body = json!({"destinationId": arguments.required("destinationId")?});
            session.send(Method::POST, &path, &[], Some(&body)).await
        }
        "list-folders" => {
            session
                .collect(&format!("{mailbox}/mailFolders"), &[top], limit)
                .await
        }
        "list-events" => {
            let range = (
                arguments.text("startDateTime"),
                arguments.text("endDateTime"),
            );
            let (path, mut query) = match range {
                (Some(start), Some(end)) => (
                    format!("{mailbox}/calendarView"),
                    vec![("startDateTime", start), ("endDateTime", end)],
                ),
                _ => (format!("{mailbox}/events"), Vec::new()),
            };
            query.push(top);
            session.collect(&path, &query, limit).await
        }
        "create-event" => {
            let mut body = arguments.event()?;
            if settings.kind.is(Mutant::LosesTheTimeZone) {
                for time in ["start", "end"] {
                    body[time]["timeZone"] = json!("UTC");
                }
            }
            session
                .send(Method::POST, &format!("{mailbox}/events"), &[], Some(&body))
                .await
        }
        "list-calendars" => {
            session
                .collect(&format!("{mailbox}/calendars"), &[top], limit)
                .await
        }
        "get-mailbox-settings" => {
            session
                .send(
                    Method::GET,
                    &format!("{mailbox}/mailboxSettings"),
                    &[],
                    None,
                )
                .await
        }
        "watch-events" | "watch-messages" => {
            let folder = match operation {
                "watch-messages" => arguments
                    .text("folder")
                    .unwrap_or_else(|| "inbox".to_owned()),
                _ => String::new(),
            };
            let connection = session.connection;
            connection
                .watch(session, operation, &mailbox, &folder)
                .await
        }
        "list-contacts" => {
            session
                .collect(&format!("{mailbox}/contacts"), &[top], limit)
                .await
        }
        other => Err(Problem::new(
            Category::Unsupported,
            format!("there is no operation '{other}'"),
        )),
    }
}

pub(super) struct Arguments<'a>(pub(super) &'a Map<String, Value>);

impl Arguments<'_> {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    pub(super) fn required(&self, name: &str) -> Result<String, Problem> {
        self.text(name)
            .ok_or_else(|| Problem::configuration(format!("the argument '{name}' is missing")))
    }

    /// How many items are wanted; ten if nothing is said.
    pub(super) fn limit(&self) -> usize {
        let top = self
            .0
            .get("top")
            .or_else(|| self.0.get("$top"))
            .and_then(Value::as_u64);
        top.and_then(|top| usize::try_from(top).ok())
            .unwrap_or(10)
            .clamp(1, 1000)
    }

    fn message(&self) -> Result<Value, Problem> {
        let recipients: Vec<Value> = match self.0.get("toRecipients") {
            Some(Value::Array(list)) => list.iter().map(recipient).collect(),
            Some(one @ Value::String(_)) => vec![recipient(one)],
            _ => {
                return Err(Problem::configuration(
                    "the argument 'toRecipients' is missing",
                ));
            }
        };
        Ok(json!({
            "subject": self.text("subject").unwrap_or_default(),
            "body": self.body(),
            "toRecipients": recipients,
        }))
    }

    fn event(&self) -> Result<Value, Problem> {
        let time = |name: &str| match self.0.get(name) {
            Some(Value::String(text)) => Ok(json!({"dateTime": text, "timeZone": "UTC"})),
            Some(object @ Value::Object(_)) => Ok(object.clone()),
            _ => Err(Problem::configuration(format!(
                "the argument '{name}' is missing"
            ))),
        };
        Ok(json!({
            "subject": self.text("subject").unwrap_or_default(),
            "body": self.body(),
            "start": time("start")?,
            "end": time("end")?,
        }))
    }

    fn body(&self) -> Value {
        match self.0.get("body") {
            Some(object @ Value::Object(_)) => object.clone(),
            Some(Value::String(text)) => json!({"contentType": "Text", "content": text}),
            _ => json!({"contentType": "Text", "content": ""}),
        }
    }
}

fn recipient(value: &Value) -> Value {
    match value {
        Value::String(address) => json!({"emailAddress": {"address": address}}),
        other => other.clone(),
    }
}

/// A segment of a path: ids have slashes and equals signs, names have at signs.
pub(super) fn encoded(segment: &str) -> String {
    url::form_urlencoded::byte_serialize(segment.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
