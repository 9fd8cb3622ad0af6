//! The drives of a tenant: folders, files, who changed them, their versions. No contents.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::api::{Api, Operation};
use super::problem::{Answer, json_response};
use super::tenants::find;
use crate::directory::Directory;
use crate::drives::{Drive, Identity, Item, Owner, id};
use crate::server::Core;

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/drives",
            "listDrives",
            "The drives that are in use",
        )
        .answers::<Vec<DriveView>>(200, "Drives with their items")
        .problems(&[404]),
        routing::get(drives),
    )
}

/// A drive.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "Drive")]
struct DriveView {
    /// The id in Graph.
    id: String,
    /// The name that people see.
    name: String,
    /// Whose it is: a person's name, or the path of a site.
    owner: String,
    /// Its address.
    url: String,
    /// The bytes in use.
    used: u64,
    /// The files and folders, folders before what they hold; the first 1000.
    items: Vec<ItemView>,
    /// How many there are.
    total: usize,
}

/// A file or a folder.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "DriveItem")]
struct ItemView {
    /// The id in Graph.
    id: String,
    /// The names from the root on.
    path: Vec<String>,
    /// Whether it is a folder.
    folder: bool,
    /// The bytes.
    size: u64,
    /// When it was last changed.
    #[schemars(with = "String")]
    modified: Timestamp,
    /// Who changed it last.
    modified_by: String,
    /// Whether somebody has checked it out.
    checked_out: bool,
    /// With how many it is shared, by links or by name.
    shared: usize,
    /// Its versions, the newest first; of a folder none.
    versions: Vec<VersionView>,
}

/// A version of a file.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "FileVersion")]
struct VersionView {
    /// The number.
    id: String,
    /// The bytes.
    size: u64,
    /// When it was written.
    #[schemars(with = "String")]
    modified: Timestamp,
    /// Who wrote it.
    modified_by: String,
}

async fn drives(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    let views: Vec<DriveView> = tenant.read(|directory| {
        tenant.read_drives(|drives| {
            let all = drives.all();
            all.map(|it| DriveView::of(directory, it)).collect()
        })
    });
    Ok(json_response(StatusCode::OK, &views))
}

impl DriveView {
    fn of(directory: &Directory, drive: &Drive) -> Self {
        let owner = match &drive.owner {
            Owner::User(id) => {
                let mut users = directory.users.values();
                let user = users.find(|it| it.id.to_string() == *id);
                user.map_or_else(|| id.clone(), |it| it.display_name.clone())
            }
            Owner::Group(_) | Owner::Site(_) => format!("{}{}", drive.place.host, drive.place.site),
        };
        let mut items = Vec::new();
        outline(directory, drive, id::ROOT, &mut items);
        Self {
            id: drive.id.clone(),
            name: drive.name.clone(),
            owner,
            url: crate::graph::address_of(drive),
            used: drive.used(),
            items,
            total: drive.row_count(),
        }
    }
}

/// The items of a folder, each folder followed by what it holds.
fn outline(directory: &Directory, drive: &Drive, folder: uuid::Uuid, found: &mut Vec<ItemView>) {
    let mut open = vec![drive.list(folder, None).collect::<Vec<_>>().into_iter()];
    while let Some(level) = open.last_mut() {
        if found.len() >= MOST {
            return;
        }
        let Some((_, item)) = level.next() else {
            open.pop();
            continue;
        };
        found.push(ItemView::of(directory, drive, item));
        if !item.is_file() {
            open.push(drive.list(item.id, None).collect::<Vec<_>>().into_iter());
        }
    }
}

impl ItemView {
    fn of(directory: &Directory, drive: &Drive, item: &Item) -> Self {
        let number = item.versions.last().map_or(1, |it| it.number + 1);
        let mut versions = Vec::new();
        if item.is_file() {
            versions.push(VersionView {
                id: format!("{number}.0"),
                size: item.size,
                modified: item.modified,
                modified_by: name_of(directory, item.modified_by),
            });
            versions.extend(item.versions.iter().rev().map(|it| VersionView {
                id: format!("{}.0", it.number),
                size: it.content.length(),
                modified: it.modified,
                modified_by: name_of(directory, it.modified_by),
            }));
        }
        let path = drive.path(item.id).into_iter();
        Self {
            id: drive.id_of(item.id),
            path: path.map(str::to_owned).collect(),
            folder: !item.is_file(),
            size: item.size,
            modified: item.modified,
            modified_by: name_of(directory, item.modified_by),
            checked_out: item.checked_out.is_some(),
            shared: item.permissions.len(),
            versions,
        }
    }
}

/// A person, an app, or both, by name.
fn name_of(directory: &Directory, by: Identity) -> String {
    let user = by.user.map(|id| {
        let user = directory.user(id);
        user.map_or_else(|| id.to_string(), |it| it.display_name.clone())
    });
    let app = by.app.map(|id| {
        let app = directory.applications.get(&id);
        app.map_or_else(|| id.to_string(), |it| it.display_name.clone())
    });
    match (user, app) {
        (Some(user), Some(app)) => format!("{user} by {app}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "the system".to_owned(),
    }
}

/// The items that are shown of a drive.
const MOST: usize = 1000;
