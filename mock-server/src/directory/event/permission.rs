//! Permissions by name: whose they are, and what is registered of them on an app.
//!
//! `Mail.Read` is Graph's, or else Exchange's, or else that of the one API of the tenant which has
//! it. `{api}/{name}` names the API, by alias, application id or identifier URI.

use std::collections::BTreeSet;

use super::super::{Application, ApplicationId, Directory, ExposedApi, RequiredResourceAccess};
use super::{Event, EventError};
use crate::notation::{did_you_mean, nearest};
use crate::permission::{MicrosoftApi, PermissionKind};

/// Permissions by the API that has them.
pub(super) type ByApi = Vec<(ApplicationId, BTreeSet<String>)>;

impl Event {
    /// The permissions that the event names with the application id of their API.
    pub(crate) fn permissions_by_id(
        &self,
    ) -> impl Iterator<Item = (ApplicationId, &str, PermissionKind)> {
        use PermissionKind::{Application, Delegated};

        let (scopes, roles): (&[String], &[String]) = match self {
            Self::GrantConsent { scopes, .. } | Self::RequestConsent { scopes, .. } => {
                (scopes, &[])
            }
            Self::ChangePermissions { scopes, roles, .. } => (
                scopes.as_deref().unwrap_or_default(),
                roles.as_deref().unwrap_or_default(),
            ),
            Self::GrantAppRole { role, .. } => (&[], std::slice::from_ref(role)),
            _ => (&[], &[]),
        };
        let scopes = scopes.iter().map(|it| (it, Delegated));
        scopes
            .chain(roles.iter().map(|it| (it, Application)))
            .filter_map(|(text, kind)| {
                let (api, name) = text.rsplit_once('/')?;
                Some((api.parse().ok()?, name, kind))
            })
    }
}

impl Application {
    /// Whether the app's own API has a permission.
    pub(crate) fn check_permission(
        &self,
        name: &str,
        kind: PermissionKind,
    ) -> Result<String, EventError> {
        let known: Vec<&str> = self.api.iter().flat_map(|it| names_of(it, kind)).collect();
        find(&format!("API '{}'", self.alias), name, kind, &known)
    }
}

impl Directory {
    /// What names of permissions mean in this tenant.
    pub(super) fn permissions(
        &self,
        names: &[String],
        kind: PermissionKind,
    ) -> Result<ByApi, EventError> {
        let mut all = ByApi::new();
        for name in names {
            let (api, name) = self.permission(name, kind)?;
            match all.iter_mut().find(|(it, _)| *it == api) {
                Some((_, names)) => {
                    names.insert(name);
                }
                None => all.push((api, BTreeSet::from([name]))),
            }
        }
        Ok(all)
    }

    /// The API and the right spelling of a permission.
    pub(super) fn permission(
        &self,
        name: &str,
        kind: PermissionKind,
    ) -> Result<(ApplicationId, String), EventError> {
        if let Some((api, name)) = name.rsplit_once('/') {
            let api = self.api_id(api)?;
            return self.permission_of(api, name, kind).map(|it| (api, it));
        }
        for api in MicrosoftApi::ALL {
            if let Some(found) = api.find(name, kind) {
                return Ok((ApplicationId(api.application_id()), found.name.to_owned()));
            }
        }
        let own: Vec<(&Application, &str)> = self
            .applications
            .values()
            .filter_map(|app| {
                let found = names_of(app.api.as_ref()?, kind).find(|it| *it == name)?;
                Some((app, found))
            })
            .collect();
        match own.as_slice() {
            [] => Err(self.no_permission(name, kind)),
            [(app, found)] => Ok((app.app_id, (*found).to_owned())),
            several => {
                let spelled = several
                    .iter()
                    .map(|(app, it)| format!("{}/{it}", app.alias));
                let spelled: Vec<_> = spelled.collect();
                Err(EventError::UnknownPermission(format!(
                    "several APIs have the {} permission '{name}': write {}",
                    kind.word(),
                    spelled.join(" or ")
                )))
            }
        }
    }

    /// The API that an alias, an application id, an identifier URI or a name of Microsoft's means.
    fn api_id(&self, name: &str) -> Result<ApplicationId, EventError> {
        if self.environment.accepts_audience(name) {
            return Ok(ApplicationId(MicrosoftApi::Graph.application_id()));
        }
        let exchange = MicrosoftApi::Exchange.application_id();
        if name == self.environment.exchange_resource() || name.parse() == Ok(exchange) {
            return Ok(ApplicationId(exchange));
        }
        let by_uri = self.applications.values().find(|app| {
            let uris = app.api.iter().flat_map(|it| &it.identifier_uris);
            uris.into_iter().any(|uri| uri == name)
        });
        match by_uri {
            Some(app) => Ok(app.app_id),
            None => self.app_id(name),
        }
    }

    /// The right spelling of a permission of an API. Of an app that is registered elsewhere only
    /// its own directory knows the permissions.
    fn permission_of(
        &self,
        api: ApplicationId,
        name: &str,
        kind: PermissionKind,
    ) -> Result<String, EventError> {
        if let Some(microsoft) = MicrosoftApi::of(api.0) {
            let all = microsoft.permissions().iter();
            let known = all.filter(|it| it.kind == kind).map(|it| it.name);
            return find(
                microsoft.display_name(),
                name,
                kind,
                &known.collect::<Vec<_>>(),
            );
        }
        match self.applications.get(&api) {
            Some(app) => app.check_permission(name, kind),
            None => Ok(name.to_owned()),
        }
    }

    fn no_permission(&self, name: &str, kind: PermissionKind) -> EventError {
        let microsoft = MicrosoftApi::ALL
            .into_iter()
            .flat_map(MicrosoftApi::permissions)
            .filter(|it| it.kind == kind)
            .map(|it| it.name.to_owned());
        let own = self.applications.values().flat_map(|app| {
            let names = app.api.iter().flat_map(|it| names_of(it, kind));
            names.map(|it| format!("{}/{it}", app.alias))
        });
        let known: Vec<String> = microsoft.chain(own).collect();
        let known = || known.iter().map(String::as_str);
        let bare = known().filter_map(|it| it.rsplit_once('/').map(|(_, name)| name));
        let help = nearest(name, known())
            .or_else(|| {
                let near = nearest(name, bare)?;
                let ending = format!("/{near}");
                known().find(|it| it.ends_with(&ending)).map(str::to_owned)
            })
            .map_or_else(String::new, |it| format!(", did you mean '{it}'?"));
        EventError::UnknownPermission(format!(
            "there is no {} permission '{name}' of Microsoft Graph, of Exchange, or of an API in \
             tenant {}{help}",
            kind.word(),
            self.domain(),
        ))
    }
}

/// The right spelling of a permission of an API.
fn find(
    owner: &str,
    name: &str,
    kind: PermissionKind,
    known: &[&str],
) -> Result<String, EventError> {
    if let Some(found) = known.iter().find(|it| it.eq_ignore_ascii_case(name)) {
        return Ok((*found).to_owned());
    }
    let help = did_you_mean(name, known.iter().copied());
    let has = if !help.is_empty() || known.len() > LISTED {
        String::new()
    } else if known.is_empty() {
        ", and none of the kind".to_owned()
    } else {
        format!(", but {}", known.join(", "))
    };
    Err(EventError::UnknownPermission(format!(
        "{owner} has no {} permission '{name}'{help}{has}",
        kind.word()
    )))
}

/// The permissions of a kind that an app's own API has.
fn names_of(api: &ExposedApi, kind: PermissionKind) -> impl Iterator<Item = &str> {
    let (scopes, roles) = match kind {
        PermissionKind::Delegated => (api.scopes.as_slice(), [].as_slice()),
        PermissionKind::Application => ([].as_slice(), api.roles.as_slice()),
    };
    let scopes = scopes
        .iter()
        .filter(|it| it.enabled)
        .map(|it| it.value.as_str());
    let roles = roles.iter().filter(|it| it.enabled && it.is_for_apps());
    scopes.chain(roles.map(|it| it.value.as_str()))
}

/// Replaces what is registered on an app of a kind: of Graph, and of the APIs that are named.
/// Returns whether it was something else.
pub(super) fn register(app: &mut Application, kind: PermissionKind, wanted: ByApi) -> bool {
    let required = &mut app.required_resource_access;
    let before = registered(required, kind);
    let graph = MicrosoftApi::Graph.application_id();
    for access in required.iter_mut() {
        let api = access.resource;
        if api.0 == graph || wanted.iter().any(|(it, _)| *it == api) {
            names_in(access, kind).clear();
        }
    }
    for (api, names) in wanted {
        let at = required.iter().position(|it| it.resource == api);
        let at = at.unwrap_or_else(|| {
            required.push(RequiredResourceAccess {
                resource: api,
                scopes: BTreeSet::new(),
                roles: BTreeSet::new(),
            });
            required.len() - 1
        });
        names_in(&mut required[at], kind).extend(names);
    }
    required.retain(|it| !(it.scopes.is_empty() && it.roles.is_empty()));
    registered(required, kind) != before
}

fn names_in(access: &mut RequiredResourceAccess, kind: PermissionKind) -> &mut BTreeSet<String> {
    match kind {
        PermissionKind::Delegated => &mut access.scopes,
        PermissionKind::Application => &mut access.roles,
    }
}

fn registered(
    required: &[RequiredResourceAccess],
    kind: PermissionKind,
) -> BTreeSet<(ApplicationId, String)> {
    let of = |it: &RequiredResourceAccess| {
        let names = match kind {
            PermissionKind::Delegated => it.scopes.clone(),
            PermissionKind::Application => it.roles.clone(),
        };
        let api = it.resource;
        names
            .into_iter()
            .map(move |name| (api, name))
            .collect::<Vec<_>>()
    };
    required.iter().flat_map(of).collect()
}

/// So many names are listed where none is near.
const LISTED: usize = 12;
