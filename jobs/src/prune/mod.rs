//! Deletes what is not needed any more.
//!
//! Of a campaign that ended long ago: its chunks and pushes in Datastore, and in SQL what
//! counted them. Its row stays, marked as pruned before anything is deleted, and so do its
//! coupons: grants belong to users, and reservations are the account of the stock. Besides:
//! single pushes that are old, of campaigns that go on; uploads that nobody went on with, what a
//! killed process left of audiences, reports that were kept long enough, idempotency keys that no
//! repeat is expected for, and addresses that have ended by themselves.
//!
//! Every deletion may be repeated, and what there is to delete is found by looking. So a pass
//! that was cut off is gone on with by the next.

mod audiences;
mod deletion;
mod devices;
mod eligibility;
mod keys;
mod report;
mod reports;
mod triggered;

use campaign::CampaignId;
use database::Change;
use database::campaign::{self as campaigns, Campaign};
use database::fan_out_progress;
use push_store::MAX_LOOKUP_KEYS;
use runtime::Backends;
use tracing::info;

use crate::Error;
use deletion::Deleted;
use eligibility::Eligibility;

pub use report::Report;
pub(crate) use reports::discard as discard_report;

/// Campaigns in one page.
const PAGE: u32 = 100;

/// Goes on with what is half deleted, then looks for more.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    finish_half_pruned(backends, &mut report).await?;
    prune_ended(backends, &mut report).await?;
    let before = backends.process.clock.now() - backends.process.config.prune.keep;
    triggered::delete_old(backends, before, &mut report).await?;
    audiences::clear(backends, &mut report).await?;
    reports::clear(backends, &mut report).await?;
    keys::forget(backends, &mut report).await?;
    devices::remove(backends, &mut report).await?;
    keys::delete_feedback(backends, before).await?;
    Ok(report)
}

async fn finish_half_pruned(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    for campaign in campaigns::list_half_pruned(&backends.db, PAGE).await? {
        if delete(backends, &campaign, report).await? == Deleted::Some {
            return Ok(());
        }
    }
    Ok(())
}

async fn prune_ended(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let before = backends.process.clock.now() - backends.process.config.prune.keep;
    let mut after = None;
    while !report.is_bounded && !backends.process.stop.is_requested() {
        let page = campaigns::list_ended(&backends.db, before, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        for campaign in &page {
            let eligible = eligibility::of(backends, campaign).await?;
            let prunable = eligible == Eligibility::Prunable && mark(backends, campaign.id).await?;
            if prunable && delete(backends, campaign, report).await? == Deleted::Some {
                return Ok(());
            }
        }
        after = Some(last.id);
    }
    Ok(())
}

/// Marks the campaign as pruned, and leaves the mark by which it is found until all is deleted.
/// Says whether it was this process that did.
async fn mark(backends: &Backends, campaign: CampaignId) -> Result<bool, Error> {
    let mut tx = backends.db.begin().await?;
    let marked = campaigns::mark_pruned(&mut tx, campaign, backends.process.clock.now()).await?;
    fan_out_progress::insert(&mut tx, campaign).await?;
    tx.commit().await.repeatable()?;
    Ok(marked == Change::Applied)
}

async fn delete(backends: &Backends, campaign: &Campaign, report: &mut Report) -> Result<Deleted, Error> {
    let deleted = deletion::delete(backends, campaign, report).await?;
    match deleted {
        Deleted::All => {
            report.campaigns += 1;
            info!(campaign.id = %campaign.id, "a campaign is pruned");
        }
        Deleted::Some => report.is_bounded = true,
    }
    Ok(deleted)
}

/// The numbers of a campaign's chunks, in pieces of a Lookup each.
fn pages(chunk_count: u32) -> impl Iterator<Item = Vec<u32>> {
    let starts = (0..chunk_count).step_by(MAX_LOOKUP_KEYS);
    starts.map(move |start| (start..chunk_count).take(MAX_LOOKUP_KEYS).collect())
}
