//! Audiences: frozen lists of recipients, each made by one import.
//!
//! ```text
//!   uploading ──▶ uploaded ──▶ importing ──▶ ready
//!       │             │            ├───────▶ refused
//!       └─────────────┴────────────┴───────▶ cancelled
//! ```
//!
//! The import works under a lease on the row; each chunk and the place to go on from are one
//! transaction. What it has left to do is its phase: sort, merge, and, once the audience is ready,
//! report. A person may pause it until the audience is ready.

mod import;
mod leftover;
mod pause;
mod upload;

use ::campaign::AudienceId;
use chrono::{DateTime, Utc};

pub use import::{
    Claim, Progress, advance, claim_import, finish_import, is_import_waiting, mark_ready, mark_refused,
    wait_for_imports,
};
pub use leftover::{list_abandoned, list_with_chunks_left};
pub use pause::{pause, resume};
pub use upload::{
    abandon_upload, add_uploaded, cancel, complete_upload, delete_cancelled, find, insert, list, set_sources,
    touch_upload,
};

use crate::word::words;
use crate::{Error, Row};

words! {
    /// Where an audience is on its way.
    AudienceState {
        /// Parts of its file are coming in.
        Uploading = "uploading",
        /// The whole file is here.
        Uploaded = "uploaded",
        /// An import reads it.
        Importing = "importing",
        /// Frozen: its recipients never change again, but for erasure.
        Ready = "ready",
        /// Its file cannot be read, for the reason beside it.
        Refused = "refused",
        /// Nobody wants it any more.
        Cancelled = "cancelled",
    }

    /// What an import has left to do.
    Phase {
        /// The file is read, and its rows are spread over partitions.
        Sort = "sort",
        /// Duplicates are found, and the others become chunks.
        Merge = "merge",
        /// The audience is ready, and the report is written.
        Report = "report",
    }
}

/// An audience as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// A UUIDv7.
    pub id: AudienceId,
    /// For people; at most 255 characters.
    pub name: String,
    /// Where it is on its way.
    pub state: AudienceState,
    /// Why the file was refused.
    pub refusal: Option<String>,
    /// The audience of which it is a new version.
    pub base_id: Option<AudienceId>,
    /// JSON: the lists that it is made of; `None` for its file alone.
    pub sources: Option<String>,
    /// JSON: what is given about the file, such as its delimiter.
    pub settings: String,
    /// Bytes in its parts.
    pub uploaded_bytes: u64,
    /// What its import made so far.
    pub progress: Progress,
    /// Over the digests of all chunks, once it is ready.
    pub digest: Option<[u8; 32]>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What its import has left to do; `None` before and after.
    pub phase: Option<Phase>,
    /// Since when a person holds its import.
    pub paused_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Since when it is frozen.
    pub ready_at: Option<DateTime<Utc>>,
}

impl Audience {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            state: row.get("state")?,
            refusal: row.get("refusal")?,
            base_id: row.get("base_id")?,
            sources: row.get("sources")?,
            settings: row.get("settings")?,
            uploaded_bytes: row.get("uploaded_bytes")?,
            progress: Progress {
                read_bytes: row.get("read_bytes")?,
                records: row.get("records")?,
                size: row.get("size")?,
                chunk_count: row.get("chunk_count")?,
                rejected: row.get("rejected")?,
                variables: row.get("variables")?,
                resume_from: row.get("resume_from")?,
                phase_done: row.get("phase_done")?,
                phase_end: row.get("phase_end")?,
            },
            phase: row.get("phase")?,
            paused_at: row.get("paused_at")?,
            digest: row.get("digest")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            ready_at: row.get("ready_at")?,
        })
    }
}
