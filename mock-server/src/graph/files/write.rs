//! Items, written: folders, contents, names, places, deletions.

use axum::http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::action::Action;
use super::find::Found;
use super::{base, draw, list, name, refusal};
use crate::drives::{Blob, Conflict, Drive, Item, Refused, id};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;

/// Makes a folder in a folder.
pub(super) fn create(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let parent = found.there()?;
    let body = call.json()?;
    let title = text(&body, "name")?.ok_or_else(|| refusal::invalid("The name is required."))?;
    let behavior = body.get("@microsoft.graph.conflictBehavior");
    let conflict = base::conflict(call, behavior, Conflict::Fail)?;
    let is_file = body.contains_key("file");
    // Unverified: the texts.
    if is_file == body.contains_key("folder") {
        return Err(refusal::invalid(
            "The item must have a folder or a file facet, and not both.",
        ));
    }
    for facet in ["file", "folder"] {
        if body.get(facet).is_some_and(|it| !it.is_object()) {
            return Err(refusal::invalid(&format!(
                "The value of '{facet}' is no object."
            )));
        }
    }
    name::check(&title, parent == id::ROOT)?;
    let by = base::identity(call);
    let item_id = new_id(call);
    let mut item = if is_file {
        let content = blob(call, &[])?;
        Item::file(item_id, &title, content, by, call.now)
    } else {
        Item::new(item_id, &title, by, call.now)
    };
    said(&body)?.tell(&mut item);
    let (made, is_new) = found.write(call, |drive| {
        let mut path = drive.path(parent);
        path.push(&title);
        name::check_path(&path)?;
        drive.add(parent, item, conflict).map_err(refusal::of)
    })?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let (mut document, set, location) = list::whole(call, &found.drive, |style, drive| {
        let set = draw::set(call, drive);
        let place = &drive.place;
        let location = format!(
            "https://{}/_api/v2.0/sites('{},{},{}')/drives('{}')/items('{}')/children('{}')",
            place.host,
            place.host,
            place.collection,
            place.web,
            drive.id,
            drive.id_of(parent),
            drive.id_of(made),
        );
        let set = format!("{set}/items('{}')/children", drive.id_of(parent));
        Some((style.item(drive, drive.get(made)?), set, location))
    })?;
    let tag = document.get("eTag").cloned().unwrap_or_default();
    document.insert("@odata.etag".to_owned(), tag);
    let mut reply = draw::reply(call, status, &set, document);
    if is_new {
        reply.headers.push((header::LOCATION, location));
    }
    Ok(reply)
}

/// Writes the content of a file; one that is not there comes to be, with the folders on the way.
pub(super) fn put(call: &Call<'_>, mut found: Found) -> Result<Reply, GraphError> {
    let conflict = base::conflict(call, None, Conflict::Replace)?;
    let content = match call.upload {
        Some(blob) => blob.clone(),
        None => blob(call, call.body)?,
    };
    let by = base::identity(call);
    if found.missing.is_empty() {
        let item = found.item;
        let written = found.write(call, |drive| {
            let own = drive.get(item).ok_or_else(refusal::not_found)?;
            free(call, own)?;
            matches(call, own)?;
            if !own.is_file() {
                return Err(refusal::no_content_of_folder());
            }
            match conflict {
                Conflict::Fail => Err(refusal::name_taken()),
                Conflict::Replace => {
                    drive
                        .write(item, content, by, call.now)
                        .map_err(refusal::of)?;
                    Ok(item)
                }
                Conflict::Rename => {
                    let (parent, title) = (own.parent.unwrap_or(id::ROOT), own.name.clone());
                    let new = Item::file(new_id(call), &title, content, by, call.now);
                    let added = drive.add(parent, new, conflict).map_err(refusal::of)?;
                    Ok(added.0)
                }
            }
        })?;
        let status = if conflict == Conflict::Rename {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        return list::changed(call, &found.drive, written, status);
    }
    if !call.header("if-match").is_empty() {
        return Err(refusal::tag_differs());
    }
    check_way(call, &found)?;
    let title = found.missing.pop().unwrap_or_default();
    make_folders(call, &mut found)?;
    let new = Item::file(new_id(call), &title, content, by, call.now);
    let (made, _) = found.write(call, |drive| {
        drive.add(found.item, new, conflict).map_err(refusal::of)
    })?;
    list::changed(call, &found.drive, made, StatusCode::CREATED)
}

/// Checks the names of a path that are not there, before the first of them is made.
pub(super) fn check_way(call: &Call<'_>, found: &Found) -> Result<(), GraphError> {
    for (depth, title) in found.missing.iter().enumerate() {
        name::check(title, depth == 0 && found.item == id::ROOT)?;
    }
    found.read(call, |drive| {
        let mut path = drive.path(found.item);
        path.extend(found.missing.iter().map(String::as_str));
        Some(name::check_path(&path))
    })?
}

/// Makes the folders of a path that are not there; the place is then the last of them.
pub(super) fn make_folders(call: &Call<'_>, found: &mut Found) -> Result<(), GraphError> {
    let by = base::identity(call);
    for title in std::mem::take(&mut found.missing) {
        name::check(&title, found.item == id::ROOT)?;
        let folder = Item::new(new_id(call), &title, by, call.now);
        let at = found.item;
        found.item = found.write(call, |drive| {
            // Another request may have made it meanwhile.
            if let Some(there) = drive.child(at, &title) {
                return Ok(there.id);
            }
            let (made, _) = drive.add(at, folder, Conflict::Fail).map_err(refusal::of)?;
            Ok(made)
        })?;
    }
    Ok(())
}

/// Changes an item: its name, its place, its times, its description.
pub(super) fn patch(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let item = found.there()?;
    let body = call.json()?;
    let title = text(&body, "name")?;
    let behavior = body.get("@microsoft.graph.conflictBehavior");
    let conflict = base::conflict(call, behavior, Conflict::Fail)?;
    let told = said(&body)?;
    let parent = body.get("parentReference").filter(|it| !it.is_null());
    found.write(call, |drive| {
        let own = drive.get(item).ok_or_else(refusal::not_found)?;
        matches(call, own)?;
        free(call, own)?;
        let to = parent.map(|it| target(drive, it)).transpose()?;
        if let Some(title) = &title {
            let at = to.or(own.parent).unwrap_or(id::ROOT);
            name::check(title, at == id::ROOT)?;
        }
        let renames = title.as_ref().is_some_and(|it| *it != own.name);
        let moves = to.is_some_and(|it| Some(it) != own.parent);
        if own.is_root() && (renames || moves) {
            return Err(refusal::of(Refused::Root));
        }
        if renames || moves {
            let own = drive.get(item).ok_or_else(refusal::not_found)?;
            let at = to.or(own.parent).unwrap_or(id::ROOT);
            let mut path = drive.path(at);
            path.push(title.as_deref().unwrap_or(&own.name));
            name::check_path(&path)?;
            drive
                .relocate(item, to, title.as_deref(), conflict)
                .map_err(refusal::of)?;
        }
        let (by, now) = (base::identity(call), call.now);
        drive.update(item, |own| {
            if renames {
                own.modified = whole(now);
                own.modified_by = by;
            }
            if told.is_some() {
                told.tell(own);
                own.version += 1;
                own.modified_by = by;
            }
        });
        Ok(())
    })?;
    list::changed(call, &found.drive, item, StatusCode::OK)
}

/// The folder that a `parentReference` names.
pub(super) fn target(drive: &Drive, reference: &Value) -> Result<Uuid, GraphError> {
    let text = |name: &str| reference.get(name).and_then(Value::as_str);
    // Source: rclone/rclone#8047; OneDrive/onedrive-api-docs, driveitem_move.md.
    if text("driveId").is_some_and(|it| it != drive.id) {
        return Err(refusal::invalid("Items cannot be moved between drives."));
    }
    if let Some(id) = text("id") {
        return drive.parse_id(id).ok_or_else(refusal::not_found);
    }
    let Some(path) = text("path") else {
        // Unverified: the text.
        return Err(refusal::invalid(
            "The parentReference has no id and no path.",
        ));
    };
    let inside = path.split_once("root:").map_or("", |(_, it)| it);
    let decoded = percent_encoding::percent_decode_str(inside).decode_utf8_lossy();
    let mut at = id::ROOT;
    for part in decoded.split('/').filter(|it| !it.is_empty()) {
        at = drive.child(at, part).ok_or_else(refusal::not_found)?.id;
    }
    Ok(at)
}

/// Deletes an item; it may come back.
pub(super) fn delete(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let item = found.there()?;
    found.write(call, |drive| {
        let own = drive.get(item).ok_or_else(refusal::not_found)?;
        matches(call, own)?;
        free(call, own)?;
        drive.delete(item).map_err(refusal::of)
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Deletes an item for good.
pub(super) fn purge(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let item = found.there()?;
    found.write(call, |drive| drive.purge(item).map_err(refusal::of))?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Brings a deleted item back.
pub(super) fn restore(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let item = found.there()?;
    let body = call.json_or_nothing()?;
    let title = text(&body, "name")?;
    let parent = body.get("parentReference").filter(|it| !it.is_null());
    found.write(call, |drive| {
        let to = parent.map(|it| target(drive, it)).transpose()?;
        drive
            .restore(item, to, title.as_deref())
            .map_err(refusal::of)
    })?;
    list::changed(call, &found.drive, item, StatusCode::OK)
}

/// Checks a file out, in, or back.
pub(super) fn check_out(
    call: &Call<'_>,
    found: &Found,
    action: Action,
) -> Result<Reply, GraphError> {
    let item = found.there()?;
    let by = base::identity(call);
    found.write(call, |drive| {
        let own = drive.get(item).ok_or_else(refusal::not_found)?;
        if !own.is_file() {
            // Unverified: the text.
            return Err(refusal::invalid("Only a file can be checked out."));
        }
        free(call, own)?;
        let is_out = own.checked_out.is_some();
        match action {
            Action::Checkout => drive.update(item, |own| own.checked_out = Some(by)),
            // Unverified: the text.
            _ if !is_out => return Err(refusal::invalid("The file is not checked out.")),
            _ => drive.update(item, |own| own.checked_out = None),
        }
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Refuses a change of a file that somebody else has checked out.
pub(super) fn free(call: &Call<'_>, item: &Item) -> Result<(), GraphError> {
    match item.checked_out {
        Some(by) if by.user != call.actor.user() => Err(refusal::locked()),
        _ => Ok(()),
    }
}

/// Compares `If-Match` and `If-None-Match` with the tags of an item; both tags are taken.
pub(super) fn matches(call: &Call<'_>, item: &Item) -> Result<(), GraphError> {
    let tags = [item.e_tag(), item.c_tag()];
    let names = |header: &str| {
        let wanted = call.header(header).trim();
        let wanted = wanted.strip_prefix("W/").unwrap_or(wanted);
        let named = tags
            .iter()
            .any(|it| it == wanted || it.trim_matches('"') == wanted);
        (!wanted.is_empty()).then_some(named || wanted == "*")
    };
    if names("if-match") == Some(false) || names("if-none-match") == Some(true) {
        Err(refusal::tag_differs())
    } else {
        Ok(())
    }
}

/// A content that came as a body.
fn blob(call: &Call<'_>, bytes: &[u8]) -> Result<Blob, GraphError> {
    Blob::of(&call.world.contents, bytes).map_err(|error| {
        tracing::error!(%error, "a content is not kept");
        refusal::no_room()
    })
}

/// A new GUID.
pub(super) fn new_id(call: &Call<'_>) -> Uuid {
    call.world.random.uuid()
}

pub(super) fn text(body: &Properties, name: &str) -> Result<Option<String>, GraphError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(refusal::invalid(&format!(
            "The value of '{name}' is no text."
        ))),
    }
}

/// What a client says of a file in a body.
pub(super) fn said(body: &Properties) -> Result<Said, GraphError> {
    let info = body.get("fileSystemInfo");
    let time = |name: &str| -> Result<Option<Timestamp>, GraphError> {
        let Some(value) = info.and_then(|it| it.get(name)).filter(|it| !it.is_null()) else {
            return Ok(None);
        };
        let parsed = value.as_str().and_then(|it| it.parse().ok()).map(whole);
        // Unverified: the text.
        let wrong = || refusal::invalid(&format!("The value of '{name}' is no moment."));
        parsed.ok_or_else(wrong).map(Some)
    };
    Ok(Said {
        created: time("createdDateTime")?,
        modified: time("lastModifiedDateTime")?,
        description: text(body, "description")?,
    })
}

pub(super) use crate::drives::Said;

/// A moment in whole seconds, as libraries keep them.
pub(super) fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}
