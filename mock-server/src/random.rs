//! Randomness with a seed, so that a failure can be repeated.
//!
//! Ids, lifetimes and trace ids are drawn from here. Keys and the sealing secret are not: they
//! come from the operating system.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::lock::{Mutex, rank};

/// A seeded source of random values, shared by the threads of a world.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    stream: AtomicU64,
    state: Mutex<rank::Random, ChaCha8Rng>,
}

impl Random {
    /// A source that gives the same values for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            stream: AtomicU64::new(0),
            state: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
        }
    }

    /// The seed, for messages that tell how to repeat a run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The part of the seed's values that is drawn from.
    pub fn stream(&self) -> u64 {
        self.stream.load(Ordering::Relaxed)
    }

    /// Draws from another part of the seed's values, from its beginning: a world that goes on
    /// from a file must not draw the ids again that stand in it.
    pub fn change_stream(&self, stream: u64) {
        self.state.write(|state| {
            *state = ChaCha8Rng::seed_from_u64(self.seed);
            state.set_stream(stream);
            self.stream.store(stream, Ordering::Relaxed);
        });
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.state.write(|state| state.fill_bytes(&mut bytes));
        bytes
    }

    /// A number of the range.
    pub fn in_range(&self, range: RangeInclusive<u32>) -> u32 {
        self.state.write(|state| state.random_range(range))
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

    #[test]
    fn streams_of_a_seed_differ() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        let first = one.uuid();
        two.change_stream(1);
        assert_eq!(two.stream(), 1);
        assert_ne!(two.uuid(), first);
        two.change_stream(0);
        assert_eq!(two.uuid(), first);
    }
}
