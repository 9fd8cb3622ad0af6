//! Calendars, their groups, and who is free when.

pub(super) mod groups;
pub(super) mod schedule;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collection::{self, Listing, Source};
use super::endpoint::Operation;
use super::error::GraphError;
use super::extended;
use super::messages::{folder_id, of_id};
use crate::mailbox::{Contents, Folder, FolderKind, ItemKey, Properties, WellKnown};

/// `GET …/calendars`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| collection::list(call, &listing(call), &all(call, contents)))
}

/// `GET …/calendar` and `…/calendars/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let key = find(call, contents)?;
        shown(call, contents, key)
    })
}

/// `POST …/calendars`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("calendar")?;
    let name = body
        .get("name")
        .and_then(Value::as_str)
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| GraphError::invalid_request("The required property 'name' is missing."))?
        .to_owned();
    let contents = call.mailbox()?;
    contents.write(|contents| {
        free(contents, &name)?;
        let root = contents.well_known(WellKnown::Root);
        let key = contents.add_folder(&name, Some(root), FolderKind::Calendar);
        paint(contents, key, &body);
        if let Some(folder) = contents.folders.get_mut(&key) {
            extended::keep(folder, &body);
        }
        shown(call, contents, key)
    })
}

/// `PATCH …/calendar` and `…/calendars/{id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("calendar")?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?;
        let name = body.get("name").and_then(Value::as_str).map(str::to_owned);
        if let (Some(name), Some(folder)) = (name, contents.folders.get_mut(&key)) {
            folder.name = name;
        }
        paint(contents, key, &body);
        if let Some(folder) = contents.folders.get_mut(&key) {
            extended::keep(folder, &body);
        }
        contents.touch_folder(key);
        shown(call, contents, key)
    })
}

/// `DELETE …/calendars/{id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?;
        if contents
            .folders
            .get(&key)
            .is_some_and(|it| it.well_known.is_some())
        {
            // Unverified: code and text.
            return Err(GraphError::invalid_request(
                "The default calendar can't be deleted.",
            ));
        }
        contents.delete_folder(key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// The calendar that the path names; the default one where it names none.
pub(super) fn find(call: &Call<'_>, contents: &Contents) -> Result<u64, GraphError> {
    let Some(id) = call.parameters.find("calendar") else {
        return Ok(contents.well_known(WellKnown::Calendar));
    };
    match contents.ids().decode(id).map_err(of_id)? {
        ItemKey::Folder(key) => contents
            .folders
            .get(&key)
            .filter(|folder| folder.kind == FolderKind::Calendar)
            .map(|folder| folder.key)
            .ok_or_else(|| match call.endpoint.operation {
                Operation::CreateEvent => GraphError::container_not_found(),
                _ => GraphError::item_not_found(),
            }),
        _ => Err(GraphError::item_not_found()),
    }
}

/// `GET …/calendars/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let source = all(call, contents);
        collection::count(call, &listing(call), &source)
    })
}

fn all<'a>(call: &'a Call<'a>, contents: &'a Contents) -> Calendars<'a> {
    let items = contents
        .folders
        .values()
        .filter(|it| it.kind == FolderKind::Calendar)
        .collect();
    Calendars {
        call,
        contents,
        items,
    }
}

fn listing(call: &Call<'_>) -> Listing<'static> {
    Listing {
        of: "calendar",
        set: call.set("calendars"),
        page: 10,
        most: 1000,
        searched: &[],
        aliases: &[],
    }
}

/// Refuses a name that another calendar has.
fn free(contents: &Contents, name: &str) -> Result<(), GraphError> {
    let taken = contents
        .folders
        .values()
        .any(|it| it.kind == FolderKind::Calendar && it.name.eq_ignore_ascii_case(name));
    if taken {
        return Err(GraphError::folder_exists(name));
    }
    Ok(())
}

struct Calendars<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    items: Vec<&'a Folder>,
}

impl<'a> Source for Calendars<'a> {
    type Item = &'a Folder;

    fn items(&self) -> &[&'a Folder] {
        &self.items
    }

    fn render(&self, folder: &&'a Folder) -> Properties {
        document(self.call, self.contents, folder)
    }
}

fn paint(contents: &mut Contents, key: u64, body: &Properties) {
    let color = body.get("color").and_then(Value::as_str).map(str::to_owned);
    if let (Some(color), Some(folder)) = (color, contents.folders.get_mut(&key)) {
        folder.color = color;
    }
}

fn shown(call: &Call<'_>, contents: &Contents, key: u64) -> Result<Reply, GraphError> {
    let folder = contents
        .folders
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    call.entity(
        &call.set("calendars"),
        "calendar",
        document(call, contents, folder),
    )
}

/// The color as it is shown. Unverified: all but light orange, which
/// allodia-eu/email-calendar-sync-engine has, fixtures/calendar/calendars.json.
fn hex_color(name: &str) -> &'static str {
    const COLORS: [(&str, &str); 9] = [
        ("lightBlue", "#0078d4"),
        ("lightBrown", "#8e562e"),
        ("lightGray", "#69797e"),
        ("lightGreen", "#498205"),
        ("lightOrange", "#f7630c"),
        ("lightPink", "#e43ba6"),
        ("lightRed", "#c50f1f"),
        ("lightTeal", "#038387"),
        ("lightYellow", "#c19c00"),
    ];
    // One that nobody has chosen is empty. Source: learn.microsoft.com/graph/api/resources/calendar.
    COLORS
        .iter()
        .find(|(it, _)| *it == name)
        .map_or("", |(_, hex)| *hex)
}

fn document(call: &Call<'_>, contents: &Contents, folder: &Folder) -> Properties {
    let default = folder.well_known == Some(WellKnown::Calendar);
    let value = json!({
        "id": folder_id(contents, folder.key),
        "name": folder.name,
        "color": folder.color,
        "hexColor": hex_color(&folder.color),
        "isDefaultCalendar": default,
        "changeKey": contents.ids().change_key(folder.change),
        "canShare": true,
        "canViewPrivateItems": true,
        "canEdit": true,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": default,
        "isRemovable": !default,
        "owner": contents.owner.person.email_address(),
    });
    let mut found = collection::members(value);
    extended::attach_to_folder(call, "calendar", folder, &mut found);
    found
}
