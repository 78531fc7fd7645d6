//! Judges the canaries of running campaigns.
//!
//! Any number of processes may judge at once, and a process that dies in between leaves it to the
//! next pass: how a canary went is told by its chunks' totals, and is decided under the lock of the
//! campaign's row, once. Until then dispatch hands over no other chunk.

use campaign::canary::{Tried, Verdict};
use campaign::{CanaryState, Transition};
use database::Change;
use database::campaign::{self as campaigns, Campaign, Transitioned};
use database::chunk_tally;
use runtime::Backends;
use tracing::{info, warn};

use crate::error::Error;
use crate::plan;

/// Passes the canary, or pauses the campaign, if that is to be decided and can be.
pub(super) async fn judge(backends: &Backends, campaign: &Campaign) -> Result<(), Error> {
    let Some(canary) = plan::open_canary(campaign)? else {
        return Ok(());
    };
    let db = &backends.db;
    let chunks = canary.chunks(campaign.chunk_count);
    let total = chunk_tally::total_below(db, campaign.id, chunks).await?;
    let tried = Tried::of(&total.tally);
    let is_through = total.closed == u64::from(chunks);
    let now = backends.process.clock.now();
    let state = match canary.judge(tried, is_through) {
        Verdict::Wait => return Ok(()),
        Verdict::Pass => CanaryState::Passed,
        Verdict::Fail => CanaryState::Failed,
    };
    let reason = canary.reason(tried);
    fault_points::reach!(
        CanaryJudged,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    let mut tx = db.begin().await?;
    let decided = campaigns::decide_canary(&mut tx, campaign.id, state, now).await?;
    if decided == Change::Applied && state == CanaryState::Failed {
        let paused = campaigns::transition(&mut tx, campaign.id, Transition::Pause, Some(&reason), now);
        // One that a person has paused meanwhile stays so, with its canary failed.
        let _: Transitioned = paused.await?;
    }
    fault_points::reach!(
        CanaryDecided,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    tx.commit().await.repeatable()?;
    fault_points::reach!(
        CanaryCommitAnswer,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    fault_points::reach!(CanaryCommitted);
    if decided == Change::Stale {
        return Ok(());
    }
    if state == CanaryState::Failed {
        warn!(campaign.id = %campaign.id, cause = reason, "a campaign is paused");
    } else {
        info!(
            campaign.id = %campaign.id,
            canary.sent = tried.sent,
            canary.failed = tried.failed,
            "a campaign's canary has passed"
        );
        backends.nudges.dispatch.nudge();
    }
    Ok(())
}
