//! The reconciler, step by step, as `jobs` makes it.
//!
//! It may take an intent up as soon as it is there: its age is no safety, only a courtesy. While
//! it works on one it holds that intent's lease; when it dies the lease runs out.

use rendezvous::Fate;

use super::sql::{IntentNo, Row, Write};
use super::state::{Campaign, Reconciler, State, Wire};
use crate::seeded::{Bug, Seeded};

/// What an idle reconciler may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// Roll an open intent forward.
    RollForward(IntentNo),
    /// Close the chunk of a cancelled campaign.
    CancelChunk,
    /// Close the stock of a closed chunk, to return what it did not use.
    CloseStock,
    /// Finish the campaign.
    Finish,
}

/// What there is to be done. What is locked is left for later.
pub(super) fn tasks(state: &State, seeded: Seeded) -> Vec<Task> {
    if state.reconciler != Reconciler::Idle {
        return Vec::new();
    }
    let is_free = |row| !state.is_locked(row, None, seeded);
    let is_closed = state.datastore.chunk.record.state.is_closed();
    let is_over = state.campaign == Campaign::Finished;
    let intents = state.sql.intents.keys().copied();
    let mut tasks = intents
        .filter(|intent| is_free(Row::Intent(*intent)))
        .map(Task::RollForward)
        .collect::<Vec<_>>();
    if state.campaign == Campaign::Cancelled && !is_closed {
        tasks.push(Task::CancelChunk);
    }
    if is_closed && !is_over && !is_stock_back(state, seeded) && is_free(Row::ChunkGrants) {
        tasks.push(Task::CloseStock);
    }
    let may_finish = is_closed && is_stock_back(state, seeded) && state.sql.intents.is_empty();
    if may_finish && !is_over && state.campaign != Campaign::Cancelled {
        tasks.push(Task::Finish);
    }
    tasks
}

/// Whether the chunk's reservation is known to be returned, so that none can follow.
fn is_stock_back(state: &State, seeded: Seeded) -> bool {
    match state.sql.reservation {
        Some(reservation) => reservation.returned.is_some(),
        None => seeded.is(Bug::FinishedBySight),
    }
}

pub(super) fn begin(state: &mut State, task: Task, wire: Wire, seeded: Seeded) {
    match task {
        Task::RollForward(intent) => {
            let Some(granted) = state.sql.intents.get(&intent).copied() else {
                return;
            };
            state.reconciler = if seeded.is(Bug::IntentClosedUnseen) {
                Reconciler::Closing {
                    intent,
                    raised: false,
                }
            } else {
                Reconciler::Redoing {
                    intent,
                    granted,
                    silent: false,
                }
            };
        }
        Task::CancelChunk => {
            let mut after = state.datastore.chunk;
            let _: campaign::Mark = after.record.cancel();
            state.commit(after, wire);
        }
        Task::CloseStock => {
            let used = state.sql.chunk_grants.map_or(0, |chunk| chunk.used);
            if state.sql.commit(Write::CloseStock, wire, seeded) == Fate::Committed {
                state.reconciler = Reconciler::Returning { used };
            }
        }
        Task::Finish => state.campaign = Campaign::Finished,
    }
}

/// Whether the task sends a COMMIT that may stay without an answer.
pub(super) fn commits(task: Task) -> bool {
    match task {
        Task::RollForward(_) | Task::Finish => false,
        Task::CancelChunk | Task::CloseStock => true,
    }
}

/// The rows that its next step must lock.
pub(super) fn needs(state: &State, seeded: Seeded) -> Vec<Row> {
    match state.reconciler {
        Reconciler::Idle | Reconciler::Redoing { .. } => Vec::new(),
        Reconciler::Closing { intent, raised } => Write::Repair {
            intent,
            found: raised,
        }
        .rows(seeded),
        Reconciler::Returning { .. } => vec![Row::Coupon],
    }
}

/// The next step of what it has begun.
pub(super) fn step(state: &mut State, wire: Wire, seeded: Seeded) {
    state.reconciler = match state.reconciler {
        Reconciler::Idle => Reconciler::Idle,
        Reconciler::Redoing {
            intent,
            granted,
            silent,
        } => {
            let mut after = state.datastore.chunk;
            let raised = after.raise_granted(granted);
            match state.commit(after, wire) {
                Fate::Committed => Reconciler::Closing { intent, raised },
                Fate::Unknown if !silent => Reconciler::Redoing {
                    intent,
                    granted,
                    silent: true,
                },
                // Put off: it comes due again.
                Fate::NotCommitted | Fate::Unknown => Reconciler::Idle,
            }
        }
        Reconciler::Closing { intent, raised } => {
            state.sql.commit(
                Write::Repair {
                    intent,
                    found: raised,
                },
                wire,
                seeded,
            );
            Reconciler::Idle
        }
        Reconciler::Returning { used } => {
            state.sql.commit(Write::Return { used }, wire, seeded);
            Reconciler::Idle
        }
    };
}
