//! Whether the query options of a request fit the type that is asked for.
//!
//! The texts are those of the OData library that the service is built on: OData/odata.net,
//! src/Microsoft.OData.Core, resources `MetadataBinder_*`, `Binder_*` and `FunctionCallBinder_*`.

use super::{Member, MemberKind, enumeration, is_known, member};
use crate::environment::SignInCloud;
use crate::graph::error::GraphError;
use crate::graph::odata::parser::{Comparison, Expression, Function, Literal, Operand, Path};

/// Why an option does not fit a type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Misfit {
    /// A literal that is no member of an enumeration.
    #[error("The string '{0}' is not a valid enumeration type constant.")]
    EnumMember(String),
    /// A function of texts over something else.
    #[error(
        "No function signature for the function with name '{0}' matches the specified arguments. \
         The function signatures considered are: {0}(Edm.String Nullable=true, Edm.String \
         Nullable=true)."
    )]
    Function(&'static str),
    /// `$count` of something that is no list.
    #[error("A $count segment may only follow a collection.")]
    NoCount,
    /// `any` or `all` over something that is no list.
    #[error("Any/All may only be used following a collection.")]
    NoCollection,
    /// Operands that can't be compared.
    #[error(
        "A binary operator with incompatible types was detected. Found operand types '{left}' and \
         '{right}' for operator kind '{operator}'."
    )]
    Operands {
        left: String,
        right: String,
        operator: &'static str,
    },
    /// A sort order that is no single value.
    #[error("The $orderby expression must evaluate to a single value of primitive type.")]
    Order,
    /// A step into the elements of a list.
    #[error(
        "The parent value for a property access of a property '{0}' is not a single value. \
         Property access can only be applied to a single value."
    )]
    Single(String),
    /// A filter that is neither true nor false.
    #[error("The $filter expression must evaluate to a single boolean value.")]
    Truth,
    /// A member that the type does not have.
    #[error("Could not find a property named '{name}' on type 'microsoft.graph.{of}'.")]
    Unknown { name: String, of: String },
}

impl From<Misfit> for GraphError {
    /// As the directory refuses it.
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Unknown { name, of } => Self::unknown_property(&name, &of),
            other => Self::bad_request(format!("Invalid filter clause: {other}")),
        }
    }
}

/// The member at the end of a path such as `from/emailAddress/address`; `None` where the path
/// leads through a type that the table does not have.
fn resolve(cloud: SignInCloud, of: &str, path: &[String]) -> Result<Option<Member>, Misfit> {
    let mut of = of.to_owned();
    let mut found: Option<Member> = None;
    for name in path {
        // A cast, such as `microsoft.graph.fileAttachment/contentBytes`.
        if let Some(cast) = name.strip_prefix("microsoft.graph.") {
            cast.clone_into(&mut of);
            continue;
        }
        if found.is_some_and(Member::is_collection) {
            return Err(Misfit::Single(name.clone()));
        }
        if !is_known(&of) {
            return Ok(None);
        }
        let member = member(cloud, &of, name).ok_or_else(|| Misfit::Unknown {
            name: name.clone(),
            of: of.clone(),
        })?;
        member.element_type().clone_into(&mut of);
        found = Some(member);
    }
    Ok(found)
}

/// Checks what `$orderby` names.
pub(crate) fn order_by(cloud: SignInCloud, of: &str, path: &[String]) -> Result<(), Misfit> {
    match resolve(cloud, of, path)? {
        Some(member) if member.is_collection() || is_known(member.element_type()) => {
            Err(Misfit::Order)
        }
        _ => Ok(()),
    }
}

/// Checks that the members of an expression exist, and that literals fit them.
pub(crate) fn check(cloud: SignInCloud, of: &str, expression: &Expression) -> Result<(), Misfit> {
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

/// What is known of an operand.
enum Known {
    /// A value of a primitive type or an enumeration; the type.
    Value(String),
    /// An object or a list; the type.
    Structure(String),
    /// Nothing.
    Nothing,
}

impl<'a> Checker<'a> {
    fn check(&mut self, expression: &'a Expression) -> Result<(), Misfit> {
        match expression {
            Expression::And(left, right) | Expression::Or(left, right) => {
                self.check(left)?;
                self.check(right)
            }
            Expression::Not(inner) => self.check(inner),
            Expression::Call(function, left, right) => {
                let name = match function {
                    Function::Contains => "contains",
                    Function::EndsWith => "endswith",
                    Function::StartsWith => "startswith",
                };
                for operand in [left, right] {
                    match (self.operand(operand)?, operand) {
                        (Known::Value(of), _) if of != "String" => {
                            return Err(Misfit::Function(name));
                        }
                        (Known::Structure(_), _) => return Err(Misfit::Function(name)),
                        (_, Operand::Literal(literal)) if !matches!(literal, Literal::Text(_)) => {
                            return Err(Misfit::Function(name));
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            Expression::Compare(left, comparison, right) => {
                let (one, other) = (self.operand(left)?, self.operand(right)?);
                comparable(&one, right, *comparison)?;
                comparable(&other, left, *comparison)
            }
            Expression::In(left, list) => {
                let member = self.operand(left)?;
                list.iter().try_for_each(|it| {
                    comparable(&member, &Operand::Literal(it.clone()), Comparison::Equal)
                })
            }
            Expression::Truth(operand) => match self.operand(operand)? {
                Known::Value(of) if of != "Boolean" => Err(Misfit::Truth),
                Known::Structure(_) => Err(Misfit::Truth),
                _ => match operand {
                    Operand::Literal(Literal::Boolean(_)) | Operand::Path(_) => Ok(()),
                    _ => Err(Misfit::Truth),
                },
            },
            Expression::Lambda {
                path,
                variable,
                body,
                ..
            } => {
                let member = self.path(path)?;
                if member.is_some_and(|member| !member.is_collection()) {
                    return Err(Misfit::NoCollection);
                }
                let element = member.map_or("", Member::element_type).to_owned();
                let Some(body) = body else { return Ok(()) };
                self.variables.push((variable, element));
                self.check(body)?;
                self.variables.pop();
                Ok(())
            }
        }
    }

    fn operand(&self, operand: &Operand) -> Result<Known, Misfit> {
        let path = match operand {
            Operand::Literal(_) => return Ok(Known::Nothing),
            Operand::Path(path) | Operand::Folded(path) => path,
        };
        // A variable by itself is an element of its list.
        if let [only] = path.0.as_slice()
            && let Some((_, of)) = self.variables.iter().rev().find(|(name, _)| name == only)
        {
            return Ok(known(of));
        }
        if let Some(list) = path.counted() {
            let list = Path(list.to_vec());
            return match self.path(&list)? {
                Some(member) if !member.is_collection() => Err(Misfit::NoCount),
                _ => Ok(Known::Value("Int32".to_owned())),
            };
        }
        Ok(match self.path(path)? {
            None => Known::Nothing,
            Some(member) if member.is_collection() || member.kind == MemberKind::Navigation => {
                Known::Structure(member.edm_type())
            }
            Some(member) => known(&member.edm_type()),
        })
    }

    fn path(&self, path: &Path) -> Result<Option<Member>, Misfit> {
        let first = path.0.first().map_or("", String::as_str);
        match self.variables.iter().rev().find(|(name, _)| *name == first) {
            Some((_, of)) => resolve(self.cloud, of, &path.0[1..]),
            None => resolve(self.cloud, self.of, &path.0),
        }
    }
}

fn known(of: &str) -> Known {
    if of.is_empty() {
        Known::Nothing
    } else if is_known(of) {
        Known::Structure(of.to_owned())
    } else {
        Known::Value(of.to_owned())
    }
}

/// Whether an operand may be compared with another one.
fn comparable(one: &Known, other: &Operand, comparison: Comparison) -> Result<(), Misfit> {
    use Literal as L;
    let Operand::Literal(literal) = other else {
        return Ok(());
    };
    let of = match one {
        Known::Nothing => return Ok(()),
        Known::Value(of) | Known::Structure(of) => of,
    };
    if let (Some(members), L::Text(text)) = (enumeration(of), literal) {
        let is_member = members.iter().any(|it| it.eq_ignore_ascii_case(text));
        return if is_member {
            Ok(())
        } else {
            Err(Misfit::EnumMember(text.clone()))
        };
    }
    let fits = match (one, of.as_str(), literal) {
        (_, _, L::Null) => true,
        (Known::Structure(_), ..)
        | (_, "DateTimeOffset", L::Text(_) | L::Boolean(_) | L::Number(_)) => false,
        (_, "Boolean", literal) => matches!(literal, L::Boolean(_)),
        (_, "Int32", literal) => matches!(literal, L::Number(_)),
        (_, "String", literal) => !matches!(literal, L::Boolean(_) | L::Number(_)),
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
    Err(Misfit::Operands {
        left: qualified(of),
        right: qualified(found),
        operator: match comparison {
            Comparison::Equal => "Equal",
            Comparison::Greater => "GreaterThan",
            Comparison::GreaterOrEqual => "GreaterThanOrEqual",
            Comparison::Less => "LessThan",
            Comparison::LessOrEqual => "LessThanOrEqual",
            Comparison::NotEqual => "NotEqual",
        },
    })
}

/// A type with its namespace.
fn qualified(of: &str) -> String {
    let element = of
        .strip_prefix("Collection(")
        .and_then(|rest| rest.strip_suffix(')'));
    match element {
        Some(element) => format!("Collection({})", qualified(element)),
        None if is_known(of) || enumeration(of).is_some() => format!("microsoft.graph.{of}"),
        None => format!("Edm.{of}"),
    }
}
