//! Tenant-wide policies: user consent, the admin-consent workflow, token lifetimes.
//!
//! Sources: learn.microsoft.com/graph/api/resources/authorizationpolicy,
//! /adminconsentrequestpolicy, /tokenlifetimepolicy and their methods.

pub(super) mod conditional_access;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Action, Call, Reply};
use super::collection::{self, Documents, Listing, members};
use super::error::GraphError;
use crate::directory::{AdminConsentRequests, Event, UserConsent};
use crate::mailbox::Properties;

/// `GET /policies/authorizationPolicy`.
pub(super) fn authorization(call: &Call<'_>) -> Result<Reply, GraphError> {
    let consent = call.tenant.read(|it| it.policies.user_consent);
    let mut assigned = vec![OWNED.to_owned()];
    assigned.extend(policy_of(consent).map(|it| format!("{SELF}{it}")));
    let value = json!({
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowEmailVerifiedUsersToJoinOrganization": false,
        "allowInvitesFrom": "everyone",
        "allowUserConsentForRiskyApps": null,
        "allowedToSignUpEmailBasedSubscriptions": true,
        "allowedToUseSSPR": true,
        "blockMsolPowerShell": false,
        // Guests have limited access: the default.
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": true,
            "allowedToCreateSecurityGroups": true,
            "allowedToCreateTenants": true,
            "allowedToReadBitlockerKeysForOwnedDevice": true,
            "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": assigned,
        },
    });
    single(
        call,
        "policies/authorizationPolicy",
        "authorizationPolicy",
        value,
    )
}

/// `PATCH /policies/authorizationPolicy`: who may consent.
pub(super) fn update_authorization(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("authorizationPolicy")?;
    let mut setting = None;
    for (name, value) in &body {
        let unsupported = |what: &str| {
            GraphError::directory_request(format!("'{what}' can't be set here."))
                .not_in_the_mock(format!("writing '{what}' of the authorization policy"))
        };
        let (true, Value::Object(permissions)) = (name == "defaultUserRolePermissions", value)
        else {
            return Err(unsupported(name));
        };
        for (name, value) in permissions {
            if name != "permissionGrantPoliciesAssigned" {
                return Err(unsupported(name));
            }
            setting = Some(consent_of(value)?);
        }
    }
    if let Some(user_consent) = setting {
        call.happen(&Event::SetUserConsentPolicy {
            user_consent,
            admin_consent_requests: None,
            low_impact: None,
            request_days: None,
            reviewers: None,
        })?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The setting that a list of permission grant policies means.
/// Source: learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent.
fn consent_of(value: &Value) -> Result<UserConsent, GraphError> {
    let list = value.as_array().ok_or_else(|| {
        GraphError::directory_request(
            "Invalid value specified for property 'permissionGrantPoliciesAssigned'.",
        )
    })?;
    let own: Vec<&str> = list
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|it| it.strip_prefix(SELF))
        .collect();
    let known = [
        UserConsent::All,
        UserConsent::MicrosoftManaged,
        UserConsent::VerifiedLowImpact,
        UserConsent::None,
    ];
    known
        .into_iter()
        .find(|it| policy_of(*it).into_iter().eq(own.iter().copied()))
        .ok_or_else(|| {
            let what = format!("the permission grant policies {}", own.join(", "));
            GraphError::directory_request(format!(
                "{what} can't be assigned here: only microsoft-user-default-legacy, \
                 microsoft-user-default-recommended, microsoft-user-default-low, or none"
            ))
            .not_in_the_mock(what)
        })
}

fn policy_of(consent: UserConsent) -> Option<&'static str> {
    match consent {
        UserConsent::All => Some("microsoft-user-default-legacy"),
        UserConsent::MicrosoftManaged => Some("microsoft-user-default-recommended"),
        UserConsent::VerifiedLowImpact => Some("microsoft-user-default-low"),
        UserConsent::None => None,
    }
}

/// `GET /policies/adminConsentRequestPolicy`.
pub(super) fn admin_consent_requests(call: &Call<'_>) -> Result<Reply, GraphError> {
    let policy = call
        .tenant
        .read(|it| it.policies.admin_consent_requests.clone());
    let reviewers: Vec<Value> = policy
        .reviewers
        .iter()
        .map(|user| {
            json!({
                "query": format!("/{}/users/{user}", call.version),
                "queryType": "MicrosoftGraph",
                "queryRoot": null,
            })
        })
        .collect();
    let value = json!({
        "isEnabled": policy.enabled,
        "notifyReviewers": policy.notify_reviewers,
        "remindersEnabled": policy.reminders,
        "requestDurationInDays": policy.duration_days,
        "reviewers": reviewers,
        "version": 0,
    });
    single(
        call,
        "adminConsentRequestPolicy",
        "adminConsentRequestPolicy",
        value,
    )
}

/// `PUT /policies/adminConsentRequestPolicy`.
pub(super) fn put_admin_consent_requests(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut body = Action(call.json()?);
    let missing = |name: &str| GraphError::value_required(name, "AdminConsentRequestPolicy");
    let mut flag = |name: &str| match body.take(name) {
        Some(Value::Bool(value)) => Ok(value),
        _ => Err(missing(name)),
    };
    let enabled = flag("isEnabled")?;
    let notify_reviewers = flag("notifyReviewers")?;
    let reminders = flag("remindersEnabled")?;
    // Unverified: the bounds.
    let days = body
        .take("requestDurationInDays")
        .and_then(|it| it.as_u64())
        .and_then(|it| u16::try_from(it).ok())
        .filter(|it| (1..=60).contains(it));
    let duration_days = days.ok_or_else(|| missing("requestDurationInDays"))?;
    let Some(Value::Array(list)) = body.take("reviewers") else {
        return Err(missing("reviewers"));
    };
    for ignored in ["version", "id"] {
        body.take(ignored);
    }
    body.finish("adminConsentRequestPolicy")?;
    call.tenant.write(|directory| {
        let reviewers = list
            .iter()
            .map(|scope| {
                let query = scope["query"].as_str().unwrap_or_default();
                let user = query.rsplit_once("/users/").map_or("", |(_, id)| id);
                directory
                    .user_by_id_or_name(user)
                    .map(|it| it.id)
                    .ok_or_else(|| {
                        let what = format!("the reviewer '{query}'");
                        GraphError::directory_request(format!(
                            "{what} is not one user of the tenant: write /users/{{id}}"
                        ))
                        .not_in_the_mock(what)
                    })
            })
            .collect::<Result<_, _>>()?;
        directory.policies.admin_consent_requests = AdminConsentRequests {
            enabled,
            reviewers,
            duration_days,
            notify_reviewers,
            reminders,
        };
        Ok::<(), GraphError>(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /policies/tokenLifetimePolicies`: the tenant has one at most.
pub(super) fn token_lifetimes(call: &Call<'_>) -> Result<Reply, GraphError> {
    let items = token_lifetime(call).into_iter().collect();
    let listing = Listing::of("tokenLifetimePolicy", "policies/tokenLifetimePolicies");
    collection::list(call, &listing, &Documents(items))
}

/// `POST /policies/tokenLifetimePolicies`, for all apps of the tenant.
pub(super) fn create_token_lifetime(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut body = Action(call.json()?);
    body.text("displayName")?;
    body.text("description")?;
    let for_all = body.boolean("isOrganizationDefault", false)?;
    let definition = body.take("definition");
    body.finish("tokenLifetimePolicy")?;
    if !for_all {
        let what = "token lifetime policies that are assigned to single apps";
        return Err(GraphError::directory_request(format!(
            "{what} are not possible here: set isOrganizationDefault"
        ))
        .not_in_the_mock(what));
    }
    if token_lifetime(call).is_some() {
        // Unverified: code and text.
        return Err(GraphError::conflict(
            "The organization has a default token lifetime policy already.",
        ));
    }
    let seconds = definition
        .as_ref()
        .and_then(|it| it[0].as_str())
        .and_then(|it| serde_json::from_str::<Value>(it).ok())
        .and_then(|it| {
            it["TokenLifetimePolicy"]["AccessTokenLifetime"]
                .as_str()
                .and_then(time_span)
        })
        .ok_or_else(|| {
            GraphError::directory_request(
                "Property definition has an invalid value: it must hold a TokenLifetimePolicy with \
                 an AccessTokenLifetime such as 1.00:00:00 or 00:10:00.",
            )
        })?;
    call.happen(&Event::SetTokenLifetime {
        seconds: Some(seconds),
    })?;
    let made = token_lifetime(call).unwrap_or_default();
    call.entity(
        "policies/tokenLifetimePolicies",
        "tokenLifetimePolicy",
        made,
    )
}

/// `DELETE /policies/tokenLifetimePolicies/{id}`.
pub(super) fn delete_token_lifetime(call: &Call<'_>) -> Result<Reply, GraphError> {
    let wanted = call.parameters.get("policy");
    token_lifetime(call)
        .filter(|it| it["id"] == wanted)
        .ok_or_else(|| GraphError::resource_not_found(wanted))?;
    call.happen(&Event::SetTokenLifetime { seconds: None })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn token_lifetime(call: &Call<'_>) -> Option<Properties> {
    let seconds = call.tenant.read(|it| it.policies.access_token_lifetime)?;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let span = format!(
        "{days}.{:02}:{:02}:{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    );
    let definition = json!({
        "TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": span},
    });
    let value = json!({
        "id": Uuid::new_v5(&call.tenant.id.0, b"token lifetime policy"),
        "deletedDateTime": null,
        "definition": [definition.to_string()],
        "displayName": "Token lifetime",
        "isOrganizationDefault": true,
    });
    Some(members(value))
}

/// `1.02:03:04` or `02:03:04` in seconds.
fn time_span(text: &str) -> Option<u32> {
    let (days, rest) = match text.split_once('.') {
        Some((days, rest)) => (days.parse().ok()?, rest),
        None => (0_u32, text),
    };
    let parts: Vec<u32> = rest
        .split(':')
        .map(|it| it.parse().ok())
        .collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts.as_slice() else {
        return None;
    };
    if *hours > 23 || *minutes > 59 || *seconds > 59 {
        return None;
    }
    days.checked_mul(86_400)?
        .checked_add(hours * 3600 + minutes * 60 + seconds)
}

fn single(call: &Call<'_>, set: &str, of: &str, value: Value) -> Result<Reply, GraphError> {
    call.entity(set, of, members(value))
}

/// What the setting for user consent begins with.
const SELF: &str = "managePermissionGrantsForSelf.";
/// What owners of teams may consent to; not a matter of connectors.
const OWNED: &str =
    "managePermissionGrantsForOwnedResource.microsoft-dynamically-managed-permissions-for-team";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_days_and_a_time() {
        assert_eq!(time_span("00:10:00"), Some(600));
        assert_eq!(time_span("1.00:00:01"), Some(86_401));
        for wrong in ["", "10", "1.24:00:00", "00:60:00", "a.00:00:00"] {
            assert_eq!(time_span(wrong), None, "{wrong}");
        }
    }
}
