//! Answers on their way to clients: bounded in time, and all together in memory.
//!
//! A client of HTTP/2 may ask, and take nothing: its window stays shut while its connection is
//! alive. What it does not take is counted here.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::capacity::{Place, Underway};
use crate::lock::{Mutex, rank};

/// All answers that are on their way.
#[derive(Debug)]
pub(super) struct Answers {
    most: u64,
    patience: Duration,
    state: Mutex<rank::Answers, State>,
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// The bytes of all answers.
    held: u64,
    answers: BTreeMap<u64, Counted>,
}

/// What an answer counts.
#[derive(Debug)]
struct Counted {
    bytes: u64,
    /// When the client last took something of it.
    since: Instant,
    /// Whether nobody else sees that the client takes nothing.
    is_watched: bool,
    place: Arc<Place>,
    /// The exchange, as long as its connection is not to count as idle.
    _underway: Option<Arc<Underway>>,
}

/// An answer whose bytes count until the client has taken them.
#[derive(Debug)]
pub(super) struct Outgoing {
    body: Body,
    /// What is left of a long frame.
    rest: Bytes,
    number: u64,
    answers: Arc<Answers>,
}

impl Answers {
    pub(super) fn new() -> Arc<Self> {
        Self::of(MOST, PATIENCE)
    }

    fn of(most: u64, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            most,
            patience,
            state: Mutex::default(),
            warned: AtomicBool::new(false),
        })
    }

    /// A body that counts. One without a known length is made as it is sent, and counts nothing.
    /// A small one fits into the buffers on the way: its connection may be closed for another.
    pub(super) fn count(
        self: &Arc<Self>,
        body: Body,
        underway: Arc<Underway>,
        http2: bool,
    ) -> Outgoing {
        let bytes = body.size_hint().exact();
        let place = Arc::clone(underway.place());
        let underway = (bytes.is_none() || bytes > Some(SENT_AT_ONCE)).then_some(underway);
        let number = self.state.write(|state| {
            let number = state.next;
            state.next += 1;
            state.held += bytes.unwrap_or(0);
            let counted = Counted {
                bytes: bytes.unwrap_or(0),
                since: Instant::now(),
                is_watched: http2 && bytes.is_some(),
                place,
                _underway: underway,
            };
            state.answers.insert(number, counted);
            number
        });
        self.make_room();
        Outgoing {
            body,
            rest: Bytes::new(),
            number,
            answers: Arc::clone(self),
        }
    }

    /// Ends the connections that hold most, until the rest has room.
    fn make_room(&self) {
        let ended = self.state.write(|state| {
            let mut ended = Vec::new();
            while state.held > self.most {
                let Some(place) = state.largest() else { break };
                ended.extend(state.forget(place));
            }
            ended
        });
        if ended.is_empty() {
            return;
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "all answers that clients have not taken are larger than {} MiB: from now on the \
                 connection that holds most is closed for each new one; read answers to their end",
                self.most >> 20
            );
        }
        for counted in ended {
            counted.place.cut();
        }
    }

    /// Ends the connections whose clients take nothing.
    fn sweep(&self, now: Instant) {
        let late: Vec<_> = self.state.read(|state| {
            let late = state.answers.values().filter(|it| {
                it.is_watched && now.saturating_duration_since(it.since) >= self.patience
            });
            late.map(|it| Arc::clone(&it.place)).collect()
        });
        for place in late {
            place.cut();
        }
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
}

impl State {
    /// The connection whose answers are the largest together.
    fn largest(&self) -> Option<u64> {
        let mut sums: HashMap<u64, u64> = HashMap::new();
        for counted in self.answers.values() {
            *sums.entry(counted.place.number()).or_default() += counted.bytes;
        }
        let largest = sums.into_iter().max_by_key(|(_, bytes)| *bytes);
        largest.map(|(place, _)| place)
    }

    /// Counts the answers of a connection no more.
    fn forget(&mut self, place: u64) -> Vec<Counted> {
        let of_place = |_: &u64, it: &mut Counted| it.place.number() == place;
        let forgotten = self.answers.extract_if(.., of_place);
        let forgotten: Vec<_> = forgotten.map(|(_, it)| it).collect();
        self.held -= forgotten.iter().map(|it| it.bytes).sum::<u64>();
        forgotten
    }
}

impl Outgoing {
    /// The client takes so many bytes.
    fn taken(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.answers.state.write(|state| {
            if let Some(counted) = state.answers.get_mut(&self.number) {
                let taken = bytes.min(counted.bytes);
                counted.bytes -= taken;
                counted.since = Instant::now();
                state.held -= taken;
            }
        });
    }

    /// The beginning of what is left.
    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.taken(piece.len());
        Frame::data(piece)
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    self.piece()
                }
                Err(frame) => frame,
            }))),
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest + body.lower());
        if let Some(upper) = body.upper() {
            hint.set_upper(rest + upper);
        }
        hint
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // What is left of the exchange ends outside the lock.
        let _counted = self.answers.state.write(|state| {
            let counted = state.answers.remove(&self.number)?;
            state.held -= counted.bytes;
            Some(counted)
        });
    }
}

/// The most bytes of all answers together.
const MOST: u64 = 256 << 20;

/// How long a client of HTTP/2 may take nothing of an answer. The bytes of HTTP/1.1 show it.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer goes out in pieces: what is beyond the client's window stays counted.
const PIECE: usize = 64 << 10;

/// An answer that fits into the buffers on the way.
pub(super) const SENT_AT_ONCE: u64 = 64 << 10;

/// How often is looked for clients that take nothing.
const SWEEP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
