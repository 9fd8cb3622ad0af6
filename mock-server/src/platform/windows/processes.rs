//! How programs are found, and how they end.

use std::ffi::{OsStr, OsString};
use std::process::ExitStatus;

/// What is to be started where this is asked for. The system adds `.exe` alone, and `npm` or `npx` is
/// a `.cmd`: here all endings of `PATHEXT` are tried.
pub fn find_program(name: impl AsRef<OsStr>) -> OsString {
    let name = name.as_ref();
    which::which(name).map_or_else(|_| name.to_owned(), OsString::from)
}

/// There are no signals.
pub(crate) fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}
