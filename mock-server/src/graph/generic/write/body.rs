//! The body of a write: checked against its type, and stamped.

use serde_json::{Value, json};

use super::links::resolved;
use crate::graph::access::Actor;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::place::Place;
use crate::graph::generic::service::Voice;
use crate::graph::schema;
use crate::mailbox::{Properties, seconds};
use crate::model::{MemberKind, Type};

/// A body that fits its type.
pub(super) struct Written {
    /// The type.
    pub(super) of: Type,
    /// The members.
    pub(super) properties: Properties,
    /// The navigations that the body binds, with their targets.
    pub(super) links: Vec<(String, String)>,
    /// The elements of contained navigations that the body brings along.
    pub(super) below: Vec<(String, Properties)>,
}

/// The body, checked against the type that it names.
pub(super) fn written(
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

/// What the service writes itself.
pub(super) fn stamp(call: &Call<'_>, of: Type, properties: &mut Properties, created: bool) {
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
