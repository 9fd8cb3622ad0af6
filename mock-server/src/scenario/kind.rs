//! Kinds of connectors: what the general words of a scenario mean for each of them.

use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::placeholder::Placeholder;
use super::tweak::WorldTweaks;

/// A kind of connectors, as `data/connector-kinds.yaml` has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConnectorKind {
    /// The document that states its scopes.
    pub source: String,
    /// What the general words for operations mean.
    operations: IndexMap<String, Meaning>,
    /// The operations and features that only connectors of this kind are asked for.
    pub special: Vec<String>,
    scope: String,
    other_scope: String,
    write_scope: String,
    role: String,
    items: String,
    page: String,
    /// Sets of delegated permissions, by name.
    scopes: IndexMap<String, Vec<String>>,
    /// Sets of application permissions, by name.
    roles: IndexMap<String, Vec<String>>,
    /// What comes to a person where something new comes.
    pub news: News,
    /// What is different from the default world.
    #[serde(default)]
    pub world: WorldTweaks,
}

/// An operation that a general word means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    is: String,
    #[serde(default)]
    arguments: IndexMap<String, Value>,
}

/// What comes to a person.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// A file, into their OneDrive.
    File,
    /// A mail, into their inbox.
    Mail,
}

/// The general words for operations, beside [`READ`](super::READ).
pub const GENERAL: [&str; 4] = ["list", "list-other", "watch", "write"];

impl ConnectorKind {
    /// All kinds by name; the first one is meant where nothing tells.
    pub fn all() -> &'static IndexMap<String, Self> {
        &KINDS
    }

    /// The kind that is meant where nothing tells.
    pub fn usual() -> &'static Self {
        &KINDS[0]
    }

    /// The kind of a connector that has these operations, if it is one of them.
    pub fn of(mut has: impl FnMut(&str) -> bool) -> Option<&'static Self> {
        KINDS.values().find(|kind| has(kind.operation("list")))
    }

    /// The operation that a word means: itself, if it is no general one.
    pub fn operation<'a>(&'a self, word: &'a str) -> &'a str {
        self.operations.get(word).map_or(word, |it| &it.is)
    }

    /// The arguments that a general word brings.
    pub fn arguments(&self, word: &str) -> impl Iterator<Item = (&String, &Value)> {
        let meaning = self.operations.get(word);
        meaning.into_iter().flat_map(|it| &it.arguments)
    }

    /// A set of delegated permissions by its name.
    pub fn scope_set(&self, name: &str) -> Option<&[String]> {
        self.scopes.get(name).map(Vec::as_slice)
    }

    /// What a connection is made with that says nothing of scopes.
    pub fn ordinary_scopes(&self) -> &[String] {
        self.scope_set("ordinary").unwrap_or_default()
    }

    /// What placeholders it fills: `{kind.scope}`, and sets as words with blanks between them.
    pub fn placeholders(&self) -> Vec<Placeholder> {
        let set = |sets: &IndexMap<String, Vec<String>>, name: &str| {
            sets.get(name).map(|it| it.join(" ")).unwrap_or_default()
        };
        [
            ("scope", self.scope.clone()),
            ("other-scope", self.other_scope.clone()),
            ("write-scope", self.write_scope.clone()),
            ("role", self.role.clone()),
            ("items", self.items.clone()),
            ("page", self.page.clone()),
            ("minimum", set(&self.scopes, "minimum")),
            ("ordinary", set(&self.scopes, "ordinary")),
            ("full", set(&self.scopes, "full")),
            ("minimum-roles", set(&self.roles, "minimum")),
            ("full-roles", set(&self.roles, "full")),
        ]
        .into_iter()
        .map(|(name, value)| Placeholder {
            name: format!("kind.{name}"),
            value,
            secret: false,
        })
        .collect()
    }
}

static KINDS: LazyLock<IndexMap<String, ConnectorKind>> = LazyLock::new(|| {
    let text = include_str!("../../data/connector-kinds.yaml");
    // The file is part of the program; a test reads it.
    serde_saphyr::from_str(text).expect("data/connector-kinds.yaml has a kind for each name")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{FEATURES, OPERATIONS};

    #[test]
    fn kinds_name_operations_and_permissions_that_exist() {
        let known = |it: &str| OPERATIONS.contains(&it) || FEATURES.contains(&it);
        for (name, kind) in ConnectorKind::all() {
            let words: Vec<&str> = kind.operations.keys().map(String::as_str).collect();
            assert_eq!(words, ["list", "list-other", "write", "watch"], "{name}");
            for word in GENERAL {
                assert!(known(kind.operation(word)), "{name}: {word}");
                assert!(kind.special.iter().any(|it| it == kind.operation(word)));
            }
            assert!(kind.special.iter().all(|it| known(it)), "{name}");
            for set in ["minimum", "ordinary", "full"] {
                let scopes = kind.scope_set(set).unwrap();
                assert!(scopes.contains(&kind.scope), "{name}: {set}");
            }
            assert!(kind.roles["minimum"].contains(&kind.role), "{name}");
        }
        assert_eq!(
            ConnectorKind::of(|it| it == "list-files").unwrap().news,
            News::File
        );
        assert!(ConnectorKind::of(|it| it == "list-teams").is_none());
    }
}
