//! Threads apart for requests that may take long, so that those that serve everybody stay free.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

/// Runs as many requests at the same time as there are processors; others wait for a place.
#[derive(Clone, Debug)]
pub(crate) struct Apart(Arc<Semaphore>);

impl Apart {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors)))
    }

    /// Runs to its end, whether or not somebody waits for the answer.
    pub(crate) async fn run<R: IntoResponse>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Response {
        // Nobody closes the semaphore.
        let place = Arc::clone(&self.0).acquire_owned().await.ok();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work().into_response()
        });
        match done.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(response) => response,
            // The edge tells it as what it is.
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The server is ending.
            Err(Err(_)) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}
