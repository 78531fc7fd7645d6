//! Intents: durable promises that Datastore will follow what SQL committed.
//!
//! An intent is written in the transaction of its grants. Until it is closed, `due_at` says when
//! somebody must look at it: reconcile leases those that are due, which moves `due_at` to the
//! end of the lease, so that a lease that is never finished comes due by itself.

use ::campaign::{CampaignId, IntentId, LeaseToken};
use chrono::{DateTime, Utc};

use crate::text::cut;
use crate::word::words;
use crate::{Change, Error, Executor, Row, Tx, sql};

words! {
    /// How far an intent is.
    IntentState {
        /// Datastore is not known to have followed.
        Open = "open",
        /// It has.
        Closed = "closed",
        /// It cannot, for the reason beside it; a person must look.
        Dead = "dead",
    }
}

/// A bit for each of a chunk's recipients, by position: bit `i % 8` of byte `i / 8`.
pub type UserMap = [u8; 64];

/// An intent as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// A UUIDv7.
    pub id: IntentId,
    /// Whose chunk.
    pub campaign_id: CampaignId,
    /// Which chunk.
    pub chunk_no: u32,
    /// The users whose pushes must be raised.
    pub users: UserMap,
    /// How far it is.
    pub state: IntentState,
    /// How often its repair was tried.
    pub attempts: u32,
    /// When it next needs attention.
    pub due_at: DateTime<Utc>,
    /// Why the last repair failed.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was closed or given up.
    pub closed_at: Option<DateTime<Utc>>,
}

/// The columns of an [`Intent`], for statements that select whole ones.
macro_rules! select_intents {
    ($rest:literal) => {
        concat!(
            "SELECT id, campaign_id, chunk_no, users, state, attempts, due_at, last_error, created_at, closed_at \
             FROM intent ",
            $rest
        )
    };
}

/// Inserts an open intent, in the transaction of its grants. It comes due at `due_at`, a little
/// after the sender would have closed it.
pub async fn insert(
    tx: &mut Tx,
    id: IntentId,
    campaign: CampaignId,
    chunk_no: u32,
    users: &UserMap,
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<(), Error> {
    sql(
        "INSERT INTO intent (id, campaign_id, chunk_no, users, state, attempts, due_at, created_at) \
         VALUES (?, ?, ?, ?, 'open', 0, ?, ?)",
    )
    .bind(id)
    .bind(campaign)
    .bind(chunk_no)
    .bind(users)
    .bind(due_at)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// The intent, if there is one with that id.
pub async fn find(on: impl Executor, id: IntentId) -> Result<Option<Intent>, Error> {
    sql(select_intents!("WHERE id = ?")).bind(id).find(on, read).await
}

/// How far the intent is, until the end of the transaction; `None` if there is none with that id.
pub async fn lock(tx: &mut Tx, id: IntentId) -> Result<Option<IntentState>, Error> {
    sql("SELECT state FROM intent WHERE id = ? FOR UPDATE")
        .bind(id)
        .find(tx, |row| row.get("state"))
        .await
}

/// Closes intents whose Datastore side is done, 499 at most, and says how many were open. By
/// whoever knows it is done: no token is needed, and a repeat does nothing.
pub async fn close(tx: &mut Tx, ids: &[IntentId], now: DateTime<Utc>) -> Result<u64, Error> {
    // Primary key, in its order.
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    sql("UPDATE intent SET state = 'closed', closed_at = ?, lease_token = NULL WHERE state <> 'closed' AND id IN (?..)")
        .bind(now)
        .bind_list(ids)
        .execute(tx)
        .await
}

/// Leases up to `limit` open intents that are due, oldest first, until `until`. They share the
/// token that is answered with them.
pub async fn lease_open(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<(LeaseToken, Vec<Intent>), Error> {
    let token = LeaseToken::allocate();
    // Index intent_by_due.
    let intents: Vec<_> = sql(select_intents!(
        "WHERE state = 'open' AND due_at <= ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED"
    ))
    .bind(now)
    .bind(limit)
    .list(&mut *tx, read)
    .await?;
    if intents.is_empty() {
        return Ok((token, intents));
    }
    sql("UPDATE intent SET lease_token = ?, due_at = ?, attempts = attempts + 1 WHERE id IN (?..)")
        .bind(token)
        .bind(until)
        .bind_list(intents.iter().map(|intent| intent.id))
        .execute(tx)
        .await?;
    Ok((token, intents))
}

/// Puts a leased intent off until `due_at`, with the reason why it could not be repaired, cut to
/// 512 characters.
pub async fn postpone(
    tx: &mut Tx,
    id: IntentId,
    token: LeaseToken,
    due_at: DateTime<Utc>,
    error: &str,
) -> Result<Change, Error> {
    sql(
        "UPDATE intent SET due_at = ?, last_error = ?, lease_token = NULL \
         WHERE id = ? AND lease_token = ? AND state = 'open'",
    )
    .bind(due_at)
    .bind(cut(error, 512))
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Gives a leased intent up, with the reason, cut to 512 characters.
pub async fn mark_dead(
    tx: &mut Tx,
    id: IntentId,
    token: LeaseToken,
    error: &str,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE intent SET state = 'dead', last_error = ?, closed_at = ?, lease_token = NULL \
         WHERE id = ? AND lease_token = ? AND state = 'open'",
    )
    .bind(cut(error, 512))
    .bind(now)
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Makes an intent that is not closed due now, with its attempts counted anew; a dead one is open
/// again. Why its last repair failed stays readable. Whoever holds its lease loses it, so that a
/// back-off decided before does not put it off again. Stale if it is closed.
pub async fn reopen(tx: &mut Tx, id: IntentId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql(
        "UPDATE intent SET state = 'open', attempts = 0, due_at = ?, closed_at = NULL, lease_token = NULL \
         WHERE id = ? AND state <> 'closed'",
    )
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

/// When the first of those intents comes due whose repair was begun and is not done: its back-off
/// ends, or the lease of whoever took it and fell silent. `None` if there is none.
pub async fn next_due(on: impl Executor) -> Result<Option<DateTime<Utc>>, Error> {
    // Index intent_by_due. Those that were not tried are with their senders, as a rule.
    sql("SELECT MIN(due_at) AS due_at FROM intent WHERE state = 'open' AND attempts > 0")
        .fetch_one(on)
        .await?
        .get("due_at")
}

/// How many of the campaign's intents are not closed; dead ones are not.
pub async fn count_open(on: impl Executor, campaign: CampaignId) -> Result<u64, Error> {
    // Index intent_by_campaign.
    sql("SELECT COUNT(*) AS intents FROM intent WHERE campaign_id = ? AND state IN ('open', 'dead')")
        .bind(campaign)
        .fetch_one(on)
        .await?
        .get("intents")
}

/// Deletes up to `limit` closed intents of the campaign and says how many. Dead ones stay.
pub async fn prune(tx: &mut Tx, campaign: CampaignId, limit: u32) -> Result<u64, Error> {
    // Index intent_by_campaign, then primary key. With a subquery in the DELETE, MariaDB reads and
    // locks the whole table.
    let ids: Vec<IntentId> = sql("SELECT id FROM intent WHERE campaign_id = ? AND state = 'closed' LIMIT ?")
        .bind(campaign)
        .bind(limit)
        .list(&mut *tx, |row| row.get("id"))
        .await?;
    sql("DELETE FROM intent WHERE id IN (?..)")
        .bind_list(ids)
        .execute(tx)
        .await
}

fn read(row: &Row) -> Result<Intent, Error> {
    Ok(Intent {
        id: row.get("id")?,
        campaign_id: row.get("campaign_id")?,
        chunk_no: row.get("chunk_no")?,
        users: row.get("users")?,
        state: row.get("state")?,
        attempts: row.get("attempts")?,
        due_at: row.get("due_at")?,
        last_error: row.get("last_error")?,
        created_at: row.get("created_at")?,
        closed_at: row.get("closed_at")?,
    })
}
