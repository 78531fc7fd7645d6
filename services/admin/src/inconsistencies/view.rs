//! How an inconsistency is shown.

use campaign::InconsistencyId;
use chrono::{DateTime, Utc};
use database::inconsistency::{self, Event as EventRow, Inconsistency as Row};
use runtime::Backends;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::schema;

/// A case in which SQL committed and Datastore was not known to have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inconsistency {
    id: Uuid,
    /// The promise that must be carried out.
    intent_id: Uuid,
    campaign_id: Uuid,
    /// Which chunk of the campaign.
    chunk_no: u32,
    /// How the second commit ended.
    #[schema(value_type = schema::InconsistencyKind)]
    kind: &'static str,
    /// What the store said.
    detail: String,
    /// How far it is.
    #[schema(value_type = schema::InconsistencyState)]
    state: &'static str,
    /// How it was repaired, or why it cannot be.
    resolution: Option<String>,
    detected_at: DateTime<Utc>,
    /// When it was repaired or given up.
    resolved_at: Option<DateTime<Utc>>,
    /// From its detection until now, or until it was repaired.
    age_seconds: u64,
}

/// An inconsistency with everything that became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InconsistencyHistory {
    #[serde(flatten)]
    inconsistency: Inconsistency,
    /// The steps after its detection, in their order; the last 100.
    events: Vec<InconsistencyEvent>,
}

/// One step of an inconsistency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InconsistencyEvent {
    /// What it became; `open` is open again.
    #[schema(value_type = schema::InconsistencyState)]
    state: &'static str,
    /// Why, or how.
    detail: String,
    occurred_at: DateTime<Utc>,
}

impl Inconsistency {
    pub(super) fn of(row: Row, now: DateTime<Utc>) -> Self {
        let until = match row.state {
            inconsistency::InconsistencyState::Repaired => row.resolved_at.unwrap_or(now),
            inconsistency::InconsistencyState::Open | inconsistency::InconsistencyState::Dead => now,
        };
        let age = until - row.detected_at;
        Self {
            id: row.id.0,
            intent_id: row.intent_id.0,
            campaign_id: row.campaign_id.0,
            chunk_no: row.chunk_no,
            kind: row.kind.as_str(),
            detail: row.detail,
            state: row.state.as_str(),
            resolution: row.resolution,
            detected_at: row.detected_at,
            resolved_at: row.resolved_at,
            // The clock of another process may be ahead of this one's.
            age_seconds: u64::try_from(age.num_seconds()).unwrap_or_default(),
        }
    }
}

impl InconsistencyHistory {
    /// Reads what became of it.
    pub(super) async fn read(backends: &Backends, row: Row) -> Result<Self, Error> {
        let events = inconsistency::list_events(&backends.db, row.id).await?;
        let event = |event: EventRow| InconsistencyEvent {
            state: event.state.as_str(),
            detail: event.detail,
            occurred_at: event.occurred_at,
        };
        Ok(Self {
            inconsistency: Inconsistency::of(row, backends.process.clock.now()),
            events: events.into_iter().map(event).collect(),
        })
    }
}

/// The inconsistency of that id.
pub(super) async fn find_row(backends: &Backends, id: Uuid) -> Result<Row, Error> {
    let row = inconsistency::find(&backends.db, InconsistencyId(id)).await?;
    row.ok_or(Error::NotFound {
        what: "inconsistency",
    })
}
