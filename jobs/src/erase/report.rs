//! What an erasure pass did, in one line.

use std::fmt;

use runtime::job::Outcome;

/// Counts of one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Users whose erasure is done now.
    pub done: u32,
    /// Users of whom something is left.
    pub open: u32,
    /// Audience chunks that were looked at.
    pub chunks: u64,
    /// Recipients that became tombstones in them.
    pub tombstones: u64,
    /// Pushes that were erased.
    pub pushes: u64,
    /// Whether the pass ended at its bound.
    pub(super) is_bounded: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            done,
            open,
            chunks,
            tombstones,
            pushes,
            is_bounded: _,
        } = self;
        write!(
            f,
            "{done} users erased, {open} still open; {tombstones} tombstones in {chunks} chunks, {pushes} pushes"
        )
    }
}

impl runtime::job::Report for Report {
    fn outcome(&self) -> Outcome {
        if self.is_bounded {
            Outcome::WorkLeft
        } else if self.done > 0 || self.chunks + self.pushes > 0 {
            Outcome::Worked
        } else {
            Outcome::Idle
        }
    }
}
