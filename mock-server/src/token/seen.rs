//! The newest tokens that went over the wire, by fingerprint, so that a person can be told what is
//! in one and what it is worth now. They are kept in memory alone: no journal, state file or answer
//! has them, only what they say.

use std::fmt;

use indexmap::IndexMap;

use crate::lock::{Mutex, rank};

/// Tokens by fingerprint, bounded.
#[derive(Default)]
pub struct SeenTokens {
    newest: Mutex<rank::SeenTokens, IndexMap<String, Box<str>>>,
}

impl SeenTokens {
    /// Keeps a token under its fingerprint. One that is longer than any header is left out.
    pub fn note(&self, fingerprint: String, token: &str) {
        if token.is_empty() || token.len() > LONGEST {
            return;
        }
        self.newest.write(|newest| {
            if newest.contains_key(&fingerprint) {
                return;
            }
            if newest.len() >= CAPACITY {
                // In blocks, so that it costs nothing on average.
                newest.drain(..CAPACITY / 4);
            }
            newest.insert(fingerprint, token.into());
        });
    }

    /// The token with a fingerprint, if it is still kept.
    pub fn find(&self, fingerprint: &str) -> Option<Box<str>> {
        self.newest.read(|it| it.get(fingerprint).cloned())
    }
}

impl fmt::Debug for SeenTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens do not get into logs.
        write!(formatter, "SeenTokens({})", self.newest.read(IndexMap::len))
    }
}

const CAPACITY: usize = 1_000;

/// Servers refuse longer headers anyway.
const LONGEST: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_tokens_are_kept_and_memory_is_bounded() {
        let seen = SeenTokens::default();
        for number in 0..3 * CAPACITY {
            seen.note(number.to_string(), "a token");
            assert!(seen.newest.read(IndexMap::len) <= CAPACITY);
        }
        assert!(seen.find("0").is_none());
        assert!(seen.find(&(3 * CAPACITY - 1).to_string()).is_some());
        seen.note("long".to_owned(), &"x".repeat(LONGEST + 1));
        assert!(seen.find("long").is_none());
    }

    #[test]
    fn tokens_are_not_printed() {
        let seen = SeenTokens::default();
        seen.note("f".to_owned(), "the-token-itself");
        assert_eq!(format!("{seen:?}"), "SeenTokens(1)");
    }
}
