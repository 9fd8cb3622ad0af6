//! Deleted users: they can be restored for 30 days.
//!
//! Source: learn.microsoft.com/graph/api/directory-deleteditems-list, -get, -restore, -delete.

use axum::http::StatusCode;

use super::super::call::{Call, Reply};
use super::super::collection::{self, Documents};
use super::super::error::GraphError;
use super::write::{check_name, outranks};
use super::{document, listing};
use crate::directory::{Event, ObjectId};
use crate::mailbox::Properties;

/// `GET /directory/deletedItems/microsoft.graph.user`.
pub(in crate::graph) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::list(call, &listing(), &Documents(all(call)))
}

/// `GET /directory/deletedItems/microsoft.graph.user/$count`.
pub(in crate::graph) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::count(call, &listing(), &Documents(all(call)))
}

/// `GET /directory/deletedItems/{id}`.
pub(in crate::graph) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let id = find(call)?;
    call.entity("directoryObjects", "user", shown(call, id))
}

/// `POST /directory/deletedItems/{id}/restore`.
pub(in crate::graph) fn restore(call: &Call<'_>) -> Result<Reply, GraphError> {
    let id = find(call)?;
    let mut action = call.action()?;
    let new_name = action.text("newUserPrincipalName")?;
    action.boolean("autoReconcileProxyConflict", false)?;
    action.finish("restore")?;
    call.tenant.read(|directory| {
        outranks(call, directory, id)?;
        let old = &directory.users[&id].user_principal_name;
        check_name(directory, new_name.as_deref().unwrap_or(old.as_str()), None)
    })?;
    let user = id.to_string();
    if let Some(to) = new_name {
        let user = user.clone();
        call.happen(&Event::RenameUser { user, to })?;
    }
    call.happen(&Event::RestoreUser { user })?;
    call.entity("directoryObjects", "user", shown(call, id))
}

/// `DELETE /directory/deletedItems/{id}`: for good.
pub(in crate::graph) fn purge(call: &Call<'_>) -> Result<Reply, GraphError> {
    let id = find(call)?;
    call.tenant.write(|directory| {
        outranks(call, directory, id)?;
        directory.purge_user(id);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

fn all(call: &Call<'_>) -> Vec<Properties> {
    call.tenant.read(|directory| {
        let users = directory.deleted_users(call.now);
        users.map(|it| document(directory, it)).collect()
    })
}

fn shown(call: &Call<'_>, id: ObjectId) -> Properties {
    call.tenant.read(|directory| {
        let user = directory.users.get(&id);
        user.map(|it| document(directory, it)).unwrap_or_default()
    })
}

fn find(call: &Call<'_>) -> Result<ObjectId, GraphError> {
    let text = call.parameters.get("deletedItem");
    let id = text.parse().ok();
    call.tenant.read(|directory| {
        directory
            .deleted_users(call.now)
            .map(|user| user.id)
            .find(|it| Some(*it) == id)
            .ok_or_else(|| GraphError::resource_not_found(text))
    })
}
