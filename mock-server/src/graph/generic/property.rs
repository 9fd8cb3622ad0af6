//! Writes of one member of a document: `PATCH /print/settings`, `POST …/comments`.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::place::{self, Place};
use super::read;
use super::service::Voice;
use super::write;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::schema;
use crate::mailbox::Properties;
use crate::model::Member;

/// Changes, replaces or empties a member, or adds an element to one that has many.
pub(super) fn write(
    call: &Call<'_>,
    owner: &Place<'_>,
    names: &[Member],
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let Some(last) = names.last() else {
        return Err(GraphError::method_not_allowed());
    };
    if place::stored(call, owner).is_none() && !owner.id.is_empty() {
        return Err(write::missing(call, owner, voice));
    }
    if last.is_computed() {
        return Err(GraphError::method_not_allowed());
    }
    let before = place::stored(call, owner).map(|it| it.properties);
    let mut properties = before.unwrap_or_default();
    let mut at = &mut properties;
    for member in names.iter().take(names.len() - 1) {
        let inner = at
            .entry(member.name())
            .or_insert_with(|| Value::Object(Map::new()));
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        let Value::Object(inner) = inner else {
            return Err(GraphError::method_not_allowed());
        };
        at = inner;
    }
    let before = at.shift_remove(last.name()).unwrap_or_default();
    let value = changed(call, *last, before)?;
    at.insert(last.name().to_owned(), value);
    write::replace(call, owner, properties)?;
    if call.endpoint.method == Method::DELETE || voice.is_directory() {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    read::property(call, owner, names, false, voice)
}

/// The value of a member after a write.
fn changed(call: &Call<'_>, member: Member, before: Value) -> Result<Value, GraphError> {
    if call.endpoint.method == Method::DELETE {
        return Ok(if member.is_collection() {
            json!([])
        } else {
            Value::Null
        });
    }
    let mut body: Properties = call.json()?;
    body.shift_remove("@odata.context");
    let whole = body.shift_remove("value");
    let Some(of) = member.of() else {
        let value = whole.ok_or_else(GraphError::unable_to_deserialize)?;
        return match (member.is_collection(), value) {
            (true, Value::Array(elements)) => elements
                .iter()
                .map(|it| schema::primitive(member.type_name(), it))
                .collect(),
            (true, _) => Err(GraphError::unexpected_node("PrimitiveValue", "StartArray")),
            (false, Value::Null) => Ok(Value::Null),
            (false, value) => schema::primitive(member.type_name(), &value),
        };
    };
    let object = |body| {
        schema::object(call.cloud(), call.endpoint.workload, of.name(), body).map(Value::Object)
    };
    match (member.is_collection(), whole) {
        (true, Some(Value::Array(elements))) => elements
            .into_iter()
            .map(|it| match it {
                Value::Object(it) => object(it),
                _ => Err(GraphError::unexpected_node("PrimitiveValue", "StartObject")),
            })
            .collect(),
        (true, Some(_)) => Err(GraphError::unexpected_node("PrimitiveValue", "StartArray")),
        (true, None) => {
            let mut all = match before {
                Value::Array(all) => all,
                _ => Vec::new(),
            };
            all.push(object(body)?);
            Ok(Value::Array(all))
        }
        (false, whole) => {
            let body = match whole {
                Some(Value::Object(inner)) => inner,
                Some(other) => {
                    body.insert("value".to_owned(), other);
                    body
                }
                None => body,
            };
            let mut found = match before {
                Value::Object(before) if call.endpoint.method == Method::PATCH => before,
                _ => Map::new(),
            };
            if let Value::Object(sent) = object(body)? {
                found.extend(sent);
            }
            Ok(Value::Object(found))
        }
    }
}
