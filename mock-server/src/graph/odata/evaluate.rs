//! Whether an expression holds for an object, and the order of objects.
//!
//! An expression looks at single fields, so that nobody has to draw the whole document of what it
//! leaves out. Texts are compared without regard to case, as Exchange and the directory do.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use super::lexer::instant;
use super::parser::{Comparison, Expression, Function, Literal, Operand, Path};
use super::text;

/// What expressions and searches look at.
pub(crate) trait Fields {
    /// The value at a path; null where there is none.
    fn field(&self, path: &[String]) -> Field<'_>;

    /// How many elements the list at a path has: `path/$count`.
    fn elements(&self, path: &[String]) -> usize {
        elements(&self.field(path))
    }

    /// Whether a text may be anywhere in the value at a path: no only where that is certain.
    fn may_contain(&self, path: &[String], text: &str) -> bool {
        let (_, _) = (path, text);
        true
    }
}

/// The value of a field.
#[derive(Clone, Debug)]
pub(crate) enum Field<'a> {
    Bool(bool),
    /// An array or an object.
    Composite(Cow<'a, Value>),
    Null,
    Number(f64),
    Text(Cow<'a, str>),
    Time(Timestamp),
}

impl Fields for Value {
    fn field(&self, path: &[String]) -> Field<'_> {
        Field::of(value_at(self, path))
    }
}

impl<'a> Field<'a> {
    /// The field that has a value.
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => value.as_f64().map_or(Self::Null, Self::Number),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Composite(Cow::Borrowed(value)),
        }
    }

    /// The field that has a value of its own.
    pub(crate) fn owned(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Array(_) | Value::Object(_) => Self::Composite(Cow::Owned(value)),
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(value) => value.as_f64().map_or(Self::Null, Self::Number),
        }
    }

    fn count(elements: usize) -> Self {
        Self::Number(u32::try_from(elements).map_or(f64::MAX, f64::from))
    }

    fn constant(literal: &'a Literal) -> Self {
        match literal {
            Literal::Boolean(value) => Self::Bool(*value),
            Literal::DateTime(time) => Self::Time(*time),
            Literal::Null => Self::Null,
            Literal::Number(number) => Self::Number(*number),
            Literal::Text(text) => Self::Text(Cow::Borrowed(text)),
        }
    }

    /// As a text, if it is one.
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Time(time) => Some(Cow::Owned(time.to_string())),
            _ => None,
        }
    }

    /// How two values are ordered; null comes first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            _ => compare(self, other).unwrap_or(Ordering::Equal),
        }
    }
}

/// Whether the expression holds.
pub(crate) fn holds(expression: &Expression, fields: &dyn Fields) -> bool {
    Scope {
        fields,
        innermost: None,
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
    Field::of(left).order(&Field::of(right))
}

/// The object and the variables of enclosing lambdas.
#[derive(Clone, Copy)]
struct Scope<'a> {
    fields: &'a dyn Fields,
    innermost: Option<&'a Variable<'a>>,
}

/// The variable of a lambda.
struct Variable<'a> {
    name: &'a str,
    value: &'a Value,
    outer: Option<&'a Self>,
}

impl<'a> Scope<'a> {
    fn holds(self, expression: &Expression) -> bool {
        match expression {
            Expression::And(left, right) => self.holds(left) && self.holds(right),
            Expression::Or(left, right) => self.holds(left) || self.holds(right),
            Expression::Not(inner) => !self.holds(inner),
            Expression::Call(function, left, right) => {
                if !self.may_contain(left, right) {
                    return false;
                }
                let (left, right) = (self.operand(left), self.operand(right));
                let (Some(text), Some(part)) = (left.text(), right.text()) else {
                    return false;
                };
                match function {
                    Function::Contains => text::contains(&text, &part),
                    Function::EndsWith => text::ends_with(&text, &part),
                    Function::StartsWith => text::starts_with(&text, &part),
                }
            }
            Expression::Compare(left, comparison, right) => {
                let unequal = *comparison == Comparison::Equal && !self.may_contain(left, right);
                !unequal && fits(&self.operand(left), *comparison, &self.operand(right))
            }
            Expression::In(left, list) => {
                let left = self.operand(left);
                list.iter()
                    .any(|literal| fits(&left, Comparison::Equal, &Field::constant(literal)))
            }
            Expression::Truth(operand) => matches!(self.operand(operand), Field::Bool(true)),
            Expression::Lambda {
                path,
                all,
                variable,
                body,
            } => {
                let Field::Composite(elements) = self.resolve(path) else {
                    return *all;
                };
                let Value::Array(elements) = &*elements else {
                    return *all;
                };
                let Some(body) = body else {
                    return !elements.is_empty();
                };
                let holds = |value: &Value| {
                    let variable = Variable {
                        name: variable,
                        value,
                        outer: self.innermost,
                    };
                    Scope {
                        fields: self.fields,
                        innermost: Some(&variable),
                    }
                    .holds(body)
                };
                if *all {
                    elements.iter().all(holds)
                } else {
                    elements.iter().any(holds)
                }
            }
        }
    }

    /// Whether a field may contain a constant text; a look that saves most others.
    fn may_contain(self, field: &Operand, text: &Operand) -> bool {
        match (field, text) {
            (
                Operand::Path(path) | Operand::Folded(path),
                Operand::Literal(Literal::Text(text)),
            ) if self.variable(path).is_none() => {
                // Times are equal in many spellings.
                text::is_time_like(text) || self.fields.may_contain(&path.0, text)
            }
            _ => true,
        }
    }

    fn operand<'o>(self, operand: &'o Operand) -> Field<'o>
    where
        'a: 'o,
    {
        match operand {
            Operand::Literal(literal) => Field::constant(literal),
            Operand::Path(path) | Operand::Folded(path) => self.resolve(path),
        }
    }

    fn resolve(self, path: &Path) -> Field<'a> {
        match (self.variable(path), path.counted()) {
            (Some(variable), None) => Field::of(value_at(variable.value, &path.0[1..])),
            (None, None) => self.fields.field(&path.0),
            (Some(variable), Some(list)) => {
                Field::count(elements(&Field::of(value_at(variable.value, &list[1..]))))
            }
            (None, Some(list)) => Field::count(self.fields.elements(list)),
        }
    }

    /// The variable that a path begins with.
    fn variable(self, path: &Path) -> Option<&'a Variable<'a>> {
        let first = path.0.first()?;
        let mut next = self.innermost;
        while let Some(variable) = next {
            if variable.name == first {
                return Some(variable);
            }
            next = variable.outer;
        }
        None
    }
}

/// How many elements a list has; what is no list has none.
fn elements(field: &Field<'_>) -> usize {
    match field {
        Field::Composite(value) => value.as_array().map_or(0, Vec::len),
        _ => 0,
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

fn fits(left: &Field<'_>, comparison: Comparison, right: &Field<'_>) -> bool {
    let order = match (left, right) {
        (Field::Null, Field::Null) => Some(Ordering::Equal),
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
fn compare(left: &Field<'_>, right: &Field<'_>) -> Option<Ordering> {
    match (left, right) {
        (Field::Bool(left), Field::Bool(right)) => Some(left.cmp(right)),
        (Field::Number(left), Field::Number(right)) => left.partial_cmp(right),
        (Field::Time(left), Field::Time(right)) => Some(left.cmp(right)),
        _ => Some(compare_text(&left.text()?, &right.text()?)),
    }
}

fn compare_text(left: &str, right: &str) -> Ordering {
    if text::is_time_like(left) && text::is_time_like(right) {
        if let (Some(left), Some(right)) = (instant(left), instant(right)) {
            return left.cmp(&right);
        }
        // Local times, as in `start/dateTime`: with and without seconds and fraction.
        if let (Ok(left), Ok(right)) = (local(left), local(right)) {
            return left.cmp(&right);
        }
    }
    text::compare(left, right)
}

fn local(text: &str) -> Result<jiff::civil::DateTime, jiff::Error> {
    text.trim_end_matches(['Z', 'z']).parse()
}

/// Whether a text is an instant: a date, or a date with time and offset.
pub(crate) fn is_instant(text: &str) -> bool {
    instant(text).is_some()
}
