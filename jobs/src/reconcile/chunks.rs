//! Totals that are behind their chunks, and chunks of campaigns that ended early.

use campaign::{CampaignState, Mark};
use database::campaign::Campaign;
use database::chunk_tally::{self, ChunkTally};
use futures::stream::{self, StreamExt, TryStreamExt};
use push_store::{Chunk, MAX_LOOKUP_KEYS};
use runtime::Backends;

use super::{Report, Walked};
use crate::error::Error;
use crate::plan::Plan;

/// Chunks of a running campaign that are looked at in one pass. Their senders bring the totals
/// up to date by themselves; this finds, in time, what one did not live to do.
const SAMPLE: u32 = 200;

/// Chunks that are closed at once.
const AT_ONCE: usize = 16;

/// Brings the totals of some unsettled chunks of a running campaign up to date: of all when they
/// are few. Which, is left to chance, so that no cursor has to be kept.
pub(super) async fn tally_some(
    backends: &Backends,
    campaign: &Campaign,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Error> {
    let db = &backends.db;
    let from = rand::random_range(0..campaign.chunk_count.max(1));
    let mut numbers = chunk_tally::list_open(db, campaign.id, plan.audience, from, SAMPLE).await?;
    if numbers.len() < SAMPLE as usize {
        numbers = chunk_tally::list_open(db, campaign.id, plan.audience, 0, SAMPLE).await?;
    }
    let mut chunks = backends.push_store.list_chunks(campaign.id, &numbers).await?;
    for chunk in &mut chunks {
        close_settled(backends, chunk).await?;
    }
    record(backends, campaign.state, &chunks, report).await
}

/// Closes a chunk whose last push was settled by somebody who does not hold it. Its timer would
/// bring it back as well, once, for a sender to find nothing in it.
async fn close_settled(backends: &Backends, chunk: &mut Chunk) -> Result<(), Error> {
    let now = backends.process.clock.now();
    if !chunk.is_settled() || chunk.record.state.is_closed() || chunk.record.is_leased(now) {
        return Ok(());
    }
    if let Some((_, closed)) = backends.push_store.close_settled(chunk.id, now).await? {
        *chunk = closed;
    }
    Ok(())
}

/// Closes every chunk of a campaign that ended early and is not known to be closed, and counts it.
/// A marker that comes late is found by the next pass.
pub(super) async fn cancel_open(
    backends: &Backends,
    campaign: &Campaign,
    plan: &Plan,
    report: &mut Report,
) -> Result<(), Error> {
    let page = u32::try_from(MAX_LOOKUP_KEYS).unwrap_or(u32::MAX);
    let mut from = 0;
    while !backends.process.stop.is_requested() {
        let numbers = chunk_tally::list_open(&backends.db, campaign.id, plan.audience, from, page).await?;
        let Some(last) = numbers.last() else { break };
        from = last + 1;
        cancel_page(backends, campaign, &numbers, report).await?;
    }
    Ok(())
}

/// Closes and counts every chunk of a campaign that ended early, also those that were closed and
/// counted before: the results of a sender at work apply when they come.
pub(super) async fn cancel_all(
    backends: &Backends,
    campaign: &Campaign,
    report: &mut Report,
) -> Result<Walked, Error> {
    let numbers = (0..campaign.chunk_count).collect::<Vec<_>>();
    for page in numbers.chunks(MAX_LOOKUP_KEYS) {
        if backends.process.stop.is_requested() {
            return Ok(Walked::Some);
        }
        cancel_page(backends, campaign, page, report).await?;
    }
    Ok(Walked::All)
}

async fn cancel_page(
    backends: &Backends,
    campaign: &Campaign,
    numbers: &[u32],
    report: &mut Report,
) -> Result<(), Error> {
    let chunks = backends.push_store.list_chunks(campaign.id, numbers).await?;
    let closed = stream::iter(chunks)
        .map(|chunk| cancel(backends, chunk))
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    fault_points::reach!(
        ChunksCancelled,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    let is_new = |(mark, _): &&(Mark, Chunk)| *mark == Mark::Applied;
    report.cancelled_chunks += u32::try_from(closed.iter().filter(is_new).count()).unwrap_or(u32::MAX);
    let closed = closed.into_iter().map(|(_, chunk)| chunk).collect::<Vec<_>>();
    record(backends, campaign.state, &closed, report).await
}

/// Closes the chunk if it is open, and says whether it was.
async fn cancel(backends: &Backends, chunk: Chunk) -> Result<(Mark, Chunk), Error> {
    if chunk.record.state.is_closed() {
        return Ok((Mark::Stale, chunk));
    }
    let cancelled = backends.push_store.cancel(chunk.id).await?;
    Ok(cancelled.unwrap_or((Mark::Stale, chunk)))
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
        let tally = ChunkTally::of(
            chunk.campaign,
            chunk.no,
            chunk.version,
            chunk.record.state,
            &tally,
        );
        if chunk_tally::replace(&mut tx, &tally).await? == database::Change::Applied {
            report.tallies += 1;
        }
    }
    Ok(tx.commit().await.repeatable()?)
}
