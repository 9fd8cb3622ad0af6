//! Certificates, listeners, host routing, the forward proxy, isolation, and the edge at which
//! every exchange is journalled.

mod certificate;
mod client_certificate;
mod connection;
mod data_directory;
mod edge;
mod fault_layer;
mod mock;
mod place;
mod proxy;
mod ready;
mod record;
mod state_file;
mod variables;

pub(crate) use certificate::SYSTEM_BUNDLES;
pub use certificate::{CertificateAuthority, CertificateError};
pub use client_certificate::{ClientCertificate, Validity};
pub use data_directory::default_data_directory;
pub(crate) use mock::Core;
pub use mock::{Builder, MockEntra, StartError, TenantHandle};
pub use ready::{Ready, ReadyEnvironment};
pub use state_file::StateFileError;
pub use variables::UNSET;
