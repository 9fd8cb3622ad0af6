//! The compiled tables: see `build/model.rs`, which writes them.
//!
//! The head has two words for each section, its start and its number of records, and then the
//! start of the pool of texts. Records are words of four bytes, little-endian. A text is a word
//! with its place in the pool, where its length stands before it.

use std::cmp::Ordering;

static TABLES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/graph-model.bin"));

const SECTIONS: u32 = 7;

/// A kind of records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Section {
    Types = 0,
    Members = 1,
    Operations = 2,
    Enumerations = 3,
    Roots = 4,
    AlternateKeys = 5,
    Paths = 6,
}

/// A record of a section.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Record {
    section: Section,
    index: u32,
}

fn word(at: usize) -> u32 {
    match TABLES.get(at..at + 4) {
        Some(&[one, two, three, four]) => u32::from_le_bytes([one, two, three, four]),
        _ => u32::MAX,
    }
}

fn text(place: u32) -> &'static str {
    let pool = word(SECTIONS as usize * 8) as usize;
    let start = pool + place as usize;
    let length = word(start) as usize;
    TABLES
        .get(start + 4..start + 4 + length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or("")
}

impl Section {
    fn width(self) -> usize {
        match self {
            Self::Types => 10,
            Self::Members | Self::Roots | Self::Paths => 4,
            Self::Operations => 5,
            Self::Enumerations | Self::AlternateKeys => 3,
        }
    }

    fn count(self) -> u32 {
        word(self as usize * 8 + 4)
    }

    /// The record with a number.
    pub(super) fn get(self, index: u32) -> Option<Record> {
        (index < self.count()).then_some(Record {
            section: self,
            index,
        })
    }

    /// All records.
    pub(super) fn all(self) -> impl Iterator<Item = Record> {
        self.range(0, self.count())
    }

    /// Some records in a row.
    pub(super) fn range(self, start: u32, count: u32) -> impl Iterator<Item = Record> {
        (start..start.saturating_add(count)).map(move |index| Record {
            section: self,
            index,
        })
    }

    /// The record with a name, in any letter case.
    pub(super) fn search(self, name: &str) -> Option<Record> {
        self.search_in(0, self.count(), name)
    }

    /// The record with a name among some in a row.
    pub(super) fn search_in(self, start: u32, count: u32, name: &str) -> Option<Record> {
        self.bisect(start, count, |record| compare(record.text(0), name))
    }

    /// The record whose first two texts are these.
    pub(super) fn search_pair(self, first: &str, second: &str) -> Option<Record> {
        self.bisect(0, self.count(), |record| {
            record
                .text(0)
                .cmp(first)
                .then_with(|| record.text(1).cmp(second))
        })
    }

    /// The first record whose text is not before another one.
    pub(super) fn first_from(self, text: &str) -> Option<Record> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let index = low + (high - low) / 2;
            let record = Record {
                section: self,
                index,
            };
            if record.text(0) < text {
                low = index + 1;
            } else {
                high = index;
            }
        }
        self.get(low)
    }

    fn bisect(self, start: u32, count: u32, order: impl Fn(Record) -> Ordering) -> Option<Record> {
        let (mut low, mut high) = (start, start.saturating_add(count));
        while low < high {
            let index = low + (high - low) / 2;
            let record = Record {
                section: self,
                index,
            };
            match order(record) {
                Ordering::Less => low = index + 1,
                Ordering::Equal => return Some(record),
                Ordering::Greater => high = index,
            }
        }
        None
    }
}

/// The order of names in lower case, as the tables are sorted.
fn compare(left: &str, right: &str) -> Ordering {
    left.bytes()
        .map(|it| it.to_ascii_lowercase())
        .cmp(right.bytes().map(|it| it.to_ascii_lowercase()))
}

impl Record {
    /// Its number in the section.
    pub(super) fn index(self) -> u32 {
        self.index
    }

    /// One of its words.
    pub(super) fn word(self, column: u32) -> u32 {
        let start = word(self.section as usize * 8) as usize;
        word(start + (self.index as usize * self.section.width() + column as usize) * 4)
    }

    /// One of its texts.
    pub(super) fn text(self, column: u32) -> &'static str {
        text(self.word(column))
    }
}
