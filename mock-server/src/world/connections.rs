//! Who is signed in with which client: the newest refresh token of each sign-in, by what it
//! carries. For people who look; no decision is made from it.

use indexmap::IndexMap;
use uuid::Uuid;

use crate::lock::{Mutex, rank};
use crate::token::RefreshToken;

/// The connections of one tenant, bounded.
#[derive(Debug, Default)]
pub struct Connections {
    newest: Mutex<rank::Connections, IndexMap<Uuid, RefreshToken>>,
}

impl Connections {
    /// Notes a refresh token that was issued; the newest of its family counts.
    pub fn note(&self, token: &RefreshToken) {
        self.newest.write(|newest| {
            if newest.len() >= CAPACITY && !newest.contains_key(&token.sign_in.family) {
                // In blocks, so that it costs nothing on average.
                newest.drain(..CAPACITY / 4);
            }
            newest.insert(token.sign_in.family, token.clone());
        });
    }

    /// The newest refresh token of each sign-in, in the order of the sign-ins.
    pub fn all(&self) -> Vec<RefreshToken> {
        self.newest.read(|it| it.values().cloned().collect())
    }
}

const CAPACITY: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::*;
    use crate::directory::{ApplicationId, ObjectId, TenantId};
    use crate::token::{AuthenticationMethod, ClientClass, SignIn};

    fn token(family: u128, generation: u32) -> RefreshToken {
        RefreshToken {
            padding: String::new(),
            sign_in: SignIn {
                family: Uuid::from_u128(family),
                tenant: TenantId(Uuid::nil()),
                client: ApplicationId(Uuid::nil()),
                client_class: ClientClass::Public,
                user: ObjectId(Uuid::nil()),
                auth_time: Timestamp::UNIX_EPOCH,
                moment: Timestamp::UNIX_EPOCH,
                method: AuthenticationMethod::Password,
                mfa_time: None,
                session: Uuid::nil(),
                compliant_device: false,
            },
            generation,
            first_issued: Timestamp::UNIX_EPOCH,
            issued: Timestamp::UNIX_EPOCH,
            resource: ApplicationId(Uuid::nil()),
            audience: String::new(),
            named: String::new(),
            scopes: BTreeSet::new(),
        }
    }

    #[test]
    fn the_newest_of_a_family_counts_and_memory_is_bounded() {
        let connections = Connections::default();
        connections.note(&token(1, 1));
        connections.note(&token(1, 2));
        assert_eq!(connections.all().len(), 1);
        assert_eq!(connections.all()[0].generation, 2);
        for family in 0..5_000 {
            connections.note(&token(family, 1));
            assert!(connections.all().len() <= CAPACITY);
        }
        let newest = connections.all();
        assert_eq!(
            newest.last().unwrap().sign_in.family,
            Uuid::from_u128(4_999)
        );
    }
}
