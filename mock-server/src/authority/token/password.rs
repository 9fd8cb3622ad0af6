//! `password`: resource owner password credentials.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth-ropc.

use jiff::Timestamp;
use serde_json::Value;

use super::endpoint::{Endpoint, note_tenant};
use super::request::TokenRequest;
use crate::authority::client_authentication::default_class;
use crate::authority::error::{AuthorityError, no_such_user};
use crate::authority::home::of_another_home;
use crate::authority::issue::{self};
use crate::authority::resolve::{Client, TenantSegment};
use crate::authority::sign_in::external_name;
use crate::directory::{User, UserKind, UserPrincipalName};
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
    let wanted = request.wanted(&tenant, &client.app)?;
    let grant = request.user_grant(&tenant, (&client, how), &sign_in, wanted);
    issue::user_tokens(request.state, &grant, request.trace, request.annotation)
}

/// Finds the account and checks its password. A guest's is known to the home tenant only.
fn check_password(
    request: &TokenRequest<'_>,
    tenant: &Tenant,
    client: &Client,
    username: &str,
    password: &str,
) -> Result<SignIn, AuthorityError> {
    let world = &request.state.world;
    let name = UserPrincipalName::new(username);
    let home = world
        .tenant_of_domain(request.arrival.cloud, name.domain())
        .filter(|home| home.id != tenant.id);
    let here = tenant.read(|directory| {
        let guest_name = external_name(&name, directory);
        let guest = || directory.user_by_name(&guest_name);
        let user = directory.user_by_name(username).or_else(guest)?;
        let is_named_as_guest = user.user_principal_name == name;
        Some((user.clone(), is_named_as_guest))
    });
    let root = request.arrival.authority_root();
    let account_at_home = |home: &Tenant| home.read(|it| it.user_by_name(username).cloned());
    let user = match (here, home) {
        (Some((user, _)), _) if !matches!(user.kind, UserKind::Guest { .. }) => {
            check(&user, password, tenant.now(), &root)?;
            user
        }
        (Some((_, true)), _) => return Err(AuthorityError::aadsts(50126)),
        // Source: learn.microsoft.com/entra/identity-platform/v2-oauth-ropc: of guests only personal
        // accounts can't. Unverified: that others sign in by their name at home.
        (Some((user, false)), home) => {
            match home.and_then(|home| Some((account_at_home(&home)?, home.now()))) {
                Some((account, now)) => check(&account, password, now, &root)?,
                // A seed file may name a home without the account.
                None => check(&user, password, tenant.now(), &root)?,
            }
            if !user.enabled {
                return Err(AuthorityError::aadsts(50057));
            }
            user
        }
        (None, Some(home)) => {
            let Some(account) = account_at_home(&home) else {
                return Err(no_such_user(false, request.directory_named(tenant)));
            };
            check(&account, password, home.now(), &root)?;
            // Source: AzureAD/microsoft-authentication-library-for-dotnet#2255.
            return Err(of_another_home(&home, tenant, &client.app));
        }
        (None, None) => {
            let deleted = tenant.read(|directory| {
                let mut users = directory.users.values();
                users.any(|user| user.user_principal_name == name)
            });
            return Err(no_such_user(deleted, request.directory_named(tenant)));
        }
    };
    let now = tenant.now();
    let random = &world.random;
    Ok(SignIn {
        family: random.uuid(),
        tenant: tenant.id,
        client: client.app.app_id,
        client_class: default_class(&client.app),
        user: user.id,
        auth_time: now,
        moment: tenant.read(|directory| directory.moment(now)),
        method: AuthenticationMethod::Password,
        mfa_time: None,
        session: random.uuid(),
        compliant_device: false,
    })
}

/// Whether an account signs in with this password.
fn check(
    account: &User,
    password: &str,
    now: Timestamp,
    authority_root: &str,
) -> Result<(), AuthorityError> {
    if account.locked_until.is_some_and(|until| now < until) {
        return Err(AuthorityError::aadsts(50053));
    }
    if account.password.is_empty() {
        return Err(AuthorityError::aadsts(50056));
    }
    if account.password != password {
        return Err(AuthorityError::aadsts(50126));
    }
    if !account.enabled {
        return Err(AuthorityError::aadsts(50057));
    }
    if account.password_expired {
        let mut error = AuthorityError::aadsts(50055);
        error.more.push((
            "password_change_url",
            format!("{authority_root}/common/oauth2/passwordchange"),
        ));
        return Err(error);
    }
    Ok(())
}
