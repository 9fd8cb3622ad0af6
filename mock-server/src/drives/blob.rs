//! Contents of files: short ones in memory, the rest in one file on disk.
//!
//! The file has no name where there is no state file, so that nothing is left behind; beside a
//! state file it is kept, and the state names places in it. What is dropped gives its room on disk
//! back at once, or, beside a state file, at the next start: the state that is on disk may still
//! name it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quick_xor::QuickXor;
use crate::platform;

/// Where contents lie that are not in memory.
#[derive(Debug, Default)]
pub(crate) struct Store {
    file: OnceLock<File>,
    /// Where the file is kept, if it is.
    path: OnceLock<PathBuf>,
    /// Where the next content goes.
    end: AtomicU64,
    /// The bytes that are in use in the file.
    spilled: AtomicU64,
    /// The bytes that are in memory.
    held: AtomicU64,
    /// Whether the file outlives the program.
    is_kept: AtomicBool,
}

/// A piece of a content.
#[derive(Clone, Debug)]
enum Piece {
    Memory(Arc<Held>),
    Spilled(Arc<Extent>),
}

/// Bytes in memory, counted.
#[derive(Debug)]
struct Held {
    bytes: Bytes,
    store: Arc<Store>,
}

/// A place in the file.
#[derive(Debug)]
struct Extent {
    offset: u64,
    length: u64,
    store: Arc<Store>,
}

/// The content of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blob {
    /// Pieces with where they begin.
    pieces: Vec<(u64, Piece)>,
    hash: QuickXor,
    /// What a state file told, until [`Blob::revive`].
    told: Vec<Told>,
}

/// A content that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Arc<Store>,
    blob: Blob,
    buffer: BytesMut,
    most: u64,
}

/// Why a content is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    /// It is larger than it may be.
    #[error("the content is larger than {0} bytes")]
    TooLarge(u64),
    /// All contents together are more than the mock keeps.
    #[error("all contents together are larger than {} GiB, which is the most that the mock keeps", MOST_SPILLED >> 30)]
    Full,
    /// The file can't be read or written.
    #[error("cannot keep the content on disk: {0}")]
    Io(#[from] io::Error),
}

impl Store {
    /// Keeps the file at a path, with what it has. It is made when it is needed.
    pub(crate) fn keep_at(&self, path: &Path) -> io::Result<()> {
        // Set once, before anything is kept.
        let _ = self.path.set(path.to_owned());
        self.is_kept.store(true, Ordering::Relaxed);
        if path.try_exists()? {
            let length = self.file()?.metadata()?.len();
            self.end.store(length, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Gives back the room on disk that no content names. Done at the start: what is dropped later
    /// may still be named by the state on disk.
    pub(crate) fn trim(&self, mut used: Vec<(u64, u64)>) {
        let Some(file) = self.file.get() else {
            return;
        };
        used.sort_unstable();
        let mut at = 0;
        for (offset, length) in used
            .into_iter()
            .chain([(self.end.load(Ordering::Relaxed), 0)])
        {
            if offset > at {
                platform::give_back(file, at, offset - at);
            }
            at = at.max(offset.saturating_add(length));
        }
    }

    /// Makes sure that what was written survives a crash.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.get().map_or(Ok(()), File::sync_data)
    }

    fn file(&self) -> io::Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = match self.path.get() {
            None => tempfile::tempfile()?,
            Some(path) => {
                let mut options = OpenOptions::new();
                options.read(true).write(true).create(true).truncate(false);
                platform::private(&mut options).open(path)?
            }
        };
        Ok(self.file.get_or_init(|| file))
    }

    fn spill(self: &Arc<Self>, bytes: &[u8]) -> Result<Extent, BlobError> {
        let length = bytes.len() as u64;
        let used = self.spilled.fetch_add(length, Ordering::Relaxed) + length;
        // Dropped with what it counts, whatever comes out.
        let extent = Extent {
            offset: self.end.fetch_add(length, Ordering::Relaxed),
            length,
            store: Arc::clone(self),
        };
        if used > MOST_SPILLED {
            return Err(BlobError::Full);
        }
        platform::write_all_at(self.file()?, bytes, extent.offset)?;
        Ok(extent)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let length = self.bytes.len() as u64;
        self.store.held.fetch_sub(length, Ordering::Relaxed);
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        self.store.spilled.fetch_sub(self.length, Ordering::Relaxed);
        if self.store.is_kept.load(Ordering::Relaxed) {
            return;
        }
        if let Some(file) = self.store.file.get() {
            platform::give_back(file, self.offset, self.length);
        }
    }
}

impl Blob {
    /// A content that is there as a whole.
    pub(crate) fn of(store: &Arc<Store>, bytes: &[u8]) -> Result<Self, BlobError> {
        let mut writer = Writer::new(store, u64::MAX);
        writer.write(bytes)?;
        writer.finish()
    }

    /// How long it is.
    pub(crate) fn length(&self) -> u64 {
        self.hash.length()
    }

    /// Its `quickXorHash`.
    pub(crate) fn hash(&self) -> [u8; 20] {
        self.hash.finish()
    }

    /// At most so many bytes from a place on; fewer where a piece ends.
    pub(crate) fn read(&self, from: u64, most: usize) -> io::Result<Bytes> {
        self.read_into(BytesMut::new(), from, most)
    }

    /// The same into a room that may have served before: what is in it is written over.
    pub(crate) fn read_into(
        &self,
        mut room: BytesMut,
        from: u64,
        most: usize,
    ) -> io::Result<Bytes> {
        let at = self.pieces.partition_point(|(start, _)| *start <= from);
        let Some((start, piece)) = at.checked_sub(1).and_then(|at| self.pieces.get(at)) else {
            return Ok(Bytes::new());
        };
        let inside = from - start;
        match piece {
            Piece::Memory(held) => {
                let from = usize::try_from(inside).unwrap_or(usize::MAX);
                let from = from.min(held.bytes.len());
                let to = from.saturating_add(most).min(held.bytes.len());
                Ok(held.bytes.slice(from..to))
            }
            Piece::Spilled(extent) => {
                let left = extent.length.saturating_sub(inside);
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(most);
                room.resize(length, 0);
                let file = extent.store.file()?;
                platform::read_exact_at(file, &mut room, extent.offset + inside)?;
                Ok(room.freeze())
            }
        }
    }

    /// All of it, where it is not longer than a limit.
    pub(crate) fn whole(&self, most: usize) -> Option<Bytes> {
        let length = usize::try_from(self.length())
            .ok()
            .filter(|it| *it <= most)?;
        let bytes = self.beginning(length).ok()?;
        (bytes.len() == length).then_some(bytes)
    }

    /// Its first bytes, so many at most, over as many pieces as it takes.
    pub(crate) fn beginning(&self, most: usize) -> io::Result<Bytes> {
        let mut bytes = BytesMut::new();
        while bytes.len() < most {
            let more = self.read(bytes.len() as u64, most - bytes.len())?;
            if more.is_empty() {
                break;
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes.freeze())
    }

    /// Adds what comes next.
    pub(crate) fn append(&mut self, next: &Self) {
        let start = self.length();
        let pieces = next.pieces.iter();
        self.pieces
            .extend(pieces.map(|(at, piece)| (start + at, piece.clone())));
        self.hash.append(&next.hash);
    }

    /// The places on disk that it takes.
    pub(super) fn places(&self) -> impl Iterator<Item = (u64, u64)> {
        self.pieces.iter().filter_map(|(_, piece)| match piece {
            Piece::Memory(_) => None,
            Piece::Spilled(extent) => Some((extent.offset, extent.length)),
        })
    }

    /// Finds what a state file told.
    pub(super) fn revive(&mut self, store: &Arc<Store>) {
        let mut start = 0;
        for told in std::mem::take(&mut self.told) {
            let (length, piece) = match told {
                Told::Here(bytes) => {
                    store.held.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    let held = Held {
                        bytes: bytes.into(),
                        store: Arc::clone(store),
                    };
                    (held.bytes.len() as u64, Piece::Memory(Arc::new(held)))
                }
                Told::There(offset, length) => {
                    store.spilled.fetch_add(length, Ordering::Relaxed);
                    let extent = Extent {
                        offset,
                        length,
                        store: Arc::clone(store),
                    };
                    (length, Piece::Spilled(Arc::new(extent)))
                }
            };
            self.pieces.push((start, piece));
            start += length;
        }
    }

    fn push(&mut self, piece: Piece, bytes: &[u8]) {
        self.pieces.push((self.length(), piece));
        self.hash.update(bytes);
    }
}

impl Writer {
    /// Begins a content of at most so many bytes.
    pub(crate) fn new(store: &Arc<Store>, most: u64) -> Self {
        Self {
            store: Arc::clone(store),
            blob: Blob::default(),
            buffer: BytesMut::new(),
            most,
        }
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let length = self.blob.length() + (self.buffer.len() + bytes.len()) as u64;
        if length > self.most {
            return Err(BlobError::TooLarge(self.most));
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= SPILLED_AT {
            self.spill()?;
        }
        Ok(())
    }

    /// The content.
    pub(crate) fn finish(mut self) -> Result<Blob, BlobError> {
        let length = self.buffer.len() as u64;
        if length == 0 {
            return Ok(self.blob);
        }
        let held = self.store.held.fetch_add(length, Ordering::Relaxed) + length;
        let piece = Held {
            bytes: self.buffer.split().freeze(),
            store: Arc::clone(&self.store),
        };
        let short = self.blob.pieces.is_empty() && piece.bytes.len() <= LONGEST_HELD;
        let bytes = piece.bytes.clone();
        if short && held <= MOST_HELD {
            // Without the room that the buffer grew by.
            let piece = Held {
                bytes: Bytes::copy_from_slice(&bytes),
                store: Arc::clone(&self.store),
            };
            self.store.held.fetch_add(length, Ordering::Relaxed);
            self.blob.push(Piece::Memory(Arc::new(piece)), &bytes);
        } else {
            let extent = self.store.spill(&bytes)?;
            self.blob.push(Piece::Spilled(Arc::new(extent)), &bytes);
        }
        Ok(self.blob)
    }

    fn spill(&mut self) -> Result<(), BlobError> {
        let extent = self.store.spill(&self.buffer)?;
        let bytes = self.buffer.split();
        self.blob.push(Piece::Spilled(Arc::new(extent)), &bytes);
        // The same room again.
        drop(bytes);
        self.buffer.reserve(SPILLED_AT);
        Ok(())
    }
}

/// A piece as state files tell it.
#[derive(Clone, Debug, Deserialize, Serialize)]
enum Told {
    Here(#[serde(with = "crate::base64_bytes")] Vec<u8>),
    There(u64, u64),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    pieces: Vec<Told>,
    #[serde(with = "crate::base64_bytes")]
    gathered: Vec<u8>,
    length: u64,
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (gathered, length) = self.hash.parts();
        let pieces = self.pieces.iter().map(|(_, piece)| match piece {
            Piece::Memory(held) => Told::Here(held.bytes.to_vec()),
            Piece::Spilled(extent) => Told::There(extent.offset, extent.length),
        });
        let stored = Stored {
            pieces: pieces.collect(),
            gathered: gathered.to_vec(),
            length,
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let total = stored.pieces.iter().try_fold(0_u64, |sum, it| {
            sum.checked_add(match it {
                Told::Here(bytes) => bytes.len() as u64,
                Told::There(_, length) => *length,
            })
        });
        let hash = QuickXor::from_parts(&stored.gathered, stored.length)
            .filter(|_| total == Some(stored.length))
            .ok_or_else(|| serde::de::Error::custom("a content has pieces of another length"))?;
        Ok(Self {
            pieces: Vec::new(),
            hash,
            told: stored.pieces,
        })
    }
}

/// What is longer goes to disk.
const LONGEST_HELD: usize = 64 << 10;

/// The most of all contents that are in memory.
const MOST_HELD: u64 = 16 << 20;

/// The pieces in which long contents go to disk.
const SPILLED_AT: usize = 1 << 20;

/// The most of all contents that are on disk.
const MOST_SPILLED: u64 = 16 << 30;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(blob: &Blob, from: u64) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let more = blob.read(from + out.len() as u64, 1000).unwrap();
            if more.is_empty() {
                return out;
            }
            out.extend_from_slice(&more);
        }
    }

    #[test]
    fn what_is_long_goes_to_disk_and_gives_its_room_back() {
        let store = Arc::new(Store::default());
        let bytes: Vec<u8> = (0..3 << 20).map(|it: u32| it.to_le_bytes()[0]).collect();
        let blob = Blob::of(&store, &bytes).unwrap();
        assert_eq!(store.spilled.load(Ordering::Relaxed), bytes.len() as u64);
        assert_eq!(read(&blob, 0), bytes);
        assert_eq!(read(&blob, 2_000_000), bytes[2_000_000..]);
        assert_eq!(read(&blob, u64::MAX / 2), b"");
        drop(blob);
        assert_eq!(store.spilled.load(Ordering::Relaxed), 0);
        let short = Blob::of(&store, b"abc").unwrap();
        assert_eq!(store.held.load(Ordering::Relaxed), 3);
        drop(short);
        assert_eq!(store.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_content_is_bounded() {
        let store = Arc::new(Store::default());
        let mut writer = Writer::new(&store, 4);
        writer.write(b"abc").unwrap();
        let refused = writer.write(b"de").unwrap_err();
        assert!(matches!(refused, BlobError::TooLarge(4)), "{refused}");
    }

    #[test]
    fn a_state_file_names_places_in_the_file_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.contents");
        let bytes = vec![7; 100_000];
        let text = {
            let store = Arc::new(Store::default());
            store.keep_at(&path).unwrap();
            serde_json::to_string(&Blob::of(&store, &bytes).unwrap()).unwrap()
        };
        assert!(text.len() < 1000, "{text}");
        let store = Arc::new(Store::default());
        store.keep_at(&path).unwrap();
        let mut blob: Blob = serde_json::from_str(&text).unwrap();
        blob.revive(&store);
        store.trim(blob.places().collect());
        assert_eq!(read(&blob, 0), bytes);
        let later = Blob::of(&store, &bytes).unwrap();
        store.trim(later.places().collect());
        assert_eq!(read(&blob, 0), vec![0; bytes.len()]);
        assert_eq!(read(&later, 0), bytes);
        let broken = text.replace("100000", "99999");
        serde_json::from_str::<Blob>(&broken.replacen("99999", "100000", 1)).unwrap_err();
    }

    proptest! {
        #[test]
        fn appended_contents_are_read_as_one(one: Vec<u8>, two: Vec<u8>, from in 0_usize..200) {
            let store = Arc::new(Store::default());
            let mut blob = Blob::of(&store, &one).unwrap();
            blob.append(&Blob::of(&store, &two).unwrap());
            let whole = [one, two].concat();
            let from = from.min(whole.len());
            prop_assert_eq!(read(&blob, from as u64), &whole[from..]);
            let mut hash = QuickXor::default();
            hash.update(&whole);
            prop_assert_eq!(blob.hash(), hash.finish());
        }
    }
}
