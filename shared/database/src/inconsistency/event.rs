//! What became of an inconsistency, step by step: given up, opened again, repaired.
//!
//! How it was noticed stands on the inconsistency itself. A step is written in the transaction
//! of its change, and never changed.

use ::campaign::{InconsistencyId, IntentId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::InconsistencyState;
use crate::text::cut;
use crate::{Change, Error, Executor, Tx, sql};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it became.
    pub state: InconsistencyState,
    /// Why, or how; cut to 512 characters.
    pub detail: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// The last 100 steps of an inconsistency, in their order.
pub async fn list_events(on: impl Executor, id: InconsistencyId) -> Result<Vec<Event>, Error> {
    // Primary key.
    let mut events: Vec<_> = sql("SELECT state, detail, occurred_at FROM inconsistency_event \
         WHERE inconsistency_id = ? ORDER BY id DESC LIMIT 100")
    .bind(id)
    .list(on, |row| {
        Ok(Event {
            state: row.get("state")?,
            detail: row.get("detail")?,
            occurred_at: row.get("occurred_at")?,
        })
    })
    .await?;
    events.reverse();
    Ok(events)
}

/// Writes down a step that was `change`d for, and answers that again; nothing for a stale one.
pub(super) async fn record_if(
    change: Change,
    tx: &mut Tx,
    intent: IntentId,
    state: InconsistencyState,
    detail: &str,
    now: DateTime<Utc>,
) -> Result<Change, Error> {
    match change {
        Change::Applied => {
            // Index inconsistency_by_intent.
            sql(
                "INSERT INTO inconsistency_event (inconsistency_id, id, state, detail, occurred_at) \
                 SELECT id, ?, ?, ?, ? FROM inconsistency WHERE intent_id = ?",
            )
            .bind(Uuid::now_v7())
            .bind(state)
            .bind(cut(detail, 512))
            .bind(now)
            .bind(intent)
            .execute(tx)
            .await?;
        }
        Change::Stale => {}
    }
    Ok(change)
}
