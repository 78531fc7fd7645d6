//! Stripes: 64 consecutive chunks of a campaign, leased to one process to expand.
//!
//! A stripe only divides the work: whether a chunk is expanded is told by its marker, so a stripe
//! that two processes do at once is done twice and nothing else. Every change names the token of
//! the lease, and is stale once the stripe was leased to somebody else. A stripe that is given
//! back, or whose lease has run out, is leased again before a new one is begun.

use std::ops::Range;

use ::campaign::{CampaignId, LeaseToken};
use chrono::{DateTime, Utc};

use crate::{Change, Error, Executor, Row, Tx, fan_out_progress, sql};

/// Chunks of one stripe; the last one of a campaign may have fewer.
pub const CHUNKS: u32 = 64;

/// A stripe and the right to expand it until the lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub campaign_id: CampaignId,
    /// Which, counted from 0.
    pub no: u32,
    /// What every change must name.
    pub token: LeaseToken,
    /// Every chunk of it below this number is expanded.
    pub low_water: u32,
    /// Whether somebody held it before.
    pub history: History,
}

/// What may have become of a stripe before it was leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Nobody held it: nothing of it was expanded.
    New,
    /// Somebody did: chunks above the mark may be expanded.
    TakenOver,
}

/// Whether a running campaign has a stripe to lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// It has: one that is given back, run out, or not begun.
    Free,
    /// Everything is expanded, or in somebody's hands.
    None,
}

impl Lease {
    /// The numbers of its chunks above the mark, in a campaign of `chunk_count`.
    pub fn chunks(&self, chunk_count: u32) -> Range<u32> {
        self.low_water..chunk_count.min((self.no + 1).saturating_mul(CHUNKS))
    }
}

/// Every running campaign to an audience, by id, and whether it has a stripe to lease at `now`.
pub async fn list_running(on: impl Executor, now: DateTime<Utc>) -> Result<Vec<(CampaignId, Supply)>, Error> {
    // Index campaign_by_state, then the primary keys of the others; a campaign has a handful of
    // stripes that are begun and not done.
    sql(
        "SELECT campaign.id AS id, CASE WHEN COALESCE(progress.begun, 0) * 64 < campaign.chunk_count \
         OR EXISTS (SELECT 1 FROM fan_out_stripe AS stripe WHERE stripe.campaign_id = campaign.id \
         AND (stripe.leased_until IS NULL OR stripe.leased_until <= ?)) THEN 1 ELSE 0 END AS is_free \
         FROM campaign LEFT JOIN fan_out_progress AS progress ON progress.campaign_id = campaign.id \
         WHERE campaign.state = 'running' AND campaign.audience_id IS NOT NULL ORDER BY campaign.id",
    )
    .bind(now)
    .list(on, |row| {
        let supply = match row.get::<u32>("is_free")? {
            0 => Supply::None,
            _ => Supply::Free,
        };
        Ok((row.get("id")?, supply))
    })
    .await
}

/// Leases a stripe of a campaign of `chunk_count` chunks until `until`; `None` if there is none.
pub async fn lease(
    tx: &mut Tx,
    campaign: CampaignId,
    chunk_count: u32,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Lease>, Error> {
    // Locks the campaign's row: whoever leases of the same campaign waits here, so that nobody
    // meets another's half-begun stripe.
    fan_out_progress::insert(&mut *tx, campaign).await?;
    let token = LeaseToken::allocate();
    if let Some((no, low_water)) = find_left(&mut *tx, campaign, now).await? {
        sql("UPDATE fan_out_stripe SET lease_token = ?, leased_until = ? WHERE campaign_id = ? AND no = ?")
            .bind(token)
            .bind(until)
            .bind(campaign)
            .bind(no)
            .execute(tx)
            .await?;
        return Ok(Some(Lease {
            campaign_id: campaign,
            no,
            token,
            low_water,
            history: History::TakenOver,
        }));
    }
    let no = fan_out_progress::find(&mut *tx, campaign).await?.unwrap_or(0);
    if no.saturating_mul(CHUNKS) >= chunk_count {
        return Ok(None);
    }
    let low_water = no * CHUNKS;
    sql(
        "INSERT INTO fan_out_stripe (campaign_id, no, low_water, lease_token, leased_until) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(campaign)
    .bind(no)
    .bind(low_water)
    .bind(token)
    .bind(until)
    .execute(&mut *tx)
    .await?;
    fan_out_progress::begin_next(tx, campaign).await?;
    Ok(Some(Lease {
        campaign_id: campaign,
        no,
        token,
        low_water,
        history: History::New,
    }))
}

/// Raises the stripe's mark, and keeps it until `until`.
pub async fn keep(tx: &mut Tx, lease: &Lease, low_water: u32, until: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE fan_out_stripe SET low_water = ?, leased_until = ? \
         WHERE campaign_id = ? AND no = ? AND lease_token = ?")
    .bind(low_water)
    .bind(until)
    .bind(lease.campaign_id)
    .bind(lease.no)
    .bind(lease.token)
    .change(tx)
    .await
}

/// Raises the stripe's mark, and gives it back: the next may have it at once.
pub async fn give_back(tx: &mut Tx, lease: &Lease, low_water: u32) -> Result<Change, Error> {
    sql(
        "UPDATE fan_out_stripe SET low_water = ?, lease_token = NULL, leased_until = NULL \
         WHERE campaign_id = ? AND no = ? AND lease_token = ?",
    )
    .bind(low_water)
    .bind(lease.campaign_id)
    .bind(lease.no)
    .bind(lease.token)
    .change(tx)
    .await
}

/// Deletes a stripe of which every chunk is expanded.
pub async fn finish(tx: &mut Tx, lease: &Lease) -> Result<Change, Error> {
    sql("DELETE FROM fan_out_stripe WHERE campaign_id = ? AND no = ? AND lease_token = ?")
        .bind(lease.campaign_id)
        .bind(lease.no)
        .bind(lease.token)
        .change(tx)
        .await
}

/// How many of the campaign's stripes are begun and not done.
pub async fn count_open(on: impl Executor, campaign: CampaignId) -> Result<u64, Error> {
    sql("SELECT COUNT(*) AS stripes FROM fan_out_stripe WHERE campaign_id = ?")
        .bind(campaign)
        .fetch_one(on)
        .await?
        .get("stripes")
}

/// Forgets the stripes of a pruned campaign, which ended in the middle of some.
pub async fn delete_all(tx: &mut Tx, campaign: CampaignId) -> Result<(), Error> {
    sql("DELETE FROM fan_out_stripe WHERE campaign_id = ?")
        .bind(campaign)
        .execute(tx)
        .await?;
    Ok(())
}

/// The first stripe that somebody has left, with its mark.
async fn find_left(
    tx: &mut Tx,
    campaign: CampaignId,
    now: DateTime<Utc>,
) -> Result<Option<(u32, u32)>, Error> {
    // Primary key.
    sql("SELECT no, low_water FROM fan_out_stripe WHERE campaign_id = ? \
         AND (leased_until IS NULL OR leased_until <= ?) ORDER BY no LIMIT 1 FOR UPDATE SKIP LOCKED")
    .bind(campaign)
    .bind(now)
    .find(tx, |row: &Row| Ok((row.get("no")?, row.get("low_water")?)))
    .await
}
