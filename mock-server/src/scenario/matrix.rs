//! One file for many scenarios: its text is written out for each row of its `matrix`.
//!
//! `{matrix.NAME}` stands for the row's value. The text is written out before it is read, so that
//! each mistake is told with its place in the file.

use indexmap::IndexMap;
use schemars::{Schema, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::notation::did_you_mean;
use crate::notation::{ReadError, read};

/// A row of a matrix: the rest of the scenario's id, and the scenario's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Row {
    /// The id, from the folder of the file on.
    pub(super) name: String,
    /// The file as it would be written for this row alone.
    pub(super) text: String,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    matrix: Option<IndexMap<String, IndexMap<String, Value>>>,
}

/// The rows of a file; nothing where it has no matrix.
pub(super) fn rows(name: &str, text: &str) -> Result<Option<Vec<Row>>, ReadError> {
    let Some(block) = Block::find(text) else {
        return Ok(None);
    };
    let head: Head = read(name, text)?;
    let refuse = |problem: String, word: &str| {
        Err(ReadError::at_word(name, text, problem, word, block.first))
    };
    let Some((first, columns)) = head.matrix.as_ref().and_then(IndexMap::first) else {
        return refuse("the matrix has no rows".to_owned(), "matrix");
    };
    let mut rows = Vec::new();
    for (row, values) in head.matrix.iter().flatten() {
        let kebab = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-/".contains(it);
        if row.is_empty() || !row.chars().all(kebab) {
            let problem =
                format!("'{row}' cannot be the end of an id: small letters, digits and hyphens");
            return refuse(problem, row);
        }
        if let Some(missing) = columns.keys().find(|it| !values.contains_key(*it)) {
            let problem = format!("the row '{row}' has no '{missing}', which '{first}' has");
            return refuse(problem, row);
        }
        if let Some(strange) = values.keys().find(|it| !columns.contains_key(*it)) {
            let nearest = did_you_mean(strange, columns.keys().map(String::as_str));
            let problem =
                format!("the row '{row}' has '{strange}', which '{first}' has not{nearest}");
            return refuse(problem, row);
        }
        rows.push(Row {
            name: row.clone(),
            text: written_out(name, text, &block, values)?,
        });
    }
    let unused = columns
        .keys()
        .find(|it| !text.contains(&format!("{{matrix.{it}}}")));
    match unused {
        Some(unused) => refuse(format!("nothing uses '{{matrix.{unused}}}'"), unused),
        None => Ok(Some(rows)),
    }
}

/// The lines of the matrix.
struct Block {
    first: usize,
    end: usize,
}

impl Block {
    fn find(text: &str) -> Option<Self> {
        let first = text.lines().position(|line| {
            let rest = line.strip_prefix("matrix:");
            rest.is_some_and(|it| it.is_empty() || it.starts_with(' '))
        })?;
        let below = text.lines().skip(first + 1);
        let rows = below.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
        Some(Self {
            first,
            end: first + 1 + rows.count(),
        })
    }
}

/// The text for one row, with as many lines.
fn written_out(
    name: &str,
    text: &str,
    block: &Block,
    values: &IndexMap<String, Value>,
) -> Result<String, ReadError> {
    let mut written = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        if !(block.first..block.end).contains(&number) {
            let filled = filled(line, values).map_err(|(problem, word)| {
                ReadError::at_word(name, text, problem, &word, number)
            })?;
            written.push_str(&filled);
        }
        written.push('\n');
    }
    Ok(written)
}

/// A line with the values in it, or what is wrong and the word that it is about.
fn filled(line: &str, values: &IndexMap<String, Value>) -> Result<String, (String, String)> {
    let mut written = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(OPEN) {
        let (before, after) = rest.split_at(at);
        let Some(end) = after.find('}') else { break };
        let placeholder = &after[..=end];
        let wanted = &after[OPEN.len()..end];
        let value = values.get(wanted).ok_or_else(|| {
            let nearest = did_you_mean(wanted, values.keys().map(String::as_str));
            let problem = format!("the matrix has no '{wanted}'{nearest}");
            (problem, placeholder.to_owned())
        })?;
        let after = &after[end + 1..];
        // A whole value may be anything; within a text it is text.
        if let (Some(before), Some(after)) = (before.strip_suffix('"'), after.strip_prefix('"')) {
            written.push_str(before);
            written.push_str(&value.to_string());
            rest = after;
            continue;
        }
        written.push_str(before);
        match value {
            Value::String(text) if before.matches('"').count() % 2 == 1 => {
                let quoted = Value::from(text.as_str()).to_string();
                written.push_str(&quoted[1..quoted.len() - 1]);
            }
            Value::String(text) => written.push_str(text),
            Value::Number(_) | Value::Bool(_) => written.push_str(&value.to_string()),
            other => {
                let problem = format!(
                    "'{wanted}' is {other}, which cannot stand within a text: write \
                     \"{placeholder}\" alone"
                );
                return Err((problem, placeholder.to_owned()));
            }
        }
        rest = after;
    }
    written.push_str(rest);
    Ok(written)
}

/// What a matrix looks like, for editors.
pub(super) fn schema() -> Schema {
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "description": "A scenario for each row: its key is the id from the folder of the file on, \
                        its values stand for `{matrix.NAME}`.",
        "additionalProperties": {"type": "object"},
    })
}

/// Lets a placeholder stand in the place of each value.
pub(super) fn allow_placeholders(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                allow_placeholders(member);
                match (name.as_str(), member) {
                    ("properties", Value::Object(properties)) => {
                        properties.values_mut().for_each(allow_placeholder);
                    }
                    ("items", item) => allow_placeholder(item),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(allow_placeholders),
        _ => {}
    }
}

/// A placeholder may stand for a value, unless any text may anyway.
fn allow_placeholder(value: &mut Value) {
    let closed = ["$ref", "enum", "type", "anyOf", "oneOf"];
    let takes_any_text = value["type"] == "string"
        && !["enum", "const", "pattern", "format"]
            .iter()
            .any(|it| value.get(it).is_some());
    if takes_any_text || !closed.iter().any(|it| value.get(it).is_some()) {
        return;
    }
    let description = value
        .as_object_mut()
        .and_then(|it| it.remove("description"));
    let mut open = json!({"anyOf": [value.clone(), {"type": "string", "pattern": PLACEHOLDER}]});
    if let Some(description) = description {
        open["description"] = description;
    }
    *value = open;
}

const OPEN: &str = "{matrix.";
const PLACEHOLDER: &str = r"^\{matrix\.[a-z-]+\}$";

#[cfg(test)]
mod tests {
    use crate::scenario::{read_scenario, read_scenarios};

    const FILE: &str = r#"schema: 1
title: "A call of {matrix.operation} needs {matrix.scope}"
source: a test
auth: [own-app]
environment: [office365]
matrix:
  list-messages: {operation: list-messages, scope: Mail.Read, arguments: {top: 3}}
  # a comment
  list-events: {operation: list-events, scope: Calendars.Read, arguments: {}}
needs: ["{matrix.operation}"]
steps:
  - connect: {as: alice}
  - call: "{matrix.operation}"
    arguments: "{matrix.arguments}"
"#;

    #[test]
    fn each_row_is_a_scenario_with_its_values() {
        let all = read_scenarios("folder/file.yaml", FILE).unwrap();
        let names: Vec<_> = all.iter().map(|(row, _)| row.as_deref().unwrap()).collect();
        assert_eq!(names, ["list-messages", "list-events"]);
        let (_, first) = &all[0];
        assert_eq!(first.title, "A call of list-messages needs Mail.Read");
        assert_eq!(first.needs, ["list-messages"]);
        let call = serde_json::to_value(&first.steps[1]).unwrap();
        assert_eq!(call["arguments"]["top"], 3);
        let error = read_scenario("file.yaml", FILE).unwrap_err().to_string();
        assert!(error.contains("FILE#list-messages"), "{error}");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (right, wrong, told, line) in [
            (
                "{matrix.scope}",
                "{matrix.scopes}",
                "no 'scopes', did you mean 'scope'?",
                2,
            ),
            (
                "operation: list-events",
                "operation: list-event",
                "'list-events'",
                10,
            ),
            (
                "operation: list-events, ",
                "",
                "'list-events' has no 'operation'",
                9,
            ),
            (
                "arguments: {}}",
                "arguments: {}, scop: x}",
                "did you mean 'scope'?",
                9,
            ),
            (
                "  list-events:",
                "  List Events:",
                "cannot be the end of an id",
                9,
            ),
            (
                "arguments: \"{matrix.arguments}\"",
                "arguments: {}",
                "nothing uses '{matrix.arguments}'",
                7,
            ),
        ] {
            let error = read_scenarios("file.yaml", &FILE.replacen(right, wrong, 1)).unwrap_err();
            assert!(error.render().contains(told), "{}", error.render());
            assert_eq!(error.line, line, "{}", error.render());
        }
    }
}
