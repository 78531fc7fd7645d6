//! Every campaign with something left to be done, and whether it may be finished.

use campaign::{Balance, CampaignState, Transition};
use chrono::TimeDelta;
use database::campaign::{Campaign, Transitioned};
use database::chunk_tally;
use database::shard::intent;
use runtime::Backends;
use tracing::info;

use super::{Report, chunks, stock};
use crate::error::Error;
use crate::plan::Plan;
use crate::turns::pass_over;

/// Campaigns in one page.
const PAGE: u32 = 100;

/// A Datastore transaction lives 270 s at most: no chunk of an ended campaign can be expanded
/// later than this after its end.
const LATE_MARKERS: TimeDelta = TimeDelta::minutes(5);

/// Visits every campaign that was started and is not reconciled for good.
pub(super) async fn visit(backends: &Backends, report: &mut Report) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = database::campaign::list_to_reconcile(&backends.db, after, PAGE).await?;
        for campaign in &page {
            if backends.process.stop.is_requested() {
                return Ok(());
            }
            pass_over(campaign.id, reconcile(backends, campaign, report).await)?;
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}

async fn reconcile(backends: &Backends, campaign: &Campaign, report: &mut Report) -> Result<(), Error> {
    let Some(plan) = Plan::of(campaign)? else {
        return Ok(());
    };
    match campaign.state {
        CampaignState::Running | CampaignState::Paused => {
            chunks::tally_some(backends, campaign, &plan, report).await?;
            let open_stock = stock::return_unused(backends, campaign.id, report).await?;
            if campaign.state == CampaignState::Running && open_stock == 0 {
                finish(backends, campaign, report).await?;
            }
            Ok(())
        }
        CampaignState::Cancelled | CampaignState::Failed => {
            chunks::cancel_all(backends, campaign, &plan, report).await?;
            let open_stock = stock::return_unused(backends, campaign.id, report).await?;
            let open_intents = intent::count_open(&backends.db, campaign.id).await?;
            let now = backends.process.clock.now();
            let settled = campaign
                .ended_at
                .is_some_and(|ended_at| ended_at + LATE_MARKERS < now);
            if settled && open_stock == 0 && open_intents == 0 {
                mark_reconciled(backends, campaign).await?;
            }
            Ok(())
        }
        CampaignState::Draft | CampaignState::Scheduled | CampaignState::Finished => Ok(()),
    }
}

/// Finishes the campaign if everybody was expanded once, every push is final and no intent is
/// open; otherwise it goes on as it is.
async fn finish(backends: &Backends, campaign: &Campaign, report: &mut Report) -> Result<(), Error> {
    let total = chunk_tally::total(&backends.db, campaign.id).await?;
    let balance = Balance {
        audience: campaign.audience_size,
        expanded: total.expanded,
        tally: total.tally,
        open_intents: intent::count_open(&backends.db, campaign.id).await?,
    };
    if total.chunks < u64::from(campaign.chunk_count) || !balance.missing().is_empty() {
        return Ok(());
    }
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let moved = database::campaign::transition(&mut tx, campaign.id, Transition::Finish, None, now).await?;
    if let Transitioned::To(_) = moved {
        let _: database::Change = database::campaign::mark_reconciled(&mut tx, campaign.id, now).await?;
        report.finished += 1;
        info!(campaign.id = %campaign.id, pushes = total.expanded, "a campaign is finished");
    }
    Ok(tx.commit().await.repeatable()?)
}

async fn mark_reconciled(backends: &Backends, campaign: &Campaign) -> Result<(), Error> {
    let mut tx = backends.db.begin().await?;
    let _: database::Change =
        database::campaign::mark_reconciled(&mut tx, campaign.id, backends.process.clock.now()).await?;
    Ok(tx.commit().await.repeatable()?)
}
