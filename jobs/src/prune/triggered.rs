//! Deletes single pushes that are over and old, of campaigns that go on and of those that ended.
//!
//! A campaign of that kind is never finished, so its pushes are kept by their own age: as long
//! after they were accepted as a campaign is kept after its end.

use campaign::TimerShards;
use chrono::{DateTime, Utc};
use database::campaign::{self as campaigns, Campaign, Kind};
use futures::future;
use runtime::Backends;

use super::report::Report;
use crate::Error;

/// Campaigns in one page.
const CAMPAIGNS: u32 = 100;

/// Chunks in one page.
const PAGE: u16 = 200;

/// Chunks deleted of all campaigns in one pass.
const CHUNKS: u64 = 20_000;

/// Transactions under way at once.
const AT_ONCE: usize = 8;

/// Deletes what was accepted before `before` and is closed.
pub(super) async fn delete_old(
    backends: &Backends,
    before: DateTime<Utc>,
    report: &mut Report,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = campaigns::list_of_kind(&backends.db, Kind::Triggered, after, CAMPAIGNS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for campaign in &page {
            delete_of(backends, campaign, before, report).await?;
            if report.is_bounded {
                return Ok(());
            }
        }
    }
}

async fn delete_of(
    backends: &Backends,
    campaign: &Campaign,
    before: DateTime<Utc>,
    report: &mut Report,
) -> Result<(), Error> {
    let store = &backends.push_store;
    for shard in 0..TimerShards::TRIGGERED.count() {
        let mut after = None;
        loop {
            if report.chunks >= CHUNKS || backends.process.stop.is_requested() {
                report.is_bounded = true;
                return Ok(());
            }
            let page = store
                .list_accepted(campaign.id, shard, after, before, PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            // Of several that were accepted in the same microsecond some may be left to the next pass.
            after = last.accepted_at;
            let old: Vec<_> = page
                .iter()
                .filter(|chunk| chunk.record.state.is_closed())
                .collect();
            for batch in old.chunks(AT_ONCE) {
                let deleted = future::try_join_all(batch.iter().map(|chunk| store.delete_chunk(chunk.id)));
                let deleted = deleted.await?;
                report.chunks += deleted.len() as u64;
                report.pushes += deleted.iter().sum::<u64>();
            }
        }
    }
    Ok(())
}
