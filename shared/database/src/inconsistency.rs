//! Inconsistencies: SQL committed, and Datastore was not known to have.
//!
//! There is at most one for an intent. It is closed with how it was repaired, by whoever
//! repaired the intent, and kept for people to read.

use ::campaign::{CampaignId, InconsistencyId, IntentId};
use chrono::{DateTime, Utc};

use crate::text::cut;
use crate::word::words;
use crate::{Change, Error, Executor, Insertion, Row, Tx, sql};

words! {
    /// How far an inconsistency is.
    InconsistencyState {
        /// Not known to be repaired.
        Open = "open",
        /// Both stores agree again.
        Repaired = "repaired",
        /// It cannot be repaired without a person.
        Dead = "dead",
    }
    /// How the second commit ended.
    InconsistencyKind {
        /// Datastore said that it kept nothing.
        NotCommitted = "not_committed",
        /// Datastore's answer was lost.
        Unknown = "unknown",
        /// Found later, as an intent that nobody closed.
        Found = "found",
    }
}

/// An inconsistency as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistency {
    /// A UUIDv7.
    pub id: InconsistencyId,
    /// The intent that must be carried out.
    pub intent_id: IntentId,
    /// Whose chunk.
    pub campaign_id: CampaignId,
    /// Which chunk.
    pub chunk_no: u32,
    /// How the second commit ended.
    pub kind: InconsistencyKind,
    /// What the store said; cut to 512 characters.
    pub detail: String,
    /// How far it is.
    pub state: InconsistencyState,
    /// How it was repaired, or why it cannot be; cut to 512 characters.
    pub resolution: Option<String>,
    /// When it was noticed.
    pub detected_at: DateTime<Utc>,
    /// When it was repaired or given up.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// The columns of an [`Inconsistency`], for statements that select whole ones.
macro_rules! select_inconsistencies {
    ($rest:literal) => {
        concat!(
            "SELECT id, intent_id, campaign_id, chunk_no, kind, detail, state, resolution, detected_at, resolved_at \
             FROM inconsistency ",
            $rest
        )
    };
}

/// Inserts an open inconsistency; only the first of an intent is kept. State, resolution and
/// `resolved_at` of the argument are not read.
pub async fn insert(tx: &mut Tx, inconsistency: &Inconsistency) -> Result<Insertion, Error> {
    sql(
        "INSERT INTO inconsistency (id, intent_id, campaign_id, chunk_no, kind, detail, state, detected_at) \
         VALUES (?, ?, ?, ?, ?, ?, 'open', ?)",
    )
    .bind(inconsistency.id)
    .bind(inconsistency.intent_id)
    .bind(inconsistency.campaign_id)
    .bind(inconsistency.chunk_no)
    .bind(inconsistency.kind)
    .bind(cut(&inconsistency.detail, 512))
    .bind(inconsistency.detected_at)
    .insert(tx)
    .await
}

/// Ends the inconsistency of an intent as `Repaired` or `Dead`. Stale if there is none, or it
/// was repaired before.
pub async fn resolve(
    tx: &mut Tx,
    intent: IntentId,
    state: InconsistencyState,
    resolution: &str,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    // Index inconsistency_by_intent.
    sql(
        "UPDATE inconsistency SET state = ?, resolution = ?, resolved_at = ? \
         WHERE intent_id = ? AND state <> 'repaired'",
    )
    .bind(state)
    .bind(cut(resolution, 512))
    .bind(now)
    .bind(intent)
    .change(tx)
    .await
}

/// The inconsistency, if there is one with that id.
pub async fn find(on: impl Executor, id: InconsistencyId) -> Result<Option<Inconsistency>, Error> {
    sql(select_inconsistencies!("WHERE id = ?"))
        .bind(id)
        .find(on, read)
        .await
}

/// Inconsistencies in one state, oldest first: those after `after`, or from the first.
pub async fn list(
    on: impl Executor,
    state: InconsistencyState,
    after: Option<InconsistencyId>,
    limit: u32,
) -> Result<Vec<Inconsistency>, Error> {
    // Index inconsistency_by_state.
    sql(select_inconsistencies!(
        "WHERE state = ? AND id > ? ORDER BY id LIMIT ?"
    ))
    .bind(state)
    .bind(after.unwrap_or(InconsistencyId(uuid::Uuid::nil())))
    .bind(limit)
    .list(on, read)
    .await
}

/// How many are not repaired; dead ones are not.
pub async fn count_open(on: impl Executor) -> Result<u64, Error> {
    // Index inconsistency_by_state.
    sql("SELECT COUNT(*) AS inconsistencies FROM inconsistency WHERE state IN ('open', 'dead')")
        .fetch_one(on)
        .await?
        .get("inconsistencies")
}

fn read(row: &Row) -> Result<Inconsistency, Error> {
    Ok(Inconsistency {
        id: row.get("id")?,
        intent_id: row.get("intent_id")?,
        campaign_id: row.get("campaign_id")?,
        chunk_no: row.get("chunk_no")?,
        kind: row.get("kind")?,
        detail: row.get("detail")?,
        state: row.get("state")?,
        resolution: row.get("resolution")?,
        detected_at: row.get("detected_at")?,
        resolved_at: row.get("resolved_at")?,
    })
}
