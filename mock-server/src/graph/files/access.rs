//! Who may do what in a drive, beside what the token's permissions open.
//!
//! A person's own drive is the person's; a library is its group's, and everybody's where the group
//! is public; the root site's is everybody's.
//! Others need a permission on the item or on a folder above it. A scope without `.All` reaches
//! the person's own drive, and what is shared with the person.

use super::action::Action;
use super::find::Found;
use super::refusal;
use crate::directory::ObjectId;
use crate::drives::{Drive, Owner};
use crate::graph::access::{Actor, Reach};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::lists::{self, Role};

/// Refuses what the caller may not do.
pub(super) fn check(call: &Call<'_>, found: &Found, action: Action) -> Result<(), GraphError> {
    check_selected(call, &found.drive, Some(found.item), action)?;
    let Actor::User(user, scopes) = &call.actor else {
        return Ok(());
    };
    let me = user.to_string();
    let owner = found.read(call, |it| Some(it.owner.clone()))?;
    let wide = scopes
        .iter()
        .any(|it| it.ends_with(".All") || it.ends_with(".Selected"));
    let own = match &owner {
        Owner::User(id) => *id == me,
        Owner::Group(group) => wide && is_let_in(call, group, &me),
        Owner::Site(_) => wide,
    };
    if own || shared(call, found, *user, action.writes())? {
        return app_folder(call, found, scopes);
    }
    Err(refusal::denied())
}

/// Refuses what is not selected, where nothing but a selecting permission opened the path.
pub(super) fn check_selected(
    call: &Call<'_>,
    drive: &str,
    item: Option<uuid::Uuid>,
    action: Action,
) -> Result<(), GraphError> {
    if call.reach != Reach::Selected {
        return Ok(());
    }
    let needed = if action.writes() {
        Role::Write
    } else {
        Role::Read
    };
    let open = call.tenant.read_drives(|drives| {
        let own = drives.get(drive)?;
        Some(lists::check_item(call, own, drives, item, needed))
    });
    if open.unwrap_or(true) {
        Ok(())
    } else {
        Err(refusal::denied())
    }
}

/// Whether a drive, and the site that it is in, is a person's own, or that of a group of the
/// person, or the root site's.
pub(in crate::graph) fn is_at_home(call: &Call<'_>, owner: &Owner, user: ObjectId) -> bool {
    let me = user.to_string();
    match owner {
        Owner::User(id) => *id == me,
        Owner::Group(group) => is_let_in(call, group, &me),
        Owner::Site(_) => true,
    }
}

/// `Files.ReadWrite.AppFolder` reaches the app's own folder alone.
/// Source: OneDrive/onedrive-api-docs, special-folders-appfolder.md.
fn app_folder(call: &Call<'_>, found: &Found, scopes: &[String]) -> Result<(), GraphError> {
    let files = |it: &&String| it.starts_with("Files.") || it.starts_with("Sites.");
    let mut all = scopes.iter().filter(files).peekable();
    let narrow = all.peek().is_some() && all.all(|it| it == "Files.ReadWrite.AppFolder");
    if !narrow {
        return Ok(());
    }
    let app = super::find::base_app(call);
    let inside = found.read(call, |drive| {
        let path = drive.path(found.item);
        Some(path.len() >= 2 && path[0] == "Apps" && path[1] == app)
    })?;
    if inside {
        Ok(())
    } else {
        Err(refusal::denied())
    }
}

/// Whether a group is public, or the person's. A group says nothing where it is public.
/// Source: learn.microsoft.com/graph/api/resources/group (`visibility`).
fn is_let_in(call: &Call<'_>, group: &str, me: &str) -> bool {
    let person = format!("users/{me}");
    call.tenant.read_documents(|documents| {
        let own = documents.get("groups", group);
        let visibility = own.and_then(|it| it.properties.get("visibility")?.as_str());
        let public = |it: &str| it.eq_ignore_ascii_case("Public");
        if own.is_some() && visibility.is_none_or(public) {
            return true;
        }
        ["members", "owners"].iter().any(|it| {
            let links = documents.links(&format!("groups/{group}/{it}"));
            links.contains(&person)
        })
    })
}

fn shared(
    call: &Call<'_>,
    found: &Found,
    user: ObjectId,
    writes: bool,
) -> Result<bool, GraphError> {
    found.read(call, |drive: &Drive| {
        let own = drive.get(found.item)?;
        let above = drive.above(found.item);
        let mut all = above
            .into_iter()
            .chain([own])
            .flat_map(|it| &it.permissions);
        Some(all.any(|it| {
            // A link opens nothing by itself: it is for who came by it.
            it.people.contains(&user) && !it.is_over(call.now) && (!writes || it.writes())
        }))
    })
}
