//! Drives any Microsoft 365 connector through every documented auth method and failure, and says
//! which rule it broke.

#![expect(
    clippy::disallowed_types,
    reason = "each of the suite's locks is a leaf: nothing else is taken while it is held"
)]

pub mod browser;
pub mod case;
#[doc(hidden)]
pub mod cli;
pub mod driver;
pub mod driver_check;
pub mod judge;
pub mod known_failure;
pub mod protocol;
pub mod reference;
pub mod report;
pub mod runner;
pub mod selection;
pub mod selftest;
mod strangers;
mod text;
