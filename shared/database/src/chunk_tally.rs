//! Counts per chunk and their sums, as they are shown to people.
//!
//! A chunk's counts are its entity's, with the entity's version; a newer version replaces the
//! older counts as a whole. Nothing is ever incremented, so no repeat and no order can make a
//! total wrong.

use ::campaign::{AudienceId, CampaignId, PushState, Standing, Tally};

use crate::{Change, Error, Executor, Tx, insert_rows, sql};

/// Pushes by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nothing decided yet.
    pub pending: u64,
    /// Coupon granted, not delivered yet.
    pub granted: u64,
    /// Accepted by a gateway.
    pub sent: u64,
    /// Accepted by none.
    pub failed: u64,
    /// Not meant to be sent.
    pub skipped: u64,
    /// Cancelled before they were sent.
    pub cancelled: u64,
    /// Too late to be sent.
    pub expired: u64,
}

/// One chunk's counts at one version of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkTally {
    /// Whose chunk.
    pub campaign_id: CampaignId,
    /// Which chunk.
    pub chunk_no: u32,
    /// Of the entity; greater is newer.
    pub version: u64,
    /// Pushes in the chunk.
    pub size: u32,
    /// By state; they add up to the size.
    pub counts: Counts,
    /// Final pushes by state and reason (at most 64 characters).
    pub reasons: Vec<Reason>,
}

impl Total {
    /// The sums as one tally, with the campaign's [`reasons`]. A reason that this program does
    /// not know is left out, so that the tally counts fewer pushes than there are.
    pub fn tally(&self, reasons: &[Reason]) -> Tally {
        let mut tally = Tally {
            pending: self.counts.pending,
            granted: self.counts.granted,
            ..Tally::default()
        };
        for Reason { reason, pushes, .. } in reasons {
            if let Some(reason) = ::campaign::Reason::parse(reason) {
                tally.add(Standing::Settled(reason), *pushes);
            }
        }
        tally
    }
}

impl ChunkTally {
    /// The tally that a chunk's entity holds at `version`.
    pub fn of(campaign_id: CampaignId, chunk_no: u32, version: u64, tally: &Tally) -> Self {
        let counts = Counts {
            pending: tally.pending,
            granted: tally.granted,
            sent: tally.count(PushState::Sent),
            failed: tally.count(PushState::Failed),
            skipped: tally.count(PushState::Skipped),
            cancelled: tally.count(PushState::Cancelled),
            expired: tally.count(PushState::Expired),
        };
        let reasons = tally.settled.iter().map(|(reason, pushes)| Reason {
            state: reason.state(),
            reason: reason.as_str().to_owned(),
            pushes: *pushes,
        });
        Self {
            campaign_id,
            chunk_no,
            version,
            size: u32::try_from(tally.total()).unwrap_or(u32::MAX),
            counts,
            reasons: reasons.collect(),
        }
    }
}

/// How many pushes ended in a state for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The state they ended in.
    pub state: PushState,
    /// Why.
    pub reason: String,
    /// How many.
    pub pushes: u64,
}

/// The sums over a campaign's chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Chunks that have a tally.
    pub chunks: u64,
    /// Pushes in them: what is expanded, as far as SQL knows.
    pub expanded: u64,
    /// Those by state.
    pub counts: Counts,
}

/// Replaces the chunk's counts and reasons by newer ones. Stale if these are not newer.
pub async fn replace(tx: &mut Tx, tally: &ChunkTally) -> Result<Change, Error> {
    let change = match update_older(&mut *tx, tally).await? {
        Change::Applied => Change::Applied,
        Change::Stale => match insert(&mut *tx, tally).await {
            Ok(()) => Change::Applied,
            // The row was newer, or somebody inserted it in between: then compare once more.
            Err(Error::UniqueViolation(_)) => update_older(&mut *tx, tally).await?,
            Err(other) => return Err(other),
        },
    };
    if change == Change::Applied {
        replace_reasons(tx, tally).await?;
    }
    Ok(change)
}

/// The sums over all of the campaign's tallies.
pub async fn total(on: impl Executor, campaign: CampaignId) -> Result<Total, Error> {
    // Primary key. SUM makes a DECIMAL on MySQL, and NULL of no rows.
    let row = sql(
        "SELECT COUNT(*) AS chunks, CAST(COALESCE(SUM(size), 0) AS SIGNED) AS expanded, \
         CAST(COALESCE(SUM(pending), 0) AS SIGNED) AS pending, CAST(COALESCE(SUM(granted), 0) AS SIGNED) AS granted, \
         CAST(COALESCE(SUM(sent), 0) AS SIGNED) AS sent, CAST(COALESCE(SUM(failed), 0) AS SIGNED) AS failed, \
         CAST(COALESCE(SUM(skipped), 0) AS SIGNED) AS skipped, \
         CAST(COALESCE(SUM(cancelled), 0) AS SIGNED) AS cancelled, \
         CAST(COALESCE(SUM(expired), 0) AS SIGNED) AS expired FROM chunk_tally WHERE campaign_id = ?",
    )
    .bind(campaign)
    .fetch_one(on)
    .await?;
    Ok(Total {
        chunks: row.get("chunks")?,
        expanded: row.get("expanded")?,
        counts: Counts {
            pending: row.get("pending")?,
            granted: row.get("granted")?,
            sent: row.get("sent")?,
            failed: row.get("failed")?,
            skipped: row.get("skipped")?,
            cancelled: row.get("cancelled")?,
            expired: row.get("expired")?,
        },
    })
}

/// Final pushes of the campaign by state and reason, most first; 100 at most.
pub async fn reasons(on: impl Executor, campaign: CampaignId) -> Result<Vec<Reason>, Error> {
    // Primary key.
    let rows = sql(
        "SELECT state, reason, CAST(SUM(pushes) AS SIGNED) AS pushes FROM chunk_reason WHERE campaign_id = ? \
         GROUP BY state, reason ORDER BY 3 DESC, state, reason LIMIT 100",
    )
    .bind(campaign)
    .fetch_all(on)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Reason {
                state: row.get("state")?,
                reason: row.get("reason")?,
                pushes: row.get("pushes")?,
            })
        })
        .collect()
}

/// Numbers of the audience's chunks, from `from` on, of which the campaign has no tally yet or
/// one with pushes that are not final.
pub async fn list_unsettled(
    on: impl Executor,
    campaign: CampaignId,
    audience: AudienceId,
    from: u32,
    limit: u32,
) -> Result<Vec<u32>, Error> {
    // Primary keys of both.
    let rows = sql(
        "SELECT chunk.no AS no FROM audience_chunk AS chunk LEFT JOIN chunk_tally AS tally \
         ON tally.campaign_id = ? AND tally.chunk_no = chunk.no \
         WHERE chunk.audience_id = ? AND chunk.no >= ? \
         AND (tally.chunk_no IS NULL OR tally.pending + tally.granted > 0) ORDER BY chunk.no LIMIT ?",
    )
    .bind(campaign)
    .bind(audience)
    .bind(from)
    .bind(limit)
    .fetch_all(on)
    .await?;
    rows.iter().map(|row| row.get("no")).collect()
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

async fn update_older(tx: &mut Tx, tally: &ChunkTally) -> Result<Change, Error> {
    let counts = &tally.counts;
    let matched = sql(
        "UPDATE chunk_tally SET version = ?, size = ?, pending = ?, granted = ?, sent = ?, failed = ?, skipped = ?, \
         cancelled = ?, expired = ? WHERE campaign_id = ? AND chunk_no = ? AND version < ?",
    )
    .bind(tally.version)
    .bind(tally.size)
    .bind(counts.pending)
    .bind(counts.granted)
    .bind(counts.sent)
    .bind(counts.failed)
    .bind(counts.skipped)
    .bind(counts.cancelled)
    .bind(counts.expired)
    .bind(tally.campaign_id)
    .bind(tally.chunk_no)
    .bind(tally.version)
    .execute(tx)
    .await?;
    Ok(Change::matched(matched))
}

async fn insert(tx: &mut Tx, tally: &ChunkTally) -> Result<(), Error> {
    let counts = &tally.counts;
    sql(
        "INSERT INTO chunk_tally (campaign_id, chunk_no, version, size, pending, granted, sent, failed, skipped, \
         cancelled, expired) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(tally.campaign_id)
    .bind(tally.chunk_no)
    .bind(tally.version)
    .bind(tally.size)
    .bind(counts.pending)
    .bind(counts.granted)
    .bind(counts.sent)
    .bind(counts.failed)
    .bind(counts.skipped)
    .bind(counts.cancelled)
    .bind(counts.expired)
    .execute(tx)
    .await?;
    Ok(())
}

/// Under the lock on the tally's row, which the statement before took.
async fn replace_reasons(tx: &mut Tx, tally: &ChunkTally) -> Result<(), Error> {
    sql("DELETE FROM chunk_reason WHERE campaign_id = ? AND chunk_no = ?")
        .bind(tally.campaign_id)
        .bind(tally.chunk_no)
        .execute(&mut *tx)
        .await?;
    let rows = tally.reasons.iter().map(|reason| {
        [
            tally.campaign_id.into(),
            tally.chunk_no.into(),
            reason.state.into(),
            (&reason.reason).into(),
            reason.pushes.into(),
        ]
    });
    insert_rows(
        tx,
        "INSERT INTO chunk_reason (campaign_id, chunk_no, state, reason, pushes)",
        rows.collect(),
        "",
    )
    .await?;
    Ok(())
}
