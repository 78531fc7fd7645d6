//! The outlook of a campaign, as the API tells it.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::operations::StepCost;
use super::speed::{Bound, RateSource};
use crate::schema;

/// What a campaign takes, and when it will be done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignOutlook {
    /// Where it stands. A draft and a paused campaign are reckoned as if they went on now.
    #[schema(value_type = schema::CampaignState)]
    pub(super) state: &'static str,
    /// From when on it is reckoned.
    pub(super) reckoned_at: DateTime<Utc>,
    /// Everybody in its audience.
    pub(super) recipients: u64,
    /// In so many chunks.
    pub(super) chunks: u32,
    /// Tasks that the queue is given at least: one for each chunk that is due at some time.
    pub(super) tasks: u64,
    /// What it costs from its start to its end and beyond, at least, step by step; last, in all.
    pub(super) costs: Vec<StepCost>,
    pub(super) fan_out: FanOutOutlook,
    pub(super) delivery: DeliveryOutlook,
    /// Its recipients by the time at which they are due.
    pub(super) times: Vec<TimeOutlook>,
    /// What a person should know before it goes on.
    pub(super) warnings: Vec<String>,
}

/// When the last push is made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FanOutOutlook {
    /// Recipients without a push.
    pub(super) left: u64,
    /// When it begins, or goes on.
    pub(super) begins_at: DateTime<Utc>,
    /// `null` when nothing is left.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// From the one to the other.
    pub(super) seconds: u64,
    /// Pushes a second that the store takes, ramp apart.
    pub(super) pushes_per_second: u64,
    /// Where that comes from.
    pub(super) source: RateSource,
    /// Commits that one process has under way at most.
    pub(super) in_flight: u32,
    /// Google's rule for cold key ranges, where it applies.
    pub(super) ramp: Option<RampOutlook>,
}

/// How far a cold store is on its ramp.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RampOutlook {
    /// For how long it was written to, at the ramp's rates.
    pub(super) elapsed_seconds: u64,
    /// Writes a second that it allows now.
    pub(super) writes_per_second: u64,
}

/// When the last push is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryOutlook {
    /// Recipients who are still to be served.
    pub(super) left: u64,
    /// When the first of them are due and made.
    pub(super) begins_at: Option<DateTime<Utc>>,
    /// `null` when nothing is left.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// From the one to the other.
    pub(super) seconds: u64,
    /// Pushes a second that all senders deliver.
    pub(super) pushes_per_second: u64,
    /// Where that comes from.
    pub(super) source: RateSource,
    /// Chunks that one sender delivers at once.
    pub(super) concurrency: u32,
    /// Limits, those of one process and those that others set.
    pub(super) bounds: Vec<Bound>,
}

/// Recipients who are due at the same time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimeOutlook {
    /// By whose clock, in a campaign by local time.
    pub(super) time_zone: Option<String>,
    pub(super) recipients: u64,
    pub(super) chunks: u32,
    /// Those of them who are still to be served.
    pub(super) left: u64,
    /// When; `null` for those who are skipped because their local time is past.
    pub(super) due_at: Option<DateTime<Utc>>,
    /// The same by their own clocks.
    pub(super) local_time: Option<NaiveDateTime>,
    /// From when on it is too late.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// When the last of them is served, if none expires; `null` where nobody is left.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// Those who expire before they can be served.
    pub(super) late: u64,
}
