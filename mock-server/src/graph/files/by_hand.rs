//! Files that come and go without a client: what a person does in the browser.

use jiff::Timestamp;
use uuid::Uuid;

use super::{base, name};
use crate::directory::ObjectId;
use crate::drives::{Blob, Conflict, Identity, Item, Owner, Refused, id};
use crate::world::Tenant;

/// A file that is put into a drive.
#[derive(Debug)]
pub(crate) struct PutFile<'a> {
    /// Its path in the drive.
    pub(crate) path: &'a str,
    /// What is in it.
    pub(crate) content: Blob,
    /// Whether a file that is there stays as it is, and the new one gets another name.
    pub(crate) keep_both: bool,
}

/// Puts a file into a person's drive, which comes to be with it; the person does it.
pub(crate) fn put(
    tenant: &Tenant,
    user: ObjectId,
    put: PutFile<'_>,
    now: Timestamp,
    number: impl Fn() -> Uuid,
) -> Result<(), String> {
    let names = names(put.path)?;
    let owner = Owner::User(user.to_string());
    let by = Identity {
        user: Some(user),
        app: None,
    };
    if tenant.read_drives(|it| it.of(&owner).is_none()) {
        let drive = base::make_for(tenant, owner.clone(), now);
        let drive = drive.ok_or("the user has no OneDrive")?;
        tenant.write_drives(|it| it.add(drive));
    }
    tenant.write_drives(|drives| {
        let id = drives.of(&owner).map(|it| it.id.clone());
        let drive = id.and_then(|it| drives.get_mut(&it));
        let drive = drive.ok_or("the user has no OneDrive")?;
        let mut folder = id::ROOT;
        let Some((title, folders)) = names.split_last() else {
            return Err("the path has no name".to_owned());
        };
        for title in folders {
            folder = match drive.child(folder, title).map(|it| it.id) {
                Some(there) => there,
                None => {
                    let new = Item::new(number(), title, by, now);
                    let made = drive.add(folder, new, Conflict::Fail);
                    made.map_err(|it| refused(put.path, it))?.0
                }
            };
        }
        let conflict = if put.keep_both {
            Conflict::Rename
        } else {
            Conflict::Replace
        };
        let new = base::file(number(), title, put.content, by, now);
        let added = drive.add(folder, new, conflict);
        added.map(drop).map_err(|it| refused(put.path, it))
    })
}

/// Takes a file or a folder out of a person's drive.
pub(crate) fn delete(tenant: &Tenant, user: ObjectId, path: &str) -> Result<(), String> {
    let names = names(path)?;
    let owner = Owner::User(user.to_string());
    tenant.write_drives(|drives| {
        let missing = || format!("there is no file '{path}' in this OneDrive");
        let id = drives.of(&owner).map(|it| it.id.clone());
        let drive = id.and_then(|it| drives.get_mut(&it)).ok_or_else(missing)?;
        let mut item = id::ROOT;
        for title in names {
            item = drive.child(item, title).ok_or_else(missing)?.id;
        }
        drive.delete(item).map_err(|it| refused(path, it))
    })
}

/// Makes delta queries on a person's drive begin anew.
pub(crate) fn forget_changes(tenant: &Tenant, user: ObjectId) {
    let owner = Owner::User(user.to_string());
    tenant.write_drives(|drives| {
        let id = drives.of(&owner).map(|it| it.id.clone());
        if let Some(drive) = id.and_then(|it| drives.get_mut(&it)) {
            drive.forget_changes();
        }
    });
}

/// The names of a path, as the service takes them.
fn names(path: &str) -> Result<Vec<&str>, String> {
    let names: Vec<&str> = path.trim_matches('/').split('/').collect();
    for (depth, title) in names.iter().enumerate() {
        name::check(title, depth == 0).map_err(|error| {
            format!(
                "'{path}' is no path of a file, such as Reports/May.txt: {}",
                error.message
            )
        })?;
    }
    Ok(names)
}

fn refused(path: &str, why: Refused) -> String {
    format!("'{path}': {}", super::refusal::of(why).message)
}
