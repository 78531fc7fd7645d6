//! One limit for all commits of a process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limit::{Learnt, Limit, Outcome};

/// A [`Limit`] that everybody who commits to the same store shares. Clones are the same.
#[derive(Clone, Debug)]
pub struct SharedLimit(Arc<Mutex<Limit>>);

impl SharedLimit {
    /// Shares `limit`.
    pub fn new(limit: Limit) -> Self {
        Self(Arc::new(Mutex::new(limit)))
    }

    /// How many commits may be under way now.
    pub fn get(&self) -> usize {
        self.lock().get()
    }

    /// As [`Limit::learn`].
    pub fn learn(&self, outcome: Outcome, under_way: usize) -> Learnt {
        self.lock().learn(outcome, under_way)
    }

    fn lock(&self) -> MutexGuard<'_, Limit> {
        // Nothing in there can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
