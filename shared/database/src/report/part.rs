//! The bytes of a report, in parts that are found by where they begin.

use ::campaign::ReportId;

use crate::{Change, Error, Executor, Tx, sql};

/// The most bytes in one part: 1 MiB, so that no packet comes near the engines' limits.
pub const MAX_PART_BYTES: usize = 1 << 20;

/// Some of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where in the file it begins, in bytes.
    pub start: u64,
    /// At most [`MAX_PART_BYTES`].
    pub bytes: Vec<u8>,
}

/// Adds bytes to the end of a report that is being made, together with where its making goes on
/// behind them. Stale, and nothing is stored, if the report is not `start` bytes long, is ready or
/// is gone. An empty part keeps the place alone.
pub async fn append(
    tx: &mut Tx,
    id: ReportId,
    start: u64,
    bytes: &[u8],
    resume_from: &str,
) -> Result<Change, Error> {
    if bytes.len() > MAX_PART_BYTES {
        return Err(Error::fault("a report part over 1 MiB"));
    }
    let grown = sql(
        "UPDATE report SET size = size + ?, resume_from = ? WHERE id = ? AND size = ? AND state = 'making'",
    )
    .bind(bytes.len() as u64)
    .bind(resume_from)
    .bind(id)
    .bind(start)
    .change(tx)
    .await?;
    if grown == Change::Stale || bytes.is_empty() {
        return Ok(grown);
    }
    sql("INSERT INTO report_part (report_id, start, bytes) VALUES (?, ?, ?)")
        .bind(id)
        .bind(start)
        .bind(bytes)
        .execute(tx)
        .await?;
    Ok(Change::Applied)
}

/// The part that holds the byte at that place.
pub async fn find(on: impl Executor, id: ReportId, place: u64) -> Result<Option<Part>, Error> {
    // Primary key.
    sql("SELECT start, bytes FROM report_part WHERE report_id = ? AND start <= ? ORDER BY start DESC LIMIT 1")
        .bind(id)
        .bind(place)
        .find(on, |row| {
            Ok(Part {
                start: row.get("start")?,
                bytes: row.get("bytes")?,
            })
        })
        .await
}

/// Deletes the parts that begin below a place, and says how many; a few tens at a time keep the
/// transaction small.
pub async fn delete_below(tx: &mut Tx, id: ReportId, below: u64) -> Result<u64, Error> {
    // Primary key.
    sql("DELETE FROM report_part WHERE report_id = ? AND start < ?")
        .bind(id)
        .bind(below)
        .execute(tx)
        .await
}
