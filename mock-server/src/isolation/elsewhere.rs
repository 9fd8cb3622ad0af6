//! Systems without namespaces.

use std::path::Path;

use super::IsolationError;

/// Refused here.
pub fn enter() -> Result<(), IsolationError> {
    Err(IsolationError::Elsewhere)
}

/// Refused here.
pub fn mount_files(_: &Path, _: &Path, _: &[String]) -> Result<(), IsolationError> {
    Err(IsolationError::Elsewhere)
}

/// Refused here.
pub fn mount_over(_: &Path, _: &Path) -> Result<(), IsolationError> {
    Err(IsolationError::Elsewhere)
}
