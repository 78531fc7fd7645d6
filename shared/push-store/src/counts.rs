//! How many commits Datastore did not take.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// Commits since the start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commits {
    /// All that were answered or given up.
    pub made: u64,
    /// Those of them that were aborted, throttled or not answered.
    pub failed: u64,
}

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    made: AtomicU64,
    failed: AtomicU64,
}

impl Counter {
    /// Counts a commit. One that was refused for what it holds says nothing of Datastore.
    pub(crate) fn count(&self, outcome: &Result<(), Error>) {
        self.made.fetch_add(1, Ordering::Relaxed);
        if outcome.as_ref().is_err_and(Error::is_passing) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn commits(&self) -> Commits {
        Commits {
            made: self.made.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}
