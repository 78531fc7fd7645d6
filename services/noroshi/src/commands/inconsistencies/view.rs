//! What the API answers of inconsistencies.

use serde::Deserialize;

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Page {
    pub(super) items: Vec<Inconsistency>,
    pub(super) next_cursor: Option<String>,
}

/// An inconsistency.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Inconsistency {
    pub(super) id: String,
    pub(super) intent_id: String,
    pub(super) campaign_id: String,
    pub(super) chunk_no: u32,
    pub(super) kind: String,
    pub(super) detail: String,
    pub(super) state: String,
    pub(super) resolution: Option<String>,
    pub(super) detected_at: String,
    pub(super) age_seconds: u64,
}

/// An inconsistency with what became of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct History {
    #[serde(flatten)]
    pub(super) inconsistency: Inconsistency,
    pub(super) events: Vec<Event>,
}

/// One step of an inconsistency.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Event {
    pub(super) state: String,
    pub(super) detail: String,
    pub(super) occurred_at: String,
}
