//! A Microsoft Entra ID and Microsoft Graph that runs on a laptop with no network.

pub mod aadsts;
mod authority;
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod consent;
mod control;
pub mod directory;
pub mod environment;
pub mod exchange;
mod graph;
pub mod isolation;
pub mod journal;
pub mod mailbox;
pub mod permission;
pub mod random;
pub mod server;
pub mod token;
pub mod world;

pub use server::{Builder, MockEntra, StartError, TenantHandle};
