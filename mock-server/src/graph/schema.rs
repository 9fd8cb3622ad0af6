//! The types of Graph that the mock serves, and in which cloud a member exists.
//!
//! Rows of `data/graph-types.csv` and `data/graph-enums.csv`. Source:
//! microsoftgraph/msgraph-metadata, schemas v1.0-Prod, v1.0-Fairfax (both US Government
//! environments) and v1.0-Mooncake.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::GraphError;
use super::odata::parser::{Expression, Operand, Path};
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

/// Whether a member is part of the document or a link to others.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MemberKind {
    Navigation,
    Property,
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

    fn is_collection(&self) -> bool {
        self.edm_type.starts_with("Collection(")
    }
}

/// Whether the table knows a type; members of others are not checked.
pub(crate) fn is_known(of: &str) -> bool {
    TYPES.members.contains_key(of)
}

/// The member of a type in a cloud, inherited ones included; names in any case.
pub(crate) fn member(cloud: SignInCloud, of: &str, name: &str) -> Option<&'static Member> {
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

/// The member at the end of a path such as `from/emailAddress/address`; `None` where the path
/// leads through a type that the table does not have.
pub(crate) fn resolve(
    cloud: SignInCloud,
    of: &str,
    path: &[String],
) -> Result<Option<&'static Member>, GraphError> {
    let mut of = of.to_owned();
    let mut found = None;
    for name in path {
        // A cast, such as `microsoft.graph.fileAttachment/contentBytes`.
        if let Some(cast) = name.strip_prefix("microsoft.graph.") {
            cast.clone_into(&mut of);
            continue;
        }
        if !is_known(&of) {
            return Ok(None);
        }
        let member =
            member(cloud, &of, name).ok_or_else(|| GraphError::unknown_property(name, &of))?;
        member.element_type().clone_into(&mut of);
        found = Some(member);
    }
    Ok(found)
}

/// Checks that the members of an expression exist, and that literals fit them.
pub(crate) fn check(
    cloud: SignInCloud,
    of: &str,
    expression: &Expression,
) -> Result<(), GraphError> {
    Checker {
        cloud,
        of,
        variables: Vec::new(),
    }
    .check(expression)
}

struct Checker<'a> {
    cloud: SignInCloud,
    of: &'a str,
    variables: Vec<(&'a str, String)>,
}

impl<'a> Checker<'a> {
    fn check(&mut self, expression: &'a Expression) -> Result<(), GraphError> {
        match expression {
            Expression::And(left, right) | Expression::Or(left, right) => {
                self.check(left)?;
                self.check(right)
            }
            Expression::Not(inner) => self.check(inner),
            Expression::Call(_, left, right) => {
                self.operand(left)?;
                self.operand(right).map(drop)
            }
            Expression::Compare(left, _, right) => {
                let (one, other) = (self.operand(left)?, self.operand(right)?);
                comparable(one, right)?;
                comparable(other, left)
            }
            Expression::In(left, list) => {
                let member = self.operand(left)?;
                list.iter()
                    .try_for_each(|it| comparable(member, &Operand::Literal(it.clone())))
            }
            Expression::Truth(operand) => match self.operand(operand)? {
                Some(member) if member.edm_type != "Boolean" => Err(GraphError::bad_request(
                    "Invalid filter clause: the $filter expression must evaluate to a single \
                     boolean value.",
                )),
                _ => Ok(()),
            },
            Expression::Lambda {
                path,
                variable,
                body,
                ..
            } => {
                let member = self.path(path)?;
                let element = member.map_or("", Member::element_type).to_owned();
                let Some(body) = body else { return Ok(()) };
                self.variables.push((variable, element));
                self.check(body)?;
                self.variables.pop();
                Ok(())
            }
        }
    }

    fn operand(&self, operand: &Operand) -> Result<Option<&'static Member>, GraphError> {
        match operand {
            Operand::Literal(_) => Ok(None),
            Operand::Path(path) | Operand::Folded(path) => self.path(path),
        }
    }

    fn path(&self, path: &Path) -> Result<Option<&'static Member>, GraphError> {
        let first = path.0.first().map_or("", String::as_str);
        match self.variables.iter().rev().find(|(name, _)| *name == first) {
            Some((_, of)) => resolve(self.cloud, of, &path.0[1..]),
            None => resolve(self.cloud, self.of, &path.0),
        }
    }
}

/// Whether a member may be compared with an operand.
fn comparable(member: Option<&'static Member>, operand: &Operand) -> Result<(), GraphError> {
    use super::odata::parser::Literal as L;
    let (Some(member), Operand::Literal(literal)) = (member, operand) else {
        return Ok(());
    };
    let fits = match (member.edm_type.as_str(), literal) {
        (_, L::Null) => true,
        ("Boolean", literal) => matches!(literal, L::Boolean(_)),
        ("Int32", literal) => matches!(literal, L::Number(_)),
        ("DateTimeOffset", L::Text(_) | L::Boolean(_) | L::Number(_)) => false,
        ("String", literal) => !matches!(literal, L::Boolean(_) | L::Number(_)),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let found = match literal {
        L::Boolean(_) => "Boolean",
        L::DateTime(_) => "DateTimeOffset",
        L::Null => "Null",
        L::Number(_) => "Int32",
        L::Text(_) => "String",
    };
    Err(GraphError::bad_request(format!(
        "Invalid filter clause: A binary operator with incompatible types was detected. Found \
         operand types 'Edm.{}' and 'Edm.{found}' for operator kind 'Equal'.",
        member.edm_type
    )))
}

/// A body's object with members spelled as Graph does, checked against a type. Control
/// information (`@odata.…`) is dropped, except for the type of an attachment.
pub(crate) fn object(
    cloud: SignInCloud,
    of: &str,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, GraphError> {
    let mut found = Map::new();
    for (name, value) in body {
        if name.contains('@') {
            // Attachments alone are of several types.
            if name == "@odata.type" && of.ends_with("ttachment") {
                found.insert(name, value);
            }
            continue;
        }
        if !is_known(of) {
            found.insert(name, value);
            continue;
        }
        let member =
            member(cloud, of, &name).ok_or_else(|| GraphError::unknown_member(&name, of))?;
        let value = checked(cloud, member, value)?;
        found.insert(member.name.clone(), value);
    }
    Ok(found)
}

fn checked(cloud: SignInCloud, member: &Member, value: Value) -> Result<Value, GraphError> {
    if value.is_null() {
        return Ok(value);
    }
    if !member.is_collection() {
        return element(cloud, member, value);
    }
    match value {
        Value::Array(elements) => elements
            .into_iter()
            .map(|it| element(cloud, member, it))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        other => Err(wrong(member, &other)),
    }
}

fn element(cloud: SignInCloud, member: &Member, value: Value) -> Result<Value, GraphError> {
    let of = member.element_type();
    let fits = match of {
        "String" => value.is_string(),
        "Boolean" => value.is_boolean(),
        "Int32" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "DateTimeOffset" => value
            .as_str()
            .is_some_and(super::odata::evaluate::is_instant),
        "Date" => value
            .as_str()
            .is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        "Binary" => value
            .as_str()
            .is_some_and(|text| STANDARD.decode(text).is_ok()),
        _ => {
            if let Some(members) = TYPES.enums.get(of) {
                let known = value
                    .as_str()
                    .and_then(|text| members.iter().find(|it| it.eq_ignore_ascii_case(text)));
                return known
                    .map(|it| Value::String(it.clone()))
                    .ok_or_else(|| wrong(member, &value));
            }
            if !is_known(of) {
                return Ok(value);
            }
            return match value {
                Value::Object(body) => {
                    // Attachments are of a derived type, which the body names.
                    let derived = body
                        .get("@odata.type")
                        .and_then(Value::as_str)
                        .and_then(|name| name.strip_prefix("#microsoft.graph."))
                        .filter(|name| is_known(name))
                        .unwrap_or(of)
                        .to_owned();
                    object(cloud, &derived, body).map(Value::Object)
                }
                other => Err(wrong(member, &other)),
            };
        }
    };
    if fits {
        Ok(value)
    } else {
        Err(wrong(member, &value))
    }
}

fn wrong(member: &Member, found: &Value) -> GraphError {
    let expected = match member.edm_type.as_str() {
        simple @ ("String" | "Boolean" | "Int32" | "DateTimeOffset" | "Date" | "Binary") => {
            format!("Edm.{simple}")
        }
        other => format!("microsoft.graph.{other}"),
    };
    let mut shown = found.to_string();
    if shown.len() > 60 {
        let cut = shown
            .char_indices()
            .nth(57)
            .map_or(shown.len(), |(at, _)| at);
        shown.truncate(cut);
        shown.push_str("...");
    }
    GraphError::wrong_type(&member.name, &expected, shown.trim_matches('"'))
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
