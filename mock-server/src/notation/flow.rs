//! YAML's flow style, as people write it: short maps in braces, and quotes where they are needed.

use serde_json::{Map, Value};

/// A value in a line.
pub(crate) fn flow(value: &Value) -> String {
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
pub(crate) fn word(text: &str) -> String {
    let starts = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/');
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./@* ".contains(it);
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let means_itself = starts
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && !special.contains(&text.to_ascii_lowercase().as_str());
    // Amounts of time begin with a digit and are plain.
    let amount = text.parse::<super::Span>().is_ok() && !text.is_empty();
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
