//! Groups of calendars. Every mailbox has one, in which calendars are that nobody put elsewhere.
//!
//! Source: learn.microsoft.com/graph/api/resources/calendargroup, /user-list-calendargroups.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{document, paint};
use crate::graph::call::{Call, Reply};
use crate::graph::collection::{self, Documents, Listing};
use crate::graph::error::GraphError;
use crate::graph::messages::{folder_id, of_id};
use crate::mailbox::{Contents, FolderKind, ItemKey, Properties, WellKnown};

/// `GET …/calendarGroups`.
pub(in crate::graph) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let mut all = vec![main(contents)];
        all.extend(own(contents).map(|key| of_key(contents, key)));
        collection::list(
            call,
            &listing(call, "calendarGroup", "calendarGroups"),
            &Documents(all),
        )
    })
}

/// `POST …/calendarGroups`.
pub(in crate::graph) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let name = name(&call.object("calendarGroup")?)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let taken = name.eq_ignore_ascii_case(MAIN)
            || own(contents).any(|key| contents.folders[&key].name.eq_ignore_ascii_case(&name));
        if taken {
            return Err(GraphError::folder_exists(&name));
        }
        let root = contents.well_known(WellKnown::Root);
        let key = contents.add_folder(&name, Some(root), FolderKind::CalendarGroup);
        shown(call, of_key(contents, key))
    })
}

/// `GET …/calendarGroups/{id}`.
pub(in crate::graph) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let document = match find(call, contents)? {
            None => main(contents),
            Some(key) => of_key(contents, key),
        };
        shown(call, document)
    })
}

/// `PATCH …/calendarGroups/{id}`.
pub(in crate::graph) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("calendarGroup")?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let Some(key) = find(call, contents)? else {
            // Unverified: that the group which every mailbox has keeps its name.
            return shown(call, main(contents));
        };
        if body.contains_key("name") {
            let name = name(&body)?;
            if let Some(folder) = contents.folders.get_mut(&key) {
                folder.name = name;
            }
            contents.touch_folder(key);
        }
        shown(call, of_key(contents, key))
    })
}

/// `DELETE …/calendarGroups/{id}`.
pub(in crate::graph) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?.ok_or_else(|| {
            // Unverified: code and text.
            GraphError::invalid_request("The default calendar group can't be deleted.")
        })?;
        if calendars(contents, Some(key)).next().is_some() {
            // Unverified: code and text. Source of the rule: calendargroup-delete.
            return Err(GraphError::invalid_request(
                "The calendar group can't be deleted because it is not empty.",
            ));
        }
        contents.delete_folder(key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `GET …/calendarGroups/{id}/calendars`.
pub(in crate::graph) fn list_calendars(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let group = find(call, contents)?;
        let all: Vec<Properties> = calendars(contents, group)
            .filter_map(|key| contents.folders.get(&key))
            .map(|folder| document(call, contents, folder))
            .collect();
        let set = format!(
            "calendarGroups('{}')/calendars",
            call.parameters.get("calendarGroup")
        );
        collection::list(call, &listing(call, "calendar", &set), &Documents(all))
    })
}

/// `POST …/calendarGroups/{id}/calendars`.
pub(in crate::graph) fn create_calendar(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("calendar")?;
    let name = name(&body)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let root = contents.well_known(WellKnown::Root);
        let parent = find(call, contents)?.unwrap_or(root);
        super::free(contents, &name)?;
        let key = contents.add_folder(&name, Some(parent), FolderKind::Calendar);
        paint(contents, key, &body);
        super::shown(call, contents, key)
    })
}

/// The group that the path names; none is the one that every mailbox has.
fn find(call: &Call<'_>, contents: &Contents) -> Result<Option<u64>, GraphError> {
    let id = call.parameters.get("calendarGroup");
    if Some(id) == main(contents).get("id").and_then(Value::as_str) {
        return Ok(None);
    }
    match contents.ids().decode(id).map_err(of_id)? {
        ItemKey::Folder(key) => contents
            .folders
            .get(&key)
            .filter(|folder| folder.kind == FolderKind::CalendarGroup)
            .map(|folder| Some(folder.key))
            .ok_or_else(GraphError::item_not_found),
        _ => Err(GraphError::item_not_found()),
    }
}

fn own(contents: &Contents) -> impl Iterator<Item = u64> {
    let folders = contents.folders.values();
    folders
        .filter(|it| it.kind == FolderKind::CalendarGroup)
        .map(|it| it.key)
}

/// The calendars of a group.
fn calendars(contents: &Contents, group: Option<u64>) -> impl Iterator<Item = u64> {
    let is_group = move |parent: u64| own(contents).any(|it| it == parent);
    let folders = contents.folders.values();
    folders
        .filter(|it| it.kind == FolderKind::Calendar)
        .filter(move |it| match group {
            Some(group) => it.parent == Some(group),
            None => !it.parent.is_some_and(is_group),
        })
        .map(|it| it.key)
}

/// The group that every mailbox has.
fn main(contents: &Contents) -> Properties {
    let class = uuid::Uuid::from_u128(MAIN_CLASS);
    written(
        contents,
        &json!(contents.ids().encode(ItemKey::Folder(0))),
        MAIN,
        &class,
        0,
    )
}

fn of_key(contents: &Contents, key: u64) -> Properties {
    let class = uuid::Uuid::from_u128(contents.owner.id.0.as_u128() ^ u128::from(key));
    let folder = contents.folders.get(&key);
    let name = folder.map_or("", |it| it.name.as_str());
    let change = folder.map_or(0, |it| it.change);
    written(contents, &folder_id(contents, key), name, &class, change)
}

fn written(
    contents: &Contents,
    id: &Value,
    name: &str,
    class: &uuid::Uuid,
    change: u64,
) -> Properties {
    collection::members(json!({
        "id": id,
        "name": name,
        "classId": class,
        "changeKey": contents.ids().change_key(change),
    }))
}

fn shown(call: &Call<'_>, document: Properties) -> Result<Reply, GraphError> {
    call.entity(&call.set("calendarGroups"), "calendarGroup", document)
}

fn listing(call: &Call<'_>, of: &'static str, set: &str) -> Listing<'static> {
    Listing {
        of,
        set: call.set(set),
        page: 10,
        most: 1000,
        searched: &[],
        aliases: &[],
    }
}

fn name(body: &Properties) -> Result<String, GraphError> {
    body.get("name")
        .and_then(Value::as_str)
        .filter(|name| !name.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| GraphError::invalid_request("The required property 'name' is missing."))
}

/// Source: learn.microsoft.com/graph/api/user-list-calendargroups, whose example has this name and
/// this class.
const MAIN: &str = "My Calendars";
const MAIN_CLASS: u128 = 0x0006_f0b7_0000_0000_c000_0000_0000_0046;
