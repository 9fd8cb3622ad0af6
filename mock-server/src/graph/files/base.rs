//! Whose drive a path means, and how drives come to be.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::refusal;
use crate::directory::{Directory, ObjectId};
use crate::drives::{Blob, Conflict, Drive, Identity, Item, Owner, Place};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::route::{Key, Step};
use crate::store::Documents;
use crate::world::Tenant;

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
        return super::sharing::drive_of(call, first);
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
    make_for(&call.tenant, owner, call.now)
}

/// A new drive of an owner, at a time.
pub(super) fn make_for(tenant: &Tenant, owner: Owner, now: Timestamp) -> Option<Drive> {
    let groups = tenant.read_documents(unified);
    let written = match &owner {
        Owner::Site(id) => tenant.read_documents(|documents| {
            let site = documents.get("sites", id)?;
            site.properties.get("webUrl")?.as_str().map(str::to_owned)
        }),
        Owner::Group(_) | Owner::User(_) => None,
    };
    tenant.read(|directory| {
        let library = "Shared Documents";
        let (place, name) = match &owner {
            Owner::User(id) => {
                let user = directory
                    .users
                    .values()
                    .find(|it| it.id.to_string() == *id)?;
                let upn = user.user_principal_name.to_string();
                let path = format!("/personal/{}", upn.to_lowercase().replace(['.', '@'], "_"));
                let host = host(directory, true);
                (at(directory, &host, id, &path, "Documents"), "OneDrive")
            }
            Owner::Group(id) => {
                let (_, path, _) = groups.iter().find(|(own, ..)| own == id)?;
                let host = host(directory, false);
                (at(directory, &host, id, path, library), "Documents")
            }
            Owner::Site(id) if site_id(directory, "root") == *id => {
                let host = host(directory, false);
                (at(directory, &host, "root", "", library), "Documents")
            }
            Owner::Site(id) => {
                let url = written.as_deref()?;
                let (host, path) = url.split_once("://")?.1.split_once('/')?;
                let mut place = at(directory, host, id, &format!("/{path}"), library);
                let mut parts = id.split(',').skip(1);
                place.collection = parts.next()?.parse().ok()?;
                place.web = parts.next()?.parse().ok()?;
                (place, "Documents")
            }
        };
        Some(Drive::new(owner, place, name, now))
    })
}

/// The Microsoft 365 groups: id, path of the site, name.
pub(in crate::graph) fn unified(documents: &Documents) -> Vec<(String, String, String)> {
    let groups = documents.list("groups").filter_map(|group| {
        let text = |name: &str| group.properties.get(name).and_then(Value::as_str);
        let kinds = group.properties.get("groupTypes")?.as_array()?;
        kinds.iter().find(|it| *it == "Unified")?;
        let path = format!("/sites/{}", text("mailNickname").unwrap_or(&group.id));
        let name = text("displayName").unwrap_or_default().to_owned();
        Some((group.id.clone(), path, name))
    });
    groups.collect()
}

fn at(directory: &Directory, host: &str, of: &str, site: &str, library: &str) -> Place {
    let tenant = directory.id.0;
    let (collection, web) = parts(tenant, of);
    Place {
        host: host.to_owned(),
        site: site.to_owned(),
        library: library.to_owned(),
        collection,
        web,
        list: Uuid::new_v5(&tenant, format!("list {of}").as_bytes()),
    }
}

/// The GUIDs of a site's collection and web. `of`: `root`, or whose site it is.
fn parts(tenant: Uuid, of: &str) -> (Uuid, Uuid) {
    let part = |name: &str| Uuid::new_v5(&tenant, format!("{name} {of}").as_bytes());
    (part("site collection"), part("web"))
}

/// The id of a site. `of`: `root`, or the id of the group whose it is.
pub(in crate::graph) fn site_id(directory: &Directory, of: &str) -> String {
    let (collection, web) = parts(directory.id.0, of);
    format!("{},{collection},{web}", host(directory, false))
}

/// The host of a tenant's sites, or of the people's own.
pub(in crate::graph) fn host(directory: &Directory, personal: bool) -> String {
    let domain = directory.domains.first().map_or("", String::as_str);
    let name = domain.split('.').next().unwrap_or_default();
    let more = if personal { "-my" } else { "" };
    let domain = directory.environment.sharepoint_domain();
    format!("{}{more}.{domain}", name.to_lowercase())
}

/// Who calls.
pub(in crate::graph) fn identity(call: &Call<'_>) -> Identity {
    Identity {
        user: call.actor.user(),
        app: Some(call.client),
    }
}

/// An item with a content, new.
pub(super) fn file(id: Uuid, name: &str, content: Blob, by: Identity, now: Timestamp) -> Item {
    let mut item = Item::new(id, name, by, now);
    item.size = content.length();
    item.content = Some(content);
    item.content_version = 1;
    item
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
