//! Federated identity credentials of registrations.
//!
//! Source: learn.microsoft.com/graph/api/resources/federatedidentitycredential and its methods.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::call::{Call, Reply};
use super::super::collection::{self, Documents, Listing, members};
use super::super::error::GraphError;
use super::{addressed, writable, write};
use crate::directory::{Application, ApplicationId, FederatedCredential};
use crate::mailbox::Properties;

/// `GET …/federatedIdentityCredentials`.
pub(in crate::graph) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = addressed(call)?;
    let items = app.federated_credentials.iter().map(document).collect();
    let listing = Listing::of("federatedIdentityCredential", set(&app));
    collection::list(call, &listing, &Documents(items))
}

/// The credentials of a registration.
pub(in crate::graph) fn documents(call: &Call<'_>, app: ApplicationId) -> Vec<Properties> {
    call.tenant.read(|directory| {
        let app = directory.applications.get(&app);
        let all = app.into_iter().flat_map(|it| &it.federated_credentials);
        all.map(document).collect()
    })
}

/// `GET …/federatedIdentityCredentials/{id}`.
pub(in crate::graph) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = addressed(call)?;
    let at = position(call, &app)?;
    let found = document(&app.federated_credentials[at]);
    call.entity(&set(&app), "federatedIdentityCredential", found)
}

/// `POST …/federatedIdentityCredentials`. The mock fetches no keys: they come with the world's
/// file, so that an assertion for a credential made here is refused.
pub(in crate::graph) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    let body = call.object("federatedIdentityCredential")?;
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| required(name))
    };
    let audience = match body.get("audiences").and_then(Value::as_array) {
        Some(list) if list.len() == 1 => list[0].as_str().map(str::to_owned),
        _ => None,
    };
    let credential = FederatedCredential {
        id: call.world.random.uuid(),
        name: text("name")?,
        issuer: text("issuer")?,
        subject: text("subject")?,
        audience: audience.ok_or_else(|| required("audiences"))?,
        description: body
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned),
        jwks: None,
    };
    let made = document(&credential);
    write(call, app.app_id, |app| {
        let others = &app.federated_credentials;
        if others.len() >= MOST {
            // Unverified: the text.
            return Err(GraphError::directory_request(format!(
                "The application has {MOST} federated identity credentials already."
            )));
        }
        let same = |it: &FederatedCredential| {
            it.name == credential.name
                || (&it.issuer, &it.subject) == (&credential.issuer, &credential.subject)
        };
        if others.iter().any(same) {
            // Unverified: the text.
            return Err(GraphError::conflict(
                "A federated identity credential with the same name, or the same issuer and \
                 subject, already exists.",
            ));
        }
        app.federated_credentials.push(credential);
        Ok(())
    })?;
    call.entity(&set(&app), "federatedIdentityCredential", made)
}

/// `DELETE …/federatedIdentityCredentials/{id}`.
pub(in crate::graph) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    write(call, app.app_id, |app| {
        let at = position(call, app)?;
        app.federated_credentials.remove(at);
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// By id, or by name, which is an alternate key.
fn position(call: &Call<'_>, app: &Application) -> Result<usize, GraphError> {
    let wanted = call.parameters.get("credential");
    app.federated_credentials
        .iter()
        .position(|it| it.id.to_string().eq_ignore_ascii_case(wanted) || it.name == wanted)
        .ok_or_else(|| GraphError::resource_not_found(wanted))
}

fn document(credential: &FederatedCredential) -> Properties {
    let value = json!({
        "id": credential.id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "description": credential.description,
        "audiences": [credential.audience],
    });
    members(value)
}

fn set(app: &Application) -> String {
    format!(
        "applications('{}')/federatedIdentityCredentials",
        app.object_id
    )
}

fn required(name: &str) -> GraphError {
    GraphError::value_required(name, "FederatedIdentityCredential")
}

/// Source: learn.microsoft.com/graph/api/application-post-federatedidentitycredentials.
const MOST: usize = 20;
