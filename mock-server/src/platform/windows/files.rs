//! Files have access lists in place of modes. What is made in a user's profile, where the data
//! folder and the temporary files are, inherits that nobody but the user and administrators can
//! read it; lists are neither set nor read here.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt as _;
use std::path::Path;

/// Where a user's profile has the data of programs.
/// Source: Microsoft Learn, "KNOWNFOLDERID", FOLDERID_LocalAppData.
pub(crate) const DATA_FOLDER: &str = r"AppData\Local";

/// Windows keeps its roots in no file.
pub(crate) const SYSTEM_BUNDLES: &[&str] = &[];

/// Leaves a file that is made the access list of its folder.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Leaves a temporary file the access list of its folder.
pub fn permit<'a, 'b, 'c>(
    builder: &'c mut tempfile::Builder<'a, 'b>,
    _mode: u32,
) -> &'c mut tempfile::Builder<'a, 'b> {
    builder
}

/// Makes a folder with all above it.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// There are no modes.
pub(crate) fn mode(_: &Metadata) -> Option<u32> {
    None
}

/// Owners have no numbers.
pub(crate) fn owner(_: &Metadata) -> Option<(u32, u32)> {
    None
}

/// What tells users of a machine apart.
#[expect(
    clippy::disallowed_methods,
    reason = "the name of the user is in the environment"
)]
pub(crate) fn user() -> String {
    std::env::var("USERNAME").unwrap_or_default()
}

/// A folder cannot be written out: NTFS keeps a log of its names.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads as many bytes as there is room, from a place on.
pub(crate) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_read(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all bytes, from a place on.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Keeps the room until the file is gone.
pub(crate) fn give_back(_: &File, _: u64, _: u64) {}
