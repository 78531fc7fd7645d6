//! The rules of a campaign: what may happen to it, to its chunks and to its pushes.
//!
//! Everything here is pure and total: functions of (state, event, now) without I/O, so that
//! every service and job decides alike and every decision can be tested by itself.
//! Who stores which of these facts is told in `ARCHITECTURE.md`.

mod balance;
pub mod canary;
mod chunk;
mod id;
mod message;
mod places;
mod push;
mod reason;
mod retry;
mod schedule;
mod seconds;
mod sources;
mod standing;
mod state;
mod tally;
mod template;
mod timer;
mod word;

pub use balance::{Balance, Missing};
pub use canary::{Canary, CanaryError, CanaryState};
pub use chunk::{ChunkRecord, ChunkState, HandOverTerms, Lease, LeaseTerms, Leased, Mark, Queued};
pub use id::{
    AudienceId, CampaignId, ChunkId, CouponId, InconsistencyId, IntentId, LeaseToken, PushId, ReportId,
};
pub use message::{Message, MessageError, Position, Priority, Texts};
pub use places::Places;
pub use push::{PushState, Raised};
pub use reason::Reason;
pub use retry::{Backoff, Retry};
pub use schedule::{
    DEFAULT_LIFETIME, Expiry, IfPast, START_LEAD, Schedule, ScheduleError, SendAt, SendTime, time_to_live,
};
pub use sources::{FileRole, Sources};
pub use standing::Standing;
pub use state::{CampaignState, CampaignStateError, Transition};
pub use tally::Tally;
pub use template::{RenderError, RenderedMessage, Templates};
pub use timer::{Lane, TimerKey, TimerShards};
