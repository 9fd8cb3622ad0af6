//! Guests at home: whether the tenant and the account from which they come still stand.
//!
//! Source: learn.microsoft.com/entra/identity/users/users-revoke-access: what is done to a guest at
//! home counts where the guest is. Unverified: the codes for a home tenant that is gone or blocked.

use std::sync::Arc;

use super::error::{AuthorityError, HIDDEN};
use super::refusal::refusal;
use super::resolve::is_open;
use crate::directory::{Application, ObjectId, Risk, TenantId, UserKind};
use crate::token::SignIn;
use crate::token::validity;
use crate::world::{Tenant, World};

/// The account at home of a guest.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The home tenant.
    pub(crate) tenant: Arc<Tenant>,
    /// The user there.
    pub(crate) user: ObjectId,
}

impl Account {
    /// The account from which a user comes, if that is a guest of a tenant that can be entered.
    /// A seed file may name a home without the account.
    pub(crate) fn of(
        world: &World,
        tenant: &Tenant,
        user: ObjectId,
    ) -> Result<Option<Self>, AuthorityError> {
        let Some((id, name)) = guest(tenant, user) else {
            return Ok(None);
        };
        let named = id.to_string();
        let home = world
            .tenant(tenant.environment.cloud(), id)
            .ok_or_else(|| AuthorityError::aadsts(90002).with("tenant", &named))?;
        is_open(&home, &named)?;
        let account = home.read(|directory| {
            let mut users = directory.users.values();
            let account = users.find(|user| {
                user.user_principal_name
                    .as_str()
                    .eq_ignore_ascii_case(&name)
            })?;
            Some((account.id, account.risk))
        });
        match account {
            None => Ok(None),
            // Source: learn.microsoft.com/entra/id-protection/concept-identity-protection-b2b.
            Some((_, Risk::High)) => Err(AuthorityError::aadsts(53011)),
            Some((user, _)) => Ok(Some(Self { tenant: home, user })),
        }
    }
}

/// The user of another tenant, who is no guest here, as the token endpoint says it: without the name.
///
/// Source: AzureAD/microsoft-authentication-library-for-dotnet#2255, Azure/azure-sdk-for-net#30230.
pub(super) fn of_another_home(home: &Tenant, tenant: &Tenant, app: &Application) -> AuthorityError {
    AuthorityError::aadsts(50020)
        .with("user", HIDDEN)
        .with("provider", tenant.environment.cloud().v1_issuer(home.id))
        .with("tenant", tenant.read(|it| it.display_name.clone()))
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
}

/// Whether a sign-in stands where the user comes from; members and guests without a home do.
pub(crate) fn stands(
    world: &World,
    tenant: &Tenant,
    app: Option<&Application>,
    sign_in: &SignIn,
) -> Result<(), AuthorityError> {
    let Some(account) = Account::of(world, tenant, sign_in.user)? else {
        return Ok(());
    };
    let at_home = SignIn {
        tenant: account.tenant.id,
        user: account.user,
        ..sign_in.clone()
    };
    account.tenant.read(|directory| {
        validity::sign_in_stands(&at_home, directory)
            .map_err(|invalid| refusal(invalid, directory, app, &at_home))
    })
}

/// The home tenant of a guest and the sign-in name there.
fn guest(tenant: &Tenant, user: ObjectId) -> Option<(TenantId, String)> {
    tenant.read(|directory| {
        let user = directory.user(user)?;
        match user.kind {
            UserKind::Guest { home_tenant } => {
                Some((home_tenant?, user.user_principal_name.at_home()))
            }
            UserKind::Member => None,
        }
    })
}
