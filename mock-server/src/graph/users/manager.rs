//! Who manages whom.
//!
//! Source: learn.microsoft.com/graph/api/user-list-manager, /user-post-manager,
//! /user-delete-manager, /user-list-directreports.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::call::{Call, Reply};
use super::super::collection::{self, Documents, Listing, typed_as};
use super::super::error::GraphError;
use super::document;
use crate::directory::ObjectId;
use crate::mailbox::Properties;

/// `GET …/manager`.
pub(in crate::graph) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (_, document) = of(call, call.target()?.user).ok_or_else(nobody)?;
    call.entity("directoryObjects", "user", document)
}

/// `GET …/manager/$ref`.
pub(in crate::graph) fn get_reference(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (manager, _) = of(call, call.target()?.user).ok_or_else(nobody)?;
    let reference = json!({
        "@odata.context": format!("{}/$metadata#$ref", call.root()),
        "@odata.id": format!("{}/directoryObjects/{manager}", call.root()),
    });
    Ok(Reply::json(StatusCode::OK, reference))
}

/// `PUT …/manager/$ref`.
pub(in crate::graph) fn put(call: &Call<'_>) -> Result<Reply, GraphError> {
    let user = call.target()?.user;
    let body = call.json()?;
    let manager = referenced(call, &body)?;
    if manager == user {
        // Unverified: the text.
        return Err(GraphError::directory_request(
            "A user cannot be set as the own manager.",
        ));
    }
    call.tenant.write(|it| it.set_manager(user, Some(manager)));
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE …/manager/$ref`.
pub(in crate::graph) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let user = call.target()?.user;
    of(call, user).ok_or_else(nobody)?;
    call.tenant.write(|it| it.set_manager(user, None));
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET …/directReports`.
pub(in crate::graph) fn list_reports(call: &Call<'_>) -> Result<Reply, GraphError> {
    let items = reports(call, call.target()?.user);
    collection::list(call, &listing(), &Documents(items))
}

/// The manager of a user, with type and document.
pub(in crate::graph) fn of(call: &Call<'_>, user: ObjectId) -> Option<(ObjectId, Properties)> {
    call.tenant.read(|directory| {
        let manager = directory.user(user)?.manager?;
        let manager = directory.user(manager)?;
        Some((manager.id, typed_as("user", document(directory, manager))))
    })
}

/// Those whom a user manages.
pub(in crate::graph) fn reports(call: &Call<'_>, user: ObjectId) -> Vec<Properties> {
    call.tenant.read(|directory| {
        let users = directory.users.values();
        users
            .filter(|it| it.deleted.is_none() && it.manager == Some(user))
            .map(|it| typed_as("user", document(directory, it)))
            .collect()
    })
}

/// The user that `@odata.id` names.
fn referenced(call: &Call<'_>, body: &Properties) -> Result<ObjectId, GraphError> {
    let text = body.get("@odata.id").and_then(Value::as_str);
    // Unverified: the text.
    let text = text.ok_or_else(|| {
        GraphError::directory_request("A value is required for property '@odata.id'.")
    })?;
    let name = text.trim_end_matches('/').rsplit('/').next();
    let name = name.unwrap_or_default();
    let keyed = name
        .split_once("('")
        .and_then(|(_, rest)| rest.strip_suffix("')"));
    let name = keyed.unwrap_or(name);
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    call.tenant
        .read(|it| it.user_by_id_or_name(&name).map(|it| it.id))
        .ok_or_else(|| GraphError::resource_not_found(&name))
}

/// Source: microsoftgraph/entra-powershell#237.
fn nobody() -> GraphError {
    GraphError::resource_not_found("manager")
}

fn listing() -> Listing<'static> {
    Listing::of("user", "directoryObjects")
}
