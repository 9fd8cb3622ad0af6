//! Events of tokens and of the tenant as a whole.

use jiff::Timestamp;

use super::super::{AccessTokensEnded, Directory};
use super::account::called;
use super::{Applied, EventError, set};

impl Directory {
    pub(super) fn expire_access_tokens(
        &mut self,
        user: Option<&String>,
        app: Option<&String>,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        let ended = self.tokens_ended(user, app, moment)?;
        record(&mut self.access_tokens_expired, ended);
        Ok(Applied::changed(format!(
            "Graph answers 401 to the access tokens issued so far{}",
            self.whose(user, app)?
        )))
    }

    pub(super) fn revoke_access_tokens(
        &mut self,
        user: Option<&String>,
        app: Option<&String>,
        moment: Timestamp,
    ) -> Result<Applied, EventError> {
        let ended = self.tokens_ended(user, app, moment)?;
        record(&mut self.access_tokens_revoked, ended);
        Ok(Applied::changed(format!(
            "Graph answers 401 with a claims challenge to the access tokens issued so far{}, as far \
             as their client said that it handles one (xms_cc=cp1); the others stay good",
            self.whose(user, app)?
        )))
    }

    pub(super) fn set_token_lifetime(
        &mut self,
        seconds: Option<u32>,
    ) -> Result<Applied, EventError> {
        // Source: learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes.
        if let Some(seconds) = seconds.filter(|it| !(600..=86_400).contains(it)) {
            return Err(EventError::NotPossible(format!(
                "an access token lives between 600 and 86400 seconds, not {seconds}"
            )));
        }
        let changed = set(&mut self.policies.access_token_lifetime, seconds);
        let what = match seconds {
            Some(seconds) => format!("new access tokens live {seconds} seconds"),
            None => "new access tokens live as long as usual".to_owned(),
        };
        Ok(Applied::either(
            changed,
            what.clone(),
            format!("{what} already"),
        ))
    }

    pub(super) fn rotate_signing_key(&mut self) -> Applied {
        self.key_generation += 1;
        Applied::changed("new tokens are signed with a new key; the old ones stay valid")
    }

    pub(super) fn block_tenant(&mut self) -> Applied {
        Applied::either(
            set(&mut self.blocked, true),
            "the tenant is blocked (AADSTS5000224)",
            "the tenant was blocked already",
        )
    }

    pub(super) fn delete_tenant(&mut self) -> Applied {
        Applied::either(
            set(&mut self.deleted, true),
            "the tenant is deleted (AADSTS90002)",
            "the tenant was deleted already",
        )
    }

    fn tokens_ended(
        &mut self,
        user: Option<&String>,
        app: Option<&String>,
        now: Timestamp,
    ) -> Result<AccessTokensEnded, EventError> {
        Ok(AccessTokensEnded {
            at: now,
            user: user.map(|user| self.user_id(user)).transpose()?,
            app: app.map(|app| self.app_id(app)).transpose()?,
        })
    }

    fn whose(&mut self, user: Option<&String>, app: Option<&String>) -> Result<String, EventError> {
        let mut text = String::new();
        if let Some(user) = user {
            text.push_str(&format!(" for {}", called(self.user_mut(user)?)));
        }
        if let Some(app) = app {
            text.push_str(&format!(" to {}", self.app_name(app)?));
        }
        Ok(text)
    }
}

/// Keeps one record for each user and app.
fn record(records: &mut Vec<AccessTokensEnded>, new: AccessTokensEnded) {
    records.retain(|old| (old.user, old.app) != (new.user, new.app));
    records.push(new);
}
