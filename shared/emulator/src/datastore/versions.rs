//! Which versions there are, and who still reads at which.
//!
//! A version is a commit's instant in microseconds, made later than the one before. Readers
//! hold a [`Snapshot`]; while one is held, commits leave the images it needs in the history.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::history::History;

/// The versions of a store, shared with its snapshots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions(Arc<Mutex<State>>);

/// What the lock of [`Versions`] guards.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// What later commits replaced.
    pub(crate) history: History,
    published: i64,
    assigned: i64,
    held: BTreeMap<i64, usize>,
}

/// The right to read at a version for as long as this is held.
#[derive(Debug)]
pub(crate) struct Snapshot {
    version: i64,
    versions: Versions,
}

impl Versions {
    /// Opens the state; held for moments only.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot of the latest published version.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut state = self.lock();
        let version = state.published;
        *state.held.entry(version).or_default() += 1;
        Snapshot {
            version,
            versions: self.clone(),
        }
    }
}

impl State {
    /// A version for a commit at `now`, later than all before.
    pub(crate) fn assign(&mut self, now: i64) -> i64 {
        self.assigned = now.max(self.assigned + 1);
        self.assigned
    }

    /// Lets new readers see everything up to `version`.
    pub(crate) fn publish(&mut self, version: i64) {
        self.published = version;
        self.assigned = self.assigned.max(version);
        self.forget_unheld();
    }

    /// The latest version that readers see.
    pub(crate) fn published(&self) -> i64 {
        self.published
    }

    /// Whether somebody reads at any version.
    pub(crate) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    fn forget_unheld(&mut self) {
        if self.history.is_empty() {
            return;
        }
        let oldest = self.held.keys().next().copied().unwrap_or(self.published);
        self.history.forget_until(oldest);
    }
}

impl Snapshot {
    /// The version to read at.
    pub(crate) fn version(&self) -> i64 {
        self.version
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let mut state = self.versions.lock();
        if let Some(readers) = state.held.get_mut(&self.version) {
            *readers -= 1;
            if *readers == 0 {
                state.held.remove(&self.version);
                state.forget_unheld();
            }
        }
    }
}
