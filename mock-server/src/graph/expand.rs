//! `$expand` in the directory: the objects that stand in a relation to one, at most twenty.
//!
//! Source: learn.microsoft.com/graph/query-parameters, "expand parameter"; `$levels`:
//! learn.microsoft.com/graph/api/user-list-manager.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::applications::federated;
use super::call::Call;
use super::collection::selected;
use super::directory_query;
use super::error::GraphError;
use super::generic::expansion;
use super::odata::evaluate::{Field, Fields};
use super::odata::query::Expand;
use super::service_principals::assignments::{self, Whose};
use super::{grants, users};
use crate::directory::{ApplicationId, ObjectId};
use crate::mailbox::Properties;
use crate::model::Type;

/// A document with the numbers of what stands in a relation to it, which filters count:
/// `owners/$count`.
///
/// Source: learn.microsoft.com/graph/aad-advanced-queries, rows with `$count`.
pub(super) struct Related<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) of: &'a str,
    pub(super) document: &'a Value,
}

impl Fields for Related<'_> {
    fn field(&self, path: &[String]) -> Field<'_> {
        self.document.field(path)
    }

    fn elements(&self, path: &[String]) -> usize {
        let listed = self.document.elements(path);
        let ([name], 0) = (path, listed) else {
            return listed;
        };
        let named = |member: &str| self.document.get(member).and_then(Value::as_str);
        if self.of == "application" && name.eq_ignore_ascii_case("federatedIdentityCredentials") {
            let app = named("appId").and_then(|it| it.parse().ok());
            return app.map_or(0, |app| federated::documents(self.call, app).len());
        }
        let set = match self.of {
            "user" => "users",
            "application" => "applications",
            "servicePrincipal" => "servicePrincipals",
            "group" => "groups",
            "device" => "devices",
            _ => return 0,
        };
        let Some((id, of)) = named("id").zip(Type::find(self.of)) else {
            return 0;
        };
        expansion::count(self.call, &format!("{set}/{id}"), of, name)
    }
}

/// What `$expand` adds to an object of a type.
pub(super) fn all(
    call: &Call<'_>,
    of: &str,
    document: &Properties,
) -> Result<Vec<(String, Value)>, GraphError> {
    let mut found = Vec::new();
    for expand in &call.query.expand {
        let value = one(call, of, document, expand)?;
        found.extend(value.map(|value| (expand.name.clone(), value)));
    }
    Ok(found)
}

fn one(
    call: &Call<'_>,
    of: &str,
    document: &Properties,
    expand: &Expand,
) -> Result<Option<Value>, GraphError> {
    let missing = || {
        let what = format!("$expand={} of {of}", expand.name);
        GraphError::expand_not_supported(&expand.name).not_in_the_mock(what)
    };
    if expand.levels.is_some() && !(of == "user" && is(expand, "manager")) {
        return Err(missing());
    }
    if expand.has_options() {
        // Unverified: the text.
        return Err(GraphError::unsupported_query(
            "The specified query options of an expanded reference property are currently not \
             supported.",
        ));
    }
    let id: Option<ObjectId> = document
        .get("id")
        .and_then(Value::as_str)
        .and_then(|it| it.parse().ok());
    let id = id.ok_or_else(missing)?;
    let app = || -> Option<ApplicationId> { document.get("appId")?.as_str()?.parse().ok() };
    let name = expand.name.to_ascii_lowercase();
    let (element, documents) = match (of, name.as_str()) {
        ("user", "manager") => return manager(call, id, expand),
        ("user", "directreports") => ("user", users::manager::reports(call, id)),
        ("user", "approleassignments") => (
            "appRoleAssignment",
            assignments::documents(call, Whose::User(id)),
        ),
        ("user", "oauth2permissiongrants") => (grants::TYPE, grants::of_user(call, id)),
        ("application", "federatedidentitycredentials") => (
            "federatedIdentityCredential",
            federated::documents(call, app().ok_or_else(missing)?),
        ),
        ("servicePrincipal", "approleassignments") => (
            "appRoleAssignment",
            assignments::documents(call, Whose::Client(app().ok_or_else(missing)?)),
        ),
        ("servicePrincipal", "approleassignedto") => (
            "appRoleAssignment",
            assignments::documents(call, Whose::Resource(app().ok_or_else(missing)?)),
        ),
        ("servicePrincipal", "oauth2permissiongrants") => (
            grants::TYPE,
            grants::of_client(call, app().ok_or_else(missing)?),
        ),
        _ => {
            let set = match of {
                "user" => "users",
                "application" => "applications",
                "servicePrincipal" => "servicePrincipals",
                _ => return Err(missing()),
            };
            let of = Type::find(of).ok_or_else(missing)?;
            if !expansion::is_of_the_directory(set, &expand.name) {
                return Err(missing());
            }
            return expansion::of(call, &format!("{set}/{id}"), of, expand);
        }
    };
    let shown = documents
        .into_iter()
        .take(MOST)
        .map(|it| shown(call, element, it, expand));
    shown
        .collect::<Result<Vec<_>, _>>()
        .map(|it| Some(json!(it)))
}

/// The manager, with the manager's manager in it, as often as `$levels` asks for.
fn manager(call: &Call<'_>, user: ObjectId, expand: &Expand) -> Result<Option<Value>, GraphError> {
    let levels = expand.levels.unwrap_or(1);
    // Unverified: the text.
    if expand.levels.is_some() && !directory_query::is_advanced(call) {
        return Err(GraphError::unsupported_query(
            "Operator '$levels' is not supported because the required parameters might be missing. \
             Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to \
             https://aka.ms/graph-docs/advanced-queries for more information",
        ));
    }
    let mut chain = Vec::new();
    let mut seen = HashSet::from([user]);
    let mut at = user;
    while chain.len() < levels {
        let Some((next, document)) = users::manager::of(call, at) else {
            break;
        };
        // Who is in a circle stands in it once.
        if !seen.insert(next) {
            break;
        }
        chain.push(document);
        at = next;
    }
    let mut found: Option<Value> = None;
    for document in chain.into_iter().rev() {
        let mut above = shown(call, "user", document, expand)?;
        if let (Some(inner), Value::Object(map)) = (found, &mut above) {
            map.insert(expand.name.clone(), inner);
        }
        found = Some(above);
    }
    Ok(found)
}

/// An object in a relation, with its type where the relation leaves it open.
fn shown(
    call: &Call<'_>,
    of: &str,
    document: Properties,
    expand: &Expand,
) -> Result<Value, GraphError> {
    let mut document = document;
    let kind = document.shift_remove("@odata.type");
    let of = match &kind {
        Some(Value::String(kind)) => kind.trim_start_matches("#microsoft.graph."),
        _ => of,
    };
    let shown = selected(call, of, document, expand.select.as_deref())?;
    let mut found = Properties::new();
    if let Some(kind) = &kind {
        found.insert("@odata.type".to_owned(), kind.clone());
    }
    found.extend(shown);
    Ok(Value::Object(found))
}

fn is(expand: &Expand, name: &str) -> bool {
    expand.name.eq_ignore_ascii_case(name)
}

/// The most objects of a relation. Source: learn.microsoft.com/graph/query-parameters.
const MOST: usize = 20;
