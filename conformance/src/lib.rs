//! Drives any Microsoft 365 connector through every documented auth method and failure, and says
//! which rule it broke.

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
