//! What a write did. A caller that must not confuse the two gets a name for each.

/// What became of an insert that may be a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Insertion {
    /// The row is new.
    New,
    /// It was there before and is as it was.
    Existing,
}

/// What became of a change that holds only under a condition: a version, a token, a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It was made.
    Applied,
    /// The condition did not hold; nothing was changed.
    Stale,
}

impl Change {
    /// Of an UPDATE by a unique key with conditions: it matched its row or not.
    pub(crate) fn matched(rows: u64) -> Self {
        if rows == 0 { Self::Stale } else { Self::Applied }
    }
}

impl Insertion {
    /// Of a plain INSERT of one row: a unique violation says that it is there.
    pub(crate) fn of(inserted: Result<u64, crate::Error>) -> Result<Self, crate::Error> {
        match inserted {
            Ok(_) => Ok(Self::New),
            Err(crate::Error::UniqueViolation(_)) => Ok(Self::Existing),
            Err(other) => Err(other),
        }
    }
}
