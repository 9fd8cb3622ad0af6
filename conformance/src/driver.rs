//! Drivers: the ways to attach a connector, and the session with one.

mod session;
mod source;

pub use session::{DriverError, Incoming, Reply, Session};
pub use source::{Source, SourceError, Spawned};
