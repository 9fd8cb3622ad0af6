//! Where in the state a path leads: steps and keys made an address, and what is on the way looked
//! for.

use serde_json::{Value, json};

use super::behaviour::{self, Subject};
use super::membership;
use super::route::{Key, Route, Step, StepKind};
use super::service::Voice;
use super::view::View;
use super::{id, site};
use crate::directory::ObjectId;
use crate::graph::call::{Call, Payload};
use crate::graph::collection::members;
use crate::graph::endpoint::{self, Found};
use crate::graph::error::GraphError;
use crate::mailbox::Properties;
use crate::model::{Root, Type};
use crate::store::{self, Document, Documents};

/// The place of a path's last step.
#[derive(Clone)]
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
    /// The part of the collection that the path shows.
    pub(super) view: Option<View>,
}

impl Place<'_> {
    /// Whether the path leads to what lives elsewhere, by a link.
    pub(super) fn is_link(&self) -> bool {
        self.view.is_none() && self.step.is_link()
    }

    /// Whether a change by another key than the id makes what is not there.
    ///
    /// Source: learn.microsoft.com/graph/api/group-upsert. Apps have endpoints of their own.
    pub(super) fn may_be_made(&self, call: &Call<'_>) -> bool {
        self.collection == "groups"
            && call.endpoint.method == axum::http::Method::PATCH
            && call.prefer.create_if_missing
    }

    /// Whether the path shows an element of the collection.
    pub(super) fn shows(&self, documents: &Documents, document: &Document) -> bool {
        let view = self.view.as_ref();
        view.is_none_or(|it| it.shows(documents, document))
    }

    /// The element, as behaviours know it.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject::of(&self.collection, &self.id)
    }

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
    let mut place = place_of(call, last, &address, &set, voice)?;
    let own = place.view.as_ref().map(|it| &it.collection);
    if let Some(own) = own.filter(|it| !it.contains('/')) {
        // What has a set of its own has its context wherever it is shown.
        // Sources: pnp/pnpcore, MockData of chats and drives.
        place.set.clone_from(own);
    }
    Ok(place)
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
        view: None,
    };
    if let StepKind::Operation(_) = step.kind {
        place.collection = below(address) + &arguments(step);
    }
    if let Some(view) = View::at(&place.collection) {
        place.collection.clone_from(&view.collection);
        let named = view.id().map(str::to_owned);
        place.view = Some(view);
        if !step.is_collection {
            place.id = named
                .or_else(|| only(call, &place))
                .ok_or_else(|| voice.not_found(step.name))?;
        }
    }
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
        Some(Key::Id(id))
            if of.name() == "site"
                && let Some(own) = site::of_group(call, &place.collection, id)
                    .or_else(|| site::below(call, &place, id)) =>
        {
            "sites".clone_into(&mut place.collection);
            "sites".clone_into(&mut place.set);
            place.id = own;
        }
        Some(Key::Id(id)) if of.name() == "site" => {
            place.id = site::id(call, &place, id, step.within.is_some())?;
        }
        Some(Key::Id(id)) if place.collection == "directoryObjects" => {
            // What it is of stands elsewhere, with its links.
            let found = directory_address(call, id).ok_or_else(|| voice.not_found(id))?;
            place.of = type_at(&found).unwrap_or(place.of);
            if let Some((set, _)) = found.rsplit_once('/') {
                set.clone_into(&mut place.collection);
            }
            id.clone_into(&mut place.id);
        }
        Some(Key::Id(id)) => {
            let meant = behaviour::find(of).and_then(|it| it.key);
            let meant = meant.and_then(|key| key(call, &place.collection, id));
            place.id = meant.unwrap_or_else(|| id.clone());
        }
        Some(Key::Alternate(name, value)) => {
            let found = alternate(call, &place.collection, name, value);
            let found = found.or_else(|| place.may_be_made(call).then(|| new_id(call, of)));
            place.id = found.ok_or_else(|| voice.not_found(value))?;
        }
    }
    if let Some(within) = step.within.as_ref().filter(|_| of.name() == "site") {
        site::descend(call, &mut place, within)?;
    }
    Ok(place)
}

/// The one element that a view shows.
fn only(call: &Call<'_>, place: &Place<'_>) -> Option<String> {
    call.tenant.read_documents(|documents| {
        documents
            .list(&place.collection)
            .find(|it| place.shows(documents, it))
            .map(|it| it.id.clone())
    })
}

/// The arguments of a function, as part of an address.
fn arguments(step: &Step) -> String {
    let mut all: Vec<String> = step
        .arguments
        .iter()
        .map(|(name, value)| format!("{}={value}", name.to_ascii_lowercase()))
        .collect();
    all.sort();
    format!("({})", all.join(","))
}

/// A new id for an element of a place.
pub(super) fn new_id(call: &Call<'_>, of: Type) -> String {
    id::new(of, &call.world.random)
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
    let root = Root::all().find(|it| it.name() == collection);
    let given = root
        .and_then(Root::of)
        .map_or_else(Vec::new, |of| presets(call, collection, of));
    let called = |it: &Properties| it.get(name).and_then(Value::as_str) == Some(value);
    if let Some((id, _)) = given.into_iter().find(|(_, it)| called(it)) {
        return Some(id);
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
    if place.is_link() {
        let target = target(call, place).ok_or_else(|| voice.not_found(&place.id))?;
        return Ok(target);
    }
    if place.id.is_empty() {
        return Ok(place.address());
    }
    let shown = place.view.is_none() || stored(call, place).is_some();
    if !shown || fetch(call, &place.address()).is_none() {
        return Err(voice.not_found_in(&place.collection, &place.id));
    }
    Ok(place.address())
}

/// The stored document of a place, if the path shows it.
pub(super) fn stored(call: &Call<'_>, place: &Place<'_>) -> Option<Document> {
    call.tenant.read_documents(|documents| {
        let found = documents.get(&place.collection, &place.id)?;
        place.shows(documents, found).then(|| found.clone())
    })
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
    membership::reached(call, of, navigation)
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
    stored
        .or_else(|| preset(call, collection, id))
        .or_else(|| site::of_person(call, address))
        .or_else(|| modelled(call, address))
}

/// What a collection has without anybody having written it.
pub(super) fn presets(call: &Call<'_>, collection: &str, of: Type) -> Vec<(String, Properties)> {
    behaviour::find(of)
        .and_then(|it| it.presets)
        .map_or_else(Vec::new, |presets| presets(call, collection))
}

/// An element that a collection has without anybody having written it.
fn preset(call: &Call<'_>, collection: &str, id: &str) -> Option<Properties> {
    let of = match collection.split_once('/') {
        None => Root::all().find(|it| it.name() == collection)?.of()?,
        Some(_) => element_of(call, collection)?,
    };
    let mut all = presets(call, collection, of).into_iter();
    let (id, properties) = all.find(|(own, _)| own == id)?;
    let mut found = Properties::new();
    found.insert("id".to_owned(), json!(id));
    found.extend(properties);
    Some(found)
}

/// The type of the elements of a collection below a singleton.
fn element_of(call: &Call<'_>, collection: &str) -> Option<Type> {
    let mut names = collection.split('/');
    let root = names.next()?;
    let mut of = Root::all()
        .find(|it| it.name() == root && !it.is_set())?
        .of()?;
    for name in names {
        of = of.member(name, call.cloud())?.of()?;
    }
    Some(of)
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
    let reply = behaviour::endpoint(&call.elsewhere(endpoint, parameters)).ok()?;
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
