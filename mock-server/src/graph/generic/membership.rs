//! Who belongs where: navigations that follow from links, and the questions about membership.
//!
//! Sources: learn.microsoft.com/graph/api/directoryobject-getmembergroups,
//! /directoryobject-checkmembergroups, /directoryobject-getmemberobjects,
//! /directoryobject-checkmemberobjects, /directoryobject-getbyids, /group-list-transitivemembers.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::behaviour;
use super::place::{self, Place};
use super::read;
use crate::directory::{Directory, ObjectId, RoleTemplate};
use crate::graph::call::{Call, Reply};
use crate::graph::collection;
use crate::graph::error::GraphError;
use crate::mailbox::Properties;
use crate::model::Operation;
use crate::store::Documents;

/// Where deleted objects of the directory wait.
pub(in crate::graph) const DELETED: &str = "directory/deletedItems";

/// The addresses to which a navigation leads.
pub(super) fn reached(call: &Call<'_>, of: &str, navigation: &str) -> Vec<String> {
    if navigation.to_ascii_lowercase().contains("member") {
        behaviour::refresh(call);
    }
    // The directory is asked before the documents: see `crate::lock`.
    let mut found = of_the_directory(call, of, navigation);
    let linked = call.tenant.read_documents(|documents| {
        derived(documents, of, navigation)
            .unwrap_or_else(|| documents.links(&format!("{of}/{navigation}")).to_vec())
    });
    for address in linked {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// The addresses to which a navigation leads, where they follow from other links.
fn derived(documents: &Documents, of: &str, navigation: &str) -> Option<Vec<String>> {
    Some(match navigation {
        "memberOf" => documents.holders("members", of),
        "transitiveMemberOf" => closure(of, |it| documents.holders("members", it)),
        "transitiveMembers" => closure(of, |it| documents.links(&format!("{it}/members")).to_vec()),
        "directReports" => documents.holders("manager", of),
        "ownedDevices" => only(documents.holders("registeredOwners", of), "devices/"),
        "ownedObjects" => documents.holders("owners", of),
        "registeredDevices" => only(documents.holders("registeredUsers", of), "devices/"),
        "sponsorOf" => documents.holders("sponsors", of),
        _ => return None,
    })
}

/// The addresses to which a navigation leads by what the directory keeps: the owners of
/// registrations, and what is theirs.
fn of_the_directory(call: &Call<'_>, of: &str, navigation: &str) -> Vec<String> {
    let Some((set, id)) = of.split_once('/') else {
        return Vec::new();
    };
    let address = |directory: &Directory, owner: ObjectId| {
        let set = if directory.users.contains_key(&owner) {
            "users"
        } else {
            "servicePrincipals"
        };
        format!("{set}/{owner}")
    };
    call.tenant.read(|directory| match (set, navigation) {
        ("applications", "owners") => directory
            .applications
            .values()
            .filter(|app| app.object_id.to_string() == id)
            .flat_map(|app| app.owners.iter().map(|owner| address(directory, *owner)))
            .collect(),
        ("directoryRoles", "members") => RoleTemplate::all()
            .iter()
            .filter(|it| it.object_id(directory.id).to_string() == id)
            .flat_map(|it| directory.holders_of(it))
            .map(|user| format!("users/{user}"))
            .collect(),
        ("users", "memberOf" | "transitiveMemberOf") => RoleTemplate::all()
            .iter()
            .filter(|it| directory.holders_of(it).any(|user| user.to_string() == id))
            .map(|it| format!("directoryRoles/{}", it.object_id(directory.id)))
            .collect(),
        ("users", "manager") => directory
            .users
            .values()
            .filter(|user| user.id.to_string() == id)
            .filter_map(|user| Some(format!("users/{}", user.manager?)))
            .collect(),
        ("users", "directReports") => directory
            .users
            .values()
            .filter(|user| {
                user.deleted.is_none() && user.manager.is_some_and(|it| it.to_string() == id)
            })
            .map(|user| format!("users/{}", user.id))
            .collect(),
        ("users" | "servicePrincipals", "ownedObjects") => directory
            .applications
            .values()
            .filter(|app| app.owners.iter().any(|owner| owner.to_string() == id))
            .map(|app| format!("applications/{}", app.object_id))
            .collect(),
        _ => Vec::new(),
    })
}

/// Whether an operation asks about membership.
pub(super) fn answers(operation: Operation) -> bool {
    QUESTIONS.contains(&operation.name())
}

/// Answers a question about membership.
pub(super) fn answer(
    call: &Call<'_>,
    operation: Operation,
    place: &Place<'_>,
) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    if operation.name() == "getByIds" {
        let ids = texts(action.take("ids"), "ids")?;
        let types = texts(action.take("types").or_else(|| Some(json!([]))), "types")?;
        action.finish(operation.name())?;
        return by_ids(call, &ids, &types);
    }
    let member = place.address();
    let of = reached(call, &member, "transitiveMemberOf");
    let groups_alone = operation.name().ends_with("Groups");
    let mut ids: Vec<String> = of
        .iter()
        .filter(|address| !groups_alone || address.starts_with("groups/"))
        // Deleted ones wait elsewhere.
        .filter(|address| place::fetch(call, address).is_some())
        .map(|address| id_of(address).to_owned())
        .collect();
    match operation.name() {
        "checkMemberGroups" | "checkMemberObjects" => {
            let name = if groups_alone { "groupIds" } else { "ids" };
            let asked = texts(action.take(name), name)?;
            // Source: learn.microsoft.com/graph/api/directoryobject-checkmembergroups: 20 a call.
            if asked.len() > 20 {
                return Err(GraphError::directory_request(format!(
                    "Too many ids were specified in '{name}'; the maximum is 20."
                )));
            }
            ids.retain(|id| asked.iter().any(|it| it.eq_ignore_ascii_case(id)));
        }
        _ => {
            let secure = action.boolean("securityEnabledOnly", false)?;
            ids.retain(|id| !secure || is_secure(call, id));
        }
    }
    action.finish(operation.name())?;
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": format!("{}/$metadata#Collection(Edm.String)", call.root()),
            "value": ids,
        }),
    ))
}

fn is_secure(call: &Call<'_>, id: &str) -> bool {
    place::fetch(call, &format!("groups/{id}"))
        .is_none_or(|group| group.get("securityEnabled") == Some(&Value::Bool(true)))
}

/// The objects with these ids, of these types where some are named; unknown ids are left out.
fn by_ids(call: &Call<'_>, ids: &[String], types: &[String]) -> Result<Reply, GraphError> {
    let found: Vec<Properties> = ids
        .iter()
        .filter_map(|id| place::directory_address(call, id))
        .filter(|address| {
            let of = place::type_at(address).map_or("", |it| it.name());
            types.is_empty()
                || types
                    .iter()
                    .any(|it| it.eq_ignore_ascii_case(of) || it == "directoryObject")
        })
        .filter_map(|address| read::described(call, &address))
        .map(|document| collection::project(call, "directoryObject", document))
        .collect::<Result<_, _>>()?;
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": format!("{}/$metadata#directoryObjects", call.root()),
            "value": found,
        }),
    ))
}

/// The objects to which a navigation of an object of the directory leads, by the object's address.
pub(in crate::graph) fn related(call: &Call<'_>, of: &str, navigation: &str) -> Vec<Properties> {
    reached(call, of, navigation)
        .iter()
        .filter_map(|address| read::described(call, address))
        .collect()
}

/// All that is reached from an address, each once, without itself.
fn closure(of: &str, next: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::from([of.to_owned()]);
    let mut found = Vec::new();
    let mut open = vec![of.to_owned()];
    while let Some(address) = open.pop() {
        for reached in next(&address) {
            if seen.insert(reached.clone()) {
                found.push(reached.clone());
                open.push(reached);
            }
        }
    }
    found
}

fn only(mut addresses: Vec<String>, start: &str) -> Vec<String> {
    addresses.retain(|it| it.starts_with(start));
    addresses
}

/// The id at the end of an address.
pub(super) fn id_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or_default()
}

fn texts(value: Option<Value>, name: &str) -> Result<Vec<String>, GraphError> {
    let Some(Value::Array(elements)) = value else {
        // Unverified: the text.
        return Err(GraphError::directory_request(format!(
            "The parameter '{name}' must be a collection of strings."
        )));
    };
    elements
        .iter()
        .map(|it| it.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| GraphError::wrong_type("Edm.String", name))
}

/// Operations that ask about membership.
const QUESTIONS: [&str; 5] = [
    "checkMemberGroups",
    "checkMemberObjects",
    "getByIds",
    "getMemberGroups",
    "getMemberObjects",
];
