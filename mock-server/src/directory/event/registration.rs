//! The permissions that are registered on an app.

use std::collections::BTreeSet;

use super::super::{Application, RequiredResourceAccess};
use super::EventError;
use super::apply::graph;
use crate::notation::did_you_mean;
use crate::permission::{Permission, PermissionKind};

/// Delegated permissions of Graph by name.
pub(super) fn delegated(names: &[String]) -> Result<BTreeSet<String>, EventError> {
    known(names, PermissionKind::Delegated, "delegated")
}

/// Application permissions of Graph by name.
pub(super) fn application(names: &[String]) -> Result<BTreeSet<String>, EventError> {
    known(names, PermissionKind::Application, "application")
}

fn known(
    names: &[String],
    kind: PermissionKind,
    what: &str,
) -> Result<BTreeSet<String>, EventError> {
    let find = |name: &String| {
        Permission::find(name, kind)
            .map(|it| it.name.clone())
            .ok_or_else(|| {
                let all = Permission::all().iter().filter(|it| it.kind == kind);
                EventError::NotPossible(format!(
                    "Microsoft Graph has no {what} permission '{name}'{}",
                    did_you_mean(name, all.map(|it| it.name.as_str()))
                ))
            })
    };
    names.iter().map(find).collect()
}

/// Replaces what is registered of Graph, as far as it is named.
pub(super) fn register(
    app: &mut Application,
    scopes: Option<BTreeSet<String>>,
    roles: Option<BTreeSet<String>>,
) {
    let required = &mut app.required_resource_access;
    let at = required.iter().position(|it| it.resource == graph());
    let mut access = match at {
        Some(at) => required.remove(at),
        None => RequiredResourceAccess {
            resource: graph(),
            scopes: BTreeSet::new(),
            roles: BTreeSet::new(),
        },
    };
    access.scopes = scopes.unwrap_or(access.scopes);
    access.roles = roles.unwrap_or(access.roles);
    if !(access.scopes.is_empty() && access.roles.is_empty()) {
        required.insert(at.unwrap_or(required.len()), access);
    }
}
