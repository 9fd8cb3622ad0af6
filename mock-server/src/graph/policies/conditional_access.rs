//! Conditional access policies, as far as the directory knows them: users and apps, block,
//! compliant device, multifactor authentication, terms of use, sign-in frequency. Anything else is
//! refused, and named.
//!
//! Source: learn.microsoft.com/graph/api/resources/conditionalaccesspolicy and its methods.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::call::{Call, Reply};
use super::super::collection::{self, Documents, Listing};
use super::super::error::GraphError;
use crate::directory::{ConditionalAccessPolicy, Demand, Directory, Networks, PolicyState};
use crate::mailbox::Properties;

/// `GET /identity/conditionalAccess/policies`.
pub(in crate::graph) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.read(|directory| {
        let mut ids: Vec<Uuid> = Vec::new();
        for policy in &directory.policies.conditional_access {
            if !ids.contains(&policy.id) {
                ids.push(policy.id);
            }
        }
        let items = ids.iter().filter_map(|id| document(directory, *id));
        let listing = Listing::of(TYPE, SET);
        collection::list(call, &listing, &Documents(items.collect()))
    })
}

/// `GET /identity/conditionalAccess/policies/{id}`.
pub(in crate::graph) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (_, found) = call.tenant.read(|directory| find(call, directory))?;
    call.entity(SET, TYPE, found)
}

/// `POST /identity/conditionalAccess/policies`.
pub(in crate::graph) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object(TYPE)?;
    let id = call.world.random.uuid();
    let made = call.tenant.write(|directory| {
        put(directory, call.now, id, &body)?;
        Ok::<_, GraphError>(document(directory, id).unwrap_or_default())
    })?;
    call.entity(SET, TYPE, made)
}

/// `PATCH /identity/conditionalAccess/policies/{id}`: the members given replace the old ones.
pub(in crate::graph) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object(TYPE)?;
    call.tenant.write(|directory| {
        let (id, mut whole) = find(call, directory)?;
        for read_only in [
            "id",
            "createdDateTime",
            "modifiedDateTime",
            "templateId",
            "description",
        ] {
            whole.shift_remove(read_only);
        }
        whole.extend(body);
        put(directory, call.now, id, &whole)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `DELETE /identity/conditionalAccess/policies/{id}`.
pub(in crate::graph) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    call.tenant.write(|directory| {
        let (id, _) = find(call, directory)?;
        directory.replace_policies(id, Vec::new());
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

fn find(call: &Call<'_>, directory: &Directory) -> Result<(Uuid, Properties), GraphError> {
    let wanted = call.parameters.get("policy");
    wanted
        .parse()
        .ok()
        .and_then(|id| Some((id, document(directory, id)?)))
        .ok_or_else(|| GraphError::resource_not_found(wanted))
}

/// Writes a policy: each demand is a policy of the directory with the same id. Its networks, which
/// are no named locations here, Graph does not write.
fn put(
    directory: &mut Directory,
    now: Timestamp,
    id: Uuid,
    body: &Properties,
) -> Result<(), GraphError> {
    let name = body.get("displayName").and_then(Value::as_str);
    let name = name
        .filter(|it| !it.is_empty())
        .ok_or_else(|| wrong("displayName is missing"))?;
    let state = match body.get("state").and_then(Value::as_str) {
        Some("enabled") => PolicyState::Enabled,
        Some("disabled") => PolicyState::Disabled,
        Some("enabledForReportingButNotEnforced") => PolicyState::ReportOnly,
        _ => return Err(wrong("state is none of the possible values")),
    };
    if let Some(name) = body.keys().find(|it| {
        ![
            "displayName",
            "state",
            "conditions",
            "grantControls",
            "sessionControls",
        ]
        .contains(&it.as_str())
    }) {
        return Err(unsupported(name));
    }
    let conditions = body.get("conditions").cloned().unwrap_or_default();
    let list = |at: &str, name: &str| conditions[at][name].as_array().cloned();
    only(
        &conditions,
        "conditions",
        &["users", "applications", "clientAppTypes"],
    )?;
    only(&conditions["users"], "conditions.users", &["includeUsers"])?;
    only(
        &conditions["applications"],
        "conditions.applications",
        &["includeApplications"],
    )?;
    match conditions["clientAppTypes"].as_array().map(Vec::as_slice) {
        None => {}
        Some([one]) if one == "all" => {}
        Some(_) => return Err(unsupported("conditions.clientAppTypes")),
    }
    let users = list("users", "includeUsers").ok_or_else(|| wrong("includeUsers is missing"))?;
    let apps = list("applications", "includeApplications")
        .ok_or_else(|| wrong("includeApplications is missing"))?;
    let demands = demands(body)?;
    let users = members(&users, |id| {
        id.parse().ok().filter(|id| directory.user(*id).is_some())
    })?;
    let apps = members(&apps, |id| {
        id.parse()
            .ok()
            .filter(|id| directory.service_principal(*id).is_some())
    })?;
    let stored = directory.policies.conditional_access.iter();
    let old: Vec<_> = stored.filter(|it| it.id == id).cloned().collect();
    let moment = directory.happens(now);
    let (created, networks) = old.first().map_or_else(
        || (moment, Networks::default()),
        |it| (it.created.unwrap_or(it.since), it.networks.clone()),
    );
    let policies = demands.into_iter().map(|demand| {
        let new = ConditionalAccessPolicy {
            id,
            users: users.clone(),
            apps: apps.clone(),
            networks: networks.clone(),
            demand,
            since: moment,
            created: Some(created),
            display_name: Some(name.to_owned()),
            state,
        };
        // What was demanded of the same people before has been in force since then.
        let since = old
            .iter()
            .find(|it| it.anticipates(&new))
            .map(|it| it.since);
        ConditionalAccessPolicy {
            since: since.unwrap_or(moment),
            ..new
        }
    });
    let policies = policies.collect();
    directory.replace_policies(id, policies);
    Ok(())
}

/// The ids of a list; `All` is an empty set.
fn members<T: Ord>(
    list: &[Value],
    known: impl Fn(&str) -> Option<T>,
) -> Result<BTreeSet<T>, GraphError> {
    if matches!(list, [one] if one == "All") {
        return Ok(BTreeSet::new());
    }
    if list.is_empty() || list.iter().any(|it| it == "None") {
        return Err(unsupported("a policy that applies to nobody"));
    }
    list.iter()
        .map(|it| {
            let text = it.as_str().unwrap_or_default();
            known(text).ok_or_else(|| match text {
                "All" | "GuestsOrExternalUsers" | "Office365" | "MicrosoftAdminPortals" => {
                    unsupported(text)
                }
                _ => wrong(&format!("'{text}' is not in the tenant")),
            })
        })
        .collect()
}

fn demands(body: &Properties) -> Result<Vec<Demand>, GraphError> {
    let grant = body.get("grantControls").cloned().unwrap_or_default();
    let session = body.get("sessionControls").cloned().unwrap_or_default();
    only(
        &grant,
        "grantControls",
        &["operator", "builtInControls", "termsOfUse"],
    )?;
    only(
        &session,
        "sessionControls",
        &["secureSignInSession", "signInFrequency"],
    )?;
    let mut demands = Vec::new();
    for control in grant["builtInControls"].as_array().into_iter().flatten() {
        demands.push(match control.as_str() {
            Some("approvedApplication") => Demand::ApprovedApp,
            Some("block") => Demand::Block,
            Some("compliantApplication") => Demand::AppProtection,
            Some("compliantDevice") => Demand::CompliantDevice,
            Some("domainJoinedDevice") => Demand::HybridJoinedDevice,
            Some("mfa") => Demand::Mfa,
            other => return Err(unsupported(other.unwrap_or("builtInControls"))),
        });
    }
    if grant["termsOfUse"]
        .as_array()
        .is_some_and(|it| !it.is_empty())
    {
        demands.push(Demand::TermsOfUse);
    }
    let blocks = demands.contains(&Demand::Block);
    if blocks && demands.len() > 1 {
        return Err(wrong("block can't be combined with other controls"));
    }
    if demands.len() > 1 && grant["operator"] != "AND" {
        return Err(unsupported("grantControls.operator OR of several controls"));
    }
    let frequency = &session["signInFrequency"];
    if frequency["isEnabled"] == true {
        let every_time = frequency["frequencyInterval"] == "everyTime";
        let value = frequency["value"].as_i64().filter(|it| *it > 0);
        let hours = match (frequency["type"].as_str(), value) {
            _ if every_time => 0,
            (Some("hours"), Some(value)) => value,
            (Some("days"), Some(value)) => value.saturating_mul(24),
            _ => return Err(wrong("signInFrequency has no type or no value")),
        };
        // The service allows up to a year.
        let every = SignedDuration::from_hours(hours.min(24 * 365));
        demands.push(match frequency["authenticationType"].as_str() {
            Some("secondaryAuthentication") => Demand::MfaFrequency(every),
            _ => Demand::SignInFrequency(every),
        });
    }
    if session["secureSignInSession"]["isEnabled"] == true {
        demands.push(Demand::TokenProtection);
    }
    if demands.is_empty() {
        return Err(wrong(
            "neither grantControls nor sessionControls demand anything",
        ));
    }
    Ok(demands)
}

/// Refuses members that are set and not known.
fn only(value: &Value, place: &str, known: &[&str]) -> Result<(), GraphError> {
    let unset = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Bool(value) => !value,
        _ => false,
    };
    let extra = value
        .as_object()
        .into_iter()
        .flatten()
        .find(|(name, value)| {
            !name.contains('@') && !known.contains(&name.as_str()) && !unset(value)
        });
    match extra {
        None => Ok(()),
        Some((name, _)) => Err(unsupported(&format!("{place}.{name}"))),
    }
}

/// A policy as Graph shows it.
fn document(directory: &Directory, id: Uuid) -> Option<Properties> {
    let policies: Vec<&ConditionalAccessPolicy> = directory
        .policies
        .conditional_access
        .iter()
        .filter(|it| it.id == id)
        .collect();
    let first = policies.first()?;
    let names = |ids: Vec<String>| {
        if ids.is_empty() {
            vec!["All".to_owned()]
        } else {
            ids
        }
    };
    let users = names(first.users.iter().map(ToString::to_string).collect());
    let apps = names(first.apps.iter().map(ToString::to_string).collect());
    let mut controls: Vec<&str> = Vec::new();
    let mut terms: Vec<Uuid> = Vec::new();
    let mut session = Map::new();
    for policy in &policies {
        match policy.demand {
            Demand::AppProtection => controls.push("compliantApplication"),
            Demand::ApprovedApp => controls.push("approvedApplication"),
            Demand::Block => controls.push("block"),
            Demand::CompliantDevice => controls.push("compliantDevice"),
            Demand::HybridJoinedDevice => controls.push("domainJoinedDevice"),
            Demand::Mfa => controls.push("mfa"),
            Demand::TermsOfUse => terms.push(id),
            Demand::MfaFrequency(every) => {
                session.extend(frequency(every, "secondaryAuthentication"));
            }
            Demand::SignInFrequency(every) => {
                session.extend(frequency(every, "primaryAndSecondaryAuthentication"));
            }
            Demand::TokenProtection => {
                let secure = json!({"isEnabled": true});
                session.insert("secureSignInSession".to_owned(), secure);
            }
        }
    }
    let grant = if controls.is_empty() && terms.is_empty() {
        Value::Null
    } else {
        let operator = if controls.len() + terms.len() > 1 {
            "AND"
        } else {
            "OR"
        };
        json!({
            "operator": operator,
            "builtInControls": controls,
            "customAuthenticationFactors": [],
            "termsOfUse": terms,
            "authenticationStrength": null,
        })
    };
    let state = match first.state {
        PolicyState::Enabled => "enabled",
        PolicyState::Disabled => "disabled",
        PolicyState::ReportOnly => "enabledForReportingButNotEnforced",
    };
    let value = json!({
        "id": id,
        "templateId": null,
        "displayName": first.display_name.as_deref().unwrap_or("Policy"),
        "createdDateTime": crate::mailbox::seconds(first.created.unwrap_or(first.since)),
        "modifiedDateTime": null,
        "state": state,
        "conditions": {
            "clientAppTypes": ["all"],
            "users": {
                "includeUsers": users, "excludeUsers": [], "includeGroups": [],
                "excludeGroups": [], "includeRoles": [], "excludeRoles": [],
            },
            "applications": {
                "includeApplications": apps, "excludeApplications": [],
                "includeUserActions": [],
            },
            "signInRiskLevels": [],
            "userRiskLevels": [],
            "platforms": null,
            "locations": null,
            "devices": null,
        },
        "grantControls": grant,
        "sessionControls": if session.is_empty() { Value::Null } else { Value::Object(session) },
    });
    Some(collection::members(value))
}

fn frequency(every: SignedDuration, of: &str) -> Map<String, Value> {
    let hours = every.as_hours();
    let (kind, value) = match hours {
        hours if hours > 0 && hours % 24 == 0 => ("days", hours / 24),
        hours => ("hours", hours.max(1)),
    };
    let mut map = Map::new();
    map.insert("isEnabled".to_owned(), json!(true));
    map.insert("authenticationType".to_owned(), json!(of));
    if every.is_zero() {
        map.insert("type".to_owned(), Value::Null);
        map.insert("value".to_owned(), Value::Null);
        map.insert("frequencyInterval".to_owned(), json!("everyTime"));
    } else {
        map.insert("type".to_owned(), json!(kind));
        map.insert("value".to_owned(), json!(value));
        map.insert("frequencyInterval".to_owned(), json!("timeBased"));
    }
    Map::from_iter([("signInFrequency".to_owned(), Value::Object(map))])
}

/// Unverified: the text.
fn wrong(what: &str) -> GraphError {
    GraphError::bad_request(format!(
        "The conditional access policy is not valid: {what}."
    ))
}

fn unsupported(what: &str) -> GraphError {
    wrong(&format!("{what} is not possible here"))
        .not_in_the_mock(format!("conditional access: {what}"))
}

const TYPE: &str = "conditionalAccessPolicy";
const SET: &str = "identity/conditionalAccess/policies";
