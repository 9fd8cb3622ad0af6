//! How many connections are held, and which one ends when there is no room for another.
//!
//! A connection has a place. While it waits for its client it can be closed for another one, the
//! longest idle first; while it is answered it can't. Every wait for a client is bounded in time.

mod place;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{self, Instant};

pub(super) use self::place::{Place, Underway};
use crate::lock::{Mutex, rank};
use crate::platform;

/// The places for connections.
#[derive(Debug)]
pub(super) struct Capacity {
    most: usize,
    reserve: usize,
    descriptors: usize,
    state: Mutex<rank::Capacity, State>,
    freed: Notify,
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    places: HashMap<u64, Held>,
    /// How many of them are the control port's.
    controls: usize,
    /// The connections that wait for their clients, by phase, the longest wait first.
    waiting: [BTreeSet<(Instant, u64)>; 4],
}

/// A connection, as its place sees it.
#[derive(Debug)]
struct Held {
    purpose: Use,
    phase: Phase,
    since: Instant,
    /// Requests that are answered.
    answering: usize,
    /// Requests whose bodies are read.
    reading: usize,
    /// The client takes no more of an answer.
    stalled: bool,
    /// A handshake or the head of a request has begun.
    starting: bool,
    /// HTTP is spoken, so that the end can be announced.
    polite: bool,
    end: watch::Sender<End>,
}

/// What a connection does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// It waits for the next request.
    Idle = 0,
    /// It waits for the rest of a handshake, or of the head of a request.
    Starting = 1,
    /// It waits for the rest of a body.
    Reading = 2,
    /// It waits for the client to take the answer.
    Stalled = 3,
    /// It is the mock's turn.
    Answering = 4,
}

/// Whether a connection is to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Not yet.
    Open,
    /// Soon: what is under way is answered.
    Soon,
    /// Now.
    Now,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Use {
    /// The control port, which has places of its own for when all others are taken.
    Control,
    /// Exchanges with the authority and Graph, and tunnels.
    Exchange,
}

impl Capacity {
    /// As many places as the process's limit on open files leaves.
    pub(super) fn of_process() -> Arc<Self> {
        let (descriptors, open) = platform::limit_and_use();
        let spare = (descriptors / 8).clamp(8, SPARE);
        let reserve = (descriptors / 16).clamp(4, RESERVE);
        let left = descriptors.saturating_sub(open + spare + reserve);
        Self::new(left.clamp(LEAST, CONNECTIONS), reserve, descriptors)
    }

    pub(super) fn new(most: usize, reserve: usize, descriptors: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            reserve,
            descriptors,
            state: Mutex::default(),
            freed: Notify::new(),
            warned: AtomicBool::new(false),
        })
    }

    /// A place, as soon as there is one.
    pub(super) async fn admit(self: &Arc<Self>, purpose: Use) -> Place {
        loop {
            let freed = self.freed.notified();
            if let Some(place) = self.try_admit(purpose) {
                return place;
            }
            self.warn();
            self.make_room(purpose, Instant::now());
            // Tried again in any case: what could not be closed a moment ago may be closed now.
            let _ = time::timeout(RETRY, freed).await;
        }
    }

    fn try_admit(self: &Arc<Self>, purpose: Use) -> Option<Place> {
        self.state.write(|state| {
            if state.places.len() >= self.most(purpose) {
                return None;
            }
            let (sender, end) = watch::channel(End::Open);
            let number = state.next;
            state.next += 1;
            let held = Held {
                purpose,
                phase: Phase::Answering,
                since: Instant::now(),
                answering: 0,
                reading: 0,
                stalled: false,
                starting: true,
                polite: false,
                end: sender,
            };
            state.places.insert(number, held);
            state.controls += usize::from(purpose == Use::Control);
            state.update(number);
            Some(Place::new(number, Arc::clone(self), end))
        })
    }

    fn most(&self, purpose: Use) -> usize {
        match purpose {
            Use::Control => self.most + self.reserve,
            Use::Exchange => self.most,
        }
    }

    /// The process has no more files: closes a connection, and waits until one has ended.
    pub(super) async fn exhausted(&self, pause: Duration) {
        let freed = self.freed.notified();
        self.warn();
        self.make_room(Use::Exchange, Instant::now());
        let _ = time::timeout(pause, freed).await;
    }

    /// Says once that there is no more room.
    fn warn(&self) {
        if self.warned.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(
            "all {} connections are in use ({} open files are permitted): from now on the longest \
             idle one is closed for each new one; close connections in the client, or raise \
             `ulimit -n`",
            self.state.read(|it| it.places.len()),
            self.descriptors,
        );
    }

    /// Ends the connection that can best be spared, if there is one. Exchanges do not get the places that
    /// the control port has of its own.
    fn make_room(&self, purpose: Use, now: Instant) {
        self.state.write(|state| {
            let kept = purpose == Use::Exchange && state.controls <= self.reserve;
            let spared = SPARED.iter().find_map(|(phase, patience)| {
                // No more of them are passed over than the control port has places.
                let mut waiting = state.waiting[*phase as usize].iter();
                let (since, number) = waiting.find(|(_, number)| {
                    let held = state.places.get(number);
                    !(kept && held.is_some_and(|it| it.purpose == Use::Control))
                })?;
                (now.duration_since(*since) >= *patience).then_some(*number)
            });
            if let Some(number) = spared {
                state.end(number);
            }
        });
    }

    /// Ends the connections that have waited too long for their clients.
    fn sweep(&self, now: Instant) {
        self.state.write(|state| {
            for (phase, patience) in PATIENCE {
                while let Some((since, number)) = state.waiting[phase as usize].first().copied()
                    && now.duration_since(since) >= patience
                {
                    state.end(number);
                }
            }
        });
    }

    /// Sweeps until the mock stops.
    pub(super) async fn keep_swept(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut ticks = time::interval(SWEEP);
        loop {
            tokio::select! {
                now = ticks.tick() => self.sweep(now),
                _ = super::connection::stopped(&mut stop) => return,
            }
        }
    }

    /// Until no connection is left.
    pub(super) async fn emptied(&self) {
        loop {
            let freed = self.freed.notified();
            if self.state.read(|it| it.places.is_empty()) {
                return;
            }
            freed.await;
        }
    }
}

impl State {
    /// Puts a connection among those that wait, or takes it away from there.
    fn update(&mut self, number: u64) {
        let Some(held) = self.places.get_mut(&number) else {
            return;
        };
        let phase = if held.stalled {
            Phase::Stalled
        } else if held.answering > 0 {
            Phase::Answering
        } else if held.reading > 0 {
            Phase::Reading
        } else if held.starting {
            Phase::Starting
        } else {
            Phase::Idle
        };
        if phase == held.phase {
            return;
        }
        let (old, since) = (held.phase, held.since);
        held.phase = phase;
        held.since = Instant::now();
        let fresh = (held.since, number);
        let is_open = *held.end.borrow() == End::Open;
        if let Some(waiting) = self.waiting.get_mut(old as usize) {
            waiting.remove(&(since, number));
        }
        // Of those that end already none has to be found.
        if is_open && let Some(waiting) = self.waiting.get_mut(phase as usize) {
            waiting.insert(fresh);
        }
    }

    /// Makes a connection of the control port one for exchanges, if there are no more than so many.
    fn hand_over(&mut self, number: u64, most: usize) -> bool {
        if self.places.len() > most {
            return false;
        }
        if let Some(held) = self.places.get_mut(&number)
            && held.purpose == Use::Control
        {
            held.purpose = Use::Exchange;
            self.controls -= 1;
        }
        true
    }

    /// Tells a connection to end.
    fn end(&mut self, number: u64) {
        let Some(held) = self.places.get(&number) else {
            return;
        };
        let is_polite = held.polite && matches!(held.phase, Phase::Idle | Phase::Reading);
        self.tell(number, if is_polite { End::Soon } else { End::Now });
    }

    /// Tells a connection to end at once.
    fn cut(&mut self, number: u64) {
        self.tell(number, End::Now);
    }

    fn tell(&mut self, number: u64, end: End) {
        let Some(held) = self.places.get(&number) else {
            return;
        };
        held.end.send_replace(end);
        let (phase, key) = (held.phase, (held.since, number));
        if let Some(waiting) = self.waiting.get_mut(phase as usize) {
            waiting.remove(&key);
        }
    }
}

/// What is closed for a new connection: the first kind of which one has waited as long.
const SPARED: [(Phase, Duration); 4] = [
    (Phase::Idle, Duration::ZERO),
    (Phase::Starting, Duration::from_secs(1)),
    (Phase::Stalled, Duration::from_secs(5)),
    (Phase::Reading, Duration::from_secs(5)),
];

/// How long clients are waited for. Bodies have limits of their own, for which there is an answer.
const PATIENCE: [(Phase, Duration); 3] = [
    (Phase::Idle, Duration::from_mins(5)),
    (Phase::Starting, Duration::from_secs(30)),
    (Phase::Stalled, Duration::from_mins(1)),
];

/// How often is looked for connections that have waited too long, or can be spared.
const SWEEP: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(1);

/// The most connections, in some hundred megabytes.
const CONNECTIONS: usize = 20_000;

/// The least, however few files are permitted.
const LEAST: usize = 4;

/// The most files that are left for other things.
const SPARE: usize = 64;

/// The most places that only the control port has.
const RESERVE: usize = 16;

#[cfg(test)]
mod tests;
