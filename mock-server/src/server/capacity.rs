//! How many connections are held, and which one ends when there is no room for another.
//!
//! A connection has a place. While it waits for its client it can be closed for another one, the
//! longest idle first; while it is answered it can't. Every wait for a client is bounded in time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{self, Instant};

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

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    capacity: Arc<Capacity>,
    end: watch::Receiver<End>,
    /// What bytes of the client mean, so that most need no lock.
    expects: AtomicU8,
    unread: AtomicBool,
}

/// A request that is under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Underway {
    place: Arc<Place>,
    reading: AtomicBool,
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
            Some(Place {
                number,
                capacity: Arc::clone(self),
                end,
                expects: AtomicU8::new(NOTHING),
                unread: AtomicBool::new(false),
            })
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

impl Place {
    fn change(&self, change: impl FnOnce(&mut Held)) {
        self.capacity.state.write(|state| {
            if let Some(held) = state.places.get_mut(&self.number) {
                change(held);
            }
            state.update(self.number);
        });
    }

    /// HTTP is spoken from now on.
    pub(super) fn speaks_http(&self) {
        self.expects.store(A_HEAD, Ordering::Relaxed);
        self.change(|held| {
            held.polite = true;
            held.starting = false;
        });
    }

    /// A tunnel: every byte shows that it is in use.
    pub(super) fn tunnels(&self) {
        self.expects.store(ANYTHING, Ordering::Relaxed);
        self.change(|held| {
            held.polite = false;
            held.starting = false;
        });
    }

    /// HTTP/2 is spoken: what arrives between requests begins none.
    pub(super) fn speaks_http2(&self) {
        self.expects.store(NOTHING, Ordering::Relaxed);
    }

    /// Bytes of the client arrived.
    pub(super) fn arrived(&self) {
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
    pub(super) fn stalls(&self, stalled: bool) {
        self.change(|held| held.stalled = stalled);
    }

    /// The connection ends at once, whatever it does.
    pub(super) fn cut(&self) {
        self.capacity.state.write(|state| state.cut(self.number));
    }

    /// What tells the place from others.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// A request begins.
    pub(super) fn ask(self: &Arc<Self>, http2: bool) -> Arc<Underway> {
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
    pub(super) fn leaves_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the client may still send what nobody reads.
    pub(super) fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Until the connection is to end: what is under way may be answered.
    pub(super) async fn ends(&self) {
        let mut end = self.end.clone();
        // The sender lives as long as the place.
        let _ = end.wait_for(|it| *it != End::Open).await;
    }

    /// Until the connection must end at once.
    pub(super) async fn is_cut(&self) {
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
    pub(super) async fn becomes_exchange(&self) -> bool {
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
    pub(super) fn reads(&self, reading: bool) {
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
    pub(super) const fn place(&self) -> &Arc<Place> {
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

/// What bytes of the client mean: nothing new, the head of a request, or that a tunnel is in use.
const NOTHING: u8 = 0;
const A_HEAD: u8 = 1;
const ANYTHING: u8 = 2;

/// A connection that is to end soon has this long.
const GRACE: Duration = Duration::from_millis(500);

/// A connection of the control port waits this long for a place among the others.
const BECOMES: Duration = Duration::from_secs(2);

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
mod tests {
    use super::*;

    /// Whether a place was told to end.
    fn ends(place: &Place) -> bool {
        *place.end.borrow() != End::Open
    }

    fn http(capacity: &Arc<Capacity>) -> Arc<Place> {
        let place = Arc::new(capacity.try_admit(Use::Exchange).unwrap());
        place.speaks_http();
        place
    }

    /// Long enough after now that all that can be spared may be.
    fn later(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn the_longest_idle_connection_gives_way() {
        let capacity = Capacity::new(3, 1, 8);
        let places = [http(&capacity), http(&capacity), http(&capacity)];
        // The first works, the second has just worked.
        let underway = places[0].ask(false);
        drop(places[1].ask(false));
        assert!(capacity.try_admit(Use::Exchange).is_none());
        capacity.make_room(Use::Exchange, later(0));
        assert_eq!(places.each_ref().map(|it| ends(it)), [false, false, true]);
        capacity.make_room(Use::Exchange, later(0));
        assert_eq!(places.each_ref().map(|it| ends(it)), [false, true, true]);
        // Nothing is left that can be spared: the first is answered.
        capacity.make_room(Use::Exchange, later(9999));
        assert!(!ends(&places[0]));
        drop(underway);
        capacity.make_room(Use::Exchange, later(0));
        assert!(ends(&places[0]));
        drop(places);
        assert!(
            capacity
                .state
                .read(|it| it.waiting.iter().all(BTreeSet::is_empty))
        );
    }

    #[test]
    fn a_client_that_is_slow_gives_way_where_none_is_idle() {
        let capacity = Capacity::new(3, 0, 8);
        let [reading, starting, answered] = std::array::from_fn(|_| http(&capacity));
        let body = reading.ask(false);
        body.reads(true);
        starting.arrived();
        let _underway = answered.ask(false);
        let end = || [&reading, &starting, &answered].map(|it| ends(it));
        capacity.make_room(Use::Exchange, later(0));
        assert_eq!(end(), [false, false, false]);
        capacity.make_room(Use::Exchange, later(2));
        assert_eq!(end(), [false, true, false]);
        capacity.make_room(Use::Exchange, later(6));
        assert_eq!(end(), [true, true, false]);
    }

    #[tokio::test]
    async fn a_place_is_had_as_soon_as_one_is_free() {
        let capacity = Capacity::new(1, 0, 8);
        let first = http(&capacity);
        let next = tokio::spawn({
            let capacity = Arc::clone(&capacity);
            async move { capacity.admit(Use::Exchange).await }
        });
        first.ends().await;
        assert!(!next.is_finished());
        drop(first);
        next.await.unwrap();
    }

    #[tokio::test]
    async fn the_control_port_has_places_of_its_own() {
        let capacity = Capacity::new(1, 1, 8);
        let place = http(&capacity);
        let _underway = place.ask(false);
        assert!(capacity.try_admit(Use::Exchange).is_none());
        let control = capacity.try_admit(Use::Control).unwrap();
        assert!(capacity.try_admit(Use::Control).is_none());
        // But not to serve exchanges by them.
        assert!(!control.becomes_exchange().await);
    }

    #[test]
    fn exchanges_leave_the_control_port_its_places() {
        let capacity = Capacity::new(3, 1, 9);
        let control = capacity.try_admit(Use::Control).unwrap();
        control.speaks_http();
        let exchange = http(&capacity);
        capacity.make_room(Use::Exchange, later(0));
        assert!(!ends(&control));
        assert!(ends(&exchange));
        capacity.make_room(Use::Exchange, later(9999));
        assert!(!ends(&control));
        // What it has beyond these is not its own.
        let more = capacity.try_admit(Use::Control).unwrap();
        more.speaks_http();
        capacity.make_room(Use::Exchange, later(0));
        assert!(ends(&control));
        // It makes room for itself.
        capacity.make_room(Use::Control, later(0));
        assert!(ends(&more));
    }

    #[test]
    fn every_wait_for_a_client_ends() {
        let capacity = Capacity::new(9, 0, 9);
        let shaking = Arc::new(capacity.try_admit(Use::Exchange).unwrap());
        let [idle, asking, stalled, answered] = std::array::from_fn(|_| http(&capacity));
        asking.arrived();
        stalled.stalls(true);
        let _underway = answered.ask(false);
        let end = || [&shaking, &idle, &asking, &stalled, &answered].map(|it| ends(it));
        for (seconds, expected) in [
            (29, [false; 5]),
            (31, [true, false, true, false, false]),
            (59, [true, false, true, false, false]),
            (61, [true, false, true, true, false]),
            (299, [true, false, true, true, false]),
            (301, [true, true, true, true, false]),
            (9999, [true, true, true, true, false]),
        ] {
            capacity.sweep(later(seconds));
            assert_eq!(end(), expected, "{seconds}");
        }
    }

    #[tokio::test]
    async fn a_request_that_came_while_the_end_was_announced_is_answered() {
        let capacity = Capacity::new(1, 0, 8);
        let place = http(&capacity);
        capacity.make_room(Use::Exchange, later(0));
        place.ends().await;
        let underway = place.ask(false);
        let cut = time::timeout(GRACE * 3, place.is_cut()).await;
        assert!(cut.is_err());
        drop(underway);
        time::timeout(GRACE * 3, place.is_cut()).await.unwrap();
    }

    #[test]
    fn a_tunnel_is_idle_since_its_last_byte() {
        let capacity = Capacity::new(2, 0, 8);
        let older = http(&capacity);
        older.tunnels();
        let newer = http(&capacity);
        older.arrived();
        capacity.make_room(Use::Exchange, later(0));
        assert!(ends(&newer) && !ends(&older));
        capacity.sweep(later(301));
        assert!(ends(&older));
    }
}
