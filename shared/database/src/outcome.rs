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
