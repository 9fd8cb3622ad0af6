//! A Microsoft Entra ID and a Microsoft Graph that run on a laptop with no network.
//!
//! They issue and revoke tokens, enforce consent and permissions in four environments (Office 365,
//! US Government L4 and L5, China), serve mail, calendars and contacts, and refuse what the real
//! service refuses, with its codes. Not affiliated with Microsoft; never for production.
//!
//! - [`MockEntra`] is what a test holds.
//! - [`directory::Event`] is what can happen in a tenant; [`clock::Clock`] is its time.
//! - [`journal::Journal`] is what clients did.
//! - [`scenario`] plays a file that says what happens, and when.
//!
#![doc = include_str!("../docs/library.md")]
#![cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "the command line uses some of it alone")
)]

pub mod aadsts;
mod apart;
mod authority;
mod base64_bytes;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod consent;
mod control;
pub mod directory;
mod drives;
pub mod environment;
pub mod exchange;
pub mod fault;
mod file;
mod graph;
pub mod isolation;
pub mod journal;
mod limit;
#[expect(clippy::disallowed_types, reason = "here they get their ranks")]
mod lock;
pub mod mailbox;
mod model;
pub mod notation;
#[cfg(test)]
mod order;
pub mod permission;
#[doc(hidden)]
pub mod platform;
pub mod random;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod references;
pub mod scenario;
#[doc(hidden)]
pub mod scratch;
pub mod server;
pub mod store;
pub mod token;
#[doc(hidden)]
pub mod watchdog;
pub mod world;

pub use server::{Builder, FaultGuard, MockEntra, StartError, TenantHandle};
