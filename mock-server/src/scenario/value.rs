//! Tests of a single value.

use std::fmt;

use schemars::{JsonSchema, Schema, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a value must be. All that is said must hold. In files a plain text means `equals`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(
    rename_all = "kebab-case",
    deny_unknown_fields,
    default,
    remote = "Self"
)]
#[schemars(transform = or_text)]
pub struct ValueTest {
    /// Whether it is there at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// This text, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// One of these texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// None of these texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub none_of: Vec<String>,
    /// Has all of these in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contains: Vec<String>,
    /// Has one of these in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contains_one_of: Vec<String>,
    /// Has none of these in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Begins with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// Ends with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<String>,
    /// Characters, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// Characters, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// As words in any order, exactly these (and perhaps some of `other_words`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<String>>,
    /// As words, these among others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_words: Vec<String>,
    /// As words, none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_words: Vec<String>,
    /// Words that may be there beside those of `words`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_words: Vec<String>,
    /// Of a list: entries, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<usize>,
    /// Of a list: entries, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<usize>,
}

impl ValueTest {
    /// The value is this text.
    pub fn equal_to(text: impl Into<String>) -> Self {
        Self {
            equals: Some(text.into()),
            ..Self::default()
        }
    }
}

impl<'de> Deserialize<'de> for ValueTest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TestVisitor;
        impl<'de> Visitor<'de> for TestVisitor {
            type Value = ValueTest;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, or tests such as {present: true}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ValueTest, E> {
                Ok(ValueTest::equal_to(text))
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<ValueTest, E> {
                Ok(ValueTest::equal_to(value.to_string()))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<ValueTest, E> {
                Ok(ValueTest::equal_to(value.to_string()))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<ValueTest, E> {
                Ok(ValueTest::equal_to(value.to_string()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueTest, A::Error> {
                let test = ValueTest::deserialize(MapAccessDeserializer::new(map))?;
                if test == ValueTest::default() {
                    return Err(serde::de::Error::custom(
                        "no test given, such as present: true",
                    ));
                }
                Ok(test)
            }
        }
        deserializer.deserialize_any(TestVisitor)
    }
}

impl Serialize for ValueTest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.equals {
            Some(text) if *self == Self::equal_to(text.clone()) => serializer.serialize_str(text),
            _ => Self::serialize(self, serializer),
        }
    }
}

/// The schema of a value test: a text, number or truth value, or the map of tests.
fn or_text(schema: &mut Schema) {
    let mut fields = std::mem::take(schema);
    fields.insert("minProperties".to_owned(), 1.into());
    *schema = json_schema!({"anyOf": [{"type": ["string", "number", "boolean"]}, fields]});
}
