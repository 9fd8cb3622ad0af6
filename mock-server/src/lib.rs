//! A Microsoft Entra ID and a Microsoft Graph that run on a laptop with no network.
//!
//! They issue and revoke tokens, enforce consent and permissions in four environments (Office 365,
//! US Government L4 and L5, China), serve mail, calendars and contacts, and refuse what the real
//! service refuses, with its codes. Not affiliated with Microsoft; never for production.
//!
//! - [`MockEntra`] is what a test holds, [`TenantHandle`] a tenant of it.
//! - [`Event`] is what can happen in a tenant, [`Fault`] what can go wrong with its answers.
//! - [`Journal`] is what clients did; [`Journal::expect`] expects something of it.
//! - [`scenario`] plays a file that says what happens, and when.
//!
#![doc = include_str!("../docs/library.md")]
#![cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "the command line uses some of it alone")
)]

#[doc(hidden)]
pub mod aadsts;
mod apart;
mod authority;
mod base64_bytes;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
#[doc(hidden)]
pub mod consent;
mod control;
pub mod directory;
mod drives;
pub mod environment;
#[doc(hidden)]
pub mod exchange;
pub mod fault;
mod file;
mod graph;
#[doc(hidden)]
pub mod isolation;
pub mod journal;
mod limit;
#[expect(clippy::disallowed_types, reason = "here they get their ranks")]
mod lock;
#[doc(hidden)]
pub mod mailbox;
mod model;
#[doc(hidden)]
pub mod notation;
#[cfg(test)]
mod order;
#[doc(hidden)]
pub mod permission;
mod picture;
#[doc(hidden)]
pub mod platform;
#[doc(hidden)]
pub mod random;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod references;
pub mod scenario;
#[doc(hidden)]
pub mod scratch;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod token;
#[doc(hidden)]
pub mod watchdog;
#[doc(hidden)]
pub mod world;

pub use directory::{Did, Event, EventError};
pub use environment::Environment;
pub use fault::{Fault, FaultAction, FaultError, FaultSurface, FaultWhen};
pub use journal::{Exchange, Expectation, Journal, Surface};
pub use server::{
    Builder, FaultGuard, HostName, MockEntra, Ready, StartError, TenantHandle, Variables,
};
pub use world::TenantDescription;
pub use world::seed::SeedFile;
