//! Whether an expression holds for a JSON document, and the order of documents.
//!
//! Texts are compared without regard to case, as Exchange and the directory do.

use std::cmp::Ordering;

use serde_json::Value;

pub(crate) use super::lexer::instant;
use super::parser::{Comparison, Expression, Function, Literal, Operand, Path};

/// The document and the variables of enclosing lambdas.
struct Scope<'a> {
    document: &'a Value,
    variables: Vec<(&'a str, &'a Value)>,
}

/// Whether the expression holds.
pub(crate) fn holds(expression: &Expression, document: &Value) -> bool {
    Scope {
        document,
        variables: Vec::new(),
    }
    .holds(expression)
}

/// The value at a path of a document; null where there is none.
pub(crate) fn value_at<'a>(document: &'a Value, path: &[String]) -> &'a Value {
    path.iter()
        .fold(document, |value, name| member(value, name))
}

/// How two documents are ordered by a member; null comes first.
pub(crate) fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => compare(left, right).unwrap_or(Ordering::Equal),
    }
}

impl<'a> Scope<'a> {
    fn holds(&mut self, expression: &'a Expression) -> bool {
        match expression {
            Expression::And(left, right) => self.holds(left) && self.holds(right),
            Expression::Or(left, right) => self.holds(left) || self.holds(right),
            Expression::Not(inner) => !self.holds(inner),
            Expression::Call(function, left, right) => {
                let (Value::String(text), Value::String(part)) =
                    (self.operand(left), self.operand(right))
                else {
                    return false;
                };
                let (text, part) = (text.to_lowercase(), part.to_lowercase());
                match function {
                    Function::Contains => text.contains(&part),
                    Function::EndsWith => text.ends_with(&part),
                    Function::StartsWith => text.starts_with(&part),
                }
            }
            Expression::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left), self.operand(right));
                fits(&left, *comparison, &right)
            }
            Expression::In(left, list) => {
                let left = self.operand(left);
                list.iter()
                    .any(|literal| fits(&left, Comparison::Equal, &constant(literal)))
            }
            Expression::Truth(operand) => self.operand(operand) == Value::Bool(true),
            Expression::Lambda {
                path,
                all,
                variable,
                body,
            } => {
                let Value::Array(elements) = self.resolve(path) else {
                    return *all;
                };
                let Some(body) = body else {
                    return !elements.is_empty();
                };
                let mut holds = |element| {
                    self.variables.push((variable, element));
                    let holds = self.holds(body);
                    self.variables.pop();
                    holds
                };
                if *all {
                    elements.iter().all(holds)
                } else {
                    elements.iter().any(&mut holds)
                }
            }
        }
    }

    fn operand(&self, operand: &Operand) -> Value {
        match operand {
            Operand::Literal(literal) => constant(literal),
            Operand::Path(path) | Operand::Folded(path) => self.resolve(path).clone(),
        }
    }

    fn resolve(&self, path: &Path) -> &'a Value {
        let Some((first, rest)) = path.0.split_first() else {
            return &Value::Null;
        };
        match self.variables.iter().rev().find(|(name, _)| name == first) {
            Some((_, value)) => value_at(value, rest),
            None => value_at(self.document, &path.0),
        }
    }
}

fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value
        .as_object()
        .and_then(|map| {
            map.get(name).or_else(|| {
                map.iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            })
        })
        .unwrap_or(&Value::Null)
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::DateTime(time) => Value::String(time.to_string()),
        Literal::Null => Value::Null,
        Literal::Number(number) => serde_json::json!(number),
        Literal::Text(text) => Value::String(text.clone()),
    }
}

fn fits(left: &Value, comparison: Comparison, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ => compare(left, right),
    };
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
    }
}

/// The order of two values of one kind; none for null and for different kinds.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
        (Value::String(left), Value::String(right)) => Some(compare_text(left, right)),
        _ => None,
    }
}

fn compare_text(left: &str, right: &str) -> Ordering {
    let looks_like_time = |text: &str| text.len() >= 10 && text.as_bytes()[0].is_ascii_digit();
    if looks_like_time(left) && looks_like_time(right) {
        if let (Some(left), Some(right)) = (instant(left), instant(right)) {
            return left.cmp(&right);
        }
        // Local times, as in `start/dateTime`: with and without seconds and fraction.
        if let (Ok(left), Ok(right)) = (local(left), local(right)) {
            return left.cmp(&right);
        }
    }
    left.to_lowercase().cmp(&right.to_lowercase())
}

fn local(text: &str) -> Result<jiff::civil::DateTime, jiff::Error> {
    text.trim_end_matches(['Z', 'z']).parse()
}

/// Whether a text is an instant: a date, or a date with time and offset.
pub(crate) fn is_instant(text: &str) -> bool {
    instant(text).is_some()
}
