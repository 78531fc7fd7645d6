//! The rules of a campaign: what may happen to it, to its chunks and to its pushes.
//!
//! Everything here is pure and total: functions of (state, event, now) without I/O, so that
//! every service and job decides alike and every decision can be tested by itself.
//! Who stores which of these facts is told in `ARCHITECTURE.md`.

mod chunk;
mod id;
mod push;
mod state;

pub use chunk::ChunkState;
pub use id::{AudienceId, CampaignId, ChunkId, CouponId, InconsistencyId, IntentId, LeaseToken, PushId};
pub use push::{PushState, Raised};
pub use state::{CampaignState, CampaignStateError, Transition};
