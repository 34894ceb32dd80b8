//! The bytes that have arrived and were not taken, side by side, and a search in them.
//!
//! Taking bytes from the front does not move the rest. The rest is moved to the
//! front only when room is needed, and when it is shorter than what was taken. A
//! [`Search`] remembers how far it has looked, so a message that arrives in many
//! pieces is searched only once.

use std::ops::Range;

use memchr::{memchr, memmem};

/// An empty buffer keeps no more memory than this, in bytes.
const KEPT: usize = 128 * 1024;

/// A queue of bytes that lie side by side.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    bytes: Vec<u8>,
    /// The number of bytes in front that were taken.
    start: usize,
}

impl ReadBuffer {
    /// An empty buffer; does not allocate.
    pub const fn new() -> ReadBuffer {
        ReadBuffer {
            bytes: Vec::new(),
            start: 0,
        }
    }

    /// Returns the number of bytes.
    #[inline]
    pub const fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Appends bytes.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        let has_room = self.bytes.capacity() - self.bytes.len() >= bytes.len();
        if !has_room && self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes `count` bytes away from the front, at most all.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        if count < self.len() {
            self.start += count;
        } else {
            self.clear();
        }
    }

    /// Takes all bytes away.
    #[inline]
    pub fn clear(&mut self) {
        self.start = 0;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
    }
}

/// A separator to search for.
#[derive(Debug)]
enum Pattern {
    Byte(u8),
    Several(Box<memmem::Finder<'static>>),
}

impl Pattern {
    fn len(&self) -> usize {
        match self {
            Pattern::Byte(_) => 1,
            Pattern::Several(finder) => finder.needle().len(),
        }
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Pattern::Byte(byte) => memchr(*byte, bytes),
            Pattern::Several(finder) => finder.find(bytes),
        }
    }
}

/// A search for the first end of one of several separators, which goes on where
/// it stopped when more has arrived.
#[derive(Debug)]
pub struct Search {
    first: Pattern,
    others: Vec<Pattern>,
    shortest: usize,
    longest: usize,
    /// No separator begins before this.
    offset: usize,
}

impl Search {
    /// For one byte; does not allocate.
    pub const fn byte(byte: u8) -> Search {
        Search {
            first: Pattern::Byte(byte),
            others: Vec::new(),
            shortest: 1,
            longest: 1,
            offset: 0,
        }
    }

    /// For several separators; `None` if there are none, or an empty one.
    pub fn new<'a>(separators: impl IntoIterator<Item = &'a [u8]>) -> Option<Search> {
        let mut patterns = separators
            .into_iter()
            .map(|separator| match separator {
                [] => None,
                [byte] => Some(Pattern::Byte(*byte)),
                several => Some(Pattern::Several(Box::new(
                    memmem::Finder::new(several).into_owned(),
                ))),
            })
            .collect::<Option<Vec<_>>>()?;
        // Of two that end at the same place the shorter one counts.
        patterns.sort_by_key(Pattern::len);
        let shortest = patterns.first()?.len();
        let longest = patterns.last()?.len();
        let first = patterns.remove(0);
        Some(Search {
            first,
            others: patterns,
            shortest,
            longest,
            offset: 0,
        })
    }

    /// Returns the number of bytes that are known to belong to no separator.
    #[inline]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Finds the separator that ends first. `bytes` are those of the last call,
    /// with those that were appended since.
    #[inline]
    pub fn find(&mut self, bytes: &[u8]) -> Option<Range<usize>> {
        if bytes.len() < self.offset + self.shortest {
            return None;
        }
        let mut found = self.find_first(bytes);
        for pattern in &self.others {
            // One that is longer has to end earlier.
            let end = found
                .as_ref()
                .map_or(bytes.len(), |found: &Range<usize>| found.end - 1);
            if let Some(rest) = bytes.get(self.offset..end)
                && let Some(place) = pattern.find(rest)
            {
                let start = self.offset + place;
                found = Some(start..start + pattern.len());
            }
        }
        if found.is_none() {
            self.offset = (bytes.len() + 1).saturating_sub(self.longest);
        }
        found
    }

    #[inline]
    fn find_first(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let start = self.offset + self.first.find(&bytes[self.offset..])?;
        Some(start..start + self.first.len())
    }
}
