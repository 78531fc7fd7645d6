//! How far a store's cold key ranges are warmed up, for all processes that write to it.
//!
//! The rule itself is no matter of this module: it keeps two figures for each store, under a
//! lock, so that what one process was let write counts for all of them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{Error, Executor, Row, Tx, sql};

/// Where a store is on its ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Time on the ramp, in whole microseconds.
    pub elapsed: Duration,
    /// When the writes that were let through are written.
    pub free_at: DateTime<Utc>,
}

/// Where `store` is, locked until the transaction ends. One that is not known begins at `now`.
pub async fn lock(tx: &mut Tx, store: &str, now: DateTime<Utc>) -> Result<Position, Error> {
    sql("INSERT INTO ramp (store, elapsed_us, free_at) VALUES (?, 0, ?) \
         ON DUPLICATE KEY UPDATE elapsed_us = ramp.elapsed_us")
    .bind(store)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let position = sql("SELECT elapsed_us, free_at FROM ramp WHERE store = ? FOR UPDATE")
        .bind(store)
        .find(tx, read)
        .await?;
    position.ok_or_else(|| Error::fault("a row that was just inserted is not there"))
}

/// Where `store` is, as was written last; `None` for one that nobody has written to under the ramp.
pub async fn find(on: impl Executor, store: &str) -> Result<Option<Position>, Error> {
    sql("SELECT elapsed_us, free_at FROM ramp WHERE store = ?")
        .bind(store)
        .find(on, read)
        .await
}

/// Moves it on, under the [`lock`].
pub async fn advance(tx: &mut Tx, store: &str, to: Position) -> Result<(), Error> {
    sql("UPDATE ramp SET elapsed_us = ?, free_at = ? WHERE store = ?")
        .bind(u64::try_from(to.elapsed.as_micros()).unwrap_or(u64::MAX))
        .bind(to.free_at)
        .bind(store)
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Position, Error> {
    Ok(Position {
        elapsed: Duration::from_micros(row.get("elapsed_us")?),
        free_at: row.get("free_at")?,
    })
}
