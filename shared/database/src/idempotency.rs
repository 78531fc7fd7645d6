//! Answers to requests that carried an idempotency key.
//!
//! The answer is inserted in the transaction of its effect: both happened, or neither. The key
//! with another request's hash is somebody's mistake, which the caller refuses.

use chrono::{DateTime, Utc};

use crate::{Error, Executor, Insertion, Tx, sql};

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// SHA-256 of the request.
    pub request_hash: [u8; 32],
    /// The HTTP status it got.
    pub status: u16,
    /// The JSON it got.
    pub response: String,
}

/// What was answered under this key, if anything was. `scope` is the route and whoever asks, at
/// most 64 characters; `key_hash` is the SHA-256 of the key.
pub async fn find(on: impl Executor, scope: &str, key_hash: &[u8; 32]) -> Result<Option<Answered>, Error> {
    sql("SELECT request_hash, status, response FROM idempotency WHERE scope = ? AND key_hash = ?")
        .bind(scope)
        .bind(key_hash)
        .find(on, |row| {
            Ok(Answered {
                request_hash: row.get("request_hash")?,
                status: row.get("status")?,
                response: row.get("response")?,
            })
        })
        .await
}

/// Keeps an answer. `Existing` if another request was faster: roll back, and give its answer.
pub async fn insert(
    tx: &mut Tx,
    scope: &str,
    key_hash: &[u8; 32],
    answered: &Answered,
    now: DateTime<Utc>,
) -> Result<Insertion, Error> {
    sql(
        "INSERT INTO idempotency (scope, key_hash, request_hash, status, response, created_at) \
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(scope)
    .bind(key_hash)
    .bind(answered.request_hash)
    .bind(answered.status)
    .bind(&answered.response)
    .bind(now)
    .insert(tx)
    .await
}

/// Deletes up to `limit` of the answers given before `before`, oldest first, and those given at the
/// same instant as the last of them. Says how many.
pub async fn prune(tx: &mut Tx, before: DateTime<Utc>, limit: u32) -> Result<u64, Error> {
    // Index idempotency_by_age, twice. With a subquery in the DELETE, MariaDB reads and locks the
    // whole table.
    let last: Option<DateTime<Utc>> =
        sql("SELECT created_at FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT 1 OFFSET ?")
            .bind(before)
            .bind(limit.saturating_sub(1))
            .find(&mut *tx, |row| row.get("created_at"))
            .await?;
    sql("DELETE FROM idempotency WHERE created_at < ? AND created_at <= ?")
        .bind(before)
        .bind(last.unwrap_or(before))
        .execute(tx)
        .await
}
