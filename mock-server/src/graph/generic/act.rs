//! What a method does at a path, before anything is looked for: what the level of a request is
//! told by, and what answers it.

use axum::http::Method;

use super::behaviour;
use super::guard;
use super::membership;
use super::route::{Route, StepKind, Suffix};
use crate::model::{Member, MemberKind, Operation, Type};

/// What a request does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Act {
    /// Counts the elements of a collection.
    Count,
    /// Creates an element.
    Create,
    /// Deletes an element, or empties a singleton.
    Delete,
    /// Tells what changed in a collection.
    Delta,
    /// Reads an element or a singleton.
    Get,
    /// Adds a link.
    Link,
    /// Writes through a navigation.
    Linked,
    /// Reads the links of a navigation.
    Links,
    /// Reads a collection.
    List,
    /// Runs an operation that follows from the state.
    Operate,
    /// Reads a member.
    Property,
    /// Replaces an element.
    Replace,
    /// Reads, writes or deletes bytes.
    Stream,
    /// Takes a link away.
    Unlink,
    /// Changes an element.
    Update,
    /// Writes a member.
    WriteProperty,
    /// Nothing that the mock does.
    Unsupported,
    /// Nothing that the service does.
    NotAllowed,
}

/// Says what a method does at a path. `link`: the last step is kept elsewhere.
pub(super) fn of(route: &Route, method: &Method, link: bool) -> Act {
    let method = method.as_str();
    if route
        .steps
        .iter()
        .any(|it| it.of.is_some_and(|of| of.name() == "drive"))
    {
        // The area of files answers what it does of drives, before.
        return Act::Unsupported;
    }
    if let Some((at, operation)) = route.operation() {
        return if at + 1 == route.steps.len() {
            let of = at
                .checked_sub(1)
                .and_then(|at| route.steps.get(at)?.actual());
            of_operation(operation, of, method, link)
        } else {
            Act::Unsupported
        };
    }
    let Some(last) = route.last() else {
        return Act::NotAllowed;
    };
    if let Some(member) = properties(route).last() {
        return of_member(*member, method, route.suffix);
    }
    let many = last.is_open_collection();
    if UNTRACKED.contains(&last.name) && link {
        return Act::Unsupported;
    }
    let documented = || guard::is_documented_by(route, method);
    match (method, route.suffix) {
        ("GET", Suffix::Count) => Act::Count,
        ("GET", Suffix::Ref) => Act::Links,
        ("POST" | "PUT", Suffix::Ref) => Act::Link,
        ("DELETE", Suffix::Ref) => Act::Unlink,
        ("GET" | "PUT", Suffix::Value) => Act::Stream,
        ("GET", Suffix::None) if many => Act::List,
        ("GET", Suffix::None) => Act::Get,
        ("POST" | "PATCH" | "PUT" | "DELETE", Suffix::None) if link => match (method, many) {
            ("POST", true) | ("PATCH" | "PUT" | "DELETE", false) => Act::Linked,
            _ if documented() => Act::Unsupported,
            _ => Act::NotAllowed,
        },
        ("POST", Suffix::None) if many => Act::Create,
        ("PATCH", Suffix::None) if !many => Act::Update,
        ("PUT", Suffix::None) if !many && documented() => Act::Replace,
        ("DELETE", Suffix::None) if !many => Act::Delete,
        _ if documented() => Act::Unsupported,
        _ => Act::NotAllowed,
    }
}

fn of_operation(operation: Operation, of: Option<Type>, method: &str, link: bool) -> Act {
    let runs = || of.is_some_and(|of| behaviour::operation(of, operation.name()).is_some());
    match (operation.name(), method) {
        (_, "GET") if operation.is_function() && runs() => Act::Operate,
        (_, "POST") if !operation.is_function() && runs() => Act::Operate,
        ("delta", "GET") if !link => Act::Delta,
        (_, "POST") if membership::answers(operation) => Act::Operate,
        _ => Act::Unsupported,
    }
}

fn of_member(member: Member, method: &str, suffix: Suffix) -> Act {
    let stream = member.type_name() == "Stream";
    match (method, suffix) {
        ("GET" | "PUT", Suffix::None | Suffix::Value) | ("DELETE", Suffix::None) if stream => {
            Act::Stream
        }
        // The commands that change a page of a notebook.
        _ if stream => Act::Unsupported,
        ("GET", Suffix::None | Suffix::Value) => Act::Property,
        ("PATCH" | "POST" | "PUT" | "DELETE", Suffix::None) => Act::WriteProperty,
        _ => Act::NotAllowed,
    }
}

/// The members of a document that a path ends with.
pub(super) fn properties(route: &Route) -> Vec<Member> {
    let mut found: Vec<Member> = route
        .steps
        .iter()
        .rev()
        .map_while(|step| match step.kind {
            StepKind::Member(member) if member.kind() == MemberKind::Property => Some(member),
            _ => None,
        })
        .collect();
    found.reverse();
    found
}

/// Navigations that the mock does not keep account of: an empty list would be made up.
const UNTRACKED: [&str; 1] = ["createdObjects"];
