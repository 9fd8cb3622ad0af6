//! What a request asks of a site, a list, or a row.

use crate::graph::generic::route::{Step, Suffix};

/// What is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::graph) enum Action {
    AddCopy,
    Column,
    Columns,
    CreateColumn,
    CreateList,
    CreateRow,
    CreateType,
    DeleteColumn,
    DeleteList,
    DeleteRow,
    DeleteType,
    Delta,
    Fields,
    Grant,
    Grants,
    LetIn,
    List,
    Lists,
    Operations,
    PatchColumn,
    PatchFields,
    PatchGrant,
    PatchList,
    PatchRow,
    PatchType,
    RestoreVersion,
    Row,
    Rows,
    ShutOut,
    Type,
    Types,
    Version,
    Versions,
}

/// What the steps behind a site, a drive or an item of a drive ask, where the mock does it.
pub(super) fn of(steps: &[Step], suffix: Suffix, method: &str) -> Option<Action> {
    if suffix != Suffix::None {
        return None;
    }
    let (first, rest) = steps.split_first()?;
    match first.name {
        "lists" if first.key.is_none() => rest.is_empty().then(|| by(method, LISTS))?,
        "lists" | "list" => list(rest, method),
        "listItem" => row(rest, method),
        "columns" | "contentTypes" => schema(steps, method),
        "permissions" => grants(steps, method),
        "operations" => operations(steps, method),
        _ => None,
    }
}

fn list(steps: &[Step], method: &str) -> Option<Action> {
    let Some((first, rest)) = steps.split_first() else {
        return by(method, ONE_LIST);
    };
    match first.name {
        "items" if first.key.is_some() => row(rest, method),
        "items" if rest.is_empty() => by(method, ROWS),
        "items" if rest.len() == 1 && plain(&rest[0]) == "delta" => {
            (method == "GET").then_some(Action::Delta)
        }
        "columns" | "contentTypes" => schema(steps, method),
        "permissions" => grants(steps, method),
        "operations" => operations(steps, method),
        _ => None,
    }
}

fn row(steps: &[Step], method: &str) -> Option<Action> {
    let names: Vec<&str> = steps.iter().map(plain).collect();
    let keyed = steps.first().is_some_and(|it| it.key.is_some());
    match names.as_slice() {
        [] => by(method, ONE_ROW),
        ["fields"] => by(method, FIELDS),
        ["versions"] if keyed => (method == "GET").then_some(Action::Version),
        ["versions"] => (method == "GET").then_some(Action::Versions),
        ["versions", "restoreVersion"] if keyed => {
            (method == "POST").then_some(Action::RestoreVersion)
        }
        ["permissions"] => grants(steps, method),
        _ => None,
    }
}

fn schema(steps: &[Step], method: &str) -> Option<Action> {
    let names: Vec<&str> = steps.iter().map(plain).collect();
    let keyed = steps.last().is_some_and(|it| it.key.is_some());
    match (names.as_slice(), keyed) {
        (["columns"], false) => by(method, COLUMNS),
        (["columns"], true) => by(method, ONE_COLUMN),
        (["contentTypes"], false) => by(method, TYPES),
        (["contentTypes"], true) => by(method, ONE_TYPE),
        (["contentTypes", "addCopy"], _) => (method == "POST").then_some(Action::AddCopy),
        (["contentTypes", "columns"], false) if steps[0].key.is_some() => by(method, COLUMNS),
        (["contentTypes", "columns"], true) if steps[0].key.is_some() => by(method, ONE_COLUMN),
        _ => None,
    }
}

fn grants(steps: &[Step], method: &str) -> Option<Action> {
    match steps {
        [own] if own.key.is_none() => by(method, GRANTS),
        [_] => by(method, ONE_GRANT),
        _ => None,
    }
}

fn operations(steps: &[Step], method: &str) -> Option<Action> {
    let all = steps.len() == 1 && steps[0].key.is_none();
    (all && method == "GET").then_some(Action::Operations)
}

/// A name without its namespace.
pub(super) fn plain(step: &Step) -> &'static str {
    step.name.rsplit('.').next().unwrap_or(step.name)
}

type Verbs = &'static [(&'static str, Action)];

fn by(method: &str, verbs: Verbs) -> Option<Action> {
    let mut all = verbs.iter();
    all.find(|it| it.0 == method).map(|it| it.1)
}

const LISTS: Verbs = &[("GET", Action::Lists), ("POST", Action::CreateList)];
const ONE_LIST: Verbs = &[
    ("GET", Action::List),
    ("PATCH", Action::PatchList),
    ("DELETE", Action::DeleteList),
];
const ROWS: Verbs = &[("GET", Action::Rows), ("POST", Action::CreateRow)];
const ONE_ROW: Verbs = &[
    ("GET", Action::Row),
    ("PATCH", Action::PatchRow),
    ("DELETE", Action::DeleteRow),
];
const FIELDS: Verbs = &[("GET", Action::Fields), ("PATCH", Action::PatchFields)];
const COLUMNS: Verbs = &[("GET", Action::Columns), ("POST", Action::CreateColumn)];
const ONE_COLUMN: Verbs = &[
    ("GET", Action::Column),
    ("PATCH", Action::PatchColumn),
    ("DELETE", Action::DeleteColumn),
];
const TYPES: Verbs = &[("GET", Action::Types), ("POST", Action::CreateType)];
const ONE_TYPE: Verbs = &[
    ("GET", Action::Type),
    ("PATCH", Action::PatchType),
    ("DELETE", Action::DeleteType),
];
const GRANTS: Verbs = &[("GET", Action::Grants), ("POST", Action::LetIn)];
const ONE_GRANT: Verbs = &[
    ("GET", Action::Grant),
    ("PATCH", Action::PatchGrant),
    ("DELETE", Action::ShutOut),
];
