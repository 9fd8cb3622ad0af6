//! The types of Graph that the mock serves, and in which cloud a member exists.
//!
//! Rows of `data/graph-types.csv` and `data/graph-enums.csv`. Source:
//! microsoftgraph/msgraph-metadata, schemas v1.0-Prod, v1.0-Fairfax (both US Government
//! environments) and v1.0-Mooncake.

mod body;
mod query;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::body::{object, primitive};
pub(crate) use self::query::{Misfit, check, order_by};

use crate::environment::SignInCloud;

/// A member of a type.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(rename = "type")]
    of: String,
    base: String,
    /// The name as Graph writes it.
    #[serde(rename = "member")]
    pub(crate) name: String,
    /// `property` or `navigation`.
    pub(crate) kind: MemberKind,
    /// The type: `String`, `Collection(recipient)`, `importance`.
    pub(crate) edm_type: String,
    #[serde(deserialize_with = "yes")]
    global: bool,
    #[serde(deserialize_with = "yes")]
    usgov: bool,
    #[serde(deserialize_with = "yes")]
    china: bool,
}

/// Whether a member is part of the document or a link to others, or only written by the service:
/// the metadata do not have it, and no request can name it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MemberKind {
    Navigation,
    Property,
    Written,
}

impl Member {
    fn exists_in(&self, cloud: SignInCloud) -> bool {
        match cloud {
            SignInCloud::Global => self.global,
            SignInCloud::UsGov => self.usgov,
            SignInCloud::China => self.china,
        }
    }

    /// The type of the value, or of the elements of a collection.
    pub(crate) fn element_type(&self) -> &str {
        self.edm_type
            .strip_prefix("Collection(")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(&self.edm_type)
    }

    /// The value of a member that nobody has set.
    pub(crate) fn unset(&self) -> Value {
        if self.is_collection() {
            Value::Array(Vec::new())
        } else {
            Value::Null
        }
    }

    /// Whether it holds a list.
    pub(crate) fn is_collection(&self) -> bool {
        self.edm_type.starts_with("Collection(")
    }
}

/// Whether the table knows a type; members of others are not checked.
pub(crate) fn is_known(of: &str) -> bool {
    TYPES.members.contains_key(of)
}

/// Whether a type is another one or derived from it.
pub(crate) fn is_a(of: &str, other: &str) -> bool {
    let mut of = of;
    loop {
        if of == other {
            return true;
        }
        let base = TYPES.members.get(of).and_then(|it| it.first());
        match base.map(|it| it.base.as_str()).filter(|it| !it.is_empty()) {
            Some(base) => of = base,
            None => return false,
        }
    }
}

/// The members of an enumeration, if the table has it.
pub(crate) fn enumeration(of: &str) -> Option<&'static [String]> {
    TYPES.enums.get(of).map(Vec::as_slice)
}

/// The member of a type in a cloud, inherited ones included; names in any case.
pub(crate) fn member(cloud: SignInCloud, of: &str, name: &str) -> Option<&'static Member> {
    find(cloud, of, name).filter(|it| it.kind != MemberKind::Written)
}

/// Whether the documents of a type have a member in a cloud.
pub(crate) fn is_written(cloud: SignInCloud, of: &str, name: &str) -> bool {
    find(cloud, of, name).is_some()
}

fn find(cloud: SignInCloud, of: &str, name: &str) -> Option<&'static Member> {
    let mut of = of;
    loop {
        let members = TYPES.members.get(of)?;
        if let Some(found) = members
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name) && it.exists_in(cloud))
        {
            return Some(found);
        }
        of = members
            .first()
            .map(|it| it.base.as_str())
            .filter(|base| !base.is_empty())?;
    }
}

struct Types {
    members: HashMap<String, Vec<Member>>,
    enums: HashMap<String, Vec<String>>,
}

fn yes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    String::deserialize(from).map(|text| text == "yes")
}

static TYPES: LazyLock<Types> = LazyLock::new(|| {
    // The files are part of the program; a test reads them.
    let mut members: HashMap<String, Vec<Member>> = HashMap::new();
    let text = include_str!("../../data/graph-types.csv");
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let row: Member = row.expect("data/graph-types.csv fits its types");
        members.entry(row.of.clone()).or_default().push(row);
    }
    let text = include_str!("../../data/graph-enums.csv");
    let enums = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .map(|row: Result<(String, String), _>| row.expect("data/graph-enums.csv fits its types"))
        .map(|(name, list)| (name, list.split(' ').map(str::to_owned).collect()))
        .collect();
    Types { members, enums }
});
