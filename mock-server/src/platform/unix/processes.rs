//! How programs are found, and how they end.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// What is to be started where this is asked for: the system looks for it.
pub fn find_program(name: impl AsRef<OsStr>) -> OsString {
    name.as_ref().to_owned()
}

/// The number of the signal that ended a process.
pub(crate) fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}
