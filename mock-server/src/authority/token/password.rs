//! `password`: resource owner password credentials.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth-ropc.

use serde_json::Value;

use super::endpoint::{Endpoint, note_tenant};
use super::request::{TokenRequest, Wanted};
use crate::authority::client_authentication::default_class;
use crate::authority::error::{AuthorityError, no_such_user};
use crate::authority::issue::{self, UserGrant, Version};
use crate::authority::resolve::{Client, TenantSegment};
use crate::directory::{UserKind, UserPrincipalName};
use crate::token::validity::Use;
use crate::token::{AuthenticationMethod, SignIn};
use crate::world::Tenant;

pub(super) fn sign_in(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    let username = request.form.required("username")?;
    let password = request
        .form
        .raw("password")
        .filter(|it| !it.is_empty())
        .ok_or_else(|| AuthorityError::missing("password"))?;
    let tenant = match request.place.clone() {
        TenantSegment::Tenant(tenant) => tenant,
        TenantSegment::Consumers => return Err(AuthorityError::aadsts(9001023)),
        // v1 serves `common` like `organizations`: dafthack/MSOLSpray asks there.
        TenantSegment::Common if request.endpoint == Endpoint::V2 => {
            return Err(AuthorityError::aadsts(9001023));
        }
        TenantSegment::Common | TenantSegment::Organizations => {
            let domain = UserPrincipalName::new(username).domain().to_owned();
            let tenant = request
                .state
                .world
                .tenant_of_domain(request.arrival.cloud, &domain)
                .ok_or_else(|| AuthorityError::aadsts(50128))?;
            let app = request.registration()?;
            Client::check_audience(&app, &request.place)?;
            note_tenant(request.trace, request.annotation, &tenant);
            tenant
        }
    };
    let client = request.client(&tenant)?;
    let how = request.authenticate(&client, default_class(&client.app), &tenant)?;
    let sign_in = check_password(request, &tenant, &client, username, password)?;
    request.annotation.user = Some(sign_in.user);
    issue::check_sign_in(
        &request.state.world,
        &tenant,
        &client,
        &sign_in,
        (Use::NonInteractive, request.arrival.address),
    )?;
    let Wanted {
        requested,
        openid,
        version,
    } = request.wanted(&tenant, &client.app)?;
    issue::user_tokens(
        request.state,
        &UserGrant {
            tenant: &tenant,
            client: &client,
            client_authentication: how,
            sign_in: &sign_in,
            arrival: request.arrival,
            requested,
            openid,
            always_refresh: matches!(version, Version::V1 { .. }),
            version,
            claims: request.claims.clone(),
            client_info: request.form.is_set("client_info"),
            nonce: None,
            previous: None,
        },
        request.trace,
        request.annotation,
    )
}

fn check_password(
    request: &TokenRequest<'_>,
    tenant: &Tenant,
    client: &Client,
    username: &str,
    password: &str,
) -> Result<SignIn, AuthorityError> {
    let now = tenant.now();
    tenant.read(|directory| {
        let Some(user) = directory.user_by_name(username) else {
            let name = UserPrincipalName::new(username);
            let mut users = directory.users.values();
            let deleted = users.any(|user| user.user_principal_name == name);
            return Err(no_such_user(deleted, request.directory_named(tenant)));
        };
        if user.locked_until.is_some_and(|until| now < until) {
            return Err(AuthorityError::aadsts(50053));
        }
        if user.password.is_empty() {
            return Err(AuthorityError::aadsts(50056));
        }
        if matches!(user.kind, UserKind::Guest { .. }) || user.password != password {
            // A guest's password is known to the home tenant only.
            return Err(AuthorityError::aadsts(50126));
        }
        if !user.enabled {
            return Err(AuthorityError::aadsts(50057));
        }
        if user.password_expired {
            let mut error = AuthorityError::aadsts(50055);
            error.more.push((
                "password_change_url",
                format!(
                    "{}/common/oauth2/passwordchange",
                    request.arrival.authority_root()
                ),
            ));
            return Err(error);
        }
        let random = &request.state.world.random;
        Ok(SignIn {
            family: random.uuid(),
            tenant: tenant.id,
            client: client.app.app_id,
            client_class: default_class(&client.app),
            user: user.id,
            auth_time: now,
            moment: directory.moment(now),
            method: AuthenticationMethod::Password,
            mfa_time: None,
            session: random.uuid(),
            compliant_device: false,
        })
    })
}
