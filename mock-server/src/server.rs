//! Certificates, listeners, host routing, the forward proxy, isolation, and the edge at which
//! every exchange is journalled.

mod addresses;
mod answer;
mod body;
mod builder;
mod capacity;
mod certificate;
mod client_certificate;
mod connection;
mod core;
mod data_directory;
mod demo;
mod edge;
mod encoding;
mod fault_layer;
mod host_name;
mod mock;
mod pass_through;
mod place;
mod proxy;
mod ready;
mod record;
mod refused;
mod state_file;
mod tenant_handle;
mod variables;
mod watched;

pub use crate::platform::raise_descriptor_limit;
#[cfg(feature = "cli")]
pub(crate) use crate::platform::with_original_limit;
pub(crate) use addresses::Addresses;
pub use builder::{Builder, StartError};
pub use certificate::{CertificateAuthority, CertificateError};
pub use client_certificate::{ClientCertificate, Validity};
pub(crate) use core::Core;
pub use data_directory::default_data_directory;
pub(crate) use demo::Demo;
pub use host_name::{HostName, HostNameError};
pub use mock::MockEntra;
pub use ready::{Ready, ReadyEnvironment};
pub use state_file::StateFileError;
pub use tenant_handle::{FaultGuard, TenantHandle};
pub use variables::{UNSET, Variables};
