//! Grants: which user has which campaign's coupon.
//!
//! A user has at most one grant of a campaign, by the primary key. A grant stays, whatever
//! becomes of its push.

use std::collections::{HashMap, HashSet};

use ::campaign::{CampaignId, CouponId, IntentId};
use chrono::{DateTime, Utc};

use crate::{Error, Executor, Tx, insert_rows, sql};

/// What the grants of one transaction have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The campaign that gives.
    pub campaign_id: CampaignId,
    /// What it gives.
    pub coupon_id: CouponId,
    /// The chunk its users are in.
    pub chunk_no: u32,
    /// The intent written beside them.
    pub intent_id: IntentId,
    /// When.
    pub granted_at: DateTime<Utc>,
}

/// Those of `users`, a chunk's at most, who have the campaign's grant. Read it under the lock of
/// `chunk_grants`: these count before any new one.
pub async fn list_granted_among(
    on: impl Executor,
    campaign: CampaignId,
    users: &[&str],
) -> Result<HashSet<String>, Error> {
    // Primary key.
    sql("SELECT user_id FROM coupon_grant WHERE campaign_id = ? AND user_id IN (?..)")
        .bind(campaign)
        .bind_list(users.iter().copied())
        .list(on, |row| row.get("user_id"))
        .await
}

/// The grants of `users`, a chunk's at most: each user who has one, with the chunk that it was
/// granted in.
pub async fn list_among(
    on: impl Executor,
    campaign: CampaignId,
    users: &[&str],
) -> Result<HashMap<String, u32>, Error> {
    // Primary key.
    sql("SELECT user_id, chunk_no FROM coupon_grant WHERE campaign_id = ? AND user_id IN (?..)")
        .bind(campaign)
        .bind_list(users.iter().copied())
        .list(on, |row| Ok((row.get("user_id")?, row.get("chunk_no")?)))
        .await
}

/// Grants to every one of `users`, a chunk's at most, in one statement and in the order of the
/// key, so that two transactions cannot wait for each other.
///
/// [`Error::UniqueViolation`] if one of them has it already; then none is inserted.
pub async fn insert(tx: &mut Tx, occasion: Occasion, users: &[&str]) -> Result<u64, Error> {
    let mut users = users.to_vec();
    users.sort_unstable();
    let rows = users.into_iter().map(|user| {
        [
            occasion.campaign_id.into(),
            user.into(),
            occasion.coupon_id.into(),
            occasion.chunk_no.into(),
            occasion.intent_id.into(),
            occasion.granted_at.into(),
        ]
    });
    insert_rows(
        tx,
        "INSERT INTO coupon_grant (campaign_id, user_id, coupon_id, chunk_no, intent_id, granted_at)",
        rows.collect(),
        "",
    )
    .await
}

/// How many users have the campaign's grant in this shard.
pub async fn count(on: impl Executor, campaign: CampaignId) -> Result<u64, Error> {
    // Primary key.
    sql("SELECT COUNT(*) AS grants FROM coupon_grant WHERE campaign_id = ?")
        .bind(campaign)
        .fetch_one(on)
        .await?
        .get("grants")
}

/// The campaign's users with a grant and the chunk of each, by user: those after `after`, or
/// from the first (`""`).
pub async fn list_users(
    on: impl Executor,
    campaign: CampaignId,
    after: &str,
    limit: u32,
) -> Result<Vec<(String, u32)>, Error> {
    // Primary key.
    sql(
        "SELECT user_id, chunk_no FROM coupon_grant WHERE campaign_id = ? AND user_id > ? \
         ORDER BY user_id LIMIT ?",
    )
    .bind(campaign)
    .bind(after)
    .bind(limit)
    .list(on, |row| Ok((row.get("user_id")?, row.get("chunk_no")?)))
    .await
}

/// Puts `pseudonym`, which no other user has or had, in the place of an erased user; counts and
/// stock stay true. Says how many grants it was. A repeat does nothing.
pub async fn replace_user(tx: &mut Tx, user_id: &str, pseudonym: &str) -> Result<u64, Error> {
    // Index coupon_grant_by_user.
    sql("UPDATE coupon_grant SET user_id = ? WHERE user_id = ?")
        .bind(pseudonym)
        .bind(user_id)
        .execute(tx)
        .await
}
