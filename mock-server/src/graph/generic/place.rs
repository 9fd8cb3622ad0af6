//! Where in the state a path leads: steps and keys made an address, and what is on the way looked
//! for.

use serde_json::{Value, json};

use super::membership;
use super::route::{Key, Route, Step, StepKind};
use super::service::Voice;
use crate::directory::ObjectId;
use crate::graph::call::{Call, Payload};
use crate::graph::collection::members;
use crate::graph::dispatch;
use crate::graph::endpoint::{self, Found};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;
use crate::model::{Root, Type};
use crate::store::{self, Document};

/// The place of a path's last step.
pub(super) struct Place<'r> {
    /// The last step.
    pub(super) step: &'r Step,
    /// The type of the document, or of the elements.
    pub(super) of: Type,
    /// The collection, singleton or navigation.
    pub(super) collection: String,
    /// The id of the element; empty for a singleton.
    pub(super) id: String,
    /// The name of the set in contexts.
    pub(super) set: String,
}

impl Place<'_> {
    /// Checks that the element is there; a collection always is.
    pub(super) fn exists(&self, call: &Call<'_>, voice: &Voice) -> Result<(), GraphError> {
        if self.id.is_empty() || fetch(call, &self.address()).is_some() {
            Ok(())
        } else {
            Err(voice.not_found(&self.id))
        }
    }

    /// The address of the element.
    pub(super) fn address(&self) -> String {
        store::address(&self.collection, &self.id)
    }
}

/// Finds the place of a route's last step before its operation, and checks what is on the way.
pub(super) fn find<'r>(
    call: &Call<'_>,
    route: &'r Route,
    voice: &Voice,
) -> Result<Place<'r>, GraphError> {
    let end = route.operation().map_or(route.steps.len(), |(at, _)| at);
    owner(call, route, end, voice)
}

/// Finds the place of the step before an end, and checks what is on the way.
pub(super) fn owner<'r>(
    call: &Call<'_>,
    route: &'r Route,
    end: usize,
    voice: &Voice,
) -> Result<Place<'r>, GraphError> {
    let unknown = || GraphError::unknown_segment("");
    let (last, before) = route
        .steps
        .get(..end)
        .and_then(<[Step]>::split_last)
        .ok_or_else(unknown)?;
    let mut address = String::new();
    let mut set = String::new();
    for step in before {
        let place = place_of(call, step, &address, &set, voice)?;
        address = arrive(call, &place, voice)?;
        set = place.entity_set();
    }
    place_of(call, last, &address, &set, voice)
}

impl Place<'_> {
    /// The element as contexts name it: `groups('…')`.
    fn entity_set(&self) -> String {
        if self.id.is_empty() {
            self.set.clone()
        } else {
            format!("{}('{}')", self.set, self.id)
        }
    }
}

fn place_of<'r>(
    call: &Call<'_>,
    step: &'r Step,
    address: &str,
    set: &str,
    voice: &Voice,
) -> Result<Place<'r>, GraphError> {
    let of = step
        .actual()
        .ok_or_else(|| GraphError::unknown_segment(step.name))?;
    let below = |parent: &str| {
        if parent.is_empty() {
            step.name.to_owned()
        } else {
            format!("{parent}/{}", step.name)
        }
    };
    let mut place = Place {
        step,
        of,
        collection: below(address),
        id: String::new(),
        set: below(set),
    };
    if step.is_link() && of.name() == "directoryObject" {
        // Source: pnp/pnpcore, MockData of groups.
        "directoryObjects".clone_into(&mut place.set);
    }
    if let StepKind::Root(root) = step.kind
        && root.name() == "me"
    {
        let caller = call.actor.user().ok_or_else(GraphError::me_needs_a_user)?;
        "users".clone_into(&mut place.collection);
        "users".clone_into(&mut place.set);
        place.id = caller.to_string();
        return Ok(place);
    }
    match &step.key {
        None => {}
        Some(Key::Id(id)) if place.collection == "users" => {
            place.id = user(call, id)
                .ok_or_else(|| voice.not_found(id))?
                .to_string();
        }
        Some(Key::Id(id)) => id.clone_into(&mut place.id),
        Some(Key::Alternate(name, value)) => {
            let found = alternate(call, &place.collection, name, value);
            place.id = found.ok_or_else(|| voice.not_found(value))?;
        }
    }
    Ok(place)
}

fn user(call: &Call<'_>, name: &str) -> Option<ObjectId> {
    call.tenant
        .read(|it| it.user_by_id_or_name(name).map(|user| user.id))
}

/// The id of the element that has a value in another member.
fn alternate(call: &Call<'_>, collection: &str, name: &str, value: &str) -> Option<String> {
    if collection == "users" {
        return user(call, value).map(|it| it.to_string());
    }
    let stored = call.tenant.read_documents(|documents| {
        documents
            .list(collection)
            .find(|it| it.properties.get(name).and_then(Value::as_str) == Some(value))
            .map(|it| it.id.clone())
    });
    if stored.is_some() {
        return stored;
    }
    let document = modelled(call, &format!("{collection}/{name}={value}"))?;
    document
        .get("id")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// The address of an element on the way, once it is certain that it exists.
fn arrive(call: &Call<'_>, place: &Place<'_>, voice: &Voice) -> Result<String, GraphError> {
    if place.step.is_open_collection() {
        // A cast alone can follow.
        return Ok(place.collection.clone());
    }
    if !place.of.is_entity() {
        return Ok(place.address());
    }
    if place.step.is_link() {
        let target = target(call, place).ok_or_else(|| voice.not_found(&place.id))?;
        return Ok(target);
    }
    if place.id.is_empty() {
        return Ok(place.address());
    }
    if fetch(call, &place.address()).is_none() {
        return Err(voice.not_found_in(&place.collection, &place.id));
    }
    Ok(place.address())
}

/// The address to which a link leads: the one link of a navigation, or the one with a key.
pub(super) fn target(call: &Call<'_>, place: &Place<'_>) -> Option<String> {
    let mut targets = targets(call, place).into_iter();
    if place.id.is_empty() {
        return targets.next();
    }
    targets.find(|it| it.rsplit('/').next() == Some(&place.id))
}

/// The addresses to which the navigation of a place leads.
pub(super) fn targets(call: &Call<'_>, place: &Place<'_>) -> Vec<String> {
    let (of, navigation) = place.collection.rsplit_once('/').unwrap_or_default();
    // The directory is asked before the documents: see `crate::lock`.
    let mut found = membership::of_the_directory(call, of, navigation);
    let linked = call.tenant.read_documents(|documents| {
        membership::derived(documents, of, navigation)
            .unwrap_or_else(|| documents.links(&place.collection).to_vec())
    });
    for address in linked {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// The document at an address: a stored one, or one of the directory or a mailbox.
pub(super) fn fetch(call: &Call<'_>, address: &str) -> Option<Properties> {
    let (collection, id) = address.rsplit_once('/')?;
    if collection == "directoryObjects" {
        return DIRECTORY_SETS
            .iter()
            .find_map(|set| fetch(call, &format!("{set}/{id}")));
    }
    let stored = call
        .tenant
        .read_documents(|documents| documents.get(collection, id).map(drawn));
    stored.or_else(|| modelled(call, address))
}

/// The canonical address of an object of the directory.
pub(super) fn directory_address(call: &Call<'_>, id: &str) -> Option<String> {
    DIRECTORY_SETS
        .iter()
        .map(|set| format!("{set}/{id}"))
        .find(|address| fetch(call, address).is_some())
}

/// The document as it was written, with what the service adds.
pub(super) fn drawn(document: &Document) -> Properties {
    let mut found = Properties::new();
    if !document.id.is_empty() {
        found.insert("id".to_owned(), json!(document.id));
    }
    found.extend(document.properties.clone());
    found
}

/// Whether an endpoint of the mock's own serves an address.
pub(super) fn is_modelled(call: &Call<'_>, address: &str) -> bool {
    let segments: Vec<String> = address.split('/').map(str::to_owned).collect();
    let get = axum::http::Method::GET;
    let found = endpoint::find(&get, &segments, call.cloud(), call.version);
    matches!(found, Found::Endpoint(..))
}

/// What the mock's own endpoint for an address answers.
fn modelled(call: &Call<'_>, address: &str) -> Option<Properties> {
    let segments: Vec<String> = address.split('/').map(str::to_owned).collect();
    let found = endpoint::find(
        &axum::http::Method::GET,
        &segments,
        call.cloud(),
        call.version,
    );
    let Found::Endpoint(endpoint, parameters) = found else {
        return None;
    };
    let reply = dispatch::handle(&call.elsewhere(endpoint, parameters)).ok()?;
    match reply.payload {
        Payload::Json(document) => Some(members(document)),
        Payload::Written(text) => serde_json::from_str(&text).ok().map(members),
        Payload::Empty | Payload::Raw { .. } => None,
    }
}

/// Sets whose elements are objects of the directory.
const DIRECTORY_SETS: [&str; 8] = [
    "users",
    "groups",
    "servicePrincipals",
    "applications",
    "devices",
    "directoryRoles",
    "directory/administrativeUnits",
    "contacts",
];

/// The name of the type of a directory object at an address.
pub(super) fn type_at(address: &str) -> Option<Type> {
    let (collection, _) = address.rsplit_once('/')?;
    match collection {
        "directory/administrativeUnits" => Type::find("administrativeUnit"),
        root => Root::all().find(|it| it.name() == root).and_then(Root::of),
    }
}
