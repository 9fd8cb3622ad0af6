//! Drivers: the ways to attach a connector, and the session with one.

mod session;
mod source;
#[cfg(test)]
mod tests;

pub use session::{Deadline, DriverError, Incoming, Reply, Session};
pub use source::{Heard, Source, SourceError, Spawned};
