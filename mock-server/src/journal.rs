//! The journal: a bounded, ordered record of every exchange and every change of state.
//!
//! Nobody reads a secret, an assertion or a token here whole: they are replaced by a fingerprint
//! that tells the same token from another one (`redact`). Forms, bodies and credentials of the login
//! hosts are kept without them from the start. Headers, and what Graph exchanges, are more, and little
//! of it is ever looked at: it is written when somebody does (`kept`).

mod body;
mod entry;
mod expect;
mod filter;
mod kept;
mod redact;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

pub use body::Body;
pub(crate) use entry::GRANTS;
pub use entry::{
    ClockMove, ClockRecord, Direction, Entry, EventRecord, Exchange, FaultChange, FaultRecord,
    Level, StateChange, StateRecord, Surface, TokenKind, TokenUse,
};
pub use expect::{Expectation, Within};
pub use filter::{Filter, status_range};
pub use kept::Feed;
pub use redact::{KnownSecrets, Names, Redaction, Redactor, SecretHolder, fingerprint};

use self::kept::Kept;
use crate::lock::{Mutex, rank};

/// The journal. Cheap to clone; clones are the same journal.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capacity: usize,
    redactor: Redactor,
    state: Mutex<rank::Journal, State>,
    feed: broadcast::Sender<Arc<Kept>>,
}

#[derive(Debug, Default)]
struct State {
    written: u64,
    entries: VecDeque<Arc<Kept>>,
}

impl Journal {
    /// A journal that keeps the newest `capacity` entries.
    pub fn new(capacity: usize, redaction: Redaction) -> Self {
        let (feed, _) = broadcast::channel(256);
        let state = Mutex::new(State::default());
        Self {
            inner: Arc::new(Inner {
                capacity: capacity.max(1),
                redactor: Redactor::new(redaction, KnownSecrets::default()),
                state,
                feed,
            }),
        }
    }

    /// How secrets and tokens are written.
    pub fn redactor(&self) -> &Redactor {
        &self.inner.redactor
    }

    /// Writes an exchange and returns its number. Its headers, fields and bodies have been written
    /// by the [`Redactor`]; its other texts lose their secrets here.
    pub fn exchange(&self, mut exchange: Exchange) -> u64 {
        exchange.redact(&self.inner.redactor);
        self.write(|number| Entry::Exchange(Exchange { number, ..exchange }))
    }

    /// Takes note of an exchange that is written, by the same rules, when somebody looks at it.
    pub(crate) fn exchange_later(
        &self,
        write: impl FnOnce(&Redactor) -> Exchange + Send + Sync + 'static,
    ) -> u64 {
        let redactor = self.inner.redactor.clone();
        self.keep(move |number| {
            Kept::later(number, move || {
                let mut exchange = write(&redactor);
                exchange.redact(&redactor);
                Entry::Exchange(Exchange { number, ..exchange })
            })
        })
    }

    /// Writes an event, without its secrets, and returns its number.
    pub fn event(&self, mut record: EventRecord) -> u64 {
        record.event = self.inner.redactor.event(record.event);
        self.write(|number| Entry::Event(EventRecord { number, ..record }))
    }

    /// Writes a change of faults, without their secrets, and returns its number.
    pub fn fault(&self, mut record: FaultRecord) -> u64 {
        if let FaultChange::Set { fault, .. } = &mut record.change {
            *fault = self.inner.redactor.fault(fault.take());
        }
        self.write(|number| Entry::Fault(FaultRecord { number, ..record }))
    }

    /// Writes a change of a clock and returns its number.
    pub fn clock(&self, record: ClockRecord) -> u64 {
        self.write(|number| Entry::Clock(ClockRecord { number, ..record }))
    }

    /// Writes that the whole world was replaced, and returns the entry's number.
    pub fn state(&self, record: StateRecord) -> u64 {
        self.write(|number| Entry::State(StateRecord { number, ..record }))
    }

    /// The number of the newest entry, 0 before the first.
    pub fn position(&self) -> u64 {
        self.inner.state.read(|it| it.written)
    }

    /// The entries after a position that are still kept, oldest first.
    pub fn since(&self, position: u64) -> Vec<Arc<Entry>> {
        let kept: Vec<Arc<Kept>> = self.inner.state.read(|state| {
            let skip = state
                .entries
                .partition_point(|kept| kept.number() <= position);
            state.entries.iter().skip(skip).cloned().collect()
        });
        // What is not yet written is written now, outside of the lock.
        kept.iter().map(|it| it.entry()).collect()
    }

    /// The kept exchanges after a position, oldest first.
    pub fn exchanges_since(&self, position: u64) -> Vec<Exchange> {
        self.since(position)
            .iter()
            .filter_map(|entry| match &**entry {
                Entry::Exchange(exchange) => Some(exchange.clone()),
                Entry::Event(_) | Entry::Fault(_) | Entry::Clock(_) | Entry::State(_) => None,
            })
            .collect()
    }

    /// All entries written from now on; a reader that is too slow loses the oldest.
    pub fn follow(&self) -> Feed {
        Feed::new(self.inner.feed.subscribe())
    }

    /// The first entry that fits, among those kept or those to come before the deadline.
    pub async fn wait_for_entry(&self, filter: &Filter, deadline: Duration) -> Option<Arc<Entry>> {
        let mut feed = self.follow();
        let search = || {
            let kept = self.since(filter.since);
            kept.into_iter().find(|entry| filter.fits(entry))
        };
        if let Some(found) = search() {
            return Some(found);
        }
        tokio::time::timeout(deadline, async {
            loop {
                match feed.recv().await {
                    Ok(entry) if filter.fits(&entry) => return Some(entry),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        if let Some(found) = search() {
                            return Some(found);
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Waits until an exchange after `position` fits, or the deadline passes.
    pub async fn wait_for(
        &self,
        position: u64,
        deadline: Duration,
        fits: impl Fn(&Exchange) -> bool,
    ) -> Option<Exchange> {
        let mut feed = self.follow();
        let search = |journal: &Self| {
            journal
                .exchanges_since(position)
                .into_iter()
                .find(|exchange| fits(exchange))
        };
        if let Some(found) = search(self) {
            return Some(found);
        }
        tokio::time::timeout(deadline, async {
            loop {
                match feed.recv().await {
                    Ok(entry) => {
                        if let Entry::Exchange(exchange) = &*entry
                            && fits(exchange)
                        {
                            return Some(exchange.clone());
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        if let Some(found) = search(self) {
                            return Some(found);
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Forgets all entries; numbers go on.
    pub fn clear(&self) {
        self.inner.state.write(|it| it.entries.clear());
    }

    fn write(&self, entry: impl FnOnce(u64) -> Entry) -> u64 {
        self.keep(|number| Kept::written(entry(number)))
    }

    fn keep(&self, kept: impl FnOnce(u64) -> Kept) -> u64 {
        let (number, _oldest) = self.inner.state.write(|state| {
            state.written += 1;
            let number = state.written;
            let kept = Arc::new(kept(number));
            let oldest = if state.entries.len() == self.inner.capacity {
                state.entries.pop_front()
            } else {
                None
            };
            state.entries.push_back(Arc::clone(&kept));
            // Nobody may be listening. Sent under the lock, so that the feed has the journal's order.
            let _ = self.inner.feed.send(kept);
            // Let go outside of the lock.
            (number, oldest)
        });
        number
    }
}
