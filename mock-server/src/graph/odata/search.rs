//! `$search`: the part of the Keyword Query Language that mail clients use.
//!
//! Words are joined by AND unless OR stands between them; `property:word` looks into one
//! property. Source: learn.microsoft.com/graph/search-query-parameter.

use serde_json::Value;

use super::evaluate::{Field, Fields};
use super::text;
use crate::graph::error::GraphError;

/// A search: one of the alternatives must fit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Search {
    alternatives: Vec<Vec<Term>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Term {
    property: Option<String>,
    text: String,
    negated: bool,
}

/// Reads a `$search`: one quoted text, or several joined by AND and OR.
pub(crate) fn parse_search(value: &str) -> Result<Search, GraphError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(GraphError::invalid_query(
            "$search",
            "a text in double quotes is expected",
        ));
    }
    // `"subject:x" OR "body:y"` and `"subject:x OR body:y"` mean the same here. A `\"` inside
    // of the quotes keeps a phrase together.
    let words = words(&value.replace("\\\"", "\u{1}"));
    let mut search = Search {
        alternatives: vec![Vec::new()],
    };
    let mut negated = false;
    for word in words {
        match word.as_str() {
            "AND" => {}
            "OR" => search.alternatives.push(Vec::new()),
            "NOT" => negated = true,
            _ => {
                let (property, text) = match word.split_once(':') {
                    Some((property, text)) if !property.is_empty() && !property.contains(' ') => {
                        (Some(property.to_ascii_lowercase()), text)
                    }
                    _ => (None, word.as_str()),
                };
                // Marks around a word do not count: python-o365 quotes twice (`"'budget'"`).
                let text = text.trim_matches(['*', '\'']).to_lowercase();
                let term = Term {
                    property,
                    text,
                    negated,
                };
                if let Some(last) = search.alternatives.last_mut() {
                    last.push(term);
                }
                negated = false;
            }
        }
    }
    search.alternatives.retain(|terms| !terms.is_empty());
    if search.alternatives.is_empty() {
        return Err(GraphError::invalid_query(
            "$search",
            "there is nothing to search for",
        ));
    }
    Ok(search)
}

fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut phrase = false;
    for letter in value.chars() {
        match letter {
            '\u{1}' => phrase = !phrase,
            '"' | '(' | ')' | ' ' | '\t' if !phrase => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

impl Search {
    /// The properties that the search names.
    pub(crate) fn properties(&self) -> impl Iterator<Item = &str> {
        self.alternatives
            .iter()
            .flatten()
            .filter_map(|term| term.property.as_deref())
    }

    /// Whether an object fits. `defaults` are looked into by words without a property;
    /// `aliases` tell which members a search property means.
    pub(crate) fn fits(
        &self,
        fields: &dyn Fields,
        defaults: &[&str],
        aliases: &[(&str, &[&str])],
    ) -> bool {
        self.alternatives.iter().any(|terms| {
            terms.iter().all(|term| {
                let mentioned_in = |name: &str| {
                    let path: Vec<String> = name.split('/').map(str::to_owned).collect();
                    fields.may_contain(&path, &term.text)
                        && mentions(&fields.field(&path), &term.text)
                };
                let found = match &term.property {
                    None => defaults.iter().any(|name| mentioned_in(name)),
                    Some(property) => match aliases.iter().find(|(alias, _)| alias == property) {
                        Some((_, members)) => members.iter().any(|name| mentioned_in(name)),
                        None => mentioned_in(property),
                    },
                };
                found != term.negated
            })
        })
    }
}

/// Whether a text occurs at the beginning of a word of a value or of its parts.
fn mentions(field: &Field<'_>, text: &str) -> bool {
    match field {
        Field::Text(found) => text::begins_a_word(found, text),
        Field::Time(found) => text::begins_a_word(&found.to_string(), text),
        Field::Bool(found) => found.to_string() == text,
        Field::Composite(value) => match &**value {
            Value::Array(elements) => elements.iter().any(|it| mentions(&Field::of(it), text)),
            Value::Object(members) => members.values().any(|it| mentions(&Field::of(it), text)),
            _ => false,
        },
        Field::Null | Field::Number(_) => false,
    }
}
