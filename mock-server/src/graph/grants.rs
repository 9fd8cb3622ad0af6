//! Delegated permission grants, the records of consent.
//!
//! Source: learn.microsoft.com/graph/api/resources/oauth2permissiongrant and its methods.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing, members};
use super::error::GraphError;
use super::link_id;
use super::service_principals::{self, Principal};
use crate::directory::{ApplicationId, ConsentType, Event, ObjectId, PermissionGrant};
use crate::mailbox::Properties;
use crate::permission::{Permission, PermissionKind};

/// `GET /oauth2PermissionGrants`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let items = documents(call).into_iter().map(|(_, it)| it).collect();
    collection::list(call, &listing("oauth2PermissionGrants"), &Documents(items))
}

/// `GET /servicePrincipals/{id}/oauth2PermissionGrants`.
pub(super) fn list_of_principal(call: &Call<'_>) -> Result<Reply, GraphError> {
    let principal = service_principals::find(call, call.parameters.get("servicePrincipal"))?;
    let items = of_client(call, principal.stored.app_id);
    collection::list(call, &listing("oauth2PermissionGrants"), &Documents(items))
}

/// `GET /users/{id}/oauth2PermissionGrants`.
pub(super) fn list_of_user(call: &Call<'_>) -> Result<Reply, GraphError> {
    let items = of_user(call, call.target()?.user);
    collection::list(call, &listing("oauth2PermissionGrants"), &Documents(items))
}

/// What was granted to a client.
pub(super) fn of_client(call: &Call<'_>, client: ApplicationId) -> Vec<Properties> {
    those(call, |grant| grant.client == client)
}

/// What a user, and nobody else, has granted.
pub(super) fn of_user(call: &Call<'_>, user: ObjectId) -> Vec<Properties> {
    those(call, |grant| grant.consent == ConsentType::Principal(user))
}

fn those(call: &Call<'_>, wanted: impl Fn(&PermissionGrant) -> bool) -> Vec<Properties> {
    let all = documents(call).into_iter();
    all.filter(|(grant, _)| wanted(grant))
        .map(|(_, it)| it)
        .collect()
}

/// `GET /oauth2PermissionGrants/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (_, document) = find(call)?;
    call.entity("oauth2PermissionGrants", TYPE, document)
}

/// `POST /oauth2PermissionGrants`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object(TYPE)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let required = |name: &str| {
        text(name).ok_or_else(|| GraphError::value_required(name, "OAuth2PermissionGrant"))
    };
    let client = service_principals::find(call, required("clientId")?)?;
    let resource = service_principals::find(call, required("resourceId")?)?;
    let consent = match (required("consentType")?, text("principalId")) {
        ("AllPrincipals", None) => ConsentType::AllPrincipals,
        ("Principal", Some(user)) => {
            let user = user
                .parse()
                .ok()
                .filter(|id: &ObjectId| call.tenant.read(|it| it.user(*id).is_some()));
            ConsentType::Principal(user.ok_or_else(|| invalid("principalId"))?)
        }
        ("AllPrincipals" | "Principal", _) => return Err(invalid("principalId")),
        _ => return Err(invalid("consentType")),
    };
    let scopes = scopes(text("scope").unwrap_or_default(), &resource);
    let (client, api) = (client.stored.app_id, resource.stored.app_id);
    let same =
        |it: &PermissionGrant| it.client == client && it.resource == api && it.consent == consent;
    if call.tenant.read(|it| it.grants.iter().any(same)) {
        return Err(GraphError::conflict("Permission entry already exists."));
    }
    if resource.is_graph() {
        call.happen(&Event::GrantConsent {
            app: client.to_string(),
            user: match consent {
                ConsentType::AllPrincipals => None,
                ConsentType::Principal(user) => Some(user.to_string()),
            },
            scopes: scopes.into_iter().collect(),
        })?;
    } else {
        let id = call.world.random.uuid();
        call.tenant.write(|directory| {
            directory.grant(id, client, api, consent, scopes);
        });
    }
    let made = documents(call).into_iter().find(|(grant, _)| same(grant));
    let document = made.map(|(_, it)| it).unwrap_or_default();
    call.entity("oauth2PermissionGrants", TYPE, document)
}

/// `PATCH /oauth2PermissionGrants/{id}`: other scopes.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (grant, _) = find(call)?;
    let body = call.object(TYPE)?;
    if let Some(name) = body.keys().find(|it| *it != "scope") {
        // Unverified: the text.
        return Err(GraphError::directory_request(format!(
            "Property '{name}' is read-only and cannot be set."
        )));
    }
    let Some(text) = body.get("scope").and_then(Value::as_str) else {
        return Err(invalid("scope"));
    };
    let resource = service_principals::all(call)
        .into_iter()
        .find(|it| it.stored.app_id == grant.resource)
        .ok_or_else(|| GraphError::resource_not_found(&grant.resource.to_string()))?;
    let scopes = scopes(text, &resource);
    call.tenant.write(|it| it.set_scopes(grant.id, scopes));
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /oauth2PermissionGrants/{id}`: consent is withdrawn.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (grant, _) = find(call)?;
    // The event takes all that a user, or everybody, has consented to for the app.
    let fellows = call.tenant.read(|it| {
        it.grants
            .iter()
            .filter(|it| match grant.consent {
                ConsentType::AllPrincipals => it.client == grant.client,
                ConsentType::Principal(_) => {
                    it.client == grant.client && it.consent == grant.consent
                }
            })
            .count()
    });
    if fellows == 1 {
        call.happen(&Event::RevokeConsent {
            app: grant.client.to_string(),
            user: match grant.consent {
                ConsentType::AllPrincipals => None,
                ConsentType::Principal(user) => Some(user.to_string()),
            },
        })?;
    } else {
        call.tenant.write(|it| it.remove_grant(grant.id));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn find(call: &Call<'_>) -> Result<(PermissionGrant, Properties), GraphError> {
    let wanted = call.parameters.get("grant");
    documents(call)
        .into_iter()
        .find(|(_, document)| document["id"] == wanted)
        .ok_or_else(|| GraphError::resource_not_found(wanted))
}

fn documents(call: &Call<'_>) -> Vec<(PermissionGrant, Properties)> {
    let principals = service_principals::all(call);
    let id_of = |app| {
        principals
            .iter()
            .find(|it| it.stored.app_id == app)
            .map(|it| it.stored.object_id)
    };
    call.tenant.read(|directory| {
        directory
            .grants
            .iter()
            .filter_map(|grant| {
                let (client, resource) = (id_of(grant.client)?, id_of(grant.resource)?);
                let (kind, principal) = match grant.consent {
                    ConsentType::AllPrincipals => ("AllPrincipals", None),
                    ConsentType::Principal(user) => ("Principal", Some(user)),
                };
                let scopes: Vec<&str> = grant.scopes.iter().map(String::as_str).collect();
                let mut value = json!({
                    "id": link_id::write(client.0, grant.id),
                    "clientId": client,
                    "consentType": kind,
                    "principalId": principal,
                    "resourceId": resource,
                    "scope": scopes.join(" "),
                });
                if call.version == "beta" {
                    // Recorded from the service: always these. Source: pnp/pnpcore, MockData of
                    // ServicePrincipalTests (2024).
                    value["expiryTime"] = json!("9999-12-31T23:59:59.9999999Z");
                    value["startTime"] = json!("0001-01-01T00:00:00Z");
                }
                Some((grant.clone(), members(value)))
            })
            .collect()
    })
}

/// Scopes as a grant holds them. Names that the API does not have are kept, as the service does.
fn scopes(text: &str, resource: &Principal) -> BTreeSet<String> {
    text.split_whitespace()
        .map(|name| {
            Permission::find(name, PermissionKind::Delegated)
                .filter(|_| resource.is_graph())
                .map_or_else(|| name.to_owned(), |it| it.name.to_owned())
        })
        .collect()
}

fn invalid(name: &str) -> GraphError {
    GraphError::directory_request(format!(
        "Invalid value specified for property '{name}' of resource 'OAuth2PermissionGrant'."
    ))
}

fn listing(set: &str) -> Listing<'static> {
    Listing::of(TYPE, set)
}

pub(super) const TYPE: &str = "oAuth2PermissionGrant";
