//! What this process starts ends with it, even where it is killed and can do nothing itself.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::{Announced, Guard, announce, serve_if_asked, start};
pub(crate) use system::{guard_folder, release_folder};

/// What is to end, should this process be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// The process: on Unix with SIGTERM, and with SIGKILL after a while.
    Process,
    /// The process with all that it started, which gets nothing of what the user presses.
    Group,
}
