//! A stripe in hand: what of it waits, is under way, and is expanded.
//!
//! Every chunk of the stripe above its mark is in one of the three, so the mark that is written
//! down can never pass one that is not expanded. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use database::chunk_tally::ChunkTally;
use database::fan_out_stripe::Lease;
use runtime::clock::Moment;

/// Tries of one chunk that did not come through, in one hand.
const TRIES: u32 = 5;

/// A leased stripe.
#[derive(Debug)]
pub(super) struct Stripe {
    pub(super) lease: Lease,
    /// The number after its last chunk.
    end: u32,
    /// Chunks that are to be expanded, and how often that was tried.
    waiting: BTreeMap<u32, u32>,
    /// The same of those that are under way.
    under_way: BTreeMap<u32, u32>,
    /// Counts of expanded chunks that are not written to SQL.
    unsaved: Vec<ChunkTally>,
    /// When it was leased, or last kept.
    kept_at: Moment,
    /// Whether a save is under way.
    is_saving: bool,
    /// Whether nothing more of it may start.
    is_closed: bool,
}

/// What is to be written of a stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It stays in hand.
    Keep,
    /// It goes back, with chunks that are not expanded.
    GiveBack,
    /// All of it is expanded.
    Finish,
}

/// Whether a chunk that did not come through is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Yes,
    /// It was tried often enough.
    No,
}

impl Stripe {
    /// A stripe whose chunks of these numbers are not expanded, leased at `now`.
    pub(super) fn new(lease: Lease, end: u32, missing: impl IntoIterator<Item = u32>, now: Moment) -> Self {
        Self {
            lease,
            end,
            waiting: missing.into_iter().map(|no| (no, 0)).collect(),
            under_way: BTreeMap::new(),
            unsaved: Vec::new(),
            kept_at: now,
            is_saving: false,
            is_closed: false,
        }
    }

    /// Chunks that may start.
    pub(super) fn ready(&self) -> usize {
        if self.is_closed { 0 } else { self.waiting.len() }
    }

    /// Chunks under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Starts the next chunk.
    pub(super) fn start(&mut self) -> Option<u32> {
        if self.is_closed {
            return None;
        }
        let (no, tries) = self.waiting.pop_first()?;
        self.under_way.insert(no, tries);
        Some(no)
    }

    /// A chunk is expanded.
    pub(super) fn expanded(&mut self, tally: ChunkTally) {
        self.under_way.remove(&tally.chunk_no);
        self.unsaved.push(tally);
    }

    /// A chunk did not come through.
    pub(super) fn put_back(&mut self, no: u32) -> Again {
        let tries = self.under_way.remove(&no).unwrap_or(0) + 1;
        self.waiting.insert(no, tries);
        if tries < TRIES { Again::Yes } else { Again::No }
    }

    /// Lets nothing more of it start.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Every chunk below is expanded.
    pub(super) fn low_water(&self) -> u32 {
        let mut open = [&self.waiting, &self.under_way];
        if fault_points::bug!(MarkPassesUnexpanded) {
            open[1] = &self.waiting;
        }
        let first = open.into_iter().filter_map(|chunks| chunks.keys().next());
        first.min().copied().unwrap_or(self.end)
    }

    /// What is to be written of it, if anything is; one that stays is kept
    /// `keep_after` the last time.
    pub(super) fn due(&self, keep_after: Duration, now: Moment) -> Option<Ending> {
        if self.is_saving {
            return None;
        }
        match (self.waiting.is_empty(), self.under_way.is_empty()) {
            (true, true) => Some(Ending::Finish),
            (false, true) if self.is_closed => Some(Ending::GiveBack),
            _ => (now.since(self.kept_at) >= keep_after).then_some(Ending::Keep),
        }
    }

    /// Begins to save: the counts that are not written yet, in the order in which everybody
    /// locks them.
    pub(super) fn begin_save(&mut self, now: Moment) -> Vec<ChunkTally> {
        self.is_saving = true;
        self.kept_at = now;
        let mut tallies = std::mem::take(&mut self.unsaved);
        tallies.sort_unstable_by_key(|tally| tally.chunk_no);
        tallies
    }

    /// It was saved.
    pub(super) fn end_save(&mut self) {
        self.is_saving = false;
    }
}

#[cfg(test)]
pub(super) mod tests;
