//! Mailbox settings and categories.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::error::GraphError;
use super::message::merge;
use super::messages::folder_id;
use super::{schema, time_zone};
use crate::mailbox::{Contents, Properties, WellKnown};

/// `GET …/mailboxSettings`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    let document = contents.read(document);
    shown(call, document)
}

/// `GET …/mailboxSettings/{setting}`.
pub(super) fn get_one(call: &Call<'_>) -> Result<Reply, GraphError> {
    let name = call.parameters.get("setting");
    let member = schema::member(call.cloud(), "mailboxSettings", name)
        .ok_or_else(|| GraphError::unknown_segment(name))?;
    let contents = call.mailbox()?;
    let value = contents
        .read(document)
        .shift_remove(member.name)
        .unwrap_or(Value::Null);
    let set = call.set(&format!("mailboxSettings/{}", member.name));
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), call.context(&set, false));
    match value {
        Value::Object(members) => body.extend(members),
        value => {
            body.insert("value".to_owned(), value);
        }
    }
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// `PATCH …/mailboxSettings`: answers what was changed.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let changes = call.object("mailboxSettings")?;
    for name in ["archiveFolder", "userPurpose"] {
        if changes.contains_key(name) {
            return Err(GraphError::invalid_request(format!(
                "The property '{name}' is read-only."
            )));
        }
    }
    let zones = [
        changes.get("timeZone"),
        changes
            .get("workingHours")
            .map(|it| &it["timeZone"]["name"]),
    ];
    for zone in zones.into_iter().flatten().filter_map(Value::as_str) {
        if time_zone::find(zone).is_none() {
            return Err(GraphError::unknown_time_zone(zone));
        }
    }
    let contents = call.mailbox()?;
    let mut shown_members = Properties::new();
    contents.write(|contents| {
        for (name, value) in changes {
            if name.contains('@') {
                continue;
            }
            let entry = contents.settings.entry(&name).or_insert_with(|| json!({}));
            merge(entry, value);
            let entry = entry.clone();
            shown_members.insert(name, entry);
        }
    });
    shown(call, shown_members)
}

/// `GET …/outlook/masterCategories`.
pub(super) fn categories(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    let owner = contents.read(|it| it.owner.id.0.as_u128());
    let value: Vec<Value> = CATEGORIES
        .iter()
        .zip(1_u128..)
        .map(|((name, color), number)| {
            let id = uuid::Uuid::from_u128(owner ^ number);
            json!({"id": id, "displayName": name, "color": color})
        })
        .collect();
    let context = call.context(&call.set("outlook/masterCategories"), false);
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": value}),
    ))
}

fn document(contents: &Contents) -> Properties {
    let mut found = Properties::new();
    let archive = contents.well_known(WellKnown::Archive);
    found.insert("archiveFolder".to_owned(), folder_id(contents, archive));
    found.extend(contents.settings.clone());
    found
}

fn shown(call: &Call<'_>, document: Properties) -> Result<Reply, GraphError> {
    let mut body = Map::new();
    body.insert(
        "@odata.context".to_owned(),
        call.context(&call.set("mailboxSettings"), false),
    );
    body.extend(super::collection::project(
        call,
        "mailboxSettings",
        document,
    )?);
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// The categories of a new mailbox. Source: learn.microsoft.com/graph/api/resources/outlookcategory.
const CATEGORIES: [(&str, &str); 6] = [
    ("Red category", "preset0"),
    ("Orange category", "preset1"),
    ("Yellow category", "preset3"),
    ("Green category", "preset4"),
    ("Blue category", "preset7"),
    ("Purple category", "preset8"),
];
