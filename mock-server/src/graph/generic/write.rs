//! Writing: create, change, replace and delete documents, add and remove links.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::group;
use super::place::{self, Place};
use super::read;
use super::service::Voice;
use crate::graph::access::Actor;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::schema;
use crate::mailbox::{Properties, seconds};
use crate::model::{MemberKind, Type};
use crate::store::Full;

/// Creates an element of a collection.
pub(super) fn create(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    if place::is_modelled(call, &place.collection) {
        // Its elements are kept where only other endpoints write.
        return Err(super::not_in_the_mock(&format!("POST {}", place.set)));
    }
    let mut body = written(call, place, voice, None)?;
    let of = body.of;
    if of.is_abstract() {
        // Unverified: the text.
        return Err(GraphError::bad_request(format!(
            "Cannot create an abstract class: '@odata.type' must name a type derived from \
             'microsoft.graph.{}'.",
            of.name()
        )));
    }
    let id = call.world.random.uuid().to_string();
    stamp(call, of, &mut body.properties, true);
    if of.name() == "group" {
        group::stamp(call, &id, &mut body.properties);
    }
    store(call, place, &id, body)?;
    let created = Place {
        step: place.step,
        of: place.of,
        collection: place.collection.clone(),
        id,
        set: place.set.clone(),
    };
    let found = read::entity(call, &created).ok_or_else(|| voice.not_found(&created.id))?;
    let mut reply = call.entity(&place.set, of.name(), found)?;
    if !voice.is_directory() {
        reply.headers.retain(|(name, _)| *name != header::LOCATION);
        let location = format!(
            "{}/{}/{}('{}')",
            voice.origin(call.environment, call.origin),
            call.version,
            place.set,
            created.id
        );
        reply.headers.push((header::LOCATION, location));
    }
    Ok(reply)
}

/// Changes the members that the body names; `replace` takes the others away, and creates what is
/// not there.
pub(super) fn update(
    call: &Call<'_>,
    place: &Place<'_>,
    replace: bool,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let before = call
        .tenant
        .read_documents(|it| it.get(&place.collection, &place.id).cloned());
    let singleton = place.id.is_empty();
    if before.is_none() && !replace && !singleton {
        return Err(missing(call, place, voice));
    }
    if before.is_none() && !singleton && place::fetch(call, &place.address()).is_some() {
        return Err(missing(call, place, voice));
    }
    let kind = before
        .as_ref()
        .and_then(|it| it.properties.get("@odata.type"))
        .cloned();
    let mut body = written(call, place, voice, kind.as_ref())?;
    let of = body.of;
    let created = before.is_none();
    let mut properties = match before {
        Some(before) if !replace => before.properties,
        _ => Properties::new(),
    };
    properties.extend(body.properties);
    body.properties = properties;
    stamp(call, of, &mut body.properties, created);
    store(call, place, &place.id, body)?;
    if voice.is_directory() && !created {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let found = read::entity(call, place).ok_or_else(|| voice.not_found(&place.id))?;
    let mut reply = call.entity(&place.set, of.name(), found)?;
    if created && !singleton {
        reply.status = StatusCode::CREATED;
    }
    Ok(reply)
}

/// Deletes an element, or takes a link away.
pub(super) fn delete(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let deleted = call
        .tenant
        .write_documents(|it| it.delete(&place.collection, &place.id));
    if !deleted {
        return Err(missing(call, place, voice));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Adds a link, or sets the one that there is.
pub(super) fn add_link(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let body = call.json()?;
    let link = body
        .get("@odata.id")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            GraphError::bad_request(
                "The request body must contain an '@odata.id' with the address of the object.",
            )
        })?;
    let target = resolved(call, link, voice)?;
    let added = call.tenant.write_documents(|documents| {
        if place.step.is_collection {
            documents.link(&place.collection, &target)
        } else {
            documents.set_link(&place.collection, Some(&target));
            true
        }
    });
    if !added {
        // Source: learn.microsoft.com/graph/api/group-post-members, and issues of clients.
        return Err(GraphError::directory_request(format!(
            "One or more added object references already exist for the following modified \
             properties: '{}'.",
            place.step.name
        )));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Takes a link away.
pub(super) fn remove_link(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let wanted = call.parameter("$id").or_else(|| call.parameter("@id"));
    let target = match wanted {
        Some(link) => Some(resolved(call, link, voice)?),
        None => place::target(call, place),
    };
    let removed = target.is_some_and(|target| {
        call.tenant
            .write_documents(|it| it.unlink(&place.collection, &target))
    });
    if !removed {
        return Err(voice.not_found(&place.id));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Puts a document with its links and what it brings along.
fn store(call: &Call<'_>, place: &Place<'_>, id: &str, body: Written) -> Result<(), GraphError> {
    let address = crate::store::address(&place.collection, id);
    let below: Vec<(String, String, Properties)> = body
        .below
        .into_iter()
        .map(|(navigation, properties)| {
            let id = call.world.random.uuid().to_string();
            (format!("{address}/{navigation}"), id, properties)
        })
        .collect();
    call.tenant.write_documents(|documents| {
        documents
            .put(&place.collection, id, body.properties, call.now)
            .map_err(full)?;
        for (navigation, target) in &body.links {
            documents.link(&format!("{address}/{navigation}"), target);
        }
        for (collection, id, properties) in below {
            documents
                .put(&collection, &id, properties, call.now)
                .map_err(full)?;
        }
        Ok(())
    })
}

struct Written {
    of: Type,
    properties: Properties,
    /// The navigations that the body binds, with their targets.
    links: Vec<(String, String)>,
    /// The elements of contained navigations that the body brings along.
    below: Vec<(String, Properties)>,
}

/// The body, checked against the type that it names.
fn written(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
    kind: Option<&Value>,
) -> Result<Written, GraphError> {
    let body = call.json()?;
    let named = body.get("@odata.type").or(kind).and_then(Value::as_str);
    let of = match named {
        None => place.of,
        Some(name) => Type::find(name)
            .filter(|it| it.exists_in(call.cloud()) && it.is_a(place.of))
            .ok_or_else(|| unknown_type(name, place.of))?,
    };
    let mut links = Vec::new();
    let mut plain = Properties::new();
    for (name, value) in body {
        if let Some(navigation) = name.strip_suffix("@odata.bind") {
            let member = of
                .member(navigation, call.cloud())
                .filter(|it| it.kind() != MemberKind::Property)
                .ok_or_else(|| GraphError::unknown_member(navigation, of.name()))?;
            for link in texts(&value) {
                links.push((member.name().to_owned(), resolved(call, link, voice)?));
            }
            continue;
        }
        let member = of.member(&name, call.cloud());
        if let Some(member) = member.filter(|it| it.is_computed())
            && voice.is_directory()
        {
            // Unverified: the text.
            return Err(GraphError::directory_request(format!(
                "Property '{}' is read-only and cannot be set.",
                member.name()
            )));
        }
        if member.is_some_and(|it| it.is_computed() || it.name() == "id") {
            continue;
        }
        plain.insert(name, value);
    }
    let below = contained(call, of, &mut plain)?;
    let mut properties = schema::object(call.cloud(), call.endpoint.workload, of.name(), plain)?;
    if of != place.of {
        let name = format!("#microsoft.graph.{}", of.name());
        properties.insert("@odata.type".to_owned(), json!(name));
    }
    Ok(Written {
        of,
        properties,
        links,
        below,
    })
}

/// Takes the elements of contained collections out of a body, each checked against its type.
fn contained(
    call: &Call<'_>,
    of: Type,
    body: &mut Properties,
) -> Result<Vec<(String, Properties)>, GraphError> {
    let names: Vec<String> = body
        .keys()
        .filter(|name| {
            let member = of.member(name, call.cloud());
            member.is_some_and(|it| it.kind() == MemberKind::Contained && it.is_collection())
        })
        .cloned()
        .collect();
    let mut found = Vec::new();
    for name in names {
        let (Some(member), Some(Value::Array(elements))) =
            (of.member(&name, call.cloud()), body.shift_remove(&name))
        else {
            return Err(GraphError::unexpected_node("PrimitiveValue", "StartArray"));
        };
        for element in elements {
            let Value::Object(element) = element else {
                return Err(GraphError::unexpected_node("PrimitiveValue", "StartObject"));
            };
            let kind = element.get("@odata.type").and_then(Value::as_str);
            let inner = match (kind.map(Type::find), member.of()) {
                (None, Some(declared)) => declared,
                (Some(Some(named)), Some(declared)) if named.is_a(declared) => named,
                _ => return Err(GraphError::unknown_type(kind.unwrap_or_default())),
            };
            let bound = bound_ids(inner, call, &element);
            let workload = call.endpoint.workload;
            let plain = schema::object(call.cloud(), workload, inner.name(), element)?;
            let mut properties = Properties::new();
            let name = format!("#microsoft.graph.{}", inner.name());
            properties.insert("@odata.type".to_owned(), json!(name));
            properties.extend(plain);
            properties.extend(bound);
            found.push((member.name().to_owned(), properties));
        }
    }
    Ok(found)
}

/// What an element binds is kept as the id beside it, where its type has one: `userId`.
fn bound_ids(of: Type, call: &Call<'_>, element: &Properties) -> Properties {
    let mut found = Properties::new();
    for (name, value) in element {
        let member = name
            .strip_suffix("@odata.bind")
            .and_then(|navigation| of.member(&format!("{navigation}Id"), call.cloud()));
        if let (Some(member), Some(link)) = (member, value.as_str()) {
            let id = link.trim_end_matches("')").rsplit(['/', '\'']).next();
            found.insert(member.name().to_owned(), json!(id));
        }
    }
    found
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn unknown_type(name: &str, of: Type) -> GraphError {
    // Unverified: the text is the OData library's.
    GraphError::bad_request(format!(
        "A type named '{name}' could not be resolved by the model, or it is not derived from \
         'microsoft.graph.{}'.",
        of.name()
    ))
}

/// The address that a link names: its path behind the version.
fn resolved(call: &Call<'_>, link: &str, voice: &Voice) -> Result<String, GraphError> {
    let path = link
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or(link, |(_, path)| path);
    let path = path.trim_start_matches('/');
    let path = ["v1.0/", "beta/"]
        .iter()
        .find_map(|version| path.strip_prefix(version))
        .unwrap_or(path);
    let address = path.replace("('", "/").replace("')", "");
    let address = address.trim_end_matches('/');
    let id = address.rsplit('/').next().unwrap_or_default();
    let found = match address.split_once('/') {
        Some(("directoryObjects" | "users" | "groups" | "servicePrincipals" | "devices", id))
            if !id.contains('/') =>
        {
            place::directory_address(call, id)
        }
        _ => place::fetch(call, address).map(|_| address.to_owned()),
    };
    found.ok_or_else(|| voice.not_found(id))
}

/// What the service writes itself.
fn stamp(call: &Call<'_>, of: Type, properties: &mut Properties, created: bool) {
    let has = |name: &str| of.member(name, call.cloud()).is_some();
    let now = json!(seconds(call.now));
    let mut names = vec![("lastModifiedDateTime", "lastModifiedBy")];
    if created {
        names.insert(0, ("createdDateTime", "createdBy"));
    }
    for (time, by) in names {
        if has(time) {
            properties.insert(time.to_owned(), now.clone());
        }
        let identities = of
            .member(by, call.cloud())
            .is_some_and(|it| it.type_name() == "identitySet");
        if identities {
            properties.insert(by.to_owned(), identity(call));
        }
    }
}

/// The person and the app of a call.
fn identity(call: &Call<'_>) -> Value {
    let app = call
        .world
        .application(call.cloud(), call.client)
        .map_or(Value::Null, |(_, it)| json!(it.display_name));
    let application = json!({"id": call.client.to_string(), "displayName": app});
    let user = match &call.actor {
        Actor::Application(_) => Value::Null,
        Actor::User(user, _) => {
            let name = call
                .tenant
                .read(|it| it.user(*user).map(|it| it.display_name.clone()));
            json!({"id": user.to_string(), "displayName": name})
        }
    };
    json!({"application": application, "device": null, "user": user})
}

/// Nothing is stored at a place: there is nothing, or it is kept where only other endpoints write.
fn missing(call: &Call<'_>, place: &Place<'_>, voice: &Voice) -> GraphError {
    if place::fetch(call, &place.address()).is_some() {
        super::not_in_the_mock(&format!("{} {}", call.endpoint.method, place.set))
    } else {
        voice.not_found(&place.id)
    }
}

fn full(error: Full) -> GraphError {
    GraphError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "quotaLimitReached",
        error.to_string(),
    )
    .not_in_the_mock("more documents in a tenant")
}
