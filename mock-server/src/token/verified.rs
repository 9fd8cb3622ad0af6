//! Access tokens whose signature was verified, so that it is verified once for each. Sealed ones
//! have no signature, and are opened each time.
//!
//! Only what never changes of a token is remembered: its claims and who signed it. Lifetime and
//! revocation are judged at each request.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use indexmap::IndexMap;

use super::access::{AccessClaims, VerifyError, verify_access_token};
use super::keys::KeyRings;
use super::seal::Sealer;
use crate::environment::SignInCloud;
use crate::lock::{Mutex, rank};

/// A token that was verified: its claims, and the cloud that signed it, if it is signed.
pub(crate) type Verified = (AccessClaims, Option<SignInCloud>);

/// Verified tokens by the hash of their whole text, bounded.
#[derive(Default)]
pub(crate) struct VerifiedTokens {
    newest: Mutex<rank::VerifiedTokens, Newest>,
}

#[derive(Default)]
struct Newest {
    /// How often all were forgotten.
    round: u64,
    tokens: IndexMap<[u8; 32], Arc<Verified>>,
}

impl VerifiedTokens {
    /// Verifies a token as [`verify_access_token`] does, unless it was verified before.
    pub(crate) fn verify(
        &self,
        token: &str,
        keys: &KeyRings,
        sealer: &Sealer,
    ) -> Result<Arc<Verified>, VerifyError> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let (round, known) = self
            .newest
            .read(|it| (it.round, it.tokens.get(&hash).map(Arc::clone)));
        if let Some(known) = known {
            // The state may have been reset since.
            return if known.0.is_of(sealer) {
                Ok(known)
            } else {
                Err(VerifyError::OfAnotherMock)
            };
        }
        let verified = Arc::new(verify_access_token(token, keys, sealer)?);
        if verified.1.is_none() {
            // A sealed token costs little to open, and its secret may be another one by now.
            return Ok(verified);
        }
        self.newest.write(|newest| {
            // The keys may have been replaced meanwhile.
            if newest.round != round {
                return;
            }
            if newest.tokens.len() >= CAPACITY {
                // In blocks, so that it costs nothing on average.
                newest.tokens.drain(..CAPACITY / 4);
            }
            newest.tokens.insert(hash, Arc::clone(&verified));
        });
        Ok(verified)
    }

    /// Forgets all: other keys count.
    pub(super) fn forget(&self) {
        self.newest.write(|newest| {
            newest.round += 1;
            newest.tokens.clear();
        });
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.newest.read(|it| it.tokens.len());
        write!(formatter, "VerifiedTokens({count})")
    }
}

/// Who has more tokens in use at once verifies some of them again.
const CAPACITY: usize = 1_000;
