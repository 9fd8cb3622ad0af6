//! Extended properties of messages, events, contacts and their folders: MAPI properties by their
//! types, sets and names.
//!
//! What a body sets is kept with the item. What Exchange has of its own under a tag follows from
//! the item's members: rows of `data/exchange-mapi-properties.csv`.
//!
//! Sources: learn.microsoft.com/graph/api/resources/extended-properties-overview,
//! /api/singlevaluelegacyextendedproperty-get, /api/multivaluelegacyextendedproperty-get.

use std::sync::LazyLock;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::endpoint::Workload;
use super::error::GraphError;
use super::odata::evaluate::{holds, value_at};
use super::odata::parser::{Expression, Literal, Operand, Path};
use super::odata::query::{Expand, Query};
use crate::mailbox::{Folder, Item, Properties};

/// The member with one value a property.
pub(super) const SINGLE: &str = "singleValueExtendedProperties";
/// The member with a list a property.
pub(super) const MULTIPLE: &str = "multiValueExtendedProperties";
/// How many bytes a message takes, where its extended properties are asked for.
const SIZE: &str = "@size";
/// `PidTagMessageFlags`.
const FLAGS: &str = "@flags";

/// Whether a member has extended properties.
pub(super) fn is_one(name: &str) -> bool {
    [SINGLE, MULTIPLE]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(name))
}

/// Whether a member is only there to draw extended properties from.
pub(super) fn is_hidden(name: &str) -> bool {
    [SINGLE, MULTIPLE, SIZE, FLAGS].contains(&name)
}

/// Writes the ids in a query as Exchange does, and refuses what is no id.
pub(super) fn prepare(query: &mut Query) -> Result<(), GraphError> {
    if let Some(filter) = &mut query.filter {
        spell_lambdas(filter)?;
    }
    for expand in query.expand.iter_mut().filter(|it| is_one(&it.name)) {
        if let Some(filter) = &mut expand.inner.filter {
            spell(filter)?;
        }
    }
    Ok(())
}

fn spell_lambdas(expression: &mut Expression) -> Result<(), GraphError> {
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => {
            spell_lambdas(left)?;
            spell_lambdas(right)
        }
        Expression::Not(inner) => spell_lambdas(inner),
        Expression::Lambda {
            path,
            body: Some(body),
            ..
        } if path.0.last().is_some_and(|it| is_one(it)) => spell(body),
        _ => Ok(()),
    }
}

fn spell(expression: &mut Expression) -> Result<(), GraphError> {
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => {
            spell(left)?;
            spell(right)
        }
        Expression::Not(inner) => spell(inner),
        Expression::Compare(Operand::Path(path), _, Operand::Literal(Literal::Text(text)))
            if is_id(path) =>
        {
            *text = spelled(text).ok_or_else(invalid)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_id(path: &Path) -> bool {
    path.0
        .last()
        .is_some_and(|it| it.eq_ignore_ascii_case("id"))
}

/// An id as Exchange writes it: the tag in lower case and without leading zeros. None where it is
/// no id.
///
/// Source: learn.microsoft.com/answers/questions/599013 (`Binary 0x0E0A` reads `Binary 0xe0a`).
fn spelled(id: &str) -> Option<String> {
    let (kind, rest) = id.trim().split_once(' ')?;
    let kind = KINDS.iter().find(|it| it.eq_ignore_ascii_case(kind))?;
    let number = |text: &str| {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        match digits {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let rest = rest.trim();
    if !rest.starts_with('{') {
        return Some(format!("{kind} 0x{:x}", number(rest)?));
    }
    let (set, rest) = rest.strip_prefix('{')?.split_once('}')?;
    let set = Uuid::parse_str(set).ok()?;
    let (how, name) = rest.trim_start().split_once(' ')?;
    let name = name.trim();
    if how.eq_ignore_ascii_case("id") {
        Some(format!("{kind} {{{set}}} Id 0x{:x}", number(name)?))
    } else if how.eq_ignore_ascii_case("name") && !name.is_empty() {
        Some(format!("{kind} {{{set}}} Name {name}"))
    } else {
        None
    }
}

/// Source: microsoftgraph/microsoft-graph-docs-contrib#7938. Unverified: that an id that can't be
/// read leads to it.
fn invalid() -> GraphError {
    GraphError::new(
        StatusCode::BAD_REQUEST,
        "ErrorInvalidExtendedProperty",
        "The extended property attribute combination is invalid.",
    )
}

/// Checks what a body sets, and writes its ids as Exchange does.
pub(super) fn check(body: &mut Properties) -> Result<(), GraphError> {
    for name in [SINGLE, MULTIPLE] {
        let Some(Value::Array(properties)) = body.get_mut(name) else {
            continue;
        };
        for property in properties {
            let id = property.get("id").and_then(Value::as_str);
            let id = id.and_then(spelled).ok_or_else(invalid)?;
            property["id"] = json!(id);
        }
    }
    Ok(())
}

/// Sets properties beside those that are there; one without a value goes.
pub(super) fn merge(stored: &mut Properties, name: &str, changes: &Value) {
    let mut kept = match stored.shift_remove(name) {
        Some(Value::Array(kept)) => kept,
        _ => Vec::new(),
    };
    for change in changes.as_array().into_iter().flatten() {
        kept.retain(|it| it["id"] != change["id"]);
        if !change["value"].is_null() {
            kept.push(json!({"id": change["id"], "value": change["value"]}));
        }
    }
    if !kept.is_empty() {
        stored.insert(name.to_owned(), Value::Array(kept));
    }
}

/// Sets what a body has of a folder.
pub(super) fn keep(folder: &mut Folder, body: &Properties) {
    for name in [SINGLE, MULTIPLE] {
        if let Some(changes) = body.get(name) {
            merge(&mut folder.extended, name, changes);
        }
    }
}

/// What the tags of Exchange's own say of a new message: read or not, a draft or not, when it came.
///
/// Source: MS-OXCMSG 2.2.1.6, `PidTagMessageFlags`: 1 read, 8 unsent; a flag that is set when a
/// message is made makes it no draft (learn.microsoft.com/answers/questions/1341126).
pub(super) fn imprint(item: &mut Item) {
    let stored = item.property(SINGLE).unwrap_or_default();
    for property in stored.as_array().into_iter().flatten() {
        let value = property["value"].as_str().unwrap_or_default();
        match property["id"].as_str().unwrap_or_default() {
            "Integer 0xe07" => {
                if let Ok(flags) = value.parse::<u32>() {
                    item.read = flags & 1 != 0;
                    item.draft = flags & 8 != 0;
                }
            }
            "SystemTime 0xe06" => {
                item.received = value.parse::<Timestamp>().unwrap_or(item.received);
            }
            _ => {}
        }
    }
}

/// Whether a request asks for extended properties.
pub(super) fn are_wanted(call: &Call<'_>) -> bool {
    let lambda = |query: &Query| query.filter.as_ref().is_some_and(names_them);
    call.endpoint.workload == Workload::Mailbox
        && (call.query.expand.iter().any(|it| is_one(&it.name)) || lambda(&call.query))
}

fn names_them(expression: &Expression) -> bool {
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => {
            names_them(left) || names_them(right)
        }
        Expression::Not(inner) => names_them(inner),
        Expression::Lambda { path, .. } => path.0.last().is_some_and(|it| is_one(it)),
        _ => false,
    }
}

/// Adds the extended properties of an item to its document, where they are asked for.
pub(super) fn attach(call: &Call<'_>, of: &str, item: &Item, document: &mut Properties) {
    if !are_wanted(call) {
        return;
    }
    document.insert(SIZE.to_owned(), json!(item.size()));
    let flags = u32::from(item.read) | u32::from(item.draft) << 3;
    document.insert(FLAGS.to_owned(), json!(flags));
    add(of, |name| item.property(name), document);
}

/// Adds the extended properties of a folder to its document, where they are asked for.
pub(super) fn attach_to_folder(
    call: &Call<'_>,
    of: &str,
    folder: &Folder,
    document: &mut Properties,
) {
    if are_wanted(call) {
        add(of, |name| folder.extended.get(name).cloned(), document);
    }
}

fn add(of: &str, stored: impl Fn(&str) -> Option<Value>, document: &mut Properties) {
    let mut single = match stored(SINGLE) {
        Some(Value::Array(kept)) => kept,
        _ => Vec::new(),
    };
    let whole = Value::Object(std::mem::take(document));
    for row in OWN.iter().filter(|it| it.of == of) {
        let id = format!("{} {}", row.kind, row.tag);
        let value = match row.member.strip_prefix('=') {
            Some(constant) => json!(constant),
            None => value_at(&whole, &row.path()).clone(),
        };
        let value = match value {
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
        };
        // What the item has of its own is shown, whatever was set.
        single.retain(|it| it["id"] != id);
        single.push(json!({"id": id, "value": value}));
    }
    *document = super::collection::members(whole);
    document.insert(SINGLE.to_owned(), Value::Array(single));
    document.insert(MULTIPLE.to_owned(), stored(MULTIPLE).unwrap_or(json!([])));
}

/// What `$expand` adds to an item: the properties that its filter names; nothing where the item has
/// none of them.
///
/// Source: learn.microsoft.com/answers/questions/599013.
pub(super) fn expanded(
    document: &Properties,
    expand: &Expand,
) -> Result<Option<(&'static str, Value)>, GraphError> {
    let name = [SINGLE, MULTIPLE]
        .into_iter()
        .find(|it| it.eq_ignore_ascii_case(&expand.name))
        .unwrap_or(SINGLE);
    let Some(filter) = &expand.inner.filter else {
        // Source: the pages above: a filter is the only way.
        return Err(GraphError::expand_not_supported(name)
            .not_in_the_mock(format!("$expand={name} without $filter=id eq '…'")));
    };
    let all = document.get(name).and_then(Value::as_array);
    let found: Vec<&Value> = all
        .into_iter()
        .flatten()
        .filter(|it| holds(filter, *it))
        .collect();
    Ok((!found.is_empty()).then(|| (name, json!(found))))
}

#[derive(Debug, Deserialize)]
struct Own {
    #[serde(rename = "type")]
    of: String,
    tag: String,
    kind: String,
    member: String,
}

impl Own {
    fn path(&self) -> Vec<String> {
        self.member.split('/').map(str::to_owned).collect()
    }
}

/// What Exchange has of its own under a tag.
static OWN: LazyLock<Vec<Own>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/exchange-mapi-properties.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Own, _>| row.expect("data/exchange-mapi-properties.csv fits its types"))
        .collect()
});

/// The types of properties. Source: learn.microsoft.com/exchange/client-developer/web-service-reference/extendedfielduri,
/// `PropertyType`.
const KINDS: [&str; 26] = [
    "ApplicationTime",
    "ApplicationTimeArray",
    "Binary",
    "BinaryArray",
    "Boolean",
    "CLSID",
    "CLSIDArray",
    "Currency",
    "CurrencyArray",
    "Double",
    "DoubleArray",
    "Error",
    "Float",
    "FloatArray",
    "Integer",
    "IntegerArray",
    "Long",
    "LongArray",
    "Null",
    "Object",
    "ObjectArray",
    "Short",
    "ShortArray",
    "String",
    "StringArray",
    "SystemTime",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_in_one_way() {
        for (id, written) in [
            ("String 0x001A", Some("String 0x1a")),
            (
                "string {66F5A359-4659-4830-9070-00047EC6AC6E} name Fun",
                Some("String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Fun"),
            ),
            (
                "Integer {66f5a359-4659-4830-9070-00047ec6ac6e} Id 0x8012",
                Some("Integer {66f5a359-4659-4830-9070-00047ec6ac6e} Id 0x8012"),
            ),
            ("Text 0x1", None),
            ("String {66f5a359} Name Fun", None),
            ("String Fun", None),
        ] {
            assert_eq!(spelled(id).as_deref(), written, "{id}");
        }
        assert!(OWN.iter().all(|it| {
            let id = format!("{} {}", it.kind, it.tag);
            spelled(&id).is_some_and(|spelled| spelled == id)
        }));
    }
}
