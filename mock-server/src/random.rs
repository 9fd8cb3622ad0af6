//! Randomness with a seed, so that a failure can be repeated.
//!
//! Ids, lifetimes and trace ids are drawn from here. Keys and the sealing secret are not: they
//! come from the operating system.

use std::ops::RangeInclusive;

use parking_lot::Mutex;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// A seeded source of random values, shared by the threads of a world.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    state: Mutex<ChaCha8Rng>,
}

impl Random {
    /// A source that gives the same values for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            state: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
        }
    }

    /// The seed, for messages that tell how to repeat a run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.state.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A number of the range.
    pub fn in_range(&self, range: RangeInclusive<u32>) -> u32 {
        self.state.lock().random_range(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_values() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(
            (one.uuid(), one.in_range(3..=900)),
            (two.uuid(), two.in_range(3..=900))
        );
        assert_ne!(one.uuid(), Random::seeded(8).uuid());
        assert_eq!(one.uuid().get_version_num(), 4);
    }
}
