//! Imports under way, beside the files that they read: how far they are, and the runs of rows that
//! lie between their steps.
//!
//! What a step writes here is a function of the file and of the settings, so it does not matter who
//! does it; it matters that it is done once. So every step names the step that it follows, and is
//! stale when somebody else was there before. This is another database than that of the lease,
//! and asks for none.

use ::campaign::AudienceId;

use crate::word::words;
use crate::{Change, Error, Executor, Tx, Value, insert_rows, sql};

words! {
    /// What is in a run.
    RunKind {
        /// Rows of the file, in its order.
        Rows = "rows",
        /// Recipients of other audiences.
        Included = "included",
        /// Users who are not in the audience.
        Excluded = "excluded",
        /// The only users who may be in it.
        Required = "required",
        /// What the partitions before leave to one.
        Carried = "carried",
        /// Duplicates on a stretch of lines, one run for each partition.
        Duplicates = "duplicates",
    }
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Whose.
    pub audience_id: AudienceId,
    /// JSON: with what it began.
    pub settings: String,
    /// Batches that are sorted.
    pub sorted: u32,
    /// Partitions of which all that is written here is written.
    pub merged: u32,
    /// JSON: where sorting goes on; `None` before the first batch.
    pub resume_from: Option<String>,
}

/// A run of rows or of duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What is in it.
    pub kind: RunKind,
    /// The partition; of duplicates, the stretch of lines.
    pub place: u32,
    /// Its number there; of duplicates, the partition.
    pub no: u32,
    /// At most 1 MiB.
    pub bytes: Vec<u8>,
}

/// Begins an import with these settings, unless it was begun before; gives how far it is.
pub async fn begin(tx: &mut Tx, audience: AudienceId, settings: &str) -> Result<Work, Error> {
    if let Some(work) = find(&mut *tx, audience).await? {
        return Ok(work);
    }
    let inserted = sql("INSERT INTO import_work (audience_id, settings, sorted, merged) VALUES (?, ?, 0, 0)")
        .bind(audience)
        .bind(settings)
        .execute(&mut *tx)
        .await;
    match inserted {
        Ok(_) | Err(Error::UniqueViolation(_)) => {}
        Err(other) => return Err(other),
    }
    let begun = find(tx, audience).await?;
    begun.ok_or_else(|| Error::fault("an import that was just begun is gone"))
}

/// How far the import is; `None` if it was not begun, or everything is cleared away.
pub async fn find(on: impl Executor, audience: AudienceId) -> Result<Option<Work>, Error> {
    sql("SELECT audience_id, settings, sorted, merged, resume_from FROM import_work WHERE audience_id = ?")
        .bind(audience)
        .find(on, |row| {
            Ok(Work {
                audience_id: row.get("audience_id")?,
                settings: row.get("settings")?,
                sorted: row.get("sorted")?,
                merged: row.get("merged")?,
                resume_from: row.get("resume_from")?,
            })
        })
        .await
}

/// Audiences with an import that is under way or not cleared away, by id: those after `after`, or
/// from the first.
pub async fn list(
    on: impl Executor,
    after: Option<AudienceId>,
    limit: u32,
) -> Result<Vec<AudienceId>, Error> {
    // Primary key.
    sql("SELECT audience_id FROM import_work WHERE audience_id > ? ORDER BY audience_id LIMIT ?")
        .bind(after.unwrap_or(AudienceId(uuid::Uuid::nil())))
        .bind(limit)
        .list(on, |row| row.get("audience_id"))
        .await
}

/// Keeps the batch that follows `sorted` others. Stale if somebody else has kept it.
pub async fn add_sorted(
    tx: &mut Tx,
    audience: AudienceId,
    sorted: u32,
    runs: &[Run],
    resume_from: &str,
) -> Result<Change, Error> {
    let change = sql("UPDATE import_work SET sorted = sorted + 1, resume_from = ? \
         WHERE audience_id = ? AND sorted = ?")
    .bind(resume_from)
    .bind(audience)
    .bind(sorted)
    .change(&mut *tx)
    .await?;
    if change == Change::Applied {
        insert_runs(tx, audience, runs, "").await?;
    }
    Ok(change)
}

/// Keeps what a partition leaves to the next, and its duplicates; the partition before it is
/// needed by nobody any more, and is deleted. A repeat is harmless until the next partition is
/// kept; then, and when the import is cleared away, it is stale.
pub async fn add_merged(
    tx: &mut Tx,
    audience: AudienceId,
    partition: u32,
    runs: &[Run],
) -> Result<Change, Error> {
    let change = sql("UPDATE import_work SET merged = ? WHERE audience_id = ? AND merged IN (?, ?)")
        .bind(partition + 1)
        .bind(audience)
        .bind(partition)
        .bind(partition + 1)
        .change(&mut *tx)
        .await?;
    if change == Change::Stale {
        return Ok(change);
    }
    insert_runs(
        &mut *tx,
        audience,
        runs,
        "ON DUPLICATE KEY UPDATE bytes = VALUES(bytes)",
    )
    .await?;
    // Primary key, once for each kind.
    sql("DELETE FROM import_run WHERE audience_id = ? \
         AND kind IN ('rows', 'included', 'excluded', 'required', 'carried') AND place < ?")
    .bind(audience)
    .bind(partition)
    .execute(tx)
    .await?;
    Ok(change)
}

/// Numbers of the runs of one kind at one place, in order.
pub async fn list_runs(
    on: impl Executor,
    audience: AudienceId,
    kind: RunKind,
    place: u32,
) -> Result<Vec<u32>, Error> {
    // Primary key.
    sql("SELECT no FROM import_run WHERE audience_id = ? AND kind = ? AND place = ? ORDER BY no")
        .bind(audience)
        .bind(kind)
        .bind(place)
        .list(on, |row| row.get("no"))
        .await
}

/// Those of the runs that have one of these numbers, in order.
pub async fn find_runs(
    on: impl Executor,
    audience: AudienceId,
    kind: RunKind,
    place: u32,
    numbers: &[u32],
) -> Result<Vec<Vec<u8>>, Error> {
    // Primary key.
    sql(
        "SELECT bytes FROM import_run WHERE audience_id = ? AND kind = ? AND place = ? AND no IN (?..) \
         ORDER BY no",
    )
    .bind(audience)
    .bind(kind)
    .bind(place)
    .bind_list(numbers.iter().copied())
    .list(on, |row| row.get("bytes"))
    .await
}

/// Deletes the runs of one kind at the first place that has any, and says how many they were.
pub async fn delete_some(tx: &mut Tx, audience: AudienceId, kind: RunKind) -> Result<u64, Error> {
    // Primary key.
    let place: Option<u32> =
        sql("SELECT MIN(place) AS place FROM import_run WHERE audience_id = ? AND kind = ?")
            .bind(audience)
            .bind(kind)
            .fetch_one(&mut *tx)
            .await?
            .get("place")?;
    let Some(place) = place else { return Ok(0) };
    // Primary key.
    sql("DELETE FROM import_run WHERE audience_id = ? AND kind = ? AND place = ?")
        .bind(audience)
        .bind(kind)
        .bind(place)
        .execute(tx)
        .await
}

/// Makes every further step stale: nobody adds to what is to be deleted.
pub async fn close(tx: &mut Tx, audience: AudienceId) -> Result<(), Error> {
    // No file has so many batches or partitions.
    sql("UPDATE import_work SET sorted = 2147483647, merged = 2147483647 WHERE audience_id = ?")
        .bind(audience)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets the import. After [`close`], and when its runs are deleted.
pub async fn delete(tx: &mut Tx, audience: AudienceId) -> Result<(), Error> {
    sql("DELETE FROM import_work WHERE audience_id = ?")
        .bind(audience)
        .execute(tx)
        .await?;
    Ok(())
}

async fn insert_runs(
    tx: &mut Tx,
    audience: AudienceId,
    runs: &[Run],
    tail: &'static str,
) -> Result<(), Error> {
    let rows = runs.iter().map(|run| {
        [
            audience.into(),
            run.kind.into(),
            run.place.into(),
            run.no.into(),
            Value::from(&run.bytes),
        ]
    });
    let head = "INSERT INTO import_run (audience_id, kind, place, no, bytes)";
    insert_rows(tx, head, rows.collect(), tail).await?;
    Ok(())
}
