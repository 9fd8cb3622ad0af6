//! The events that tests need most, as they say them: `Event::revoke_sessions("alice")`. All others,
//! and fields that are seldom needed, are written out.

use super::{Event, PasswordResetBy, RevokedBy};

/// Users are named by alias, sign-in name or object id; apps by alias or application id.
impl Event {
    /// An administrator ends all sessions of a user: refresh tokens are refused with AADSTS50173.
    pub fn revoke_sessions(user: impl Into<String>) -> Self {
        Self::RevokeSessions {
            user: user.into(),
            by: RevokedBy::Admin,
        }
    }

    /// An administrator resets a password: refresh tokens of public clients end. Those of
    /// confidential ones end where it is done [in the admin center](PasswordResetBy::AdminCenter).
    pub fn reset_password(user: impl Into<String>) -> Self {
        Self::ResetPassword {
            user: user.into(),
            by: PasswordResetBy::default(),
            password: None,
        }
    }

    /// An administrator disables an account: AADSTS50057.
    pub fn disable_user(user: impl Into<String>) -> Self {
        Self::DisableUser { user: user.into() }
    }

    /// An administrator enables an account again.
    pub fn enable_user(user: impl Into<String>) -> Self {
        Self::EnableUser { user: user.into() }
    }

    /// A user is deleted, and can be restored: AADSTS500341.
    pub fn delete_user(user: impl Into<String>) -> Self {
        Self::DeleteUser { user: user.into() }
    }

    /// All that was consented to an app is withdrawn: AADSTS65001.
    pub fn revoke_consent(app: impl Into<String>) -> Self {
        Self::RevokeConsent {
            app: app.into(),
            user: None,
        }
    }

    /// An administrator consents to permissions of an app for everybody.
    pub fn grant_consent(
        app: impl Into<String>,
        scopes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::GrantConsent {
            app: app.into(),
            user: None,
            scopes: scopes.into_iter().map(Into::into).collect(),
        }
    }

    /// The secrets of an app expire: AADSTS7000222.
    pub fn expire_secret(app: impl Into<String>) -> Self {
        Self::ExpireSecret { app: app.into() }
    }

    /// An administrator switches off sign-in to an app: AADSTS7000112.
    pub fn disable_app(app: impl Into<String>) -> Self {
        Self::DisableApp { app: app.into() }
    }

    /// A policy demands a second factor of everybody who uses an app: AADSTS50076.
    pub fn require_mfa(app: impl Into<String>) -> Self {
        Self::RequireMfa {
            user: None,
            app: Some(app.into()),
        }
    }

    /// A policy blocks everybody who uses an app: AADSTS53003.
    pub fn block_by_policy(app: impl Into<String>) -> Self {
        Self::BlockByPolicy {
            user: None,
            app: Some(app.into()),
            inside: None,
            outside: None,
        }
    }

    /// A mail with a subject arrives.
    pub fn deliver_message(user: impl Into<String>, subject: impl Into<String>) -> Self {
        Self::DeliverMessage {
            user: user.into(),
            subject: Some(subject.into()),
            from: None,
            body: None,
            late: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_files_say() {
        for (made, written) in [
            (
                Event::reset_password("alice"),
                "reset-password: {user: alice}",
            ),
            (
                Event::revoke_sessions("alice"),
                "revoke-sessions: {user: alice}",
            ),
            (
                Event::grant_consent("own-app", ["Mail.Read"]),
                "grant-consent: {app: own-app, scopes: [Mail.Read]}",
            ),
            (Event::require_mfa("own-app"), "require-mfa: {app: own-app}"),
            (
                Event::deliver_message("alice", "hello"),
                "deliver-message: {user: alice, subject: hello}",
            ),
        ] {
            let read: Event = crate::notation::read("event", written).unwrap();
            assert_eq!(made, read);
        }
    }
}
