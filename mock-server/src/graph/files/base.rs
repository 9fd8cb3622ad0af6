//! Whose drive a path means, and how drives come to be.

use serde_json::Value;
use uuid::Uuid;

use super::refusal;
use crate::directory::ObjectId;
use crate::drives::place::{parts, site_id, unified};
use crate::drives::{Conflict, Drive, Identity, Owner};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::route::{Key, Step};

/// Whose drives a path is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::graph) enum Base {
    /// Any, by its id.
    Any,
    /// A person's.
    User(ObjectId),
    /// A group's.
    Group(String),
    /// A site's, by the site's id.
    Site(String),
    /// One that is known already, by its id.
    Drive(String),
    /// An item of a drive that is known already.
    Item(String, Uuid),
    /// What is shared, by the id of the share.
    Share,
}

/// The id of the drive that a path means. `steps`: those from the drive on.
pub(in crate::graph) fn drive(
    call: &Call<'_>,
    base: &Base,
    steps: &[Step],
) -> Result<String, GraphError> {
    let first = steps.first().ok_or_else(refusal::not_found)?;
    if *base == Base::Share {
        return super::share::drive_of(call, first);
    }
    if let Base::Drive(drive) | Base::Item(drive, _) = base {
        return Ok(drive.clone());
    }
    let Some(key) = &first.key else {
        return own(call, base);
    };
    let Key::Id(id) = key else {
        return Err(refusal::malformed_drive());
    };
    if !crate::drives::id::is_of_drive(id) {
        return Err(refusal::malformed_drive());
    }
    if call.tenant.read_drives(|it| it.get(id).is_some()) {
        return Ok(id.clone());
    }
    // It may be one that nobody has opened so far.
    let made = unopened(call).into_iter().find(|it| it.id == *id);
    let made = made.ok_or_else(refusal::not_found)?;
    call.tenant.write_drives(|it| it.add(made));
    Ok(id.clone())
}

/// The first library of a site, by the site's id.
pub(in crate::graph) fn of_site(call: &Call<'_>, site: &str) -> Result<String, GraphError> {
    own(call, &Base::Site(site.to_owned()))
}

/// The drive of an owner; it comes to be when somebody asks for it.
fn own(call: &Call<'_>, base: &Base) -> Result<String, GraphError> {
    let owner = owner(call, base)?;
    if let Some(id) = call
        .tenant
        .read_drives(|it| it.of(&owner).map(|it| it.id.clone()))
    {
        return Ok(id);
    }
    // An app does not make a person's drive: it is there once the person has been.
    // Source: alcionai/corso, microsoftgraph/msgraph-sdk-dotnet#579.
    if let Owner::User(id) = &owner
        && call.actor.user().is_none_or(|it| it.to_string() != *id)
    {
        return Err(no_site());
    }
    let drive = make(call, owner).ok_or_else(no_site)?;
    let id = drive.id.clone();
    call.tenant.write_drives(|it| it.add(drive));
    Ok(id)
}

fn no_site() -> GraphError {
    GraphError::new(
        axum::http::StatusCode::NOT_FOUND,
        "ResourceNotFound",
        "User's mysite not found.",
    )
}

fn owner(call: &Call<'_>, base: &Base) -> Result<Owner, GraphError> {
    Ok(match base {
        Base::User(user) => Owner::User(user.to_string()),
        Base::Group(group) => Owner::Group(group.clone()),
        Base::Site(site) => {
            // A group's site has the group's library.
            let groups = call.tenant.read_documents(unified);
            let group = groups.into_iter().find(|(id, ..)| {
                let parts = parts(call.tenant.id.0, id);
                site.ends_with(&format!("{},{}", parts.0, parts.1))
            });
            match group {
                Some((id, ..)) => Owner::Group(id),
                // A person's site has the person's drive.
                None => personal(call, site).unwrap_or_else(|| Owner::Site(site.clone())),
            }
        }
        Base::Any | Base::Drive(_) | Base::Item(..) | Base::Share => {
            let user = call.actor.user().ok_or_else(GraphError::me_needs_a_user)?;
            Owner::User(user.to_string())
        }
    })
}

/// The ids of the drives that a base lists.
pub(super) fn all(call: &Call<'_>, base: &Base) -> Result<Vec<String>, GraphError> {
    match base {
        Base::Any => {
            // Undocumented; expected to list the root site's libraries.
            let site = call.tenant.read(|it| site_id(it, "root"));
            all(call, &Base::Site(site))
        }
        _ => {
            own(call, base)?;
            let owner = owner(call, base)?;
            Ok(call
                .tenant
                .read_drives(|it| it.all_of(&owner).map(|it| it.id.clone()).collect()))
        }
    }
}

/// The owner of the drive of a person's site that is in use.
fn personal(call: &Call<'_>, site: &str) -> Option<Owner> {
    call.tenant.read_drives(|drives| {
        let mut all = drives.all();
        let own = all.find(|it| {
            let place = &it.place;
            site.ends_with(&format!("{},{}", place.collection, place.web))
        })?;
        Some(own.owner.clone())
    })
}

/// Drives that could be, and that nobody has opened.
fn unopened(call: &Call<'_>) -> Vec<Drive> {
    let groups = call.tenant.read_documents(unified);
    let mut owners: Vec<Owner> = groups.into_iter().map(|it| Owner::Group(it.0)).collect();
    owners.push(Owner::Site(call.tenant.read(|it| site_id(it, "root"))));
    let written = call.tenant.read_documents(|documents| {
        let all = documents.list("sites").map(|it| Owner::Site(it.id.clone()));
        all.collect::<Vec<Owner>>()
    });
    owners.extend(written);
    owners
        .into_iter()
        .filter_map(|owner| make(call, owner))
        .collect()
}

/// A new drive of an owner, if there is such an owner.
fn make(call: &Call<'_>, owner: Owner) -> Option<Drive> {
    call.tenant.new_drive(owner, call.now)
}

/// Who calls.
pub(in crate::graph) fn identity(call: &Call<'_>) -> Identity {
    Identity {
        user: call.actor.user(),
        app: Some(call.client),
    }
}

/// What to do where a name is taken, as a client says it in the address or in the body.
pub(super) fn conflict(
    call: &Call<'_>,
    body: Option<&Value>,
    default: Conflict,
) -> Result<Conflict, GraphError> {
    let said = call
        .parameter("@microsoft.graph.conflictBehavior")
        .or_else(|| call.parameter("@name.conflictBehavior"))
        .or_else(|| body.and_then(Value::as_str));
    match said.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("fail") => Ok(Conflict::Fail),
        Some("rename") => Ok(Conflict::Rename),
        Some("replace") => Ok(Conflict::Replace),
        // Unverified: the text.
        Some(other) => Err(refusal::invalid(&format!(
            "Invalid value for '@microsoft.graph.conflictBehavior': '{other}'."
        ))),
    }
}
