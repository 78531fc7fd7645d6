//! Reading campaigns.

use std::collections::HashMap;

use ::campaign::{CampaignId, CampaignState, Lane};
use chrono::{DateTime, Utc};

use super::{Campaign, Kind};
use crate::{Error, Executor, sql};

/// The columns of a [`Campaign`], for statements that select whole ones.
macro_rules! select_campaigns {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, kind, state, reason, lane, audience_id, coupon_id, coupon_for, message, schedule, \
             starts_at, expires_at, audience_size, chunk_count, version, created_at, updated_at, started_at, \
             ended_at, reconciled_at, pruned_at, max_per_second, canary, canary_state FROM campaign ",
            $rest
        )
    };
}

/// The campaign, if there is one with that id.
pub async fn find(on: impl Executor, id: CampaignId) -> Result<Option<Campaign>, Error> {
    sql(select_campaigns!("WHERE id = ?"))
        .bind(id)
        .find(on, Campaign::read)
        .await
}

/// Campaigns, newest first: those older than `before`, or the newest.
pub async fn list(on: impl Executor, before: Option<CampaignId>, limit: u32) -> Result<Vec<Campaign>, Error> {
    // Primary key. No UUID is greater than the greatest.
    sql(select_campaigns!("WHERE id < ? ORDER BY id DESC LIMIT ?"))
        .bind(before.unwrap_or(CampaignId(uuid::Uuid::max())))
        .bind(limit)
        .list(on, Campaign::read)
        .await
}

/// The states of those of `ids`, some hundreds at most, that are there.
pub async fn list_states(
    on: impl Executor,
    ids: impl IntoIterator<Item = CampaignId>,
) -> Result<HashMap<CampaignId, CampaignState>, Error> {
    sql("SELECT id, state FROM campaign WHERE id IN (?..)")
        .bind_list(ids)
        .list(on, |row| Ok((row.get("id")?, row.get("state")?)))
        .await
}

/// The running campaigns of a lane, by id: those after `after`, or from the first.
pub async fn list_running(
    on: impl Executor,
    lane: Lane,
    after: Option<CampaignId>,
    limit: u32,
) -> Result<Vec<Campaign>, Error> {
    // Index campaign_by_state.
    sql(select_campaigns!(
        "WHERE state = 'running' AND id > ? AND lane = ? ORDER BY id LIMIT ?"
    ))
    .bind(after.unwrap_or(CampaignId(uuid::Uuid::nil())))
    .bind(lane)
    .bind(limit)
    .list(on, Campaign::read)
    .await
}

/// Scheduled campaigns whose time has come, oldest id first. Start them; they do not show again.
pub async fn list_to_start(
    on: impl Executor,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Campaign>, Error> {
    // Index campaign_by_state.
    sql(select_campaigns!(
        "WHERE state = 'scheduled' AND starts_at <= ? ORDER BY id LIMIT ?"
    ))
    .bind(now)
    .bind(limit)
    .list(on, Campaign::read)
    .await
}

/// Campaigns that were started and have something left to be done, final ones included, by id:
/// those after `after`, or from the first.
pub async fn list_to_reconcile(
    on: impl Executor,
    after: Option<CampaignId>,
    limit: u32,
) -> Result<Vec<Campaign>, Error> {
    // Index campaign_by_reconciliation.
    sql(select_campaigns!(
        "WHERE reconciled_at IS NULL AND id > ? AND started_at IS NOT NULL ORDER BY id LIMIT ?"
    ))
    .bind(after.unwrap_or(CampaignId(uuid::Uuid::nil())))
    .bind(limit)
    .list(on, Campaign::read)
    .await
}

/// Campaigns of that kind, final ones too, by id: those after `after`, or from the first.
pub async fn list_of_kind(
    on: impl Executor,
    kind: Kind,
    after: Option<CampaignId>,
    limit: u32,
) -> Result<Vec<Campaign>, Error> {
    // Primary key: all campaigns that are kept are looked at, once in a while.
    sql(select_campaigns!("WHERE id > ? AND kind = ? ORDER BY id LIMIT ?"))
        .bind(after.unwrap_or(CampaignId(uuid::Uuid::nil())))
        .bind(kind)
        .bind(limit)
        .list(on, Campaign::read)
        .await
}

/// Whether any campaign runs, is paused, or ended at `since` or after: whether
/// somebody may still be at work on what was read before `since`.
pub async fn is_any_active_since(on: impl Executor, since: DateTime<Utc>) -> Result<bool, Error> {
    // Index campaign_by_state for the first two; all final campaigns are looked at, once in a
    // while.
    let rows = sql("SELECT id FROM campaign WHERE state IN ('running', 'paused') OR ended_at >= ? LIMIT 1")
        .bind(since)
        .fetch_all(on)
        .await?;
    Ok(!rows.is_empty())
}

/// Final campaigns that ended before `ended_before`, have nothing left to be done and are not
/// pruned, oldest id first: those after `after`, or from the first.
pub async fn list_ended(
    on: impl Executor,
    ended_before: DateTime<Utc>,
    after: Option<CampaignId>,
    limit: u32,
) -> Result<Vec<Campaign>, Error> {
    // Either index will do: pruning is rare and in no hurry.
    sql(select_campaigns!(
        "WHERE id > ? AND state IN ('finished', 'cancelled', 'failed') AND ended_at < ? \
         AND (reconciled_at IS NOT NULL OR started_at IS NULL) AND pruned_at IS NULL ORDER BY id LIMIT ?"
    ))
    .bind(after.unwrap_or(CampaignId(uuid::Uuid::nil())))
    .bind(ended_before)
    .bind(limit)
    .list(on, Campaign::read)
    .await
}

/// Campaigns that are marked as pruned and still have a mark of their fan-out, by id: the mark is
/// the last that is deleted of them.
pub async fn list_half_pruned(on: impl Executor, limit: u32) -> Result<Vec<Campaign>, Error> {
    // Primary keys of both.
    sql(select_campaigns!(
        "WHERE pruned_at IS NOT NULL AND id IN (SELECT campaign_id FROM fan_out_progress) ORDER BY id LIMIT ?"
    ))
    .bind(limit)
    .list(on, Campaign::read)
    .await
}
