//! Pending device-code sign-ins: made by the device-code endpoint, decided on the pages, polled at
//! the token endpoint.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::directory::{ApplicationId, TenantId};
use crate::environment::SignInCloud;
use crate::lock::{Mutex, rank};
use crate::random::Random;
use crate::token::SignIn;

/// The pending device-code sign-ins of a world.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pending: Mutex<rank::DeviceCodes, HashMap<String, Pending>>,
}

/// A device-code sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// What the device polls with.
    pub(crate) device_code: String,
    /// What the person types.
    pub(crate) user_code: String,
    /// The client.
    pub(crate) client: ApplicationId,
    /// The cloud of the request.
    pub(crate) cloud: SignInCloud,
    /// The tenant of the request, if it named one.
    pub(crate) tenant: Option<TenantId>,
    /// The scopes as requested.
    pub(crate) scope: String,
    /// v1: the resource as requested.
    pub(crate) resource: Option<String>,
    /// When the request was made.
    pub(crate) issued: Timestamp,
    /// When it was last polled, by the clock that counts for it and by the machine's.
    pub(crate) polled: Option<(Timestamp, Timestamp)>,
    /// What the person decided.
    pub(crate) decision: Decision,
}

/// What became of a device-code sign-in.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// The person signed in.
    Approved(Box<SignIn>),
    /// The person declined.
    Declined,
    /// Nobody has decided yet.
    Open,
}

/// A request for a device code.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The client.
    pub(crate) client: ApplicationId,
    /// The cloud that was asked.
    pub(crate) cloud: SignInCloud,
    /// The tenant, if the request named one.
    pub(crate) tenant: Option<TenantId>,
    /// The scopes as requested.
    pub(crate) scope: String,
    /// v1: the resource as requested.
    pub(crate) resource: Option<String>,
}

impl Store {
    /// Makes a device code and a user code.
    pub(crate) fn create(&self, request: Request, now: Timestamp, random: &Random) -> Pending {
        self.pending.write(|pending| {
            // Abandoned ones go when new ones come, so that the store is bounded. Tenants have clocks
            // of their own: one that moved ahead must not end the sign-ins of another.
            pending.retain(|_, it| {
                it.tenant != request.tenant || now.duration_since(it.issued) < LIFETIME * 2
            });
            if pending.len() >= CAPACITY
                && let Some(oldest) = pending
                    .values()
                    .min_by_key(|it| it.issued)
                    .map(|it| it.device_code.clone())
            {
                pending.remove(&oldest);
            }
            let user_code = (0..9)
                .map(|_| {
                    let index = usize::from(random.bytes::<1>()[0]) % ALPHABET.len();
                    char::from(ALPHABET[index])
                })
                .collect();
            let code = Pending {
                device_code: format!(
                    "FAQABAAEA{}{}",
                    random.uuid().simple(),
                    random.uuid().simple()
                ),
                user_code,
                client: request.client,
                cloud: request.cloud,
                tenant: request.tenant,
                scope: request.scope,
                resource: request.resource,
                issued: now,
                polled: None,
                decision: Decision::Open,
            };
            pending.insert(code.device_code.clone(), code.clone());
            code
        })
    }

    /// The sign-in of a cloud that a person's code belongs to, any case, blanks and dashes ignored.
    pub(crate) fn find_by_user_code(&self, cloud: SignInCloud, user_code: &str) -> Option<Pending> {
        let typed: String = user_code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>();
        self.pending.read(|it| {
            it.values()
                .find(|it| it.cloud == cloud && it.user_code.eq_ignore_ascii_case(&typed))
                .cloned()
        })
    }

    /// Looks at a sign-in by its device code.
    pub(crate) fn find(&self, device_code: &str) -> Option<Pending> {
        self.pending.read(|it| it.get(device_code).cloned())
    }

    /// Notes a poll. Returns whether it came sooner than the interval allows.
    ///
    /// Sooner by both clocks: a client waits by the machine's while the tenant's may be frozen,
    /// and a test may move the tenant's instead of waiting.
    pub(crate) fn poll(&self, device_code: &str, now: Timestamp, machine: Timestamp) -> bool {
        self.pending.write(|pending| {
            let Some(code) = pending.get_mut(device_code) else {
                return false;
            };
            let last = code.polled.replace((now, machine));
            // Polls ahead of time are forgiven unless they come in a rush.
            last.is_some_and(|(last, last_machine)| {
                now.duration_since(last) < INTERVAL / 5
                    && machine.duration_since(last_machine) < INTERVAL / 5
            })
        })
    }

    /// The person signed in and confirmed.
    pub(crate) fn approve(&self, device_code: &str, sign_in: SignIn) -> bool {
        self.decide(device_code, Decision::Approved(Box::new(sign_in)))
    }

    /// The person declined.
    pub(crate) fn decline(&self, device_code: &str) -> bool {
        self.decide(device_code, Decision::Declined)
    }

    /// Forgets a sign-in whose tokens are issued. Returns whether it was still there: of two polls
    /// at once only one gets tokens.
    pub(crate) fn remove(&self, device_code: &str) -> bool {
        self.pending.write(|it| it.remove(device_code).is_some())
    }

    fn decide(&self, device_code: &str, decision: Decision) -> bool {
        self.pending
            .write(|pending| match pending.get_mut(device_code) {
                Some(code) if matches!(code.decision, Decision::Open) => {
                    code.decision = decision;
                    true
                }
                _ => false,
            })
    }
}

impl Pending {
    /// Whether the code is too old.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now.duration_since(self.issued) >= LIFETIME
    }
}

/// A device code lives this long.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// Clients poll this often.
pub(crate) const INTERVAL: SignedDuration = SignedDuration::from_secs(5);

const CAPACITY: usize = 10_000;

/// No letters and digits that look alike.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

#[cfg(test)]
mod tests;
