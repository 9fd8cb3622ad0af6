//! Whether a value fits its type.

use serde_json::{Map, Value};

use super::unknown;
use crate::environment::SignInCloud;
use crate::model::{Enumeration, MemberKind, Type};
use crate::notation::did_you_mean;

/// The type of an object: the one that it names, or the one of its place.
pub(super) fn actual(
    of: Type,
    members: &Map<String, Value>,
    cloud: SignInCloud,
) -> Result<Type, String> {
    let actual = match members.get("@odata.type") {
        None => of,
        Some(Value::String(name)) => Type::find(name)
            .filter(|it| it.is_a(of) && it.exists_in(cloud))
            .ok_or_else(|| {
                let name = crate::model::strip_namespace(name);
                format!(
                    "'@odata.type': '{name}' is no 'microsoft.graph.{}'{}",
                    of.name(),
                    did_you_mean(name, of.derived().map(Type::name))
                )
            })?,
        Some(other) => return Err(format!("'@odata.type': expected a text, found {other}")),
    };
    if actual.is_abstract() {
        let known: Vec<&str> = of.derived().map(Type::name).take(12).collect();
        return Err(format!(
            "'microsoft.graph.{}' is abstract: give '@odata.type', such as {}",
            actual.name(),
            known.join(", ")
        ));
    }
    Ok(actual)
}

/// Whether a type takes a member that it does not name.
pub(super) fn is_free(of: Type, name: &str) -> bool {
    let free = matches!(of.name(), "fieldValueSet" | "openTypeExtension");
    of.is_open() && (!of.is_entity() || free || name.starts_with("extension_"))
}

/// Checks a value against a type.
pub(super) fn check(
    of: &str,
    is_collection: bool,
    value: &Value,
    cloud: SignInCloud,
) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    if is_collection {
        let Value::Array(elements) = value else {
            return Err(format!("expected a list, found {value}"));
        };
        return elements
            .iter()
            .try_for_each(|it| check(of, false, it, cloud));
    }
    if let Some(enumeration) = Enumeration::find(of) {
        return member_of(enumeration, value);
    }
    if let Some(of) = Type::find(of) {
        return object(of, value, cloud);
    }
    let (fits, expected) = match of {
        "Boolean" => (value.is_boolean(), "true or false"),
        "Int16" | "Int32" | "Int64" | "Byte" | "SByte" => {
            (value.is_i64() || value.is_u64(), "a whole number")
        }
        "Double" | "Single" | "Decimal" => (value.is_number(), "a number"),
        "DateTimeOffset" => (
            value
                .as_str()
                .is_some_and(|it| it.parse::<jiff::Timestamp>().is_ok()),
            "a moment such as 2026-01-31T12:00:00Z",
        ),
        "String" | "Guid" | "Date" | "Duration" | "TimeOfDay" | "Binary" => {
            (value.is_string(), "a text")
        }
        _ => (true, ""),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("expected {expected}, found {value}"))
    }
}

fn member_of(enumeration: Enumeration, value: &Value) -> Result<(), String> {
    let Value::String(text) = value else {
        return Err(format!("expected a text, found {value}"));
    };
    let words: Vec<&str> = if enumeration.is_flags() {
        text.split(',').map(str::trim).collect()
    } else {
        vec![text]
    };
    let known = |word: &&str| {
        enumeration
            .members()
            .any(|it| it.eq_ignore_ascii_case(word))
    };
    match words.into_iter().find(|word| !known(word)) {
        None => Ok(()),
        Some(word) => {
            let near = did_you_mean(word, enumeration.members());
            let all: Vec<&str> = enumeration.members().take(12).collect();
            Err(format!("'{word}' is not one of {}{near}", all.join(", ")))
        }
    }
}

fn object(of: Type, value: &Value, cloud: SignInCloud) -> Result<(), String> {
    let Value::Object(members) = value else {
        return Err(format!(
            "expected an object of 'microsoft.graph.{}', found {value}",
            of.name()
        ));
    };
    let actual = if of.is_abstract() && !members.contains_key("@odata.type") {
        of
    } else {
        actual(of, members, cloud)?
    };
    for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('@')) {
        let Some(member) = actual.member(name, cloud) else {
            if is_free(actual, name) || actual.is_abstract() {
                continue;
            }
            return Err(unknown(actual, name, cloud));
        };
        if member.kind() == MemberKind::Property {
            check(member.type_name(), member.is_collection(), value, cloud)
                .map_err(|problem| format!("{name}: {problem}"))?;
        }
    }
    Ok(())
}
