//! Guests at home: whether the tenant and the account from which they come still stand.
//!
//! Source: learn.microsoft.com/entra/identity/users/users-revoke-access: what is done to a guest at
//! home counts where the guest is. Unverified: the codes for a home tenant that is gone or blocked.

use std::sync::Arc;

use super::error::AuthorityError;
use super::issue;
use super::resolve::{Client, is_open};
use super::sign_in::home_name;
use crate::directory::{ObjectId, Risk, TenantId, UserKind};
use crate::token::SignIn;
use crate::token::validity;
use crate::world::{Tenant, World};

/// Whether a sign-in stands where the user comes from; members and guests without a home do.
pub(crate) fn stands(
    world: &World,
    tenant: &Tenant,
    client: &Client,
    sign_in: &SignIn,
) -> Result<(), AuthorityError> {
    let Some((home, name)) = guest(tenant, sign_in.user) else {
        return Ok(());
    };
    let named = home.to_string();
    let home = world
        .tenant(tenant.environment.cloud(), home)
        .ok_or_else(|| AuthorityError::aadsts(90002).with("tenant", &named))?;
    is_open(&home, &named)?;
    home.read(|directory| {
        let account = directory.users.values().find(|user| {
            user.user_principal_name
                .as_str()
                .eq_ignore_ascii_case(&name)
        });
        // A seed file may name a home without the account.
        let Some(account) = account else {
            return Ok(());
        };
        // Source: learn.microsoft.com/entra/id-protection/concept-identity-protection-b2b.
        if account.risk == Risk::High {
            return Err(AuthorityError::aadsts(53011));
        }
        let at_home = SignIn {
            tenant: home.id,
            user: account.id,
            ..sign_in.clone()
        };
        validity::sign_in_stands(&at_home, directory)
            .map_err(|invalid| issue::refusal(invalid, directory, client, &at_home))
    })
}

/// The home tenant of a guest and the sign-in name there.
fn guest(tenant: &Tenant, user: ObjectId) -> Option<(TenantId, String)> {
    tenant.read(|directory| {
        let user = directory.user(user)?;
        match user.kind {
            UserKind::Guest { home_tenant } => {
                Some((home_tenant?, home_name(&user.user_principal_name)))
            }
            UserKind::Member => None,
        }
    })
}

/// Whether the tenant in which a client is registered is still there. Unverified: that an app of a
/// deleted tenant is told as one that does not exist.
pub(crate) fn is_gone(home: &Arc<Tenant>) -> bool {
    home.read(|directory| directory.deleted)
}
