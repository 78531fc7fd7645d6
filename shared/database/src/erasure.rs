//! Users whose traces are being removed everywhere.
//!
//! The request is the durable promise; the work goes through the stores page by page and can
//! stop anywhere, since how far it is stands beside it. The row stays when the work is done:
//! it keeps late writers from bringing the user back.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::word::words;
use crate::{Change, Error, Executor, Row, Tx, sql};

words! {
    /// How far an erasure is.
    ErasureState {
        /// There is work left.
        Open = "open",
        /// Nothing of the user is left.
        Done = "done",
    }
}

/// One user's erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub user_id: String,
    /// How far it is.
    pub state: ErasureState,
    /// Where the work goes on: JSON of the worker's own.
    pub resume_from: Option<String>,
    /// When it was asked for, last.
    pub requested_at: DateTime<Utc>,
    /// When the work was done.
    pub done_at: Option<DateTime<Utc>>,
}

/// Asks for the user's erasure. A repeat, also after it was done, begins the work anew.
pub async fn request(tx: &mut Tx, user_id: &str, now: DateTime<Utc>) -> Result<(), Error> {
    sql(
        "INSERT INTO erasure (user_id, state, resume_from, requested_at, done_at) \
         VALUES (?, 'open', NULL, ?, NULL) ON DUPLICATE KEY UPDATE state = VALUES(state), \
         resume_from = VALUES(resume_from), requested_at = VALUES(requested_at), done_at = VALUES(done_at)",
    )
    .bind(user_id)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// The user's erasure, if one was ever asked for.
pub async fn find(on: impl Executor, user_id: &str) -> Result<Option<Erasure>, Error> {
    sql("SELECT user_id, state, resume_from, requested_at, done_at FROM erasure WHERE user_id = ?")
        .bind(user_id)
        .find(on, read)
        .await
}

/// Erasures with work left, by user: those after `after`, or from the first (`""`).
pub async fn list_open(on: impl Executor, after: &str, limit: u32) -> Result<Vec<Erasure>, Error> {
    // Index erasure_by_state.
    sql(
        "SELECT user_id, state, resume_from, requested_at, done_at FROM erasure \
         WHERE state = 'open' AND user_id > ? ORDER BY user_id LIMIT ?",
    )
    .bind(after)
    .bind(limit)
    .list(on, read)
    .await
}

/// Keeps how far an open erasure is that was asked for at `requested_at`. Stale if it was asked
/// for again since, and so begins anew, or is done.
pub async fn advance(
    tx: &mut Tx,
    user_id: &str,
    requested_at: DateTime<Utc>,
    resume_from: &str,
) -> Result<Change, Error> {
    sql("UPDATE erasure SET resume_from = ? WHERE user_id = ? AND state = 'open' AND requested_at = ?")
        .bind(resume_from)
        .bind(user_id)
        .bind(requested_at)
        .change(tx)
        .await
}

/// Ends an erasure that was asked for at `requested_at`. Stale if it was asked for again since.
pub async fn mark_done(
    tx: &mut Tx,
    user_id: &str,
    requested_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE erasure SET state = 'done', resume_from = NULL, done_at = ? \
         WHERE user_id = ? AND state = 'open' AND requested_at = ?",
    )
    .bind(now)
    .bind(user_id)
    .bind(requested_at)
    .change(tx)
    .await
}

/// Those of `users`, a chunk's at most, whose erasure was ever asked for.
pub async fn list_erased_among(on: impl Executor, users: &[&str]) -> Result<HashSet<String>, Error> {
    sql("SELECT user_id FROM erasure WHERE user_id IN (?..)")
        .bind_list(users.iter().copied())
        .list(on, |row| row.get("user_id"))
        .await
}

/// Whether any erasure was ever asked for.
pub async fn exists(on: impl Executor) -> Result<bool, Error> {
    let rows = sql("SELECT user_id FROM erasure LIMIT 1").fetch_all(on).await?;
    Ok(!rows.is_empty())
}

/// Forgets that the user was erased, because they came back. A repeat does nothing.
pub async fn delete(tx: &mut Tx, user_id: &str) -> Result<(), Error> {
    sql("DELETE FROM erasure WHERE user_id = ? AND state = 'done'")
        .bind(user_id)
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Erasure, Error> {
    Ok(Erasure {
        user_id: row.get("user_id")?,
        state: row.get("state")?,
        resume_from: row.get("resume_from")?,
        requested_at: row.get("requested_at")?,
        done_at: row.get("done_at")?,
    })
}
