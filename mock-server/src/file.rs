//! Files that other processes may read or write at the same time: written whole, or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Writes a file whole and replaces an older one; `mode` are its permissions.
pub(crate) fn write(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    prepare(path, contents, mode)?
        .persist(path)
        .map(drop)
        .map_err(|refused| refused.error)
}

/// Writes a file whole, if its contents differ.
pub(crate) fn write_if_changed(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    write(path, contents, mode)
}

/// Reads a file, or makes it: of two that make it at once, one wins and both read the winner's.
/// Mode 0600.
pub(crate) fn read_or_create(path: &Path, make: impl FnOnce() -> String) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    let file = prepare(path, make().as_bytes(), 0o600)?;
    // What is made once is to be there after a power cut, too.
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(refused) if refused.error.kind() != io::ErrorKind::AlreadyExists => Err(refused.error),
        _ => fs::read_to_string(path),
    }
}

/// A file with the contents beside the place where it is to stand.
fn prepare(path: &Path, contents: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = Builder::new()
        .prefix(".partial-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(contents)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
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
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
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
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"", 0o600).unwrap();
        assert!(write(&file.join("below"), b"", 0o600).is_err());
    }
}
