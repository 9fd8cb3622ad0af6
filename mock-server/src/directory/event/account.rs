//! Events of accounts: passwords, sessions, second factors, risk, devices, licences.

use jiff::{SignedDuration, Timestamp};

use super::super::{
    Directory, HighRisk, RevocationCause, Risk, TenantId, User, UserKind, UserPrincipalName,
};
use super::apply::later;
use super::{Applied, EventError, PasswordResetBy, RevokedBy, set};

impl Directory {
    pub(super) fn change_password(
        &mut self,
        user: &str,
        password: Option<&String>,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        set_password(user, password)?;
        user.revoke(RevocationCause::PasswordChanged, moment);
        Ok(Applied::changed(format!(
            "{} has a new password",
            called(user)
        )))
    }

    pub(super) fn reset_password(
        &mut self,
        user: &str,
        by: PasswordResetBy,
        password: Option<&String>,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        set_password(user, password)?;
        let (cause, place) = match by {
            PasswordResetBy::AdminCenter => (
                RevocationCause::PasswordResetInAdminCenter,
                "by an administrator in the admin center",
            ),
            PasswordResetBy::AdminPortal => (
                RevocationCause::PasswordResetInAzurePortal,
                "by an administrator in the Azure portal",
            ),
            PasswordResetBy::SelfService => (
                RevocationCause::PasswordResetBySelfService,
                "by self-service",
            ),
        };
        user.revoke(cause, moment);
        Ok(Applied::changed(format!(
            "{} has a new password, reset {place}",
            called(user)
        )))
    }

    pub(super) fn expire_password(&mut self, user: &str) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let expired = set(&mut user.password_expired, true);
        let who = called(user);
        Ok(Applied::either(
            expired,
            format!("{who} must change the password at the next sign-in (AADSTS50055)"),
            format!("the password of {who} has expired already"),
        ))
    }

    pub(super) fn revoke_sessions(
        &mut self,
        user: &str,
        by: RevokedBy,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        let cause = match by {
            RevokedBy::Admin => RevocationCause::RevokedByAdministrator,
            RevokedBy::User => RevocationCause::RevokedByUser,
        };
        self.revoke(user, cause, moment, "all sessions and refresh tokens")
    }

    pub(super) fn single_sign_out(
        &mut self,
        user: &str,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        self.revoke(
            user,
            RevocationCause::SingleSignOut,
            moment,
            "the browser sessions, and no tokens,",
        )
    }

    fn revoke(
        &mut self,
        user: &str,
        cause: RevocationCause,
        moment: Timestamp,
        what: &str,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        user.revoke(cause, moment);
        let who = called(user);
        Ok(match user.kind {
            // Source: learn.microsoft.com/entra/identity/users/users-revoke-access.
            UserKind::Guest { .. } => Applied::nothing(format!(
                "{who} is a guest, whose sessions end at home only: let it happen in the home tenant"
            )),
            UserKind::Member => Applied::changed(format!("{what} of {who} ended")),
        })
    }

    pub(super) fn enable_user(&mut self, user: &str, enabled: bool) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let word = if enabled { "enabled" } else { "disabled" };
        let changed = set(&mut user.enabled, enabled);
        let who = called(user);
        Ok(Applied::either(
            changed,
            format!("{who} is {word}"),
            format!("{who} was {word} already"),
        ))
    }

    pub(super) fn delete_user(
        &mut self,
        user: &str,
        now: Timestamp,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let who = called(user);
        let was = user.deleted.replace(now);
        Ok(Applied::either(
            was.is_none(),
            format!("{who} is deleted, and can be restored for 30 days"),
            format!("{who} was deleted already"),
        ))
    }

    pub(super) fn restore_user(&mut self, user: &str) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let was = user.deleted.take();
        let who = called(user);
        Ok(Applied::either(
            was.is_some(),
            format!("{who} is restored"),
            format!("{who} was not deleted"),
        ))
    }

    /// Smart lockout lasts one minute at first.
    /// Source: learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout.
    pub(super) fn lock_user(&mut self, user: &str, now: Timestamp) -> Result<Applied, EventError> {
        let until = later(now, SignedDuration::from_secs(60));
        let user = self.user_mut(user)?;
        user.locked_until = Some(until);
        Ok(Applied::changed(format!(
            "the password of {} is refused until {} (AADSTS50053)",
            called(user),
            until.strftime("%H:%M:%S")
        )))
    }

    pub(super) fn rename_user(&mut self, user: &str, to: &str) -> Result<Applied, EventError> {
        let id = self.user_id(user)?;
        let name = UserPrincipalName::new(to.to_owned());
        if name.as_str().starts_with('@') || !self.has_domain(name.domain()) {
            return Err(EventError::NotPossible(format!(
                "'{to}' is not in a verified domain of tenant {}: use one of {}",
                self.id,
                self.domains.join(", ")
            )));
        }
        let owner = self.user_by_name(to).map(|it| it.id);
        if owner.is_some_and(|it| it != id) {
            return Err(EventError::NotPossible(format!(
                "'{to}' is the sign-in name of another user"
            )));
        }
        let user = &mut self.users[&id];
        let before = user.user_principal_name.to_string();
        let changed = set(&mut user.user_principal_name, name);
        Ok(Applied::either(
            changed,
            format!("{before} is {to} now"),
            format!("{to} is the name already"),
        ))
    }

    pub(super) fn set_user_risk(
        &mut self,
        user: &str,
        risk: Risk,
        policy: Option<HighRisk>,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let who = called(user);
        let other_risk = set(&mut user.risk, risk);
        let other_policy = policy.is_some_and(|it| set(&mut self.policies.high_risk, it));
        let word = word(risk);
        Ok(Applied::either(
            other_risk || other_policy,
            format!(
                "the risk of {who} is {word}{}",
                demand(risk, self.policies.high_risk)
            ),
            format!("the risk of {who} was {word} already"),
        ))
    }

    pub(super) fn set_second_factor(
        &mut self,
        user: &str,
        registered: bool,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let changed = set(&mut user.second_factor, registered);
        let who = called(user);
        let (done, already) = if registered {
            ("has a second factor", "had a second factor already")
        } else {
            ("has no second factor any more", "had no second factor")
        };
        Ok(Applied::either(
            changed,
            format!("{who} {done}"),
            format!("{who} {already}"),
        ))
    }

    pub(super) fn disable_device(
        &mut self,
        user: &str,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        user.device_disabled = Some(moment);
        Ok(Applied::changed(format!(
            "the device of {} is disabled",
            called(user)
        )))
    }

    pub(super) fn remove_licence(&mut self, user: &str) -> Result<Applied, EventError> {
        let user = self.user_mut(user)?;
        let had = user.mailbox.take().is_some();
        let who = called(user);
        Ok(Applied::either(
            had,
            format!("{who} has no mailbox any more"),
            format!("{who} had no mailbox"),
        ))
    }

    pub(super) fn admit_home_tenant(
        &mut self,
        guest: &str,
        admitted: bool,
    ) -> Result<Applied, EventError> {
        let home = self.home_tenant(guest)?;
        let blocked = &mut self.policies.blocked_home_tenants;
        let (changed, word) = if admitted {
            (blocked.remove(&home), "may sign in here")
        } else {
            (blocked.insert(home), "may not sign in here")
        };
        Ok(Applied::either(
            changed,
            format!("users of tenant {home} {word}"),
            format!("users of tenant {home} {word} already"),
        ))
    }

    /// The tenant that knows a guest's password.
    fn home_tenant(&mut self, guest: &str) -> Result<TenantId, EventError> {
        match self.user_mut(guest)?.kind {
            UserKind::Guest {
                home_tenant: Some(home),
            } => Ok(home),
            _ => Err(EventError::NotPossible(format!(
                "user '{guest}' is no guest from another tenant"
            ))),
        }
    }
}

/// The sign-in name, with a word where the account is deleted.
pub(super) fn called(user: &User) -> String {
    let name = &user.user_principal_name;
    if user.deleted.is_some() {
        format!("{name} (deleted)")
    } else {
        name.to_string()
    }
}

fn set_password(user: &mut User, password: Option<&String>) -> Result<(), EventError> {
    if password.is_some_and(String::is_empty) {
        return Err(EventError::NotPossible(
            "the new password is empty: leave 'password' out for one that the mock makes"
                .to_owned(),
        ));
    }
    user.password = password
        .cloned()
        .unwrap_or_else(|| format!("{}+", user.password));
    user.password_expired = false;
    user.locked_until = None;
    Ok(())
}

fn word(risk: Risk) -> &'static str {
    match risk {
        Risk::None => "none",
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

/// What a user at high risk meets.
fn demand(risk: Risk, policy: HighRisk) -> &'static str {
    match (risk, policy) {
        (Risk::High, HighRisk::Block) => " (blocked: AADSTS53003)",
        (Risk::High, HighRisk::ChangePassword) => " (a new password is demanded: AADSTS50135)",
        _ => "",
    }
}
