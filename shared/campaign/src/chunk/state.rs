//! The states of a chunk.
//!
//! ```text
//!              hand over                lease
//!   waiting ─────────────▶ queued(g) ─────────▶ leased ──▶ done
//!      ▲  ▲                   │  │ due again        │
//!      │  └── campaign paused ┘  └─▶ queued(g + 1)  │ something is left, or the
//!      │                                  ▲         │ lease ran out
//!      └──────────────────────────────────┴─────────┘
//!   any but done ──▶ cancelled
//! ```
//!
//! Only `done` and `cancelled` remove the chunk's timer. The generation counts hand-overs: a
//! task of an older one is stale.

use serde::{Deserialize, Serialize};

/// Where a chunk is on its way. Its generation and lease stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkState {
    /// Waits for its timer.
    Waiting,
    /// Handed to the task queue under its generation.
    Queued,
    /// A sender works on it until its lease expires.
    Leased,
    /// Every push of it is settled.
    Done,
    /// Its campaign was cancelled or failed; what was not settled reads as cancelled.
    Cancelled,
}

impl ChunkState {
    /// Every state, in the order of the diagram.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Queued,
        Self::Leased,
        Self::Done,
        Self::Cancelled,
    ];

    /// Whether the chunk is closed: it has no timer and nothing can follow.
    pub fn is_closed(self) -> bool {
        match self {
            Self::Waiting | Self::Queued | Self::Leased => false,
            Self::Done | Self::Cancelled => true,
        }
    }

    /// The word that the stores and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}
