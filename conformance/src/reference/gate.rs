//! Who may ask when: one gate for each mailbox and for each client at the token endpoint.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// A place to which not everybody goes at once, and nobody before the time that it names.
pub(super) struct Gate {
    turns: Semaphore,
    /// Nobody goes before: milliseconds of the connector's clock.
    closed_until: AtomicI64,
    /// For how many seconds it is closed by a refusal that names no time.
    pub(super) silence: Option<f64>,
}

impl Gate {
    /// The gate of a mailbox: Outlook takes four requests at once.
    ///
    /// Source: learn.microsoft.com/graph/throttling-limits, "Outlook service limits".
    fn of_mailbox() -> Self {
        Self {
            turns: Semaphore::new(4),
            closed_until: AtomicI64::new(i64::MIN),
            silence: None,
        }
    }

    /// The gate of the token endpoint, which is left alone for a minute where it names no time.
    ///
    /// Source: MSAL, "Client throttling".
    pub(super) fn of_token_endpoint() -> Self {
        Self {
            turns: Semaphore::new(Semaphore::MAX_PERMITS),
            closed_until: AtomicI64::new(i64::MIN),
            silence: Some(60.0),
        }
    }

    /// A turn; others wait for theirs.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // A gate's turns are never taken away.
        self.turns.acquire().await.ok()
    }

    /// Until when nobody goes.
    pub(super) fn closed_until(&self) -> i64 {
        self.closed_until.load(Ordering::Acquire)
    }

    /// Nobody goes until then.
    pub(super) fn close_until(&self, millis: i64) {
        self.closed_until.fetch_max(millis, Ordering::AcqRel);
    }
}

/// The gates of the mailboxes, by app and mailbox.
#[derive(Default)]
pub(super) struct Mailboxes {
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

impl Mailboxes {
    /// The gate of a mailbox.
    pub(super) fn gate(&self, name: String) -> Arc<Gate> {
        let mut gates = self.gates.lock();
        let gate = gates
            .entry(name)
            .or_insert_with(|| Arc::new(Gate::of_mailbox()));
        Arc::clone(gate)
    }
}
