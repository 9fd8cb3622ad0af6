//! Windows has no limit on open sockets but memory.

use std::io;

/// There is none to raise.
pub fn raise_descriptor_limit() {}

/// Does something: there is no limit that it could be done under.
pub(crate) fn with_original_limit<T>(action: impl FnOnce() -> T) -> T {
    action()
}

/// How many connections this process may have open, and how many files it has.
pub(crate) fn limit_and_use() -> (usize, usize) {
    (MOST, OPEN_AT_START)
}

/// Whether an error says that the process, or the system, has no more sockets or buffers.
///
/// Source: Microsoft Learn, "Windows Sockets Error Codes" and "System Error Codes (0-499)".
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    const TOO_MANY_OPEN_FILES: i32 = 4;
    const NOT_ENOUGH_MEMORY: i32 = 8;
    const WSAEMFILE: i32 = 10024;
    const WSAENOBUFS: i32 = 10055;

    error.raw_os_error().is_some_and(|number| {
        [
            TOO_MANY_OPEN_FILES,
            NOT_ENOUGH_MEMORY,
            WSAEMFILE,
            WSAENOBUFS,
        ]
        .contains(&number)
    })
}

/// As many as elsewhere, so that memory is bounded alike.
const MOST: usize = 65_536;

const OPEN_AT_START: usize = 24;
