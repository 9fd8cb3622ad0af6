//! Linux, macOS and their like.

pub(super) mod descriptors;
pub(super) mod files;
pub(super) mod processes;
pub(super) mod signals;
