//! The clock of a tenant: real time plus an offset, or frozen.
//!
//! Everything that asks for the time asks a [`Clock`], so that 91 days pass in a call of
//! [`Clock::advance`].

use std::sync::Arc;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

use crate::lock::{Mutex, rank};
use crate::notation;

/// A clock that can be moved. Clones share the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    state: Arc<Mutex<rank::Clock, ClockState>>,
}

/// What a clock remembers, as state files store it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClockState {
    /// How far the clock is ahead of real time, stored in milliseconds, while it runs.
    #[serde(with = "jiff_duration")]
    pub offset: SignedDuration,
    /// The time at which the clock stands still, if it does.
    pub frozen: Option<Timestamp>,
}

impl Clock {
    /// A clock that shows real time.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still at `now`.
    pub fn frozen_at(now: Timestamp) -> Self {
        Self::from_state(ClockState {
            offset: SignedDuration::ZERO,
            frozen: Some(now),
        })
    }

    /// A clock that goes on from a stored state.
    pub fn from_state(state: ClockState) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The time that this clock shows.
    pub fn now(&self) -> Timestamp {
        self.state().now()
    }

    /// Moves the clock forward (or back, with a negative duration).
    pub fn advance(&self, by: SignedDuration) {
        self.state.write(|state| match state.frozen {
            Some(now) => state.frozen = Some(now.saturating_add(by).unwrap_or(Timestamp::MAX)),
            None => state.offset = state.offset.saturating_add(by),
        });
    }

    /// Stops the clock where it is.
    pub fn freeze(&self) {
        // Read and stopped at once: another thread may move the clock.
        self.state.write(|state| state.frozen = Some(state.now()));
    }

    /// Returns to real time, running.
    pub fn reset(&self) {
        self.state.write(|state| *state = ClockState::default());
    }

    /// What a state file stores.
    pub fn state(&self) -> ClockState {
        self.state.read(|state| *state)
    }
}

impl ClockState {
    fn now(self) -> Timestamp {
        self.frozen.unwrap_or_else(|| {
            machine_time()
                .saturating_add(self.offset)
                .unwrap_or(Timestamp::MAX)
        })
    }
}

/// An amount of time as people write it: `90d`, `61m`, `1h 30m`, `2w`, or `P90D` of ISO 8601. A
/// day has 24 hours. The error says what is wrong and gives examples.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text
        .parse()
        // The same words as where a scenario says how long.
        .map_err(|_| match text.parse::<notation::Span>() {
            Err(error) => error,
            Ok(_) => notation::no_span(text),
        })?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| {
            format!("'{text}': months and years differ in length: write days, such as 90d")
        })?;
    if duration.abs() > notation::LONGEST_SPAN {
        return Err(notation::too_long_a_span(text));
    }
    Ok(duration)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where real time enters"
)]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

mod jiff_duration {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &SignedDuration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.as_millis().try_into().unwrap_or(i64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<SignedDuration, D::Error> {
        i64::deserialize(from).map(SignedDuration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-01-15T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_frozen_clock_moves_only_by_advance() {
        let clock = Clock::frozen_at(noon());
        clock.advance(SignedDuration::from_hours(24 * 91));
        assert_eq!(clock.now().to_string(), "2026-04-16T12:00:00Z");
        assert_eq!(clock.now(), clock.clone().now());
    }

    #[test]
    fn reset_returns_to_real_time() {
        let clock = Clock::frozen_at(noon());
        clock.reset();
        assert!(clock.now() > noon());
        assert_eq!(clock.state(), ClockState::default());
    }

    #[test]
    fn amounts_of_time_are_read_as_people_write_them() {
        let hours = |text: &str| duration(text).map(|it| it.as_secs_f64() / 3600.0);
        assert_eq!(hours("90d"), Ok(2160.0));
        assert_eq!(hours("90m"), Ok(1.5));
        assert_eq!(hours("1h 30m"), Ok(1.5));
        assert_eq!(hours("1h30m"), Ok(1.5));
        assert_eq!(hours("2w"), Ok(336.0));
        assert_eq!(hours("P1DT1H"), Ok(25.0));
        assert_eq!(hours("-1h"), Ok(-1.0));
        for wrong in ["", "90", "3 fortnights", "1mo"] {
            let error = duration(wrong).unwrap_err();
            assert!(error.contains("such as 90d"), "{error}");
        }
        for long in ["99999999999d", "999999999d", "40000d", "-40000d"] {
            let error = duration(long).unwrap_err();
            assert!(error.contains("at most 36600d"), "{error}");
        }
    }

    #[test]
    fn a_running_clock_keeps_its_offset() {
        let clock = Clock::real();
        let before = clock.now();
        clock.advance(SignedDuration::from_hours(1));
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(1));
    }
}
