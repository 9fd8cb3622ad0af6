//! The process's limit on open files, which bounds how many connections it can hold.

use std::io;
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit on open files as far as the system lets a process do by itself. The usual
/// one (1,024 on Linux, 256 on macOS) dates from programs that can't count further.
///
/// For programs, at their start: a library leaves the limits of its process alone.
pub fn raise_descriptor_limit() {
    let found = *ORIGINAL.get_or_init(|| getrlimit(Resource::Nofile));
    // macOS names no hard limit, and refuses more than it has for one process.
    for most in [MOST, MACOS_MOST] {
        let wanted = found.maximum.map_or(most, |hard| hard.min(most));
        if found.current.is_none_or(|soft| soft >= wanted) || set(wanted).is_ok() {
            return;
        }
    }
}

/// Does something, such as starting another program, under the limit that this process began with:
/// a program that uses `select` breaks where it is given more than it expects.
pub(crate) fn with_original_limit<T>(action: impl FnOnce() -> T) -> T {
    let Some(original) = ORIGINAL.get().copied() else {
        return action();
    };
    let raised = getrlimit(Resource::Nofile);
    // Lowering the soft limit is always permitted, and so is returning to what it was.
    let _ = setrlimit(Resource::Nofile, original);
    let done = action();
    let _ = setrlimit(Resource::Nofile, raised);
    done
}

/// How many files this process may have open, and how many it has.
pub(crate) fn limit_and_use() -> (usize, usize) {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(MOST);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // On Linux a link to /proc/self/fd.
    let open = std::fs::read_dir("/dev/fd").map_or(OPEN_AT_START, Iterator::count);
    (limit, open)
}

/// Whether an error says that the process, or the system, has no more files.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let number = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|it| number == Some(it.raw_os_error()))
}

fn set(soft: u64) -> rustix::io::Result<()> {
    let hard = getrlimit(Resource::Nofile).maximum;
    let wanted = Rlimit {
        current: Some(soft),
        maximum: hard,
    };
    setrlimit(Resource::Nofile, wanted)
}

/// The limits before they were raised.
static ORIGINAL: OnceLock<Rlimit> = OnceLock::new();

/// More than all the connections that are ever held.
const MOST: u64 = 65_536;

/// `OPEN_MAX`. Source: setrlimit(2) of macOS.
const MACOS_MOST: u64 = 10_240;

/// Where nothing tells how many are open.
const OPEN_AT_START: usize = 24;
