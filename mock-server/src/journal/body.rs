//! A body as the journal keeps it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::redact::{Names, Redactor};

/// A body without its secrets: JSON, a text, or only its size. One that is kept as it came is read,
/// and its secrets replaced, when somebody looks at it. Cheap to clone.
#[derive(Clone)]
pub struct Body(Arc<LazyLock<Value, Box<dyn FnOnce() -> Value + Send + Sync>>>);

impl Body {
    /// JSON that is read when somebody looks at it. What is no JSON is kept by its size.
    pub fn of_json(json: &[u8], names: Names, redactor: &Redactor) -> Self {
        // A copy: a slice would keep the whole buffer of its connection.
        let json: Box<[u8]> = json.into();
        let redactor = redactor.clone();
        Self::when_read(move || match serde_json::from_slice(&json) {
            Ok(value) => redactor.json(names, value),
            Err(_) => json!({ "content_type": "application/json", "bytes": json.len() }),
        })
    }

    /// Reads what is kept, so that nothing is kept as it came.
    pub fn read(self) -> Self {
        let _: &Value = &self;
        self
    }

    fn when_read(read: impl FnOnce() -> Value + Send + Sync + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(read))))
    }
}

impl From<Value> for Body {
    fn from(written: Value) -> Self {
        Self::when_read(|| written).read()
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
    fn secrets_are_replaced_when_somebody_looks_also_those_that_became_known_since() {
        let known = KnownSecrets::default();
        let redactor = Redactor::new(Redaction::On, known.clone());
        let json = br#"{"subject": "the code is ABCDEFGHJ", "n": 1}"#;
        let body = Body::of_json(json, Names::Documents, &redactor);
        known.note("ABCDEFGHJ");
        let again = body.clone();
        for text in [
            format!("{body:?}"),
            again.to_string(),
            serde_json::to_string(&body).unwrap(),
        ] {
            assert!(
                text.contains("the code is <") && !text.contains("ABCDEFGHJ"),
                "{text}"
            );
        }
        assert_eq!(body["n"], 1);
    }

    #[test]
    fn what_is_no_json_is_kept_by_its_size() {
        let redactor = Redactor::new(Redaction::On, KnownSecrets::default());
        let body = Body::of_json(b"{", Names::Documents, &redactor).read();
        assert_eq!(
            *body,
            json!({"content_type": "application/json", "bytes": 1})
        );
    }
}
