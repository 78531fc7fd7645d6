//! What is left to be done for a campaign, or would be if it were started now.

use campaign::{AudienceId, CampaignState, START_LEAD, Schedule, SendTime};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use database::audience::AudienceState;
use database::audience_chunk::{self, Zone};
use database::campaign::Campaign as Row;
use database::chunk_tally::Total;
use pacing::forecast::{Batch, Work};
use runtime::Backends;

use crate::error::Error;
use crate::json;

/// A campaign's recipients, when they are due, and how many are still to be served.
#[derive(Clone, Debug)]
pub(super) struct Left {
    /// When the fan-out begins, or goes on.
    pub(super) begins_at: DateTime<Utc>,
    pub(super) recipients: u64,
    pub(super) chunks: u32,
    /// Recipients without a push.
    pub(super) unexpanded: u64,
    /// Chunks without one.
    pub(super) unexpanded_chunks: u64,
    /// By the time at which they are due, those who never are last.
    pub(super) times: Vec<Time>,
    pub(super) schedule: Schedule,
}

/// Recipients who are due at the same time.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// Their zone, where they are served by local time: their own, or the campaign's.
    pub(super) zone: Option<Tz>,
    pub(super) recipients: u64,
    pub(super) chunks: u32,
    pub(super) send_time: SendTime,
    /// Those of them who are still to be served.
    pub(super) left: u64,
}

impl Left {
    /// Reads it. The audience must be ready.
    pub(super) async fn read(
        backends: &Backends,
        row: &Row,
        total: &Total,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let schedule: Schedule = json::read("a campaign's schedule", &row.plan.schedule)?;
        let audience = row.plan.audience_id.ok_or(Error::NoAudience)?;
        let (recipients, chunks) = size(backends, row, audience).await?;
        let (started_at, begins_at) = beginning(row, now);
        let zones = match schedule.at {
            campaign::SendAt::Local { .. } => audience_chunk::list_zones(&backends.db, audience).await?,
            campaign::SendAt::Now | campaign::SendAt::Instant(_) => Vec::new(),
        };
        let mut left = Self {
            begins_at,
            recipients,
            chunks,
            unexpanded: recipients.saturating_sub(total.expanded),
            unexpanded_chunks: u64::from(chunks).saturating_sub(total.chunks),
            times: times(&schedule, &zones, (recipients, chunks), started_at)?,
            schedule,
        };
        if row.state.is_final() {
            left.unexpanded = 0;
            left.unexpanded_chunks = 0;
        } else {
            left.share(recipients.saturating_sub(total.tally.settled()));
        }
        Ok(left)
    }

    /// Gives those who are still to be served to the latest times: the earliest are served first.
    fn share(&mut self, unsettled: u64) {
        let mut unsettled = unsettled;
        for time in self.times.iter_mut().rev() {
            time.left = match time.send_time {
                SendTime::At(_) => time.recipients.min(unsettled),
                SendTime::LocalTimePast => 0,
            };
            unsettled -= time.left;
        }
    }

    /// The same as work for a forecast: a batch for each time that comes.
    pub(super) fn work(&self) -> Work {
        let batches = self.times.iter().filter_map(|time| match time.send_time {
            SendTime::At(due_at) => Some(Batch {
                pushes: time.left,
                due_at,
                expires_at: self.schedule.expires_at(due_at),
            }),
            SendTime::LocalTimePast => None,
        });
        Work {
            begins_at: self.begins_at,
            unexpanded: self.unexpanded,
            writes: self.unexpanded + self.unexpanded_chunks,
            batches: batches.collect(),
        }
    }

    /// Recipients who are still to be served.
    pub(super) fn to_deliver(&self) -> u64 {
        self.times.iter().map(|time| time.left).sum()
    }

    /// Whether everything that is left is made and due: then only the senders decide how long it
    /// takes.
    pub(super) fn is_due(&self, now: DateTime<Utc>) -> bool {
        let is_due = |time: &Time| time.left == 0 || time.send_time <= SendTime::At(now);
        self.unexpanded == 0 && self.times.iter().all(is_due)
    }
}

/// Recipients and chunks: the campaign's own from when it is scheduled or started.
async fn size(backends: &Backends, row: &Row, audience: AudienceId) -> Result<(u64, u32), Error> {
    if row.state != CampaignState::Draft {
        return Ok((row.audience_size, row.chunk_count));
    }
    let audience = database::audience::find(&backends.db, audience).await?;
    let audience = audience.ok_or(Error::NotFound { what: "audience" })?;
    match audience.state {
        AudienceState::Ready => Ok((audience.progress.size, audience.progress.chunk_count)),
        other => Err(Error::AudienceNotReady(other)),
    }
}

/// When it starts, and when its fan-out begins or goes on.
fn beginning(row: &Row, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let starts_at = match (row.state, row.plan.starts_at) {
        (CampaignState::Scheduled, Some(starts_at)) => now.max(starts_at - START_LEAD),
        _ => now,
    };
    (row.started_at.unwrap_or(starts_at), starts_at)
}

/// The recipients by the time at which they are due: of all zones, or all as one.
fn times(
    schedule: &Schedule,
    zones: &[Zone],
    (recipients, chunks): (u64, u32),
    started_at: DateTime<Utc>,
) -> Result<Vec<Time>, Error> {
    let campaign::SendAt::Local { time_zone, .. } = schedule.at else {
        return Ok(vec![Time {
            zone: None,
            recipients,
            chunks,
            send_time: schedule.send_time(None, started_at),
            left: 0,
        }]);
    };
    let mut times = Vec::with_capacity(zones.len());
    for zone in zones {
        let own = match zone.time_zone.as_str() {
            "" => None,
            name => {
                let zone = name.parse::<Tz>();
                Some(zone.map_err(|error| Error::Fault(format!("an audience's time zone: {error}")))?)
            }
        };
        times.push(Time {
            zone: Some(own.unwrap_or(time_zone)),
            recipients: zone.recipients,
            chunks: zone.chunks,
            send_time: schedule.send_time(own, started_at),
            left: 0,
        });
    }
    times.sort_by_key(|time| time.send_time);
    Ok(times)
}
