//! Files that other processes may read or write at the same time: written whole, or not at all.

use std::fs::{self, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::platform;

/// Why a file or a folder is not ours alone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum CustodyError {
    /// Somebody else put it there.
    #[error("it belongs to another user (id {owner}, and not {own})")]
    Foreign {
        /// Whose it is.
        owner: u32,
        /// Who we are.
        own: u32,
    },
    /// Others can read or write a file with a key.
    #[error("others can use it (mode {0:04o}), and it holds a private key")]
    Open(u32),
    /// Others can write to a folder.
    #[error("others can write to it (mode {0:04o}), and it is to hold private keys")]
    Writable(u32),
}

impl CustodyError {
    /// What to do.
    pub(crate) fn help(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Foreign { .. } => {
                "name another folder with --data-dir or ENTRA_MOCK_DATA_DIR".to_owned()
            }
            Self::Open(_) => format!(
                "if nobody else has read it, 'chmod 600 {path}'; else delete it to have a new one made"
            ),
            Self::Writable(_) => {
                format!("'chmod go-w {path}', or name another folder with --data-dir")
            }
        }
    }
}

/// Writes a file whole and replaces an older one; `mode` are its permissions.
pub(crate) fn write(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    prepare(path, contents, mode)?
        .persist(path)
        .map(drop)
        .map_err(|refused| refused.error)
}

/// Writes a file whole, and returns when it would be there after a power cut, too.
pub(crate) fn write_durably(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let file = prepare(path, contents, mode)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|refused| refused.error)?;
    platform::sync_folder(folder_of(path))
}

/// Removes what writers of the file left that were killed. Only for who is its only writer.
pub(crate) fn remove_leftovers(path: &Path) -> io::Result<()> {
    let prefix = partial_prefix(path);
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file whole, if its contents differ.
pub(crate) fn write_if_changed(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    write(path, contents, mode)
}

/// Reads a file with a secret, or makes it: of two that make it at once, one wins and both read the
/// winner's. Mode 0600.
///
/// # Errors
///
/// Beside those of the system, a [`CustodyError`] where the file is not ours alone.
pub(crate) fn read_or_create(path: &Path, make: impl FnOnce() -> String) -> io::Result<String> {
    match read_private(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    let file = prepare(path, make().as_bytes(), 0o600)?;
    // What is made once is to be there after a power cut, too.
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(refused) if refused.error.kind() != io::ErrorKind::AlreadyExists => Err(refused.error),
        _ => read_private(path),
    }
}

/// Reads a file that must be ours alone: what is read is what was checked.
fn read_private(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    check_owner(&metadata)?;
    match platform::mode(&metadata) {
        Some(mode) if mode & 0o077 != 0 => return Err(refused(CustodyError::Open(mode))),
        _ => {}
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a folder with all above it, for us alone.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    platform::make_private_folder(path)
}

/// Checks that nobody else has made a folder, or can put files into it.
pub(crate) fn check_folder(path: &Path) -> io::Result<()> {
    // Neither who made the link, where it is one, nor who made the folder may be somebody else.
    check_owner(&fs::symlink_metadata(path)?)?;
    let metadata = fs::metadata(path)?;
    check_owner(&metadata)?;
    let is_sticky = |mode| mode & 0o1000 != 0;
    match platform::mode(&metadata) {
        Some(mode) if mode & 0o002 != 0 && !is_sticky(mode) => {
            Err(refused(CustodyError::Writable(mode)))
        }
        _ => Ok(()),
    }
}

/// What is ours may be root's, too: root can do everything anyway.
fn check_owner(metadata: &Metadata) -> io::Result<()> {
    match platform::owner(metadata) {
        Some((owner, own)) if owner != own && owner != 0 => {
            Err(refused(CustodyError::Foreign { owner, own }))
        }
        _ => Ok(()),
    }
}

fn refused(error: CustodyError) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, error)
}

/// A file with the contents beside the place where it is to stand.
fn prepare(path: &Path, contents: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    create_folder(folder)?;
    let prefix = partial_prefix(path);
    let mut builder = Builder::new();
    let mut file = platform::permit(builder.prefix(&prefix), mode).tempfile_in(folder)?;
    file.write_all(contents)?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn partial_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    format!(".{}.partial-", name.to_string_lossy())
}

/// Whether a file has a mode, where there are modes.
#[cfg(test)]
pub(crate) fn is_of_mode(path: &Path, wanted: u32) -> bool {
    let found = platform::mode(&fs::metadata(path).unwrap());
    found.is_none_or(|mode| mode & 0o777 == wanted)
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::fs::Permissions;
    #[cfg(unix)]
    use std::os::unix::fs::PermissionsExt as _;
    use std::thread;

    use super::*;

    #[test]
    fn all_who_make_a_file_at_once_read_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/at-once");
        let made: Vec<String> = thread::scope(|scope| {
            let makers: Vec<_> = (0..16)
                .map(|it| {
                    scope.spawn({
                        let path = &path;
                        move || read_or_create(path, || format!("by {it}")).unwrap()
                    })
                })
                .collect();
            makers.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(made.iter().all(|it| *it == made[0]), "{made:?}");
        assert!(is_of_mode(&path, 0o600));
        // Nothing half-made is left.
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"a longer text", 0o644).unwrap();
        write(&path, b"short", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert!(is_of_mode(&path, 0o600));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_of_the_file_go_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        write_durably(&path, b"{}", 0o600).unwrap();
        for name in [".state.json.partial-1", ".other.partial-1"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(&path).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [".other.partial-1", "state.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_others_can_read_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/secret");
        assert_eq!(read_or_create(&path, || "ours".to_owned()).unwrap(), "ours");
        assert!(is_of_mode(path.parent().unwrap(), 0o700));
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = read_or_create(&path, String::new).unwrap_err();
            assert!(
                refused.to_string().contains(&format!("{mode:04o}")),
                "{refused}"
            );
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read_or_create(&path, String::new).unwrap(), "ours");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_write_to_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let set = |mode| fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        for mode in [0o700, 0o755, 0o775, 0o1777] {
            set(mode);
            check_folder(folder.path()).unwrap();
        }
        set(0o777);
        check_folder(folder.path()).unwrap_err();
        set(0o700);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"", 0o600).unwrap();
        assert!(write(&file.join("below"), b"", 0o600).is_err());
    }
}
