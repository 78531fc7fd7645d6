//! The import's side of an audience: a lease, progress, and an end.
//!
//! Every change names the token under which the import claimed the audience, and is stale once
//! somebody else claimed it or it was cancelled.

use ::campaign::{AudienceId, LeaseToken};
use chrono::{DateTime, Utc};

use super::Audience;
use super::upload::select_audiences;
use crate::text::cut;
use crate::{Change, Error, Tx, sql};

/// What an import made so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of the file.
    pub read_bytes: u64,
    /// Records read, accepted or not.
    pub records: u64,
    /// Recipients accepted.
    pub size: u64,
    /// Chunks stored.
    pub chunk_count: u32,
    /// JSON object: rejected rows by reason.
    pub rejected: String,
    /// JSON array: names of the template variables.
    pub variables: String,
    /// Where to go on: JSON of the import's own.
    pub resume_from: Option<String>,
}

/// The right to import one audience until the lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// As it was when it was claimed, in state `importing`.
    pub audience: Audience,
    /// What every change must name.
    pub token: LeaseToken,
}

/// Claims the oldest audience that waits for an import, or whose import's lease ran out.
pub async fn claim_import(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Claim>, Error> {
    // Index audience_by_state.
    let found = sql(select_audiences!(
        "WHERE state IN ('uploaded', 'importing') AND (leased_until IS NULL OR leased_until <= ?) \
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ))
    .bind(now)
    .find(&mut *tx, Audience::read)
    .await?;
    let Some(mut audience) = found else {
        return Ok(None);
    };
    let token = LeaseToken::allocate();
    sql("UPDATE audience SET state = 'importing', lease_token = ?, leased_until = ?, updated_at = ? WHERE id = ?")
        .bind(token)
        .bind(until)
        .bind(now)
        .bind(audience.id)
        .execute(tx)
        .await?;
    audience.state = super::AudienceState::Importing;
    Ok(Some(Claim { audience, token }))
}

/// Keeps progress in the transaction of the chunks it counts, and extends the lease.
pub async fn advance(
    tx: &mut Tx,
    id: AudienceId,
    token: LeaseToken,
    progress: &Progress,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET read_bytes = ?, records = ?, size = ?, chunk_count = ?, rejected = ?, variables = ?, \
         resume_from = ?, leased_until = ?, updated_at = ? \
         WHERE id = ? AND lease_token = ? AND state = 'importing'",
    )
    .bind(progress.read_bytes)
    .bind(progress.records)
    .bind(progress.size)
    .bind(progress.chunk_count)
    .bind(&progress.rejected)
    .bind(&progress.variables)
    .bind(progress.resume_from.as_ref())
    .bind(until)
    .bind(now)
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Freezes the audience. Its last progress is kept before, in the same transaction.
pub async fn mark_ready(
    tx: &mut Tx,
    id: AudienceId,
    token: LeaseToken,
    digest: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET state = 'ready', digest = ?, ready_at = ?, updated_at = ?, resume_from = NULL, \
         lease_token = NULL, leased_until = NULL WHERE id = ? AND lease_token = ? AND state = 'importing'",
    )
    .bind(digest)
    .bind(now)
    .bind(now)
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Refuses the file, for a reason that is cut to 512 characters.
pub async fn mark_refused(
    tx: &mut Tx,
    id: AudienceId,
    token: LeaseToken,
    refusal: &str,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET state = 'refused', refusal = ?, updated_at = ?, resume_from = NULL, \
         lease_token = NULL, leased_until = NULL WHERE id = ? AND lease_token = ? AND state = 'importing'",
    )
    .bind(cut(refusal, 512))
    .bind(now)
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Waits until every import's transaction that is under way has ended. Whatever was committed
/// before this call is seen by every transaction that an import begins to write in after it.
pub async fn wait_for_imports(tx: &mut Tx) -> Result<(), Error> {
    // Index audience_by_state. An import locks its row first, by `advance`.
    sql("SELECT id FROM audience WHERE state = 'importing' FOR UPDATE")
        .fetch_all(tx)
        .await?;
    Ok(())
}
