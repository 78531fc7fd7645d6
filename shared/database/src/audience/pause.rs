//! A person's hold on an import.

use ::campaign::AudienceId;
use chrono::{DateTime, Utc};

use crate::{Change, Error, Tx, sql};

/// Holds the import, and takes its lease away: whoever works on it finds that out with the next
/// transaction. Stale if it is held already, or there is nothing to hold: the upload is not over,
/// or the audience is ready, refused or cancelled.
pub async fn pause(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET paused_at = ?, updated_at = ?, lease_token = NULL, leased_until = NULL \
         WHERE id = ? AND state IN ('uploaded', 'importing') AND paused_at IS NULL",
    )
    .bind(now)
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

/// Lets the import go on. Stale if it is not held.
pub async fn resume(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE audience SET paused_at = NULL, updated_at = ? \
         WHERE id = ? AND state IN ('uploaded', 'importing') AND paused_at IS NOT NULL")
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}
