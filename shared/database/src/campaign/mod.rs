//! Campaigns: what people decided, and where each one stands.
//!
//! A plan can change while its campaign is a draft, compared on its version. After that only
//! the state moves, by the rules of the `campaign` crate and under a lock on the row. Message
//! and schedule are JSON to this module.

mod find;
mod write;

use ::campaign::{AudienceId, CampaignId, CampaignState, CanaryState, CouponId, Lane};
use chrono::{DateTime, Utc};

pub use find::{
    find, is_any_active_since, list, list_ended, list_half_pruned, list_of_kind, list_running, list_states,
    list_to_reconcile, list_to_start,
};
pub use write::{
    Transitioned, decide_canary, insert, mark_pruned, mark_reconciled, set_audience_size, transition,
    update_draft,
};

use crate::word::words;
use crate::{Error, Row};

words! {
    /// How a campaign comes by its recipients.
    Kind {
        /// Once, to a frozen audience.
        Broadcast = "broadcast",
        /// To single users, as events happen; it is never finished.
        Triggered = "triggered",
    }
    /// Who gets the campaign's coupon.
    CouponFor {
        /// Every recipient, with a device or without.
        All = "all",
        /// Those with a device.
        Reachable = "reachable",
    }
}

/// What a person decides about a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// For people; at most 255 characters.
    pub name: String,
    /// Which queue serves it.
    pub lane: Lane,
    /// Whom it goes to; `None` for a triggered campaign.
    pub audience_id: Option<AudienceId>,
    /// What comes with it.
    pub coupon_id: Option<CouponId>,
    /// Who gets that.
    pub coupon_for: CouponFor,
    /// JSON. MySQL gives it back with its keys in another order.
    pub message: String,
    /// JSON.
    pub schedule: String,
    /// When a scheduled campaign starts.
    pub starts_at: Option<DateTime<Utc>>,
    /// When what is not sent expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Messages a second at most, of all processes together.
    pub max_per_second: Option<u32>,
    /// JSON: which part goes ahead, and how well it has to go.
    pub canary: Option<String>,
}

/// A campaign as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// A UUIDv7: newer campaigns have greater ids.
    pub id: CampaignId,
    /// How it comes by its recipients.
    pub kind: Kind,
    /// Where it stands.
    pub state: CampaignState,
    /// Why it failed, if it did.
    pub reason: Option<String>,
    /// What was decided.
    pub plan: Plan,
    /// Recipients; 0 until [`set_audience_size`].
    pub audience_size: u64,
    /// Chunks; 0 until [`set_audience_size`].
    pub chunk_count: u32,
    /// Counts the changes of the draft, from 1.
    pub version: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it began to run.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached a final state.
    pub ended_at: Option<DateTime<Utc>>,
    /// How far its canary is, if it has one.
    pub canary_state: Option<CanaryState>,
    /// Since when nothing is left to be done for it.
    pub reconciled_at: Option<DateTime<Utc>>,
    /// Since when nothing is written for it any more.
    pub pruned_at: Option<DateTime<Utc>>,
}

impl Campaign {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            state: row.get("state")?,
            reason: row.get("reason")?,
            plan: Plan {
                name: row.get("name")?,
                lane: row.get("lane")?,
                audience_id: row.get("audience_id")?,
                coupon_id: row.get("coupon_id")?,
                coupon_for: row.get("coupon_for")?,
                message: row.get("message")?,
                schedule: row.get("schedule")?,
                starts_at: row.get("starts_at")?,
                expires_at: row.get("expires_at")?,
                max_per_second: row.get("max_per_second")?,
                canary: row.get("canary")?,
            },
            audience_size: row.get("audience_size")?,
            chunk_count: row.get("chunk_count")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            started_at: row.get("started_at")?,
            ended_at: row.get("ended_at")?,
            canary_state: row.get("canary_state")?,
            reconciled_at: row.get("reconciled_at")?,
            pruned_at: row.get("pruned_at")?,
        })
    }
}
