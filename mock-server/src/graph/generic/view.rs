//! One thing at many addresses: which collection keeps what a path shows, and which of its
//! elements the path shows.
//!
//! Rows of `data/graph-views.csv`, with their sources. `*` stands for an id; `{0}` is the first.
//! `where` is `a/b=value`, `a/b` for a member that is there, or `members:userId=value` for an
//! element with such a member in a collection below it.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::mailbox::Properties;
use crate::store::{Document, Documents};

/// The part of a collection that a path shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct View {
    /// The collection that keeps the elements.
    pub(super) collection: String,
    condition: Condition,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Condition {
    Equal(Vec<String>, String),
    Present(Vec<String>),
    Below(String, String, String),
}

#[derive(Debug, Deserialize)]
struct Row {
    path: String,
    canonical: String,
    #[serde(rename = "where")]
    condition: String,
}

impl View {
    /// The view at the address of a collection or a singleton.
    pub(super) fn at(address: &str) -> Option<Self> {
        ROWS.iter().find_map(|row| {
            let ids = row.fits(address)?;
            Some(Self {
                collection: filled(&row.canonical, &ids),
                condition: Condition::parse(&filled(&row.condition, &ids)),
            })
        })
    }

    /// The id of the one element that it shows, where its address tells it.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.condition {
            Condition::Equal(path, id) if path.as_slice() == ["id"] => Some(id),
            _ => None,
        }
    }

    /// Whether it shows an element.
    pub(super) fn shows(&self, documents: &Documents, document: &Document) -> bool {
        let member = |path: &[String]| {
            let (first, rest) = path.split_first()?;
            if first == "id" {
                return Some(document.id.as_str());
            }
            let mut value = document.properties.get(first)?;
            for name in rest {
                value = value.get(name)?;
            }
            Some(value.as_str().unwrap_or(""))
        };
        match &self.condition {
            Condition::Equal(path, wanted) => member(path) == Some(wanted),
            Condition::Present(path) => member(path).is_some(),
            Condition::Below(name, with, wanted) => {
                let below = format!("{}/{}/{name}", self.collection, document.id);
                documents
                    .list(&below)
                    .any(|it| it.properties.get(with).and_then(Value::as_str) == Some(wanted))
            }
        }
    }

    /// Makes an element one that it shows.
    pub(super) fn write(&self, properties: &mut Properties) {
        let Condition::Equal(path, wanted) = &self.condition else {
            return;
        };
        let mut at = properties;
        let Some((last, before)) = path.split_last() else {
            return;
        };
        for name in before {
            let inner = at
                .entry(name.as_str())
                .or_insert_with(|| Value::Object(Properties::new()));
            if !inner.is_object() {
                *inner = Value::Object(Properties::new());
            }
            let Value::Object(inner) = inner else { return };
            at = inner;
        }
        at.insert(last.clone(), Value::String(wanted.clone()));
    }
}

impl Condition {
    fn parse(text: &str) -> Self {
        let path = |text: &str| text.split('/').map(str::to_owned).collect();
        match (text.split_once(':'), text.split_once('=')) {
            (Some((name, rest)), _) if rest.contains('=') => {
                let (with, wanted) = rest.split_once('=').unwrap_or_default();
                Self::Below(name.to_owned(), with.to_owned(), wanted.to_owned())
            }
            (_, Some((name, wanted))) => Self::Equal(path(name), wanted.to_owned()),
            _ => Self::Present(path(text)),
        }
    }
}

impl Row {
    /// The ids of an address of this form.
    fn fits<'a>(&self, address: &'a str) -> Option<Vec<&'a str>> {
        let mut ids = Vec::new();
        let mut parts = address.split('/');
        for wanted in self.path.split('/') {
            let part = parts.next()?;
            if wanted == "*" {
                ids.push(part);
            } else if wanted != part {
                return None;
            }
        }
        parts.next().is_none().then_some(ids)
    }
}

fn filled(text: &str, ids: &[&str]) -> String {
    let mut text = text.to_owned();
    for (at, id) in ids.iter().enumerate() {
        text = text.replace(&format!("{{{at}}}"), id);
    }
    text
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../../data/graph-views.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/graph-views.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_view_leads_to_a_collection_that_the_model_has() {
        for row in ROWS.iter() {
            let root = row.canonical.split('/').next().unwrap_or_default();
            let known = crate::model::Root::all().any(|it| it.name() == root);
            assert!(known, "{row:?}");
        }
    }

    #[test]
    fn a_view_shows_the_elements_that_it_writes() {
        let mut documents = Documents::default();
        let view = View::at("planner/plans/p/buckets").unwrap();
        assert_eq!(view.collection, "planner/buckets");
        let mut properties = Properties::new();
        let now = jiff::Timestamp::UNIX_EPOCH;
        documents
            .put("planner/buckets", "b", properties.clone(), now)
            .unwrap();
        view.write(&mut properties);
        assert_eq!(properties.get("planId"), Some(&json!("p")));
        documents
            .put("planner/buckets", "a", properties, now)
            .unwrap();
        let shown: Vec<&str> = documents
            .list("planner/buckets")
            .filter(|it| view.shows(&documents, it))
            .map(|it| it.id.as_str())
            .collect();
        assert_eq!(shown, ["a"]);
        assert!(View::at("planner/plans/p").is_none());
    }
}
