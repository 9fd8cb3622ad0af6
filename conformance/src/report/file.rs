//! Files that appear at their place whole, or not at all.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use entra_mock::platform::permit;
use tempfile::NamedTempFile;

/// A report that is not written yet.
pub(super) struct Pending {
    path: PathBuf,
    target: Target,
}

enum Target {
    /// Written beside its place, and put there once it is whole.
    Beside(NamedTempFile),
    /// A terminal, a pipe or another thing that cannot be replaced.
    Direct(File),
}

impl Pending {
    /// Finds out whether a report can be written there, before there is one.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        // A link stays a link: what it leads to is replaced.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let found = place.metadata();
        if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let direct = || OpenOptions::new().write(true).open(&place);
        if found.as_ref().is_ok_and(|it| !it.is_file()) {
            return Ok(Self::of(path, Target::Direct(direct()?)));
        }
        let folder = place.parent().filter(|it| !it.as_os_str().is_empty());
        let mut prefix = OsString::from(".");
        prefix.push(place.file_name().unwrap_or_default());
        let mut builder = tempfile::Builder::new();
        // As any new file: the user's mask takes from it.
        let made = permit(builder.prefix(&prefix).suffix(".part"), 0o666)
            .tempfile_in(folder.unwrap_or_else(|| Path::new(".")));
        match made {
            Ok(file) => Ok(Self::of(&place, Target::Beside(file))),
            // A file that may be changed in a folder that may not.
            Err(error) if found.is_ok() => {
                let file = direct().map_err(|_| error)?;
                Ok(Self::of(path, Target::Direct(file)))
            }
            Err(error) => Err(error),
        }
    }

    fn of(path: &Path, target: Target) -> Self {
        let path = path.to_owned();
        Self { path, target }
    }

    /// Writes the report and puts it to its place.
    pub(super) fn write(self, bytes: &[u8]) -> io::Result<()> {
        match self.target {
            Target::Beside(mut file) => {
                file.write_all(bytes)?;
                // Whole on the disk before it has the name.
                file.as_file().sync_all()?;
                file.persist(&self.path).map_err(|it| it.error).map(drop)
            }
            Target::Direct(mut file) => {
                if file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                file.write_all(bytes)?;
                file.flush()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_appears_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, "of an earlier run").unwrap();
        let pending = Pending::new(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"of an earlier run");
        pending.write(b"whole").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        // One that is never written leaves what was there.
        drop(Pending::new(&path).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = Pending::new(&folder.path().join("none/report.json")).err();
        assert_eq!(error.unwrap().kind(), io::ErrorKind::NotFound);
        assert!(Pending::new(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report"), folder.path().join("link"));
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        Pending::new(&link).unwrap().write(b"whole").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        let full = Pending::new(Path::new("/dev/full")).unwrap();
        let error = full.write(b"whole").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
