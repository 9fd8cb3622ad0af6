//! Finding an account by its name and checking its credentials.

use std::sync::Arc;

use super::error::AuthorityError;
use super::home::Account;
use super::pages::account::AccountTile;
use super::resolve::{Client, TenantSegment};
use super::session::{Login, Session};
use crate::directory::{
    Application, Directory, ObjectId, TenantId, User, UserKind, UserPrincipalName,
};
use crate::environment::SignInCloud;
use crate::exchange::Arrival;
use crate::random::Random;
use crate::token::AuthenticationMethod;
use crate::world::{Tenant, World};

/// In which tenants accounts may be.
#[derive(Clone, Debug)]
pub(crate) enum Realm {
    /// `common` and `organizations`: the name's domain decides.
    Any(SignInCloud),
    /// One tenant: members and guests of it.
    One(Arc<Tenant>),
}

/// A user of the realm, with the account that knows the password.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The tenant that the person signs in to.
    pub(crate) tenant: Arc<Tenant>,
    /// The user there.
    pub(crate) user: ObjectId,
    /// A guest's account at home.
    home: Option<(Arc<Tenant>, ObjectId)>,
}

/// Why a name or a password does not sign in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// The password is right but has expired: AADSTS50055.
    Expired,
    /// Said beside the field; the person can try again.
    Inline(AuthorityError),
    /// An error page.
    Page(AuthorityError),
}

/// What a person proves the identity with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proof<'a> {
    /// The password, as typed.
    Password(&'a str),
    /// The mock's quick pick: as if the right password was typed.
    QuickPick,
    /// A security key, which the mock takes for granted.
    SecurityKey,
}

impl Realm {
    /// The realm that the first segment of a path names.
    pub(crate) fn of_segment(
        world: &World,
        arrival: &Arrival,
        segment: &str,
        app: Option<&Application>,
    ) -> Result<Self, AuthorityError> {
        let place = TenantSegment::resolve(world, arrival, segment)?;
        if let Some(app) = app {
            Client::check_audience(app, &place)?;
        }
        match place {
            TenantSegment::Tenant(tenant) => Ok(Self::One(tenant)),
            TenantSegment::Common | TenantSegment::Organizations => Ok(Self::Any(arrival.cloud)),
            // The mock has no personal accounts, whatever the app allows.
            TenantSegment::Consumers => Err(AuthorityError::aadsts(9002332)
                .with(
                    "app",
                    app.map_or_else(String::new, |app| app.app_id.to_string()),
                )
                .with("name", app.map_or("", |app| app.display_name.as_str()))),
        }
    }

    /// The account with a sign-in name.
    pub(crate) fn find(&self, world: &World, name: &str, app: &str) -> Result<Found, Failure> {
        let name = UserPrincipalName::new(name.trim());
        match self {
            Self::Any(cloud) => {
                let tenant = world.tenant_of_domain(*cloud, name.domain());
                let found = tenant.and_then(|tenant| {
                    let user = tenant.read(|it| it.user_by_name(name.as_str()).map(|it| it.id))?;
                    Some(Found {
                        tenant,
                        user,
                        home: None,
                    })
                });
                found.ok_or_else(|| unknown(&name, None))
            }
            Self::One(tenant) => {
                if let Some(found) = in_tenant(world, tenant, &name) {
                    return Ok(found);
                }
                let cloud = tenant.environment.cloud();
                let elsewhere = world.tenant_of_domain(cloud, name.domain()).filter(|home| {
                    home.id != tenant.id && home.read(|it| it.user_by_name(name.as_str()).is_some())
                });
                Err(match elsewhere {
                    Some(home) => not_in_tenant(&name, (&home, tenant), app),
                    None => unknown(&name, Some(tenant)),
                })
            }
        }
    }

    /// The browser's sign-ins that are good here, dropping those that the directory has ended.
    pub(crate) fn signed_in(&self, world: &World, session: &mut Session) -> Vec<Login> {
        let mut good = Vec::new();
        for login in session.accounts().to_vec() {
            let cloud = match self {
                Self::Any(cloud) => *cloud,
                Self::One(tenant) => tenant.environment.cloud(),
            };
            let Some(tenant) = world.tenant(cloud, login.tenant) else {
                continue;
            };
            if !stands(world, &tenant, &login) {
                session.forget(login.tenant, login.user);
            } else if matches!(self, Self::Any(_)) || self.tenant_id() == Some(login.tenant) {
                good.push(login);
            }
        }
        good
    }

    /// The tenant, if it is one.
    pub(crate) fn tenant_id(&self) -> Option<TenantId> {
        match self {
            Self::Any(_) => None,
            Self::One(tenant) => Some(tenant.id),
        }
    }

    /// Users to offer on sign-in pages. Without a tenant those of the cloud's first one.
    pub(crate) fn quick_picks(&self, world: &World) -> Vec<AccountTile> {
        let tenant = match self {
            Self::One(tenant) => Some(Arc::clone(tenant)),
            Self::Any(cloud) => world
                .tenants()
                .into_iter()
                .find(|it| it.environment.cloud() == *cloud && !it.read(|it| it.users.is_empty())),
        };
        let Some(tenant) = tenant else {
            return Vec::new();
        };
        tenant.read(|directory| {
            directory
                .users
                .values()
                .filter(|user| user.deleted.is_none() && user.enabled && !user.alias.is_empty())
                .take(MOST_PICKS)
                .map(|user| tile(user, remark(user)))
                .collect()
        })
    }
}

impl Found {
    /// Checks the proof, and signs in.
    pub(crate) fn sign_in(&self, proof: Proof<'_>, random: &Random) -> Result<Login, Failure> {
        let now = self.tenant.now();
        let (holder, user) = self
            .home
            .as_ref()
            .map_or((&self.tenant, self.user), |(tenant, user)| (tenant, *user));
        holder.read(|directory| {
            let account = directory.user(user).ok_or_else(|| gone(directory, user))?;
            check(account, proof, holder.now())
        })?;
        self.tenant.read(|directory| {
            let user = directory
                .user(self.user)
                .ok_or_else(|| gone(directory, self.user))?;
            if !user.enabled {
                return Err(Failure::Page(AuthorityError::aadsts(50057)));
            }
            let method = match proof {
                Proof::Password(_) | Proof::QuickPick => AuthenticationMethod::Password,
                Proof::SecurityKey => AuthenticationMethod::NonPassword,
            };
            Ok(Login {
                tenant: self.tenant.id,
                user: user.id,
                session: random.uuid(),
                method,
                auth_time: now,
                moment: directory.moment(now),
                // A security key is a second factor by itself.
                mfa_time: (method == AuthenticationMethod::NonPassword).then_some(now),
                compliant_device: false,
            })
        })
    }

    /// The tenant and the user whose password it is.
    pub(crate) fn password_holder(&self) -> (Arc<Tenant>, ObjectId) {
        self.home
            .clone()
            .unwrap_or_else(|| (Arc::clone(&self.tenant), self.user))
    }
}

/// Whether a sign-in with this browser stands: in its tenant, and a guest's at home, too. What
/// keeps people out of a home tenant is shown on a page later.
pub(crate) fn stands(world: &World, tenant: &Tenant, login: &Login) -> bool {
    let stands_at_home = |account: &Account| {
        let at_home = Login {
            tenant: account.tenant.id,
            user: account.user,
            ..login.clone()
        };
        account.tenant.read(|directory| at_home.stands(directory))
    };
    tenant.read(|directory| login.stands(directory))
        && match Account::of(world, tenant, login.user) {
            Ok(Some(account)) => stands_at_home(&account),
            Ok(None) | Err(_) => true,
        }
}

/// The tile of a user on a page.
pub(crate) fn tile(user: &User, remark: Option<&'static str>) -> AccountTile {
    AccountTile {
        value: user.user_principal_name.to_string(),
        name: user.display_name.clone(),
        upn: user.user_principal_name.to_string(),
        remark,
    }
}

fn remark(user: &User) -> Option<&'static str> {
    if user.may_consent_for_tenant() {
        Some("admin")
    } else if matches!(user.kind, UserKind::Guest { .. }) {
        Some("guest")
    } else {
        None
    }
}

/// The user with this name in a tenant: a member, a guest by the name here, or a guest by the
/// name at home.
fn in_tenant(world: &World, tenant: &Arc<Tenant>, name: &UserPrincipalName) -> Option<Found> {
    let (user, kind, guest_name) = tenant.read(|directory| {
        let user = directory
            .user_by_name(name.as_str())
            .or_else(|| directory.user_by_name(&external_name(name, directory)))?;
        Some((user.id, user.kind, user.user_principal_name.clone()))
    })?;
    let home = match kind {
        UserKind::Guest {
            home_tenant: Some(home),
        } => {
            let home = world.tenant(tenant.environment.cloud(), home)?;
            let at_home = guest_name.at_home();
            let id = home.read(|it| it.user_by_name(&at_home).map(|user| user.id));
            // A seed file may name a home without the account: the guest's own password counts.
            id.map(|id| (home, id))
        }
        _ => None,
    };
    Some(Found {
        tenant: Arc::clone(tenant),
        user,
        home,
    })
}

/// `bob@fabrikam.com` as a guest of Contoso: `bob_fabrikam.com#EXT#@contoso.onmicrosoft.com`.
///
/// Source: learn.microsoft.com/entra/external-id/user-properties.
pub(super) fn external_name(name: &UserPrincipalName, directory: &Directory) -> String {
    format!(
        "{}_{}#EXT#@{}",
        name.local_part(),
        name.domain(),
        directory.domain()
    )
}

fn check(account: &User, proof: Proof<'_>, now: jiff::Timestamp) -> Result<(), Failure> {
    let with_password = !matches!(proof, Proof::SecurityKey);
    if with_password && account.locked_until.is_some_and(|until| until > now) {
        return Err(Failure::Inline(AuthorityError::aadsts(50053)));
    }
    if let Proof::Password(typed) = proof
        && typed != account.password
    {
        return Err(Failure::Inline(AuthorityError::aadsts(50126)));
    }
    if !account.enabled {
        return Err(Failure::Page(AuthorityError::aadsts(50057)));
    }
    if with_password && account.password_expired {
        return Err(Failure::Expired);
    }
    Ok(())
}

fn gone(directory: &Directory, user: ObjectId) -> Failure {
    Failure::Inline(
        AuthorityError::aadsts(50034)
            .with("user", user.to_string())
            .with("tenant", &directory.display_name),
    )
}

fn unknown(name: &UserPrincipalName, tenant: Option<&Arc<Tenant>>) -> Failure {
    let place = tenant.map_or_else(
        || name.domain().to_owned(),
        |tenant| tenant.read(|it| it.display_name.clone()),
    );
    Failure::Inline(
        AuthorityError::aadsts(50034)
            .with("user", name.as_str())
            .with("tenant", place),
    )
}

fn not_in_tenant(
    name: &UserPrincipalName,
    (home, tenant): (&Tenant, &Tenant),
    app: &str,
) -> Failure {
    let provider = tenant.environment.cloud().v1_issuer(home.id);
    Failure::Page(
        AuthorityError::aadsts(50020)
            .with("user", name.as_str())
            .with("provider", provider)
            .with("tenant", tenant.read(|it| it.display_name.clone()))
            .with("app", app),
    )
}

const MOST_PICKS: usize = 8;
