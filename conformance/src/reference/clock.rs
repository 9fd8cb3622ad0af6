//! The connector's notion of time, which the suite may move.
//!
//! Where all that the connector does is wait, it tells the suite so: a minute of patience need not
//! take a minute.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

/// The connector's clock.
#[derive(Default)]
pub(super) struct Clock {
    /// How far it was moved, in seconds.
    offset: AtomicI64,
    moved: Notify,
    sleepers: Mutex<Sleepers>,
    /// Requests on their way: while there are any, the connector is not idle.
    on_the_way: AtomicUsize,
    /// Whom to tell for how many seconds there is nothing to do.
    listener: Mutex<Option<mpsc::UnboundedSender<u64>>>,
}

/// Who waits, and until when: milliseconds of this clock.
#[derive(Default)]
struct Sleepers {
    numbers: u64,
    until: BTreeMap<u64, i64>,
    /// The moment that was told last.
    told: Option<i64>,
}

/// Something is on its way as long as this lives.
pub(super) struct OnTheWay<'a>(&'a Clock);

struct Sleeper<'a> {
    clock: &'a Clock,
    number: u64,
}

impl Clock {
    /// A clock that tells a listener for how many seconds there is nothing to do but wait.
    pub(super) fn telling(listener: mpsc::UnboundedSender<u64>) -> Self {
        Self {
            listener: Mutex::new(Some(listener)),
            ..Self::default()
        }
    }

    /// Seconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.millis().div_euclid(1000)
    }

    /// Milliseconds since the epoch.
    #[expect(
        clippy::disallowed_methods,
        reason = "the connector's one source of time"
    )]
    pub(super) fn millis(&self) -> i64 {
        let offset = self.offset.load(Ordering::Acquire).saturating_mul(1000);
        jiff::Timestamp::now()
            .as_millisecond()
            .saturating_add(offset)
    }

    /// Moves on.
    pub(super) fn advance(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::AcqRel);
        self.sleepers.lock().told = None;
        self.moved.notify_waiters();
    }

    /// Notes that a request is on its way.
    pub(super) fn on_the_way(&self) -> OnTheWay<'_> {
        self.on_the_way.fetch_add(1, Ordering::AcqRel);
        OnTheWay(self)
    }

    /// Waits until so much time has passed by this clock.
    pub(super) async fn sleep(&self, wait: Duration) {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let until = self.millis().saturating_add(millis);
        let _sleeper = self.fall_asleep(until);
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let left = until - self.millis();
            let left = u64::try_from(left).unwrap_or_default();
            if left == 0 {
                return;
            }
            let nap = Duration::from_millis(left.clamp(1, QUIET));
            #[expect(clippy::disallowed_methods, reason = "time passes by itself, too")]
            let nap = tokio::time::sleep(nap);
            tokio::select! {
                () = moved => {}
                () = nap => self.tell_if_idle(),
            }
        }
    }

    /// Rests for so long: nobody waits for it, so that it does not count as waiting.
    pub(super) async fn rest(&self, rest: Duration) {
        let millis = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX);
        let until = self.millis().saturating_add(millis);
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let left = u64::try_from(until - self.millis()).unwrap_or_default();
            if left == 0 {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "time passes by itself, too")]
            let nap = tokio::time::sleep(Duration::from_millis(left));
            tokio::select! {
                () = moved => {}
                () = nap => {}
            }
        }
    }

    fn fall_asleep(&self, until: i64) -> Sleeper<'_> {
        let mut sleepers = self.sleepers.lock();
        sleepers.numbers += 1;
        let number = sleepers.numbers;
        sleepers.until.insert(number, until);
        Sleeper {
            clock: self,
            number,
        }
    }

    /// Tells once for how long there is nothing to do, if that is so.
    fn tell_if_idle(&self) {
        let listener = self.listener.lock();
        let Some(listener) = &*listener else { return };
        if self.on_the_way.load(Ordering::Acquire) > 0 {
            return;
        }
        let mut sleepers = self.sleepers.lock();
        let Some(nearest) = sleepers.until.values().min().copied() else {
            return;
        };
        let left = u64::try_from(nearest - self.millis()).unwrap_or_default();
        // Whoever's time has come is about to wake up.
        if left > 0 && sleepers.told != Some(nearest) {
            sleepers.told = Some(nearest);
            let _ = listener.send(left.div_ceil(1000));
        }
    }
}

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.0.on_the_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.sleepers.lock().until.remove(&self.number);
    }
}

/// How long nothing must be on its way until the connector says that it is idle: what lies between
/// an answer and the next request takes less.
const QUIET: u64 = 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn an_idle_clock_tells_how_long_it_waits_and_takes_the_time_it_is_given() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let clock = Arc::new(Clock::telling(tell));
        let asleep = Arc::clone(&clock);
        let sleeping = tokio::spawn(async move {
            asleep.sleep(Duration::from_millis(3_599_500)).await;
            asleep.millis()
        });
        assert_eq!(told.recv().await, Some(3600));
        let before = clock.millis();
        clock.advance(3600);
        assert!(sleeping.await.unwrap() >= before + 3_599_000);
        assert!(clock.sleepers.lock().until.is_empty());
    }

    #[tokio::test]
    async fn who_does_not_wait_gains_no_time() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let clock = Clock::telling(tell);
        clock.sleep(Duration::ZERO).await;
        assert!(told.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_clock_is_not_idle_while_something_is_on_its_way() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let clock = Clock::telling(tell);
        let request = clock.on_the_way();
        clock.sleep(Duration::from_millis(5 * QUIET)).await;
        assert!(told.try_recv().is_err());
        drop(request);
        clock.sleep(Duration::from_millis(5 * QUIET)).await;
        assert_eq!(told.try_recv(), Ok(1));
    }
}
