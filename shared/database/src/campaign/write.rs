//! Changing campaigns.

use ::campaign::{CampaignId, CampaignState, CampaignStateError, CanaryState, Transition};
use chrono::{DateTime, Utc};

use super::{Kind, Plan};
use crate::text::cut;
use crate::{Change, Error, Tx, sql};

/// What became of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Transitioned {
    /// The campaign is in this state now.
    To(CampaignState),
    /// Its state does not allow it; nothing was changed.
    Refused(CampaignStateError),
    /// There is no such campaign.
    Missing,
}

/// Inserts a draft. [`Error::UniqueViolation`] if the id is taken.
pub async fn insert(
    tx: &mut Tx,
    id: CampaignId,
    kind: Kind,
    plan: &Plan,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sql(
        "INSERT INTO campaign (id, kind, state, name, lane, audience_id, coupon_id, coupon_for, message, schedule, \
         starts_at, expires_at, max_per_second, canary, canary_state, audience_size, chunk_count, version, created_at, updated_at) \
         VALUES (?, ?, 'draft', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 1, ?, ?)",
    )
    .bind(id)
    .bind(kind)
    .bind(&plan.name)
    .bind(plan.lane)
    .bind(plan.audience_id)
    .bind(plan.coupon_id)
    .bind(plan.coupon_for)
    .bind(&plan.message)
    .bind(&plan.schedule)
    .bind(plan.starts_at)
    .bind(plan.expires_at)
    .bind(plan.max_per_second)
    .bind(plan.canary.as_ref())
    .bind(plan.canary.as_ref().map(|_| CanaryState::Open))
    .bind(now)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Replaces the plan of a draft whose version is still `version`, and counts the version up.
/// Stale if it is no draft any more, was changed since, or is not there.
pub async fn update_draft(
    tx: &mut Tx,
    id: CampaignId,
    version: u32,
    plan: &Plan,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE campaign SET name = ?, lane = ?, audience_id = ?, coupon_id = ?, coupon_for = ?, message = ?, \
         schedule = ?, starts_at = ?, expires_at = ?, max_per_second = ?, canary = ?, canary_state = ?, version = version + 1, updated_at = ? \
         WHERE id = ? AND version = ? AND state = 'draft'",
    )
    .bind(&plan.name)
    .bind(plan.lane)
    .bind(plan.audience_id)
    .bind(plan.coupon_id)
    .bind(plan.coupon_for)
    .bind(&plan.message)
    .bind(&plan.schedule)
    .bind(plan.starts_at)
    .bind(plan.expires_at)
    .bind(plan.max_per_second)
    .bind(plan.canary.as_ref())
    .bind(plan.canary.as_ref().map(|_| CanaryState::Open))
    .bind(now)
    .bind(id)
    .bind(version)
    .change(tx)
    .await
}

/// Fixes how many recipients and chunks the campaign has, before it starts. A repeat does
/// nothing.
pub async fn set_audience_size(
    tx: &mut Tx,
    id: CampaignId,
    audience_size: u64,
    chunk_count: u32,
) -> Result<Change, Error> {
    sql(
        "UPDATE campaign SET audience_size = ?, chunk_count = ? WHERE id = ? AND state IN ('draft', 'scheduled')",
    )
    .bind(audience_size)
    .bind(chunk_count)
    .bind(id)
    .change(tx)
    .await
}

/// Moves the campaign to the state after `transition`, under a lock on its row. `reason`, cut to
/// 255 characters, is kept beside it. A repeat is refused by the state it is in by then.
pub async fn transition(
    tx: &mut Tx,
    id: CampaignId,
    transition: Transition,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Transitioned, Error> {
    let Some(from) = lock_state(tx, id).await? else {
        return Ok(Transitioned::Missing);
    };
    match from.after(transition) {
        Ok(to) => {
            set_state(tx, id, to, reason, now).await?;
            Ok(Transitioned::To(to))
        }
        Err(refusal) => Ok(Transitioned::Refused(refusal)),
    }
}

/// Decides a canary that is open; only one that has failed can be waived. Stale if it was decided
/// before, or there is none.
pub async fn decide_canary(
    tx: &mut Tx,
    id: CampaignId,
    state: CanaryState,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    let from = match state {
        CanaryState::Waived => CanaryState::Failed,
        CanaryState::Open | CanaryState::Passed | CanaryState::Failed => CanaryState::Open,
    };
    // Primary key.
    sql("UPDATE campaign SET canary_state = ?, updated_at = ? WHERE id = ? AND canary_state = ?")
        .bind(state)
        .bind(now)
        .bind(id)
        .bind(from)
        .change(tx)
        .await
}

/// Marks a final campaign as pruned; from here on nothing may be written for it. Stale if it is
/// not final, or pruned already.
pub async fn mark_pruned(tx: &mut Tx, id: CampaignId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE campaign SET pruned_at = ? \
         WHERE id = ? AND state IN ('finished', 'cancelled', 'failed') AND pruned_at IS NULL")
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

/// Marks a final campaign as one for which nothing is left to be done. Stale if it is not final,
/// or marked already.
pub async fn mark_reconciled(tx: &mut Tx, id: CampaignId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE campaign SET reconciled_at = ? \
         WHERE id = ? AND state IN ('finished', 'cancelled', 'failed') AND reconciled_at IS NULL")
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

async fn lock_state(tx: &mut Tx, id: CampaignId) -> Result<Option<CampaignState>, Error> {
    sql("SELECT state FROM campaign WHERE id = ? FOR UPDATE")
        .bind(id)
        .find(tx, |row| row.get("state"))
        .await
}

/// Sets the state and the instants that go with it: the first start and the one end stay.
async fn set_state(
    tx: &mut Tx,
    id: CampaignId,
    to: CampaignState,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let started = (to == CampaignState::Running).then_some(now);
    let ended = to.is_final().then_some(now);
    sql(
        "UPDATE campaign SET state = ?, reason = ?, updated_at = ?, started_at = COALESCE(started_at, ?), \
         ended_at = COALESCE(ended_at, ?) WHERE id = ?",
    )
    .bind(to)
    .bind(reason.map(|reason| cut(reason, 255)))
    .bind(now)
    .bind(started)
    .bind(ended)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}
