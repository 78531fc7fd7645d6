//! What SQL shows of a chunk, brought up to date; after `services/sender/src/totals.rs`.

use std::rc::Rc;

use campaign::Tally;

use super::attempt::Attempt;
use super::datastore::Chunk;
use super::scheduler::ProcessId;
use super::sql::{ChunkTally, IntentNo, Row, Sql, Tx};
use super::stock;
use super::world::{Fault, World};
use crate::seeded::Bug;

/// Records what an attempt leaves. What fails here is left to reconcile.
pub(super) async fn record(attempt: &Attempt, chunk: &Chunk, close: Option<IntentNo>) {
    // Nothing depends on it.
    let _: Result<(), Fault> = try_record(attempt, chunk, close).await;
}

async fn try_record(attempt: &Attempt, chunk: &Chunk, close: Option<IntentNo>) -> Result<(), Fault> {
    let Attempt { world, process, .. } = attempt;
    let mut tx = Tx::begin(world, *process).await?;
    if let Some(intent) = close {
        tx.lock(Row::Intent(intent)).await?;
        tx.write(move |sql| sql.close(intent));
    }
    replace(&mut tx, world, chunk.no, count(chunk, chunk.tally.clone())).await?;
    tx.commit_repeatable().await?;
    if world.settings.stock.is_some() && chunk.record.state.is_closed() {
        stock::return_unused(world, *process, chunk.no).await?;
    }
    Ok(())
}

/// What is recorded of a chunk whose counts read so.
pub(super) fn count(chunk: &Chunk, tally: Tally) -> ChunkTally {
    ChunkTally {
        version: chunk.version,
        tally,
        is_closed: chunk.record.state.is_closed(),
    }
}

/// Replaces a chunk's counts by newer ones.
pub(super) async fn replace(tx: &mut Tx, world: &World, chunk: u32, newer: ChunkTally) -> Result<(), Fault> {
    tx.lock(Row::Tally(chunk)).await?;
    let adds = world.has(Bug::TalliesAdded);
    tx.write(move |sql| keep(sql, chunk, newer, adds));
    Ok(())
}

fn keep(sql: &mut Sql, chunk: u32, newer: ChunkTally, adds: bool) {
    let kept = sql.tallies.entry(chunk).or_default();
    if adds {
        kept.tally += &newer.tally;
        kept.is_closed = newer.is_closed;
    } else if kept.version < newer.version {
        *kept = newer;
    }
}

/// Replaces the counts of several chunks.
pub(super) async fn replace_all(
    world: &Rc<World>,
    process: ProcessId,
    tallies: Vec<(u32, ChunkTally)>,
) -> Result<(), Fault> {
    if tallies.is_empty() {
        return Ok(());
    }
    let mut tx = Tx::begin(world, process).await?;
    for (chunk, newer) in tallies {
        replace(&mut tx, world, chunk, newer).await?;
    }
    tx.commit_repeatable().await
}
