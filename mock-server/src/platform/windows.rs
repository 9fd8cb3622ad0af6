//! Windows.

pub(super) mod descriptors;
pub(super) mod files;
pub(super) mod processes;
pub(super) mod signals;
