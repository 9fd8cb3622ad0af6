//! Consent requests, which Graph only shows, and risky users.
//!
//! Sources: learn.microsoft.com/graph/api/resources/appconsentrequest, /userconsentrequest,
//! /graph/api/riskyuser-confirmcompromised, /riskyuser-dismiss.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing, members};
use super::error::GraphError;
use crate::directory::{
    ApplicationId, ConsentRequest, ConsentRequestStatus, Directory, Event, Risk,
};
use crate::mailbox::{Properties, seconds};

/// `GET …/appConsentRequests`: one for each app that was asked for.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let items = apps(call).into_iter().map(|app| document(call, app));
    let listing = Listing::of("appConsentRequest", SET);
    collection::list(call, &listing, &Documents(items.collect()))
}

/// `GET …/appConsentRequests/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = addressed(call)?;
    call.entity(SET, "appConsentRequest", document(call, app))
}

/// `GET …/appConsentRequests/{id}/userConsentRequests`.
pub(super) fn list_of_users(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = addressed(call)?;
    call.tenant.read(|directory| {
        let items = directory
            .consent_requests
            .iter()
            .filter(|it| it.client == app)
            .map(|it| request(call, directory, it))
            .collect();
        let set = format!("{SET}('{}')/userConsentRequests", id_of(call, app));
        collection::list(
            call,
            &Listing::of("userConsentRequest", set),
            &Documents(items),
        )
    })
}

/// `GET …/userConsentRequests/{id}`.
pub(super) fn get_of_user(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = addressed(call)?;
    let wanted = call.parameters.get("request");
    call.tenant.read(|directory| {
        let found = directory
            .consent_requests
            .iter()
            .find(|it| it.client == app && it.id.to_string().eq_ignore_ascii_case(wanted))
            .ok_or_else(|| GraphError::resource_not_found(wanted))?;
        let set = format!("{SET}('{}')/userConsentRequests", id_of(call, app));
        call.entity(&set, "userConsentRequest", request(call, directory, found))
    })
}

/// `POST /identityProtection/riskyUsers/confirmCompromised` and `/dismiss`.
pub(super) fn set_risk(call: &Call<'_>, risk: Risk) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let ids = match action.take("userIds") {
        Some(Value::Array(ids)) if !ids.is_empty() => ids,
        // Unverified: the text.
        _ => {
            return Err(GraphError::bad_request(
                "The parameter 'userIds' is missing.",
            ));
        }
    };
    action.finish("riskyUsers")?;
    let mut users = Vec::new();
    for id in &ids {
        let text = id.as_str().unwrap_or_default();
        let known = text
            .parse()
            .ok()
            .filter(|id| call.tenant.read(|directory| directory.user(*id).is_some()));
        users.push(known.ok_or_else(|| GraphError::resource_not_found(text))?);
    }
    for user in users {
        call.happen(&Event::SetUserRisk {
            user: user.to_string(),
            risk,
            policy: None,
        })?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn apps(call: &Call<'_>) -> Vec<ApplicationId> {
    let mut apps = Vec::new();
    call.tenant.read(|it| {
        for request in it.consent_requests.iter() {
            if !apps.contains(&request.client) {
                apps.push(request.client);
            }
        }
    });
    apps
}

fn id_of(call: &Call<'_>, app: ApplicationId) -> Uuid {
    Uuid::new_v5(&call.tenant.id.0, app.0.as_bytes())
}

fn addressed(call: &Call<'_>) -> Result<ApplicationId, GraphError> {
    let wanted = call.parameters.get("appRequest");
    apps(call)
        .into_iter()
        .find(|app| id_of(call, *app).to_string().eq_ignore_ascii_case(wanted))
        .ok_or_else(|| GraphError::resource_not_found(wanted))
}

fn document(call: &Call<'_>, app: ApplicationId) -> Properties {
    let name = call
        .world
        .application(call.cloud(), app)
        .map(|(_, app)| app.display_name.clone());
    call.tenant.read(|directory| {
        let pending: std::collections::BTreeSet<&String> = directory
            .consent_requests
            .iter()
            .filter(|it| it.client == app && is_open(call, it))
            .flat_map(|it| it.scopes.iter().flat_map(|(_, scopes)| scopes))
            .collect();
        let scopes: Vec<Value> = pending
            .iter()
            .map(|it| json!({"displayName": it}))
            .collect();
        let value = json!({
            "id": id_of(call, app),
            "appId": app,
            "appDisplayName": name,
            "pendingScopes": scopes,
        });
        members(value)
    })
}

fn request(call: &Call<'_>, directory: &Directory, request: &ConsentRequest) -> Properties {
    let user = directory.users.get(&request.user);
    let status = match request.status {
        ConsentRequestStatus::Pending if is_open(call, request) => "InProgress",
        ConsentRequestStatus::Pending => "Expired",
        _ => "Completed",
    };
    let value = json!({
        "id": request.id,
        "approvalId": request.id,
        "completedDateTime": request.review.as_ref().map(|it| seconds(it.at)),
        "createdBy": {
            "application": null,
            "device": null,
            "user": {
                "id": request.user,
                "displayName": user.map(|it| &it.display_name),
                "userPrincipalName": user.map(|it| it.user_principal_name.as_str()),
                "mail": user.and_then(|it| it.mail()),
            },
        },
        "createdDateTime": seconds(request.created),
        "customData": null,
        "reason": request.reason,
        "status": status,
    });
    members(value)
}

fn is_open(call: &Call<'_>, request: &ConsentRequest) -> bool {
    request.status == ConsentRequestStatus::Pending && request.expires > call.now
}

const SET: &str = "identityGovernance/appConsent/appConsentRequests";
