//! Bodies of requests: bounded in size and time, and all unfinished ones together in memory.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::time::{self, Instant, Sleep};

use super::capacity::Underway;
use crate::drives::{Blob, BlobError, Writer};
use crate::lock::{Mutex, rank};

/// The bodies of all requests that are under way.
#[derive(Debug)]
pub(super) struct Bodies {
    most: usize,
    /// The longest time without a byte of a body, and for a whole one.
    patience: (Duration, Duration),
    state: Mutex<rank::Bodies, State>,
    warned: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// The bytes of all bodies.
    held: usize,
    /// By age, the oldest first.
    bodies: BTreeMap<u64, Counted>,
}

/// What a body counts.
#[derive(Debug)]
struct Counted {
    bytes: usize,
    /// It is whole, and not given up for others.
    finished: bool,
    dropping: Arc<Dropping>,
}

/// Tells the reader of a body that there is no room for it.
#[derive(Debug, Default)]
struct Dropping {
    is_due: AtomicBool,
    waker: AtomicWaker,
}

/// A body whose bytes count, until it is dropped.
#[derive(Debug)]
pub(super) struct Metered<B> {
    body: B,
    underway: Arc<Underway>,
    bodies: Arc<Bodies>,
    number: u64,
    bytes: usize,
    dropping: Arc<Dropping>,
    deadline: Instant,
    /// Set while the client is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    finished: bool,
    /// It is passed on, and not kept.
    passes: bool,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The client went away in the middle.
    #[error("the request body ended too early")]
    Broken,
    /// All bodies together are too much.
    #[error("all unfinished request bodies together are larger than {} MiB", .0 >> 20)]
    NoRoom(usize),
    /// It is too large.
    #[error("the request body is larger than {} MiB", .0 >> 20)]
    TooLarge(usize),
    /// It came too slowly.
    #[error(
        "the request body was not finished in time: at most {} s may pass without a byte, and {} s \
         altogether",
        .0.as_secs(),
        .1.as_secs()
    )]
    TooSlow(Duration, Duration),
}

impl Bodies {
    pub(super) fn new() -> Arc<Self> {
        Self::of(MOST, (STALL, WHOLE))
    }

    fn of(most: usize, patience: (Duration, Duration)) -> Arc<Self> {
        Arc::new(Self {
            most,
            patience,
            state: Mutex::default(),
            warned: AtomicBool::new(false),
        })
    }

    /// A body that counts.
    pub(super) fn meter<B>(self: &Arc<Self>, body: B, underway: Arc<Underway>) -> Metered<B>
    where
        B: HttpBody,
    {
        let number = self.state.write(|state| {
            state.next += 1;
            state.next - 1
        });
        let finished = body.is_end_stream();
        Metered {
            body,
            underway,
            bodies: Arc::clone(self),
            number,
            bytes: 0,
            dropping: Arc::default(),
            deadline: Instant::now() + self.patience.1,
            patience: None,
            finished,
            passes: false,
        }
    }
}

impl<B> Metered<B> {
    /// The same body for who passes it on without keeping it.
    pub(super) fn passing(mut self) -> Self {
        self.passes = true;
        self
    }

    /// Counts further bytes. Where there is no room for them the oldest bodies give way, and where
    /// that is not enough, this one.
    fn count(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.bytes += bytes;
        let most = self.bodies.most;
        let (was_full, has_room) = self.bodies.state.write(|state| {
            state.held += bytes;
            let mine = state.bodies.entry(self.number).or_insert_with(|| Counted {
                bytes: 0,
                finished: false,
                dropping: Arc::clone(&self.dropping),
            });
            mine.bytes = self.bytes;
            let was_full = state.held > most;
            while state.held > most {
                let oldest = state.bodies.iter().find(|(_, it)| !it.finished);
                let Some(number) = oldest.map(|(number, _)| *number) else {
                    break;
                };
                if number == self.number {
                    return (was_full, false);
                }
                if let Some(counted) = state.bodies.remove(&number) {
                    state.held -= counted.bytes;
                    counted.dropping.is_due.store(true, Ordering::Relaxed);
                    counted.dropping.waker.wake();
                }
            }
            (was_full, true)
        });
        if was_full && !self.bodies.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "all request bodies together are larger than {} MiB: from now on the oldest \
                 unfinished one is given up for each new one",
                most >> 20
            );
        }
        if has_room {
            Ok(())
        } else {
            Err(BodyError::NoRoom(most))
        }
    }

    /// The body is whole: it is no longer given up for others.
    fn finish(&mut self) {
        self.finished = true;
        if self.bytes > 0 {
            self.bodies.state.write(|state| {
                if let Some(mine) = state.bodies.get_mut(&self.number) {
                    mine.finished = true;
                }
            });
        }
    }

    /// Forgets what was read.
    fn release(&mut self) {
        if self.bytes > 0 {
            self.bytes = 0;
            self.bodies.state.write(|state| {
                if let Some(mine) = state.bodies.remove(&self.number) {
                    state.held -= mine.bytes;
                }
            });
        }
    }
}

impl<B> HttpBody for Metered<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let no_room = Some(Err(BodyError::NoRoom(this.bodies.most)));
        if this.dropping.is_due.load(Ordering::Relaxed) {
            return Poll::Ready(no_room);
        }
        let frame = match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                this.underway.reads(true);
                this.dropping.waker.register(context.waker());
                if this.dropping.is_due.load(Ordering::Relaxed) {
                    return Poll::Ready(no_room);
                }
                let (deadline, (stall, whole)) = (this.deadline, this.bodies.patience);
                let patience = this.patience.get_or_insert_with(|| {
                    Box::pin(time::sleep_until(deadline.min(Instant::now() + stall)))
                });
                return match patience.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::TooSlow(stall, whole)))),
                    Poll::Pending => Poll::Pending,
                };
            }
        };
        this.underway.reads(false);
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if bytes > 0 {
                    this.patience = None;
                    if !this.passes {
                        this.count(bytes)?;
                    }
                }
                if this.body.is_end_stream() {
                    this.finish();
                }
                Some(Ok(frame))
            }
            Some(Err(_)) => Some(Err(BodyError::Broken)),
            None => {
                this.finish();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Metered<B> {
    fn drop(&mut self) {
        self.release();
        if !self.finished {
            self.underway.place().leaves_unread();
        }
    }
}

impl<B> Metered<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Reads the body into a content; none of it stays in memory for long. One that is not taken
    /// is read all the same, and thrown away, as far as that is bearable.
    pub(super) async fn store(
        &mut self,
        mut content: Writer,
    ) -> Result<Result<Blob, BlobError>, BodyError> {
        self.passes = true;
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            // A write to the page cache: shorter than a change of threads.
            if let Err(error) = content.write(&data) {
                drop(content);
                self.throw_away().await;
                return Ok(Err(error));
            }
        }
        Ok(content.finish())
    }

    /// Reads the body; one that is too large is passed over.
    pub(super) async fn read(&mut self, limit: usize, waits: bool) -> Result<Bytes, BodyError> {
        if self.size_hint().lower() > limit as u64 {
            self.pass_over(waits).await;
            return Err(BodyError::TooLarge(limit));
        }
        let mut whole = Bytes::new();
        let mut parts = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            if self.bytes > limit {
                drop((whole, parts));
                self.release();
                self.throw_away().await;
                return Err(BodyError::TooLarge(limit));
            }
            if whole.is_empty() && parts.is_empty() {
                // Most bodies come at once.
                whole = data;
            } else {
                if parts.is_empty() {
                    parts.extend_from_slice(&std::mem::take(&mut whole));
                }
                parts.extend_from_slice(&data);
            }
        }
        Ok(if parts.is_empty() {
            whole
        } else {
            parts.freeze()
        })
    }

    /// Reads the body and keeps none of it, as far as that is bearable: most clients look for an
    /// answer only when they have sent everything.
    ///
    /// `waits` says that the client sends nothing before it is asked to.
    pub(super) async fn pass_over(&mut self, waits: bool) {
        if !waits && self.size_hint().lower() <= THROWN_AWAY {
            self.throw_away().await;
        }
    }

    /// Whether the client has nothing more to send.
    pub(super) fn is_whole(&self) -> bool {
        self.finished
    }

    async fn throw_away(&mut self) {
        let mut thrown: u64 = 0;
        let throwing = async {
            while let Some(Ok(frame)) = self.body.frame().await {
                thrown += frame.data_ref().map_or(0, Bytes::len) as u64;
                if thrown > THROWN_AWAY {
                    return false;
                }
            }
            true
        };
        self.underway.reads(true);
        let whole = time::timeout(THROWING, throwing).await;
        self.underway.reads(false);
        self.finished = whole == Ok(true);
    }
}

/// A body, and something that lives as long as it.
#[derive(Debug)]
pub(super) struct Holding<T> {
    pub(super) body: Body,
    pub(super) _held: T,
}

impl<T: Unpin> HttpBody for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The most bytes of all bodies together.
const MOST: usize = 256 << 20;

/// The longest time without a byte of a body.
const STALL: Duration = Duration::from_secs(30);

/// The longest time for a whole body.
const WHOLE: Duration = Duration::from_mins(2);

/// How much of a body that is too large is read, and how long.
const THROWN_AWAY: u64 = 256 << 20;
const THROWING: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
