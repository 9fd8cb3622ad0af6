//! Service principals: the apps of a tenant, and Microsoft Graph itself.
//!
//! Source: learn.microsoft.com/graph/api/resources/serviceprincipal and its methods.

pub(super) mod assignments;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::applications::{self, documents};
use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing, members};
use super::error::GraphError;
use super::generic::membership;
use crate::directory::{
    Application, ApplicationId, Event, ObjectId, ServicePrincipal, SignInAudience, TenantId,
};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::mailbox::Properties;
use crate::permission::{Permission, PermissionKind};

/// A service principal, with the registration wherever it is.
pub(super) struct Principal {
    pub(super) stored: ServicePrincipal,
    /// None for Microsoft Graph, and where the registration is gone.
    pub(super) app: Option<std::sync::Arc<Application>>,
}

impl Principal {
    pub(super) fn is_graph(&self) -> bool {
        self.stored.app_id.to_string() == GRAPH_APPLICATION_ID
    }

    pub(super) fn name(&self) -> &str {
        match &self.app {
            Some(app) => &app.display_name,
            None if self.is_graph() => "Microsoft Graph",
            None => "",
        }
    }

    /// The id of an application permission.
    pub(super) fn role_id(&self, name: &str) -> Option<uuid::Uuid> {
        if self.is_graph() {
            return Permission::find(name, PermissionKind::Application).map(|it| it.id);
        }
        let api = self.app.as_ref()?.api.as_ref()?;
        api.roles.iter().find(|it| it.value == name).map(|it| it.id)
    }

    /// The application permission with an id.
    pub(super) fn role_name(&self, id: uuid::Uuid) -> Option<String> {
        if self.is_graph() {
            return Permission::find_by_id(id, PermissionKind::Application)
                .map(|it| it.name.to_owned());
        }
        let api = self.app.as_ref()?.api.as_ref()?;
        let mut roles = api.roles.iter();
        let role = roles.find(|it| it.id == id && it.enabled && it.is_for_apps())?;
        Some(role.value.clone())
    }
}

/// All service principals of the caller's tenant. The directory's lock is released before the
/// registrations are looked up: another tenant may have them.
pub(super) fn all(call: &Call<'_>) -> Vec<Principal> {
    let mut stored: Vec<ServicePrincipal> = {
        call.tenant
            .read(|directory| directory.service_principals.values().cloned().collect())
    };
    stored.push(graph(call));
    stored
        .into_iter()
        .map(|stored| {
            let found = call.world.application(call.cloud(), stored.app_id);
            let app = found.map(|(_, app)| app);
            Principal { stored, app }
        })
        .collect()
}

/// The service principal that an object id, or `appId='…'`, names.
pub(super) fn find(call: &Call<'_>, text: &str) -> Result<Principal, GraphError> {
    let by_app = text.strip_prefix("appId=");
    all(call)
        .into_iter()
        .find(|it| match by_app {
            Some(app) => app.parse() == Ok(it.stored.app_id),
            None => text.parse() == Ok(it.stored.object_id),
        })
        .ok_or_else(|| GraphError::resource_not_found(by_app.unwrap_or(text)))
}

fn addressed(call: &Call<'_>) -> Result<Principal, GraphError> {
    find(call, call.parameters.get("servicePrincipal"))
}

/// Microsoft Graph, as each tenant has it: nothing of it is stored.
fn graph(call: &Call<'_>) -> ServicePrincipal {
    let tenant = call.tenant.id;
    ServicePrincipal::new(
        ObjectId(uuid::Uuid::new_v5(
            &tenant.0,
            GRAPH_APPLICATION_ID.as_bytes(),
        )),
        ApplicationId(uuid::Uuid::from_u128(GRAPH)),
        TenantId(uuid::Uuid::from_u128(MICROSOFT)),
        call.tenant.read(|it| it.created),
    )
}

/// `GET /servicePrincipals`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::list(call, &listing(), &all_documents(call))
}

/// `GET /servicePrincipals/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::count(call, &listing(), &all_documents(call))
}

/// `GET /servicePrincipals/{id}/owners`.
pub(super) fn list_owners(call: &Call<'_>) -> Result<Reply, GraphError> {
    // Owners of a registration are none of it.
    let of = format!("servicePrincipals/{}", addressed(call)?.stored.object_id);
    let items = membership::related(call, &of, "owners");
    let listing = Listing::of("directoryObject", "directoryObjects");
    collection::list(call, &listing, &Documents(items))
}

fn all_documents(call: &Call<'_>) -> Documents {
    Documents(all(call).iter().map(document).collect())
}

fn listing() -> Listing<'static> {
    Listing {
        searched: &["displayName", "description"],
        ..Listing::of("servicePrincipal", "servicePrincipals")
    }
}

/// `GET /servicePrincipals/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let principal = addressed(call)?;
    call.entity(
        "servicePrincipals",
        "servicePrincipal",
        document(&principal),
    )
}

/// `POST /servicePrincipals`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    make(call, None)
}

/// Makes a service principal, of the app that the path names or the body.
fn make(call: &Call<'_>, app: Option<&str>) -> Result<Reply, GraphError> {
    let mut body = call.object("servicePrincipal")?;
    let said = body.shift_remove("appId");
    let said = said.as_ref().and_then(Value::as_str);
    let app = app
        .or(said)
        .ok_or_else(|| GraphError::value_required("appId", "ServicePrincipal"))?
        .to_owned();
    let change = Change::read(body)?;
    let id = app.parse().ok();
    let found = id.and_then(|id| call.world.application(call.cloud(), id));
    let Some((home, app)) = found.filter(|(home, app)| {
        home.id == call.tenant.id || app.sign_in_audience != SignInAudience::SingleTenant
    }) else {
        // Unverified: the text.
        return Err(GraphError::directory_request(format!(
            "The appId '{app}' of the service principal does not reference a valid application \
             object."
        )));
    };
    if home.id == call.tenant.id {
        applications::may_manage(call, &app)?;
    } else {
        applications::may_manage_all(call)?;
    }
    let mut stored = ServicePrincipal::new(
        ObjectId(call.world.random.uuid()),
        app.app_id,
        home.id,
        call.now,
    );
    stored.enabled = change.enabled.unwrap_or(true);
    stored.assignment_required = change.assignment_required.unwrap_or(false);
    for (name, value) in change.kept {
        applications::keep(&mut stored.profile, name, value)?;
    }
    if !call.tenant.write(|it| it.add_principal(stored.clone())) {
        return Err(GraphError::conflict(format!(
            "The service principal cannot be created, updated, or restored because the service \
             principal name {} is already in use.",
            app.app_id
        )));
    }
    let principal = Principal {
        stored,
        app: Some(app),
    };
    call.entity(
        "servicePrincipals",
        "servicePrincipal",
        document(&principal),
    )
}

/// `PATCH /servicePrincipals/{id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let by_app = call
        .parameters
        .get("servicePrincipal")
        .strip_prefix("appId=");
    // Source: learn.microsoft.com/graph/api/serviceprincipal-upsert.
    if let Some(app) = by_app.filter(|_| call.prefer.create_if_missing)
        && addressed(call).is_err()
    {
        let mut reply = make(call, Some(app))?;
        reply.status = StatusCode::CREATED;
        return Ok(reply);
    }
    let principal = writable(call)?;
    let change = Change::read(call.object("servicePrincipal")?)?;
    let id = principal.stored.app_id;
    let app = id.to_string();
    match change.enabled {
        Some(true) => call.happen(&Event::EnableApp { app: app.clone() })?,
        Some(false) => call.happen(&Event::DisableApp { app: app.clone() })?,
        None => {}
    }
    if change.assignment_required == Some(true) {
        call.happen(&Event::RequireAssignment { app })?;
    }
    call.tenant.write(|directory| {
        if change.assignment_required == Some(false) {
            directory.set_assignment_required(id, false);
        }
        let Some(stored) = directory.service_principals.get_mut(&id) else {
            return Ok(());
        };
        let mut kept = change.kept.into_iter();
        kept.try_for_each(|(name, value)| applications::keep(&mut stored.profile, name, value))
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// What a body says of a service principal.
struct Change {
    enabled: Option<bool>,
    assignment_required: Option<bool>,
    kept: Properties,
}

impl Change {
    fn read(body: Properties) -> Result<Self, GraphError> {
        let mut change = Self {
            enabled: None,
            assignment_required: None,
            kept: Properties::new(),
        };
        for (name, value) in body {
            match (name.as_str(), value) {
                ("accountEnabled", Value::Bool(flag)) => change.enabled = Some(flag),
                ("appRoleAssignmentRequired", Value::Bool(flag)) => {
                    change.assignment_required = Some(flag);
                }
                ("accountEnabled" | "appRoleAssignmentRequired", _) => {
                    return Err(GraphError::directory_request(format!(
                        "Invalid value specified for property '{name}' of resource \
                         'ServicePrincipal'."
                    )));
                }
                (name, value) if KEPT.contains(&name) => {
                    change.kept.insert(name.to_owned(), value);
                }
                (name, _) if READ_ONLY.contains(&name) => return Err(GraphError::read_only(name)),
                (name, _) => return Err(GraphError::not_written("ServicePrincipal", name)),
            }
        }
        Ok(change)
    }
}

/// `DELETE /servicePrincipals/{id}`: the app is no longer in the tenant, its registration stays.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let principal = writable(call)?;
    call.tenant.write(|directory| {
        directory.remove_principal(principal.stored.app_id);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// The addressed service principal, if the caller may change it.
fn writable(call: &Call<'_>) -> Result<Principal, GraphError> {
    let principal = addressed(call)?;
    match &principal.app {
        Some(app) if principal.stored.home_tenant == call.tenant.id => {
            applications::may_manage(call, app)?;
        }
        _ => applications::may_manage_all(call)?,
    }
    if principal.is_graph() {
        let what = "changing the service principal of Microsoft Graph";
        return Err(
            GraphError::directory_request(format!("{what} is not possible here."))
                .not_in_the_mock(what),
        );
    }
    Ok(principal)
}

fn document(principal: &Principal) -> Properties {
    let Principal { stored, app } = principal;
    let app = app.as_deref();
    let uris = app.map_or_else(Vec::new, |app| {
        app.redirect_uris.iter().map(|it| it.uri.clone()).collect()
    });
    let (roles, scopes) = if principal.is_graph() {
        (graph_roles(), graph_scopes())
    } else {
        let api = app.and_then(|it| it.api.as_ref());
        (documents::roles(api), documents::scopes(api))
    };
    let mut names = vec![stored.app_id.to_string()];
    if let Some(api) = app.and_then(|it| it.api.as_ref()) {
        names.extend(api.identifier_uris.iter().cloned());
    }
    let audience = app.map_or(SignInAudience::MultiTenant, |it| it.sign_in_audience);
    let own = json!({
        "id": stored.object_id,
        "accountEnabled": stored.enabled,
        "appDisplayName": principal.name(),
        "appId": stored.app_id,
        "appOwnerOrganizationId": stored.home_tenant,
        "appRoleAssignmentRequired": stored.assignment_required,
        "displayName": principal.name(),
        "isDisabled": app.map(|it| it.disabled).filter(|it| *it),
        "logoutUrl": app.and_then(|it| it.logout_url.clone()),
        "replyUrls": uris,
        "servicePrincipalNames": names,
        "servicePrincipalType": "Application",
        "signInAudience": audience,
        "appRoles": roles,
        "info": documents::info(),
        "oauth2PermissionScopes": scopes,
        "verifiedPublisher": app.map_or(Value::Null, documents::publisher),
    });
    // What nobody can set here.
    let constant = json!({
        "deletedDateTime": null,
        "alternativeNames": [],
        "appDescription": null,
        "applicationTemplateId": null,
        "createdByAppId": null,
        "description": null,
        "disabledByMicrosoftStatus": null,
        "homepage": null,
        "loginUrl": null,
        "notes": null,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": null,
        "preferredTokenSigningKeyThumbprint": null,
        "tags": [],
        "tokenEncryptionKeyId": null,
        "samlSingleSignOnSettings": null,
        "addIns": [],
        "keyCredentials": [],
        "passwordCredentials": [],
        "resourceSpecificApplicationPermissions": [],
    });
    let mut all: Properties = [own, constant].into_iter().flat_map(members).collect();
    documents::show_kept(&mut all, &stored.profile);
    all
}

fn graph_roles() -> Value {
    let roles = Permission::all()
        .iter()
        .filter(|it| it.kind == PermissionKind::Application)
        .map(|it| {
            json!({
                "allowedMemberTypes": ["Application"],
                "description": it.meaning,
                "displayName": it.meaning,
                "id": it.id,
                "isEnabled": true,
                "origin": "Application",
                "value": it.name,
            })
        });
    Value::Array(roles.collect())
}

fn graph_scopes() -> Value {
    let scopes = Permission::all()
        .iter()
        .filter(|it| it.kind == PermissionKind::Delegated)
        .map(|it| documents::scope(it.id, it.name, it.meaning, it.admin_only));
    Value::Array(scopes.collect())
}

/// Properties that nothing here goes by.
const KEPT: [&str; 8] = [
    "alternativeNames",
    "description",
    "homepage",
    "loginUrl",
    "notes",
    "notificationEmailAddresses",
    "preferredSingleSignOnMode",
    "tags",
];
/// Properties that nobody writes, or that come with the registration.
/// Source: learn.microsoft.com/graph/api/resources/serviceprincipal.
const READ_ONLY: [&str; 14] = [
    "appDescription",
    "appDisplayName",
    "appId",
    "appOwnerOrganizationId",
    "applicationTemplateId",
    "createdByAppId",
    "deletedDateTime",
    "disabledByMicrosoftStatus",
    "id",
    "info",
    "resourceSpecificApplicationPermissions",
    "servicePrincipalType",
    "signInAudience",
    "verifiedPublisher",
];

/// The application id of Microsoft Graph.
const GRAPH: u128 = 0x0000_0003_0000_0000_c000_0000_0000_0000;
/// The tenant in which Microsoft's own apps are registered.
const MICROSOFT: u128 = 0xf8cd_ef31_a31e_4b4a_93e4_5f57_1e91_255a;
