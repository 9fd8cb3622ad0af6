//! What is in a tenant: users, apps, consent, policies, connections. Values of credentials are not
//! shown; changes are events.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response};
use super::tenants::find;
use crate::directory::{
    AppRoleAssignment, Application, ApplicationId, ConsentRequest, Directory, DirectoryRole,
    MailboxKind, ObjectId, PermissionGrant, Policies, Publisher, RedirectUri,
    RequiredResourceAccess, Revocation, Risk, ServicePrincipal, SignInAudience, Switches, TenantId,
    User, UserKind,
};
use crate::server::Core;
use crate::world::Tenant;

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get("/api/v1/tenants/{tenant}/users", "listUsers", "All users")
            .answers::<Vec<UserView>>(200, "Users, deleted ones included")
            .problems(&[404]),
        routing::get(users),
    )
    .serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/users/{user}",
            "showUser",
            "A user",
        )
        .answers::<UserView>(200, "The user")
        .problems(&[404]),
        routing::get(user),
    )
    .serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/apps",
            "listApps",
            "The apps that are registered or installed here",
        )
        .answers::<Vec<AppView>>(200, "Apps with their service principals")
        .problems(&[404]),
        routing::get(apps),
    )
    .serve(
        Operation::get("/api/v1/tenants/{tenant}/apps/{app}", "showApp", "An app")
            .answers::<AppView>(200, "The app with its service principal")
            .problems(&[404]),
        routing::get(app),
    )
    .serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/grants",
            "listGrants",
            "What is consented",
        )
        .answers::<Grants>(200, "Delegated and application permissions")
        .problems(&[404]),
        routing::get(grants),
    )
    .serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/consent-requests",
            "listConsentRequests",
            "Requests that an administrator consents; decided by events",
        )
        .answers::<Vec<ConsentRequest>>(200, "Requests, oldest first")
        .problems(&[404]),
        routing::get(consent_requests),
    )
    .serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/policies",
            "showPolicies",
            "Policies and switches",
        )
        .answers::<Settings>(200, "Policies and switches")
        .problems(&[404]),
        routing::get(policies),
    )
}

/// A user without the password.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "User")]
struct UserView {
    id: ObjectId,
    alias: String,
    user_principal_name: String,
    display_name: String,
    kind: UserKind,
    enabled: bool,
    roles: BTreeSet<DirectoryRole>,
    /// None without a licence.
    mailbox: Option<MailboxKind>,
    password_expired: bool,
    #[schemars(with = "Option<String>")]
    locked_until: Option<Timestamp>,
    risk: Risk,
    /// Whether one is registered.
    second_factor: bool,
    /// When the user's device was last disabled.
    #[schemars(with = "Option<String>")]
    device_disabled: Option<Timestamp>,
    /// What ended sessions, newest last.
    revocations: Vec<Revocation>,
    #[schemars(with = "String")]
    created: Timestamp,
    #[schemars(with = "Option<String>")]
    deleted: Option<Timestamp>,
}

/// An app with its instance in the tenant.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "App")]
struct AppView {
    client_id: ApplicationId,
    /// The tenant in which it is registered.
    home_tenant: TenantId,
    /// None where the registration is gone.
    registration: Option<RegistrationView>,
    /// None where the app is not installed.
    service_principal: Option<ServicePrincipal>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Registration")]
struct RegistrationView {
    object_id: ObjectId,
    alias: String,
    display_name: String,
    /// The publisher, whether it is verified, and whether consent is risky.
    publisher: Publisher,
    sign_in_audience: SignInAudience,
    redirect_uris: Vec<RedirectUri>,
    /// Whether the app is a public client where no redirect URI takes part.
    public_client: bool,
    permissions: Vec<RequiredResourceAccess>,
    identifier_uris: Vec<String>,
    credentials: Vec<CredentialView>,
}

/// A credential without its value.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Credential")]
struct CredentialView {
    kind: CredentialKind,
    id: Uuid,
    display_name: Option<String>,
    #[schemars(with = "Option<String>")]
    start: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    end: Option<Timestamp>,
    /// Whether it is good at the tenant's time.
    valid: bool,
    /// Of a certificate: base64url SHA-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    /// Of a certificate: base64url SHA-256.
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<String>,
    /// Of a federated credential: whose assertions are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// Of a federated credential: about whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CredentialKind {
    Certificate,
    Federated,
    Secret,
}

#[derive(JsonSchema, Serialize)]
struct Grants {
    delegated: Vec<PermissionGrant>,
    application: Vec<AppRoleAssignment>,
}

#[derive(JsonSchema, Serialize)]
struct Settings {
    policies: Policies,
    switches: Switches,
    /// From where all clients come, instead of the connection's address.
    #[schemars(with = "Option<String>")]
    client_address: Option<IpAddr>,
}

async fn users(State(core): State<Arc<Core>>, Path(tenant): Path<String>) -> Answer {
    let tenant = find(&core, &tenant)?;
    let users: Vec<UserView> = tenant.read(|it| it.users.values().map(UserView::of).collect());
    Ok(json_response(StatusCode::OK, &users))
}

async fn user(
    State(core): State<Arc<Core>>,
    Path((tenant, name)): Path<(String, String)>,
) -> Answer {
    let tenant = find(&core, &tenant)?;
    let user = tenant.read(|it| it.find_user(&name).map(UserView::of));
    let user = user.ok_or_else(|| {
        let aliases: Vec<_> = tenant.read(|it| {
            it.users
                .values()
                .take(8)
                .map(|it| it.alias.clone())
                .collect()
        });
        let detail = format!(
            "there is no user '{name}'; there are {}",
            aliases.join(", ")
        );
        Problem::not_found("no such user", detail)
    })?;
    Ok(json_response(StatusCode::OK, &user))
}

async fn apps(State(core): State<Arc<Core>>, Path(tenant): Path<String>) -> Answer {
    let tenant = find(&core, &tenant)?;
    let apps: Vec<AppView> = tenant
        .read(app_ids)
        .into_iter()
        .map(|id| AppView::of(&core, &tenant, id))
        .collect();
    Ok(json_response(StatusCode::OK, &apps))
}

async fn app(
    State(core): State<Arc<Core>>,
    Path((tenant, name)): Path<(String, String)>,
) -> Answer {
    let tenant = find(&core, &tenant)?;
    let ids = tenant.read(app_ids);
    let apps = ids.into_iter().map(|id| AppView::of(&core, &tenant, id));
    let app = apps.into_iter().find(|it| {
        let registered = it.registration.as_ref();
        it.client_id.to_string() == name || registered.is_some_and(|it| it.alias == name)
    });
    let app = app.ok_or_else(|| {
        let detail = format!("the tenant has no app with the client id or the alias '{name}'");
        Problem::not_found("no such app", detail)
    })?;
    Ok(json_response(StatusCode::OK, &app))
}

async fn grants(State(core): State<Arc<Core>>, Path(tenant): Path<String>) -> Answer {
    let tenant = find(&core, &tenant)?;
    let grants = tenant.read(|it| Grants {
        delegated: it.grants.to_vec(),
        application: it.app_role_assignments.to_vec(),
    });
    Ok(json_response(StatusCode::OK, &grants))
}

async fn consent_requests(State(core): State<Arc<Core>>, Path(tenant): Path<String>) -> Answer {
    let tenant = find(&core, &tenant)?;
    let requests = tenant.read(|it| it.consent_requests.to_vec());
    Ok(json_response(StatusCode::OK, &requests))
}

async fn policies(State(core): State<Arc<Core>>, Path(tenant): Path<String>) -> Answer {
    let tenant = find(&core, &tenant)?;
    let settings = tenant.read(|it| Settings {
        policies: (*it.policies).clone(),
        switches: it.switches.clone(),
        client_address: it.client_address,
    });
    Ok(json_response(StatusCode::OK, &settings))
}

/// The apps registered here, then those installed from elsewhere.
fn app_ids(directory: &Directory) -> Vec<ApplicationId> {
    let registered = directory.applications.keys();
    let installed = directory
        .service_principals
        .keys()
        .filter(|id| !directory.applications.contains_key(*id));
    registered.chain(installed).copied().collect()
}

impl UserView {
    fn of(user: &User) -> Self {
        Self {
            id: user.id,
            alias: user.alias.clone(),
            user_principal_name: user.user_principal_name.to_string(),
            display_name: user.display_name.clone(),
            kind: user.kind,
            enabled: user.enabled,
            roles: user.roles.clone(),
            mailbox: user.mailbox.as_ref().map(|it| it.kind),
            password_expired: user.password_expired,
            locked_until: user.locked_until,
            risk: user.risk,
            second_factor: user.second_factor,
            device_disabled: user.device_disabled,
            revocations: user.revocations.clone(),
            created: user.created,
            deleted: user.deleted,
        }
    }
}

impl AppView {
    fn of(core: &Core, tenant: &Tenant, id: ApplicationId) -> Self {
        let found = core.world.application(tenant.environment.cloud(), id);
        let service_principal = tenant.read(|it| it.service_principal(id).cloned());
        let home_tenant = match (&found, &service_principal) {
            (Some((home, _)), _) => home.id,
            (None, Some(principal)) => principal.home_tenant,
            (None, None) => tenant.id,
        };
        Self {
            client_id: id,
            home_tenant,
            registration: found.map(|(home, app)| RegistrationView::of(&app, home.now())),
            service_principal,
        }
    }
}

impl RegistrationView {
    fn of(app: &Application, now: Timestamp) -> Self {
        let api = app.api.as_ref();
        Self {
            object_id: app.object_id,
            alias: app.alias.clone(),
            display_name: app.display_name.clone(),
            publisher: app.publisher.clone(),
            sign_in_audience: app.sign_in_audience,
            redirect_uris: app.redirect_uris.clone(),
            public_client: app.fallback_public_client,
            permissions: app.required_resource_access.clone(),
            identifier_uris: api.map_or_else(Vec::new, |it| it.identifier_uris.clone()),
            credentials: credentials(app, now),
        }
    }
}

fn credentials(app: &Application, now: Timestamp) -> Vec<CredentialView> {
    let secrets = app.secrets.iter().map(|it| CredentialView {
        display_name: it.display_name.clone(),
        ..CredentialView::dated(CredentialKind::Secret, it.key_id, it.start, it.end, now)
    });
    let certificates = app.certificates.iter().map(|it| {
        let thumbprint = |of| URL_SAFE_NO_PAD.encode(digest::digest(of, it.certificate.as_slice()));
        CredentialView {
            display_name: it.display_name.clone(),
            x5t: Some(thumbprint(&SHA1_FOR_LEGACY_USE_ONLY)),
            x5t_s256: Some(thumbprint(&SHA256)),
            ..CredentialView::dated(
                CredentialKind::Certificate,
                it.key_id,
                it.start,
                it.end,
                now,
            )
        }
    });
    let federated = app.federated_credentials.iter().map(|it| CredentialView {
        kind: CredentialKind::Federated,
        id: it.id,
        display_name: Some(it.name.clone()),
        start: None,
        end: None,
        valid: true,
        x5t: None,
        x5t_s256: None,
        issuer: Some(it.issuer.clone()),
        subject: Some(it.subject.clone()),
    });
    secrets.chain(certificates).chain(federated).collect()
}

impl CredentialView {
    fn dated(
        kind: CredentialKind,
        id: Uuid,
        start: Timestamp,
        end: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            kind,
            id,
            display_name: None,
            start: Some(start),
            end: Some(end),
            valid: start <= now && now < end,
            x5t: None,
            x5t_s256: None,
            issuer: None,
            subject: None,
        }
    }
}
