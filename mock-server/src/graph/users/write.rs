//! Writing users: create, update, delete, licences.
//!
//! Sources: learn.microsoft.com/graph/api/user-post-users, /user-update, /user-delete,
//! /user-assignlicense; who may do what to whom: learn.microsoft.com/graph/api/resources/users,
//! "Who can perform sensitive actions".

use std::sync::LazyLock;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::super::access::Actor;
use super::super::call::{Call, Reply};
use super::super::error::GraphError;
use super::super::{extension_values, schema};
use super::document;
use super::passwords::{self, NewPassword};
use crate::directory::{
    Directory, DirectoryRole, Event, ObjectId, Risk, User, UserKind, UserPrincipalName,
};
use crate::mailbox::Properties;

/// `POST /users`.
pub(in crate::graph) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut body = call.json()?;
    let extensions = extension_values::take(call, "user", &mut body)?;
    let mut body = schema::object(call.cloud(), call.endpoint.workload, "user", body)?;
    let required = |name: &str| GraphError::value_required(name, "User");
    for name in ["accountEnabled", "displayName", "mailNickname"] {
        if body.get(name).is_none_or(Value::is_null) || body[name] == "" {
            return Err(required(name));
        }
    }
    let upn = body
        .shift_remove("userPrincipalName")
        .and_then(|it| it.as_str().map(str::to_owned))
        .ok_or_else(|| required("userPrincipalName"))?;
    let profile = body
        .shift_remove("passwordProfile")
        .ok_or_else(|| required("passwordProfile"))?;
    let password = NewPassword::read(&profile)?;
    let secret = password.password.ok_or_else(|| required("password"))?;
    let enabled = body.shift_remove("accountEnabled") == Some(Value::Bool(true));
    for name in body.keys() {
        property(name)?;
    }
    let made = call.tenant.write(|directory| {
        check_name(directory, &upn, None)?;
        let name = UserPrincipalName::new(upn.clone());
        let id = ObjectId(call.world.random.uuid());
        let local = name.local_part().to_owned();
        let taken = directory.users.values().any(|user| user.alias == local);
        directory.add_user(User {
            id,
            alias: if taken { id.to_string() } else { local },
            user_principal_name: name,
            display_name: String::new(),
            given_name: String::new(),
            surname: String::new(),
            job_title: None,
            office_location: None,
            manager: None,
            profile: Properties::new(),
            password: secret,
            kind: UserKind::Member,
            enabled,
            roles: std::collections::BTreeSet::new(),
            created: call.now,
            deleted: None,
            password_expired: password.change_at_sign_in,
            locked_until: None,
            risk: Risk::None,
            other_roles: std::collections::BTreeSet::new(),
            second_factor: true,
            device_disabled: None,
            revocations: Vec::new(),
            mailbox: None,
        });
        body.extend(extensions);
        directory.set_profile(id, body);
        let made = directory.users.get(&id).map(|it| document(directory, it));
        Ok::<_, GraphError>(made.unwrap_or_default())
    })?;
    call.entity("users", "user", made)
}

/// `PATCH /me` and `/users/{id}`.
pub(in crate::graph) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?;
    let mut body = call.json()?;
    let extensions = extension_values::take(call, "user", &mut body)?;
    let mut body = schema::object(call.cloud(), call.endpoint.workload, "user", body)?;
    let id = target.user.to_string();
    let mut events = Vec::new();
    call.tenant.read(|directory| {
        let user = directory
            .user(target.user)
            .ok_or_else(|| GraphError::resource_not_found(&target.key))?;
        for name in body.keys() {
            may_write(call, directory, user, property(name)?)?;
        }
        if !extensions.is_empty() {
            // Unverified: that who may write a city may write extensions.
            may_write(call, directory, user, property("city")?)?;
        }
        if let Some(to) = body.shift_remove("userPrincipalName") {
            let to = to
                .as_str()
                .ok_or_else(|| invalid("userPrincipalName"))?
                .to_owned();
            check_name(directory, &to, Some(target.user))?;
            let user = id.clone();
            events.push(Event::RenameUser { user, to });
        }
        if body.get("displayName").is_some_and(Value::is_null) {
            return Err(invalid("displayName"));
        }
        match body.shift_remove("accountEnabled") {
            None => {}
            Some(Value::Bool(enabled)) if enabled == user.enabled => {}
            Some(Value::Bool(true)) => events.push(Event::EnableUser { user: id.clone() }),
            Some(Value::Bool(false)) => events.push(Event::DisableUser { user: id.clone() }),
            Some(_) => return Err(invalid("accountEnabled")),
        }
        if let Some(profile) = body.shift_remove("passwordProfile") {
            events.extend(passwords::events(user.id, NewPassword::read(&profile)?));
        }
        Ok(())
    })?;
    for event in &events {
        call.happen(event)?;
    }
    body.extend(extensions);
    if !body.is_empty() {
        call.tenant.write(|it| it.set_profile(target.user, body));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /users/{id}`: the user can be restored for 30 days.
pub(in crate::graph) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?.user;
    call.tenant
        .read(|directory| outranks(call, directory, target))?;
    call.happen(&Event::DeleteUser {
        user: target.to_string(),
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /users/{id}/assignLicense`.
pub(in crate::graph) fn assign_license(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?;
    let mut action = call.action()?;
    let mut list = |name: &str| match action.take(name) {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(GraphError::directory_request(format!(
            "One or more parameters of the operation 'assignLicense' are missing from the request \
             payload. The missing parameters are: {name}."
        ))),
    };
    let add = list("addLicenses")?;
    let remove = list("removeLicenses")?;
    action.finish("assignLicense")?;
    let known = |sku: Option<&Value>| {
        let sku = sku.and_then(Value::as_str).unwrap_or_default();
        if sku.eq_ignore_ascii_case(MAILBOX_SKU) {
            Ok(())
        } else {
            // Unverified: the text.
            Err(GraphError::directory_request(format!(
                "License {sku} does not correspond to a valid company License."
            )))
        }
    };
    for licence in &add {
        known(licence.get("skuId"))?;
    }
    for sku in &remove {
        known(Some(sku))?;
    }
    if !remove.is_empty() {
        let held = call
            .tenant
            .read(|it| it.user(target.user).is_some_and(User::is_licensed));
        if !held {
            // Unverified: the text.
            return Err(GraphError::directory_request(
                "User does not have a corresponding license.",
            ));
        }
        call.happen(&Event::RemoveLicence {
            user: target.user.to_string(),
        })?;
    }
    if !add.is_empty() {
        call.tenant.write(|it| it.license(target.user));
    }
    call.tenant.read(|directory| {
        let user = directory
            .user(target.user)
            .ok_or_else(|| GraphError::resource_not_found(&target.key))?;
        call.entity("users", "user", document(directory, user))
    })
}

/// A property that can be written.
#[derive(Debug, Deserialize)]
struct Property {
    #[serde(rename = "property")]
    name: String,
    #[serde(rename = "self", deserialize_with = "yes")]
    own: bool,
    /// None where nobody writes it.
    #[serde(deserialize_with = "permissions")]
    permissions: Vec<String>,
    #[serde(deserialize_with = "roles")]
    roles: Vec<DirectoryRole>,
    #[serde(deserialize_with = "yes")]
    sensitive: bool,
}

fn property(name: &str) -> Result<&'static Property, GraphError> {
    match PROPERTIES.iter().find(|it| it.name == name) {
        Some(property) if property.permissions.is_empty() => Err(GraphError::read_only(name)),
        Some(property) => Ok(property),
        None => Err(GraphError::not_written("User", name)),
    }
}

/// Whether the caller may write a property of a user.
fn may_write(
    call: &Call<'_>,
    directory: &Directory,
    user: &User,
    property: &Property,
) -> Result<(), GraphError> {
    let permitted = property.permissions.iter().any(|it| call.actor.holds(it));
    if property.own && call.actor.user() == Some(user.id) {
        return if permitted || OWN.iter().any(|it| call.actor.holds(it)) {
            Ok(())
        } else {
            Err(GraphError::directory_denied())
        };
    }
    let role = match &call.actor {
        Actor::Application(_) => true,
        Actor::User(caller, _) => directory
            .user(*caller)
            .is_some_and(|it| it.has_role(&property.roles)),
    };
    if !permitted || !role {
        return Err(GraphError::directory_denied());
    }
    if property.sensitive {
        outranks(call, directory, user.id)?;
    }
    Ok(())
}

/// Sensitive actions on administrators are a matter of higher administrators. Unverified: that
/// apps without a role of their own can't do them at all.
pub(super) fn outranks(
    call: &Call<'_>,
    directory: &Directory,
    target: ObjectId,
) -> Result<(), GraphError> {
    let ordinary = directory
        .users
        .get(&target)
        .is_none_or(|it| it.roles.is_empty());
    let higher = call.actor.user().is_some_and(|caller| {
        caller == target
            || directory.user(caller).is_some_and(|it| {
                it.has_role(&[DirectoryRole::PrivilegedAuthenticationAdministrator])
            })
    });
    if ordinary || higher {
        Ok(())
    } else {
        Err(GraphError::directory_denied())
    }
}

/// Whether a sign-in name may be given: in a verified domain, and free.
pub(super) fn check_name(
    directory: &Directory,
    upn: &str,
    own: Option<ObjectId>,
) -> Result<(), GraphError> {
    let name = UserPrincipalName::new(upn);
    if name.local_part().is_empty() || !upn.contains('@') {
        return Err(invalid("userPrincipalName"));
    }
    if !directory.has_domain(name.domain()) {
        return Err(GraphError::directory_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of \
             the verified domain names in your organization.",
        ));
    }
    match directory.user_by_name(upn) {
        Some(other) if Some(other.id) != own => Err(GraphError::directory_request(
            "Another object with the same value for property userPrincipalName already exists.",
        )),
        _ => Ok(()),
    }
}

fn invalid(name: &str) -> GraphError {
    GraphError::directory_request(format!(
        "Invalid value specified for property '{name}' of resource 'User'."
    ))
}

fn yes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    String::deserialize(from).map(|text| text == "yes")
}

fn permissions<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(from)?;
    let names = text.split(';').filter(|it| !it.is_empty());
    Ok(names.map(str::to_owned).collect())
}

fn roles<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<DirectoryRole>, D::Error> {
    let text = String::deserialize(from)?;
    text.split(';')
        .filter(|it| !it.is_empty())
        .map(|name| serde_json::from_value(name.into()).map_err(serde::de::Error::custom))
        .collect()
}

/// The permissions with which a person writes the own account as far as anybody may.
const OWN: [&str; 2] = ["User.ReadWrite", "Directory.AccessAsUser.All"];

static PROPERTIES: LazyLock<Vec<Property>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-user-properties.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row| row.expect("data/graph-user-properties.csv fits its types"))
        .collect()
});

/// Exchange Online (plan 2), with which a user has a mailbox.
/// Source: learn.microsoft.com/entra/identity/users/licensing-service-plan-reference.
pub(in crate::graph) const MAILBOX_SKU: &str = "19ec0d23-8335-4cbd-94ac-6050e30712fa";
