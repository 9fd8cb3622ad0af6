//! Modes and owners of files, places in them, and the room that they take.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use rustix::process::geteuid;

/// Where a home folder has the data of programs.
/// Source: XDG Base Directory Specification, "Environment variables".
pub(crate) const DATA_FOLDER: &str = ".local/share";

/// Where systems keep their roots: Debian, Fedora, openSUSE, Alpine and macOS.
pub(crate) const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Lets a file that is made be its owner's alone (mode 0600).
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Gives a temporary file its mode, from which the user's mask takes.
pub fn permit<'a, 'b, 'c>(
    builder: &'c mut tempfile::Builder<'a, 'b>,
    mode: u32,
) -> &'c mut tempfile::Builder<'a, 'b> {
    builder.permissions(Permissions::from_mode(mode))
}

/// Makes a folder with all above it, for us alone.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Who may do what, where the system says it in a number.
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
pub(crate) fn mode(metadata: &Metadata) -> Option<u32> {
    Some(metadata.mode() & 0o7777)
}

/// Whose a file is, and who we are, as numbers.
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
pub(crate) fn owner(metadata: &Metadata) -> Option<(u32, u32)> {
    Some((metadata.uid(), geteuid().as_raw()))
}

/// What tells users of a machine apart.
pub(crate) fn user() -> String {
    geteuid().as_raw().to_string()
}

/// Returns when the names in a folder would be there after a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads as many bytes as there is room, from a place on.
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(bytes, offset)
}

/// Writes all bytes, from a place on.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Gives room on disk back, where the file system can.
#[cfg(target_os = "linux")]
pub(crate) fn give_back(file: &File, offset: u64, length: u64) {
    use rustix::fs::{FallocateFlags, fallocate};

    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    // A file system without holes keeps the room until the file is gone.
    let _ = fallocate(file, flags, offset, length);
}

/// Keeps the room until the file is gone.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_back(_: &File, _: u64, _: u64) {}
