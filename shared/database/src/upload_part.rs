//! The parts of an uploaded audience file, until its import is over.
//!
//! They are in the database of files, which may be another than the audience's: nothing joins the
//! two, and no transaction is in both. An audience is there before its parts are, so that parts
//! without one are nobody's.

use ::campaign::AudienceId;

use crate::{Error, Executor, Tx, sql};

/// The most bytes in one part: 1 MiB, so that no packet comes near the engines' limits.
pub const MAX_PART_BYTES: usize = 1 << 20;

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Stored {
    /// It is new: count its bytes.
    New,
    /// The same bytes are there under this number.
    Existing,
    /// Other bytes are there under this number.
    Differs,
}

/// A part without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartHeader {
    /// Counted from 0.
    pub no: u32,
    /// In bytes.
    pub size: u32,
    /// Of its bytes.
    pub sha256: [u8; 32],
}

/// Stores part `no` of at most [`MAX_PART_BYTES`].
pub async fn insert(
    tx: &mut Tx,
    audience: AudienceId,
    no: u32,
    sha256: &[u8; 32],
    bytes: &[u8],
) -> Result<Stored, Error> {
    if bytes.len() > MAX_PART_BYTES {
        return Err(Error::fault("an upload part over 1 MiB"));
    }
    let inserted =
        sql("INSERT INTO upload_part (audience_id, no, size, sha256, bytes) VALUES (?, ?, ?, ?, ?)")
            .bind(audience)
            .bind(no)
            .bind(bytes.len() as u64)
            .bind(sha256)
            .bind(bytes)
            .execute(&mut *tx)
            .await;
    match inserted {
        Ok(_) => Ok(Stored::New),
        Err(Error::UniqueViolation(_)) => compare(tx, audience, no, sha256).await,
        Err(other) => Err(other),
    }
}

/// The part's bytes.
pub async fn find(on: impl Executor, audience: AudienceId, no: u32) -> Result<Option<Vec<u8>>, Error> {
    sql("SELECT bytes FROM upload_part WHERE audience_id = ? AND no = ?")
        .bind(audience)
        .bind(no)
        .find(on, |row| row.get("bytes"))
        .await
}

/// The parts that are there, in order, from number `from` on.
pub async fn list(
    on: impl Executor,
    audience: AudienceId,
    from: u32,
    limit: u32,
) -> Result<Vec<PartHeader>, Error> {
    // Primary key.
    sql("SELECT no, size, sha256 FROM upload_part WHERE audience_id = ? AND no >= ? ORDER BY no LIMIT ?")
        .bind(audience)
        .bind(from)
        .bind(limit)
        .list(on, |row| {
            Ok(PartHeader {
                no: row.get("no")?,
                size: row.get("size")?,
                sha256: row.get("sha256")?,
            })
        })
        .await
}

/// How many bytes there are in all parts.
pub async fn sum(on: impl Executor, audience: AudienceId) -> Result<u64, Error> {
    // Primary key. MySQL's SUM is a DECIMAL.
    sql("SELECT CAST(COALESCE(SUM(size), 0) AS SIGNED) AS bytes FROM upload_part WHERE audience_id = ?")
        .bind(audience)
        .fetch_one(on)
        .await?
        .get("bytes")
}

/// Whose parts there are, by id: those after `after`, or from the first.
pub async fn list_audiences(
    on: impl Executor,
    after: Option<AudienceId>,
    limit: u32,
) -> Result<Vec<AudienceId>, Error> {
    // Primary key.
    sql("SELECT DISTINCT audience_id FROM upload_part WHERE audience_id > ? ORDER BY audience_id LIMIT ?")
        .bind(after.unwrap_or(AudienceId(uuid::Uuid::nil())))
        .bind(limit)
        .list(on, |row| row.get("audience_id"))
        .await
}

/// Deletes the parts below number `below` and says how many; a few tens at a time keep the
/// transaction small.
pub async fn delete_below(tx: &mut Tx, audience: AudienceId, below: u32) -> Result<u64, Error> {
    // Primary key.
    sql("DELETE FROM upload_part WHERE audience_id = ? AND no < ?")
        .bind(audience)
        .bind(below)
        .execute(tx)
        .await
}

async fn compare(tx: &mut Tx, audience: AudienceId, no: u32, sha256: &[u8; 32]) -> Result<Stored, Error> {
    let row = sql("SELECT sha256 FROM upload_part WHERE audience_id = ? AND no = ?")
        .bind(audience)
        .bind(no)
        .fetch_one(tx)
        .await?;
    if row.get::<[u8; 32]>("sha256")? == *sha256 {
        Ok(Stored::Existing)
    } else {
        Ok(Stored::Differs)
    }
}
