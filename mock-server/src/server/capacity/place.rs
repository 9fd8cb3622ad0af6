//! The place of a connection, and the requests that are under way on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::{Capacity, End, Held, Phase, Use};

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(in crate::server) struct Place {
    number: u64,
    capacity: Arc<Capacity>,
    pub(super) end: watch::Receiver<End>,
    /// What bytes of the client mean, so that most need no lock.
    expects: AtomicU8,
    unread: AtomicBool,
}

/// A request that is under way, until it is dropped.
#[derive(Debug)]
pub(in crate::server) struct Underway {
    place: Arc<Place>,
    reading: AtomicBool,
}

impl Place {
    /// A place that `capacity` gives away under this number.
    pub(super) fn new(number: u64, capacity: Arc<Capacity>, end: watch::Receiver<End>) -> Self {
        Self {
            number,
            capacity,
            end,
            expects: AtomicU8::new(NOTHING),
            unread: AtomicBool::new(false),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        self.capacity.state.write(|state| {
            if let Some(held) = state.places.get_mut(&self.number) {
                change(held);
            }
            state.update(self.number);
        });
    }

    /// HTTP is spoken from now on.
    pub(in crate::server) fn speaks_http(&self) {
        self.expects.store(A_HEAD, Ordering::Relaxed);
        self.change(|held| {
            held.polite = true;
            held.starting = false;
        });
    }

    /// A tunnel: every byte shows that it is in use.
    pub(in crate::server) fn tunnels(&self) {
        self.expects.store(ANYTHING, Ordering::Relaxed);
        self.change(|held| {
            held.polite = false;
            held.starting = false;
        });
    }

    /// HTTP/2 is spoken: what arrives between requests begins none.
    pub(in crate::server) fn speaks_http2(&self) {
        self.expects.store(NOTHING, Ordering::Relaxed);
    }

    /// Bytes of the client arrived.
    pub(in crate::server) fn arrived(&self) {
        match self.expects.load(Ordering::Relaxed) {
            // Until the request is whole, or the connection idle again.
            A_HEAD => {
                self.expects.store(NOTHING, Ordering::Relaxed);
                self.change(|held| held.starting = true);
            }
            ANYTHING => self.capacity.state.write(|state| {
                let Some(held) = state.places.get_mut(&self.number) else {
                    return;
                };
                let (phase, old) = (held.phase, (held.since, self.number));
                held.since = Instant::now();
                let fresh = (held.since, self.number);
                if let Some(waiting) = state.waiting.get_mut(phase as usize)
                    && waiting.remove(&old)
                {
                    waiting.insert(fresh);
                }
            }),
            _ => {}
        }
    }

    /// The client takes no more of an answer, or takes it again.
    pub(in crate::server) fn stalls(&self, stalled: bool) {
        self.change(|held| held.stalled = stalled);
    }

    /// The connection ends at once, whatever it does.
    pub(in crate::server) fn cut(&self) {
        self.capacity.state.write(|state| state.cut(self.number));
    }

    /// What tells the place from others.
    pub(in crate::server) const fn number(&self) -> u64 {
        self.number
    }

    /// A request begins.
    pub(in crate::server) fn ask(self: &Arc<Self>, http2: bool) -> Arc<Underway> {
        self.change(|held| {
            held.starting = false;
            held.answering += 1;
        });
        if !http2 {
            self.expects.store(A_HEAD, Ordering::Relaxed);
        }
        Arc::new(Underway {
            place: Arc::clone(self),
            reading: AtomicBool::new(false),
        })
    }

    /// A body was not read to its end: the client may still send.
    pub(in crate::server) fn leaves_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the client may still send what nobody reads.
    pub(in crate::server) fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Until the connection is to end: what is under way may be answered.
    pub(in crate::server) async fn ends(&self) {
        let mut end = self.end.clone();
        // The sender lives as long as the place.
        let _ = end.wait_for(|it| *it != End::Open).await;
    }

    /// Until the connection must end at once.
    pub(in crate::server) async fn is_cut(&self) {
        let mut end = self.end.clone();
        // The sender lives as long as the place.
        let _ = end.wait_for(|it| *it != End::Open).await;
        while *end.borrow() == End::Soon {
            let cut = time::timeout(GRACE, end.wait_for(|it| *it == End::Now)).await;
            if cut.is_ok() || !self.is_answered() {
                return;
            }
        }
    }

    /// Whether a request is answered: one may have come while the end was announced.
    fn is_answered(&self) -> bool {
        self.capacity.state.read(|state| {
            let held = state.places.get(&self.number);
            held.is_some_and(|held| held.phase == Phase::Answering)
        })
    }

    /// Whether a connection of the control port may become one for exchanges: there is room, or
    /// room was made.
    pub(in crate::server) async fn becomes_exchange(&self) -> bool {
        let capacity = &self.capacity;
        let deadline = Instant::now() + BECOMES;
        loop {
            let freed = capacity.freed.notified();
            if capacity
                .state
                .write(|state| state.hand_over(self.number, capacity.most))
            {
                return true;
            }
            capacity.warn();
            capacity.make_room(Use::Exchange, Instant::now());
            if time::timeout_at(deadline, freed).await.is_err() {
                return false;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.capacity.state.write(|state| {
            let Some(held) = state.places.remove(&self.number) else {
                return;
            };
            state.controls -= usize::from(held.purpose == Use::Control);
            if let Some(waiting) = state.waiting.get_mut(held.phase as usize) {
                waiting.remove(&(held.since, self.number));
            }
        });
        self.capacity.freed.notify_waiters();
    }
}

impl Underway {
    /// The client's body is waited for, or not any more.
    pub(in crate::server) fn reads(&self, reading: bool) {
        if self.reading.swap(reading, Ordering::Relaxed) == reading {
            return;
        }
        self.place.change(|held| {
            if reading {
                held.answering -= 1;
                held.reading += 1;
            } else {
                held.reading -= 1;
                held.answering += 1;
            }
        });
    }

    /// The place of the connection.
    pub(in crate::server) const fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let reading = self.reading.load(Ordering::Relaxed);
        self.place.change(|held| {
            if reading {
                held.reading -= 1;
            } else {
                held.answering -= 1;
            }
        });
    }
}

/// What bytes of the client mean: nothing new, the head of a request, or that a tunnel is in use.
const NOTHING: u8 = 0;
const A_HEAD: u8 = 1;
const ANYTHING: u8 = 2;

/// A connection that is to end soon has this long.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// A connection of the control port waits this long for a place among the others.
const BECOMES: Duration = Duration::from_secs(2);
