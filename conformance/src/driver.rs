//! Drivers: the ways to attach a connector, and the session with one.

mod session;
mod source;
#[cfg(test)]
mod tests;

pub use session::{DriverError, Incoming, Reply, Session};
pub use source::{Source, SourceError, Spawned};
