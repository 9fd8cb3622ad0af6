//! The built-in reference connector: what a good connector does, from the documents.
//!
//! It has an HTTP and token code of its own and shares nothing with the mock but the connector
//! protocol: where both come from the same misunderstanding, a real connector would show it.

mod assertion;
mod authorize;
mod challenge;
mod clock;
mod clouds;
mod connection;
mod files;
mod gate;
mod graph;
mod guise;
mod http;
mod id_token;
mod mutant;
mod named;
mod operations;
mod problem;
mod serve;
mod settings;
mod store;
mod style;
mod token;
mod upload;
mod watch;

#[cfg(test)]
mod tests;

pub use guise::Guise;
pub use http::Log;
pub use mutant::{Kind, Mutant};
#[cfg(test)]
pub(crate) use serve::capabilities;
pub use serve::serve;
pub use store::Store;
pub use style::Style;
