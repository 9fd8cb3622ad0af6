//! Counters of what a caller did within a window of a tenant's time, and of what is in flight.
//!
//! What is counted and how much is allowed is the business of whoever asks; nothing here knows of
//! HTTP. Memory is bounded: see [`MOST`].

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::directory::{ApplicationId, ObjectId};
use crate::lock::{Mutex, rank};

/// What is counted together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    /// The limit.
    pub(crate) limit: &'static str,
    /// The app, where each has its own count.
    pub(crate) app: Option<ApplicationId>,
    /// The mailbox, where each has its own count.
    pub(crate) mailbox: Option<ObjectId>,
}

/// The counters of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    windows: Mutex<rank::Windows, HashMap<Key, Window>>,
    in_flight: Arc<Mutex<rank::InFlight, HashMap<Key, usize>>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    ends: Timestamp,
    count: u64,
}

/// How much of a window is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Usage {
    /// What was counted, this time included.
    pub(crate) count: u64,
    /// Until the window ends.
    pub(crate) left: SignedDuration,
}

/// Something in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    key: Key,
    in_flight: Arc<Mutex<rank::InFlight, HashMap<Key, usize>>>,
}

/// The places that a request, or the parts of a batch, take.
#[derive(Debug, Default)]
pub(crate) struct Places(pub(crate) Vec<Permit>);

/// In a response's extensions: the places stay taken until the answer goes out.
#[derive(Clone, Debug)]
pub(crate) struct InFlight(#[expect(dead_code, reason = "kept, not read")] pub(crate) Arc<Places>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.write(|in_flight| {
            if let Some(count) = in_flight.get_mut(&self.key) {
                *count -= 1;
                if *count == 0 {
                    in_flight.remove(&self.key);
                }
            }
        });
    }
}

impl Limits {
    /// Counts `cost` in a window that begins with the first count. Unverified: that windows begin
    /// so, and do not slide.
    pub(crate) fn count(
        &self,
        key: Key,
        cost: u64,
        length: SignedDuration,
        now: Timestamp,
    ) -> Usage {
        self.windows.write(|windows| {
            if windows.len() >= MOST && !windows.contains_key(&key) {
                make_room(windows, now);
            }
            let fresh = Window {
                began: now,
                ends: now.saturating_add(length).unwrap_or(Timestamp::MAX),
                count: 0,
            };
            let window = windows.entry(key).or_insert(fresh);
            // Over, or begun in what is the future since the clock was set back.
            if now >= window.ends || now < window.began {
                *window = fresh;
            }
            window.count = window.count.saturating_add(cost);
            Usage {
                count: window.count,
                left: window.ends.duration_since(now),
            }
        })
    }

    /// Takes one of `most` places, if one is free.
    pub(crate) fn enter(&self, key: Key, most: usize) -> Option<Permit> {
        self.in_flight.write(|in_flight| {
            let count = in_flight.entry(key).or_insert(0);
            if *count >= most {
                return None;
            }
            *count += 1;
            Some(Permit {
                key,
                in_flight: Arc::clone(&self.in_flight),
            })
        })
    }
}

/// Forgets windows that are over; if there is none, the oldest.
fn make_room(windows: &mut HashMap<Key, Window>, now: Timestamp) {
    windows.retain(|_, window| now < window.ends && now >= window.began);
    if windows.len() >= MOST {
        let oldest = windows.iter().min_by_key(|(_, it)| it.began);
        if let Some(key) = oldest.map(|(key, _)| *key) {
            windows.remove(&key);
        }
    }
}

/// The most windows of a tenant: more mailboxes than any test has, in some megabytes.
const MOST: usize = 20_000;

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(mailbox: u128) -> Key {
        Key {
            limit: "test",
            app: Some(ApplicationId(Uuid::from_u128(1))),
            mailbox: Some(ObjectId(Uuid::from_u128(mailbox))),
        }
    }

    #[test]
    fn a_window_ends_and_another_begins() {
        let limits = Limits::default();
        let length = SignedDuration::from_mins(10);
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        assert_eq!(limits.count(key(1), 1, length, at(0)).count, 1);
        let second = limits.count(key(1), 2, length, at(599));
        assert_eq!((second.count, second.left.as_secs()), (3, 1));
        assert_eq!(limits.count(key(2), 1, length, at(599)).count, 1);
        assert_eq!(limits.count(key(1), 1, length, at(600)).count, 1);
        // A clock that was set back begins anew, and does not wait for ever.
        assert_eq!(limits.count(key(1), 1, length, at(-5000)).count, 1);
    }

    #[test]
    fn places_are_free_again_when_they_are_left() {
        let limits = Limits::default();
        let held: Vec<_> = (0..4).filter_map(|_| limits.enter(key(1), 4)).collect();
        assert_eq!(held.len(), 4);
        assert!(limits.enter(key(1), 4).is_none());
        assert!(limits.enter(key(2), 4).is_some());
        drop(held);
        assert!(limits.enter(key(1), 4).is_some());
        assert!(limits.in_flight.read(HashMap::is_empty));
    }

    #[test]
    fn the_number_of_windows_is_bounded() {
        let limits = Limits::default();
        let length = SignedDuration::from_mins(10);
        let at = |seconds: i64| Timestamp::from_millisecond(1_000_000_000 + seconds).unwrap();
        for mailbox in 0..MOST + 10 {
            let now = at(i64::try_from(mailbox).unwrap());
            limits.count(key(mailbox as u128), 1, length, now);
        }
        assert_eq!(limits.windows.read(HashMap::len), MOST);
        // The newest are kept.
        let now = at(i64::try_from(MOST).unwrap() + 11);
        assert_eq!(limits.count(key(MOST as u128), 1, length, now).count, 2);
    }
}
