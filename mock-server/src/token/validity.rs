//! Whether a refresh token is still good: one pure function from the token, the directory and
//! the time to valid or the documented cause.
//!
//! The effect of a password change or a revocation depends on its cause, the class of the client
//! and how the user signed in. That is one table, [`revokes`].
//! Source: learn.microsoft.com/entra/identity-platform/refresh-tokens, "Token revocation".

use jiff::{SignedDuration, Timestamp};

use super::refresh::{AuthenticationMethod, ClientClass, RefreshToken, SignIn};
use crate::directory::{Demand, Directory, RevocationCause, Risk, UserKind};

/// Why a refresh token, or a sign-in, is not good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Invalid {
    /// A policy blocks access: AADSTS53003.
    BlockedByPolicy,
    /// A policy demands a compliant device: AADSTS53000.
    CompliantDeviceRequired,
    /// The account is a guest's and disabled here: AADSTS500571.
    GuestDisabled,
    /// Not presented for 90 days: AADSTS700082.
    Inactive {
        /// When the token was issued.
        issued: Timestamp,
        /// After how much time it died.
        after: SignedDuration,
    },
    /// A policy demands multifactor authentication: AADSTS50076.
    MfaRequired,
    /// The user is not assigned to an app that requires it: AADSTS50105.
    NotAssigned,
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
    /// The account is deleted or was never there: AADSTS50034.
    UserDeleted,
    /// The account is disabled: AADSTS50057.
    UserDisabled,
    /// The user's risk is high: AADSTS53003.
    UserRisk,
}

impl Invalid {
    /// The AADSTS code that the token endpoint answers.
    pub fn aadsts(self) -> u32 {
        match self {
            Self::BlockedByPolicy | Self::UserRisk => 53003,
            Self::CompliantDeviceRequired => 53000,
            Self::GuestDisabled => 500_571,
            Self::Inactive { .. } => 700_082,
            Self::MfaRequired => 50076,
            Self::NotAssigned => 50105,
            Self::Revoked { .. } => 50173,
            Self::SignInFrequency { .. } => 70043,
            Self::SpaDeadline { .. } => 700_084,
            Self::TermsOfUseRequired => 50158,
            Self::UserDeleted => 50034,
            Self::UserDisabled => 50057,
        }
    }
}

/// Whether a refresh token is good, in the service's order: deadlines, account, revocation,
/// assignment, conditional access. Consent is a separate question (`consent`).
///
/// `directory` is the directory of the tenant that the token belongs to.
pub fn refresh_token(
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
    account(&token.sign_in, directory)?;
    if let Some(at) = revoked_at(&token.sign_in, directory) {
        return Err(Invalid::Revoked {
            issued: token.sign_in.auth_time,
            valid_from: at,
        });
    }
    access(&token.sign_in, directory, now, Use::NonInteractive)
}

/// Whether the account of a sign-in exists and is enabled.
pub fn account(sign_in: &SignIn, directory: &Directory) -> Result<(), Invalid> {
    let user = directory.user(sign_in.user).ok_or(Invalid::UserDeleted)?;
    match user.kind {
        _ if user.enabled => Ok(()),
        UserKind::Guest { .. } => Err(Invalid::GuestDisabled),
        UserKind::Member => Err(Invalid::UserDisabled),
    }
}

/// When the sign-in was revoked, if it was.
pub fn revoked_at(sign_in: &SignIn, directory: &Directory) -> Option<Timestamp> {
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
                || everyone && is_password_event(revocation.cause)
        })
        .map(|revocation| revocation.at)
        .chain(of_family)
        .max()
}

/// Whether the user may use the app now: assignment and conditional access.
pub fn access(
    sign_in: &SignIn,
    directory: &Directory,
    now: Timestamp,
    usage: Use,
) -> Result<(), Invalid> {
    if let Some(principal) = directory.service_principal(sign_in.client)
        && principal.assignment_required
        && !principal.assigned_users.contains(&sign_in.user)
    {
        return Err(Invalid::NotAssigned);
    }
    if directory
        .user(sign_in.user)
        .is_some_and(|user| user.risk == Risk::High)
    {
        return Err(Invalid::UserRisk);
    }
    let demands = || directory.conditional_access(sign_in.user, sign_in.client);
    for policy in demands() {
        match policy.demand {
            Demand::Block => return Err(Invalid::BlockedByPolicy),
            Demand::CompliantDevice => return Err(Invalid::CompliantDeviceRequired),
            Demand::Mfa | Demand::SignInFrequency(_) | Demand::TermsOfUse => {}
        }
    }
    for policy in demands() {
        match policy.demand {
            Demand::Mfa if sign_in.mfa_time.is_none() => return Err(Invalid::MfaRequired),
            // For confidential clients enforcement waits for the next interactive sign-in.
            // Source: learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime.
            Demand::SignInFrequency(every)
                if now.duration_since(sign_in.auth_time) >= every
                    && (usage == Use::Interactive
                        || sign_in.client_class != ClientClass::Confidential) =>
            {
                return Err(Invalid::SignInFrequency {
                    auth_time: sign_in.auth_time,
                    every,
                });
            }
            Demand::TermsOfUse if !directory.accepted_terms.contains(&sign_in.user) => {
                return Err(Invalid::TermsOfUseRequired);
            }
            _ => {}
        }
    }
    Ok(())
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

fn is_password_event(cause: RevocationCause) -> bool {
    matches!(
        cause,
        RevocationCause::PasswordChanged
            | RevocationCause::PasswordResetBySelfService
            | RevocationCause::PasswordResetInAzurePortal
            | RevocationCause::PasswordResetInAdminCenter
    )
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
