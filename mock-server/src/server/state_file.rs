//! The state file: loaded at start, saved on change, whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{self, JoinHandle};
use tokio::time;

use crate::clock::Clock;
use crate::drives::Drives;
use crate::file;
use crate::platform::private;
use crate::world::{Snapshot, SnapshotError, World};

/// Why a state file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// Another program has it.
    #[error("another entra-mock keeps its state in {}: stop it, or name another file", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It is no state of a version that this program reads.
    #[error("{}: {error}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: SnapshotError,
    },
    /// It can't be read or written.
    #[error("cannot {action} the state file {}: {error}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
}

/// A state file that only this process writes.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// Held until the process ends, however it ends.
    _lock: File,
}

/// The task that saves a world.
#[derive(Debug)]
pub(super) struct Saver {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl StateFile {
    /// Takes possession of the file, and reads it if it is there.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Snapshot>), StateFileError> {
        let path = &target_of(path).map_err(|error| StateFileError::Io {
            action: "read",
            path: path.to_owned(),
            error,
        })?;
        let failed = |action| {
            move |error| StateFileError::Io {
                action,
                path: path.to_owned(),
                error,
            }
        };
        let lock = lock(path)
            .map_err(failed("write"))?
            .ok_or_else(|| StateFileError::Busy {
                path: path.to_owned(),
            })?;
        file::remove_leftovers(path).map_err(failed("write"))?;
        let snapshot = match fs::read(path) {
            Ok(text) => Some(
                Snapshot::parse(&text).map_err(|error| StateFileError::Content {
                    path: path.to_owned(),
                    error,
                })?,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("read")(error)),
        };
        let state = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        Ok((state, snapshot))
    }

    /// Replaces the world by what the file had.
    pub(super) fn restore(&self, world: &World, snapshot: Snapshot) -> Result<(), StateFileError> {
        world
            .restore(snapshot)
            .map_err(|error| StateFileError::Content {
                path: self.path.clone(),
                error,
            })?;
        let tenants = world.tenants();
        let used = tenants.iter().flat_map(|it| it.read_drives(Drives::places));
        world.contents.trim(used.collect());
        Ok(())
    }

    /// Keeps the contents of files beside the state, which names places in there. `is_new`: there
    /// is no state, and what is there is none's.
    pub(super) fn keep_contents(&self, world: &World, is_new: bool) -> Result<(), StateFileError> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".contents");
        let path = self.path.with_file_name(name);
        let failed = |error| StateFileError::Io {
            action: "write",
            path: path.clone(),
            error,
        };
        if is_new {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        world.contents.keep_at(&path).map_err(failed)
    }

    /// Saves the world now, and from now on after each change, in the background.
    pub(super) fn keep(self, world: Arc<World>) -> Result<Saver, StateFileError> {
        let mut keeper = Keeper {
            path: self.path.clone(),
            world,
            pulse: 0,
            saved: String::new(),
            failed: None,
            _file: self,
        };
        keeper.save().map_err(|error| StateFileError::Io {
            action: "write",
            path: keeper.path.clone(),
            error,
        })?;
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(keep(keeper, stopped));
        Ok(Saver { stop, task })
    }
}

impl Saver {
    /// Saves a last time.
    pub(super) async fn finish(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

/// A world, and what of it is in the file.
struct Keeper {
    path: PathBuf,
    world: Arc<World>,
    pulse: u64,
    saved: String,
    /// The last message about a failure, so that it is logged once.
    failed: Option<String>,
    _file: StateFile,
}

impl Keeper {
    /// Saves what has changed. Changes since are found the next time: the pulse is older.
    fn save(&mut self) -> io::Result<()> {
        let pulse = self.world.pulse();
        if pulse == self.pulse && self.failed.is_none() && !self.saved.is_empty() {
            return Ok(());
        }
        let text = self.world.snapshot().to_text();
        if text != self.saved {
            // What the state names is on disk before it.
            self.world.contents.sync()?;
            file::write_durably(&self.path, text.as_bytes(), 0o600)?;
            self.saved = text;
        }
        self.pulse = pulse;
        Ok(())
    }

    /// Saves, and logs when that begins to fail and when it works again.
    fn save_and_log(&mut self) {
        let saved = self.save();
        let path = self.path.display();
        match saved {
            Ok(()) => {
                if self.failed.take().is_some() {
                    tracing::warn!(%path, "the state is saved again");
                }
            }
            Err(error) => {
                let message = error.to_string();
                if self.failed.as_ref() != Some(&message) {
                    tracing::error!(
                        %path,
                        %error,
                        "the state cannot be saved; the file stays as it was, and is tried again"
                    );
                    self.failed = Some(message);
                }
            }
        }
    }
}

async fn keep(mut keeper: Keeper, mut stopped: watch::Receiver<()>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        // The sender never sends: it is dropped.
        let is_last = time::timeout(pause, stopped.changed()).await.is_ok();
        let started = Clock::real().now();
        let saving = task::spawn_blocking(move || {
            keeper.save_and_log();
            keeper
        });
        let Ok(back) = saving.await else {
            tracing::error!("the state is not saved any more: the last attempt panicked");
            return;
        };
        keeper = back;
        if is_last {
            return;
        }
        // Large worlds are saved seldom, so that saving takes a tenth of the time at most.
        let took = Clock::real().now().duration_since(started).unsigned_abs();
        pause = SHORTEST_PAUSE.max(took * 10);
    }
}

/// The file that a path means: where it is a symbolic link, the file that this leads to, whether
/// it is there or not. So a link stays one, and two names of a file are one lock.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // No link, or not there.
            Err(_) => {
                let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                let name = path.file_name().unwrap_or_default();
                return Ok(match fs::canonicalize(folder) {
                    Ok(folder) => folder.join(name),
                    // The folder is made later.
                    Err(_) => path,
                });
            }
        }
    }
    Err(io::Error::other("the symbolic link leads round in circles"))
}

/// As many links are followed as the system follows.
const MOST_LINKS: usize = 40;

/// A lock on a file beside the state file (which is replaced at each save); `None` if another
/// process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = private(&mut options).open(name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// How often is looked for changes.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_to_a_state_file_means_the_file_and_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("state.json", at("link.json")).unwrap();
        symlink(at("link.json"), at("link-to-link.json")).unwrap();
        // The file need not be there yet.
        let (first, _) = StateFile::open(&at("link-to-link.json")).unwrap();
        assert_eq!(
            first.path,
            fs::canonicalize(folder.path()).unwrap().join("state.json")
        );
        for name in ["state.json", "link.json", "link-to-link.json"] {
            let busy = StateFile::open(&at(name));
            assert!(matches!(busy, Err(StateFileError::Busy { .. })), "{name}");
        }
        drop(first);
        symlink("round.json", at("round.json")).unwrap();
        assert!(StateFile::open(&at("round.json")).is_err());
    }
}
