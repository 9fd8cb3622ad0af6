//! Columns: those that each list has, those that people add, and which values they take.
//!
//! Rows of `data/list-columns.csv`: the fields that SharePoint builds in, with their ids.
//! Source: learn.microsoft.com/dotnet/api/microsoft.sharepoint.spbuiltinfieldid; recordings of
//! NangoHQ/integration-templates.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal;
use crate::drives::list::{Column, Fields, List};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::files::refusal::invalid;
use crate::graph::schema;
use crate::mailbox::Properties;

#[derive(Debug, Deserialize)]
struct BuiltIn {
    of: String,
    name: String,
    title: String,
    id: Uuid,
    kind: String,
    read_only: bool,
    hidden: bool,
    indexed: bool,
    required: bool,
}

static BUILT_IN: LazyLock<Vec<(String, Column)>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/list-columns.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<BuiltIn, _>| row.expect("data/list-columns.csv fits its types"))
        .map(|row| {
            let facet = match row.kind.as_str() {
                "text" => json!({
                    "allowMultipleLines": false, "appendChangesToExistingText": false,
                    "linesForEditing": 0, "maxLength": 255,
                }),
                "dateTime" => json!({"displayAs": "default", "format": "dateTime"}),
                "personOrGroup" => json!({
                    "allowMultipleSelection": false, "displayAs": "nameWithPresence",
                    "chooseFromType": "peopleAndGroups",
                }),
                _ => json!({}),
            };
            let value = json!({
                "columnGroup": if row.hidden { "_Hidden" } else { "Custom Columns" },
                "description": "",
                "displayName": row.title,
                "enforceUniqueValues": false,
                "hidden": row.hidden,
                "indexed": row.indexed,
                "readOnly": row.read_only,
                "required": row.required,
                row.kind: facet,
            });
            let column = Column {
                id: row.id,
                name: row.name,
                members: crate::graph::collection::members(value),
            };
            (row.of, column)
        })
        .collect()
});

/// The columns that a list has by its template.
pub(super) fn built_in(list: &List) -> impl Iterator<Item = &'static Column> {
    let own = if list.drive.is_some() {
        "library"
    } else {
        "list"
    };
    let all = BUILT_IN.iter();
    all.filter(move |(of, _)| of == "*" || of == own)
        .map(|(_, column)| column)
}

/// The columns that each site has.
pub(super) fn of_sites() -> impl Iterator<Item = &'static Column> {
    let all = BUILT_IN.iter().filter(|(of, _)| of != "library");
    all.map(|(_, column)| column)
}

/// All columns of a list, those that people added last.
pub(super) fn all(list: &List) -> impl Iterator<Item = &Column> {
    let given = built_in(list).map(|it| -> &Column { it });
    given.chain(list.schema.columns.iter())
}

/// The column of a list with a name, in any case.
pub(super) fn named<'a>(list: &'a List, name: &str) -> Option<&'a Column> {
    all(list).find(|it| it.name.eq_ignore_ascii_case(name))
}

/// Whether a list has the column of a field.
pub(super) fn named_field(list: &List, field: &str) -> bool {
    let bare = field.strip_suffix(LOOKUP);
    named(list, field).is_some() || bare.is_some_and(|it| named(list, it).is_some())
}

/// What a column is about.
pub(super) fn kind(column: &Column) -> &str {
    let mut all = KINDS.iter();
    all.find(|it| column.members.contains_key(**it))
        .copied()
        .unwrap_or("text")
}

pub(super) fn is(column: &Column, member: &str) -> bool {
    column.members.get(member).and_then(Value::as_bool) == Some(true)
}

/// A column as Graph writes it.
pub(super) fn drawn(column: &Column) -> Properties {
    let mut found = Properties::new();
    let mut members = column.members.clone();
    for name in [
        "columnGroup",
        "description",
        "displayName",
        "enforceUniqueValues",
        "hidden",
    ] {
        found.extend(members.shift_remove_entry(name));
    }
    found.insert("id".to_owned(), json!(column.id.to_string()));
    found.extend(members.shift_remove_entry("indexed"));
    found.insert("name".to_owned(), json!(column.name));
    found.extend(members);
    found
}

/// A new column from a body.
pub(super) fn new(call: &Call<'_>, body: Properties) -> Result<Column, GraphError> {
    let mut said = checked(call, body)?;
    let text = |it: Option<&Value>| it.and_then(Value::as_str).map(str::to_owned);
    let name = text(said.get("name")).filter(|it| !it.is_empty());
    let title = text(said.get("displayName")).filter(|it| !it.is_empty());
    let name = match (name, &title) {
        (Some(name), _) => name,
        (None, Some(title)) => encoded(title),
        // Unverified: the text.
        (None, None) => return Err(invalid("The name of the column is required.")),
    };
    let fits = |it: char| it.is_alphanumeric() || it == '_';
    if !name.chars().all(fits) || name.chars().count() > LONGEST_NAME {
        // Unverified: the text.
        return Err(invalid(&format!("The column name '{name}' is not valid.")));
    }
    let kinds = KINDS.iter().filter(|it| said.contains_key(**it)).count();
    if kinds > 1 {
        // Unverified: the text.
        return Err(invalid("A column has one type."));
    }
    if kinds == 0 {
        said.insert("text".to_owned(), json!({}));
    }
    if said.get("enforceUniqueValues") == Some(&json!(true)) {
        // Source: learn.microsoft.com/graph/api/resources/columndefinition: unique values need an
        // index.
        said.insert("indexed".to_owned(), json!(true));
    }
    let mut members = crate::graph::collection::members(json!({
        "columnGroup": "Custom Columns",
        "description": "",
        "displayName": title.unwrap_or_else(|| name.clone()),
        "enforceUniqueValues": false,
        "hidden": false,
        "indexed": false,
        "readOnly": false,
        "required": false,
    }));
    for (member, value) in said {
        if !matches!(member.as_str(), "id" | "name" | "displayName" | "type") {
            let value = completed(&member, value);
            members.insert(member, value);
        }
    }
    Ok(Column {
        id: call.world.random.uuid(),
        name,
        members,
    })
}

/// What the service adds to the details of a column.
/// Source: learn.microsoft.com/graph/api/columndefinition-get and the resources of the details.
fn completed(member: &str, value: Value) -> Value {
    let usual = match member {
        "text" => json!({
            "allowMultipleLines": false, "appendChangesToExistingText": false,
            "linesForEditing": 0, "maxLength": 255,
        }),
        "choice" => json!({"allowTextEntry": false, "choices": [], "displayAs": "dropDownMenu"}),
        "number" => json!({"decimalPlaces": "automatic", "displayAs": "number"}),
        "dateTime" => json!({"displayAs": "default", "format": "dateOnly"}),
        "personOrGroup" => json!({
            "allowMultipleSelection": false, "displayAs": "nameWithPresence",
            "chooseFromType": "peopleOnly",
        }),
        "lookup" => json!({"allowMultipleValues": false, "allowUnlimitedLength": false}),
        "currency" => json!({"locale": "en-us"}),
        _ => return value,
    };
    let mut found = crate::graph::collection::members(usual);
    if let Value::Object(said) = value {
        found.extend(said);
    }
    Value::Object(found)
}

/// Changes a column as a body says.
pub(super) fn change(
    call: &Call<'_>,
    column: &mut Column,
    body: Properties,
) -> Result<(), GraphError> {
    let mut said = checked(call, body)?;
    let kind = kind(column).to_owned();
    if KINDS.iter().any(|it| *it != kind && said.contains_key(*it)) {
        // Unverified: the text.
        return Err(invalid("The type of a column cannot be changed."));
    }
    if said.get("enforceUniqueValues") == Some(&json!(true)) {
        said.insert("indexed".to_owned(), json!(true));
    }
    for (member, value) in said {
        match member.as_str() {
            "id" | "name" | "type" => {}
            own if own == kind => {
                let before = column.members.get(own).cloned().unwrap_or_default();
                let mut all = crate::graph::collection::members(before);
                all.extend(crate::graph::collection::members(value));
                column.members.insert(member, Value::Object(all));
            }
            _ => {
                column.members.insert(member, value);
            }
        }
    }
    Ok(())
}

fn checked(call: &Call<'_>, body: Properties) -> Result<Properties, GraphError> {
    schema::object(
        call.cloud(),
        call.endpoint.workload,
        "columnDefinition",
        body,
    )
}

/// A name as SharePoint makes it of a title: what is no letter, digit or underscore is encoded.
fn encoded(title: &str) -> String {
    let mut name = String::new();
    for letter in title.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            name.push(letter);
        } else {
            name.push_str(&format!("_x{:04x}_", u32::from(letter)));
        }
    }
    // Source: SharePoint cuts names of fields at 32 letters.
    name.chars().take(32).collect()
}

/// Checks the values that a body gives fields, and brings them into the form in which they are
/// kept.
pub(super) fn values(list: &List, body: &Properties) -> Result<Fields, GraphError> {
    let mut found = Fields::new();
    let typed = |name: &str| body.contains_key(&format!("{name}@odata.type"));
    for (name, value) in body {
        if name.contains('@') {
            continue;
        }
        if let Some(column) = named(list, name) {
            if is(column, "readOnly") || matches!(kind(column), "calculated") {
                return Err(refusal::read_only_field(&column.name));
            }
            // People and rows of other lists are written by their numbers.
            // Source: learn.microsoft.com/graph/api/listitem-update.
            if matches!(kind(column), "lookup" | "personOrGroup") {
                return Err(refusal::invalid_request());
            }
            let value = fitting(column, value, typed(name))?;
            found.insert(column.name.clone(), value);
            continue;
        }
        let bare = name
            .len()
            .checked_sub(LOOKUP.len())
            .and_then(|at| name.split_at_checked(at))
            .filter(|(_, end)| end.eq_ignore_ascii_case(LOOKUP))
            .and_then(|(bare, _)| named(list, bare))
            .filter(|it| matches!(kind(it), "lookup" | "personOrGroup"));
        let Some(column) = bare else {
            return Err(refusal::unknown_field(name));
        };
        if is(column, "readOnly") {
            return Err(refusal::read_only_field(name));
        }
        let value = numbers(column, value, typed(name))?;
        found.insert(format!("{}{LOOKUP}", column.name), value);
    }
    Ok(found)
}

/// The number of a person or a row, or several. Source: OneDrive/onedrive-api-docs, issues about
/// lookups: many need `@odata.type`.
fn numbers(column: &Column, value: &Value, typed: bool) -> Result<Value, GraphError> {
    let number = |it: &Value| match it {
        Value::Number(number) => number.as_u64().map(|it| it.to_string()),
        Value::String(text) => text.parse::<u64>().ok().map(|it| it.to_string()),
        _ => None,
    };
    let details = column.members.get(kind(column));
    let flag = |name: &str| details.and_then(|it| it.get(name)) == Some(&json!(true));
    let many = flag("allowMultipleValues") || flag("allowMultipleSelection");
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(all) if many && typed => {
            let all: Option<Vec<String>> = all.iter().map(number).collect();
            all.map(|it| json!(it)).ok_or_else(refusal::invalid_request)
        }
        other => number(other)
            .map(|it| json!(it))
            .ok_or_else(refusal::invalid_request),
    }
}

/// A value in the form of its column.
fn fitting(column: &Column, value: &Value, typed: bool) -> Result<Value, GraphError> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let details = column.members.get(kind(column));
    let detail = |name: &str| details.and_then(|it| it.get(name));
    let text = || value.as_str().ok_or_else(refusal::invalid_request);
    match kind(column) {
        "boolean" => match value {
            Value::Bool(_) => Ok(value.clone()),
            _ => Err(refusal::invalid_request()),
        },
        "number" | "currency" => {
            let number = match value {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            let number = number.filter(|it| it.is_finite());
            let number = number.ok_or_else(refusal::invalid_request)?;
            let limit = |name: &str| detail(name).and_then(Value::as_f64);
            if limit("minimum").is_some_and(|it| number < it)
                || limit("maximum").is_some_and(|it| number > it)
            {
                return Err(refusal::invalid_request());
            }
            Ok(value
                .as_number()
                .map_or_else(|| json!(number), |it| json!(it)))
        }
        "dateTime" => {
            let text = text()?;
            let moment = text
                .parse::<jiff::Timestamp>()
                .ok()
                .or_else(|| format!("{text}T00:00:00Z").parse().ok())
                .or_else(|| format!("{text}Z").parse().ok());
            let moment = moment.ok_or_else(refusal::invalid_request)?;
            Ok(json!(crate::mailbox::seconds(moment)))
        }
        "choice" => match value {
            // Several need `@odata.type`. Source: microsoftgraph/microsoft-graph-explorer-v4#3247.
            Value::Array(all) if typed && all.iter().all(Value::is_string) => Ok(value.clone()),
            Value::String(_) => Ok(value.clone()),
            _ => Err(refusal::invalid_request()),
        },
        "hyperlinkOrPicture" => match value {
            Value::Object(link) if link.get("Url").is_some_and(Value::is_string) => {
                Ok(value.clone())
            }
            _ => Err(refusal::invalid_request()),
        },
        "text" => {
            let text = text()?;
            let lines = detail("allowMultipleLines") == Some(&json!(true));
            let most = detail("maxLength").and_then(Value::as_u64).unwrap_or(255);
            let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            if !lines && length > most {
                return Err(refusal::invalid_request());
            }
            Ok(value.clone())
        }
        _ => Ok(value.clone()),
    }
}

/// The values that columns give a row where it says nothing.
pub(super) fn defaults(list: &List, fields: &mut Fields) {
    for column in &list.schema.columns {
        let default = column.members.get("defaultValue");
        let Some(value) = default.and_then(|it| it.get("value")) else {
            continue;
        };
        if !fields.contains_key(&column.name) {
            // What is written as a text fits its column, or is left out.
            let value = match (kind(column), value.as_str()) {
                ("boolean", Some(text)) => json!(matches!(text, "1" | "true" | "True" | "TRUE")),
                ("number" | "currency", Some(text)) => match text.parse::<f64>() {
                    Ok(number) => json!(number),
                    Err(_) => continue,
                },
                _ => value.clone(),
            };
            fields.insert(column.name.clone(), value);
        }
    }
}

/// The types that a column may have.
const KINDS: [&str; 13] = [
    "text",
    "number",
    "choice",
    "boolean",
    "dateTime",
    "lookup",
    "personOrGroup",
    "calculated",
    "currency",
    "hyperlinkOrPicture",
    "term",
    "geolocation",
    "thumbnail",
];

/// What the name of a field ends with that holds the number of a person or a row.
pub(super) const LOOKUP: &str = "LookupId";

const LONGEST_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_columns_are_read() {
        assert!(of_sites().any(|it| it.name == "Title" && is(it, "required")));
        assert!(BUILT_IN.iter().all(|(_, it)| KINDS.contains(&kind(it))));
    }

    #[test]
    fn a_title_becomes_a_name() {
        assert_eq!(encoded("Due date"), "Due_x0020_date");
        assert_eq!(encoded("A/B"), "A_x002f_B");
    }
}
