//! Tests of a single value, and amounts of time.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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
    let fields = std::mem::take(schema);
    *schema = json_schema!({"anyOf": [{"type": ["string", "number", "boolean"]}, fields]});
}

/// An amount of time, written as `90d`, `61m`, `1h30m`, `45s`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Span(pub SignedDuration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "'{text}' is not an amount of time: write a number with d, h, m or s, such as 90d, 61m or 1h30m"
            )
        };
        let mut seconds: i64 = 0;
        let mut number = String::new();
        let mut any = false;
        for character in text.chars() {
            if character.is_ascii_digit() {
                number.push(character);
                continue;
            }
            let unit = match character {
                'd' => 86_400,
                'h' => 3_600,
                'm' => 60,
                's' => 1,
                _ => return Err(wrong()),
            };
            let count: i64 = number.parse().map_err(|_| wrong())?;
            let more = count
                .checked_mul(unit)
                .and_then(|more| seconds.checked_add(more));
            seconds = more
                .filter(|it| *it <= 100 * 366 * 86_400)
                .ok_or_else(|| format!("'{text}' is more than a hundred years"))?;
            number.clear();
            any = true;
        }
        if !any || !number.is_empty() {
            return Err(wrong());
        }
        Ok(Self(SignedDuration::from_secs(seconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_secs();
        if rest == 0 {
            return formatter.write_str("0s");
        }
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
            if rest >= seconds {
                write!(formatter, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+[dhms])+$",
            "description": "An amount of time, such as 90d, 61m, 1h30m."
        })
    }
}
