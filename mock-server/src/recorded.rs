//! Answers of the real service, recorded in public, and how an answer of the mock is compared with
//! one of them.
//!
//! Each file of `data/recorded/` is one answer, with its source. `data/recorded/README.md` says
//! how they are written.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A recorded answer, and how to ask for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    /// Repository and path, or issue.
    pub(crate) source: String,
    /// When it was recorded.
    pub(crate) date: String,
    /// What is done before, each answered with success.
    #[serde(default)]
    pub(crate) before: Vec<Step>,
    /// What is asked.
    pub(crate) ask: Step,
    /// The answer.
    pub(crate) answer: Answer,
}

/// A request. Texts hold `{name}` for what an earlier step kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    /// Method and path: `GET /v1.0/me`.
    pub(crate) request: String,
    /// Who asks: an alias of the test's tenant, or `app` for an app itself.
    #[serde(default = "alice")]
    pub(crate) by: String,
    /// Permissions of the token.
    pub(crate) with: Vec<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Value,
    /// What of the answer is kept, by JSON pointer.
    #[serde(default)]
    pub(crate) keep: BTreeMap<String, String>,
    /// Follow `@odata.nextLink` to its end, and keep from the last page.
    #[serde(default)]
    pub(crate) to_the_end: bool,
}

/// What is compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Value,
}

fn alice() -> String {
    "alice".to_owned()
}

/// All recorded answers of a folder, by name.
pub(crate) fn all<T: serde::de::DeserializeOwned>(folder: &str) -> Vec<(String, T)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/recorded")
        .join(folder);
    let mut found: Vec<(String, T)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let recorded = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (name, recorded)
        })
        .collect();
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    assert!(
        !found.is_empty(),
        "no recorded answers in {}",
        folder.display()
    );
    found
}

/// Puts what was kept into a text.
pub(crate) fn filled(text: &str, kept: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in kept {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// Puts what was kept into the texts of a body.
pub(crate) fn filled_value(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|it| filled_value(it, kept)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), filled_value(value, kept)))
            .collect::<Map<_, _>>()
            .into(),
        Value::String(text) => filled(text, kept).into(),
        other => other.clone(),
    }
}

/// Where a found value differs from a recorded one; empty where it is the same.
pub(crate) fn differences(recorded: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", recorded, found, &mut differences);
    differences
}

fn compare(at: &str, recorded: &Value, found: &Value, differences: &mut Vec<String>) {
    let place = if at.is_empty() { "the body" } else { at };
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            for (name, value) in recorded {
                let bare = name.strip_suffix('?').unwrap_or(name);
                match found.get(bare) {
                    Some(found) => compare(&format!("{at}/{bare}"), value, found, differences),
                    None if name.ends_with('?') => {}
                    None => differences.push(format!("{place} lacks {bare}")),
                }
            }
            for (name, value) in found {
                if !recorded.contains_key(name) && !recorded.contains_key(&format!("{name}?")) {
                    differences.push(format!("{place} has {name}, which is {value}"));
                }
            }
        }
        (Value::Array(recorded), Value::Array(found)) => match recorded.as_slice() {
            [each] if found.is_empty() => {
                differences.push(format!("{place} is empty; recorded is {each}"));
            }
            [each] => {
                for (number, value) in found.iter().enumerate() {
                    compare(&format!("{at}/{number}"), each, value, differences);
                }
            }
            _ if recorded.len() == found.len() => {
                for (number, (recorded, found)) in recorded.iter().zip(found).enumerate() {
                    compare(&format!("{at}/{number}"), recorded, found, differences);
                }
            }
            _ => differences.push(format!(
                "{place} has {} elements; recorded are {}",
                found.len(),
                recorded.len()
            )),
        },
        (Value::String(pattern), found) => {
            if !fits(pattern, found) {
                differences.push(format!("{place} is {found}; recorded is {pattern}"));
            }
        }
        (recorded, found) if recorded == found => {}
        _ => differences.push(format!("{place} is {found}; recorded is {recorded}")),
    }
}

/// Whether a value fits a pattern: `{text}`, `{time}`, … stand for values of a kind.
fn fits(pattern: &str, found: &Value) -> bool {
    match pattern {
        "{any}" => true,
        "{boolean}" => found.is_boolean(),
        "{list}" => found.is_array(),
        "{number}" => found.is_number(),
        "{object}" => found.is_object(),
        _ => match (pattern.strip_suffix("?}"), found) {
            (Some(_), Value::Null) => true,
            (Some(start), Value::String(found)) => text_fits(&format!("{start}}}"), found),
            (None, Value::String(found)) => text_fits(pattern, found),
            _ => false,
        },
    }
}

fn text_fits(pattern: &str, found: &str) -> bool {
    let Some(start) = pattern.find('{') else {
        return pattern == found;
    };
    let (head, rest) = pattern.split_at(start);
    let Some(found) = found.strip_prefix(head) else {
        return false;
    };
    let Some((kind, tail)) = rest[1..].split_once('}') else {
        return pattern == found;
    };
    // The shortest value after which the rest fits.
    let lengths = found.char_indices().map(|(at, _)| at).chain([found.len()]);
    lengths
        .filter(|length| is_a(kind, &found[..*length]))
        .any(|length| text_fits(tail, &found[length..]))
}

fn is_a(kind: &str, text: &str) -> bool {
    match kind {
        "guid" => uuid::Uuid::try_parse(text).is_ok(),
        "local-time" => text.len() > 10 && text.parse::<jiff::civil::DateTime>().is_ok(),
        "fraction-time" => {
            // As the login hosts write times into texts: seven digits behind the seconds.
            text.len() == 28 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
        }
        "text" => !text.is_empty(),
        "timestamp" => {
            let bare = text.strip_suffix('Z').unwrap_or_default();
            text.len() == 20 && text.contains(' ') && bare.parse::<jiff::civil::DateTime>().is_ok()
        }
        "time" => {
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()
                || text.len() == 19 && text.parse::<jiff::civil::DateTime>().is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_single_change_is_found() {
        let recorded = json!({
            "id": "{guid}", "at": "{time}", "name": "{text?}", "link": "https://x/{text}?a={text}",
            "list": [{"kind": "one"}], "none": [], "newer?": 1,
        });
        let good = json!({
            "id": "7f1b6c1e-3b1f-4b53-9f43-5e0b7bdb7a11", "at": "2026-01-01T00:00:00Z", "name": null,
            "link": "https://x/y?a=b", "list": [{"kind": "one"}, {"kind": "one"}], "none": [],
        });
        assert_eq!(differences(&recorded, &good), Vec::<String>::new());
        for (pointer, value) in [
            ("/id", json!("7")),
            ("/at", json!("yesterday")),
            ("/name", json!(1)),
            ("/link", json!("https://x/?b=c")),
            ("/list/1/kind", json!("two")),
            ("/list", json!([])),
            ("/list/0", json!({})),
            ("/none", json!([1])),
            ("/none", Value::Null),
        ] {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(
                differences(&recorded, &changed).len(),
                1,
                "{pointer}: {changed}"
            );
        }
        let mut more = good;
        more["extra"] = json!(1);
        assert_eq!(
            differences(&recorded, &more),
            ["the body has extra, which is 1"]
        );
    }
}
