//! The import's side of an audience: a lease, progress, and an end.
//!
//! Every change names the token under which the import claimed the audience, and is stale once
//! somebody else claimed it or it was cancelled.

use ::campaign::{AudienceId, LeaseToken};
use chrono::{DateTime, Utc};

use super::upload::select_audiences;
use super::{Audience, AudienceState, Phase};
use crate::text::cut;
use crate::{Change, Error, Executor, Tx, sql};

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
    /// Where merging goes on: JSON of the import's own.
    pub resume_from: Option<String>,
    /// How far its phase is: bytes of the file, or of merging, partitions.
    pub phase_done: u64,
    /// Where its phase ends.
    pub phase_end: u64,
}

/// The right to import one audience until the lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// As it was when it was claimed, in state `importing` or, with its report to be written,
    /// `ready`.
    pub audience: Audience,
    /// What every change must name.
    pub token: LeaseToken,
}

/// Claims the audience that has waited longest since its import was last claimed, of those whose
/// import has something left to do and is in nobody's hands.
pub async fn claim_import(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Claim>, Error> {
    // Index audience_by_phase: only imports under way have one. Both engines put NULL first.
    let found = sql(select_audiences!(
        "WHERE phase IN ('sort', 'merge', 'report') AND paused_at IS NULL \
         AND (leased_until IS NULL OR leased_until <= ?) \
         ORDER BY served_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ))
    .bind(now)
    .find(&mut *tx, Audience::read)
    .await?;
    let Some(mut audience) = found else {
        return Ok(None);
    };
    let token = LeaseToken::allocate();
    if audience.state == AudienceState::Uploaded {
        audience.state = AudienceState::Importing;
    }
    sql(
        "UPDATE audience SET state = ?, lease_token = ?, leased_until = ?, served_at = ?, updated_at = ? \
         WHERE id = ?",
    )
    .bind(audience.state)
    .bind(token)
    .bind(until)
    .bind(now)
    .bind(now)
    .bind(audience.id)
    .execute(tx)
    .await?;
    Ok(Some(Claim { audience, token }))
}

/// Whether another audience than this waits for an import.
pub async fn is_import_waiting(
    on: impl Executor,
    other_than: AudienceId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    // Index audience_by_phase.
    let found = sql(
        "SELECT id FROM audience WHERE phase IN ('sort', 'merge', 'report') AND paused_at IS NULL \
         AND (leased_until IS NULL OR leased_until <= ?) AND id <> ? LIMIT 1",
    )
    .bind(now)
    .bind(other_than)
    .fetch_all(on)
    .await?;
    Ok(!found.is_empty())
}

/// Keeps progress in the transaction of the chunks it counts, and extends the lease. Stale if the
/// import is somebody else's now, is paused, or the audience was cancelled.
pub async fn advance(
    tx: &mut Tx,
    id: AudienceId,
    token: LeaseToken,
    phase: Phase,
    progress: &Progress,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET read_bytes = ?, records = ?, size = ?, chunk_count = ?, rejected = ?, variables = ?, \
         resume_from = ?, phase = ?, phase_done = ?, phase_end = ?, leased_until = ?, updated_at = ? \
         WHERE id = ? AND lease_token = ? AND state IN ('importing', 'ready')",
    )
    .bind(progress.read_bytes)
    .bind(progress.records)
    .bind(progress.size)
    .bind(progress.chunk_count)
    .bind(&progress.rejected)
    .bind(&progress.variables)
    .bind(progress.resume_from.as_ref())
    .bind(phase)
    .bind(progress.phase_done)
    .bind(progress.phase_end)
    .bind(until)
    .bind(now)
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Freezes the audience; what is left to do is its report. Its last progress is kept before, in
/// the same transaction.
pub async fn mark_ready(
    tx: &mut Tx,
    id: AudienceId,
    token: LeaseToken,
    digest: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET state = 'ready', digest = ?, ready_at = ?, updated_at = ?, resume_from = NULL, \
         phase = 'report', phase_done = 0, phase_end = uploaded_bytes \
         WHERE id = ? AND lease_token = ? AND state = 'importing'",
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
        "UPDATE audience SET state = 'refused', refusal = ?, updated_at = ?, resume_from = NULL, phase = NULL, \
         lease_token = NULL, leased_until = NULL WHERE id = ? AND lease_token = ? AND state = 'importing'",
    )
    .bind(cut(refusal, 512))
    .bind(now)
    .bind(id)
    .bind(token)
    .change(tx)
    .await
}

/// Says that the import of a ready audience has nothing left to do.
pub async fn finish_import(
    tx: &mut Tx,
    id: AudienceId,
    token: LeaseToken,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET phase = NULL, updated_at = ?, lease_token = NULL, leased_until = NULL \
         WHERE id = ? AND lease_token = ? AND state = 'ready'",
    )
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
