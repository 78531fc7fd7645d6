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

use crate::word::words;

words! {
    /// Where a chunk is on its way. Its generation and lease stand beside it.
    ChunkState {
        /// Waits for its timer.
        Waiting = "waiting",
        /// Handed to the task queue under its generation.
        Queued = "queued",
        /// A sender works on it until its lease expires.
        Leased = "leased",
        /// Every push of it is settled.
        Done = "done",
        /// Its campaign was cancelled or failed; what was not settled reads as cancelled.
        Cancelled = "cancelled",
    }
}

impl ChunkState {
    /// Whether the chunk is closed: it has no timer and nothing can follow.
    pub fn is_closed(self) -> bool {
        match self {
            Self::Waiting | Self::Queued | Self::Leased => false,
            Self::Done | Self::Cancelled => true,
        }
    }
}
