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
    let all = contents.read(all_categories);
    let value: Vec<Value> = all.into_iter().map(Value::Object).collect();
    let context = call.context(&call.set("outlook/masterCategories"), false);
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": value}),
    ))
}

/// `GET …/outlook/masterCategories/{id}`.
pub(super) fn category(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    let all = contents.read(all_categories);
    shown_category(call, all, call.parameters.get("category"))
}

/// `POST …/outlook/masterCategories`.
pub(super) fn create_category(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("outlookCategory")?;
    let name = body
        .get("displayName")
        .and_then(Value::as_str)
        .filter(|it| !it.trim().is_empty())
        .ok_or_else(|| {
            GraphError::invalid_request("The required property 'displayName' is missing.")
        })?;
    let color = body.get("color").cloned().unwrap_or(json!("none"));
    let contents = call.mailbox()?;
    let id = call.world.random.uuid().to_string();
    let all = contents.write(|contents| {
        let mut all = all_categories(contents);
        let same = |it: &Properties| {
            let known = it.get("displayName").and_then(Value::as_str);
            known.is_some_and(|it| it.eq_ignore_ascii_case(name))
        };
        if all.iter().any(same) {
            // Unverified: status, code and text.
            return Err(GraphError::new(
                StatusCode::CONFLICT,
                "ErrorInvalidRequest",
                format!("A category named '{name}' exists already."),
            ));
        }
        all.push(super::collection::members(
            json!({"id": id, "displayName": name, "color": color}),
        ));
        contents.categories = Some(all.clone());
        Ok(all)
    })?;
    shown_category(call, all, &id)
}

/// `PATCH …/outlook/masterCategories/{id}`: the color alone.
pub(super) fn update_category(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("outlookCategory")?;
    let id = call.parameters.get("category");
    let contents = call.mailbox()?;
    let all = contents.write(|contents| {
        let mut all = all_categories(contents);
        let found = all.iter_mut().find(|it| is_category(it, id));
        let found = found.ok_or_else(GraphError::item_not_found)?;
        let name = body.get("displayName");
        if name.is_some() && name != found.get("displayName") {
            // Source of the rule: learn.microsoft.com/graph/api/outlookcategory-update. Unverified:
            // code and text.
            return Err(GraphError::invalid_request(
                "The property 'displayName' of a category can't be changed.",
            ));
        }
        if let Some(color) = body.get("color") {
            found.insert("color".to_owned(), color.clone());
        }
        contents.categories = Some(all.clone());
        Ok(all)
    })?;
    shown_category(call, all, id)
}

/// `DELETE …/outlook/masterCategories/{id}`.
pub(super) fn delete_category(call: &Call<'_>) -> Result<Reply, GraphError> {
    let id = call.parameters.get("category");
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let mut all = all_categories(contents);
        let before = all.len();
        all.retain(|it| !is_category(it, id));
        if all.len() == before {
            return Err(GraphError::item_not_found());
        }
        contents.categories = Some(all);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

fn is_category(category: &Properties, id: &str) -> bool {
    category.get("id").and_then(Value::as_str) == Some(id)
}

fn shown_category(call: &Call<'_>, all: Vec<Properties>, id: &str) -> Result<Reply, GraphError> {
    let found = all.into_iter().find(|it| is_category(it, id));
    let found = found.ok_or_else(GraphError::item_not_found)?;
    call.entity(
        &call.set("outlook/masterCategories"),
        "outlookCategory",
        found,
    )
}

/// The categories of a mailbox: its own, or those that a new one has.
fn all_categories(contents: &Contents) -> Vec<Properties> {
    if let Some(own) = &contents.categories {
        return own.clone();
    }
    let owner = contents.owner.id.0.as_u128();
    CATEGORIES
        .iter()
        .zip(1_u128..)
        .map(|((name, color), number)| {
            let id = uuid::Uuid::from_u128(owner ^ number);
            super::collection::members(json!({"id": id, "displayName": name, "color": color}))
        })
        .collect()
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
