//! Campaigns of single pushes: never finished, and closed when they have ended early.
//!
//! They have no audience and no totals; which of their chunks are open, their timers tell.

use campaign::{CampaignState, TimerShards};
use chrono::{DateTime, NaiveDate, Utc};
use database::campaign::Campaign;
use futures::stream::{self, StreamExt, TryStreamExt};
use runtime::Backends;

use super::{Report, Walked};
use crate::error::Error;

/// Chunks of one page.
const PAGE: u16 = 200;

/// Chunks that are closed at once.
const AT_ONCE: usize = 16;

/// Closes what is open of one that was cancelled or has failed. Says whether all is closed.
pub(super) async fn close_open(
    backends: &Backends,
    campaign: &Campaign,
    report: &mut Report,
) -> Result<Walked, Error> {
    match campaign.state {
        CampaignState::Cancelled | CampaignState::Failed => {}
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Finished => return Ok(Walked::Some),
    }
    let store = &backends.push_store;
    for timer in TimerShards::TRIGGERED.keys(campaign.id) {
        loop {
            if backends.process.stop.is_requested() {
                return Ok(Walked::Some);
            }
            let open = store.list_due(timer, end_of_time(), PAGE).await?;
            if open.is_empty() {
                break;
            }
            let closed = stream::iter(open)
                .map(|chunk| store.cancel(chunk.id))
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<_>>()
                .await?;
            report.cancelled_chunks += u32::try_from(closed.len()).unwrap_or(u32::MAX);
        }
    }
    Ok(Walked::All)
}

/// The last day that a timer can name.
fn end_of_time() -> DateTime<Utc> {
    let last = NaiveDate::from_ymd_opt(9999, 12, 31).and_then(|day| day.and_hms_opt(0, 0, 0));
    last.expect("a day of the calendar").and_utc()
}
