//! App registrations.
//!
//! Source: learn.microsoft.com/graph/api/resources/application and its methods.

pub(super) mod credentials;
pub(super) mod documents;
mod exposed;
pub(super) mod federated;
mod identifier_uris;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::access::Actor;
use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing};
use super::error::GraphError;
use super::generic::behaviour::{Behaviour, Linking, Subject};
use super::generic::membership;
use identifier_uris::Names;

use crate::directory::{
    Application, ApplicationId, DirectoryRole, Event, ExposedApi, ObjectId, Platform, RedirectUri,
    RequiredResourceAccess,
};
use crate::mailbox::Properties;
use crate::permission::{Permission, PermissionKind};

/// `GET /applications`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::list(call, &listing(), &Documents(all(call, |_| true)))
}

/// `GET /applications/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::count(call, &listing(), &Documents(all(call, |_| true)))
}

/// `GET /applications/{id}/owners`.
pub(super) fn list_owners(call: &Call<'_>) -> Result<Reply, GraphError> {
    let of = format!("applications/{}", addressed(call)?.object_id);
    let items = membership::related(call, &of, "owners");
    let listing = Listing::of("directoryObject", "directoryObjects");
    collection::list(call, &listing, &Documents(items))
}

/// What registrations add to the generic level.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    link: Some(link),
    ..Behaviour::of("application")
}];

/// The owners of a registration stand with it: they may change it.
///
/// Source: learn.microsoft.com/graph/api/application-post-owners, /application-delete-owners.
fn link(call: &Call<'_>, app: &Subject<'_>, linking: &Linking<'_>) -> Result<bool, GraphError> {
    if linking.navigation != "owners" {
        return Ok(false);
    }
    let missing = || GraphError::resource_not_found(app.id);
    let found = call.tenant.read(|directory| {
        let mut apps = directory.applications.values();
        apps.find(|it| it.object_id.to_string() == app.id).cloned()
    });
    let found = found.ok_or_else(missing)?;
    may_link(call, &found)?;
    let owner = linking.target.split_once('/').and_then(|(set, id)| {
        let may_own = matches!(set, "users" | "servicePrincipals");
        id.parse::<ObjectId>().ok().filter(|_| may_own)
    });
    let Some(owner) = owner else {
        // Unverified: the text.
        return Err(GraphError::directory_request(
            "Only users and service principals can be owners of an application.",
        ));
    };
    let changed = call.tenant.write(|directory| {
        let stored = directory.applications.get_mut(&found.app_id)?;
        Some(if linking.adds {
            stored.owners.insert(owner)
        } else {
            stored.owners.remove(&owner)
        })
    });
    if changed.ok_or_else(missing)? {
        Ok(true)
    } else if linking.adds {
        Err(GraphError::already_linked("owners"))
    } else {
        Err(GraphError::resource_not_found(&owner.to_string()))
    }
}

/// Whether the caller may change the owners of an app: its owners may, and who may change all.
fn may_link(call: &Call<'_>, app: &Application) -> Result<(), GraphError> {
    let all = ["Application.ReadWrite.All", "Directory.ReadWrite.All"];
    let by_permission =
        matches!(call.actor, Actor::Application(_)) && all.iter().any(|it| call.actor.holds(it));
    if by_permission {
        return Ok(());
    }
    may_manage(call, app)
}

fn all(call: &Call<'_>, wanted: impl Fn(&Application) -> bool) -> Vec<Properties> {
    let apps: Vec<Application> = call.tenant.read(|directory| {
        let apps = directory.applications.values();
        apps.filter(|it| wanted(it)).cloned().collect()
    });
    apps.iter()
        .map(|app| documents::application(call, app))
        .collect()
}

fn listing() -> Listing<'static> {
    Listing {
        searched: &["displayName", "description"],
        ..Listing::of("application", "applications")
    }
}

/// `GET /applications/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = addressed(call)?;
    call.entity(
        "applications",
        "application",
        documents::application(call, &app),
    )
}

/// `POST /applications`: every member may do that, and owns the app then.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    make(call, None)
}

fn make(call: &Call<'_>, unique_name: Option<&str>) -> Result<Reply, GraphError> {
    let body = call.object("application")?;
    if body
        .get("displayName")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err(GraphError::value_required("displayName", "Application"));
    }
    let app_id = ApplicationId(call.world.random.uuid());
    let object_id = ObjectId(call.world.random.uuid());
    let mut app = Application {
        owners: caller(call).into_iter().collect(),
        ..Application::new(app_id, object_id, call.now)
    };
    Change::read(call, body)?.apply(&mut app)?;
    if let Some(name) = unique_name {
        app.profile.insert(UNIQUE_NAME.to_owned(), json!(name));
    }
    call.tenant.write(|it| it.add_application(app.clone()));
    call.world.reindex(&call.tenant);
    call.entity(
        "applications",
        "application",
        documents::application(call, &app),
    )
}

/// `PATCH /applications/{id}`, and `applications(uniqueName='…')`, which makes the app on demand.
///
/// Source: learn.microsoft.com/graph/api/application-upsert.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = match addressed(call) {
        Err(missing) if call.prefer.create_if_missing => {
            let text = call.parameters.get("application");
            let Some(name) = text.strip_prefix(BY_UNIQUE_NAME) else {
                return Err(missing);
            };
            let mut reply = make(call, Some(name))?;
            reply.status = StatusCode::CREATED;
            return Ok(reply);
        }
        found => found?,
    };
    may_manage(call, &app)?;
    let change = Change::read(call, call.object("application")?)?;
    write(call, app.app_id, |app| change.apply(app))?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /applications/{id}`: the service principal of this tenant goes, too.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    call.happen(&Event::DeleteApp {
        app: app.app_id.to_string(),
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The registration that the path names, by object id, `appId='…'` or `uniqueName='…'`.
fn addressed(call: &Call<'_>) -> Result<Application, GraphError> {
    let text = call.parameters.get("application");
    call.tenant.read(|directory| {
        let by_app = text.strip_prefix("appId=");
        let by_name = text.strip_prefix(BY_UNIQUE_NAME);
        let found = match (by_app, by_name) {
            (Some(app), _) => app
                .parse()
                .ok()
                .and_then(|id: ApplicationId| directory.applications.get(&id)),
            (_, Some(name)) => {
                let mut apps = directory.applications.values();
                apps.find(|app| app.profile.get(UNIQUE_NAME) == Some(&json!(name)))
            }
            _ => text
                .parse()
                .ok()
                .and_then(|id| directory.application_by_object_id(id)),
        };
        found
            .cloned()
            .ok_or_else(|| GraphError::resource_not_found(by_app.or(by_name).unwrap_or(text)))
    })
}

/// The registration that the path names, if the caller may change it.
fn writable(call: &Call<'_>) -> Result<Application, GraphError> {
    let app = addressed(call)?;
    may_manage(call, &app)?;
    Ok(app)
}

/// Changes a registration as it is stored at this moment, so that nothing written meanwhile is
/// lost. What is refused changes nothing. The directory is locked: `change` must not ask it.
fn write(
    call: &Call<'_>,
    id: ApplicationId,
    change: impl FnOnce(&mut Application) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    call.tenant.write(|directory| {
        let stored = directory
            .applications
            .get_mut(&id)
            .ok_or_else(|| GraphError::resource_not_found(call.parameters.get("application")))?;
        let mut changed = stored.clone();
        change(&mut changed)?;
        *stored = changed;
        Ok(())
    })
}

/// Whether the caller may change an app: its owners may, and who may change all.
pub(super) fn may_manage(call: &Call<'_>, app: &Application) -> Result<(), GraphError> {
    if caller(call).is_some_and(|it| app.owners.contains(&it)) {
        return Ok(());
    }
    may_manage_all(call)
}

/// Whether the caller may change every app.
pub(super) fn may_manage_all(call: &Call<'_>) -> Result<(), GraphError> {
    let allowed = match &call.actor {
        Actor::Application(_) => call
            .endpoint
            .application
            .iter()
            .any(|it| !it.ends_with(".OwnedBy") && call.actor.holds(it)),
        Actor::User(user, _) => call.tenant.read(|it| {
            it.user(*user).is_some_and(|it| {
                it.has_role(&[
                    DirectoryRole::ApplicationAdministrator,
                    DirectoryRole::CloudApplicationAdministrator,
                ])
            })
        }),
    };
    if allowed {
        Ok(())
    } else {
        Err(GraphError::directory_denied())
    }
}

/// The object id of the caller: the user's, or the service principal's.
fn caller(call: &Call<'_>) -> Option<ObjectId> {
    call.actor.user().or_else(|| {
        call.tenant.read(|directory| {
            directory
                .service_principal(call.client)
                .map(|it| it.object_id)
        })
    })
}

/// The members of a body, with what directories say about them.
struct Change<'a> {
    call: &'a Call<'a>,
    body: Properties,
    required_access: Vec<RequiredResourceAccess>,
    names: Names,
}

impl<'a> Change<'a> {
    fn read(call: &'a Call<'a>, body: Properties) -> Result<Self, GraphError> {
        let access = body.get("requiredResourceAccess");
        let access = access.map(|it| required_access(call, it)).transpose()?;
        Ok(Self {
            call,
            body,
            required_access: access.unwrap_or_default(),
            names: call.tenant.read(Names::of),
        })
    }

    /// Writes the members into a registration.
    fn apply(self, app: &mut Application) -> Result<(), GraphError> {
        for (name, value) in self.body {
            match name.as_str() {
                "displayName" => {
                    let text = value.as_str().filter(|it| !it.is_empty());
                    text.ok_or_else(|| invalid(&name))?
                        .clone_into(&mut app.display_name);
                }
                "signInAudience" => {
                    app.sign_in_audience =
                        serde_json::from_value(value).map_err(|_| invalid(&name))?;
                }
                "isFallbackPublicClient" => app.fallback_public_client = flag(&value),
                "isDisabled" => app.disabled = flag(&value),
                "identifierUris" => {
                    let uris = texts(&value).ok_or_else(|| invalid(&name))?;
                    let api = app.api.get_or_insert_with(ExposedApi::default);
                    // Those that are there already may stay.
                    let old = &api.identifier_uris;
                    for new in uris.iter().filter(|it| !old.contains(it)) {
                        self.names.check(app.app_id, new)?;
                    }
                    api.identifier_uris = uris;
                }
                "api" => exposed::api(self.call.cloud(), app, value)?,
                "appRoles" => exposed::roles(self.call.cloud(), app, value)?,
                "web" => web(app, value)?,
                "spa" => only_uris(app, &name, value, Platform::Spa)?,
                "publicClient" => only_uris(app, &name, value, Platform::PublicClient)?,
                "requiredResourceAccess" => {
                    app.required_resource_access
                        .clone_from(&self.required_access);
                }
                "keyCredentials" => credentials::replace_keys(self.call, app, &value)?,
                _ if KEPT.contains(&name.as_str()) => keep(&mut app.profile, name, value)?,
                _ if READ_ONLY.contains(&name.as_str()) => {
                    return Err(GraphError::read_only(&name));
                }
                _ => return Err(GraphError::not_written("Application", &name)),
            }
        }
        Ok(())
    }
}

fn web(app: &mut Application, value: Value) -> Result<(), GraphError> {
    let Value::Object(web) = value else {
        return Err(invalid("web"));
    };
    for (name, value) in web {
        match name.as_str() {
            "redirectUris" => set_uris(app, Platform::Web, &value)?,
            "logoutUrl" => app.logout_url = value.as_str().map(str::to_owned),
            "implicitGrantSettings" => {
                app.implicit_access_token = flag(&value["enableAccessTokenIssuance"]);
                app.implicit_id_token = flag(&value["enableIdTokenIssuance"]);
            }
            "homePageUrl" if value.is_null() => {
                app.profile.shift_remove(HOME_PAGE);
            }
            "homePageUrl" => {
                let page = value.as_str().filter(|it| url::Url::parse(it).is_ok());
                page.ok_or_else(|| invalid("homePageUrl"))?;
                app.profile.insert(HOME_PAGE.to_owned(), value);
            }
            // They say the same again, or nothing.
            "redirectUriSettings" => {}
            _ if value.is_null() => {}
            _ => {
                return Err(GraphError::not_written(
                    "Application",
                    &format!("web/{name}"),
                ));
            }
        }
    }
    Ok(())
}

fn only_uris(
    app: &mut Application,
    name: &str,
    value: Value,
    platform: Platform,
) -> Result<(), GraphError> {
    match value {
        Value::Object(map) if map.keys().all(|it| it == "redirectUris") => {
            match map.get("redirectUris") {
                Some(uris) => set_uris(app, platform, uris),
                None => Ok(()),
            }
        }
        _ => Err(invalid(name)),
    }
}

fn set_uris(app: &mut Application, platform: Platform, value: &Value) -> Result<(), GraphError> {
    let uris = texts(value).ok_or_else(|| invalid("redirectUris"))?;
    for uri in &uris {
        let parsed = url::Url::parse(uri).map_err(|_| invalid("redirectUris"))?;
        let loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        // Source: learn.microsoft.com/entra/identity-platform/reply-url.
        let fits = platform == Platform::PublicClient
            || parsed.scheme() == "https"
            || parsed.scheme() == "http" && loopback;
        if !fits || parsed.fragment().is_some() {
            return Err(invalid("redirectUris"));
        }
    }
    app.redirect_uris.retain(|it| it.platform != platform);
    app.redirect_uris
        .extend(uris.into_iter().map(|uri| RedirectUri { uri, platform }));
    Ok(())
}

fn required_access(
    call: &Call<'_>,
    value: &Value,
) -> Result<Vec<RequiredResourceAccess>, GraphError> {
    let wrong = || invalid("requiredResourceAccess");
    let mut all = Vec::new();
    for entry in value.as_array().ok_or_else(wrong)? {
        let resource: ApplicationId = entry["resourceAppId"]
            .as_str()
            .and_then(|it| it.parse().ok())
            .ok_or_else(wrong)?;
        let mut access = RequiredResourceAccess {
            resource,
            scopes: BTreeSet::new(),
            roles: BTreeSet::new(),
        };
        for wanted in entry["resourceAccess"].as_array().ok_or_else(wrong)? {
            let id = wanted["id"].as_str().and_then(|it| it.parse().ok());
            let kind = match wanted["type"].as_str() {
                Some("Scope") => PermissionKind::Delegated,
                Some("Role") => PermissionKind::Application,
                _ => return Err(wrong()),
            };
            let name = id
                .and_then(|id| permission_name(call, resource, id, kind))
                .ok_or_else(wrong)?;
            match kind {
                PermissionKind::Delegated => access.scopes.insert(name),
                PermissionKind::Application => access.roles.insert(name),
            };
        }
        all.push(access);
    }
    Ok(all)
}

fn permission_name(
    call: &Call<'_>,
    resource: ApplicationId,
    id: uuid::Uuid,
    kind: PermissionKind,
) -> Option<String> {
    if resource.to_string() == crate::environment::GRAPH_APPLICATION_ID {
        return Permission::find_by_id(id, kind).map(|it| it.name.to_owned());
    }
    let (_, app) = call.world.application(call.cloud(), resource)?;
    let api = app.api.as_ref()?;
    match kind {
        PermissionKind::Delegated => {
            let found = api.scopes.iter().find(|it| it.id == id);
            found.map(|it| it.value.clone())
        }
        PermissionKind::Application => {
            let found = api.roles.iter().find(|it| it.id == id);
            found.map(|it| it.value.clone())
        }
    }
}

/// Keeps a property that nothing here goes by; null clears it. Its type was checked, but for what
/// the table of types does not have.
pub(super) fn keep(profile: &mut Properties, name: String, value: Value) -> Result<(), GraphError> {
    let addresses = |map: &Properties| {
        map.iter().all(|(name, value)| {
            name.ends_with("Url") && (value.is_null() || value.is_string()) && name != "logoUrl"
        })
    };
    match value {
        Value::Null => {
            profile.shift_remove(&name);
        }
        Value::Object(map) if name == "info" && addresses(&map) => {
            profile.insert(name, Value::Object(map));
        }
        Value::Object(_) => return Err(invalid(&name)),
        value => {
            profile.insert(name, value);
        }
    }
    Ok(())
}

fn flag(value: &Value) -> bool {
    *value == json!(true)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// Properties of a registration that nothing here goes by.
const KEPT: [&str; 6] = [
    "description",
    "info",
    "notes",
    "samlMetadataUrl",
    "serviceManagementReference",
    "tags",
];
/// Properties that nobody writes. Source: learn.microsoft.com/graph/api/resources/application.
const READ_ONLY: [&str; 11] = [
    "appId",
    "applicationTemplateId",
    "certification",
    "createdByAppId",
    "createdDateTime",
    "deletedDateTime",
    "disabledByMicrosoftStatus",
    "id",
    "publisherDomain",
    "uniqueName",
    "verifiedPublisher",
];
/// What an app is called by its key.
const UNIQUE_NAME: &str = "uniqueName";
/// The beginning of that key in a path.
const BY_UNIQUE_NAME: &str = "uniqueName=";
/// Where `web/homePageUrl` is kept.
pub(super) const HOME_PAGE: &str = "homePageUrl";

fn invalid(name: &str) -> GraphError {
    GraphError::directory_request(format!(
        "Invalid value specified for property '{name}' of resource 'Application'."
    ))
}
