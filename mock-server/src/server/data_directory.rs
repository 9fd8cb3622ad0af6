//! Where the machine's certificate authority and keys are kept.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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

/// Reads a file, or makes it: of two processes that make it at once, one wins and both read the
/// winner's. Mode 0600.
pub(super) fn read_or_create(path: &Path, make: impl FnOnce() -> String) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let _ = fs::remove_file(&partial);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(make().as_bytes())?;
    file.sync_all()?;
    // A hard link fails where the name is taken, unlike a rename.
    let linked = fs::hard_link(&partial, path);
    let _ = fs::remove_file(&partial);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::read_to_string(path),
    }
}

/// Writes a file whole, if its contents differ. `mode` is of a new file.
pub(super) fn write_if_changed(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let _ = fs::remove_file(&partial);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&partial)?;
    file.write_all(contents)?;
    drop(file);
    fs::rename(&partial, path)
}
