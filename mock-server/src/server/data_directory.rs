//! Where the machine's certificate authority and keys are kept.

use std::path::PathBuf;

/// `$XDG_DATA_HOME/entra-mock`, or `~/.local/share/entra-mock`, or a folder of the system's
/// temporary files where neither is known.
#[expect(
    clippy::disallowed_methods,
    reason = "the place of a user's files is in the environment"
)]
pub fn default_data_directory() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    from("XDG_DATA_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_else(std::env::temp_dir)
        .join("entra-mock")
}
