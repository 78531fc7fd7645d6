//! Every campaign with something left to be done, and whether it may be finished.

use campaign::{Balance, CampaignState, Transition};
use chrono::{DateTime, TimeDelta, Utc};
use database::campaign::{Campaign, Transitioned};
use database::chunk_tally;
use database::shard::intent;
use runtime::Backends;
use tracing::info;

use super::{Report, Walked, canary, chunks, pace, stock, triggered};
use crate::error::Error;
use crate::plan::Plan;
use crate::turns::pass_over;

/// Campaigns in one page.
const PAGE: u32 = 100;

/// A Datastore transaction lives 270 s at most: what was begun before lands within this or never.
const LATE_COMMITS: TimeDelta = TimeDelta::minutes(5);

/// Visits every campaign that was started and is not reconciled for good.
pub(super) async fn visit(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = database::campaign::list_to_reconcile(&backends.db, after, PAGE).await?;
        for campaign in &page {
            if backends.process.stop.is_requested() {
                return Ok(());
            }
            let ended = pass_over(campaign.id, reconcile(backends, campaign, report).await);
            report.leave_if_busy(Some(campaign.id), ended)?;
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}

async fn reconcile(backends: &Backends, campaign: &Campaign, report: &mut Report) -> Result<(), Error> {
    let Some(plan) = Plan::of(campaign)? else {
        return reconcile_triggered(backends, campaign, report).await;
    };
    match campaign.state {
        CampaignState::Running | CampaignState::Paused => {
            chunks::tally_some(backends, campaign, &plan, report).await?;
            stock::return_unused(backends, campaign, report).await?;
            if campaign.state == CampaignState::Running {
                pace::sample(backends, campaign).await?;
                canary::judge(backends, campaign).await?;
                finish(backends, campaign, report).await?;
            }
            Ok(())
        }
        CampaignState::Cancelled | CampaignState::Failed => {
            chunks::cancel_open(backends, campaign, &plan, report).await?;
            stock::return_unused(backends, campaign, report).await?;
            if is_quiet(backends, campaign) && intent::count_open(&backends.db, campaign.id).await? == 0 {
                reconcile_for_good(backends, campaign, report).await?;
            }
            Ok(())
        }
        CampaignState::Draft | CampaignState::Scheduled | CampaignState::Finished => Ok(()),
    }
}

/// One of single pushes is never finished; one that ended early is closed, until no push comes any
/// more that was accepted before.
async fn reconcile_triggered(
    backends: &Backends,
    campaign: &Campaign,
    report: &mut Report,
) -> Result<(), Error> {
    let closed = triggered::close_open(backends, campaign, report).await?;
    if closed == Walked::All && is_quiet(backends, campaign) {
        mark_reconciled(backends, campaign).await?;
    }
    Ok(())
}

/// Whether nobody can be at work on the campaign that ended early: no marker and no result of a
/// sender that had begun before comes any more.
fn is_quiet(backends: &Backends, campaign: &Campaign) -> bool {
    let sender = &backends.process.config.sender;
    let is_past = |ended_at: DateTime<Utc>| {
        ended_at + LATE_COMMITS + sender.lease + sender.skew < backends.process.clock.now()
    };
    campaign.ended_at.is_some_and(is_past) || fault_points::bug!(CancelledForGoodAtOnce)
}

/// Finishes the campaign if everybody was expanded once, every push is final, every chunk is
/// closed and has returned its stock, and no intent is open; otherwise it goes on as it is.
async fn finish(backends: &Backends, campaign: &Campaign, report: &mut Report) -> Result<(), Error> {
    let db = &backends.db;
    let is_returned = stock::is_returned(backends, campaign).await?;
    let total = chunk_tally::total(db, campaign.id).await?;
    let balance = Balance {
        audience: campaign.audience_size,
        expanded: total.expanded,
        tally: total.tally,
        open_chunks: u64::from(campaign.chunk_count).saturating_sub(total.closed),
        // After the stock: a return waits for grants that are in doubt.
        open_intents: intent::count_open(db, campaign.id).await?,
    };
    let is_balanced = is_returned && balance.missing().is_empty();
    if !(is_balanced || fault_points::bug!(FinishedUnbalanced)) {
        return Ok(());
    }
    let now = backends.process.clock.now();
    let mut tx = db.begin().await?;
    let moved = database::campaign::transition(&mut tx, campaign.id, Transition::Finish, None, now).await?;
    if let Transitioned::To(_) = moved {
        let _: database::Change = database::campaign::mark_reconciled(&mut tx, campaign.id, now).await?;
        report.finished += 1;
        info!(campaign.id = %campaign.id, pushes = total.expanded, "a campaign is finished");
    }
    Ok(tx.commit().await.repeatable()?)
}

/// Looks at every chunk once more, because results may have come after a chunk was counted, and
/// marks the campaign, so that it is not visited again.
async fn reconcile_for_good(
    backends: &Backends,
    campaign: &Campaign,
    report: &mut Report,
) -> Result<(), Error> {
    let looked_at = chunks::cancel_all(backends, campaign, report).await?;
    let returned = stock::return_unused(backends, campaign, report).await?;
    let open_intents = intent::count_open(&backends.db, campaign.id).await?;
    if (looked_at, returned, open_intents) != (Walked::All, Walked::All, 0) {
        return Ok(());
    }
    mark_reconciled(backends, campaign).await
}

async fn mark_reconciled(backends: &Backends, campaign: &Campaign) -> Result<(), Error> {
    let mut tx = backends.db.begin().await?;
    let _: database::Change =
        database::campaign::mark_reconciled(&mut tx, campaign.id, backends.process.clock.now()).await?;
    Ok(tx.commit().await.repeatable()?)
}
