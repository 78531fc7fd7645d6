//! Datastore: the chunk with its pushes, one entity group.
//!
//! Transactions are optimistic: one that read before another's commit is told of the conflict
//! when it commits itself. A commit that is not answered lands later, unless something else is
//! committed first, or never. Pessimistic stores show a part of the same: who would conflict
//! waits instead, or is aborted.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use campaign::{
    ChunkRecord, HandOverTerms, Lease, LeaseTerms, LeaseToken, Leased, Mark, Queued, Raised, Reason, Standing,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::state::SENDERS;
use super::users::{USERS, Users};
use crate::seeded::{Bug, Seeded};

/// All times in the model are counted from the last lease, which was taken then.
const LEASED_AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

const TERMS: LeaseTerms = LeaseTerms {
    duration: Duration::from_secs(60),
    skew: Duration::from_secs(5),
};

const HAND_OVER: HandOverTerms = HandOverTerms {
    look_ahead: Duration::ZERO,
    pick_up: Duration::from_secs(60),
    pick_up_max: Duration::from_secs(60),
};

/// What Datastore holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Datastore {
    pub(super) chunk: Chunk,
    /// What commits without an answer would leave.
    pub(super) in_doubt: Vec<Chunk>,
}

/// The chunk and its pushes, as one transaction reads or writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) record: ChunkRecord,
    pub(super) pushes: [Standing; USERS],
}

impl Hash for Chunk {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ChunkRecord {
            state: chunk_state,
            generation,
            due_at,
            not_before,
            lease,
            hand_overs,
        } = self.record;
        let lease = lease.map(|lease| (lease.token, lease.until));
        (chunk_state, generation, due_at, not_before, lease, hand_overs).hash(state);
        self.pushes.hash(state);
    }
}

/// The token of the sender in that slot.
fn token(slot: usize) -> LeaseToken {
    LeaseToken(Uuid::from_u128(slot as u128))
}

impl Chunk {
    pub(super) fn new() -> Self {
        Self {
            record: ChunkRecord::new(LEASED_AT),
            pushes: [Standing::Pending; USERS],
        }
    }

    pub(super) fn standing(&self, place: u16) -> Standing {
        self.pushes[usize::from(place)]
    }

    /// Raises the users' pushes to granted, and says whether one of them was not.
    pub(super) fn raise_granted(&mut self, users: Users) -> bool {
        let mut raise =
            |place: u16| self.pushes[usize::from(place)].raise(Standing::Granted) == Raised::Raised;
        users.iter().filter(|place| raise(*place)).count() > 0
    }

    /// Settles what is known, then closes the chunk or gives it back.
    pub(super) fn settle(&mut self, results: &[Option<Reason>; USERS], slot: usize, seeded: Seeded) {
        for (push, result) in self.pushes.iter_mut().zip(results) {
            if let Some(reason) = result {
                push.raise(Standing::Settled(*reason));
            }
        }
        let found = self.record.lease.map(|lease| lease.token);
        let token = found
            .filter(|_| seeded.is(Bug::LeaseWithoutToken))
            .unwrap_or(token(slot));
        // Stale is no fault: who took over, or cancelled, ends the chunk.
        let _: Mark = if self.is_settled() {
            self.record.close(token)
        } else {
            self.record.rearm(token, LEASED_AT)
        };
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pushes.iter().all(|push| push.state().is_final())
    }

    /// Hands the chunk over and leases it to the sender in `slot`, when its timer says so: time
    /// passes until then.
    ///
    /// Times are counted anew from here, which nothing in the model could tell: what was read
    /// before conflicts.
    pub(super) fn lease(&mut self, slot: usize) {
        let Some(due_at) = self.record.due_at else { return };
        let Queued::Queued { generation, run_at } = self.record.queue(due_at, HAND_OVER) else {
            return;
        };
        let leased = self.record.lease(generation, token(slot), run_at, TERMS);
        if let Leased::Leased { until } = leased {
            let again = |at: DateTime<Utc>| LEASED_AT + (at - run_at);
            self.record = ChunkRecord {
                due_at: self.record.due_at.map(again),
                not_before: LEASED_AT,
                lease: Some(Lease {
                    token: token(slot),
                    until: again(until),
                }),
                ..self.record
            };
        }
    }

    /// The same without what nobody can tell: the number of the generation, since a task is met
    /// as soon as it is created; the times of a closed chunk; and a lease whose holder is gone,
    /// which runs out before anything else is done with the chunk.
    pub(super) fn simplified(mut self, is_at_work: impl Fn(usize) -> bool) -> Self {
        self.record.generation = 0;
        self.record.hand_overs = 0;
        self.record.not_before = LEASED_AT;
        let is_held = (0..SENDERS).any(|slot| self.is_held_by(slot) && is_at_work(slot));
        if self.record.lease.is_some() && !is_held {
            self.record = ChunkRecord::new(LEASED_AT);
        }
        self
    }

    /// The same with the senders' slots changed for each other.
    pub(super) fn swapped(mut self) -> Self {
        if let Some(lease) = &mut self.record.lease {
            lease.token = token(usize::from(lease.token == token(0)));
        }
        self
    }

    /// Whether the lease, expired or not, is that of the sender in `slot`.
    pub(super) fn is_held_by(&self, slot: usize) -> bool {
        self.record.lease.is_some_and(|lease| lease.token == token(slot))
    }
}
