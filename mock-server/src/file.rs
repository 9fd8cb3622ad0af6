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

/// Writes a file whole, and returns when it would be there after a power cut, too.
pub(crate) fn write_durably(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let file = prepare(path, contents, mode)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|refused| refused.error)?;
    fs::File::open(folder_of(path))?.sync_all()
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
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let mut file = Builder::new()
        .prefix(&partial_prefix(path))
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
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

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"", 0o600).unwrap();
        assert!(write(&file.join("below"), b"", 0o600).is_err());
    }
}
