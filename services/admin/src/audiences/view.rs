//! Audiences as the API shows them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use database::audience::AudienceState;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::json;
use crate::schema;

/// A frozen list of recipients, or what is to become one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Audience {
    id: Uuid,
    /// For people.
    name: String,
    /// Where it is on its way.
    #[schema(value_type = schema::AudienceState)]
    state: &'static str,
    /// Why its file was refused.
    refusal: Option<String>,
    /// The audience of which it is a new version.
    base: Option<Uuid>,
    /// Recipients accepted so far.
    size: u64,
    /// Rows rejected so far.
    rejected_rows: u64,
    /// Names of its template variables, once its header is read.
    variables: Vec<String>,
    /// Since when its import is held.
    paused_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Since when it is frozen.
    ready_at: Option<DateTime<Utc>>,
}

/// How far an audience's import is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AudienceProgress {
    /// Where it is on its way.
    #[schema(value_type = schema::AudienceState)]
    state: &'static str,
    /// Why its file was refused.
    refusal: Option<String>,
    /// What its import does: `sort`, then `merge`, then, when the audience is ready, `report`; none
    /// before and after.
    #[schema(value_type = Option<schema::ImportPhase>)]
    phase: Option<&'static str>,
    /// How far the phase is.
    phase_done: u64,
    /// Where the phase ends: bytes of the file, or, of `merge`, partitions.
    phase_end: u64,
    /// Since when the import is held.
    paused_at: Option<DateTime<Utc>>,
    /// Bytes of the file that are here.
    uploaded_bytes: u64,
    /// Bytes of it that are read.
    read_bytes: u64,
    /// Rows read.
    rows: u64,
    /// Rows that became recipients, which is known from the phase `merge` on.
    accepted: u64,
    /// Rows that did not, by reason.
    rejected: BTreeMap<String, u64>,
    /// Chunks stored.
    chunk_count: u32,
}

impl Audience {
    /// Of the stored one.
    pub(crate) fn of(row: database::audience::Audience) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            name: row.name,
            state: row.state.as_str(),
            refusal: row.refusal,
            base: row.base_id.map(|base| base.0),
            size: row.progress.size,
            rejected_rows: read_rejected(&row.progress)?.values().sum(),
            variables: json::read("an audience's variables", &row.progress.variables)?,
            paused_at: row.paused_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            ready_at: row.ready_at,
        })
    }
}

impl AudienceProgress {
    /// Whether it never changes again.
    pub(super) fn is_over(&self) -> bool {
        match AudienceState::parse(self.state) {
            Some(AudienceState::Uploading | AudienceState::Uploaded | AudienceState::Importing) | None => {
                false
            }
            Some(AudienceState::Ready | AudienceState::Refused | AudienceState::Cancelled) => true,
        }
    }

    /// Of the stored audience.
    pub(super) fn of(row: database::audience::Audience) -> Result<Self, Error> {
        Ok(Self {
            state: row.state.as_str(),
            refusal: row.refusal,
            phase: row.phase.map(|phase| phase.as_str()),
            phase_done: row.progress.phase_done,
            phase_end: row.progress.phase_end,
            paused_at: row.paused_at,
            uploaded_bytes: row.uploaded_bytes,
            read_bytes: row.progress.read_bytes,
            rows: row.progress.records,
            accepted: row.progress.size,
            rejected: read_rejected(&row.progress)?,
            chunk_count: row.progress.chunk_count,
        })
    }
}

fn read_rejected(progress: &database::audience::Progress) -> Result<BTreeMap<String, u64>, Error> {
    json::read("an audience's rejected rows", &progress.rejected)
}
