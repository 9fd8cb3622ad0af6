//! What there is to know about each event: made of the type itself, and of `data/events.csv` and
//! `data/event-parameters.csv`, which say whom it hits and whom not.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::Event;

/// An event, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventReference {
    /// The name, such as `revoke-sessions`.
    pub name: String,
    /// What happens, in a sentence or two.
    pub summary: String,
    /// What it is about, such as `Consent`.
    pub theme: &'static str,
    /// What it takes, what must be given first.
    pub parameters: Vec<EventParameter>,
    /// Whether it can end connections or make them good again.
    pub connections: bool,
    /// Whom or what it hits.
    pub hits: &'static str,
    /// Whom or what it leaves alone, where one might expect otherwise.
    pub spares: &'static str,
    /// The AADSTS codes that may follow.
    pub codes: &'static [u32],
    /// Where the service's behaviour is documented.
    pub source: &'static str,
}

/// A parameter of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventParameter {
    /// The name in files, such as `redirect_uris`.
    pub name: String,
    /// The name on the command line, such as `redirect-uris`.
    pub option: String,
    /// What it is.
    pub meaning: &'static str,
    /// Whether the event cannot happen without.
    pub required: bool,
    /// What values it takes.
    pub kind: ParameterKind,
}

/// What values a parameter takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ParameterKind {
    /// `true` or `false`.
    Flag,
    /// A list of texts.
    List,
    /// A number.
    Number,
    /// A text.
    Text,
    /// One of these words.
    Word(Vec<String>),
}

impl Event {
    /// All events, in the order of the alphabet.
    pub fn reference() -> &'static [EventReference] {
        &REFERENCE
    }
}

impl EventReference {
    /// The event with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Event::reference().iter().find(|it| it.name == name)
    }

    /// The event in an example: what must be given, as YAML on one line.
    pub fn example(&self) -> String {
        let given: Vec<String> = self
            .parameters
            .iter()
            .filter(|it| it.required)
            .map(|it| format!("{}: {}", it.name, it.example()))
            .collect();
        format!("{}: {{{}}}", self.name, given.join(", "))
    }
}

impl EventParameter {
    /// A value that fits.
    fn example(&self) -> String {
        let text = match (&self.kind, self.name.as_str()) {
            (ParameterKind::Flag, _) => "true",
            (ParameterKind::Number, _) => "3600",
            (ParameterKind::Word(words), _) => return words.last().cloned().unwrap_or_default(),
            (ParameterKind::List, "mailboxes") => "[alice]",
            (ParameterKind::List, "redirect_uris") => "[https://app.example/callback]",
            (ParameterKind::List, _) => "[Mail.Read]",
            (_, "app") => "own-app",
            (_, "to") => "alice.b@contoso.onmicrosoft.com",
            (_, "role") => "Mail.Read",
            (_, "mailbox") => "support",
            (_, "secret") => "my-secret",
            (_, "certificate") => "MIIC…",
            (_, "path") => "Reports/May.txt",
            (_, "subject") => "Budget",
            _ => "alice",
        };
        text.to_owned()
    }
}

#[derive(Deserialize)]
struct Row {
    event: String,
    theme: String,
    connections: String,
    hits: String,
    spares: String,
    codes: String,
    source: String,
}

#[derive(Deserialize)]
struct Meaning {
    parameter: String,
    meaning: String,
}

fn rows<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        // The files are part of the program; a test reads them.
        .map(|row: Result<T, _>| row.expect("the tables of events fit their types"))
        .collect()
}

static ROWS: LazyLock<Vec<(Row, Vec<u32>)>> = LazyLock::new(|| {
    let all: Vec<Row> = rows(include_str!("../../../data/events.csv"));
    all.into_iter()
        .map(|row| {
            let codes = row.codes.split(' ').filter_map(|it| it.parse().ok());
            let codes = codes.collect();
            (row, codes)
        })
        .collect()
});

static MEANINGS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let all: Vec<Meaning> = rows(include_str!("../../../data/event-parameters.csv"));
    all.into_iter()
        .map(|it| (it.parameter, it.meaning))
        .collect()
});

static REFERENCE: LazyLock<Vec<EventReference>> = LazyLock::new(|| {
    let schema = schemars::schema_for!(Event).to_value();
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut all: Vec<EventReference> = variants
        .filter_map(|variant| {
            let name = variant["required"][0].as_str()?;
            let (row, codes) = ROWS.iter().find(|(row, _)| row.event == name)?;
            Some(EventReference {
                name: name.to_owned(),
                summary: sentence(&variant["description"]),
                theme: &row.theme,
                parameters: parameters(&schema, &variant["properties"][name]),
                connections: row.connections == "yes",
                hits: &row.hits,
                spares: &row.spares,
                codes,
                source: &row.source,
            })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
});

/// A doc comment on one line.
fn sentence(description: &Value) -> String {
    description.as_str().unwrap_or_default().replace('\n', " ")
}

fn parameters(schema: &Value, fields: &Value) -> Vec<EventParameter> {
    let required: Vec<&str> = fields["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = fields["properties"].as_object().into_iter().flatten();
    let mut all: Vec<EventParameter> = properties
        .map(|(name, field)| EventParameter {
            meaning: MEANINGS.get(name).map_or("", String::as_str),
            required: required.contains(&name.as_str()),
            kind: kind(schema, field),
            option: name.replace('_', "-"),
            name: name.clone(),
        })
        .collect();
    all.sort_by_key(|it| !it.required);
    all
}

fn kind(schema: &Value, field: &Value) -> ParameterKind {
    let words = words(schema, field);
    if !words.is_empty() {
        return ParameterKind::Word(words);
    }
    let is = |kind: &str| {
        let stated = &field["type"];
        stated == kind
            || stated
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it == kind))
    };
    if is("array") {
        ParameterKind::List
    } else if is("integer") {
        ParameterKind::Number
    } else if is("boolean") {
        ParameterKind::Flag
    } else {
        ParameterKind::Text
    }
}

/// The words of a field that takes one of a few.
fn words(schema: &Value, field: &Value) -> Vec<String> {
    if let Some(path) = field["$ref"].as_str() {
        let path = path.trim_start_matches('#');
        return schema
            .pointer(path)
            .map_or_else(Vec::new, |it| words(schema, it));
    }
    let listed = field["enum"].as_array().into_iter().flatten();
    let mut all: Vec<String> = listed
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect();
    all.extend(field["const"].as_str().map(str::to_owned));
    for part in ["oneOf", "anyOf"] {
        for one in field[part].as_array().into_iter().flatten() {
            all.extend(words(schema, one));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts;

    #[test]
    fn each_event_has_a_row_and_each_row_an_event() {
        let names = Event::names();
        let rows: Vec<&str> = ROWS.iter().map(|(row, _)| row.event.as_str()).collect();
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, names);
        assert_eq!(Event::reference().len(), names.len());
    }

    #[test]
    fn everything_is_said_and_each_code_is_known() {
        for it in Event::reference() {
            assert!(!it.summary.is_empty() && !it.hits.is_empty(), "{}", it.name);
            assert!(it.source.starts_with("learn.microsoft.com/"), "{}", it.name);
            for code in it.codes {
                assert!(aadsts::Row::find(*code).is_some(), "{}: {code}", it.name);
            }
            for parameter in &it.parameters {
                assert!(
                    !parameter.meaning.is_empty(),
                    "{}: {}",
                    it.name,
                    parameter.name
                );
            }
        }
    }

    #[test]
    fn each_example_is_an_event() {
        for it in Event::reference() {
            let read = serde_saphyr::from_str::<Event>(&it.example());
            assert_eq!(read.unwrap().name(), it.name);
            // A user is what nobody said anything better for.
            for parameter in it.parameters.iter().filter(|it| it.required) {
                let is_user = parameter.name == "user";
                assert_eq!(parameter.example() == "alice", is_user, "{}", it.example());
            }
        }
    }

    #[test]
    fn parameters_have_the_kinds_of_the_type() {
        let event = EventReference::find("reset-password").unwrap();
        let kind = |name: &str| {
            let found = event.parameters.iter().find(|it| it.name == name);
            found.unwrap().kind.clone()
        };
        let words = ["admin-center", "admin-portal", "self-service"];
        assert_eq!(
            kind("by"),
            ParameterKind::Word(words.map(str::to_owned).to_vec())
        );
        assert_eq!(kind("user"), ParameterKind::Text);
        assert!(event.parameters[0].required && !event.parameters[1].required);
    }
}
