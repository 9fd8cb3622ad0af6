//! A body as the journal keeps it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::redact::{Names, Redactor};

/// A body without its secrets: JSON, a text, or only its size. Cheap to clone.
#[derive(Clone)]
pub struct Body(Arc<Value>);

impl Body {
    /// JSON. What is no JSON is kept by its size.
    pub fn of_json(json: &[u8], names: Names, redactor: &Redactor) -> Self {
        match serde_json::from_slice(json) {
            Ok(value) => redactor.json(names, value),
            Err(_) => json!({ "content_type": "application/json", "bytes": json.len() }),
        }
        .into()
    }
}

impl From<Value> for Body {
    fn from(written: Value) -> Self {
        Self(Arc::new(written))
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for Body {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Body".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{KnownSecrets, Redaction};

    #[test]
    fn what_is_no_json_is_kept_by_its_size() {
        let redactor = Redactor::new(Redaction::On, KnownSecrets::default());
        let body = Body::of_json(b"{", Names::Documents, &redactor);
        assert_eq!(
            *body,
            json!({"content_type": "application/json", "bytes": 1})
        );
    }
}
