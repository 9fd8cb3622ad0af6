//! What operating systems do in ways of their own, in one place: the modules `unix` and `windows`
//! have the same names. What Linux alone can do is in [`crate::isolation`].

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::descriptors::raise_descriptor_limit;
#[cfg(feature = "cli")]
pub(crate) use system::descriptors::with_original_limit;
pub(crate) use system::descriptors::{is_exhausted, limit_and_use};
pub(crate) use system::files::{
    DATA_FOLDER, SYSTEM_BUNDLES, give_back, make_private_folder, mode, owner, read_exact_at,
    sync_folder, user, write_all_at,
};
pub use system::files::{permit, private};
pub use system::processes::find_program;
#[cfg(feature = "cli")]
pub(crate) use system::processes::signal_of;
pub use system::signals::{Signals, interruption};

/// What a process is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// Its terminal is gone: SIGHUP, or a console that is closed.
    HangUp,
    /// The user pressed Ctrl-C: SIGINT, or its like.
    Interrupt,
    /// To end: SIGTERM, or a machine that is shut down.
    Terminate,
}

/// What to try where a program is not found: the name that it has on many systems.
pub fn other_name(program: &str) -> &'static str {
    match program {
        "python" => " (many systems have it as 'python3' only, outside a virtual environment)",
        "pip" => " (many systems have it as 'pip3' only, outside a virtual environment)",
        _ => "",
    }
}
