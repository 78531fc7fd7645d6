//! Reconcile, after `jobs/src/reconcile`.
//!
//! A campaign is finished when its chunks are closed, not when their pushes are final: the last
//! push of a chunk may be settled by an erasure, or by a sender that has lost its lease. One with
//! a coupon is finished when every chunk's reservation is returned, also of chunks that never made
//! one. And after a cancel all chunks are looked at once more when nobody can be at work on them,
//! so that what came late is counted.

use std::rc::Rc;

use campaign::{Balance, CampaignState, Mark, Raised, Standing, Transition};

use super::datastore::{self, Chunk};
use super::passes::Outcome;
use super::plan;
use super::scheduler::ProcessId;
use super::settings::{INTENT_LEASE, LATE_MARKERS};
use super::sql::{self, ChunkTally, Inconsistency, Intent, IntentNo, Row, Sql, Tx};
use super::stock;
use super::totals;
use super::transaction;
use super::world::{Fault, World};
use crate::seeded::Bug;

pub(super) async fn pass(world: &Rc<World>, process: ProcessId) -> Result<Outcome, Fault> {
    let rolled = roll_forward(world, process).await?;
    let visited = visit(world, process).await?;
    Ok(Outcome::of(rolled || visited))
}

/// Rolls forward every open intent that is due.
async fn roll_forward(world: &Rc<World>, process: ProcessId) -> Result<bool, Fault> {
    let now = world.now();
    let is_due = |(no, intent): (&IntentNo, &Intent)| (intent.is_open && intent.due_at <= now).then_some(*no);
    let due = sql::read(world, process, |sql| {
        sql.intents.iter().filter_map(is_due).collect::<Vec<_>>()
    });
    let due = due.await?;
    for no in &due {
        let mut tx = Tx::begin(world, process).await?;
        // SKIP LOCKED: what somebody else holds is left to the next pass.
        if tx.lock(Row::Intent(*no)).await.is_err() {
            continue;
        }
        let intent = tx.see(|sql| sql.intents.get(no).copied());
        let Some(intent) = intent.filter(|intent| intent.is_open && intent.due_at <= now) else {
            tx.roll_back();
            continue;
        };
        let (no, until) = (*no, now + INTENT_LEASE);
        tx.write(move |sql| {
            if let Some(intent) = sql.intents.get_mut(&no) {
                intent.due_at = until;
            }
        });
        tx.commit_repeatable().await?;
        redo(world, process, no, intent).await?;
    }
    Ok(!due.is_empty())
}

async fn redo(world: &Rc<World>, process: ProcessId, no: IntentNo, intent: Intent) -> Result<(), Fault> {
    let raised = if world.has(Bug::IntentClosedUnseen) {
        0
    } else {
        let redone = transaction::change(world, process, intent.chunk, |chunk| raise(world, chunk, intent));
        redone.await?.unwrap_or(0)
    };
    let mut tx = Tx::begin(world, process).await?;
    tx.lock(Row::Intent(no)).await?;
    tx.write(move |sql| {
        if raised > 0 {
            sql.inconsistencies.entry(no).or_insert(Inconsistency::Open);
        }
        sql.close(no);
    });
    tx.commit_repeatable().await
}

fn raise(world: &World, chunk: &mut Chunk, intent: Intent) -> usize {
    let places = 0..u16::try_from(chunk.pushes.len()).unwrap_or(u16::MAX);
    let named = places.filter(|place| intent.granted.contains(*place));
    named
        .filter(|place| chunk.raise(*place, Standing::Granted, world) == Raised::Raised)
        .count()
}

/// Visits the campaign, unless it is reconciled for good.
async fn visit(world: &Rc<World>, process: ProcessId) -> Result<bool, Fault> {
    let (state, since, is_reconciled) = sql::read(world, process, |sql| {
        (sql.state(), sql.since(), sql.is_reconciled)
    })
    .await?;
    if is_reconciled {
        return Ok(false);
    }
    match state {
        CampaignState::Running | CampaignState::Paused => {
            let counted = tally_some(world, process, state).await?;
            let open_stock = return_unused(world, process).await?;
            if state == CampaignState::Running && open_stock == 0 {
                finish(world, process).await?;
            }
            Ok(counted)
        }
        CampaignState::Cancelled | CampaignState::Failed => {
            let open = list_open(world, process).await?;
            let closed = cancel(world, process, state, &open).await?;
            return_unused(world, process).await?;
            let open_intents = sql::read(world, process, Sql::open_intents).await?;
            if since + LATE_MARKERS < world.now() && open_intents == 0 {
                reconcile_for_good(world, process, state).await?;
            }
            Ok(closed)
        }
        CampaignState::Draft | CampaignState::Scheduled | CampaignState::Finished => Ok(false),
    }
}

/// Chunks that are not known to be closed.
async fn list_open(world: &World, process: ProcessId) -> Result<Vec<u32>, Fault> {
    let count = plan::chunk_count(world);
    let open = |sql: &Sql| {
        let is_closed = |no: &u32| {
            sql.tallies
                .get(no)
                .is_some_and(|counted| is_closed(world, counted))
        };
        (0..count).filter(|no| !is_closed(no)).collect::<Vec<_>>()
    };
    sql::read(world, process, open).await
}

fn is_closed(world: &World, counted: &ChunkTally) -> bool {
    if world.has(Bug::SettledTakenForClosed) {
        counted.tally.pending + counted.tally.granted == 0
    } else {
        counted.is_closed
    }
}

async fn list_chunks(world: &World, process: ProcessId, numbers: &[u32]) -> Result<Vec<Chunk>, Fault> {
    let chunks = |datastore: &datastore::Datastore| {
        let chunks = numbers.iter().filter_map(|no| datastore.find(*no));
        chunks.cloned().collect::<Vec<_>>()
    };
    datastore::read(world, process, chunks).await
}

async fn tally_some(world: &Rc<World>, process: ProcessId, state: CampaignState) -> Result<bool, Fault> {
    let numbers = list_open(world, process).await?;
    let mut chunks = list_chunks(world, process, &numbers).await?;
    for chunk in &mut chunks {
        close_settled(world, process, chunk).await?;
    }
    record(world, process, state, &chunks).await
}

/// Closes a chunk whose last push was settled by somebody who does not hold it.
async fn close_settled(world: &Rc<World>, process: ProcessId, chunk: &mut Chunk) -> Result<(), Fault> {
    let now = world.clock(process);
    if !chunk.is_settled() || chunk.record.state.is_closed() || chunk.record.is_leased(now) {
        return Ok(());
    }
    let closed = transaction::change(world, process, chunk.no, |chunk| {
        if chunk.is_settled() {
            let _: Mark = chunk.record.close_unheld(now);
        }
    });
    closed.await?;
    if let Some(closed) = list_chunks(world, process, &[chunk.no]).await?.pop() {
        *chunk = closed;
    }
    Ok(())
}

/// Looks at every chunk once more, and marks the campaign.
async fn reconcile_for_good(
    world: &Rc<World>,
    process: ProcessId,
    state: CampaignState,
) -> Result<(), Fault> {
    let by_tally = world.has(Bug::SettledTakenForClosed) || world.has(Bug::LateResultsUncounted);
    if !by_tally {
        let all = (0..plan::chunk_count(world)).collect::<Vec<_>>();
        cancel(world, process, state, &all).await?;
    }
    let open_stock = return_unused(world, process).await?;
    let open_intents = sql::read(world, process, Sql::open_intents).await?;
    if open_stock > 0 || open_intents > 0 {
        return Ok(());
    }
    let mut tx = Tx::begin(world, process).await?;
    tx.write(|sql| sql.is_reconciled = true);
    tx.commit_repeatable().await
}

/// Closes these chunks of a campaign that ended early, and counts them.
async fn cancel(
    world: &Rc<World>,
    process: ProcessId,
    state: CampaignState,
    numbers: &[u32],
) -> Result<bool, Fault> {
    let mut closed = Vec::new();
    for chunk in list_chunks(world, process, numbers).await? {
        if chunk.record.state.is_closed() {
            closed.push(chunk);
            continue;
        }
        let cancelled = transaction::change(world, process, chunk.no, |chunk| {
            let _: Mark = chunk.record.cancel();
        });
        cancelled.await?;
        closed.extend(list_chunks(world, process, &[chunk.no]).await?);
    }
    record(world, process, state, &closed).await
}

/// Counts these chunks; says whether one of them had another count before.
async fn record(
    world: &Rc<World>,
    process: ProcessId,
    state: CampaignState,
    chunks: &[Chunk],
) -> Result<bool, Fault> {
    let counted = chunks
        .iter()
        .map(|chunk| (chunk.no, totals::count(chunk, chunk.tally_as_read(state))));
    let newer = |(no, counted): &(u32, ChunkTally)| {
        let sql = world.sql.borrow();
        sql.tallies
            .get(no)
            .is_none_or(|kept| kept.version < counted.version)
    };
    let counted = counted.filter(newer).collect::<Vec<_>>();
    let changed = !counted.is_empty();
    totals::replace_all(world, process, counted).await?;
    Ok(changed)
}

/// Returns what closed chunks did not use. Says how many reservations are left.
async fn return_unused(world: &Rc<World>, process: ProcessId) -> Result<usize, Fault> {
    if world.settings.stock.is_none() {
        return Ok(0);
    }
    let by_sight = world.has(Bug::FinishedBySight);
    let count = plan::chunk_count(world);
    let unreturned = |sql: &Sql| {
        let is_left = |no: &u32| match sql.reservations.get(no) {
            Some(reservation) => reservation.returned.is_none(),
            None => !by_sight,
        };
        (0..count).filter(is_left).collect::<Vec<_>>()
    };
    let numbers = sql::read(world, process, unreturned).await?;
    let mut left = numbers.len();
    for chunk in list_chunks(world, process, &numbers).await? {
        if chunk.record.state.is_closed() {
            stock::return_unused(world, process, chunk.no).await?;
            left -= 1;
        }
    }
    // A chunk that was never expanded, of a campaign that has ended, takes nothing.
    let is_expanded = |no: &&u32| world.datastore.borrow().find(**no).is_some();
    let never = numbers.len() - numbers.iter().filter(is_expanded).count();
    let has_ended = world.sql.borrow().state() == CampaignState::Cancelled;
    Ok(if has_ended { left - never } else { left })
}

/// Finishes the campaign if everybody was expanded once, every push is final and no intent open.
async fn finish(world: &Rc<World>, process: ProcessId) -> Result<(), Fault> {
    let (tally, closed, open_intents) = sql::read(world, process, |sql| {
        let closed = sql.tallies.values().filter(|counted| is_closed(world, counted));
        (sql.total(), closed.count(), sql.open_intents())
    })
    .await?;
    let balance = Balance {
        audience: plan::user_count(world) as u64,
        expanded: tally.total(),
        tally,
        open_chunks: world.settings.chunks.len().saturating_sub(closed) as u64,
        open_intents,
    };
    if !balance.missing().is_empty() {
        return Ok(());
    }
    let mut tx = Tx::begin(world, process).await?;
    tx.lock(Row::Campaign).await?;
    let Ok(state) = tx.see(Sql::state).after(Transition::Finish) else {
        tx.roll_back();
        return Ok(());
    };
    tx.write(move |sql| {
        sql.set_state(state);
        sql.is_reconciled = true;
    });
    tx.commit_repeatable().await
}
