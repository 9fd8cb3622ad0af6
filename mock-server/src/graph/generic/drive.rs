//! Drives: the paths inside them, and how they come to be.

use serde_json::{Value, json};

use super::id;
use super::place::Place;
use super::service::Voice;
use super::view::View;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::mailbox::{Properties, seconds};
use crate::model::Type;
use crate::store::{self, Documents};

/// Follows a path from an item of a drive, or from the host of sites to a site. What is not there
/// stays in `unborn`.
pub(super) fn descend(
    call: &Call<'_>,
    place: &mut Place<'_>,
    parts: &[String],
    voice: &Voice,
) -> Result<(), GraphError> {
    if place.of.name() == "site" {
        return site(call, place, parts, voice);
    }
    call.tenant.read_documents(|documents| {
        for (at, part) in parts.iter().enumerate() {
            match child(documents, &place.address(), part) {
                Some((collection, id)) => {
                    place.collection = collection;
                    place.id = id;
                }
                None => {
                    place.unborn = parts[at..].to_vec();
                    break;
                }
            }
        }
        // A child of a view's element is found by its own address.
        place.view = None;
    });
    Ok(())
}

/// The collection and the id of the item with a name in a folder, in any case.
pub(super) fn child(documents: &Documents, folder: &str, name: &str) -> Option<(String, String)> {
    let below = format!("{folder}/children");
    let view = View::at(&below);
    let collection = view.as_ref().map_or(below.as_str(), |it| &it.collection);
    let found = documents.list(collection).find(|it| {
        let own = it.properties.get("name").and_then(Value::as_str);
        own.is_some_and(|own| own.to_lowercase() == name.to_lowercase())
            && view.as_ref().is_none_or(|view| view.shows(documents, it))
    })?;
    Some((collection.to_owned(), found.id.clone()))
}

/// The site with a path at a host. Source: learn.microsoft.com/graph/api/site-getbypath.
fn site(
    call: &Call<'_>,
    place: &mut Place<'_>,
    parts: &[String],
    voice: &Voice,
) -> Result<(), GraphError> {
    let address = format!("https://{}/{}", place.id, parts.join("/"));
    let found = all_sites(call, place).into_iter().find(|(_, site)| {
        let own = site.get("webUrl").and_then(Value::as_str);
        own.is_some_and(|own| own.eq_ignore_ascii_case(&address))
    });
    let (id, _) = found.ok_or_else(|| voice.not_found(&parts.join("/")))?;
    place.id = id;
    Ok(())
}

fn all_sites(call: &Call<'_>, place: &Place<'_>) -> Vec<(String, Properties)> {
    let mut all = super::place::presets(call, &place.collection, place.of);
    call.tenant.read_documents(|documents| {
        let stored = documents.list(&place.collection);
        all.extend(stored.map(|it| (it.id.clone(), it.properties.clone())));
    });
    all
}

/// The id of a site that a key means: `root` and the host's name are the root site. A host alone
/// stays where a path follows it.
///
/// Source: pnp/pnpcore, MockData of exceptions (a host of nobody's).
pub(super) fn site_id(
    call: &Call<'_>,
    place: &Place<'_>,
    key: &str,
    followed: bool,
) -> Result<String, GraphError> {
    let host = key.contains('.') && !key.contains(',');
    if key != "root" && !host {
        return Ok(key.to_owned());
    }
    let own = all_sites(call, place).into_iter().find(|(_, site)| {
        let named = site.get("siteCollection").and_then(|it| it.get("hostname"));
        let named = named.and_then(Value::as_str).unwrap_or_default();
        site.contains_key("root") && (key == "root" || named.eq_ignore_ascii_case(key))
    });
    match own {
        Some(_) if followed => Ok(key.to_owned()),
        Some((id, _)) => Ok(id),
        None if key == "root" => Ok(key.to_owned()),
        None => Err(GraphError::new(
            axum::http::StatusCode::BAD_REQUEST,
            "invalidRequest",
            "Invalid hostname for this tenancy",
        )),
    }
}

/// The root item of a drive.
pub(super) fn root(call: &Call<'_>, drive: &str) -> Option<String> {
    let view = View::at(&format!("{drive}/root"))?;
    call.tenant.read_documents(|documents| {
        let mut items = documents.list(&view.collection);
        let found = items.find(|it| view.shows(documents, it));
        found.map(|it| it.id.clone())
    })
}

/// Makes the drive that comes to be when somebody asks for it: a person's own, and that of a
/// Microsoft 365 group or a site. Source: learn.microsoft.com/graph/api/drive-get.
pub(super) fn provided(call: &Call<'_>, of: Type, address: &str) -> Option<String> {
    let (owner, name) = address.rsplit_once('/')?;
    let (set, id) = owner.split_once('/')?;
    if of.name() != "drive" || name != "drive" {
        return None;
    }
    let mut drive = Properties::new();
    let kind = match set {
        "users" => {
            let user = call.actor.user().filter(|it| it.to_string() == id)?;
            let (name, mail) = call.tenant.read(|directory| {
                let user = directory.user(user)?;
                Some((
                    user.display_name.clone(),
                    user.user_principal_name.to_string(),
                ))
            })?;
            let person = json!({"id": id, "displayName": name, "email": mail});
            drive.insert("owner".to_owned(), json!({"user": person}));
            "business"
        }
        "groups" => {
            let group = super::place::fetch(call, owner)?;
            let kinds = group.get("groupTypes").and_then(Value::as_array)?;
            kinds.iter().find(|it| *it == "Unified")?;
            let name = group.get("displayName").cloned();
            drive.insert(
                "owner".to_owned(),
                json!({"group": {"id": id, "displayName": name}}),
            );
            "documentLibrary"
        }
        "sites" => {
            super::place::fetch(call, owner)?;
            drive.insert("sharePointIds".to_owned(), json!({"siteId": id}));
            "documentLibrary"
        }
        _ => return None,
    };
    let title = if kind == "business" {
        "OneDrive"
    } else {
        "Documents"
    };
    drive.insert("driveType".to_owned(), json!(kind));
    drive.insert("name".to_owned(), json!(title));
    let now = json!(seconds(call.now));
    for member in ["createdDateTime", "lastModifiedDateTime"] {
        drive.insert(member.to_owned(), now.clone());
    }
    let random = &call.world.random;
    let item = Type::find("driveItem")?;
    let (drive_id, root_id) = (id::new(of, random), id::new(item, random));
    let root = json!({
        "createdDateTime": now, "folder": {"childCount": 0}, "lastModifiedDateTime": now,
        "name": "root", "parentReference": {"driveId": drive_id, "driveType": kind}, "root": {},
        "size": 0,
    });
    let items = format!("{}/items", store::address("drives", &drive_id));
    call.tenant
        .write_documents(|documents| {
            documents.put("drives", &drive_id, drive, call.now)?;
            let root = crate::graph::collection::members(root);
            documents.put(&items, &root_id, root, call.now)?;
            Ok::<_, store::Full>(())
        })
        .ok()?;
    Some(drive_id)
}

/// What there is to say where a drive is not there. Source: answers in issues of client
/// libraries (an app that asks before the person has).
pub(super) fn missing(of: Type) -> Option<GraphError> {
    (of.name() == "drive").then(|| {
        GraphError::new(
            axum::http::StatusCode::NOT_FOUND,
            "ResourceNotFound",
            "User's mysite not found.",
        )
    })
}
