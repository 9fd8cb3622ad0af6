//! A step in a line, as it could stand in a file.

use std::fmt;

use serde_json::Value;

use super::{Action, MAIN, Step};
use crate::notation::flow;

impl fmt::Display for Step {
    /// `connect: {as: alice}`; of a check only the name.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Action::Check(check) = &self.action {
            return write!(formatter, "check: {}", check.name);
        }
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else {
            return formatter.write_str(self.action.name());
        };
        let action = self.action.name();
        write!(formatter, "{action}: {}", flow(&told(&fields[action])))?;
        for (name, value) in fields.iter().filter(|it| it.0 != action) {
            write!(formatter, ", {name}: {}", flow(&told(value)))?;
        }
        Ok(())
    }
}

/// A value without what says nothing.
fn told(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(told).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| says_something(name, value))
            .map(|(name, value)| (name.clone(), told(value)))
            .collect(),
        other => other.clone(),
    }
}

fn says_something(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(members) => name != "on" || !members.is_empty(),
        Value::String(text) => name != "connection" || text != MAIN,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_in_a_line_is_read_as_the_same_step() {
        for (line, shown) in [
            ("connect: {}", "connect: {as: alice}"),
            (
                "{call: list-messages, on: second, fails: reconnect-required}",
                "call: list-messages, fails: reconnect-required, on: second",
            ),
            (
                "event: {expire-access-tokens: {user: alice}}",
                "event: {expire-access-tokens: {user: alice}}",
            ),
            (
                "fault: {on: {path: '/v1.0/*'}, do: {throttle: {retry-after: '7'}}}",
                r#"fault: {on: {path: /v1.0/*}, do: {throttle: {retry-after: "7"}}}"#,
            ),
            ("fault: {do: empty}", "fault: {do: empty}"),
            ("clear-faults: {}", "clear-faults: {}"),
            ("advance: 1h30m", "advance: 1h30m"),
            ("note: 'no'", r#"note: "no""#),
        ] {
            let step: Step = serde_saphyr::from_str(line).unwrap();
            assert_eq!(step.to_string(), shown);
            let again: Step = serde_saphyr::from_str(&format!("{{{shown}}}")).unwrap();
            assert_eq!(again, step, "{line}");
        }
    }
}
