//! Waiting until everything that was begun has come to its end.

use std::time::Duration;

use anyhow::Context;
use campaign::{CampaignId, CampaignState, Tally};
use database::shard::intent;
use database::{chunk_tally, inconsistency, stock_reservation};
use journeys::world::Books;
use push_store::{Chunk, MAX_LOOKUP_KEYS, PushStore};
use runtime::Clock;
use tokio::time::sleep;

use super::campaigns::Ended;

/// How long rest may take to come about. What was put off is put off for seconds; but the last
/// results of a campaign that was cancelled are counted only when no more can come, after five
/// minutes.
const PATIENCE: Duration = Duration::from_secs(480);
const POLL: Duration = Duration::from_millis(200);

/// Waits until nothing is left to be done for these campaigns; or says what is.
pub(super) async fn wait(books: &Books, ended: &[Ended], clock: &Clock) -> Vec<String> {
    let begun = clock.monotonic();
    loop {
        let unrest = unrest(books, ended).await;
        if unrest.is_empty() || clock.monotonic().since(begun) > PATIENCE {
            return unrest;
        }
        sleep(POLL).await;
    }
}

async fn unrest(books: &Books, ended: &[Ended]) -> Vec<String> {
    let mut unrest = Vec::new();
    for Ended { id, .. } in ended {
        match open(books, *id).await {
            Ok(open) => unrest.extend(open.map(|what| format!("campaign {id}: {what}"))),
            Err(error) => unrest.push(format!("campaign {id}: {error:#}")),
        }
    }
    match inconsistency::count_open(&books.db).await {
        Ok(0) => {}
        Ok(open) => unrest.push(format!("{open} inconsistencies are open")),
        Err(error) => unrest.push(format!("inconsistencies cannot be read: {error}")),
    }
    unrest
}

/// What is left to be done for a campaign.
async fn open(books: &Books, id: CampaignId) -> anyhow::Result<Option<String>> {
    let Books { db, push_store, .. } = books;
    let intents = intent::count_open(db, id).await?;
    if intents > 0 {
        return Ok(Some(format!("{intents} intents are open")));
    }
    let campaign = database::campaign::find(db, id).await?.context("it is gone")?;
    let audience = campaign.plan.audience_id.context("it has no audience")?;
    if campaign.state == CampaignState::Finished {
        return Ok(None);
    }
    // It counts as reconciled only after minutes, for the sake of what comes late; until then, what
    // a sender that was killed has settled last may be missing in what is shown.
    if !stock_reservation::list_unreturned(db, id, 0, 1).await?.is_empty() {
        return Ok(Some("stock is not returned".to_owned()));
    }
    let not_closed = chunk_tally::list_open(db, id, audience, 0, campaign.chunk_count).await?;
    let open = list_chunks(push_store, id, &not_closed).await?.len();
    if open > 0 {
        return Ok(Some(format!("{open} chunks are not known to be closed")));
    }
    if campaign.reconciled_at.is_some() {
        return Ok(None);
    }
    let all: Vec<_> = (0..campaign.chunk_count).collect();
    let counted: Tally =
        list_chunks(push_store, id, &all)
            .await?
            .iter()
            .fold(Tally::default(), |mut sum, chunk| {
                sum += &chunk.tally;
                sum
            });
    let shown = chunk_tally::total(db, id).await?.tally;
    let read = |tally: Tally| tally.read_in(campaign.state, campaign.audience_size);
    Ok((read(counted) != read(shown)).then(|| "results that came late are not counted".to_owned()))
}

async fn list_chunks(
    push_store: &PushStore,
    campaign: CampaignId,
    numbers: &[u32],
) -> Result<Vec<Chunk>, push_store::Error> {
    let mut chunks = Vec::new();
    for numbers in numbers.chunks(MAX_LOOKUP_KEYS) {
        chunks.extend(push_store.list_chunks(campaign, numbers).await?);
    }
    Ok(chunks)
}
