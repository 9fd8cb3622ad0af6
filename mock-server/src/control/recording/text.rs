//! A scenario as people write it: a line for each step, short maps in braces.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Scenario;

/// The file, with what no step says in comments at its head.
pub(super) fn of(scenario: &Scenario, notes: &[String]) -> String {
    let mut text = comments(notes);
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "schema: {}\ntitle: {}\nsource: {}\nauth: [{}]\n",
        scenario.schema,
        word(&scenario.title),
        word(&scenario.source),
        scenario.auth.join(", "),
    );
    let environments = serde_json::json!(scenario.environment);
    let _ = writeln!(text, "environment: {}", flow(&environments));
    if !scenario.needs.is_empty() {
        let _ = writeln!(text, "needs: [{}]", scenario.needs.join(", "));
    }
    text.push_str(if scenario.steps.is_empty() {
        "steps: []\n"
    } else {
        "steps:\n"
    });
    for step in &scenario.steps {
        for (index, (name, value)) in step.iter().enumerate() {
            let before = if index == 0 { "  - " } else { "    " };
            let _ = writeln!(text, "{before}{name}: {}", flow(value));
        }
    }
    text
}

/// Notes as comments, a line for each, whatever clients wrote into them.
fn comments(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let lines = notes.iter().map(|note| {
        let words = note.split(|it: char| it.is_whitespace() || it.is_control());
        let words: Vec<&str> = words.filter(|it| !it.is_empty()).collect();
        format!("# - {}\n", words.join(" "))
    });
    format!("# What no step says:\n{}", lines.collect::<String>())
}

/// A value in a line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(members) => format!("{{{}}}", members_of(members).join(", ")),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => word(text),
        other => other.to_string(),
    }
}

fn members_of(members: &Map<String, Value>) -> Vec<String> {
    members
        .iter()
        .map(|(name, value)| format!("{}: {}", key(name), flow(value)))
        .collect()
}

/// The name of a member. `on` of a fault stands in all scenarios as it is.
fn key(name: &str) -> String {
    if name == "on" {
        name.to_owned()
    } else {
        word(name)
    }
}

/// A text without quotes where nobody can take it for something else; quoted as in JSON, which is
/// YAML, too, where somebody could.
fn word(text: &str) -> String {
    let starts = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/');
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./@* ".contains(it);
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let means_itself = starts
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && !special.contains(&text.to_ascii_lowercase().as_str());
    // Amounts of time begin with a digit and are plain.
    let amount = text.parse::<crate::notation::Span>().is_ok() && !text.is_empty();
    if means_itself || amount {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_step_says_stands_in_comments_whatever_it_is() {
        assert_eq!(comments(&[]), "");
        let notes = ["first".to_owned(), "a\nb: c\u{2028}d\u{85}\re".to_owned()];
        let text = comments(&notes);
        assert_eq!(text, "# What no step says:\n# - first\n# - a b: c d e\n");
        let read: Value = serde_saphyr::from_str(&format!("{text}schema: 1\n")).unwrap();
        assert_eq!(read, json!({"schema": 1}));
    }

    #[test]
    fn what_is_written_is_read_as_what_it_was() {
        let value = json!({
            "plain": ["alice", "61m", "own-app", "/v1.0/*", "a b"],
            "quoted": ["true", "No", "12", "1e3", "a: b", "{tenant.id}", "a # b", "", " x", "é", "\"", "~", "<b>"],
            "odd: name": {"number": 3, "nothing": null, "yes": true, "on": "on"},
        });
        let text = flow(&value);
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, value, "{text}");
        assert!(
            text.contains("plain: [alice, 61m, own-app, /v1.0/*, a b]"),
            "{text}"
        );
    }
}
