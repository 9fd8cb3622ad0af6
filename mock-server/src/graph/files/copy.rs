//! Copies of items, within a drive and to another.

use axum::http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::action::Action;
use super::find::Found;
use super::ticket::{self, Right, Ticket};
use super::write::{new_id, target, text, whole};
use super::{base, name, refusal};
use crate::drives::{Conflict, Drive, Item, Job, Refused, id};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;

/// Copies an item with all that is in it. It is done at once, and the address that tells how far
/// it is says so.
pub(super) fn copy(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let item = found.there()?;
    let body = call.json_or_nothing()?;
    let title = text(&body, "name")?;
    let conflict = base::conflict(call, None, Conflict::Fail)?;
    let reference = body.get("parentReference").filter(|it| !it.is_null());
    let named = reference
        .and_then(|it| it.get("driveId"))
        .and_then(Value::as_str);
    let to_drive = named.unwrap_or(&found.drive).to_owned();
    if !call.tenant.read_drives(|it| it.get(&to_drive).is_some()) {
        return Err(refusal::malformed_drive());
    }
    let (items, place) = found.read(call, |drive| {
        let tree = drive.tree(item);
        let items: Vec<Item> = tree
            .iter()
            .filter_map(|it| drive.get(*it))
            .cloned()
            .collect();
        Some((items, drive.place.clone()))
    })?;
    // Source: learn.microsoft.com/graph/api/driveitem-copy. Unverified: the text.
    if items.len() > MOST_COPIED {
        return Err(refusal::invalid(
            "The number of items to copy is larger than 30,000.",
        ));
    }
    let target_found = Found {
        drive: to_drive.clone(),
        item: id::ROOT,
        missing: Vec::new(),
    };
    let own = items.first().ok_or_else(refusal::not_found)?;
    let parent = match reference {
        Some(reference) if reference.get("id").is_some() || reference.get("path").is_some() => {
            let mut reference = reference.clone();
            reference["driveId"] = json!(to_drive);
            let at = target_found.read(call, |drive| Some(target(drive, &reference)))??;
            Some(at)
        }
        Some(_) => Some(id::ROOT),
        None => own.parent,
    };
    let parent = parent.ok_or_else(|| refusal::of(Refused::Root))?;
    let title = title.unwrap_or_else(|| own.name.clone());
    name::check(&title, parent == id::ROOT)?;
    super::access::check(
        call,
        &Found {
            item: parent,
            ..target_found.clone()
        },
        Action::Create,
    )?;
    let by = base::identity(call);
    let ids: Vec<(Uuid, Uuid)> = items.iter().map(|it| (it.id, new_id(call))).collect();
    let outcome = target_found.write(call, |drive| {
        copied(
            drive,
            &items,
            &ids,
            (parent, &title),
            conflict,
            by,
            call.now,
        )
    });
    let outcome = match outcome {
        Ok(id) => Ok(id),
        // Told at once where nothing has begun.
        Err(error) if error.status == StatusCode::NOT_FOUND => return Err(error),
        Err(error) => Err(error.code.to_string()),
    };
    let number = call.world.random.uuid();
    call.tenant.write_drives(|drives| {
        drives.tidy(call.now);
        drives.jobs.insert(
            number,
            Job {
                started: call.now,
                outcome,
            },
        );
    });
    let seal = Ticket::seal(call, Right::Watch(number), ticket::UPLOAD);
    let root = ticket::root(call, &place);
    let mut reply = Reply::empty(StatusCode::ACCEPTED);
    let location = format!("{root}/_api/v2.0/monitor/{seal}");
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

fn copied(
    drive: &mut Drive,
    items: &[Item],
    ids: &[(Uuid, Uuid)],
    (parent, title): (Uuid, &str),
    conflict: Conflict,
    by: crate::drives::Identity,
    now: Timestamp,
) -> Result<String, GraphError> {
    let map: std::collections::HashMap<Uuid, Uuid> = ids.iter().copied().collect();
    let mut top = None;
    for item in items {
        let id = map.get(&item.id).copied().unwrap_or_default();
        let mut new = Item::new(id, &item.name, by, whole(now));
        new.created = item.created;
        new.file_created = item.file_created;
        new.content.clone_from(&item.content);
        new.content_version = u32::from(item.is_file());
        new.size = if item.is_file() { item.size } else { 0 };
        if top.is_none() {
            title.clone_into(&mut new.name);
            top = Some(drive.add(parent, new, conflict).map_err(refusal::of)?.0);
        } else {
            let folder = item.parent.and_then(|it| map.get(&it)).copied();
            let folder = folder.unwrap_or(parent);
            drive
                .add(folder, new, Conflict::Replace)
                .map_err(refusal::of)?;
        }
    }
    top.map(|it| drive.id_of(it)).ok_or_else(refusal::not_found)
}

/// The most that is copied at once. Source: learn.microsoft.com/graph/api/driveitem-copy.
const MOST_COPIED: usize = 30_000;
