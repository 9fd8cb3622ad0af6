//! Writing: create, change, replace and delete documents, add and remove links.

use axum::http::{StatusCode, header};
use serde_json::json;

mod body;
mod links;

pub(super) use links::{add_link, create_linked, remove_link, update_linked};

use self::body::{Written, stamp, written};
use super::behaviour::{self, New};
use super::place::{self, Place};
use super::read;
use super::route::Key;
use super::service::Voice;
use crate::graph::call::{Call, Reply};
use crate::graph::endpoint::{self, Found};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;
use crate::model::{Member, Type};
use crate::store::Document;

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
    let (elsewhere, accepted) = completed(call, of, place, &mut id, &mut body)?;
    if !elsewhere {
        store(call, place, &id, body)?;
    }
    if let Some(operation) = accepted {
        let mut reply = Reply::empty(StatusCode::ACCEPTED);
        let made = format!("/{}('{id}')", place.set);
        reply.headers.push((header::CONTENT_LOCATION, made));
        reply.headers.push((header::LOCATION, operation));
        return Ok((reply, id));
    }
    let created = Place {
        step: place.step,
        of: place.of,
        collection: place.collection.clone(),
        id,
        set: place.set.clone(),
        view: place.view.clone(),
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

/// Lets the type's behaviour check and complete a new document; says whether it is kept elsewhere,
/// and which operation goes on.
fn completed(
    call: &Call<'_>,
    of: Type,
    place: &Place<'_>,
    id: &mut String,
    body: &mut Written,
) -> Result<(bool, Option<String>), GraphError> {
    let Some(create) = behaviour::find(of).and_then(|it| it.create) else {
        return Ok((false, None));
    };
    let mut new = New {
        of,
        collection: place.collection.clone(),
        id: std::mem::take(id),
        properties: std::mem::take(&mut body.properties),
        links: std::mem::take(&mut body.links),
        elsewhere: false,
        accepted: None,
    };
    create(call, &mut new)?;
    *id = new.id;
    body.properties = new.properties;
    body.links = new.links;
    Ok((new.elsewhere, new.accepted))
}

/// Changes the members that the body names; `replace` takes the others away, and creates what is
/// not there.
pub(super) fn update(
    call: &Call<'_>,
    place: &Place<'_>,
    replace: bool,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let before = place::stored(call, place);
    let singleton = place.id.is_empty();
    let made_by = match &place.step.key {
        Some(Key::Alternate(name, value)) if before.is_none() && place.may_be_made(call) => {
            Some((*name, value))
        }
        _ => None,
    };
    if before.is_none()
        && !singleton
        && made_by.is_none()
        && (!replace || place::fetch(call, &place.address()).is_some())
    {
        return by_endpoint(call, &place.address())
            .unwrap_or_else(|| Err(missing(call, place, voice)));
    }
    check_state(call, place, before.as_ref())?;
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
    if let Some((name, value)) = made_by {
        body.properties.insert(name.to_owned(), json!(value));
    }
    stamp(call, of, &mut body.properties, created);
    if created && !singleton {
        let mut id = place.id.clone();
        completed(call, of, place, &mut id, &mut body)?;
    } else if let Some(change) = behaviour::find(of).and_then(|it| it.change) {
        change(call, &place.subject(), &mut body.properties)?;
    }
    if !created {
        body.links = links::bound(call, place, of, body.links)?;
    }
    store(call, place, &place.id, body)?;
    // Source: learn.microsoft.com/graph/api/plannertask-update.
    let silent = behaviour::find(of).is_some_and(|it| it.state.is_some());
    if (voice.is_directory() || silent && !call.prefer.representation) && (!created || singleton) {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let found = read::entity(call, place).ok_or_else(|| voice.not_found(&place.id))?;
    let mut reply = call.entity(&place.set, of.name(), found)?;
    if created && !singleton {
        reply.status = StatusCode::CREATED;
    }
    Ok(reply)
}

/// Checks the state that a change names, where it has to.
///
/// Sources of the texts: issues of pnp/cli-microsoft365; learn.microsoft.com/graph/api/resources/planner-overview,
/// "Planner resource versioning".
fn check_state(
    call: &Call<'_>,
    place: &Place<'_>,
    before: Option<&Document>,
) -> Result<(), GraphError> {
    let sequence = before.map_or(0, |it| it.sequence);
    let Some(state) = read::state_of(place.of, sequence) else {
        return Ok(());
    };
    let refuse = |status, text: &str| Err(GraphError::new(status, "", text));
    let named = call.header("if-match").trim();
    let is_one = named.starts_with("W/\"") && named.ends_with('"');
    match named {
        "" => refuse(
            StatusCode::PRECONDITION_FAILED,
            "The If-Match header must be specified for this kind of request.",
        ),
        _ if named == state => Ok(()),
        _ if is_one => refuse(
            StatusCode::PRECONDITION_FAILED,
            // Unverified: the text.
            "The resource has been modified by another process; read it, and try again.",
        ),
        _ => refuse(
            StatusCode::BAD_REQUEST,
            "The If-Match header contains an invalid value.",
        ),
    }
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
    let before = place::stored(call, place);
    if before.is_some() {
        check_state(call, place, before.as_ref())?;
    }
    let deleted = before.is_some()
        && call
            .tenant
            .write_documents(|it| it.delete(&place.collection, &place.id));
    if !deleted {
        return by_endpoint(call, &place.address())
            .unwrap_or_else(|| Err(missing(call, place, voice)));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
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
            .map_err(GraphError::from)
    })
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
        documents.put(&place.collection, id, body.properties, call.now)?;
        for (navigation, target) in &body.links {
            let many = body.of.member(navigation, call.cloud());
            let navigation = format!("{address}/{navigation}");
            if many.is_none_or(Member::is_collection) {
                documents.link(&navigation, target);
            } else {
                documents.set_link(&navigation, Some(target));
            }
        }
        for (collection, id, properties) in below {
            documents.put(&collection, &id, properties, call.now)?;
        }
        Ok(())
    })
}

/// Lets an endpoint of the mock's own write what it keeps.
fn by_endpoint(call: &Call<'_>, address: &str) -> Option<Result<Reply, GraphError>> {
    let segments: Vec<String> = address.split('/').map(str::to_owned).collect();
    let method = &call.endpoint.method;
    let found = endpoint::find(method, &segments, call.cloud(), call.version);
    let Found::Endpoint(endpoint, parameters) = found else {
        return None;
    };
    Some(behaviour::endpoint(&call.elsewhere(endpoint, parameters)))
}

/// Nothing is stored at a place: there is nothing, or it is kept where only other endpoints write.
pub(super) fn missing(call: &Call<'_>, place: &Place<'_>, voice: &Voice) -> GraphError {
    if place::fetch(call, &place.address()).is_some() {
        super::not_in_the_mock(&format!("{} {}", call.endpoint.method, place.set))
    } else {
        voice.not_found(&place.id)
    }
}
