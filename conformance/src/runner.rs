//! The runner: a tenant a case, workers with a driver process each, nested time limits.

use std::path::PathBuf;
use std::time::Duration;

use crate::case::Level;
use crate::driver::Source;

/// How cases are run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where the driver comes from.
    pub source: Source,
    /// How many cases run at once.
    pub jobs: usize,
    /// Decides everything that is drawn at random.
    pub seed: u64,
    /// Checks below this level are not judged.
    pub level: Level,
    /// The time limits.
    pub limits: Limits,
    /// Gives the connector the addresses of authority and Graph, for connectors that take them.
    pub direct: bool,
    /// Where the folder with the artifacts of failed cases is made; none, and nothing is kept.
    pub artifacts: Option<PathBuf>,
    /// What a rerun command has beside seed and filter, such as `--connector './driver'`.
    pub rerun: String,
    /// Prints the conversation as it happens.
    pub watch: bool,
}

/// Time limits, nested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For the answer to a request.
    pub request: Duration,
    /// For a case.
    pub case: Duration,
    /// For the run.
    pub run: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request: Duration::from_secs(10), case: Duration::from_mins(1), run: None }
    }
}
