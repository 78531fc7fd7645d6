//! What the passes need to know of a campaign that was started.

use campaign::{AudienceId, Canary, CanaryState, Schedule, TimerShards};
use chrono::{DateTime, Utc};
use database::campaign::{Campaign, Kind};

use crate::error::Error;

/// The frozen facts of a started campaign.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) audience: AudienceId,
    pub(crate) schedule: Schedule,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) timers: TimerShards,
}

impl Plan {
    /// The plan of a campaign to an audience; `None` for one without, or not started.
    pub(crate) fn of(campaign: &Campaign) -> Result<Option<Self>, Error> {
        let (Some(audience), Some(started_at)) = (campaign.plan.audience_id, campaign.started_at) else {
            return Ok(None);
        };
        let schedule = serde_json::from_str(&campaign.plan.schedule)
            .map_err(|error| Error::stored(format!("the schedule of campaign {}", campaign.id), error))?;
        let timers = TimerShards::for_audience(campaign.audience_size);
        Ok(Some(Self {
            audience,
            schedule,
            started_at,
            timers,
        }))
    }
}

/// Where the timers of a started campaign's chunks stand; `None` if it was not started.
pub(crate) fn timers(campaign: &Campaign) -> Option<TimerShards> {
    campaign.started_at?;
    Some(match campaign.kind {
        Kind::Broadcast => TimerShards::for_audience(campaign.audience_size),
        Kind::Triggered => TimerShards::TRIGGERED,
    })
}

/// The campaign's canary, if it has one that is still to be judged: nothing else of it is sent
/// before.
pub(crate) fn open_canary(campaign: &Campaign) -> Result<Option<Canary>, Error> {
    let (Some(canary), Some(CanaryState::Open)) = (&campaign.plan.canary, campaign.canary_state) else {
        return Ok(None);
    };
    let canary = serde_json::from_str(canary)
        .map_err(|error| Error::stored(format!("the canary of campaign {}", campaign.id), error))?;
    Ok(Some(canary))
}
