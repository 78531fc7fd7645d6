//! How fast it will go, and where each figure comes from.
//!
//! What this campaign does now is the best guess; then the most that any campaign was seen to do
//! lately; and where nothing was seen, what the settings allow if a commit and a gateway take as
//! long as they usually do, for one process. Limits that others set hold in any case: Google's
//! ramp, the queue, the gateway's quota, and the pace that the campaign itself is given.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use database::campaign::Campaign as Row;
use database::campaign_pace::{self, Fastest, Pace};
use database::chunk_tally::Total;
use database::ramp;
use pacing::forecast::Speed;
use pacing::quota;
use runtime::Backends;
use runtime::config::Config;
use serde::Serialize;
use utoipa::ToSchema;

use super::left::Left;
use crate::error::Error;

/// How long a commit of a full chunk is assumed to take.
const COMMIT: Duration = Duration::from_millis(500);

/// How long a gateway is assumed to take for an answer.
const ANSWER: Duration = Duration::from_millis(100);

/// Requests at once on one connection to a gateway.
const STREAMS: u64 = runtime::gateways::STREAMS as u64;

/// Tasks a second that one queue of Cloud Tasks dispatches.
const DISPATCHES: u64 = 500;

/// How long what was seen of other campaigns is believed.
const LATELY: TimeDelta = TimeDelta::hours(24);

/// Where a rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RateSource {
    /// This campaign does so now.
    Now,
    /// The most that a campaign did within half a minute, in the last 24 hours.
    Lately,
    /// Nothing was measured: what the settings allow one process.
    Assumed,
}

/// A rate and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// More than 0.
    pub(super) per_second: f64,
    pub(super) source: RateSource,
}

/// How fast a campaign went in the last minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CampaignPace {
    /// Pushes that were made.
    pub(super) expanded_per_second: u64,
    /// Pushes that became final.
    pub(super) settled_per_second: u64,
    /// Over so many seconds: 30 to 60 where everything runs.
    pub(super) seconds: u64,
}

/// All that decides how fast it goes.
#[derive(Clone, Debug)]
pub(super) struct Speeds {
    /// Pushes a second that are made, ramp apart.
    pub(super) expansion: Rate,
    /// Time that the store was on its ramp; `None` where there is none, or it is over.
    pub(super) ramp: Option<Duration>,
    /// Pushes a second that are delivered.
    pub(super) delivery: Rate,
    /// What else bounds that.
    pub(super) bounds: Vec<Bound>,
}

/// What bounds delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Bound {
    /// Of what.
    pub(super) of: BoundOf,
    /// Pushes a second.
    pub(super) per_second: u64,
}

/// Whose bound it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoundOf {
    /// Requests at once that one process has with the gateway: its connections with 100 streams
    /// each, or the chunks it may have in hand, whichever is less, and 100 ms for an answer.
    Streams,
    /// 500 tasks a second of one queue, a chunk each.
    Queue,
    /// The quota of the project at the gateway.
    Quota,
    /// The campaign's own `max_per_second`.
    MaxPerSecond,
}

impl Speeds {
    pub(super) async fn read(
        backends: &Backends,
        row: &Row,
        total: &Total,
        left: &Left,
        now: DateTime<Utc>,
    ) -> Result<(Self, Option<CampaignPace>), Error> {
        let (db, config) = (&backends.db, &backends.process.config);
        let pace = campaign_pace::find(db, row.id).await?;
        let pace = pace.and_then(|pace| pace_of(&pace, total, now));
        let lately = campaign_pace::find_fastest(db, now - LATELY).await?;
        let ramp = if config.ramps_up() {
            let position = ramp::find(db, &config.datastore.name()).await?;
            let elapsed = position.map(|position| position.elapsed).unwrap_or_default();
            let ramp = pacing::ramp::Ramp {
                elapsed,
                free_at: now,
            };
            (!ramp.is_over()).then_some(elapsed)
        } else {
            None
        };
        let speeds = choose(
            config,
            row.plan.max_per_second,
            left,
            pace.filter(|_| left.is_due(now)),
            pace,
            lately,
            ramp,
        );
        Ok((speeds, pace))
    }

    /// The same for a forecast.
    pub(super) fn speed(&self, left: &Left) -> Speed {
        let writes_a_push = writes_a_push(left);
        Speed {
            writes: self.expansion.per_second * writes_a_push,
            ramp: self.ramp,
            deliveries: self.delivery.per_second,
        }
    }
}

/// Writes for each push that is left to be made: the markers' share.
fn writes_a_push(left: &Left) -> f64 {
    let chunks = left.unexpanded_chunks as f64;
    1.0 + chunks / (left.unexpanded.max(1)) as f64
}

/// The rate of the last minute; `None` where that is not known.
fn pace_of(pace: &Pace, total: &Total, now: DateTime<Utc>) -> Option<CampaignPace> {
    let seconds = (now - pace.before.at).num_seconds();
    // A reconcile that does not run, and a pause, leave an old moment.
    let seconds = u64::try_from(seconds)
        .ok()
        .filter(|seconds| (10..=240).contains(seconds))?;
    Some(CampaignPace {
        expanded_per_second: total.expanded.saturating_sub(pace.before.expanded) / seconds,
        settled_per_second: total.tally.settled().saturating_sub(pace.before.settled) / seconds,
        seconds,
    })
}

/// Decides by the settings and what was seen. `alone` is the campaign's own pace if only the
/// senders hold it up.
fn choose(
    config: &Config,
    max_per_second: Option<u32>,
    left: &Left,
    alone: Option<CampaignPace>,
    own: Option<CampaignPace>,
    lately: Fastest,
    ramp: Option<Duration>,
) -> Speeds {
    let recipients_a_chunk = left.recipients as f64 / f64::from(left.chunks.max(1));
    let expanded_now = own
        .filter(|_| left.unexpanded > 0)
        .map(|own| own.expanded_per_second);
    let settled_now = alone.map(|own| own.settled_per_second);
    let commits = f64::from(config.fan_out.in_flight.get()) / COMMIT.as_secs_f64();
    let bounds = bounds(config, max_per_second, recipients_a_chunk);
    let least = |only: fn(&Bound) -> bool| {
        let bounds = bounds.iter().filter(|bound| only(bound));
        bounds.map(|bound| bound.per_second).min().unwrap_or(u64::MAX)
    };
    let assumed = least(|_| true);
    let by_others = least(|bound| bound.of != BoundOf::Streams);
    let delivery = rate(settled_now, lately.delivery, assumed as f64);
    Speeds {
        // On a ramp, what was seen is what the ramp allowed then.
        expansion: match ramp {
            Some(_) => rate(None, None, commits * recipients_a_chunk),
            None => rate(expanded_now, lately.expansion, commits * recipients_a_chunk),
        },
        ramp,
        delivery: Rate {
            per_second: delivery.per_second.min(by_others as f64).max(1.0),
            ..delivery
        },
        bounds,
    }
}

fn rate(now: Option<u64>, lately: Option<u64>, assumed: f64) -> Rate {
    let seen = |rate: Option<u64>| rate.filter(|rate| *rate > 0).map(|rate| rate as f64);
    let (per_second, source) = match (seen(now), seen(lately)) {
        (Some(now), _) => (now, RateSource::Now),
        (None, Some(lately)) => (lately, RateSource::Lately),
        (None, None) => (assumed.max(1.0), RateSource::Assumed),
    };
    Rate { per_second, source }
}

fn bounds(config: &Config, max_per_second: Option<u32>, recipients_a_chunk: f64) -> Vec<Bound> {
    let streams = u64::from(config.provider.fcm.connections.get()) * STREAMS;
    let in_hand = f64::from(config.sender.concurrency.get()) * recipients_a_chunk;
    let at_once = (streams as f64).min(in_hand);
    let mut bounds = vec![
        Bound {
            of: BoundOf::Streams,
            per_second: (at_once / ANSWER.as_secs_f64()) as u64,
        },
        Bound {
            of: BoundOf::Queue,
            per_second: (DISPATCHES as f64 * recipients_a_chunk) as u64,
        },
    ];
    let quota = config.provider.fcm.quota();
    bounds.extend(quota.map(|(_, per_minute)| Bound {
        of: BoundOf::Quota,
        per_second: (quota::usable(per_minute) / 60).max(1),
    }));
    bounds.extend(max_per_second.map(|max| Bound {
        of: BoundOf::MaxPerSecond,
        per_second: u64::from(max),
    }));
    bounds
}
