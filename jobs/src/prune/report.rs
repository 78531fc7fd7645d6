//! What a prune pass did, in one line.

use std::fmt;

use runtime::job::Outcome;

/// Counts of one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Campaigns of which nothing is left to be pruned.
    pub campaigns: u32,
    /// Chunks that were deleted.
    pub chunks: u64,
    /// Pushes that were deleted with them.
    pub pushes: u64,
    /// Audiences of which leftovers were cleared away.
    pub audiences: u32,
    /// Reports that were let go of.
    pub reports: u32,
    /// Idempotency keys that were forgotten.
    pub keys: u64,
    /// Addresses that had ended by themselves.
    pub devices: u64,
    /// Whether the pass ended at its bound.
    pub(super) is_bounded: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            campaigns,
            chunks,
            pushes,
            audiences,
            reports,
            keys,
            devices,
            is_bounded: _,
        } = self;
        write!(
            f,
            "{campaigns} campaigns pruned ({chunks} chunks, {pushes} pushes), {audiences} audiences cleared, \
             {reports} reports deleted, {keys} idempotency keys forgotten, {devices} addresses removed"
        )
    }
}

impl runtime::job::Report for Report {
    fn outcome(&self) -> Outcome {
        if self.is_bounded {
            Outcome::WorkLeft
        } else if *self == Self::default() {
            Outcome::Idle
        } else {
            Outcome::Worked
        }
    }
}
