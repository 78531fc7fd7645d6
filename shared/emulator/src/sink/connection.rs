//! What the sink knows of one connection.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::listener::Ends;

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// The ways to end it.
    pub(super) ends: Ends,
    /// Requests under way that have to prove who sends them.
    under_way: AtomicUsize,
    /// Whether one has.
    is_proven: AtomicBool,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct UnderWay<'c>(&'c Connection);

impl Connection {
    pub(super) fn new(ends: Ends) -> Self {
        Self {
            ends,
            ..Self::default()
        }
    }

    /// Begins a request; `None` if another one is under way that has not proven anything yet.
    pub(super) fn begin(&self) -> Option<UnderWay<'_>> {
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        let begun = UnderWay(self);
        (before == 0 || self.is_proven.load(Ordering::Relaxed)).then_some(begun)
    }

    /// A request has proven who sends it.
    pub(super) fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
