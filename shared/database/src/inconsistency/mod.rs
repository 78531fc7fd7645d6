//! Inconsistencies: SQL committed, and Datastore was not known to have.
//!
//! There is at most one for an intent. It is closed with how it was repaired, by whoever
//! repaired the intent, and kept for people to read, with every step that it went through.

mod counts;
mod event;
mod list;

use ::campaign::{CampaignId, InconsistencyId, IntentId};
use chrono::{DateTime, Utc};

use crate::text::cut;
use crate::word::words;
use crate::{Change, Error, Executor, Insertion, Row, Tx, sql};

pub use counts::{Backlog, Counts, backlog, count_of, count_open};
pub use event::{Event, list_events};
pub use list::{Filter, list};

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

use select_inconsistencies;

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
    let change = sql(
        "UPDATE inconsistency SET state = ?, resolution = ?, resolved_at = ? \
         WHERE intent_id = ? AND state <> 'repaired'",
    )
    .bind(state)
    .bind(cut(resolution, 512))
    .bind(now)
    .bind(intent)
    .change(tx)
    .await?;
    event::record_if(change, tx, intent, state, resolution, now).await
}

/// Opens the dead inconsistency of an intent again, by whose word stands in `reason`; why it had
/// been given up stays among its events. Stale if it is not dead.
pub async fn reopen(
    tx: &mut Tx,
    intent: IntentId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    // Index inconsistency_by_intent.
    let change = sql(
        "UPDATE inconsistency SET state = 'open', resolution = NULL, resolved_at = NULL \
         WHERE intent_id = ? AND state = 'dead'",
    )
    .bind(intent)
    .change(tx)
    .await?;
    event::record_if(change, tx, intent, InconsistencyState::Open, reason, now).await
}

/// The inconsistency, if there is one with that id.
pub async fn find(on: impl Executor, id: InconsistencyId) -> Result<Option<Inconsistency>, Error> {
    sql(select_inconsistencies!("WHERE id = ?"))
        .bind(id)
        .find(on, read)
        .await
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
