//! What the sink counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::script::Outcome;

/// The counts since the start, as `GET /_sink/stats` shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests to send, of every kind.
    pub requests: u64,
    /// Messages written to the ledger, whether or not their answers arrived.
    pub accepted: u64,
    /// Messages found valid with `validate_only`.
    pub validated: u64,
    /// Requests whose message was not valid.
    pub invalid: u64,
    /// Requests without a good bearer token.
    pub unauthenticated: u64,
    /// Requests struck by the script, by outcome.
    pub faults: BTreeMap<Outcome, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) requests: AtomicU64,
    pub(super) validated: AtomicU64,
    pub(super) invalid: AtomicU64,
    pub(super) unauthenticated: AtomicU64,
    faults: [AtomicU64; Outcome::ALL.len()],
}

impl Stats {
    pub(super) fn struck(&self, outcome: Outcome) {
        count(&self.faults[outcome as usize]);
    }

    /// The counts, with those of the ledger.
    pub(super) fn counts(&self, accepted: u64) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: read(&self.requests),
            accepted,
            validated: read(&self.validated),
            invalid: read(&self.invalid),
            unauthenticated: read(&self.unauthenticated),
            faults: Outcome::ALL
                .into_iter()
                .zip(self.faults.iter().map(read))
                .collect(),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
