//! Upload sessions: how they begin. The fragments come to the site's host.
//!
//! Sources: learn.microsoft.com/graph/api/driveitem-createuploadsession; recordings of
//! NangoHQ/integration-templates (what they say where nothing is said: a file that is there is
//! written over).

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::find::Found;
use super::ticket::{self, Right, Ticket};
use super::write::{self, Said};
use super::{base, refusal};
use crate::drives::{Blob, Conflict, Item, LIFE, MOST_SESSIONS, Session};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;

/// Begins an upload.
pub(super) fn create(call: &Call<'_>, mut found: Found) -> Result<Reply, GraphError> {
    let body = call.json_or_nothing()?;
    let empty = Properties::new();
    let item = match body.get("item") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(item)) => item,
        Some(_) => return Err(wrong("item", "object")),
    };
    let said = write::said(item)?;
    let behavior = item.get("@microsoft.graph.conflictBehavior");
    let conflict = base::conflict(call, behavior, Conflict::Replace)?;
    let deferred = match body.get("deferCommit") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(deferred)) => *deferred,
        Some(_) => return Err(wrong("deferCommit", "truth value")),
    };
    let named = write::text(item, "name")?;
    let named = named.as_deref();
    let size = match item.get("fileSize") {
        None | Some(Value::Null) => None,
        Some(size) => Some(number(size).ok_or_else(|| wrong("fileSize", "length"))?),
    };
    if let Some(size) = size {
        let room = found.read(call, |drive| Some(drive.quota.saturating_sub(drive.used())))?;
        if size > room {
            return Err(refusal::no_room());
        }
    }
    let session = if found.missing.is_empty() {
        found.read(call, |drive| {
            let own = drive.get(found.item)?;
            Some(existing(call, own, conflict, named))
        })??
    } else {
        write::check_way(call, &found)?;
        let title = found.missing.pop().unwrap_or_default();
        if named.is_some_and(|it| !it.eq_ignore_ascii_case(&title)) {
            return Err(other_name());
        }
        if !call.header("if-match").is_empty() {
            return Err(refusal::tag_differs());
        }
        write::make_folders(call, &mut found)?;
        (found.item, title, write::new_id(call))
    };
    let (folder, title, new) = session;
    let number = call.world.random.uuid();
    let expires = call.now.checked_add(LIFE).unwrap_or(call.now);
    let session = Session {
        drive: found.drive.clone(),
        folder,
        name: title,
        item: new,
        conflict,
        said,
        by: base::identity(call),
        content: Blob::default(),
        total: None,
        deferred,
        is_busy: false,
        expires,
    };
    call.tenant.write_drives(|drives| {
        drives.tidy(call.now);
        // Source: rclone/rclone#8558. One without a fragment gives way: clients begin anew.
        let taken = drives.sessions.iter().find(|(_, it)| {
            it.drive == session.drive
                && it.folder == folder
                && it.name.to_lowercase() == session.name.to_lowercase()
        });
        match taken.map(|(number, it)| (*number, it.content.length() > 0 || it.is_busy)) {
            Some((_, true)) => return Err(refusal::session_exists()),
            Some((other, false)) => {
                drives.sessions.remove(&other);
            }
            None => {}
        }
        if drives.sessions.len() >= MOST_SESSIONS {
            return Err(GraphError::throttled());
        }
        drives.sessions.insert(number, session);
        Ok(())
    })?;
    let seal = Ticket::seal(call, Right::Upload(number), ticket::UPLOAD);
    let url = found.read(call, |drive| {
        let flags = match conflict {
            Conflict::Fail => "overwrite=False&rename=False",
            Conflict::Rename => "overwrite=False&rename=True",
            Conflict::Replace => "overwrite=True&rename=False",
        };
        Some(format!(
            "{}/_api/v2.0/drives/{}/items/{}/uploadSession?guid='{number}'&{flags}&dc={}\
             &tempauth={seal}",
            ticket::root(call, &drive.place),
            drive.id,
            drive.id_of(new),
            u8::from(deferred),
        ))
    })?;
    let context = format!("{}/$metadata#microsoft.graph.uploadSession", call.root());
    let mut reply = Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": context,
            "expirationDateTime": crate::mailbox::seconds(expires),
            "nextExpectedRanges": ["0-"],
            "uploadUrl": url,
        }),
    );
    let location = call.origin.to_owned();
    reply.headers.push((header::LOCATION, location));
    Ok(reply)
}

/// Where a file is that is written over: folder, name, id.
fn existing(
    call: &Call<'_>,
    own: &Item,
    conflict: Conflict,
    named: Option<&str>,
) -> Result<(Uuid, String, Uuid), GraphError> {
    let Some(folder) = own.parent.filter(|_| own.is_file()) else {
        return Err(refusal::no_session_on_folder());
    };
    write::free(call, own)?;
    write::matches(call, own)?;
    if named.is_some_and(|it| !it.eq_ignore_ascii_case(&own.name)) {
        return Err(other_name());
    }
    let id = if conflict == Conflict::Rename {
        write::new_id(call)
    } else {
        own.id
    };
    Ok((folder, own.name.clone(), id))
}

/// A length, as a number or, as clients that ask for it write it, as a text.
fn number(value: &Value) -> Option<u64> {
    let text = value.as_str().and_then(|it| it.parse().ok());
    text.or_else(|| value.as_u64())
}

/// Unverified: the text.
fn wrong(name: &str, expected: &str) -> GraphError {
    refusal::invalid(&format!("The value of '{name}' is no {expected}."))
}

/// Source: issues of client libraries.
fn other_name() -> GraphError {
    refusal::invalid(
        "Name specified in the path doesn't match the name specified in the request body.",
    )
}

/// What comes of a session whose last byte is there.
pub(super) fn commit(
    drives: &mut crate::drives::Drives,
    session: &Session,
    now: jiff::Timestamp,
) -> Result<(Uuid, bool), GraphError> {
    let drive = drives
        .get_mut(&session.drive)
        .ok_or_else(refusal::not_found)?;
    let is_taken = drive.get(session.item).is_some();
    let id = if is_taken {
        Uuid::new_v5(&session.item, b"again")
    } else {
        session.item
    };
    let mut item = Item::file(id, &session.name, session.content.clone(), session.by, now);
    session.said.tell(&mut item);
    let (made, is_new) = drive
        .add(session.folder, item, session.conflict)
        .map_err(refusal::of)?;
    let told: &Said = &session.said;
    if told.is_some() && !is_new {
        drive.update(made, |own| told.tell(own));
    }
    Ok((made, is_new))
}
