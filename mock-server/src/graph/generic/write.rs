//! Writing: create, change, replace and delete documents, add and remove links.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::behaviour::{self, Linking, New, Subject};
use super::place::{self, Place};
use super::read;
use super::service::Voice;
use super::view::View;
use crate::graph::access::Actor;
use crate::graph::call::{Call, Reply};
use crate::graph::dispatch;
use crate::graph::endpoint::{self, Found};
use crate::graph::error::GraphError;
use crate::graph::schema;
use crate::mailbox::{Properties, seconds};
use crate::model::{MemberKind, Root, Type};
use crate::store::Full;

/// Creates an element of a collection.
pub(super) fn create(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    if place::is_modelled(call, &place.collection) {
        // Its elements are kept where only other endpoints write.
        return by_endpoint(call, &place.collection)
            .unwrap_or_else(|| Err(super::not_in_the_mock(&format!("POST {}", place.set))));
    }
    created(call, place, voice).map(|(reply, _)| reply)
}

/// Creates an element; its id, too.
fn created(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<(Reply, String), GraphError> {
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
    let mut id = place::new_id(call, of);
    stamp(call, of, &mut body.properties, true);
    if let Some(view) = &place.view {
        view.write(&mut body.properties);
    }
    let elsewhere = completed(call, of, place, &mut id, &mut body)?;
    if !elsewhere {
        store(call, place, &id, body)?;
    }
    let created = Place {
        step: place.step,
        of: place.of,
        collection: place.collection.clone(),
        id,
        set: place.set.clone(),
        view: place.view.clone(),
        unborn: Vec::new(),
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
    Ok((reply, created.id))
}

/// Lets the type's behaviour check and complete a new document; says whether it is kept elsewhere.
fn completed(
    call: &Call<'_>,
    of: Type,
    place: &Place<'_>,
    id: &mut String,
    body: &mut Written,
) -> Result<bool, GraphError> {
    let Some(create) = behaviour::find(of).and_then(|it| it.create) else {
        return Ok(false);
    };
    let mut new = New {
        collection: place.collection.clone(),
        id: std::mem::take(id),
        properties: std::mem::take(&mut body.properties),
        links: std::mem::take(&mut body.links),
        elsewhere: false,
    };
    create(call, &mut new)?;
    *id = new.id;
    body.properties = new.properties;
    body.links = new.links;
    Ok(new.elsewhere)
}

/// Changes the members that the body names; `replace` takes the others away, and creates what is
/// not there.
pub(super) fn update(
    call: &Call<'_>,
    place: &Place<'_>,
    replace: bool,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    if !place.unborn.is_empty() && replace {
        let mut made = place.clone();
        files(call, &mut made, voice)?;
        let mut reply = update(call, &made, false, voice)?;
        reply.status = StatusCode::CREATED;
        return Ok(reply);
    }
    let before = place::stored(call, place);
    let singleton = place.id.is_empty();
    if before.is_none()
        && !singleton
        && (!replace || place::fetch(call, &place.address()).is_some())
    {
        return by_endpoint(call, &place.address())
            .unwrap_or_else(|| Err(missing(call, place, voice)));
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
    if created && !singleton {
        let mut id = place.id.clone();
        completed(call, of, place, &mut id, &mut body)?;
    } else if let Some(change) = behaviour::find(of).and_then(|it| it.change) {
        change(call, &place.subject(), &mut body.properties)?;
    }
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
    if let Some(delete) = behaviour::find(place.of).and_then(|it| it.delete)
        && delete(call, &place.subject())?
    {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let shown = place::stored(call, place).is_some();
    let deleted = shown
        && call
            .tenant
            .write_documents(|it| it.delete(&place.collection, &place.id));
    if !deleted {
        return by_endpoint(call, &place.address())
            .unwrap_or_else(|| Err(missing(call, place, voice)));
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
    if linked(call, place, &target, true)? {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let added = call.tenant.write_documents(|documents| {
        if place.step.is_collection {
            documents.link(&place.collection, &target)
        } else {
            documents.set_link(&place.collection, Some(&target));
            true
        }
    });
    if !added {
        return Err(GraphError::already_linked(place.step.name));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Lets the behaviour of a link's owner decide; says whether it did all.
fn linked(
    call: &Call<'_>,
    place: &Place<'_>,
    target: &str,
    adds: bool,
) -> Result<bool, GraphError> {
    let (owner, navigation) = place.collection.rsplit_once('/').unwrap_or_default();
    let (collection, id) = owner.rsplit_once('/').unwrap_or((owner, ""));
    let of = place::type_at(owner);
    let Some(link) = of.and_then(|of| behaviour::find(of)?.link) else {
        return Ok(false);
    };
    let subject = Subject { collection, id };
    let linking = Linking {
        navigation,
        target,
        adds,
    };
    link(call, &subject, &linking)
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
    if let Some(target) = &target
        && linked(call, place, target, false)?
    {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let removed = target.is_some_and(|target| {
        call.tenant
            .write_documents(|it| it.unlink(&place.collection, &target))
    });
    if !removed {
        return Err(voice.not_found(&place.id));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Creates an object in the set to which a navigation leads, and links it.
pub(super) fn create_linked(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let set = Root::all().find(|it| it.is_set() && it.of() == place.step.of);
    let Some(set) = set.filter(|_| !place::is_modelled(call, set.map_or("", Root::name))) else {
        return Err(super::not_in_the_mock(&format!("POST {}", place.set)));
    };
    let at = Place {
        step: place.step,
        of: place.of,
        collection: set.name().to_owned(),
        id: String::new(),
        set: set.name().to_owned(),
        view: None,
        unborn: Vec::new(),
    };
    let (reply, id) = created(call, &at, voice)?;
    let target = crate::store::address(&at.collection, &id);
    call.tenant
        .write_documents(|it| it.link(&place.collection, &target));
    Ok(reply)
}

/// Changes what a link leads to.
pub(super) fn update_linked(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let target = place::target(call, place).ok_or_else(|| voice.not_found(&place.id))?;
    let (collection, id) = target.rsplit_once('/').unwrap_or_default();
    let at = Place {
        step: place.step,
        of: place::type_at(&target).unwrap_or(place.of),
        collection: collection.to_owned(),
        id: id.to_owned(),
        set: collection.to_owned(),
        view: None,
        unborn: Vec::new(),
    };
    update(call, &at, false, voice)
}

/// Replaces the members of a document.
pub(super) fn replace(
    call: &Call<'_>,
    place: &Place<'_>,
    properties: Properties,
) -> Result<(), GraphError> {
    call.tenant.write_documents(|documents| {
        documents
            .put(&place.collection, &place.id, properties, call.now)
            .map(|_| ())
            .map_err(full)
    })
}

/// Makes the folders of a path in a drive that are not there, and the file at its end; the place
/// is then the file's. Source: learn.microsoft.com/graph/api/driveitem-put-content.
pub(super) fn files(
    call: &Call<'_>,
    place: &mut Place<'_>,
    voice: &Voice,
) -> Result<(), GraphError> {
    let parts = std::mem::take(&mut place.unborn);
    for (at, name) in parts.iter().enumerate() {
        let below = format!("{}/children", place.address());
        let view = View::at(&below).ok_or_else(|| voice.not_found(name))?;
        let mut item = Properties::new();
        item.insert("name".to_owned(), json!(name));
        if at + 1 < parts.len() {
            item.insert("folder".to_owned(), json!({"childCount": 0}));
        }
        stamp(call, place.of, &mut item, true);
        view.write(&mut item);
        place.collection.clone_from(&view.collection);
        place.id = place::new_id(call, place.of);
        replace(call, place, item)?;
    }
    Ok(())
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

/// Lets an endpoint of the mock's own write what it keeps.
fn by_endpoint(call: &Call<'_>, address: &str) -> Option<Result<Reply, GraphError>> {
    let segments: Vec<String> = address.split('/').map(str::to_owned).collect();
    let method = &call.endpoint.method;
    let found = endpoint::find(method, &segments, call.cloud(), call.version);
    let Found::Endpoint(endpoint, parameters) = found else {
        return None;
    };
    Some(dispatch::handle(&call.elsewhere(endpoint, parameters)))
}

/// Nothing is stored at a place: there is nothing, or it is kept where only other endpoints write.
pub(super) fn missing(call: &Call<'_>, place: &Place<'_>, voice: &Voice) -> GraphError {
    if place::fetch(call, &place.address()).is_some() {
        super::not_in_the_mock(&format!("{} {}", call.endpoint.method, place.set))
    } else {
        voice.not_found(&place.id)
    }
}

pub(super) fn full(error: Full) -> GraphError {
    GraphError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "quotaLimitReached",
        error.to_string(),
    )
    .not_in_the_mock("more documents in a tenant")
}
