//! The body of a request, read as a type.
//!
//! Values are converted as the OData library does that the service is built on: a text stands for
//! a value of every primitive type. Source: OData/odata.net,
//! src/Microsoft.OData.Core/ODataPayloadValueConverter.cs; microsoftgraph/microsoft-graph-docs,
//! user-sendmail.md (`"saveToSentItems": "false"`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Member, enumeration, is_a, is_known, member};
use crate::environment::SignInCloud;
use crate::graph::endpoint::Workload;
use crate::graph::error::GraphError;
use crate::graph::odata::evaluate::is_instant;

/// A body's object with members spelled as Graph does, checked against a type. Control
/// information (`@odata.…`) is dropped, except for the type of an attachment.
pub(crate) fn object(
    cloud: SignInCloud,
    workload: Workload,
    of: &str,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, GraphError> {
    Reader { cloud, workload }.object(of, body)
}

/// A value of a primitive type, such as a parameter of an action.
pub(crate) fn primitive(of: &str, value: Value) -> Result<Value, GraphError> {
    if let Some(node) = structure(&value) {
        return Err(GraphError::unexpected_node(node, "PrimitiveValue"));
    }
    convert(of, &value).ok_or_else(|| unconvertible(&format!("Edm.{of}"), &value))
}

/// Reads bodies for a service.
struct Reader {
    cloud: SignInCloud,
    workload: Workload,
}

impl Reader {
    fn object(&self, of: &str, body: Map<String, Value>) -> Result<Map<String, Value>, GraphError> {
        let mut found = Map::new();
        for (name, value) in body {
            if name.contains('@') {
                // Attachments alone are of several types.
                if name == "@odata.type" && of.ends_with("ttachment") {
                    found.insert(name, value);
                }
                continue;
            }
            if !is_known(of) {
                found.insert(name, value);
                continue;
            }
            let member = member(self.cloud, of, &name)
                .ok_or_else(|| GraphError::unknown_member(&name, of))?;
            let value = self.checked(member, value)?;
            found.insert(member.name.clone(), value);
        }
        Ok(found)
    }

    fn checked(&self, member: &Member, value: Value) -> Result<Value, GraphError> {
        if !member.is_collection() {
            return if value.is_null() {
                Ok(value)
            } else {
                self.element(member, value)
            };
        }
        match value {
            // Unverified: that the directory takes it.
            Value::Null if self.workload == Workload::Directory => Ok(Value::Null),
            Value::Null => Err(GraphError::unable_to_deserialize()),
            Value::Array(elements) => elements
                .into_iter()
                .map(|it| self.element(member, it))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
            other => Err(GraphError::unexpected_node(node(&other), "StartArray")),
        }
    }

    fn element(&self, member: &Member, value: Value) -> Result<Value, GraphError> {
        let of = member.element_type();
        if is_known(of) {
            return match value {
                Value::Object(body) => {
                    let derived = derived(of, &body)?;
                    self.object(&derived, body).map(Value::Object)
                }
                other => Err(GraphError::unexpected_node(node(&other), "StartObject")),
            };
        }
        if let Some(members) = enumeration(of) {
            if let Some(node) = structure(&value) {
                return Err(GraphError::unexpected_node(node, "PrimitiveValue"));
            }
            let known = value
                .as_str()
                .and_then(|text| members.iter().find(|it| it.eq_ignore_ascii_case(text)));
            return known
                .map(|it| Value::String(it.clone()))
                .ok_or_else(|| unconvertible(&format!("microsoft.graph.{of}"), &value));
        }
        if !is_primitive(of) {
            // A type that the mock does not know is kept as it is.
            return Ok(value);
        }
        if of == "Date" && value.is_string() && convert(of, &value).is_none() {
            return Err(GraphError::unable_to_deserialize());
        }
        primitive(of, value)
    }
}

/// The type of an object where a type or one that is derived from it must be: the body names it,
/// with or without `#`. Source: microsoftgraph/msgraph-beta-sdk-dotnet#479.
fn derived(of: &str, body: &Map<String, Value>) -> Result<String, GraphError> {
    let named = body.get("@odata.type").and_then(Value::as_str);
    let found = match named {
        None => of,
        Some(named) => named
            .trim_start_matches('#')
            .strip_prefix("microsoft.graph.")
            .filter(|it| is_known(it) && is_a(it, of))
            .ok_or_else(|| GraphError::unknown_type(named))?,
    };
    if ABSTRACT.contains(&found) {
        return Err(GraphError::abstract_type(found));
    }
    Ok(found.to_owned())
}

/// The value as its type writes it; none where it can't be one.
fn convert(of: &str, value: &Value) -> Option<Value> {
    let text = value.as_str();
    match of {
        "Binary" => text
            .filter(|text| STANDARD.decode(text).is_ok())
            .map(|text| json!(text)),
        "Boolean" => match (value, text) {
            (Value::Bool(_), _) => Some(value.clone()),
            (_, Some(text)) if text.trim().eq_ignore_ascii_case("true") => Some(json!(true)),
            (_, Some(text)) if text.trim().eq_ignore_ascii_case("false") => Some(json!(false)),
            _ => None,
        },
        "Date" => text
            .filter(|text| text.parse::<jiff::civil::Date>().is_ok())
            .map(|text| json!(text)),
        "DateTimeOffset" => text.filter(|text| is_instant(text)).map(|text| json!(text)),
        "Double" => match text {
            None => value.as_f64().map(|_| value.clone()),
            Some(text) => text
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(|number| json!(number)),
        },
        "Guid" => text
            .filter(|text| uuid::Uuid::try_parse(text).is_ok())
            .map(|text| json!(text)),
        "Int32" => match text {
            None => value.as_i64(),
            Some(text) => text.trim().parse().ok(),
        }
        .filter(|number| i32::try_from(*number).is_ok())
        .map(|number| json!(number)),
        "String" => text.map(|text| json!(text)),
        "TimeOfDay" => text
            .filter(|text| text.parse::<jiff::civil::Time>().is_ok())
            .map(|text| json!(text)),
        _ => None,
    }
}

fn is_primitive(of: &str) -> bool {
    [
        "Binary",
        "Boolean",
        "Date",
        "DateTimeOffset",
        "Double",
        "Guid",
        "Int32",
        "String",
        "TimeOfDay",
    ]
    .contains(&of)
}

/// The OData library's name of what stands where a value begins.
fn node(value: &Value) -> &'static str {
    structure(value).unwrap_or("PrimitiveValue")
}

fn structure(value: &Value) -> Option<&'static str> {
    match value {
        Value::Array(_) => Some("StartArray"),
        Value::Object(_) => Some("StartObject"),
        _ => None,
    }
}

fn unconvertible(expected: &str, found: &Value) -> GraphError {
    let mut shown = match found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // Unverified: where the service cuts a long literal.
    if let Some((cut, _)) = shown.char_indices().nth(LONGEST_LITERAL) {
        shown.truncate(cut);
        shown.push_str("...");
    }
    GraphError::wrong_type(expected, &shown)
}

/// The types of bodies that nothing is of by itself.
/// Source: microsoftgraph/msgraph-metadata, schemas/v1.0-Prod.csdl.
const ABSTRACT: [&str; 2] = ["attachment", "outlookItem"];

/// The letters of a literal that a refusal shows.
const LONGEST_LITERAL: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(of: &str, body: Value) -> Result<Value, GraphError> {
        let Value::Object(body) = body else {
            panic!("a body is an object");
        };
        object(SignInCloud::Global, Workload::Mailbox, of, body).map(Value::Object)
    }

    #[test]
    fn a_text_stands_for_a_value_of_each_primitive_type() {
        let read = read(
            "event",
            json!({
                "IsAllDay": "True", "reminderMinutesBeforeStart": " 15 ",
                "location": {"coordinates": {"latitude": "47.5", "longitude": 8}},
                "showAs": "BUSY",
            }),
        );
        assert_eq!(
            read.unwrap(),
            json!({
                "isAllDay": true, "reminderMinutesBeforeStart": 15,
                "location": {"coordinates": {"latitude": 47.5, "longitude": 8}},
                "showAs": "busy",
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_was_expected() {
        for (body, text) in [
            (
                json!({"isRead": "yes"}),
                "'yes' to the expected type 'Edm.Boolean'",
            ),
            (
                json!({"isRead": 1}),
                "'1' to the expected type 'Edm.Boolean'",
            ),
            (
                json!({"subject": 7}),
                "'7' to the expected type 'Edm.String'",
            ),
            (json!({"isRead": {}}), "'StartObject' node was found"),
            (json!({"body": "x"}), "A 'StartObject' node was expected"),
            (
                json!({"toRecipients": {}}),
                "A 'StartArray' node was expected",
            ),
            (
                json!({"toRecipients": ["x"]}),
                "'PrimitiveValue' node was found",
            ),
            (json!({"toRecipients": null}), "were unable to deserialize "),
            (
                json!({"importance": "urgent"}),
                "'microsoft.graph.importance'",
            ),
            (json!({"categories": [1]}), "'Edm.String'"),
        ] {
            let refusal = read("message", body.clone()).unwrap_err();
            assert!(refusal.message.contains(text), "{body}: {refusal:?}");
        }
        let range = json!({"recurrence": {"range": {"startDate": "14/03/2021"}}});
        let refusal = read("event", range).unwrap_err();
        assert_eq!(refusal.code, "UnableToDeserializePostBody");
    }
}
