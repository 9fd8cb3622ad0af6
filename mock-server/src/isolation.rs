//! `run --isolated`: the mock and a command in namespaces of their own, without root.
//!
//! Loopback is the only network, the hosts file leads Microsoft's hosts to 127.0.0.1, and the
//! system's CA bundle has our root: for clients that ignore proxies or bring their own way to find
//! roots. Nothing can leak out, for no other host can be reached.
//!
//! Namespaces are entered before the program has a second thread: [`enter`] starts the program
//! again inside of `unshare` (util-linux), and the second time returns to its caller.

use std::io;
use std::path::PathBuf;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{enter, mount_files, mount_over};
#[cfg(target_os = "linux")]
pub use linux::{enter, mount_files, mount_over};

/// Why isolation is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IsolationError {
    /// The system has no namespaces.
    #[error("--isolated needs namespaces, which Linux has and this system has not")]
    Elsewhere,
    /// The kernel or the container does not permit namespaces.
    #[error(
        "--isolated needs a user, a network and a mount namespace of its own, and they are \
         forbidden here: {said}{}", listed(.remedies)
    )]
    Forbidden {
        /// What `unshare` said.
        said: String,
        /// What forbids them, and how to permit them.
        remedies: Vec<String>,
    },
    /// `unshare` can't be started.
    #[error("--isolated needs the program 'unshare' of util-linux: {0}")]
    NoUnshare(io::Error),
    /// The loopback interface can't be brought up.
    #[error("cannot bring up the loopback interface of the new network namespace: {0}")]
    Loopback(io::Error),
    /// A file can't be put over another one.
    #[error("cannot mount over {path}: {error}")]
    Mount {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// The hosts file can't be written.
    #[error("the files of the isolated run cannot be written to {path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
}

/// What works where namespaces are not to be had.
pub const HELP: &str = "without --isolated the proxy leads clients here, and needs no namespaces: \
    `entra-mock run -- CMD`";

fn listed(remedies: &[String]) -> String {
    remedies.iter().map(|it| format!("\n  {it}")).collect()
}
