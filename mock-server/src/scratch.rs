//! Temporary folders that no crash leaves behind for good: each is locked by its process, and who
//! makes one removes those whose process is gone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::platform::{self, permit, private};
use crate::watchdog;

/// A temporary folder of mode 0700 under a name that nobody can foresee. It is removed when it is
/// dropped, by the watchdog when the process is killed, and else at the start of the next one.
#[derive(Debug)]
pub struct Scratch {
    /// Held as long as the process lives; children do not inherit it. Dropped first: Windows
    /// removes no folder with an open file.
    _lock: File,
    folder: TempDir,
}

impl Scratch {
    /// Makes a folder; those of dead processes with the same prefix go.
    pub fn new(prefix: &str) -> io::Result<Self> {
        remove_stale(&std::env::temp_dir(), prefix);
        let folder = permit(tempfile::Builder::new().prefix(prefix), 0o700).tempdir()?;
        // Locked before it has the name by which others look for it.
        let made = folder.path().join(UNLOCKED);
        let mut options = OpenOptions::new();
        let lock = private(options.write(true).create_new(true)).open(&made)?;
        lock.try_lock()?;
        fs::rename(&made, folder.path().join(LOCK))?;
        watchdog::guard_folder(folder.path());
        Ok(Self {
            _lock: lock,
            folder,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        watchdog::release_folder(self.folder.path());
    }
}

/// Removes the folders of this user whose process is gone.
fn remove_stale(place: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(place) else {
        return;
    };
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(prefix)
    };
    for folder in entries.flatten().map(|it| it.path()).filter(named) {
        // Not through links, and not what somebody else made.
        let ours = fs::symlink_metadata(&folder).is_ok_and(|it| {
            it.is_dir() && platform::owner(&it).is_none_or(|(owner, own)| owner == own)
        });
        if ours
            && is_abandoned(&folder)
            && let Err(error) = fs::remove_dir_all(&folder)
        {
            tracing::debug!(folder = %folder.display(), %error, "a stale folder is not removed");
        }
    }
}

/// Whether there is a lock that nobody holds. A folder without one is just being made.
fn is_abandoned(folder: &Path) -> bool {
    File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

const LOCK: &str = ".lock";
const UNLOCKED: &str = ".lock-new";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_processes_are_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let (dead, alive, new, other) = (
            folder("a-run-1"),
            folder("a-run-2"),
            folder("a-run-3"),
            folder("b-run-1"),
        );
        for it in [&dead, &alive, &other] {
            fs::write(it.join(LOCK), "").unwrap();
        }
        fs::write(dead.join("ready.json"), "{}").unwrap();
        let held = File::open(alive.join(LOCK)).unwrap();
        held.try_lock().unwrap();
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join(LOCK), "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(target.path(), place.path().join("a-run-4")).unwrap();

        remove_stale(place.path(), "a-run-");
        assert!(!dead.exists());
        for kept in [&alive, &new, &other, &target.path().to_owned()] {
            assert!(kept.exists(), "{}", kept.display());
        }
    }

    #[test]
    fn a_folder_is_locked_while_it_is_used() {
        let scratch = Scratch::new("entra-mock-test-").unwrap();
        let path = scratch.path().to_owned();
        assert!(path.join(LOCK).is_file());
        assert!(!is_abandoned(&path));
        let mode = platform::mode(&fs::metadata(&path).unwrap());
        assert!(mode.is_none_or(|it| it == 0o700), "{mode:?}");
        drop(scratch);
        assert!(!path.exists());
    }
}
