//! Earlier contents of a file.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::draw::{self, Style};
use super::find::Found;
use super::{base, list, refusal, ticket};
use crate::drives::{Drive, Item};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::route::{Key, Step};
use crate::mailbox::{Properties, seconds};

/// All versions, the newest first.
pub(super) fn list(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let (values, set) = list::whole(call, &found.drive, |style, drive| {
        let item = drive.get(id)?;
        let set = format!(
            "{}/items('{}')/versions",
            draw::set(call, drive),
            drive.id_of(id)
        );
        Some((all(style, drive, item), set))
    })?;
    let context = format!("{}/$metadata#{set}", call.root());
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": values}),
    ))
}

pub(super) fn all(style: &Style<'_>, drive: &Drive, item: &Item) -> Vec<Value> {
    let Some(_) = &item.content else {
        return Vec::new();
    };
    let call = style.call;
    let place = (drive.id.as_str(), &drive.place);
    let mut found = vec![json!({
        "@microsoft.graph.downloadUrl": ticket::download(call, place, item.id, None),
        "id": draw::version(item),
        "lastModifiedDateTime": seconds(item.modified),
        "size": item.size,
        "lastModifiedBy": style.identity(item.modified_by),
    })];
    let id = drive.id_of(item.id);
    for version in item.versions.iter().rev() {
        let number = (version.number, id.as_str());
        found.push(json!({
            "@microsoft.graph.downloadUrl": ticket::download(call, place, item.id, Some(number)),
            "id": format!("{}.0", version.number),
            "lastModifiedDateTime": seconds(version.modified),
            "size": version.content.length(),
            "lastModifiedBy": style.identity(version.modified_by),
        }));
    }
    found
}

fn named(
    call: &Call<'_>,
    found: &Found,
    steps: &[Step],
) -> Result<(Properties, String), GraphError> {
    let id = found.there()?;
    let wanted = key(steps, "versions")?;
    list::whole(call, &found.drive, |style, drive| {
        let item = drive.get(id)?;
        let all = all(style, drive, item);
        let found = all
            .into_iter()
            .find(|it| it["id"] == *wanted || wanted.eq_ignore_ascii_case("current"))?;
        let set = format!(
            "{}/items('{}')/versions",
            draw::set(call, drive),
            drive.id_of(id)
        );
        Some((crate::graph::collection::members(found), set))
    })
}

/// The key of a step.
pub(super) fn key<'s>(steps: &'s [Step], name: &str) -> Result<&'s str, GraphError> {
    let step = steps.iter().rev().find(|it| it.name == name);
    match step.and_then(|it| it.key.as_ref()) {
        Some(Key::Id(id)) => Ok(id),
        _ => Err(refusal::not_found()),
    }
}

/// One version.
pub(super) fn one(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let (version, set) = named(call, found, steps)?;
    Ok(draw::reply(call, StatusCode::OK, &set, version))
}

/// The content of a version.
pub(super) fn content(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let (version, _) = named(call, found, steps)?;
    let url = version
        .get("@microsoft.graph.downloadUrl")
        .and_then(Value::as_str)
        .ok_or_else(refusal::not_found)?;
    let mut reply = Reply::empty(StatusCode::FOUND);
    reply.headers.push((header::LOCATION, url.to_owned()));
    Ok(reply)
}

/// Makes an earlier content the current one; the one before becomes a version.
pub(super) fn restore(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let number = number(steps)?;
    found.write(call, |drive| {
        let item = drive.get(id).ok_or_else(refusal::not_found)?;
        super::write::free(call, item)?;
        let version = item.versions.iter().find(|it| it.number == number);
        let content = version.ok_or_else(refusal::not_found)?.content.clone();
        drive
            .write(id, content, base::identity(call), call.now)
            .map_err(refusal::of)
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Takes an earlier version away.
pub(super) fn delete(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let number = number(steps)?;
    found.write(call, |drive| {
        let item = drive.get(id).ok_or_else(refusal::not_found)?;
        if draw::version(item) == format!("{number}.0") {
            // Unverified: the text.
            return Err(refusal::invalid("The current version cannot be deleted."));
        }
        if drive.forget_version(id, number) {
            Ok(())
        } else {
            Err(refusal::not_found())
        }
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn number(steps: &[Step]) -> Result<u32, GraphError> {
    let text = key(steps, "versions")?;
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole.parse().map_err(|_| refusal::not_found())
}
