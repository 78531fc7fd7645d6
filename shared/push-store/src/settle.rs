//! The ends: pushes get their final state, and the chunk is re-armed, closed or cancelled.

use campaign::{ChunkId, LeaseToken, Mark, PushId, Standing};
use chrono::{DateTime, Utc};

use crate::chunk::Chunk;
use crate::client::PushStore;
use crate::error::Error;
use crate::transaction::Open;

/// What happens to the chunk when pushes of it are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It stays leased: more is to come.
    GoOn,
    /// It is done if every push is final; if not, it is given back and comes due at that time.
    GiveBack {
        /// The lease under which this is asked. Without it the pushes are raised all the same
        /// and the chunk is left alone.
        token: LeaseToken,
        /// When what is left is to be tried again.
        at: DateTime<Utc>,
        /// Whether the attempt is one of those that are limited in number.
        count: AttemptCount,
    },
}

/// Whether an attempt that left something counts against the number of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptCount {
    /// A gateway put pushes off.
    Counted,
    /// It ended for a reason of our own: a pause, the budget, a store.
    NotCounted,
}

impl PushStore {
    /// Raises each push to what it is paired with, and ends the attempt or not.
    ///
    /// Needs no lease for the pushes: the late results of a former holder apply, and the first
    /// final state stays. Returns the chunk as it is then; `None` if there is no such chunk.
    pub async fn settle(
        &self,
        chunk: ChunkId,
        results: &[(PushId, Standing)],
        afterwards: Afterwards,
        now: DateTime<Utc>,
    ) -> Result<Option<Chunk>, Error> {
        let pushes = results.iter().map(|(push, _)| *push).collect::<Vec<_>>();
        self.change(chunk, &pushes, |open| {
            for (push, standing) in results {
                open.raise(*push, *standing, now);
            }
            if let Afterwards::GiveBack { token, at, count } = afterwards {
                give_back(open, token, at, count);
            }
            open.chunk()
        })
        .await
    }

    /// Closes the chunk if every push of it is final and nobody works on it. `None` if there is no
    /// such chunk.
    pub async fn close_settled(
        &self,
        chunk: ChunkId,
        now: DateTime<Utc>,
    ) -> Result<Option<(Mark, Chunk)>, Error> {
        self.change(chunk, &[], |open| {
            let is_settled = open.chunk().is_settled();
            let mark = if is_settled {
                open.record_mut().close_unheld(now)
            } else {
                Mark::Stale
            };
            (mark, open.chunk())
        })
        .await
    }

    /// Closes the chunk of a cancelled or failed campaign, whoever works on it. Its unsettled
    /// pushes stay as they are and read as cancelled. `None` if there is no such chunk.
    pub async fn cancel(&self, chunk: ChunkId) -> Result<Option<(Mark, Chunk)>, Error> {
        self.change(chunk, &[], |open| {
            let mark = open.record_mut().cancel();
            (mark, open.chunk())
        })
        .await
    }
}

fn give_back(open: &mut Open, token: LeaseToken, at: DateTime<Utc>, count: AttemptCount) {
    if open.chunk().is_settled() || fault_points::bug!(ClosedUnsettled) {
        // Stale is no fault: who took over, or cancelled, ends the chunk.
        let _: Mark = open.record_mut().close(token);
    } else if open.record_mut().rearm(token, at) == Mark::Applied && count == AttemptCount::Counted {
        open.count_attempt();
    }
}
