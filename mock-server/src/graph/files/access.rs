//! Who may do what in a drive, beside what the token's permissions open.
//!
//! A person's own drive is the person's; a library is its group's; the root site's is everybody's.
//! Others need a permission on the item or on a folder above it. A scope without `.All` reaches
//! the person's own drive, and what is shared with the person.

use super::action::Action;
use super::find::Found;
use super::refusal;
use crate::drives::{Drive, Owner};
use crate::graph::access::Actor;
use crate::graph::call::Call;
use crate::graph::error::GraphError;

/// Refuses what the caller may not do.
pub(super) fn check(call: &Call<'_>, found: &Found, action: Action) -> Result<(), GraphError> {
    let Actor::User(user, scopes) = &call.actor else {
        return Ok(());
    };
    let me = user.to_string();
    let owner = found.read(call, |it| Some(it.owner.clone()))?;
    let wide = scopes.iter().any(|it| {
        it.ends_with(".All") || it == "Files.ReadWrite.Selected" || it == "Files.Read.Selected"
    });
    let own = match &owner {
        Owner::User(id) => *id == me,
        Owner::Group(group) => wide && is_member(call, group, &me),
        Owner::Site(_) => wide,
    };
    if own || shared(call, found, *user, action.writes())? {
        return app_folder(call, found, scopes);
    }
    Err(refusal::denied())
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

fn is_member(call: &Call<'_>, group: &str, me: &str) -> bool {
    let person = format!("users/{me}");
    call.tenant.read_documents(|documents| {
        ["members", "owners"].iter().any(|it| {
            let links = documents.links(&format!("groups/{group}/{it}"));
            links.contains(&person)
        })
    })
}

fn shared(
    call: &Call<'_>,
    found: &Found,
    user: crate::directory::ObjectId,
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
            let writes_too = it.roles.iter().any(|role| role != "read");
            let for_all = it
                .link
                .as_ref()
                .is_some_and(|link| matches!(link.scope.as_str(), "anonymous" | "organization"));
            (it.people.contains(&user) || for_all) && (!writes || writes_too)
        }))
    })
}
