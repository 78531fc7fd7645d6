//! The decisions that move a chunk: pure, run inside the store's transactions.
//!
//! While a lease is live only its token changes lease, generation or timer; a cancel is the
//! one exception. Without a live lease any party may. The generation never falls, and exactly
//! the closed chunks have no timer, so nothing is ever forgotten. A decision that refuses
//! leaves the record as it was.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::retry::later;
use crate::{ChunkState, LeaseToken};

/// The part of a stored chunk that decides what may happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRecord {
    /// Where it is on its way.
    pub state: ChunkState,
    /// The last hand-over. A task of an earlier one counts as long as no sender has met any since.
    pub generation: u32,
    /// When it next needs attention; `None` for closed chunks only.
    pub due_at: Option<DateTime<Utc>>,
    /// Nothing of it is sent before.
    pub not_before: DateTime<Utc>,
    /// Who works on it; `Some` while the state is `leased`, expired or not.
    pub lease: Option<Lease>,
    /// How often in a row it was handed to the queue and no sender leased it.
    pub hand_overs: u32,
}

/// The right to work on a chunk. It is never renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Proves the right.
    pub token: LeaseToken,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
}

/// How leases are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// How long a lease lasts.
    pub duration: Duration,
    /// How far two clocks may differ: a chunk whose holder fell silent comes due this long
    /// after its lease ended.
    pub skew: Duration,
}

/// How chunks are handed to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandOverTerms {
    /// How long before it is due a waiting chunk may be handed over.
    pub look_ahead: Duration,
    /// How long after its send time a chunk comes due again that no sender has leased. Doubled
    /// with each hand-over in a row, so that a queue which is down or far behind is not flooded
    /// with task after task.
    pub pick_up: Duration,
    /// The longest that this becomes.
    pub pick_up_max: Duration,
}

impl HandOverTerms {
    /// The pick-up time after that many hand-overs in a row.
    pub fn pick_up_time(&self, hand_overs: u32) -> Duration {
        let doubled = self.pick_up.saturating_mul(1 << hand_overs.min(31));
        doubled.min(self.pick_up_max)
    }
}

/// The answer to [`ChunkRecord::queue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// To be handed to the queue now.
    Queued {
        /// Part of the task's name.
        generation: u32,
        /// When the task is to run: the chunk's send time, or now if that is past.
        run_at: DateTime<Utc>,
    },
    /// It needs no attention yet; somebody was faster, or a sender works on it.
    NotDue,
    /// It is done or cancelled.
    Closed,
}

/// The answer to [`ChunkRecord::lease`]. All but `Leased` and `Early` end the task with 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leased {
    /// The caller's until this instant.
    Leased {
        /// When the lease ends.
        until: DateTime<Utc>,
    },
    /// Nothing of it may be sent yet: to be put back.
    Early,
    /// Another sender holds a live lease.
    Busy,
    /// The task's hand-over has been met, or never was.
    Stale,
    /// It is done or cancelled.
    Closed,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The record is changed.
    Applied,
    /// The right to change it was gone, or somebody had done it before; nothing is changed.
    Stale,
}

impl ChunkRecord {
    /// A chunk just expanded, which comes due at its send time.
    pub fn new(send_time: DateTime<Utc>) -> Self {
        Self {
            state: ChunkState::Waiting,
            generation: 0,
            due_at: Some(send_time),
            not_before: send_time,
            lease: None,
            hand_overs: 0,
        }
    }

    /// A chunk of which nothing is ever sent, because all of it was settled when it was expanded.
    pub fn closed(now: DateTime<Utc>) -> Self {
        let mut record = Self::new(now);
        record.end_as(ChunkState::Done);
        record
    }

    /// Whether somebody holds a live lease.
    pub fn is_leased(&self, now: DateTime<Utc>) -> bool {
        self.lease.is_some_and(|lease| now < lease.until)
    }

    /// Marks a chunk that was found due as handed to the queue; to be stored *before* the task
    /// is created.
    ///
    /// A waiting chunk is handed over up to its look-ahead before it is due, since the queue
    /// keeps the exact time. One that is due again in spite of a hand-over, or whose lease
    /// ran out, gets its next generation.
    pub fn queue(&mut self, now: DateTime<Utc>, terms: HandOverTerms) -> Queued {
        let Some(due_at) = self.due_at else {
            return Queued::Closed;
        };
        let next_generation = match self.state {
            ChunkState::Waiting if due_at <= later(now, terms.look_ahead) => self.generation,
            ChunkState::Queued | ChunkState::Leased if due_at <= now && !self.is_leased(now) => {
                self.generation + 1
            }
            ChunkState::Waiting | ChunkState::Queued | ChunkState::Leased => return Queued::NotDue,
            ChunkState::Done | ChunkState::Cancelled => return Queued::Closed,
        };
        let run_at = self.not_before.max(now);
        self.state = ChunkState::Queued;
        self.generation = next_generation;
        self.lease = None;
        self.due_at = Some(later(run_at, terms.pick_up_time(self.hand_overs)));
        self.hand_overs = self.hand_overs.saturating_add(1);
        Queued::Queued {
            generation: self.generation,
            run_at,
        }
    }

    /// Gives the task of `generation` the right to work on the chunk.
    ///
    /// Of hand-overs in a row the first task that comes is as good as the last: behind a long
    /// queue a chunk is handed over again before its first task is dispatched, and were only the
    /// last one met, it might never be. The same token again gets its lease again, so a
    /// transaction whose commit was in doubt can be repeated.
    pub fn lease(
        &mut self,
        generation: u32,
        token: LeaseToken,
        now: DateTime<Utc>,
        terms: LeaseTerms,
    ) -> Leased {
        match self.state {
            ChunkState::Done | ChunkState::Cancelled => return Leased::Closed,
            // Not handed over since it was last met.
            ChunkState::Waiting => return Leased::Stale,
            ChunkState::Queued if !self.awaits(generation) => return Leased::Stale,
            ChunkState::Leased if generation != self.generation && !self.is_held_by(token) => {
                return Leased::Stale;
            }
            ChunkState::Queued | ChunkState::Leased => {}
        }
        if let Some(lease) = self.lease.filter(|lease| now < lease.until) {
            return if lease.token == token {
                Leased::Leased { until: lease.until }
            } else {
                Leased::Busy
            };
        }
        if now < self.not_before {
            return Leased::Early;
        }
        let until = later(now, terms.duration);
        self.state = ChunkState::Leased;
        self.lease = Some(Lease { token, until });
        self.due_at = Some(later(until, terms.skew));
        self.hand_overs = 0;
        Leased::Leased { until }
    }

    /// Gives the chunk back with something left in it, to be tried again at `at`.
    pub fn rearm(&mut self, token: LeaseToken, at: DateTime<Utc>) -> Mark {
        if !self.is_held_by(token) {
            return Mark::Stale;
        }
        self.wait_until(at.max(self.not_before));
        Mark::Applied
    }

    /// Puts a chunk back that the task of `generation` must not work on, until `at` at the
    /// earliest: its campaign is paused, it came early, or a database suffers. So a resume has
    /// nothing to re-arm.
    pub fn put_back(&mut self, generation: u32, at: DateTime<Utc>) -> Mark {
        if self.state != ChunkState::Queued || !self.awaits(generation) {
            return Mark::Stale;
        }
        self.wait_until(at.max(self.not_before));
        self.hand_overs = 0;
        Mark::Applied
    }

    /// Ends the chunk: every push of it is settled.
    pub fn close(&mut self, token: LeaseToken) -> Mark {
        if !self.is_held_by(token) {
            return Mark::Stale;
        }
        self.end_as(ChunkState::Done);
        Mark::Applied
    }

    /// Ends a chunk that nobody works on and whose pushes are all settled: the last of them by an
    /// erasure, or by a sender that had lost its lease.
    pub fn close_unheld(&mut self, now: DateTime<Utc>) -> Mark {
        if self.state.is_closed() || self.is_leased(now) {
            return Mark::Stale;
        }
        self.end_as(ChunkState::Done);
        Mark::Applied
    }

    /// Ends the chunk of a cancelled or failed campaign, whoever works on it.
    pub fn cancel(&mut self) -> Mark {
        if self.state.is_closed() {
            return Mark::Stale;
        }
        self.end_as(ChunkState::Cancelled);
        Mark::Applied
    }

    /// Whether the hand-over under `generation` is one of those in a row that nobody has met.
    fn awaits(&self, generation: u32) -> bool {
        let later = self.generation.checked_sub(generation);
        later.is_some_and(|later| later < self.hand_overs)
    }

    /// Whether the lease is this token's. An expired one still is, until somebody takes over.
    fn is_held_by(&self, token: LeaseToken) -> bool {
        self.lease.is_some_and(|lease| lease.token == token)
    }

    fn wait_until(&mut self, at: DateTime<Utc>) {
        self.state = ChunkState::Waiting;
        self.generation += 1;
        self.lease = None;
        self.not_before = at;
        self.due_at = Some(at);
    }

    fn end_as(&mut self, state: ChunkState) {
        self.state = state;
        self.lease = None;
        self.due_at = None;
    }
}
