//! Reading: lists, elements, links, counts, members, deltas.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::behaviour::{self, Subject};
use super::expansion;
use super::place::{self, Place};
use super::service::Voice;
use crate::graph::call::{Call, Payload, Reply};
use crate::graph::collection::{self, Documents, Listing, Source};
use crate::graph::directory_query;
use crate::graph::error::GraphError;
use crate::graph::odata::query::Expand;
use crate::graph::schema;
use crate::mailbox::Properties;
use crate::model::{Member, MemberKind, Type};
use crate::store::Document;

/// A list of a collection, or of what a navigation leads to.
pub(super) fn list(call: &Call<'_>, place: &Place<'_>, voice: &Voice) -> Result<Reply, GraphError> {
    check_relation(call, place)?;
    let source = Elements {
        call,
        items: addressed(call, place),
        of: place.of,
    };
    let mut reply = collection::list(call, &listing(place), &source)?;
    if voice.is_teams()
        && let Payload::Json(Value::Object(body)) = &mut reply.payload
    {
        // Teams says how many a page has, unasked. Source: pnp/pnpcore, MockData of chats.
        let count = body
            .get("value")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let place = usize::from(body.contains_key("@odata.context"));
        body.shift_insert(place, "@odata.count".to_owned(), json!(count));
    }
    Ok(reply)
}

/// A cast does not change what the directory takes at its relations.
fn check_relation(call: &Call<'_>, place: &Place<'_>) -> Result<(), GraphError> {
    let base = Type::find("directoryObject");
    if place.is_link() && base.is_some_and(|base| place.of.is_a(base)) {
        directory_query::check_relation(call)?;
    }
    Ok(())
}

/// How many elements the filter leaves.
pub(super) fn count(call: &Call<'_>, place: &Place<'_>) -> Result<Reply, GraphError> {
    check_relation(call, place)?;
    let source = Documents(elements(call, place));
    collection::count(call, &listing(place), &source)
}

/// One element, or a singleton.
pub(super) fn get(call: &Call<'_>, place: &Place<'_>, voice: &Voice) -> Result<Reply, GraphError> {
    let found =
        entity(call, place).ok_or_else(|| voice.not_found_in(&place.collection, &place.id))?;
    let address = if place.is_link() {
        place::target(call, place).unwrap_or_default()
    } else {
        place.address()
    };
    let of = place::type_at(&address).unwrap_or(place.of);
    let mut expanded = Vec::new();
    for expand in &call.query.expand {
        let value = expansion::of(call, &address, of, expand)?;
        expanded.extend(value.map(|it| (expand.name.clone(), it)));
    }
    let mut reply = call.entity(&place.set, place.of.name(), found)?;
    if let Payload::Json(Value::Object(body)) = &mut reply.payload {
        body.extend(expanded);
    }
    Ok(reply)
}

/// The elements of a collection with their addresses.
struct Elements<'c> {
    call: &'c Call<'c>,
    items: Vec<(String, Properties)>,
    of: Type,
}

impl Source for Elements<'_> {
    type Item = (String, Properties);

    fn items(&self) -> &[Self::Item] {
        &self.items
    }

    fn render(&self, (_, document): &Self::Item) -> Properties {
        document.clone()
    }

    fn expand(
        &self,
        (address, _): &Self::Item,
        expand: &Expand,
    ) -> Result<Option<Value>, GraphError> {
        let of = place::type_at(address).unwrap_or(self.of);
        expansion::of(self.call, address, of, expand)
    }
}

fn addressed(call: &Call<'_>, place: &Place<'_>) -> Vec<(String, Properties)> {
    let address = |document: &Properties| {
        let id = document.get("id").and_then(Value::as_str).unwrap_or("");
        if place.is_link() {
            place::directory_address(call, id)
        } else {
            Some(crate::store::address(&place.collection, id))
        }
    };
    elements(call, place)
        .into_iter()
        .map(|document| (address(&document).unwrap_or_default(), document))
        .collect()
}

/// The links of a navigation, without what they lead to.
pub(super) fn links(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let address = |target: &str| json!({"@odata.id": format!("{}/{target}", call.root())});
    if !place.step.is_collection {
        let target = place::target(call, place).ok_or_else(|| voice.not_found(place.step.name))?;
        let mut link = Map::new();
        let context = format!("{}/$metadata#$ref", call.root());
        link.insert("@odata.context".to_owned(), json!(context));
        link.extend(collection::members(address(&target)));
        return Ok(Reply::json(StatusCode::OK, Value::Object(link)));
    }
    let targets = place::targets(call, place);
    let value: Vec<Value> = targets.iter().map(|it| address(it)).collect();
    let context = format!("{}/$metadata#Collection($ref)", call.root());
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": value}),
    ))
}

/// One member of a document.
pub(super) fn property(
    call: &Call<'_>,
    owner: &Place<'_>,
    names: &[Member],
    bare: bool,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let document = entity(call, owner).ok_or_else(|| voice.not_found(&owner.id))?;
    let mut value = &Value::Object(document);
    let mut unset = Value::Null;
    for member in names {
        let next = value.get(member.name());
        if next.is_none() && member.is_collection() {
            unset = json!([]);
        }
        value = next.unwrap_or(&Value::Null);
    }
    let value = if value.is_null() { &unset } else { value };
    if bare {
        return Ok(match value {
            Value::Null => Reply::empty(StatusCode::NO_CONTENT),
            Value::String(text) => Reply::raw("text/plain", text.clone().into_bytes()),
            other => Reply::raw("text/plain", other.to_string().into_bytes()),
        });
    }
    if value.is_null() {
        // Source: OData 4.01, part 1, 11.2.3: a property that is null.
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let path: Vec<&str> = names.iter().map(|it| it.name()).collect();
    let context = format!(
        "{}/$metadata#{}('{}')/{}",
        call.root(),
        owner.set,
        owner.id,
        path.join("/")
    );
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    match value {
        Value::Object(members) => body.extend(members.clone()),
        other => {
            body.insert("value".to_owned(), other.clone());
        }
    }
    Ok(Reply::json(StatusCode::OK, Value::Object(body)))
}

/// The document of a place with all members that its type has.
pub(super) fn entity(call: &Call<'_>, place: &Place<'_>) -> Option<Properties> {
    if place.is_link() {
        let target = place::target(call, place)?;
        return described(call, &target);
    }
    if place.step.name == "directoryObjects" {
        return described(call, &place.address());
    }
    if let Some(stored) = place::stored(call, place) {
        return Some(whole(call, &stored, place.of));
    }
    if place.view.is_some() {
        return None;
    }
    let mut presets = place::presets(call, &place.collection, place.of).into_iter();
    if let Some((id, properties)) = presets.find(|(id, _)| *id == place.id) {
        return Some(whole(call, &made(call, id, properties), place.of));
    }
    if place.id.is_empty() {
        // A singleton is there before anybody writes it.
        let unwritten = made(call, String::new(), Properties::new());
        return Some(whole(call, &unwritten, place.of));
    }
    place::fetch(call, &place.address())
}

fn elements(call: &Call<'_>, place: &Place<'_>) -> Vec<Properties> {
    if place.is_link() {
        let targets = place::targets(call, place);
        return targets
            .iter()
            .filter_map(|target| described(call, target))
            .filter(|document| fits(document, place.step.cast))
            .collect();
    }
    let stored: Vec<Document> = call.tenant.read_documents(|documents| {
        documents
            .list(&place.collection)
            .filter(|it| fits(&it.properties, place.step.cast) && place.shows(documents, it))
            .cloned()
            .collect()
    });
    let mut found: Vec<Properties> = Vec::new();
    if place.view.is_none() {
        for (id, properties) in place::presets(call, &place.collection, place.of) {
            if stored.iter().all(|it| it.id != id) {
                found.push(whole(call, &made(call, id, properties), place.of));
            }
        }
    }
    found.extend(stored.iter().map(|it| whole(call, it, place.of)));
    if behaviour::find(place.of).is_some_and(|it| it.newest_first) {
        found.reverse();
    }
    found
}

/// A document that nobody has written.
fn made(call: &Call<'_>, id: String, properties: Properties) -> Document {
    Document {
        id,
        properties,
        created: call.now,
        modified: call.now,
        sequence: 0,
    }
}

/// Whether a document is of the type of a cast.
fn fits(document: &Properties, cast: Option<Type>) -> bool {
    let Some(cast) = cast else { return true };
    document
        .get("@odata.type")
        .and_then(Value::as_str)
        .and_then(Type::find)
        .is_some_and(|it| it.is_a(cast))
}

/// What a link leads to, with its type.
pub(super) fn described(call: &Call<'_>, target: &str) -> Option<Properties> {
    let document = place::fetch(call, target)?;
    let document = match place::type_at(target) {
        // What is stored lacks what nobody has set.
        Some(of) if !place::is_modelled(call, target) => completed(call, document, of),
        _ => document,
    };
    let mut found = Properties::new();
    if let Some(of) = place::type_at(target) {
        let name = format!("#microsoft.graph.{}", of.name());
        found.insert("@odata.type".to_owned(), json!(name));
    }
    found.extend(
        document
            .into_iter()
            .filter(|(name, _)| name != "@odata.context"),
    );
    Some(found)
}

fn listing(place: &Place<'_>) -> Listing<'static> {
    let mut listing = Listing::of(place.of.name(), place.set.clone());
    let behaviour = behaviour::find(place.of);
    listing.searched = behaviour.map_or(&[], |it| it.searched);
    if let Some(page) = behaviour.and_then(|it| it.page) {
        listing.page = page;
    } else if behaviour.is_some_and(|it| it.presets.is_some()) {
        // Source: answers of a tenant of 2026-07: role definitions come in one page.
        listing.page = listing.most;
    }
    listing
}

pub(super) fn whole(call: &Call<'_>, document: &Document, of: Type) -> Properties {
    let actual = document
        .properties
        .get("@odata.type")
        .and_then(Value::as_str)
        .and_then(Type::find)
        .unwrap_or(of);
    let mut shown = completed(call, place::drawn(document), actual);
    if let Some(show) = behaviour::find(actual).and_then(|it| it.show) {
        let subject = Subject::of("", &document.id);
        show(call, &subject, &mut shown);
    }
    if let Some(state) = state_of(actual, document.sequence) {
        shown.shift_insert(0, "@odata.etag".to_owned(), json!(state));
    }
    shown
}

/// The state of a document whose changes have to name it.
///
/// Source: answers of Planner (`W/"JzEtVGFzayAgQEBAQEBAQEBAQEBAQEBARCc="` is `'1-Task  @@@…@D'`).
pub(super) fn state_of(of: Type, sequence: u64) -> Option<String> {
    let name = behaviour::find(of)?.state?;
    let plain = format!("'1-{name}  {sequence:@>16}'");
    Some(format!("W/\"{}\"", STANDARD.encode(plain)))
}

/// A document with the members that nobody has set.
pub(super) fn completed(call: &Call<'_>, mut document: Properties, of: Type) -> Properties {
    for member in of.members(call.cloud()) {
        if member.kind() == MemberKind::Property && !document.contains_key(member.name()) {
            let unset = if member.is_collection() {
                json!([])
            } else {
                Value::Null
            };
            document.insert(member.name().to_owned(), unset);
        }
    }
    for name in schema::written_lists(of.name()) {
        document.entry(name).or_insert_with(|| json!([]));
    }
    document
}
