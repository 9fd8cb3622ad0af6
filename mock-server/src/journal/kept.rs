//! An entry as it is kept: written, or still as it came.

use std::fmt;
use std::sync::{Arc, LazyLock};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Entry;

/// An entry, which may be written only when somebody looks at it.
pub(super) struct Kept {
    number: u64,
    state: State,
}

enum State {
    Written(Arc<Entry>),
    AsItCame(LazyLock<Arc<Entry>, Box<dyn FnOnce() -> Arc<Entry> + Send + Sync>>),
}

impl Kept {
    /// One that is written already.
    pub(super) fn written(entry: Entry) -> Self {
        Self {
            number: entry.number(),
            state: State::Written(Arc::new(entry)),
        }
    }

    /// One that is written when somebody looks at it.
    pub(super) fn later(
        number: u64,
        write: impl FnOnce() -> Entry + Send + Sync + 'static,
    ) -> Self {
        let write = LazyLock::new(Box::new(|| Arc::new(write())) as Box<_>);
        Self {
            number,
            state: State::AsItCame(write),
        }
    }

    /// The position in the journal.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The entry, written now if it was not.
    pub(super) fn entry(&self) -> Arc<Entry> {
        Arc::clone(match &self.state {
            State::Written(entry) => entry,
            State::AsItCame(entry) => entry,
        })
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is not yet written has secrets in it.
        write!(formatter, "Kept({})", self.number)
    }
}

/// All entries from a moment on, in their order.
#[derive(Debug)]
pub struct Feed {
    kept: Receiver<Arc<Kept>>,
}

impl Feed {
    pub(super) fn new(kept: Receiver<Arc<Kept>>) -> Self {
        Self { kept }
    }

    /// The next entry. A reader that is too slow loses the oldest, and is told how many.
    ///
    /// # Errors
    ///
    /// Entries were lost, or the journal is gone.
    pub async fn recv(&mut self) -> Result<Arc<Entry>, RecvError> {
        self.kept.recv().await.map(|kept| kept.entry())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::journal::{Body, Exchange, Journal, Names, Redaction};

    fn exchange(text: &str, redactor: &crate::journal::Redactor) -> Exchange {
        let body = json!({"subject": text});
        let mut exchange: Exchange = serde_json::from_value(json!({
            "number": 0, "at": "2026-01-15T12:00:00Z", "elapsed_micros": 1, "connection": 1,
            "surface": "graph", "method": "GET", "origin": "https://localhost", "path": text,
            "query": [], "request_headers": [], "form": [], "status": 200, "response_headers": [],
            "aadsts": [], "tokens": [],
        }))
        .unwrap();
        let json = body.to_string();
        exchange.response_body = Some(Body::of_json(json.as_bytes(), Names::Documents, redactor));
        exchange
    }

    #[tokio::test]
    async fn secrets_are_replaced_when_somebody_looks_also_those_that_became_known_since() {
        let journal = Journal::new(2, Redaction::On);
        let mut feed = journal.follow();
        for _ in 0..3 {
            journal.exchange_later(|redactor| exchange("the code is ABCDEFGHJ", redactor));
        }
        journal.redactor().known().note("ABCDEFGHJ");
        assert!(!format!("{journal:?}").contains("ABCDEFGHJ"));
        let kept = journal.since(0);
        let numbers: Vec<u64> = kept.iter().map(|it| it.number()).collect();
        assert_eq!(numbers, [2, 3]);
        let fed = feed.recv().await.unwrap();
        assert_eq!(fed.number(), 1);
        for entry in kept.iter().chain([&fed]) {
            let text = format!("{entry:?}{}", serde_json::to_string(entry).unwrap());
            assert!(
                text.contains("the code is <") && !text.contains("ABCDEFGHJ"),
                "{text}"
            );
        }
    }
}
