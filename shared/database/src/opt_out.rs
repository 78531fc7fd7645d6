//! Users who want no pushes at all.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::{Error, Executor, Tx, sql};

/// Notes that the user wants no pushes. A repeat keeps the first instant.
pub async fn insert(tx: &mut Tx, user_id: &str, now: DateTime<Utc>) -> Result<(), Error> {
    sql("INSERT INTO opt_out (user_id, since) VALUES (?, ?) ON DUPLICATE KEY UPDATE since = opt_out.since")
        .bind(user_id)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes that the user wants pushes again. A repeat does nothing.
pub async fn delete(tx: &mut Tx, user_id: &str) -> Result<(), Error> {
    sql("DELETE FROM opt_out WHERE user_id = ?")
        .bind(user_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Since when the user wants none.
pub async fn find(on: impl Executor, user_id: &str) -> Result<Option<DateTime<Utc>>, Error> {
    sql("SELECT since FROM opt_out WHERE user_id = ?")
        .bind(user_id)
        .find(on, |row| row.get("since"))
        .await
}

/// Those of `users`, a chunk's at most, who want none.
pub async fn list_among(on: impl Executor, users: &[&str]) -> Result<HashSet<String>, Error> {
    sql("SELECT user_id FROM opt_out WHERE user_id IN (?..)")
        .bind_list(users.iter().copied())
        .list(on, |row| row.get("user_id"))
        .await
}
