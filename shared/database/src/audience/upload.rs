//! Making and reading audiences, up to the whole file.

use ::campaign::AudienceId;
use chrono::{DateTime, Utc};

use super::Audience;
use crate::{Change, Error, Executor, Tx, sql};

/// The columns of an [`Audience`], for statements that select whole ones.
macro_rules! select_audiences {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, state, refusal, base_id, sources, settings, uploaded_bytes, read_bytes, records, size, chunk_count, \
             rejected, variables, resume_from, phase, phase_done, phase_end, paused_at, digest, created_at, \
             updated_at, ready_at FROM audience ",
            $rest
        )
    };
}
pub(super) use select_audiences;

/// Inserts an audience whose file is to come. `settings` is JSON.
pub async fn insert(
    tx: &mut Tx,
    id: AudienceId,
    name: &str,
    settings: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sql(
        "INSERT INTO audience (id, name, state, settings, uploaded_bytes, read_bytes, records, size, chunk_count, \
         rejected, variables, created_at, updated_at) VALUES (?, ?, 'uploading', ?, 0, 0, 0, 0, 0, '{}', '[]', ?, ?)",
    )
    .bind(id)
    .bind(name)
    .bind(settings)
    .bind(now)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Says what an audience is made of, in the transaction that inserts it. `sources` is JSON.
pub async fn set_sources(
    tx: &mut Tx,
    id: AudienceId,
    base: Option<AudienceId>,
    sources: Option<&str>,
) -> Result<(), Error> {
    sql("UPDATE audience SET base_id = ?, sources = ? WHERE id = ?")
        .bind(base)
        .bind(sources)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// The audience, if there is one with that id.
pub async fn find(on: impl Executor, id: AudienceId) -> Result<Option<Audience>, Error> {
    sql(select_audiences!("WHERE id = ?"))
        .bind(id)
        .find(on, Audience::read)
        .await
}

/// Audiences, newest first: those older than `before`, or the newest.
pub async fn list(on: impl Executor, before: Option<AudienceId>, limit: u32) -> Result<Vec<Audience>, Error> {
    // Primary key. No UUID is greater than the greatest.
    sql(select_audiences!("WHERE id < ? ORDER BY id DESC LIMIT ?"))
        .bind(before.unwrap_or(AudienceId(uuid::Uuid::max())))
        .bind(limit)
        .list(on, Audience::read)
        .await
}

/// Shows that somebody goes on with an upload, before a part of it is stored in the database of
/// files. Stale if the upload is over.
pub async fn touch_upload(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE audience SET updated_at = ? WHERE id = ? AND state = 'uploading'")
        .bind(now)
        .bind(id)
        .change(tx)
        .await
}

/// Counts the bytes of parts that are stored. Stale if the upload is over.
pub async fn add_uploaded(
    tx: &mut Tx,
    id: AudienceId,
    bytes: u64,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET uploaded_bytes = uploaded_bytes + ?, updated_at = ? \
         WHERE id = ? AND state = 'uploading'",
    )
    .bind(bytes)
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

/// Says that every part is there, and leaves the rest to the import. Stale if the upload was over
/// before.
pub async fn complete_upload(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET state = 'uploaded', phase = 'sort', phase_end = uploaded_bytes, updated_at = ? \
         WHERE id = ? AND state = 'uploading'",
    )
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

/// Gives an audience up before it is ready. Stale if it is ready, refused or cancelled.
pub async fn cancel(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql(
        "UPDATE audience SET state = 'cancelled', phase = NULL, updated_at = ? \
         WHERE id = ? AND state IN ('uploading', 'uploaded', 'importing')",
    )
    .bind(now)
    .bind(id)
    .change(tx)
    .await
}

/// Gives up an upload that will not end. Stale if it has ended, or was cancelled; a COMMIT of
/// its end that is still under way is waited for.
pub async fn abandon_upload(tx: &mut Tx, id: AudienceId, now: DateTime<Utc>) -> Result<Change, Error> {
    sql("UPDATE audience SET state = 'cancelled', updated_at = ? WHERE id = ? AND state = 'uploading'")
        .bind(now)
        .bind(id)
        .change(tx)
        .await
}

/// Deletes a cancelled audience of which no part and no chunk is left. Stale if it is not
/// cancelled, or not there.
pub async fn delete_cancelled(tx: &mut Tx, id: AudienceId) -> Result<Change, Error> {
    sql("DELETE FROM audience WHERE id = ? AND state = 'cancelled'")
        .bind(id)
        .change(tx)
        .await
}
