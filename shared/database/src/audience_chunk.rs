//! The packed recipients of audiences, chunk by chunk.
//!
//! To this module a chunk's recipients are bytes. They are written once, by the import; only an
//! erasure replaces them, leaving a tombstone, and the digest of the import stays with them.

use ::campaign::AudienceId;

use crate::{Error, Executor, Row, Tx, Value, insert_rows, sql};

/// A chunk without its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    /// Whose.
    pub audience_id: AudienceId,
    /// Counted from 0, without gaps.
    pub no: u32,
    /// Recipients, at most 499, tombstones too.
    pub size: u32,
    /// IANA name of all its recipients' zone; empty for the campaign's.
    pub time_zone: String,
    /// Of the recipients as they were imported.
    pub digest: [u8; 32],
}

/// A chunk with its packed recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudienceChunk {
    /// All but the recipients.
    pub header: ChunkHeader,
    /// At most 3.5 MiB.
    pub recipients: Vec<u8>,
}

/// Inserts several chunks, in the transaction that advances the import. [`Error::UniqueViolation`]
/// if one is there: another import is at work, and the lease was lost.
pub async fn insert_all(tx: &mut Tx, chunks: &[AudienceChunk]) -> Result<(), Error> {
    let rows = chunks.iter().map(|chunk| {
        [
            chunk.header.audience_id.into(),
            chunk.header.no.into(),
            chunk.header.size.into(),
            Value::from(&chunk.header.time_zone),
            chunk.header.digest.into(),
            Value::from(&chunk.recipients),
        ]
    });
    let head = "INSERT INTO audience_chunk (audience_id, no, size, time_zone, digest, recipients)";
    insert_rows(tx, head, rows.collect(), "").await?;
    Ok(())
}

/// Inserts a chunk, as [`insert_all`] does several.
pub async fn insert(tx: &mut Tx, chunk: &AudienceChunk) -> Result<(), Error> {
    sql(
        "INSERT INTO audience_chunk (audience_id, no, size, time_zone, digest, recipients) \
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(chunk.header.audience_id)
    .bind(chunk.header.no)
    .bind(chunk.header.size)
    .bind(&chunk.header.time_zone)
    .bind(chunk.header.digest)
    .bind(&chunk.recipients)
    .execute(tx)
    .await?;
    Ok(())
}

/// The chunk with its recipients.
pub async fn find(on: impl Executor, audience: AudienceId, no: u32) -> Result<Option<AudienceChunk>, Error> {
    sql(
        "SELECT audience_id, no, size, time_zone, digest, recipients FROM audience_chunk \
         WHERE audience_id = ? AND no = ?",
    )
    .bind(audience)
    .bind(no)
    .find(on, read)
    .await
}

/// The chunk with its recipients, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, audience: AudienceId, no: u32) -> Result<Option<AudienceChunk>, Error> {
    sql(
        "SELECT audience_id, no, size, time_zone, digest, recipients FROM audience_chunk \
         WHERE audience_id = ? AND no = ? FOR UPDATE",
    )
    .bind(audience)
    .bind(no)
    .find(tx, read)
    .await
}

/// Chunks of one audience, in order, from number `from` on.
pub async fn list(
    on: impl Executor,
    audience: AudienceId,
    from: u32,
    limit: u32,
) -> Result<Vec<ChunkHeader>, Error> {
    // Primary key.
    sql(
        "SELECT audience_id, no, size, time_zone, digest FROM audience_chunk \
         WHERE audience_id = ? AND no >= ? ORDER BY no LIMIT ?",
    )
    .bind(audience)
    .bind(from)
    .bind(limit)
    .list(on, read_header)
    .await
}

/// The recipients of one time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its IANA name; empty for the campaign's.
    pub time_zone: String,
    /// How many.
    pub recipients: u64,
    /// In how many chunks.
    pub chunks: u32,
}

/// The recipients of an audience by time zone, in the order of the names.
pub async fn list_zones(on: impl Executor, audience: AudienceId) -> Result<Vec<Zone>, Error> {
    // Primary key: reads every chunk of the audience, but not what is packed in it.
    sql(
        "SELECT time_zone, CAST(SUM(size) AS SIGNED) AS recipients, COUNT(*) AS chunks FROM audience_chunk \
         WHERE audience_id = ? GROUP BY time_zone ORDER BY time_zone",
    )
    .bind(audience)
    .list(on, |row| {
        Ok(Zone {
            time_zone: row.get("time_zone")?,
            recipients: row.get("recipients")?,
            chunks: row.get("chunks")?,
        })
    })
    .await
}

/// Chunks of all audiences, by audience and number: those after `after`, or from the first.
pub async fn list_all(
    on: impl Executor,
    after: Option<(AudienceId, u32)>,
    limit: u32,
) -> Result<Vec<ChunkHeader>, Error> {
    // Primary key. `(a, b) > (?, ?)` would scan the whole table on MySQL.
    let (audience, no) = after.map_or((AudienceId(uuid::Uuid::nil()), -1), |(id, no)| {
        (id, i64::from(no))
    });
    sql(
        "SELECT audience_id, no, size, time_zone, digest FROM audience_chunk \
         WHERE audience_id >= ? AND (audience_id > ? OR no > ?) ORDER BY audience_id, no LIMIT ?",
    )
    .bind(audience)
    .bind(audience)
    .bind(no)
    .bind(limit)
    .list(on, read_header)
    .await
}

/// Replaces a chunk's recipients after an erasure, under its [`lock`]. Size and digest stay.
pub async fn replace_recipients(
    tx: &mut Tx,
    audience: AudienceId,
    no: u32,
    recipients: &[u8],
) -> Result<(), Error> {
    sql("UPDATE audience_chunk SET recipients = ? WHERE audience_id = ? AND no = ?")
        .bind(recipients)
        .bind(audience)
        .bind(no)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes the chunks below number `below` of an audience that nobody needs, and says how many.
pub async fn delete_below(tx: &mut Tx, audience: AudienceId, below: u32) -> Result<u64, Error> {
    // Primary key.
    sql("DELETE FROM audience_chunk WHERE audience_id = ? AND no < ?")
        .bind(audience)
        .bind(below)
        .execute(tx)
        .await
}

fn read(row: &Row) -> Result<AudienceChunk, Error> {
    Ok(AudienceChunk {
        header: read_header(row)?,
        recipients: row.get("recipients")?,
    })
}

fn read_header(row: &Row) -> Result<ChunkHeader, Error> {
    Ok(ChunkHeader {
        audience_id: row.get("audience_id")?,
        no: row.get("no")?,
        size: row.get("size")?,
        time_zone: row.get("time_zone")?,
        digest: row.get("digest")?,
    })
}
