//! A chunk's state, and the decisions that move it.

mod record;
mod state;

pub use record::{ChunkRecord, HandOverTerms, Lease, LeaseTerms, Leased, Mark, Queued};
pub use state::ChunkState;
