//! The types of Graph as requests and documents meet them: Graph's model, and the few members that
//! the service writes and its metadata do not have.
//!
//! Rows of `data/graph-written-members.csv` and `data/graph-members-on-demand.csv` beside
//! [`crate::model`].

mod body;
mod query;

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::body::{object, primitive};
pub(crate) use self::query::{Misfit, check, order_by};

use crate::environment::SignInCloud;
use crate::model::{self, Enumeration, Type};

/// A member of a type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// The name as Graph writes it.
    pub(crate) name: &'static str,
    /// Part of the document, or a link.
    pub(crate) kind: MemberKind,
    of: &'static str,
    is_collection: bool,
}

/// Whether a member is part of the document or a link to others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MemberKind {
    Navigation,
    Property,
}

impl Member {
    /// The type of the value, or of the elements of a collection: `String`, `recipient`.
    pub(crate) fn element_type(self) -> &'static str {
        self.of
    }

    /// The type: `Collection(recipient)`.
    pub(crate) fn edm_type(self) -> String {
        if self.is_collection {
            format!("Collection({})", self.of)
        } else {
            self.of.to_owned()
        }
    }

    /// The value of a member that nobody has set.
    pub(crate) fn unset(self) -> Value {
        if self.is_collection {
            Value::Array(Vec::new())
        } else {
            Value::Null
        }
    }

    /// Whether it holds a list.
    pub(crate) fn is_collection(self) -> bool {
        self.is_collection
    }
}

impl From<model::Member> for Member {
    fn from(member: model::Member) -> Self {
        Self {
            name: member.name(),
            kind: match member.kind() {
                model::MemberKind::Property => MemberKind::Property,
                model::MemberKind::Contained | model::MemberKind::Navigation => {
                    MemberKind::Navigation
                }
            },
            of: member.type_name(),
            is_collection: member.is_collection(),
        }
    }
}

/// Whether there is a complex or entity type of this name.
pub(crate) fn is_known(of: &str) -> bool {
    Type::find(of).is_some()
}

/// Whether documents of a type may have a member that it does not name. Of entities only
/// extension properties are taken: the metadata call many open that the services do not.
/// Source: microsoftgraph/msgraph-sdk-python#313, a refused member of a message.
pub(crate) fn is_open(of: &str, name: &str) -> bool {
    Type::find(of).is_some_and(|it| {
        let free = matches!(it.name(), "fieldValueSet" | "openTypeExtension");
        it.is_open() && (!it.is_entity() || free || name.starts_with("extension_"))
    })
}

/// Whether only types that are derived from it have instances.
pub(crate) fn is_abstract(of: &str) -> bool {
    Type::find(of).is_some_and(Type::is_abstract)
}

/// Whether a type is another one or derived from it.
pub(crate) fn is_a(of: &str, other: &str) -> bool {
    match (Type::find(of), Type::find(other)) {
        (Some(of), Some(other)) => of.is_a(other),
        _ => false,
    }
}

/// The members of an enumeration, if there is one of this name.
pub(crate) fn enumeration(of: &str) -> Option<Vec<&'static str>> {
    Enumeration::find(of).map(|it| it.members().collect())
}

/// A value of an enumeration as Graph spells it; several with commas where it takes several.
pub(crate) fn spelled(of: &str, text: &str) -> Option<String> {
    let enumeration = Enumeration::find(of)?;
    let one = |text: &str| {
        let mut members = enumeration.members();
        members.find(|it| it.eq_ignore_ascii_case(text.trim()))
    };
    if enumeration.is_flags() {
        let all: Option<Vec<&str>> = text.split(',').map(one).collect();
        return all.map(|it| it.join(","));
    }
    one(text).map(str::to_owned)
}

/// The member of a type in a cloud, inherited ones included; names in any case.
pub(crate) fn member(cloud: SignInCloud, of: &str, name: &str) -> Option<Member> {
    Type::find(of)?.member(name, cloud).map(Member::from)
}

/// Whether the documents of a type have a member in a cloud.
pub(crate) fn is_written(cloud: SignInCloud, of: &str, name: &str) -> bool {
    member(cloud, of, name).is_some()
        || is_open(of, name)
        || WRITTEN.iter().any(|row| row.of == of && row.member == name)
}

/// The lists that only the service writes into documents of a type.
pub(crate) fn written_lists(of: &str) -> impl Iterator<Item = &'static str> {
    let rows = WRITTEN
        .iter()
        .filter(move |row| row.of == of && row.edm_type.starts_with("Collection("));
    rows.map(|row| row.member.as_str())
}

/// Whether documents of a type show a member only where `$select` names it.
pub(crate) fn is_on_demand(of: &str, name: &str) -> bool {
    let mut rows = ON_DEMAND.iter();
    rows.any(|row| row.of == of && row.member == name)
}

/// A member of a type in a table.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "type")]
    of: String,
    member: String,
    #[serde(default)]
    edm_type: String,
}

/// Members that only the service writes: no request can name them.
static WRITTEN: LazyLock<Vec<Row>> = LazyLock::new(|| {
    // The file is part of the program; a test reads it.
    csv::Reader::from_reader(include_str!("../../data/graph-written-members.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/graph-written-members.csv fits its types"))
        .collect()
});

static ON_DEMAND: LazyLock<Vec<Row>> = LazyLock::new(|| {
    // The file is part of the program; a test reads it.
    csv::Reader::from_reader(include_str!("../../data/graph-members-on-demand.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/graph-members-on-demand.csv fits its types"))
        .collect()
});
