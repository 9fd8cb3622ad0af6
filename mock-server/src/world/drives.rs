//! How drives come to be, and files that come and go without a client: what a person does in the
//! browser.

use jiff::Timestamp;
use uuid::Uuid;

use super::Tenant;
use crate::directory::ObjectId;
use crate::drives::{Blob, Conflict, Drive, Identity, Item, Owner, Refused, id, name, place};

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

impl Tenant {
    /// A new drive of an owner, if there is such an owner.
    pub(crate) fn new_drive(&self, owner: Owner, now: Timestamp) -> Option<Drive> {
        let groups = self.read_documents(place::unified);
        let written = match &owner {
            Owner::Site(id) => self.read_documents(|documents| {
                let site = documents.get("sites", id)?;
                site.properties.get("webUrl")?.as_str().map(str::to_owned)
            }),
            Owner::Group(_) | Owner::User(_) => None,
        };
        self.read(|directory| {
            let library = "Shared Documents";
            let (place, name) = match &owner {
                Owner::User(id) => {
                    let user = directory
                        .users
                        .values()
                        .find(|it| it.id.to_string() == *id)?;
                    let upn = user.user_principal_name.to_string();
                    let path = format!("/personal/{}", upn.to_lowercase().replace(['.', '@'], "_"));
                    let host = place::host(directory, true);
                    (
                        place::at(directory, &host, id, &path, "Documents"),
                        "OneDrive",
                    )
                }
                Owner::Group(id) => {
                    let (_, path, _) = groups.iter().find(|(own, ..)| own == id)?;
                    let host = place::host(directory, false);
                    (place::at(directory, &host, id, path, library), "Documents")
                }
                Owner::Site(id) if place::site_id(directory, "root") == *id => {
                    let host = place::host(directory, false);
                    (
                        place::at(directory, &host, "root", "", library),
                        "Documents",
                    )
                }
                Owner::Site(id) => {
                    let url = written.as_deref()?;
                    let (host, path) = url.split_once("://")?.1.split_once('/')?;
                    let mut place = place::at(directory, host, id, &format!("/{path}"), library);
                    let mut parts = id.split(',').skip(1);
                    place.collection = parts.next()?.parse().ok()?;
                    place.web = parts.next()?.parse().ok()?;
                    (place, "Documents")
                }
            };
            Some(Drive::new(owner, place, name, now))
        })
    }

    /// Puts a file into a person's drive, which comes to be with it; the person does it.
    pub(crate) fn put_file(
        &self,
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
        if self.read_drives(|it| it.of(&owner).is_none()) {
            let drive = self.new_drive(owner.clone(), now);
            let drive = drive.ok_or("the user has no OneDrive")?;
            self.write_drives(|it| it.add(drive));
        }
        self.write_drives(|drives| {
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
            let new = Item::file(number(), title, put.content, by, now);
            let added = drive.add(folder, new, conflict);
            added.map(drop).map_err(|it| refused(put.path, it))
        })
    }

    /// Takes a file or a folder out of a person's drive.
    pub(crate) fn delete_file(&self, user: ObjectId, path: &str) -> Result<(), String> {
        let names = names(path)?;
        let owner = Owner::User(user.to_string());
        self.write_drives(|drives| {
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
    pub(crate) fn forget_file_changes(&self, user: ObjectId) {
        let owner = Owner::User(user.to_string());
        self.write_drives(|drives| {
            let id = drives.of(&owner).map(|it| it.id.clone());
            if let Some(drive) = id.and_then(|it| drives.get_mut(&it)) {
                drive.forget_changes();
            }
        });
    }
}

/// The names of a path, as the service takes them.
fn names(path: &str) -> Result<Vec<&str>, String> {
    let names: Vec<&str> = path.trim_matches('/').split('/').collect();
    for (depth, title) in names.iter().enumerate() {
        name::check(title, depth == 0).map_err(|error| {
            format!("'{path}' is no path of a file, such as Reports/May.txt: {error}")
        })?;
    }
    Ok(names)
}

fn refused(path: &str, why: Refused) -> String {
    let why = match why {
        Refused::NotFound => "there is no such item",
        Refused::NameTaken => "the name is taken",
        Refused::IntoItself => "a folder cannot come into itself",
        Refused::NoFolder => "a file on the way holds nothing",
        Refused::NoFile => "it is a folder",
        Refused::Root => "the root stays",
        Refused::Quota | Refused::TooMany => "there is no room in this OneDrive",
    };
    format!("'{path}': {why}")
}
