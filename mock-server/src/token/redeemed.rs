//! Which authorization codes were redeemed: the one thing about tokens that is remembered.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::TenantId;
use crate::lock::{Mutex, rank};

/// Ids of redeemed authorization codes, until the codes would have expired.
#[derive(Debug, Default)]
pub struct RedeemedCodes {
    until: Mutex<rank::RedeemedCodes, HashMap<(TenantId, Uuid), Timestamp>>,
}

/// A redeemed code as a state file has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RedeemedCode {
    /// Whose.
    pub tenant: TenantId,
    /// The id of the code.
    pub id: Uuid,
    /// When it would have expired.
    pub expires: Timestamp,
}

impl RedeemedCodes {
    /// Notes a redemption. Returns whether the code had been redeemed before.
    pub fn redeem(&self, tenant: TenantId, id: Uuid, expires: Timestamp, now: Timestamp) -> bool {
        self.until.write(|until| {
            // Looks through all only where the table would have to grow anyway: constant on
            // average.
            if until.len() >= CAPACITY && until.len() == until.capacity() {
                // By the tenant's own clock; those of other tenants wait for theirs.
                until.retain(|(owner, _), expires| *owner != tenant || *expires > now);
            }
            until.insert((tenant, id), expires).is_some()
        })
    }

    /// Whether a code was redeemed, as far as it is remembered.
    pub fn contains(&self, tenant: TenantId, id: Uuid) -> bool {
        self.until.read(|it| it.contains_key(&(tenant, id)))
    }

    /// All, in a stable order.
    pub fn stored(&self) -> Vec<RedeemedCode> {
        let code = |((tenant, id), expires): (&(TenantId, Uuid), &Timestamp)| RedeemedCode {
            tenant: *tenant,
            id: *id,
            expires: *expires,
        };
        let mut stored: Vec<_> = self.until.read(|it| it.iter().map(code).collect());
        stored.sort_by_key(|it| (it.tenant, it.id));
        stored
    }

    /// Remembers these and no others.
    pub fn restore(&self, stored: &[RedeemedCode]) {
        let stored = stored.iter().map(|it| ((it.tenant, it.id), it.expires));
        let stored = stored.collect();
        self.until.write(|it| *it = stored);
    }
}

const CAPACITY: usize = 10_000;

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_redeemed_code_is_remembered_by_the_clock_of_its_tenant() {
        let codes = RedeemedCodes::default();
        let (one, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let (start, id) = (Timestamp::UNIX_EPOCH, Uuid::from_u128(7));
        let expires = start + SignedDuration::from_mins(10);
        assert!(!codes.redeem(one, id, expires, start));
        let far = start + SignedDuration::from_hours(1000);
        for number in 0..2 * CAPACITY as u128 {
            codes.redeem(other, Uuid::from_u128(number), start, far);
        }
        assert!(codes.redeem(one, id, expires, start));
        assert!(codes.until.read(HashMap::len) <= 2 * CAPACITY);
    }
}
