//! Counts per chunk and their sums, as they are shown to people.
//!
//! A chunk's counts are its entity's, with the entity's version, and whether it is closed; a newer
//! version replaces the older counts as a whole. Nothing is ever incremented, so no repeat and no order can make a
//! total wrong.

use ::campaign::{AudienceId, CampaignId, ChunkState, Reason, Standing, Tally};

use crate::{Change, Error, Executor, Insertion, Tx, insert_rows, sql};

/// One chunk's counts at one version of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTally {
    /// Whose chunk.
    pub campaign_id: CampaignId,
    /// Which chunk.
    pub chunk_no: u32,
    /// Of the entity; greater is newer.
    pub version: u64,
    /// The counts that the entity holds.
    pub tally: Tally,
    /// Whether the chunk is closed. One whose pushes are all final need not be: the last of them
    /// may have been settled by somebody who does not hold the chunk.
    pub closed: bool,
}

impl ChunkTally {
    /// The tally that a chunk's entity holds at `version`, when it is in that state.
    pub fn of(
        campaign_id: CampaignId,
        chunk_no: u32,
        version: u64,
        state: ChunkState,
        tally: &Tally,
    ) -> Self {
        Self {
            campaign_id,
            chunk_no,
            version,
            tally: tally.clone(),
            closed: state.is_closed(),
        }
    }
}

/// The sums over a campaign's chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Chunks that have a tally.
    pub chunks: u64,
    /// Those of them that are closed.
    pub closed: u64,
    /// Pushes in them: what is expanded, as far as SQL knows.
    pub expanded: u64,
    /// Those by state and reason. A reason that this program does not know is left out, so that
    /// the tally counts fewer pushes than there are.
    pub tally: Tally,
}

/// Replaces the chunk's counts by newer ones. Stale if these are not newer.
pub async fn replace(tx: &mut Tx, tally: &ChunkTally) -> Result<Change, Error> {
    let mut change = update_older(&mut *tx, tally).await?;
    if change == Change::Stale {
        change = match insert(&mut *tx, tally).await? {
            Insertion::New => Change::Applied,
            // The row was newer, or somebody inserted it in between: then compare once more.
            Insertion::Existing => update_older(&mut *tx, tally).await?,
        };
    }
    if change == Change::Applied {
        replace_reasons(tx, tally).await?;
    }
    Ok(change)
}

/// The sums over all of the campaign's tallies, at one moment.
pub async fn total(on: impl Executor, campaign: CampaignId) -> Result<Total, Error> {
    // No chunk has the greatest number.
    total_below(on, campaign, i32::MAX as u32).await
}

/// The sums over the tallies of the campaign's chunks below number `below`, at one moment.
pub async fn total_below(on: impl Executor, campaign: CampaignId, below: u32) -> Result<Total, Error> {
    // Primary keys of both. SUM makes a DECIMAL on MySQL, and NULL of no rows.
    let rows = sql(
        "SELECT NULL AS reason, 0 AS pushes, COUNT(*) AS chunks, CAST(COALESCE(SUM(closed), 0) AS SIGNED) AS closed, \
         CAST(COALESCE(SUM(size), 0) AS SIGNED) AS expanded, \
         CAST(COALESCE(SUM(pending), 0) AS SIGNED) AS pending, CAST(COALESCE(SUM(granted), 0) AS SIGNED) AS granted \
         FROM chunk_tally WHERE campaign_id = ? AND chunk_no < ? \
         UNION ALL SELECT reason, CAST(SUM(pushes) AS SIGNED), 0, 0, 0, 0, 0 \
         FROM chunk_reason WHERE campaign_id = ? AND chunk_no < ? GROUP BY reason",
    )
    .bind(campaign)
    .bind(below)
    .bind(campaign)
    .bind(below)
    .fetch_all(on)
    .await?;
    let mut total = Total::default();
    for row in rows {
        match row.get::<Option<String>>("reason")? {
            None => {
                total.chunks = row.get("chunks")?;
                total.closed = row.get("closed")?;
                total.expanded = row.get("expanded")?;
                total.tally.pending = row.get("pending")?;
                total.tally.granted = row.get("granted")?;
            }
            Some(reason) => {
                if let Some(reason) = Reason::parse(&reason) {
                    total.tally.add(Standing::Settled(reason), row.get("pushes")?);
                }
            }
        }
    }
    Ok(total)
}

/// The tallies of the campaign's chunks of these numbers, by number. A reason that this program does
/// not know is left out of its tally.
pub async fn list(
    on: impl Executor,
    campaign: CampaignId,
    numbers: std::ops::Range<u32>,
) -> Result<Vec<ChunkTally>, Error> {
    // Primary keys of both; the chunk's own row comes first.
    let rows = sql(
        "SELECT chunk_no, NULL AS reason, version, pending, granted, closed FROM chunk_tally \
         WHERE campaign_id = ? AND chunk_no >= ? AND chunk_no < ? \
         UNION ALL SELECT chunk_no, reason, 0, pushes, 0, 0 FROM chunk_reason \
         WHERE campaign_id = ? AND chunk_no >= ? AND chunk_no < ? ORDER BY chunk_no, reason",
    )
    .bind(campaign)
    .bind(numbers.start)
    .bind(numbers.end)
    .bind(campaign)
    .bind(numbers.start)
    .bind(numbers.end)
    .fetch_all(on)
    .await?;
    let mut tallies: Vec<ChunkTally> = Vec::new();
    for row in rows {
        match row.get::<Option<String>>("reason")? {
            None => tallies.push(ChunkTally {
                campaign_id: campaign,
                chunk_no: row.get("chunk_no")?,
                version: row.get("version")?,
                tally: Tally {
                    pending: row.get("pending")?,
                    granted: row.get("granted")?,
                    ..Tally::default()
                },
                closed: row.get("closed")?,
            }),
            Some(reason) => {
                if let (Some(chunk), Some(reason)) = (tallies.last_mut(), Reason::parse(&reason)) {
                    chunk.tally.add(Standing::Settled(reason), row.get("pending")?);
                }
            }
        }
    }
    Ok(tallies)
}

/// Numbers of the audience's chunks, from `from` on, that are not known to be closed: the campaign
/// has no tally of them yet, or one of when they were open.
pub async fn list_open(
    on: impl Executor,
    campaign: CampaignId,
    audience: AudienceId,
    from: u32,
    limit: u32,
) -> Result<Vec<u32>, Error> {
    // Primary keys of both.
    sql(
        "SELECT chunk.no AS no FROM audience_chunk AS chunk LEFT JOIN chunk_tally AS tally \
         ON tally.campaign_id = ? AND tally.chunk_no = chunk.no \
         WHERE chunk.audience_id = ? AND chunk.no >= ? \
         AND (tally.chunk_no IS NULL OR NOT tally.closed) ORDER BY chunk.no LIMIT ?",
    )
    .bind(campaign)
    .bind(audience)
    .bind(from)
    .bind(limit)
    .list(on, |row| row.get("no"))
    .await
}

/// Deletes the tallies and reasons of a pruned campaign's chunks below number `below`; a few
/// hundred at a time keep the transaction small.
pub async fn delete_below(tx: &mut Tx, campaign: CampaignId, below: u32) -> Result<(), Error> {
    // Primary keys.
    sql("DELETE FROM chunk_reason WHERE campaign_id = ? AND chunk_no < ?")
        .bind(campaign)
        .bind(below)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM chunk_tally WHERE campaign_id = ? AND chunk_no < ?")
        .bind(campaign)
        .bind(below)
        .execute(tx)
        .await?;
    Ok(())
}

async fn update_older(tx: &mut Tx, chunk: &ChunkTally) -> Result<Change, Error> {
    let mut older_than = chunk.version;
    if fault_points::bug!(OlderTallyReplaces) {
        older_than = u64::MAX >> 1;
    }
    sql(
        "UPDATE chunk_tally SET version = ?, size = ?, pending = ?, granted = ?, closed = ? \
         WHERE campaign_id = ? AND chunk_no = ? AND version < ?",
    )
    .bind(chunk.version)
    .bind(chunk.tally.total())
    .bind(chunk.tally.pending)
    .bind(chunk.tally.granted)
    .bind(chunk.closed)
    .bind(chunk.campaign_id)
    .bind(chunk.chunk_no)
    .bind(older_than)
    .change(tx)
    .await
}

async fn insert(tx: &mut Tx, chunk: &ChunkTally) -> Result<Insertion, Error> {
    sql(
        "INSERT INTO chunk_tally (campaign_id, chunk_no, version, size, pending, granted, closed) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(chunk.campaign_id)
    .bind(chunk.chunk_no)
    .bind(chunk.version)
    .bind(chunk.tally.total())
    .bind(chunk.tally.pending)
    .bind(chunk.tally.granted)
    .bind(chunk.closed)
    .insert(tx)
    .await
}

/// Under the lock on the tally's row, which the statement before took.
async fn replace_reasons(tx: &mut Tx, chunk: &ChunkTally) -> Result<(), Error> {
    sql("DELETE FROM chunk_reason WHERE campaign_id = ? AND chunk_no = ?")
        .bind(chunk.campaign_id)
        .bind(chunk.chunk_no)
        .execute(&mut *tx)
        .await?;
    let rows = chunk.tally.settled.iter().map(|(reason, pushes)| {
        [
            chunk.campaign_id.into(),
            chunk.chunk_no.into(),
            reason.as_str().into(),
            (*pushes).into(),
        ]
    });
    insert_rows(
        tx,
        "INSERT INTO chunk_reason (campaign_id, chunk_no, reason, pushes)",
        rows.collect(),
        "",
    )
    .await?;
    Ok(())
}
