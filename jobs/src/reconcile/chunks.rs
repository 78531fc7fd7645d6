//! Totals that are behind their chunks, and chunks of campaigns that ended early.

use campaign::{CampaignId, CampaignState, ChunkId};
use database::campaign::Campaign;
use database::chunk_tally::{self, ChunkTally};
use push_store::{Chunk, MAX_LOOKUP_KEYS};
use runtime::Backends;

use super::Report;
use crate::error::Error;
use crate::plan::Plan;

/// Chunks of a running campaign that are looked at in one pass. Their senders bring the totals
/// up to date by themselves; this finds, in time, what one did not live to do.
const SAMPLE: u32 = 200;

/// Brings the totals of some unsettled chunks of a running campaign up to date. Which, is left
/// to chance, so that no cursor has to be kept.
pub(super) async fn tally_some(
    backends: &Backends,
    campaign: &Campaign,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Error> {
    let from = if campaign.chunk_count <= SAMPLE {
        0
    } else {
        rand::random_range(0..campaign.chunk_count)
    };
    let numbers = chunk_tally::list_unsettled(&backends.db, campaign.id, plan.audience, from, SAMPLE).await?;
    let chunks = backends.push_store.list_chunks(campaign.id, &numbers).await?;
    record(backends, campaign.state, &chunks, report).await
}

/// Closes every open chunk of a campaign that ended early, and counts it. A marker that comes
/// late is found by the next pass.
pub(super) async fn cancel_all(
    backends: &Backends,
    campaign: &Campaign,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Error> {
    let page = u32::try_from(MAX_LOOKUP_KEYS).unwrap_or(u32::MAX);
    let mut from = 0;
    while !backends.process.stop.is_requested() {
        let numbers =
            chunk_tally::list_unsettled(&backends.db, campaign.id, plan.audience, from, page).await?;
        let Some(last) = numbers.last() else { break };
        from = last + 1;
        let chunks = backends.push_store.list_chunks(campaign.id, &numbers).await?;
        let closed = cancel(backends, campaign.id, chunks, report).await?;
        record(backends, campaign.state, &closed, report).await?;
    }
    Ok(())
}

async fn cancel(
    backends: &Backends,
    campaign: CampaignId,
    chunks: Vec<Chunk>,
    report: &mut Report,
) -> Result<Vec<Chunk>, Error> {
    let mut closed = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        if chunk.record.state.is_closed() {
            closed.push(chunk);
        } else if let Some((_, chunk)) = backends
            .push_store
            .cancel(ChunkId::of(campaign, chunk.no))
            .await?
        {
            report.cancelled_chunks += 1;
            closed.push(chunk);
        }
    }
    Ok(closed)
}

async fn record(
    backends: &Backends,
    campaign: CampaignState,
    chunks: &[Chunk],
    report: &mut Report,
) -> Result<(), Error> {
    if chunks.is_empty() {
        return Ok(());
    }
    let mut tx = backends.db.begin().await?;
    for chunk in chunks {
        let tally = chunk.tally_as_read(campaign);
        let tally = ChunkTally::of(chunk.campaign, chunk.no, chunk.version, &tally);
        if chunk_tally::replace(&mut tx, &tally).await? == database::Change::Applied {
            report.tallies += 1;
        }
    }
    Ok(tx.commit().await.repeatable()?)
}
