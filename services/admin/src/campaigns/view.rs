//! Campaigns as the API shows them.

use campaign::{Canary, Message, Schedule};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::json;
use crate::schema;

/// One message to one audience.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Campaign {
    id: Uuid,
    /// Counts the changes of the draft, from 1. An update names the one that it replaces.
    version: u32,
    /// Where it stands.
    #[schema(value_type = schema::CampaignState)]
    state: &'static str,
    /// How it comes by its recipients.
    #[schema(value_type = super::plan::CampaignKind)]
    kind: &'static str,
    /// Why it failed, or was paused by its canary.
    reason: Option<String>,
    /// For people.
    name: String,
    /// What recipients see.
    #[schema(value_type = schema::Message)]
    message: Message,
    /// When they see it.
    #[schema(value_type = schema::Schedule)]
    schedule: Schedule,
    /// Whom it goes to.
    audience_id: Option<Uuid>,
    /// What comes with it.
    coupon_id: Option<Uuid>,
    /// Who gets that: `all` recipients or the `reachable` ones.
    #[schema(value_type = super::plan::CouponFor)]
    coupon_for: &'static str,
    /// Messages a second at most.
    max_per_second: Option<u32>,
    /// Which part goes ahead of the others.
    #[schema(value_type = Option<schema::Canary>)]
    canary: Option<Canary>,
    /// Recipients; fixed when it is scheduled or started.
    audience_size: u64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// When a scheduled one starts by itself: the earliest instant at which anybody is due.
    starts_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    /// When it reached a final state.
    ended_at: Option<DateTime<Utc>>,
    /// Since when its pushes are no longer kept.
    pruned_at: Option<DateTime<Utc>>,
}

impl Campaign {
    /// Of the stored one.
    pub(super) fn of(row: database::campaign::Campaign) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            version: row.version,
            state: row.state.as_str(),
            kind: row.kind.as_str(),
            reason: row.reason,
            name: row.plan.name,
            message: json::read("a campaign's message", &row.plan.message)?,
            schedule: json::read("a campaign's schedule", &row.plan.schedule)?,
            audience_id: row.plan.audience_id.map(|id| id.0),
            coupon_id: row.plan.coupon_id.map(|id| id.0),
            coupon_for: row.plan.coupon_for.as_str(),
            max_per_second: row.plan.max_per_second,
            canary: match &row.plan.canary {
                Some(canary) => Some(json::read("a campaign's canary", canary)?),
                None => None,
            },
            audience_size: row.audience_size,
            created_at: row.created_at,
            updated_at: row.updated_at,
            starts_at: row.plan.starts_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            pruned_at: row.pruned_at,
        })
    }

    /// What an update must name.
    pub(super) fn version(&self) -> u32 {
        self.version
    }
}
