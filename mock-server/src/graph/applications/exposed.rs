//! The API that a registration exposes: its scopes, its roles, and who knows it.
//!
//! Source: learn.microsoft.com/graph/api/resources/apiapplication, /permissionscope, /approle.

use std::collections::{BTreeSet, HashSet};

use axum::http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::super::endpoint::Workload;
use super::super::error::GraphError;
use super::super::schema;
use super::invalid;
use crate::directory::{Application, ApplicationId, ExposedApi, ExposedRole, ExposedScope};
use crate::environment::SignInCloud;
use crate::mailbox::Properties;

/// `api` of a body.
pub(super) fn api(
    cloud: SignInCloud,
    app: &mut Application,
    value: Value,
) -> Result<(), GraphError> {
    let Value::Object(members) = value else {
        return Err(invalid("api"));
    };
    let mut exposed = app.api.clone().unwrap_or_default();
    // What refers to scopes comes after them.
    let (last, first): (Properties, Properties) = members
        .into_iter()
        .partition(|(name, _)| name == "preAuthorizedApplications");
    for (name, value) in first.into_iter().chain(last) {
        match name.as_str() {
            "acceptMappedClaims" if value.is_null() || value == false => {}
            "knownClientApplications" => {
                exposed.known_clients = ids(&value).ok_or_else(|| invalid(&name))?;
            }
            "oauth2PermissionScopes" => scopes(cloud, &mut exposed, value)?,
            "preAuthorizedApplications" => pre_authorized(&mut exposed, &value)?,
            "requestedAccessTokenVersion" => {
                exposed.access_token_version = match value.as_u64() {
                    Some(version @ 1..=2) => u8::try_from(version).ok(),
                    None if value.is_null() => None,
                    _ => return Err(invalid(&name)),
                };
            }
            _ => {
                return Err(GraphError::not_written(
                    "Application",
                    &format!("api/{name}"),
                ));
            }
        }
    }
    app.api = Some(exposed);
    Ok(())
}

/// `appRoles` of a body: all that the app has afterwards.
pub(super) fn roles(
    cloud: SignInCloud,
    app: &mut Application,
    value: Value,
) -> Result<(), GraphError> {
    let mut exposed = app.api.clone().unwrap_or_default();
    let wanted: Vec<ExposedRole> =
        entries(cloud, value, ("appRole", "appRoles"), |id, value, entry| {
            let members = entry.get("allowedMemberTypes").and_then(Value::as_array);
            let known = members.filter(|list| {
                let known = |it: &Value| it == "Application" || it == "User";
                !list.is_empty() && list.iter().all(known)
            });
            known.ok_or_else(|| invalid("allowedMemberTypes"))?;
            let display_name = text(entry, "displayName").ok_or_else(|| invalid("displayName"))?;
            Ok(ExposedRole {
                id,
                value,
                display_name,
                enabled: entry.get("isEnabled") != Some(&Value::Bool(false)),
                details: details(entry),
            })
        })?;
    let old = exposed.roles.iter();
    keeps(
        old.map(|it| (it.id, it.enabled, it.value.as_str())),
        |id, value| wanted.iter().any(|it| it.id == id && it.value == value),
    )?;
    exposed.roles = wanted;
    app.api = Some(exposed);
    Ok(())
}

fn scopes(cloud: SignInCloud, exposed: &mut ExposedApi, value: Value) -> Result<(), GraphError> {
    let name = "oauth2PermissionScopes";
    let wanted: Vec<ExposedScope> = entries(
        cloud,
        value,
        ("permissionScope", name),
        |id, value, entry| {
            let admin_only = match text(entry, "type").as_deref() {
                Some("Admin") => true,
                Some("User") | None => false,
                Some(_) => return Err(invalid("type")),
            };
            Ok(ExposedScope {
                id,
                value,
                display_name: text(entry, "adminConsentDisplayName").unwrap_or_default(),
                admin_only,
                enabled: entry.get("isEnabled") != Some(&Value::Bool(false)),
                details: details(entry),
            })
        },
    )?;
    let old = exposed.scopes.iter();
    keeps(
        old.map(|it| (it.id, it.enabled, it.value.as_str())),
        |id, value| wanted.iter().any(|it| it.id == id && it.value == value),
    )?;
    exposed.scopes = wanted;
    Ok(())
}

/// Clients whose users are not asked: for all scopes of the API or not at all.
fn pre_authorized(exposed: &mut ExposedApi, value: &Value) -> Result<(), GraphError> {
    let wrong = || invalid("preAuthorizedApplications");
    let all: BTreeSet<Uuid> = exposed.scopes.iter().map(|it| it.id).collect();
    let mut clients = BTreeSet::new();
    for entry in value.as_array().ok_or_else(wrong)? {
        let client: Option<ApplicationId> = entry["appId"].as_str().and_then(|it| it.parse().ok());
        let named = entry["delegatedPermissionIds"]
            .as_array()
            .ok_or_else(wrong)?;
        let named: Option<BTreeSet<Uuid>> =
            named.iter().map(|it| it.as_str()?.parse().ok()).collect();
        let named = named.filter(|it| it.is_subset(&all)).ok_or_else(wrong)?;
        if named != all {
            let what = "preAuthorizedApplications for some scopes of an API";
            return Err(wrong().not_in_the_mock(what));
        }
        clients.insert(client.ok_or_else(wrong)?);
    }
    exposed.pre_authorized = clients;
    Ok(())
}

/// The entries of a list, each with an id and a value of its own.
fn entries<T>(
    cloud: SignInCloud,
    list: Value,
    (of, name): (&str, &str),
    read: impl Fn(Uuid, String, &Properties) -> Result<T, GraphError>,
) -> Result<Vec<T>, GraphError> {
    let Value::Array(list) = list else {
        return Err(invalid(name));
    };
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for entry in list {
        let Value::Object(entry) = entry else {
            return Err(invalid(name));
        };
        // Nested types of an application are read here.
        let entry = schema::object(cloud, Workload::Directory, of, entry)?;
        let id: Option<Uuid> = entry.get("id").and_then(|it| it.as_str()?.parse().ok());
        let id = id.ok_or_else(|| invalid("id"))?;
        let value = text(&entry, "value").filter(|it| !it.contains(char::is_whitespace));
        let value = value.ok_or_else(|| invalid("value"))?;
        if !seen.insert(id.to_string()) || !seen.insert(value.to_ascii_lowercase()) {
            // Unverified: the text.
            return Err(GraphError::directory_request(format!(
                "Request contains a property with duplicate values: '{value}' in '{name}'."
            )));
        }
        found.push(read(id, value, &entry)?);
    }
    Ok(found)
}

/// What is enabled stays. Source: manicminer/hamilton, odata/errors.go. Unverified: that its texts may
/// change, as they can on the portal's pages.
fn keeps<'a>(
    mut old: impl Iterator<Item = (Uuid, bool, &'a str)>,
    is_kept: impl Fn(Uuid, &str) -> bool,
) -> Result<(), GraphError> {
    if old.all(|(id, enabled, value)| !enabled || is_kept(id, value)) {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::BAD_REQUEST,
        "CannotDeleteOrUpdateEnabledEntitlement",
        "Permission (scope or role) cannot be deleted or updated unless disabled first.",
    ))
}

/// What is shown again as it was written.
fn details(entry: &Properties) -> Properties {
    let own = ["id", "value", "type", "isEnabled"];
    let others = entry
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    others
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn text(entry: &Properties, name: &str) -> Option<String> {
    let text = entry.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn ids(value: &Value) -> Option<BTreeSet<ApplicationId>> {
    let list = value.as_array()?.iter();
    list.map(|it| it.as_str()?.parse().ok()).collect()
}
