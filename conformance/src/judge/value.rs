//! Tests of a single value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Problem;
use crate::case::ValueTest;

/// Tests a text that may be absent; `name` is for the message.
pub(super) fn test_text(name: &str, test: &ValueTest, text: Option<&str>) -> Result<(), Problem> {
    let value = text.map(|text| Value::String(text.to_owned()));
    test_value(name, test, value.as_ref())
}

/// Tests a JSON value that may be absent.
pub(super) fn test_value(
    name: &str,
    test: &ValueTest,
    found: Option<&Value>,
) -> Result<(), Problem> {
    let found = found.filter(|value| !value.is_null());
    let observed = || match found {
        None => format!("{name} is absent"),
        Some(value) => format!("{name} is {}", shown(value)),
    };
    let wrong = |wanted: String| Err(Problem::new(format!("{name} {wanted}"), observed()));
    match (test.present, found) {
        (Some(true), None) => return wrong("is there".to_owned()),
        (Some(false), Some(_)) => return wrong("is absent".to_owned()),
        _ => {}
    }
    let Some(value) = found else {
        // "none of these" is true of what is not there; the other tests need a value.
        let needs_value = ValueTest {
            present: None,
            none_of: Vec::new(),
            lacks: Vec::new(),
            without_words: Vec::new(),
            max_items: None,
            max_length: None,
            ..test.clone()
        };
        return if needs_value == ValueTest::default() {
            Ok(())
        } else {
            wrong("is there".to_owned())
        };
    };
    if let Value::Array(items) = value {
        if test.min_items.is_some_and(|least| items.len() < least) {
            return wrong(format!(
                "has at least {} entries",
                test.min_items.unwrap_or_default()
            ));
        }
        if test.max_items.is_some_and(|most| items.len() > most) {
            return wrong(format!(
                "has at most {} entries",
                test.max_items.unwrap_or_default()
            ));
        }
    } else if test.min_items.is_some() || test.max_items.is_some() {
        return wrong("is a list".to_owned());
    }
    match test_of_text(test, &plain(value)) {
        None => Ok(()),
        Some(wanted) => wrong(wanted),
    }
}

/// What the test wants and the text is not.
fn test_of_text(test: &ValueTest, text: &str) -> Option<String> {
    let quoted = |list: &[String]| {
        list.iter()
            .map(|it| format!("'{it}'"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(wanted) = test.equals.as_ref().filter(|it| *it != text) {
        return Some(format!("is '{wanted}'"));
    }
    if !test.one_of.is_empty() && !test.one_of.iter().any(|it| it == text) {
        return Some(format!("is one of {}", quoted(&test.one_of)));
    }
    if test.none_of.iter().any(|it| it == text) {
        return Some(format!("is none of {}", quoted(&test.none_of)));
    }
    if let Some(part) = test
        .contains
        .iter()
        .find(|part| !text.contains(part.as_str()))
    {
        return Some(format!("contains '{part}'"));
    }
    if !test.contains_one_of.is_empty()
        && !test
            .contains_one_of
            .iter()
            .any(|part| text.contains(part.as_str()))
    {
        return Some(format!("contains one of {}", quoted(&test.contains_one_of)));
    }
    if let Some(part) = test.lacks.iter().find(|part| text.contains(part.as_str())) {
        return Some(format!("does not contain '{part}'"));
    }
    if let Some(start) = test
        .starts_with
        .as_ref()
        .filter(|it| !text.starts_with(it.as_str()))
    {
        return Some(format!("starts with '{start}'"));
    }
    if let Some(end) = test
        .ends_with
        .as_ref()
        .filter(|it| !text.ends_with(it.as_str()))
    {
        return Some(format!("ends with '{end}'"));
    }
    let length = text.chars().count();
    if let Some(least) = test.min_length.filter(|least| length < *least) {
        return Some(format!("has at least {least} characters"));
    }
    if let Some(most) = test.max_length.filter(|most| length > *most) {
        return Some(format!("has at most {most} characters"));
    }
    let words: BTreeSet<&str> = text.split_whitespace().map(short_scope).collect();
    if let Some(wanted) = &test.words {
        // A placeholder may stand for several.
        let each = |list: &[String]| -> Vec<String> {
            let words = list.iter().flat_map(|it| it.split_whitespace());
            words.map(str::to_owned).collect()
        };
        let (wanted, others) = (each(wanted), each(&test.other_words));
        let allowed = |word: &str| wanted.iter().chain(&others).any(|it| it == word);
        let all = wanted.iter().all(|it| words.contains(it.as_str()));
        if !all || !words.iter().all(|word| allowed(word)) {
            return Some(format!("is exactly the words {}", quoted(&wanted)));
        }
    }
    let with_words = test.with_words.iter().flat_map(|it| it.split_whitespace());
    if let Some(word) = with_words.into_iter().find(|it| !words.contains(it)) {
        return Some(format!("has the word '{word}'"));
    }
    if let Some(word) = test
        .without_words
        .iter()
        .find(|it| words.contains(it.as_str()))
    {
        return Some(format!("does not have the word '{word}'"));
    }
    None
}

/// A scope may be spelled with its API: `https://graph.microsoft.com/Mail.Read` is `Mail.Read`.
fn short_scope(word: &str) -> &str {
    match word.rsplit_once('/') {
        Some((api, name)) if api.contains("://") => name,
        _ => word,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shown(value: &Value) -> String {
    let text = plain(value);
    if text.chars().count() > 200 {
        let start: String = text.chars().take(200).collect();
        return format!("'{start}…'");
    }
    format!("'{text}'")
}
