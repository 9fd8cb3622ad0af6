//! Which item a path means.

use uuid::Uuid;

use super::{base, refusal, share};
use crate::drives::{Drive, id};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::route::{Key, Step};

/// An item that a path means, or the place where it would be.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Found {
    /// The drive.
    pub(in crate::graph) drive: String,
    /// The item that is there: the last one on the path.
    pub(in crate::graph) item: Uuid,
    /// What of the path is not there, decoded.
    pub(in crate::graph) missing: Vec<String>,
}

impl Found {
    /// The item, which must be there.
    pub(in crate::graph) fn there(&self) -> Result<Uuid, GraphError> {
        if self.missing.is_empty() {
            Ok(self.item)
        } else {
            Err(refusal::not_found())
        }
    }

    /// Looks at the item.
    pub(in crate::graph) fn read<A>(
        &self,
        call: &Call<'_>,
        look: impl FnOnce(&Drive) -> Option<A>,
    ) -> Result<A, GraphError> {
        call.tenant
            .read_drives(|it| it.get(&self.drive).and_then(look))
            .ok_or_else(refusal::not_found)
    }

    /// Changes the drive.
    pub(in crate::graph) fn write<A>(
        &self,
        call: &Call<'_>,
        change: impl FnOnce(&mut Drive) -> Result<A, GraphError>,
    ) -> Result<A, GraphError> {
        call.tenant.write_drives(|it| {
            let drive = it.get_mut(&self.drive).ok_or_else(refusal::not_found)?;
            change(drive)
        })
    }
}

/// Finds the item. `steps`: those from the drive on.
pub(in crate::graph) fn item(
    call: &Call<'_>,
    drive: String,
    steps: &[Step],
) -> Result<Found, GraphError> {
    item_from(call, drive, id::ROOT, steps)
}

/// The same, where the first step is an item.
pub(super) fn item_from(
    call: &Call<'_>,
    drive: String,
    item: Uuid,
    steps: &[Step],
) -> Result<Found, GraphError> {
    let mut found = Found {
        drive,
        item,
        missing: Vec::new(),
    };
    if let Some(within) = steps.first().and_then(|it| it.within.as_ref()) {
        descend(call, &mut found, within)?;
    }
    let is_share = steps.first().is_some_and(|it| it.name == "shares");
    for step in steps.iter().skip(1) {
        match (step.name, &step.key) {
            ("root" | "driveItem", None) if is_share => {
                let first = steps.first().ok_or_else(refusal::not_found)?;
                found.item = share::item_of(call, first)?;
            }
            ("root", None) => {}
            ("items", Some(Key::Id(id))) => found.item = by_id(call, &found.drive, id)?,
            ("special", Some(Key::Id(name))) => special(call, &mut found, name)?,
            ("children", Some(Key::Id(name))) if name.starts_with('@') => {
                // Source: rclone/rclone, backend/onedrive (`children('@a1')` in China).
                let path = meant(call, name).ok_or_else(refusal::not_found)?;
                let parts = path.split('/').filter(|it| !it.is_empty());
                let parts: Vec<String> = parts.map(str::to_owned).collect();
                descend(call, &mut found, &parts)?;
            }
            ("children", Some(Key::Id(name))) => {
                let part = [name.clone()];
                match by_id(call, &found.drive, name) {
                    Ok(item) if name.starts_with("01") => found.item = item,
                    _ => descend(call, &mut found, &part)?,
                }
            }
            _ => break,
        }
        if let Some(within) = &step.within {
            descend(call, &mut found, within)?;
        }
    }
    Ok(found)
}

/// What a value means: behind an alias it is a query parameter.
/// Source: OData 4.01, URL conventions, 5.1.1.8.1.
pub(super) fn meant(call: &Call<'_>, value: &str) -> Option<String> {
    if !value.starts_with('@') {
        return Some(value.to_owned());
    }
    let value = call.parameter(value)?;
    let quoted = value
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''));
    Some(quoted.map_or_else(|| value.to_owned(), |it| it.replace("''", "'")))
}

fn by_id(call: &Call<'_>, drive: &str, text: &str) -> Result<Uuid, GraphError> {
    call.tenant.read_drives(|drives| {
        let drive = drives.get(drive).ok_or_else(refusal::not_found)?;
        match drive.parse_id(text) {
            // A deleted item is found by who restores it.
            Some(item) => Ok(item),
            None if id::parse_item(text).is_some() => Err(refusal::other_drive()),
            None => Err(refusal::not_found()),
        }
    })
}

/// The folders that have a name of their own. Source: learn.microsoft.com/graph/api/drive-get-specialfolder.
fn special(call: &Call<'_>, found: &mut Found, name: &str) -> Result<(), GraphError> {
    let path: Vec<String> = match name.to_ascii_lowercase().as_str() {
        "approot" => {
            let app = base_app(call);
            vec!["Apps".to_owned(), app]
        }
        "documents" => vec!["Documents".to_owned()],
        "photos" => vec!["Pictures".to_owned()],
        "cameraroll" => vec!["Pictures".to_owned(), "Camera Roll".to_owned()],
        "music" => vec!["Music".to_owned()],
        "desktop" => vec!["Desktop".to_owned()],
        _ => return Err(refusal::not_found()),
    };
    descend(call, found, &path)?;
    // It comes to be on the first write.
    let writes = call.actor.holds("Files.ReadWrite")
        || call.actor.holds("Files.ReadWrite.AppFolder")
        || call.actor.holds("Sites.ReadWrite.All");
    if !found.missing.is_empty() && writes {
        super::write::make_folders(call, found)?;
    }
    Ok(())
}

/// The name of the calling app as a folder has it.
pub(in crate::graph) fn base_app(call: &Call<'_>) -> String {
    let name = super::draw::app_name(call, call.client);
    let name: String = name
        .chars()
        .map(|it| if "\"*:<>?/\\|".contains(it) { '_' } else { it })
        .collect();
    let name = name.trim().trim_end_matches('.').to_owned();
    if name.is_empty() {
        base::identity(call).app.map_or(name, |it| it.to_string())
    } else {
        name
    }
}

/// Follows names from folder to folder.
fn descend(call: &Call<'_>, found: &mut Found, names: &[String]) -> Result<(), GraphError> {
    call.tenant.read_drives(|drives| {
        let drive = drives.get(&found.drive).ok_or_else(refusal::not_found)?;
        for name in names {
            let next = drive.child(found.item, name).map(|it| it.id);
            match next.filter(|_| found.missing.is_empty()) {
                Some(next) => found.item = next,
                None => found.missing.push(name.clone()),
            }
        }
        Ok(())
    })
}
