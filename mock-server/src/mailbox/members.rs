//! The members of an item, as the text of a JSON object in which each is found without reading the
//! others.

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Properties;

/// The members of a JSON object.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    text: Box<str>,
    spans: Box<[Span]>,
}

/// Where a member is.
#[derive(Clone, Copy, Debug)]
struct Span {
    name: (u32, u32),
    value: (u32, u32),
}

impl Members {
    /// The members of an object.
    pub(super) fn of(properties: &Properties) -> Self {
        // A map of JSON values can always be written, and read again.
        let text = serde_json::to_string(properties).unwrap_or_default();
        Self::read(text.into()).unwrap_or_default()
    }

    fn read(text: Box<str>) -> serde_json::Result<Self> {
        let start = text.as_ptr().addr();
        let at = |raw: &str| {
            let from = raw.as_ptr().addr() - start;
            // Requests are bounded far below that.
            let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            (place(from), place(from + raw.len()))
        };
        let spans = serde_json::from_str::<Object<'_>>(&text)?
            .0
            .into_iter()
            .map(|(name, value)| Span {
                name: at(name),
                value: at(value),
            })
            .collect();
        Ok(Self { text, spans })
    }

    /// All of them.
    pub(super) fn properties(&self) -> Properties {
        // Written by this type only.
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The JSON of one.
    pub(super) fn json(&self, name: &str) -> Option<&str> {
        // Where a name is there twice, the last counts, as it does for who reads them all.
        let mut spans = self.spans.iter().rev();
        let span = spans.find(|it| {
            let quoted = self.at(it.name).as_bytes();
            quoted.len() == name.len() + 2 && quoted[1..=name.len()] == *name.as_bytes()
        })?;
        Some(self.at(span.value))
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.json(name)?).ok()
    }

    /// The bytes of the text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    fn at(&self, (from, to): (u32, u32)) -> &str {
        self.text
            .get(from as usize..to as usize)
            .unwrap_or_default()
    }
}

/// The JSON of a member of an object, found by its name in any case without reading the others.
pub(crate) fn member_of<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let Object(members) = serde_json::from_str(json).ok()?;
    let mut named = members.into_iter().filter(|(it, _)| {
        it.get(1..it.len() - 1)
            .is_some_and(|it| it.eq_ignore_ascii_case(name))
    });
    named.next_back().map(|(_, value)| value)
}

/// The names, in quotes, and values of an object, as they are in its text.
struct Object<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<&RawValue>()? {
                    members.push((name.get(), map.next_value::<&RawValue>()?.get()));
                }
                Ok(Object(members))
            }
        }

        from.deserialize_map(Read)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.text)
            .map_err(S::Error::custom)?
            .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw: Box<RawValue> = Deserialize::deserialize(from)?;
        Self::read(raw.into()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_member_is_found_in_the_text() {
        let Value::Object(properties) = json!({
            "subject": "a \"quoted\" word", "n": [1, {"n": 2}], "": null, "na\"me": true,
        }) else {
            unreachable!()
        };
        let members = Members::of(&properties);
        assert_eq!(members.properties(), properties);
        for name in ["subject", "n", ""] {
            assert_eq!(members.get(name), properties.get(name).cloned(), "{name}");
        }
        assert_eq!(members.get("quoted"), None);
        let text = serde_json::to_string(&members).unwrap();
        assert_eq!(text, json!(properties).to_string());
        let again: Members = serde_json::from_str(&text).unwrap();
        assert_eq!(again.json("n"), Some(r#"[1,{"n":2}]"#));
        assert_eq!(member_of(r#"{"A": 1, "b": {"a": 2}}"#, "a"), Some("1"));
        assert_eq!(member_of("[]", "a"), None);
        serde_json::from_str::<Members>("[]").unwrap_err();
    }
}
