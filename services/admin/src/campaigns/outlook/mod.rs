//! What a campaign takes and when it will be done: before its start, and while it runs.
//!
//! Counts of operations are exact as far as nothing has to be done twice. Times are a forecast, at
//! present rates, for this campaign alone; each rate says where it comes from.

mod document;
mod left;
mod operations;
mod speed;
mod warnings;

use axum::extract::State;
use axum::response::Response;
use campaign::{CampaignId, CampaignState, SendTime};
use chrono::{DateTime, Utc};
use database::campaign::Campaign as Row;
use database::chunk_tally::{self, Total};
use database::control;
use database::coupon::{self, Coupon};
use pacing::forecast::{Forecast, forecast};
use pacing::ramp;
use runtime::Backends;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::find_row;
use crate::answer::Done;
use crate::error::Error;
use crate::openapi::Conflicting;
use crate::request::Segments;
use document::{CampaignOutlook, DeliveryOutlook, FanOutOutlook, RampOutlook, TimeOutlook};
use left::{Left, Time};
use operations::{Size, costs};
use speed::Speeds;

pub(crate) use speed::CampaignPace;

/// The route of outlooks.
pub(super) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new().routes(routes!(plan))
}

/// Show what a campaign takes, and when it will be done.
///
/// Before its start, and while it runs. The audience of a draft must be ready.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/plan", tag = "campaigns", operation_id = "plan_campaign",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "What it takes", body = CampaignOutlook),
        (status = 409, response = Conflicting),
    )
)]
async fn plan(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = find_row(&backends.db, CampaignId(id)).await?;
    let total = chunk_tally::total(&backends.db, row.id).await?;
    let outlook = Outlook::of(&backends, &row, &total).await?;
    let coupon = match row.plan.coupon_id {
        Some(id) => coupon::find(&backends.db, id).await?,
        None => None,
    };
    let size = size(&outlook.left, coupon.as_ref());
    let warnings = warnings::of(&backends, &row, &outlook, coupon.as_ref()).await?;
    let config = &backends.process.config;
    Ok(Done::Ok.with(CampaignOutlook {
        state: row.state.as_str(),
        reckoned_at: outlook.now,
        recipients: outlook.left.recipients,
        chunks: outlook.left.chunks,
        tasks: size.due_chunks,
        costs: costs(size),
        fan_out: outlook.fan_out(config.fan_out.in_flight.get()),
        delivery: outlook.delivery(config.sender.concurrency.get()),
        times: outlook.times(),
        warnings,
    }))
}

/// When a running campaign will be done, at present rates; and its pace, if that is known.
pub(super) async fn eta(
    backends: &Backends,
    row: &Row,
    total: &Total,
) -> Result<(Option<DateTime<Utc>>, Option<CampaignPace>), Error> {
    if row.state != CampaignState::Running || row.plan.audience_id.is_none() {
        return Ok((None, None));
    }
    let outlook = Outlook::of(backends, row, total).await?;
    let is_left = outlook.left.to_deliver() > 0;
    Ok((is_left.then_some(outlook.forecast.delivered_at), outlook.pace))
}

/// What is left, how fast it goes, and what comes of that.
struct Outlook {
    now: DateTime<Utc>,
    left: Left,
    speeds: Speeds,
    pace: Option<CampaignPace>,
    forecast: Forecast,
}

impl Outlook {
    async fn of(backends: &Backends, row: &Row, total: &Total) -> Result<Self, Error> {
        let now = backends.process.clock.now();
        let left = Left::read(backends, row, total, now).await?;
        let (speeds, pace) = Speeds::read(backends, row, total, &left, now).await?;
        let forecast = forecast(&left.work(), speeds.speed(&left));
        Ok(Self {
            now,
            left,
            speeds,
            pace,
            forecast,
        })
    }

    fn fan_out(&self, in_flight: u32) -> FanOutOutlook {
        let (left, speeds) = (&self.left, &self.speeds);
        let ends_at = (left.unexpanded > 0).then_some(self.forecast.expanded_at);
        FanOutOutlook {
            left: left.unexpanded,
            begins_at: left.begins_at,
            ends_at,
            seconds: seconds_between(Some(left.begins_at), ends_at),
            pushes_per_second: speeds.expansion.per_second as u64,
            source: speeds.expansion.source,
            in_flight,
            ramp: speeds.ramp.map(|elapsed| RampOutlook {
                elapsed_seconds: elapsed.as_secs(),
                writes_per_second: ramp::rate_at(elapsed) as u64,
            }),
        }
    }

    fn delivery(&self, concurrency: u32) -> DeliveryOutlook {
        let speeds = &self.speeds;
        let left = self.left.to_deliver();
        let ends_at = (left > 0).then_some(self.forecast.delivered_at);
        let due = self
            .left
            .times
            .iter()
            .filter(|time| time.left > 0)
            .filter_map(due_at);
        let begins_at = due.min().map(|due| due.max(self.left.begins_at));
        DeliveryOutlook {
            left,
            begins_at,
            ends_at,
            seconds: seconds_between(begins_at, ends_at),
            pushes_per_second: speeds.delivery.per_second as u64,
            source: speeds.delivery.source,
            concurrency,
            bounds: speeds.bounds.clone(),
        }
    }

    /// In their order. The forecast has a batch for each that comes, and those are first.
    fn times(&self) -> Vec<TimeOutlook> {
        let mut batches = self.forecast.batches.iter();
        let outlook = |time: &Time| {
            let due_at = due_at(time);
            let batch = due_at.and_then(|_| batches.next()).filter(|_| time.left > 0);
            TimeOutlook {
                time_zone: time.zone.map(|zone| zone.name().to_owned()),
                recipients: time.recipients,
                chunks: time.chunks,
                left: time.left,
                due_at,
                local_time: due_at
                    .zip(time.zone)
                    .map(|(due_at, zone)| due_at.with_timezone(&zone).naive_local()),
                expires_at: due_at.map(|due_at| self.left.schedule.expires_at(due_at)),
                ends_at: batch.map(|batch| batch.delivered_at),
                late: batch.map_or(0, |batch| batch.late),
            }
        };
        self.left.times.iter().map(outlook).collect()
    }
}

fn due_at(time: &Time) -> Option<DateTime<Utc>> {
    match time.send_time {
        SendTime::At(at) => Some(at),
        SendTime::LocalTimePast => None,
    }
}

/// How much there is to do in all. Of a coupon, as many are granted as there are, at most.
fn size(left: &Left, coupon: Option<&Coupon>) -> Size {
    let due = left.times.iter().filter(|time| due_at(time).is_some());
    let recipients: u64 = due.clone().map(|time| time.recipients).sum();
    Size {
        recipients: left.recipients,
        chunks: u64::from(left.chunks),
        due: recipients,
        due_chunks: due.map(|time| u64::from(time.chunks)).sum(),
        coupons: coupon.map_or(0, |coupon| {
            coupon.stock.map_or(recipients, |stock| stock.min(recipients))
        }),
    }
}

fn seconds_between(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> u64 {
    let span = from
        .zip(until)
        .and_then(|(from, until)| (until - from).to_std().ok());
    span.unwrap_or_default().as_secs()
}
