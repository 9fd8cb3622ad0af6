//! Finding an account by its name and checking its credentials.

use std::sync::Arc;

use crate::authority::pages::account::AccountTile;
use crate::authority::session::{Login, Session};
use crate::authority::visit::Refusal;
use crate::directory::{Application, Directory, ObjectId, TenantId, User, UserKind, UserPrincipalName};
use crate::environment::SignInCloud;
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
    /// Said beside the field; the person can try again.
    Inline(u32, String),
    /// The password is right but has expired: AADSTS50055.
    Expired,
    /// An error page.
    Page(Refusal),
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
        cloud: SignInCloud,
        segment: &str,
        app: Option<&Application>,
    ) -> Result<Self, Refusal> {
        let refuse = |code, message: String| Refusal::new(code, "invalid_request", message);
        match segment {
            "common" | "organizations" => match app {
                Some(app) if !app.is_multi_tenant() => Err(refuse(
                    50194,
                    format!(
                        "Application '{}'({}) is not configured as a multi-tenant application. \
                         Usage of the /common endpoint is not supported for such apps created \
                         after '10/15/2018'. Use a tenant-specific endpoint or configure the \
                         application to be multi-tenant.",
                        app.app_id, app.display_name
                    ),
                )),
                _ => Ok(Self::Any(cloud)),
            },
            "consumers" | CONSUMERS => Err(match app {
                Some(app) => refuse(
                    9_002_332,
                    format!(
                        "Application '{}'({}) is configured for use by Azure Active Directory \
                         users only. Please do not use the /consumers endpoint to serve this \
                         request.",
                        app.app_id, app.display_name
                    ),
                ),
                None => refuse(9_002_332, "This mock has no personal accounts.".to_owned()),
            }),
            _ => {
                let Some(tenant) = world.tenant_of_segment(cloud, segment) else {
                    return Err(no_tenant(segment));
                };
                let (blocked, deleted) = {
                    let directory = tenant.directory();
                    (directory.blocked, directory.deleted)
                };
                if deleted {
                    return Err(no_tenant(segment));
                }
                if blocked {
                    // Unverified: the text is own knowledge.
                    return Err(refuse(
                        5_000_224,
                        "We are sorry, this resource is not available.".to_owned(),
                    ));
                }
                Ok(Self::One(tenant))
            }
        }
    }

    /// The account with a sign-in name.
    pub(crate) fn find(&self, world: &World, name: &str, app: (&str, &str)) -> Result<Found, Failure> {
        let name = UserPrincipalName::new(name.trim());
        match self {
            Self::Any(cloud) => {
                let tenant = world.tenant_of_domain(*cloud, name.domain());
                let found = tenant.and_then(|tenant| {
                    let user = tenant.directory().user_by_name(name.as_str())?.id;
                    Some(Found { tenant, user, home: None })
                });
                found.ok_or_else(|| unknown(&name, None))
            }
            Self::One(tenant) => {
                if let Some(found) = in_tenant(world, tenant, &name) {
                    return Ok(found);
                }
                let cloud = tenant.environment.cloud();
                let elsewhere = world.tenant_of_domain(cloud, name.domain()).is_some_and(|home| {
                    home.id != tenant.id && home.directory().user_by_name(name.as_str()).is_some()
                });
                Err(if elsewhere { not_in_tenant(&name, tenant, app) } else { unknown(&name, Some(tenant)) })
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
            let Some(tenant) = world.tenant(cloud, login.tenant) else { continue };
            if !login.stands(&tenant.directory()) {
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
                .find(|it| it.environment.cloud() == *cloud && !it.directory().users.is_empty()),
        };
        let Some(tenant) = tenant else { return Vec::new() };
        let directory = tenant.directory();
        directory
            .users
            .values()
            .filter(|user| user.deleted.is_none() && user.enabled && !user.alias.is_empty())
            .take(MOST_PICKS)
            .map(|user| tile(user, remark(user)))
            .collect()
    }
}

/// AADSTS90002, or AADSTS900023 for what cannot be the name of a tenant.
fn no_tenant(segment: &str) -> Refusal {
    let is_name = segment.contains('.')
        && segment.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.' || it == b'-');
    if is_name || segment.parse::<TenantId>().is_ok() {
        return Refusal::new(
            90002,
            "invalid_request",
            format!(
                "Tenant '{segment}' not found. Check to make sure you have the correct tenant ID \
                 and are signing into the correct cloud. Check with your subscription \
                 administrator, this may happen if there are no active subscriptions for the \
                 tenant."
            ),
        );
    }
    Refusal::new(
        900_023,
        "invalid_request",
        format!(
            "Specified tenant identifier '{segment}' is neither a valid DNS name, nor a valid \
             external domain."
        ),
    )
}

impl Found {
    /// Checks the proof, and signs in.
    pub(crate) fn sign_in(&self, proof: Proof<'_>, random: &Random) -> Result<Login, Failure> {
        let now = self.tenant.now();
        let (holder, user) = self.home.as_ref().map_or((&self.tenant, self.user), |(tenant, user)| (tenant, *user));
        {
            let directory = holder.directory();
            let account = directory.user(user).ok_or_else(|| gone(&directory))?;
            check(account, proof, holder.now())?;
        }
        let directory = self.tenant.directory();
        let user = directory.user(self.user).ok_or_else(|| gone(&directory))?;
        if !user.enabled {
            return Err(Failure::Page(disabled()));
        }
        let method = match proof {
            Proof::Password(_) | Proof::QuickPick => AuthenticationMethod::Password,
            Proof::SecurityKey => AuthenticationMethod::NonPassword,
        };
        // A sign-in comes after the revocations that there are, also where the clock stands still.
        let newest = user.revocations.iter().map(|revocation| revocation.at).max();
        let tick = jiff::SignedDuration::from_millis(1);
        let after = newest.and_then(|at| at.checked_add(tick).ok());
        let auth_time = after.map_or(now, |after| after.max(now));
        Ok(Login {
            tenant: self.tenant.id,
            user: user.id,
            session: random.uuid(),
            method,
            auth_time,
            // A security key is a second factor by itself.
            mfa_time: (method == AuthenticationMethod::NonPassword).then_some(auth_time),
        })
    }

    /// The sign-in name in the tenant.
    pub(crate) fn name(&self) -> String {
        let directory = self.tenant.directory();
        directory.user(self.user).map(|user| user.user_principal_name.to_string()).unwrap_or_default()
    }

    /// The tenant and the user whose password it is.
    pub(crate) fn password_holder(&self) -> (Arc<Tenant>, ObjectId) {
        self.home.clone().unwrap_or_else(|| (Arc::clone(&self.tenant), self.user))
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
    let (user, kind, guest_name) = {
        let directory = tenant.directory();
        let user = directory
            .user_by_name(name.as_str())
            .or_else(|| directory.user_by_name(&external_name(name, &directory)))?;
        (user.id, user.kind, user.user_principal_name.clone())
    };
    let home = match kind {
        UserKind::Guest { home_tenant: Some(home) } => {
            let home = world.tenant(tenant.environment.cloud(), home)?;
            let at_home = home_name(&guest_name);
            let id = home.directory().user_by_name(&at_home).map(|user| user.id);
            // A seed file may name a home without the account: the guest's own password counts.
            id.map(|id| (home, id))
        }
        _ => None,
    };
    Some(Found { tenant: Arc::clone(tenant), user, home })
}

/// `bob@fabrikam.com` as a guest of Contoso: `bob_fabrikam.com#EXT#@contoso.onmicrosoft.com`.
///
/// Source: learn.microsoft.com/entra/external-id/user-properties.
fn external_name(name: &UserPrincipalName, directory: &Directory) -> String {
    format!("{}_{}#EXT#@{}", name.local_part(), name.domain(), directory.domain())
}

fn home_name(guest: &UserPrincipalName) -> String {
    let local = guest.local_part();
    let mangled = local.strip_suffix("#EXT#").unwrap_or(local);
    mangled.rsplit_once('_').map_or_else(
        || guest.to_string(),
        |(local, domain)| format!("{local}@{domain}"),
    )
}

fn check(account: &User, proof: Proof<'_>, now: jiff::Timestamp) -> Result<(), Failure> {
    let with_password = !matches!(proof, Proof::SecurityKey);
    if with_password && account.locked_until.is_some_and(|until| until > now) {
        return Err(Failure::Inline(
            50053,
            "The account is locked, you've tried to sign in too many times with an incorrect user \
             ID or password."
                .to_owned(),
        ));
    }
    if let Proof::Password(typed) = proof
        && typed != account.password
    {
        return Err(Failure::Inline(
            50126,
            "Your account or password is incorrect. If you don't remember your password, pick the \
             account from the list of test users."
                .to_owned(),
        ));
    }
    if !account.enabled {
        return Err(Failure::Page(disabled()));
    }
    if with_password && account.password_expired {
        return Err(Failure::Expired);
    }
    Ok(())
}

fn disabled() -> Refusal {
    Refusal::new(50057, "invalid_grant", "The user account is disabled.")
}

fn gone(directory: &Directory) -> Failure {
    Failure::Inline(50034, format!("The user account does not exist in the {} directory.", directory.id))
}

fn unknown(name: &UserPrincipalName, tenant: Option<&Arc<Tenant>>) -> Failure {
    let text = match tenant {
        Some(tenant) => format!(
            "The user account {name} does not exist in the {} directory. To sign into this \
             application, the account must be added to the directory.",
            tenant.directory().display_name
        ),
        None => format!("We couldn't find an account with the name {name}."),
    };
    Failure::Inline(50034, text)
}

/// AADSTS50020.
pub(crate) fn not_in_tenant(
    name: &UserPrincipalName,
    tenant: &Arc<Tenant>,
    (app_id, app_name): (&str, &str),
) -> Failure {
    let cloud = tenant.environment.cloud();
    let provider = cloud.v1_issuer(name.domain());
    Failure::Page(Refusal::new(
        50020,
        "invalid_grant",
        format!(
            "User account '{name}' from identity provider '{provider}' does not exist in tenant \
             '{}' and cannot access the application '{app_id}'({app_name}) in that tenant. The \
             account needs to be added as an external user in the tenant first. Sign out and sign \
             in again with a different Azure Active Directory user account.",
            tenant.directory().display_name
        ),
    ))
}

/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const MOST_PICKS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_found_by_the_name_at_home() {
        let guest = UserPrincipalName::new("ann_lee_fabrikam.com#EXT#@contoso.onmicrosoft.com");
        assert_eq!(home_name(&guest), "ann_lee@fabrikam.com");
        assert_eq!(home_name(&UserPrincipalName::new("bob@contoso.com")), "bob@contoso.com");
    }
}
