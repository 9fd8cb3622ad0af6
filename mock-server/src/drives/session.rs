//! What takes more than one request: uploads in fragments, and copies.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::blob::Blob;
use super::drive::Conflict;
use super::item::{Identity, Item};

/// An upload that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The drive.
    pub(crate) drive: String,
    /// The folder.
    pub(crate) folder: Uuid,
    /// The name that the file gets.
    pub(crate) name: String,
    /// The id that a new file gets.
    pub(crate) item: Uuid,
    /// What to do with a file of the same name.
    pub(crate) conflict: Conflict,
    /// What the client says about the times and in words.
    pub(crate) said: Said,
    /// Who uploads.
    pub(crate) by: Identity,
    /// What has come.
    pub(crate) content: Blob,
    /// The length of the whole, once it is known.
    pub(crate) total: Option<u64>,
    /// Whether the file comes to be only when the client says so.
    pub(crate) deferred: bool,
    /// A fragment is being written.
    pub(crate) is_busy: bool,
    /// When it ends.
    pub(crate) expires: Timestamp,
}

/// What a client says about a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// `fileSystemInfo.createdDateTime`.
    pub(crate) created: Option<Timestamp>,
    /// `fileSystemInfo.lastModifiedDateTime`.
    pub(crate) modified: Option<Timestamp>,
    /// `description`.
    pub(crate) description: Option<String>,
}

/// A fragment: the bytes from `first` to `last` of `total`, if that is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fragment {
    /// The first byte.
    pub(crate) first: u64,
    /// The last byte.
    pub(crate) last: u64,
    /// The length of the whole; none where the client does not know it yet.
    pub(crate) total: Option<u64>,
}

impl Said {
    /// Whether it says anything.
    pub(crate) fn is_some(&self) -> bool {
        self.created.is_some() || self.modified.is_some() || self.description.is_some()
    }

    /// Writes it into an item.
    pub(crate) fn tell(&self, item: &mut Item) {
        if let Some(created) = self.created {
            item.file_created = created;
        }
        if let Some(modified) = self.modified {
            item.modified = modified;
        }
        if self.description.is_some() {
            item.description.clone_from(&self.description);
        }
    }
}

impl Fragment {
    /// Reads `Content-Range: bytes 0-9/100`, or `bytes 0-9/*`.
    /// Source: acsone/msgraphfs (`*`, with `deferCommit`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("bytes")?.trim_start();
        let (range, total) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            let text = text.trim();
            let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten()
        };
        let found = Self {
            first: number(first)?,
            last: number(last)?,
            total: match total.trim() {
                "*" => None,
                total => Some(number(total)?),
            },
        };
        let fits = found.total.is_none_or(|total| found.last < total);
        (found.first <= found.last && found.last < u64::MAX && fits).then_some(found)
    }

    /// How long it is.
    pub(crate) fn length(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// A copy, for who asks how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// When it began.
    pub(crate) started: Timestamp,
    /// The id of the new item, or why there is none.
    pub(crate) outcome: Result<String, String>,
}

/// How long a session lives without a fragment.
/// Source: recordings of NangoHQ/integration-templates (15 minutes).
pub(crate) const LIFE: SignedDuration = SignedDuration::from_mins(15);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_make_no_sense_are_none() {
        let good = Fragment {
            first: 0,
            last: 9,
            total: Some(100),
        };
        assert_eq!(Fragment::parse("bytes 0-9/100"), Some(good));
        assert_eq!(good.length(), 10);
        let open = Fragment {
            total: None,
            ..good
        };
        assert_eq!(Fragment::parse("bytes 0-9/*"), Some(open));
        for wrong in [
            "",
            "bytes",
            "bytes 0-9",
            "bytes 9-0/100",
            "bytes 0-100/100",
            "bytes */100",
            "bytes 0-9/**",
            "bytes 0-18446744073709551615/*",
            "bytes -9/100",
            "bytes +0-9/100",
            "items 0-9/100",
            "bytes 0-99999999999999999999/999999999999999999999",
        ] {
            assert_eq!(Fragment::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_range_is_read_or_refused(text in "bytes [0-9]{0,22}-[0-9]{0,22}/[0-9]{0,22}", other: String) {
            Fragment::parse(&other);
            if let Some(found) = Fragment::parse(&text) {
                prop_assert!(found.total.is_some_and(|it| found.length() <= it));
            }
        }
    }
}
