//! A scenario as people write it: a line for each step, short maps in braces.

use std::fmt::Write as _;

use super::Scenario;
use crate::notation::{flow, word};

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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
}
