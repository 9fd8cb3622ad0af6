//! App role assignments: application permissions of apps, and users assigned to apps.
//!
//! Source: learn.microsoft.com/graph/api/resources/approleassignment and its methods.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::access::Actor;
use super::super::call::{Call, Reply};
use super::super::collection::{self, Documents, Listing, members};
use super::super::error::GraphError;
use super::super::link_id;
use super::{Principal, addressed, all, find};
use crate::directory::{AppRoleAssignment, ApplicationId, DirectoryRole, Event, ObjectId};
use crate::mailbox::Properties;

/// Whose assignments a path means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::graph) enum Side {
    /// `appRoleAssignedTo` of a resource.
    Resource,
    /// `appRoleAssignments` of a service principal.
    ServicePrincipal,
    /// `appRoleAssignments` of a user.
    User,
}

/// Whose assignments are meant.
#[derive(Clone, Copy, Debug)]
pub(in crate::graph) enum Whose {
    /// What a client holds.
    Client(ApplicationId),
    /// What an API has given.
    Resource(ApplicationId),
    /// The apps that a user is assigned to.
    User(ObjectId),
}

/// An assignment of either kind.
struct Assignment {
    id: String,
    document: Properties,
    kind: Kind,
}

enum Kind {
    /// An application permission.
    Role(AppRoleAssignment),
    /// A user of an app that may require it.
    User { user: ObjectId, app: String },
}

/// `GET …/appRoleAssignments` and `…/appRoleAssignedTo`.
pub(in crate::graph) fn list(call: &Call<'_>, side: Side) -> Result<Reply, GraphError> {
    let items = of(call, side)?.into_iter().map(|it| it.document).collect();
    let listing = Listing::of("appRoleAssignment", set(call, side)?);
    collection::list(call, &listing, &Documents(items))
}

/// `POST …/appRoleAssignments` and `…/appRoleAssignedTo`.
pub(in crate::graph) fn create(call: &Call<'_>, side: Side) -> Result<Reply, GraphError> {
    let body = call.object("appRoleAssignment")?;
    let id = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Uuid>().ok())
            .ok_or_else(|| GraphError::value_required(name, "AppRoleAssignment"))
    };
    let (principal, resource, role) = (id("principalId")?, id("resourceId")?, id("appRoleId")?);
    let own = match side {
        Side::Resource => addressed(call)?.stored.object_id.0 == resource,
        Side::ServicePrincipal => addressed(call)?.stored.object_id.0 == principal,
        Side::User => call.target()?.user.0 == principal,
    };
    if !own {
        // Unverified: the text.
        return Err(GraphError::directory_request(
            "The object of the request's path is not the one that the request's body names.",
        ));
    }
    let resource = find(call, &resource.to_string())?;
    let is_user = call
        .tenant
        .read(|it| it.user(ObjectId(principal)).is_some());
    if is_user {
        assign_user(call, &resource, ObjectId(principal), role)?;
    } else {
        let client = find(call, &principal.to_string())?;
        assign_role(call, &resource, &client, role)?;
    }
    // The newest of the list that holds it.
    let made = of(call, side)?.into_iter().rfind(|it| {
        let is = |name: &str, id: Uuid| it.document[name] == json!(id);
        is("principalId", principal) && is("appRoleId", role)
    });
    let document = made.map(|it| it.document).unwrap_or_default();
    call.entity(&set(call, side)?, "appRoleAssignment", document)
}

/// `DELETE …/appRoleAssignments/{id}` and `…/appRoleAssignedTo/{id}`.
pub(in crate::graph) fn delete(call: &Call<'_>, side: Side) -> Result<Reply, GraphError> {
    let wanted = call.parameters.get("assignment");
    let found = of(call, side)?
        .into_iter()
        .find(|it| it.id == wanted)
        .ok_or_else(|| GraphError::resource_not_found(wanted))?;
    match found.kind {
        Kind::User { user, app } => call.happen(&Event::UnassignUser {
            app,
            user: user.to_string(),
        })?,
        Kind::Role(assignment) => {
            let resource = all(call)
                .into_iter()
                .find(|it| it.stored.app_id == assignment.resource);
            let graph = resource.is_some_and(|it| it.is_graph());
            if graph {
                may_grant_roles_of_graph(call)?;
            }
            let alone = call.tenant.read(|it| {
                it.app_role_assignments
                    .iter()
                    .filter(|it| it.client == assignment.client && it.role == assignment.role)
                    .count()
            }) == 1;
            if graph && alone {
                call.happen(&Event::RevokeAppRole {
                    app: assignment.client.to_string(),
                    role: Some(assignment.role),
                })?;
            } else {
                call.tenant.write(|it| it.remove_assignment(assignment.id));
            }
        }
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn assign_user(
    call: &Call<'_>,
    resource: &Principal,
    user: ObjectId,
    role: Uuid,
) -> Result<(), GraphError> {
    if !role.is_nil() {
        let what = "roles of an app for users";
        return Err(unknown_role(resource).not_in_the_mock(what));
    }
    if resource.stored.assigned_users.contains(&user) {
        return Err(exists());
    }
    call.happen(&Event::AssignUser {
        app: resource.stored.app_id.to_string(),
        user: user.to_string(),
    })
}

fn assign_role(
    call: &Call<'_>,
    resource: &Principal,
    client: &Principal,
    role: Uuid,
) -> Result<(), GraphError> {
    let name = resource
        .role_name(role)
        .ok_or_else(|| unknown_role(resource))?;
    if resource.is_graph() {
        may_grant_roles_of_graph(call)?;
    }
    let (client, resource_app) = (client.stored.app_id, resource.stored.app_id);
    let held = call
        .tenant
        .read(|it| it.granted_roles(client, resource_app).contains(&name));
    if held {
        return Err(exists());
    }
    if resource.is_graph() {
        return call.happen(&Event::GrantAppRole {
            app: client.to_string(),
            role: name,
        });
    }
    let id = call.world.random.uuid();
    call.tenant
        .write(|it| it.assign_role(id, client, resource_app, name, call.now));
    Ok(())
}

/// Application permissions of Graph are a matter of privileged role administrators.
/// Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
fn may_grant_roles_of_graph(call: &Call<'_>) -> Result<(), GraphError> {
    let Actor::User(user, _) = &call.actor else {
        return Ok(());
    };
    call.tenant.read(|directory| {
        let role = [DirectoryRole::PrivilegedRoleAdministrator];
        if directory.user(*user).is_some_and(|it| it.has_role(&role)) {
            Ok(())
        } else {
            Err(GraphError::directory_denied())
        }
    })
}

/// The assignments that a path means.
fn of(call: &Call<'_>, side: Side) -> Result<Vec<Assignment>, GraphError> {
    let whose = match side {
        Side::Resource => Whose::Resource(addressed(call)?.stored.app_id),
        Side::ServicePrincipal => Whose::Client(addressed(call)?.stored.app_id),
        Side::User => Whose::User(call.target()?.user),
    };
    Ok(all_of(call, whose))
}

/// The assignments of somebody, as Graph shows them.
pub(in crate::graph) fn documents(call: &Call<'_>, whose: Whose) -> Vec<Properties> {
    all_of(call, whose)
        .into_iter()
        .map(|it| it.document)
        .collect()
}

fn all_of(call: &Call<'_>, whose: Whose) -> Vec<Assignment> {
    let principals = all(call);
    let by_app = |app| principals.iter().find(|it| it.stored.app_id == app);
    call.tenant.read(|directory| {
        let mut found = Vec::new();
        for assignment in directory.app_role_assignments.iter() {
            let named = match whose {
                Whose::Resource(app) => app == assignment.resource,
                Whose::Client(app) => app == assignment.client,
                Whose::User(_) => false,
            };
            if let (true, Some(client), Some(resource)) = (
                named,
                by_app(assignment.client),
                by_app(assignment.resource),
            ) {
                found.push(role_of_app(assignment, client, resource));
            }
        }
        for resource in &principals {
            let wanted = |it: &&ObjectId| match whose {
                Whose::Resource(app) => app == resource.stored.app_id,
                Whose::Client(_) => false,
                Whose::User(user) => user == **it,
            };
            for id in resource.stored.assigned_users.iter().filter(wanted) {
                let name = directory.user(*id).map(|it| it.display_name.as_str());
                if let Some(name) = name {
                    found.push(user_of_app(*id, name, resource));
                }
            }
        }
        found
    })
}

fn role_of_app(
    assignment: &AppRoleAssignment,
    client: &Principal,
    resource: &Principal,
) -> Assignment {
    let id = link_id::write(client.stored.object_id.0, assignment.id);
    let value = json!({
        "id": id,
        "deletedDateTime": null,
        "appRoleId": resource.role_id(&assignment.role),
        "createdDateTime": crate::mailbox::seconds(assignment.created),
        "principalDisplayName": client.name(),
        "principalId": client.stored.object_id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": resource.name(),
        "resourceId": resource.stored.object_id,
    });
    Assignment {
        id,
        document: members(value),
        kind: Kind::Role(assignment.clone()),
    }
}

fn user_of_app(user: ObjectId, name: &str, resource: &Principal) -> Assignment {
    let id = link_id::write(user.0, resource.stored.object_id.0);
    let value = json!({
        "id": id,
        "deletedDateTime": null,
        // The default role.
        "appRoleId": Uuid::nil(),
        "createdDateTime": crate::mailbox::seconds(resource.stored.created),
        "principalDisplayName": name,
        "principalId": user,
        "principalType": "User",
        "resourceDisplayName": resource.name(),
        "resourceId": resource.stored.object_id,
    });
    Assignment {
        id,
        document: members(value),
        kind: Kind::User {
            user,
            app: resource.stored.app_id.to_string(),
        },
    }
}

fn set(call: &Call<'_>, side: Side) -> Result<String, GraphError> {
    let name = match side {
        Side::Resource => "appRoleAssignedTo",
        Side::User => return Ok(call.set("appRoleAssignments")),
        Side::ServicePrincipal => "appRoleAssignments",
    };
    let id = addressed(call)?.stored.object_id;
    Ok(format!("servicePrincipals('{id}')/{name}"))
}

/// Unverified: the text.
fn unknown_role(resource: &Principal) -> GraphError {
    GraphError::directory_request(format!(
        "Permission being assigned was not found on application '{}'.",
        resource.stored.app_id
    ))
}

/// Unverified: code and text.
fn exists() -> GraphError {
    GraphError::directory_request("Permission being assigned already exists on the object.")
}
