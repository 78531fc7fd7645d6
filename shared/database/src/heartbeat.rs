//! The heartbeat: a row that is written on the primary again and again, and looked for on its
//! replicas.
//!
//! What is written is the primary's own time, and it is compared with nothing but an earlier beat.
//! So the clocks of replicas and of our processes do not matter, and any number of processes may
//! beat at once.

use chrono::{DateTime, Utc};

use crate::{Error, Executor, Tx, sql};

/// Beats, and gives the beat before, if there was one: a replica that has it has all that was
/// committed until then. A repeat is another beat.
pub async fn beat(tx: &mut Tx) -> Result<Option<DateTime<Utc>>, Error> {
    let before = sql("SELECT beaten_at FROM heartbeat WHERE id = 1 FOR UPDATE")
        .find(&mut *tx, |row| row.get("beaten_at"))
        .await?;
    sql(
        "INSERT INTO heartbeat (id, beaten_at) VALUES (1, UTC_TIMESTAMP(6)) \
         ON DUPLICATE KEY UPDATE beaten_at = VALUES(beaten_at)",
    )
    .execute(tx)
    .await?;
    Ok(before)
}

/// The last beat that has come here; `None` if none has.
pub async fn last(on: impl Executor) -> Result<Option<DateTime<Utc>>, Error> {
    sql("SELECT beaten_at FROM heartbeat WHERE id = 1")
        .find(on, |row| row.get("beaten_at"))
        .await
}
