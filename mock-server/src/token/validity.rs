//! Whether a refresh token is still good: one pure function from the token, the directory and
//! the time to valid or the documented cause.
//!
//! The effect of a password change or a revocation depends on its cause, the class of the client
//! and how the user signed in. That is one table, [`revokes`].
//! Source: learn.microsoft.com/entra/identity-platform/refresh-tokens, "Token revocation".

use std::net::{IpAddr, Ipv4Addr};

use jiff::{SignedDuration, Timestamp};

use super::refresh::{AuthenticationMethod, ClientClass, RefreshToken, SignIn};
use crate::directory::{
    ApplicationId, ConditionalAccessPolicy, Demand, Directory, HighRisk, ObjectId, RevocationCause,
    Risk, User, UserKind,
};

/// When and from where somebody tries to use a token or a sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// When, by the tenant's clock.
    pub now: Timestamp,
    /// The address of the client.
    pub from: IpAddr,
}

impl Attempt {
    /// An attempt of a client on this machine.
    pub fn from_loopback(now: Timestamp) -> Self {
        Self {
            now,
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// Why a refresh token, or a sign-in, is not good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Invalid {
    /// A policy demands an app that is managed by app protection policies: AADSTS53005.
    AppProtectionRequired,
    /// A policy demands an approved app: AADSTS53002.
    ApprovedAppRequired,
    /// A policy blocks access: AADSTS53003.
    BlockedByPolicy,
    /// A policy demands a compliant device: AADSTS53000.
    CompliantDeviceRequired,
    /// The device at which the person signed in is disabled: AADSTS135011.
    DeviceDisabled,
    /// The account is a guest's and disabled here: AADSTS500571.
    GuestDisabled,
    /// Cross-tenant access settings block the guest's home tenant: AADSTS500213.
    HomeTenantBlocked,
    /// A policy demands a device of the organization's domain: AADSTS53001.
    HybridJoinRequired,
    /// Not presented for 90 days: AADSTS700082.
    Inactive {
        /// When the token was issued.
        issued: Timestamp,
        /// After how much time it died.
        after: SignedDuration,
    },
    /// The second factor was given too long ago for a policy: AADSTS50078.
    MfaExpired,
    /// A policy demands multifactor authentication, and none is registered: AADSTS50079.
    MfaRegistrationRequired,
    /// A policy demands multifactor authentication: AADSTS50076.
    MfaRequired,
    /// The user is not assigned to an app that requires it: AADSTS50105.
    NotAssigned,
    /// The user's risk is high, and a new password ends it: AADSTS50135.
    PasswordChangeRequired,
    /// Revoked one by one, or used again under strict rotation: AADSTS50173.
    Revoked {
        /// When the grant was issued.
        issued: Timestamp,
        /// Tokens from before are not valid.
        valid_from: Timestamp,
    },
    /// Older than a policy's sign-in frequency: AADSTS70043.
    SignInFrequency {
        /// When the user signed in.
        auth_time: Timestamp,
        /// The allowed age.
        every: SignedDuration,
    },
    /// The 24 hours of a single-page application are over: AADSTS700084.
    SpaDeadline {
        /// When the first token was issued.
        issued: Timestamp,
    },
    /// A policy demands accepted terms of use: AADSTS50158.
    TermsOfUseRequired,
    /// A policy demands tokens that are bound to the device: AADSTS530084.
    TokenProtectionRequired,
    /// The account is deleted: AADSTS500341.
    UserDeleted,
    /// The account is disabled: AADSTS50057.
    UserDisabled,
    /// The user's risk is high: AADSTS53003.
    UserRisk,
    /// The account was never there, or is deleted for good: AADSTS50034.
    UserUnknown,
}

impl Invalid {
    /// The AADSTS code that the token endpoint answers.
    pub fn aadsts(self) -> u32 {
        match self {
            Self::AppProtectionRequired => 53005,
            Self::ApprovedAppRequired => 53002,
            Self::BlockedByPolicy | Self::UserRisk => 53003,
            Self::CompliantDeviceRequired => 53000,
            Self::DeviceDisabled => 135011,
            Self::GuestDisabled => 500571,
            Self::HomeTenantBlocked => 500213,
            Self::HybridJoinRequired => 53001,
            Self::Inactive { .. } => 700082,
            Self::MfaExpired => 50078,
            Self::MfaRegistrationRequired => 50079,
            Self::MfaRequired => 50076,
            Self::NotAssigned => 50105,
            Self::PasswordChangeRequired => 50135,
            Self::Revoked { .. } => 50173,
            Self::SignInFrequency { .. } => 70043,
            Self::SpaDeadline { .. } => 700084,
            Self::TermsOfUseRequired => 50158,
            Self::TokenProtectionRequired => 530084,
            Self::UserDeleted => 500341,
            Self::UserDisabled => 50057,
            Self::UserUnknown => 50034,
        }
    }

    /// Whether it is this policy that is not satisfied.
    pub fn is_of(self, policy: &ConditionalAccessPolicy) -> bool {
        match self {
            Self::AppProtectionRequired => policy.demand == Demand::AppProtection,
            Self::ApprovedAppRequired => policy.demand == Demand::ApprovedApp,
            Self::BlockedByPolicy => policy.demand == Demand::Block,
            Self::HybridJoinRequired => policy.demand == Demand::HybridJoinedDevice,
            Self::CompliantDeviceRequired => policy.demand == Demand::CompliantDevice,
            Self::MfaExpired => matches!(policy.demand, Demand::MfaFrequency(_)),
            Self::MfaRegistrationRequired | Self::MfaRequired => {
                matches!(policy.demand, Demand::Mfa | Demand::MfaFrequency(_))
            }
            Self::SignInFrequency { .. } => matches!(policy.demand, Demand::SignInFrequency(_)),
            Self::TermsOfUseRequired => policy.demand == Demand::TermsOfUse,
            Self::TokenProtectionRequired => policy.demand == Demand::TokenProtection,
            _ => false,
        }
    }
}

/// Whether a refresh token stands, and its user may use the app. Consent is a separate question
/// (`consent`), which the token endpoint asks between these two.
///
/// `directory` is the directory of the tenant that the token belongs to.
pub fn refresh_token(
    token: &RefreshToken,
    directory: &Directory,
    attempt: Attempt,
) -> Result<(), Invalid> {
    refresh_token_stands(token, directory, attempt.now)?;
    access(&token.sign_in, directory, attempt, Use::NonInteractive)
}

/// Whether a refresh token stands: deadlines, account, revocation, device.
pub fn refresh_token_stands(
    token: &RefreshToken,
    directory: &Directory,
    now: Timestamp,
) -> Result<(), Invalid> {
    if token.sign_in.client_class == ClientClass::Spa
        && now.duration_since(token.first_issued) >= SPA_LIFETIME
    {
        return Err(Invalid::SpaDeadline {
            issued: token.first_issued,
        });
    }
    if now.duration_since(token.issued) >= INACTIVITY {
        return Err(Invalid::Inactive {
            issued: token.issued,
            after: INACTIVITY,
        });
    }
    sign_in_stands(&token.sign_in, directory)
}

/// Whether a sign-in still stands: account, revocation, device.
pub fn sign_in_stands(sign_in: &SignIn, directory: &Directory) -> Result<(), Invalid> {
    account(sign_in, directory)?;
    if let Some(at) = revoked_at(sign_in, directory) {
        return Err(Invalid::Revoked {
            issued: sign_in.auth_time,
            valid_from: at,
        });
    }
    if device_disabled(sign_in, directory) {
        return Err(Invalid::DeviceDisabled);
    }
    Ok(())
}

/// Whether the account of a sign-in exists and is enabled.
fn account(sign_in: &SignIn, directory: &Directory) -> Result<(), Invalid> {
    let user = directory
        .users
        .get(&sign_in.user)
        .ok_or(Invalid::UserUnknown)?;
    if user.deleted.is_some() {
        return Err(Invalid::UserDeleted);
    }
    match user.kind {
        _ if user.enabled => Ok(()),
        UserKind::Guest { .. } => Err(Invalid::GuestDisabled),
        UserKind::Member => Err(Invalid::UserDisabled),
    }
}

/// When the sign-in was revoked, if it was.
fn revoked_at(sign_in: &SignIn, directory: &Directory) -> Option<Timestamp> {
    let user = directory.user(sign_in.user)?;
    if matches!(user.kind, UserKind::Guest { .. }) {
        // What is revoked for a guest counts at home only.
        // Source: learn.microsoft.com/entra/identity/users/users-revoke-access.
        return directory.revoked_families.get(&sign_in.family).copied();
    }
    let everyone = directory
        .switches
        .password_events_reach_confidential_clients;
    let of_family = directory.revoked_families.get(&sign_in.family).copied();
    user.revocations
        .iter()
        .filter(|revocation| sign_in.moment <= revocation.at)
        .filter(|revocation| {
            revokes(revocation.cause, sign_in.client_class, sign_in.method)
                || everyone && revocation.cause.is_of_the_password()
        })
        .map(|revocation| revocation.at)
        .chain(of_family)
        .max()
}

/// Whether the device at which the person signed in was disabled since. Tokens of confidential
/// clients are not bound to it.
fn device_disabled(sign_in: &SignIn, directory: &Directory) -> bool {
    sign_in.compliant_device
        && sign_in.client_class != ClientClass::Confidential
        && directory
            .user(sign_in.user)
            .is_some_and(|user| user.device_is_disabled_since(sign_in.moment))
}

/// Whether the user may use the app now: cross-tenant access, assignment, risk and conditional
/// access.
pub fn access(
    sign_in: &SignIn,
    directory: &Directory,
    attempt: Attempt,
    usage: Use,
) -> Result<(), Invalid> {
    let user = directory.user(sign_in.user);
    if let Some(UserKind::Guest {
        home_tenant: Some(home),
    }) = user.map(|user| user.kind)
        && directory.policies.blocked_home_tenants.contains(&home)
    {
        return Err(Invalid::HomeTenantBlocked);
    }
    if let Some(principal) = directory.service_principal(sign_in.client)
        && principal.assignment_required
        && !principal.assigned_users.contains(&sign_in.user)
    {
        return Err(Invalid::NotAssigned);
    }
    if user.is_some_and(|user| user.risk == Risk::High) {
        return Err(match directory.policies.high_risk {
            HighRisk::Block => Invalid::UserRisk,
            HighRisk::ChangePassword => Invalid::PasswordChangeRequired,
        });
    }
    let mut demands: Vec<Demand> = directory
        .conditional_access(sign_in.user, sign_in.client, attempt.from)
        .map(|policy| policy.demand)
        .collect();
    demands.sort_by_key(|demand| turn(*demand, usage));
    for demand in demands {
        match demand {
            // No device of the mock is joined to a domain, and no app is one of the list.
            Demand::AppProtection => return Err(Invalid::AppProtectionRequired),
            Demand::ApprovedApp => return Err(Invalid::ApprovedAppRequired),
            Demand::HybridJoinedDevice => return Err(Invalid::HybridJoinRequired),
            Demand::Block => return Err(Invalid::BlockedByPolicy),
            Demand::CompliantDevice if !sign_in.compliant_device => {
                return Err(Invalid::CompliantDeviceRequired);
            }
            Demand::Mfa => second_factor(sign_in, user, None, attempt.now)?,
            Demand::MfaFrequency(every) => {
                second_factor(sign_in, user, Some(every), attempt.now)?;
            }
            // For confidential clients enforcement waits for the next interactive sign-in.
            // Source: learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime.
            Demand::SignInFrequency(every)
                if attempt.now.duration_since(sign_in.auth_time) >= at_least_allowance(every)
                    && (usage == Use::Interactive
                        || sign_in.client_class != ClientClass::Confidential) =>
            {
                return Err(Invalid::SignInFrequency {
                    auth_time: sign_in.auth_time,
                    every,
                });
            }
            // What a public client holds without the device's broker is bound to nothing.
            // Source: Azure/azure-dev#7704.
            Demand::TokenProtection
                if usage == Use::NonInteractive
                    && sign_in.client_class != ClientClass::Confidential =>
            {
                return Err(Invalid::TokenProtectionRequired);
            }
            Demand::TermsOfUse if !directory.accepted_terms.contains(&sign_in.user) => {
                return Err(Invalid::TermsOfUseRequired);
            }
            _ => {}
        }
    }
    Ok(())
}

/// When a demand has its turn among those of several policies: a block ends it, grant controls
/// follow in their order, session controls come last.
/// Source: learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies,
/// "Phase 2: Enforcement".
///
/// Unverified: on the pages the password comes first, since a second factor is given after it.
fn turn(demand: Demand, usage: Use) -> u8 {
    match demand {
        Demand::Block => 0,
        Demand::SignInFrequency(_) if usage == Use::Interactive => 1,
        Demand::Mfa | Demand::MfaFrequency(_) => 2,
        Demand::CompliantDevice | Demand::HybridJoinedDevice => 3,
        Demand::ApprovedApp | Demand::AppProtection => 4,
        Demand::TermsOfUse => 5,
        Demand::SignInFrequency(_) | Demand::TokenProtection => 6,
    }
}

/// Whether the second factor was given, and not longer ago than a policy allows.
fn second_factor(
    sign_in: &SignIn,
    user: Option<&User>,
    every: Option<SignedDuration>,
    now: Timestamp,
) -> Result<(), Invalid> {
    match (sign_in.mfa_time, every) {
        (Some(given), Some(every)) if now.duration_since(given) >= at_least_allowance(every) => {
            Err(Invalid::MfaExpired)
        }
        (Some(_), _) => Ok(()),
        (None, _) if user.is_some_and(|user| !user.second_factor) => {
            Err(Invalid::MfaRegistrationRequired)
        }
        (None, _) => Err(Invalid::MfaRequired),
    }
}

/// "Every time" allows for clocks that differ: five minutes.
/// Source: learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime.
fn at_least_allowance(every: SignedDuration) -> SignedDuration {
    if every.is_zero() {
        SignedDuration::from_mins(5)
    } else {
        every
    }
}

/// Whether a policy that names networks blocks a user's use of an app from an address: the part
/// of conditional access that Graph evaluates itself.
/// Source: learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation.
pub fn blocked_by_location(
    directory: &Directory,
    user: ObjectId,
    app: ApplicationId,
    from: IpAddr,
) -> bool {
    directory
        .conditional_access(user, app, from)
        .any(|policy| policy.demand == Demand::Block && policy.networks.any())
}

/// Whether a person is there who can do something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// On the pages.
    Interactive,
    /// At the token endpoint.
    NonInteractive,
}

/// The documented matrix: whether an event ends tokens of a client class and sign-in kind.
pub fn revokes(cause: RevocationCause, class: ClientClass, method: AuthenticationMethod) -> bool {
    let public_password =
        class != ClientClass::Confidential && method == AuthenticationMethod::Password;
    match cause {
        RevocationCause::PasswordChanged
        | RevocationCause::PasswordResetBySelfService
        | RevocationCause::PasswordResetInAzurePortal => public_password,
        RevocationCause::PasswordResetInAdminCenter
        | RevocationCause::RevokedByUser
        | RevocationCause::RevokedByAdministrator => true,
        RevocationCause::SingleSignOut => false,
    }
}

/// The documented matrix for browser sessions (cookies).
pub fn revokes_session(cause: RevocationCause, method: AuthenticationMethod) -> bool {
    match cause {
        RevocationCause::PasswordChanged
        | RevocationCause::PasswordResetBySelfService
        | RevocationCause::PasswordResetInAzurePortal
        | RevocationCause::PasswordResetInAdminCenter => method == AuthenticationMethod::Password,
        RevocationCause::RevokedByUser
        | RevocationCause::RevokedByAdministrator
        | RevocationCause::SingleSignOut => true,
    }
}

/// A refresh token dies after this much time without use.
/// Source: learn.microsoft.com/entra/identity-platform/refresh-tokens, "Token lifetime".
pub const INACTIVITY: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Refresh tokens of single-page applications live this long from the first one on.
/// Source: learn.microsoft.com/entra/identity-platform/refresh-tokens, "Token lifetime".
pub const SPA_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// An authorization code lives this long.
/// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow ("about 10 minutes").
pub const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

#[cfg(test)]
mod tests;
