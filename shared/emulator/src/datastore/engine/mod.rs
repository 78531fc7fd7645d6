//! Where the present state of every entity and index entry is kept.
//!
//! An engine is a handful of ordered maps of byte strings. It knows nothing of transactions,
//! queries or the wire: [`Store`](super::store::Store) has all rules, once for both engines.

pub(crate) mod file;
pub(crate) mod memory;

use std::ops::Bound;
use std::sync::Arc;

use super::catalog::{IndexId, TableId};
use super::error::Error;
use super::indexing::Entry;
use super::key::Key;

pub(crate) use file::File;
pub(crate) use memory::Memory;

/// A stored entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Microseconds since 1970 at which it was created.
    pub(crate) created: i64,
    /// The commit that wrote it last, which is also its microseconds since 1970.
    pub(crate) version: i64,
    /// Its encoded [`Properties`](super::messages::Properties).
    pub(crate) properties: Arc<[u8]>,
}

/// What can be scanned in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The paths of a table.
    Table(TableId),
    /// The entries of an index.
    Index(IndexId),
}

/// A part of a source.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) low: Bound<Vec<u8>>,
    pub(crate) high: Bound<Vec<u8>>,
}

/// The sense in which a span is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    /// From its low end.
    Forward,
    /// From its high end.
    Backward,
}

/// The engine of a server.
#[derive(Debug)]
pub(crate) enum Engine {
    /// Ordered maps in the process.
    Memory(Memory),
    /// One file.
    File(File),
}

impl Engine {
    /// The entities at the keys, in their order.
    pub(crate) fn find_all(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.find_all(keys)),
            Self::File(file) => file.find_all(keys),
        }
    }

    /// At most `limit` byte strings of a span, in that sense.
    pub(crate) fn scan(
        &self,
        source: Source,
        span: &Span,
        sense: Sense,
        limit: usize,
    ) -> Result<Vec<Arc<[u8]>>, Error> {
        match self {
            Self::Memory(memory) => Ok(memory.scan(source, span, sense, limit)),
            Self::File(file) => file.scan(source, span, sense, limit),
        }
    }
}

/// A change to one entity and its index entries.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) key: Key,
    /// `None`: the entity is deleted.
    pub(crate) after: Option<Record>,
    /// Whether there was an entity before.
    pub(crate) replaces: bool,
    pub(crate) entries_removed: Vec<Entry>,
    pub(crate) entries_added: Vec<Entry>,
}

/// The present state, open for one commit: nobody else writes meanwhile.
pub(crate) trait Writing {
    /// The entity at a key, if there is one.
    fn find(&mut self, key: &Key) -> Result<Option<Record>, Error>;

    /// Makes a change whose `replaces` and entries agree with what [`Writing::find`] said.
    fn apply(&mut self, change: Change) -> Result<(), Error>;
}

impl Span {
    /// All that there is.
    pub(crate) const EVERYTHING: Self = Self {
        low: Bound::Unbounded,
        high: Bound::Unbounded,
    };

    /// Everything that begins with `prefix`.
    pub(crate) fn of_prefix(prefix: &[u8]) -> Self {
        if prefix.is_empty() {
            return Self::EVERYTHING;
        }
        Self {
            low: Bound::Included(prefix.to_vec()),
            high: super::encoding::bytes::after_prefix(prefix).map_or(Bound::Unbounded, Bound::Excluded),
        }
    }

    /// Nothing but `bytes`.
    pub(crate) fn only(bytes: Vec<u8>) -> Self {
        Self {
            low: Bound::Included(bytes.clone()),
            high: Bound::Included(bytes),
        }
    }

    /// The bounds, borrowed.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (
            self.low.as_ref().map(Vec::as_slice),
            self.high.as_ref().map(Vec::as_slice),
        )
    }

    /// Whether it holds `bytes`.
    pub(crate) fn contains(&self, bytes: &[u8]) -> bool {
        let above = match &self.low {
            Bound::Included(low) => bytes >= low.as_slice(),
            Bound::Excluded(low) => bytes > low.as_slice(),
            Bound::Unbounded => true,
        };
        above
            && match &self.high {
                Bound::Included(high) => bytes <= high.as_slice(),
                Bound::Excluded(high) => bytes < high.as_slice(),
                Bound::Unbounded => true,
            }
    }

    /// Whether nothing can be in it.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.low, &self.high) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(low), Bound::Included(high)) => low > high,
            (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => {
                low >= high
            }
        }
    }

    /// Moves the low end up to `low`, if it is further down.
    pub(crate) fn raise(&mut self, low: Bound<Vec<u8>>) {
        let higher = match (&self.low, &low) {
            (_, Bound::Unbounded) => false,
            (Bound::Unbounded, _) => true,
            (Bound::Excluded(old), Bound::Included(new)) => new > old,
            (Bound::Included(old), Bound::Excluded(new)) => new >= old,
            (Bound::Included(old), Bound::Included(new)) | (Bound::Excluded(old), Bound::Excluded(new)) => {
                new > old
            }
        };
        if higher {
            self.low = low;
        }
    }

    /// Moves the high end down to `high`, if it is further up.
    pub(crate) fn lower(&mut self, high: Bound<Vec<u8>>) {
        let deeper = match (&self.high, &high) {
            (_, Bound::Unbounded) => false,
            (Bound::Unbounded, _) => true,
            (Bound::Excluded(old), Bound::Included(new)) => new < old,
            (Bound::Included(old), Bound::Excluded(new)) => new <= old,
            (Bound::Included(old), Bound::Included(new)) | (Bound::Excluded(old), Bound::Excluded(new)) => {
                new < old
            }
        };
        if deeper {
            self.high = high;
        }
    }
}
