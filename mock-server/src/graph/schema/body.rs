//! The body of a request, read as a type.
//!
//! Values are converted as the OData library does that the service is built on: a text stands for
//! a value of every primitive type. Source: OData/odata.net,
//! src/Microsoft.OData.Core/ODataPayloadValueConverter.cs; microsoftgraph/microsoft-graph-docs,
//! user-sendmail.md (`"saveToSentItems": "false"`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Member, enumeration, is_a, is_abstract, is_known, is_open, member, spelled};
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
pub(crate) fn primitive(of: &str, value: &Value) -> Result<Value, GraphError> {
    if let Some(node) = structure(value) {
        return Err(GraphError::unexpected_node(node, "PrimitiveValue"));
    }
    convert(of, value).ok_or_else(|| unconvertible(&format!("Edm.{of}"), value))
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
            let Some(member) = member(self.cloud, of, &name) else {
                if !is_open(of, &name) {
                    return Err(GraphError::unknown_member(&name, of));
                }
                found.insert(name, value);
                continue;
            };
            let value = self.checked(member, value)?;
            found.insert(member.name.to_owned(), value);
        }
        Ok(found)
    }

    fn checked(&self, member: Member, value: Value) -> Result<Value, GraphError> {
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

    fn element(&self, member: Member, value: Value) -> Result<Value, GraphError> {
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
        if enumeration(of).is_some() {
            if let Some(node) = structure(&value) {
                return Err(GraphError::unexpected_node(node, "PrimitiveValue"));
            }
            return value
                .as_str()
                .and_then(|text| spelled(of, text))
                .map(Value::String)
                .ok_or_else(|| unconvertible(&format!("microsoft.graph.{of}"), &value));
        }
        if !is_primitive(of) {
            // A type that the mock does not know is kept as it is.
            return Ok(value);
        }
        if of == "Date" && value.is_string() && convert(of, &value).is_none() {
            return Err(GraphError::unable_to_deserialize());
        }
        primitive(of, &value)
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
    if is_abstract(found) {
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
        "Decimal" | "Double" | "Single" => match text {
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
        "Byte" => whole(value, 0, u8::MAX.into()),
        "Duration" => text
            .filter(|text| {
                text.parse::<jiff::SignedDuration>().is_ok() || text.parse::<jiff::Span>().is_ok()
            })
            .map(|text| json!(text)),
        "Int16" => whole(value, i16::MIN.into(), i16::MAX.into()),
        "Int32" => whole(value, i32::MIN.into(), i32::MAX.into()),
        "Int64" => whole(value, i64::MIN, i64::MAX),
        "String" => text.map(|text| json!(text)),
        "TimeOfDay" => text
            .filter(|text| text.parse::<jiff::civil::Time>().is_ok())
            .map(|text| json!(text)),
        _ => None,
    }
}

fn whole(value: &Value, least: i64, most: i64) -> Option<Value> {
    let number = match value.as_str() {
        None => value.as_i64(),
        Some(text) => text.trim().parse().ok(),
    };
    number
        .filter(|number| (least..=most).contains(number))
        .map(|number| json!(number))
}

fn is_primitive(of: &str) -> bool {
    [
        "Binary",
        "Boolean",
        "Byte",
        "Date",
        "DateTimeOffset",
        "Decimal",
        "Double",
        "Duration",
        "Guid",
        "Int16",
        "Int32",
        "Int64",
        "Single",
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
