//! Drivers: the ways to attach a connector, and the session with one.

#[cfg(all(test, unix))]
mod process_tests;
mod session;
mod socket;
mod source;
#[cfg(test)]
mod tests;

pub use session::{Deadline, DriverError, Incoming, Reply, Session};
pub use source::{Heard, Source, SourceError, Spawned};
