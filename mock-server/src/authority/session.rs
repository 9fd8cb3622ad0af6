//! The browser's session: who signed in with it, in a sealed cookie.
//!
//! The mock keeps no list of sessions. A session ends as the documented matrix says, by what the
//! directory knows of the user (`token::validity::revokes_session`).

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{ApplicationId, Directory, ObjectId, TenantId, User};
use crate::token::validity::revokes_session;
use crate::token::{AuthenticationMethod, ClientClass, SEALED_PREFIX, Sealer, SignIn};

/// A person's sign-in with a browser, whatever the app.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Login {
    /// The tenant.
    pub(crate) tenant: TenantId,
    /// The user in that tenant.
    pub(crate) user: ObjectId,
    /// The session id, `sid`.
    pub(crate) session: Uuid,
    /// With what.
    pub(crate) method: AuthenticationMethod,
    /// When, by the tenant's clock.
    pub(crate) auth_time: Timestamp,
    /// When among the tenant's events.
    pub(crate) moment: Timestamp,
    /// When the second factor was given, if it was.
    pub(crate) mfa_time: Option<Timestamp>,
    /// The person showed a device that is marked as compliant.
    #[serde(default)]
    pub(crate) compliant_device: bool,
}

/// Who is signed in with a browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    accounts: Vec<Login>,
    // What the browser is to be told at the end of the request.
    change: Change,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Change {
    #[default]
    None,
    Clear,
    Store,
}

impl Login {
    /// Whether the directory still lets this sign-in stand.
    pub(crate) fn stands(&self, directory: &Directory) -> bool {
        directory.user(self.user).is_some_and(|user| {
            user.enabled && !self.is_revoked(user) && !self.is_of_a_disabled_device(user)
        })
    }

    /// Unverified: that a session ends with the device that was shown in it.
    fn is_of_a_disabled_device(&self, user: &User) -> bool {
        self.compliant_device && user.device_is_disabled_since(self.moment)
    }

    fn is_revoked(&self, user: &User) -> bool {
        user.revocations.iter().any(|revocation| {
            self.moment <= revocation.at && revokes_session(revocation.cause, self.method)
        })
    }

    /// The sign-in of this person to one app.
    pub(crate) fn to_app(&self, client: ApplicationId, class: ClientClass, family: Uuid) -> SignIn {
        SignIn {
            family,
            tenant: self.tenant,
            client,
            client_class: class,
            user: self.user,
            auth_time: self.auth_time,
            moment: self.moment,
            method: self.method,
            mfa_time: self.mfa_time,
            session: self.session,
            compliant_device: self.compliant_device,
        }
    }
}

impl Session {
    /// Reads the cookie; one that does not open counts as none.
    pub(crate) fn read(headers: &HeaderMap, sealer: &Sealer) -> Self {
        let accounts = sealed_cookie(headers, COOKIE, PURPOSE, sealer).unwrap_or_default();
        Self {
            accounts,
            change: Change::None,
        }
    }

    /// The people signed in, the latest first.
    pub(crate) fn accounts(&self) -> &[Login] {
        &self.accounts
    }

    /// Remembers a sign-in, in place of an earlier one of the same user.
    pub(crate) fn remember(&mut self, login: &Login) {
        self.accounts
            .retain(|it| (it.tenant, it.user) != (login.tenant, login.user));
        self.accounts.insert(0, login.clone());
        self.accounts.truncate(MOST_ACCOUNTS);
        self.change = Change::Store;
    }

    /// Forgets a user.
    pub(crate) fn forget(&mut self, tenant: TenantId, user: ObjectId) {
        self.accounts
            .retain(|it| (it.tenant, it.user) != (tenant, user));
        self.change = if self.accounts.is_empty() {
            Change::Clear
        } else {
            Change::Store
        };
    }

    /// Forgets everybody.
    pub(crate) fn clear(&mut self) {
        self.accounts.clear();
        self.change = Change::Clear;
    }

    /// The cookie for the browser, if the session changed.
    pub(crate) fn cookie(&self, sealer: &Sealer, secure: bool) -> Option<HeaderValue> {
        let attributes = attributes(secure);
        let text = match self.change {
            Change::None => return None,
            Change::Clear => {
                format!("{COOKIE}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; {attributes}")
            }
            Change::Store => {
                format!(
                    "{COOKIE}={SEALED_PREFIX}{}; {attributes}",
                    sealer.seal(PURPOSE, &self.accounts)
                )
            }
        };
        // base64url and ASCII attributes.
        HeaderValue::from_str(&text).ok()
    }
}

/// What a sealed cookie of this name holds, if it opens.
pub(super) fn sealed_cookie<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    name: &str,
    purpose: &'static str,
    sealer: &Sealer,
) -> Option<T> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .find_map(|value| {
            sealer
                .open(purpose, value.strip_prefix(SEALED_PREFIX)?)
                .ok()
        })
}

/// The attributes of a cookie. Answers arrive by cross-site form posts and in frames, so cookies must
/// travel there; browsers take `SameSite=None` only with TLS.
pub(super) fn attributes(secure: bool) -> &'static str {
    if secure {
        "path=/; secure; HttpOnly; SameSite=None"
    } else {
        "path=/; HttpOnly; SameSite=Lax"
    }
}

/// The name of the service's session cookie.
const COOKIE: &str = "ESTSAUTH";

const PURPOSE: &str = "browser_session";

/// A browser signs in a handful of people; the limit keeps the cookie under 4 KB.
const MOST_ACCOUNTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Sealer;

    fn login(user: u128) -> Login {
        Login {
            tenant: TenantId(Uuid::from_u128(1)),
            user: ObjectId(Uuid::from_u128(user)),
            session: Uuid::from_u128(2),
            method: AuthenticationMethod::Password,
            auth_time: Timestamp::UNIX_EPOCH,
            moment: Timestamp::UNIX_EPOCH,
            mfa_time: None,
            compliant_device: false,
        }
    }

    fn sent_back(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            format!("fpc=x; {pair}; other=1").parse().unwrap(),
        );
        headers
    }

    #[test]
    fn a_session_comes_back_with_its_cookie() {
        let sealer = Sealer::new();
        let mut session = Session::default();
        assert!(session.cookie(&sealer, true).is_none());
        session.remember(&login(1));
        session.remember(&login(2));
        session.remember(&login(1));
        let cookie = session.cookie(&sealer, true).unwrap();
        assert!(
            cookie
                .to_str()
                .unwrap()
                .ends_with("secure; HttpOnly; SameSite=None")
        );
        let again = Session::read(&sent_back(&cookie), &sealer);
        assert_eq!(again.accounts(), [login(1), login(2)]);
        assert!(
            Session::read(&sent_back(&cookie), &Sealer::new())
                .accounts()
                .is_empty()
        );
        assert!(
            !session
                .cookie(&sealer, false)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("secure")
        );
    }

    #[test]
    fn the_cookie_stays_small_whoever_signs_in() {
        let mut session = Session::default();
        for user in 0..50 {
            session.remember(&login(user));
        }
        let cookie = session.cookie(&Sealer::new(), true).unwrap();
        assert!(cookie.len() < 4096, "{}", cookie.len());
    }

    #[test]
    fn clearing_takes_the_cookie_away() {
        let mut session = Session::default();
        session.clear();
        let cookie = session.cookie(&Sealer::new(), true).unwrap();
        assert!(
            cookie
                .to_str()
                .unwrap()
                .starts_with("ESTSAUTH=; expires=Thu, 01 Jan 1970")
        );
    }
}
