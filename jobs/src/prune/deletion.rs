//! Deletes a campaign that is marked as pruned: chunks with their pushes, then what counted
//! them, and last the mark by which an unfinished deletion is found.

use database::campaign::Campaign;
use database::shard::intent;
use database::{Db, campaign_pace, chunk_tally, fan_out_progress, fan_out_stripe, quota};
use futures::future;
use runtime::Backends;

use super::pages;
use super::report::Report;
use crate::Error;

/// Chunks deleted in one pass: some two million pushes.
const CHUNKS: u64 = 4_096;

/// Datastore transactions under way at once, each of up to 500 deletions.
const AT_ONCE: usize = 4;

/// Rows deleted in one SQL transaction.
const ROWS: u32 = 500;

/// Whether a campaign is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deleted {
    All,
    /// The pass is at its bound, or is to stop.
    Some,
}

/// Deletes the campaign, as far as the pass goes.
pub(super) async fn delete(
    backends: &Backends,
    campaign: &Campaign,
    report: &mut Report,
) -> Result<Deleted, Error> {
    for numbers in pages(campaign.chunk_count) {
        if report.chunks >= CHUNKS || backends.process.stop.is_requested() {
            return Ok(Deleted::Some);
        }
        delete_chunks(backends, campaign, &numbers, report).await?;
    }
    delete_tallies(&backends.db, campaign).await?;
    delete_intents(&backends.db, campaign).await?;
    let mut tx = backends.db.begin().await?;
    campaign_pace::delete(&mut tx, campaign.id).await?;
    quota::delete(&mut tx, &quota::name_of(campaign.id)).await?;
    fan_out_stripe::delete_all(&mut tx, campaign.id).await?;
    fan_out_progress::delete(&mut tx, campaign.id).await?;
    tx.commit().await.repeatable()?;
    Ok(Deleted::All)
}

/// Those of the numbers that are still there: one Lookup passes over a thousand that are not.
async fn delete_chunks(
    backends: &Backends,
    campaign: &Campaign,
    numbers: &[u32],
    report: &mut Report,
) -> Result<(), Error> {
    let store = &backends.push_store;
    let chunks = store.list_chunks(campaign.id, numbers).await?;
    for batch in chunks.chunks(AT_ONCE) {
        let deletions = batch.iter().map(|chunk| store.delete_chunk(chunk.id));
        let deleted = future::try_join_all(deletions).await?;
        report.chunks += deleted.len() as u64;
        report.pushes += deleted.iter().sum::<u64>();
    }
    Ok(())
}

async fn delete_tallies(db: &Db, campaign: &Campaign) -> Result<(), Error> {
    let mut below = 0;
    while below < campaign.chunk_count {
        below = below.saturating_add(ROWS).min(campaign.chunk_count);
        let mut tx = db.begin().await?;
        chunk_tally::delete_below(&mut tx, campaign.id, below).await?;
        tx.commit().await.repeatable()?;
    }
    Ok(())
}

async fn delete_intents(shard: &Db, campaign: &Campaign) -> Result<(), Error> {
    loop {
        let mut tx = shard.begin().await?;
        let deleted = intent::prune(&mut tx, campaign.id, ROWS).await?;
        tx.commit().await.repeatable()?;
        if deleted == 0 {
            return Ok(());
        }
    }
}
