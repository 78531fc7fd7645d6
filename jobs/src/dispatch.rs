//! Hands due chunks to the task queue.
//!
//! A chunk is marked `queued` *before* its task is created, and its timer is moved, not
//! removed. A crash in between leaves a queued chunk without a task; the chunk comes due again
//! and is handed over under its next generation. Of hand-overs in a row the first task that comes
//! to a sender is met, and the others are ignored.
//!
//! Of a campaign whose canary is to be judged, only that is handed over.
//!
//! Running campaigns are served in turns, so a small one does not wait behind a large one of
//! its lane; and no campaign has more than a bounded number of chunks in the queue, so that a
//! pause, or a smaller campaign, need not wait for a long queue to run empty. While the load guard
//! slows us down that number is smaller in proportion, because senders would put the rest back.

use std::fmt;

use campaign::{CampaignId, Canary, HandOverTerms, Lane, Queued, TimerShards};
use database::campaign::Campaign;
use database::chunk_tally;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt};
use push_store::Chunk;
use runtime::Backends;
use runtime::job::{self, Outcome};
use task_queue::Delivery;

use crate::error::Error;
use crate::plan;
use crate::turns::{Turns, pass_over};

/// Chunks of one campaign in one turn.
const TURN: u16 = 32;

/// Chunks of a canary that are looked at together.
const PAGE: u32 = 500;

/// Hand-overs that are under way at once.
const AT_ONCE: usize = 16;

/// Tries to create a task. One that fails for good is made up for by the chunk's timer, after
/// its pick-up time.
const TRIES: u32 = 3;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Chunks that were handed to the queue.
    pub queued: u32,
    /// Whether more were due than had their turn.
    pub left: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} chunks handed to the queue", self.queued)?;
        if self.left {
            f.write_str(", more are due")
        } else {
            Ok(())
        }
    }
}

impl job::Report for Report {
    fn outcome(&self) -> Outcome {
        match self {
            Self { left: true, .. } => Outcome::WorkLeft,
            Self { queued: 0, .. } => Outcome::Idle,
            Self { .. } => Outcome::Worked,
        }
    }
}

/// Gives each running campaign of every lane a turn.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    for lane in Lane::ALL {
        let of_lane = run_lane(backends, lane).await?;
        report.queued += of_lane.queued;
        report.left |= of_lane.left;
    }
    Ok(report)
}

/// Gives each running campaign of the lane a turn.
pub async fn run_lane(backends: &Backends, lane: Lane) -> Result<Report, Error> {
    let mut report = Report::default();
    if backends.guard.share() <= 0.0 {
        return Ok(report);
    }
    let mut turns = Turns::of(backends, lane);
    while let Some(campaign) = turns.next().await? {
        pass_over(campaign.id, turn(backends, &campaign, lane, &mut report).await)?;
    }
    Ok(report)
}

async fn turn(
    backends: &Backends,
    campaign: &Campaign,
    lane: Lane,
    report: &mut Report,
) -> Result<(), Error> {
    let Some(timers) = plan::timers(campaign) else {
        return Ok(());
    };
    let most = in_queue(backends);
    let queued = backends.push_store.count_queued(campaign.id, most).await?;
    let room = most
        .saturating_sub(u16::try_from(queued).unwrap_or(u16::MAX))
        .min(TURN);
    let due = match room {
        0 => list_overdue(backends, campaign.id, most).await?,
        room => match plan::open_canary(campaign)? {
            Some(canary) => list_canary(backends, campaign, canary, room).await?,
            None => list_due(backends, campaign.id, timers, room).await?,
        },
    };
    report.left |= due.len() == usize::from(TURN);
    fault_points::reach!(
        DueRead,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    report.queued += hand_over_all(backends, lane, due).await?;
    Ok(())
}

/// Chunks of a campaign that may be in the queue now; at least one, so that small ones trickle.
fn in_queue(backends: &Backends) -> u16 {
    let most = backends.process.config.dispatch.in_queue.get();
    let most = (f64::from(most) * backends.guard.share()).ceil();
    // What does not fit is cut to the most.
    (most as u16).max(1)
}

/// Chunks of a campaign that has its share of the queue, which are due all the same: their tasks
/// are lost, or late. They take no more room, and behind chunks that do nobody would find them.
async fn list_overdue(backends: &Backends, campaign: CampaignId, most: u16) -> Result<Vec<Chunk>, Error> {
    let now = backends.process.clock.now();
    let mut queued = backends.push_store.list_queued(campaign, most).await?;
    queued.retain(|chunk| chunk.record.due_at.is_some_and(|due_at| due_at <= now));
    queued.truncate(usize::from(TURN));
    Ok(queued)
}

/// The campaign's earliest due chunks, over all of its timer keys.
async fn list_due(
    backends: &Backends,
    campaign: CampaignId,
    timers: TimerShards,
    limit: u16,
) -> Result<Vec<Chunk>, Error> {
    let until = backends.process.clock.now() + backends.process.config.dispatch.look_ahead;
    let timers = timers.keys(campaign);
    let due = try_join_all(timers.map(|timer| backends.push_store.list_due(timer, until, limit)));
    let mut due = due.await?.into_iter().flatten().collect::<Vec<_>>();
    due.sort_unstable_by_key(|chunk| (chunk.record.due_at, chunk.no));
    due.truncate(usize::from(limit));
    Ok(due)
}

/// The due chunks of the campaign's canary. They are found by their numbers: in the index of due
/// chunks, any number of others may come first.
async fn list_canary(
    backends: &Backends,
    campaign: &Campaign,
    canary: Canary,
    limit: u16,
) -> Result<Vec<Chunk>, Error> {
    let Some(audience) = campaign.plan.audience_id else {
        return Ok(Vec::new());
    };
    let until = backends.process.clock.now() + backends.process.config.dispatch.look_ahead;
    let end = canary.chunks(campaign.chunk_count);
    let mut due = Vec::new();
    let mut from = 0;
    while from < end && due.len() < usize::from(limit) {
        let mut numbers = chunk_tally::list_open(&backends.db, campaign.id, audience, from, PAGE).await?;
        from = numbers.last().map_or(end, |last| last + 1);
        numbers.retain(|no| *no < end);
        let chunks = backends.push_store.list_chunks(campaign.id, &numbers).await?;
        due.extend(
            chunks
                .into_iter()
                .filter(|chunk| chunk.record.due_at.is_some_and(|at| at <= until)),
        );
    }
    due.truncate(usize::from(limit));
    Ok(due)
}

/// Brings every hand-over to its end, also after one has failed: cut between its mark and its
/// task, a chunk would wait for its pick-up time.
async fn hand_over_all(backends: &Backends, lane: Lane, due: Vec<Chunk>) -> Result<u32, Error> {
    let handed_over = stream::iter(due)
        .map(|chunk| hand_over(backends, lane, chunk))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>();
    let handed_over = handed_over.await.into_iter();
    handed_over.map(|handed_over| handed_over.map(u32::from)).sum()
}

/// Marks one chunk and creates its task. Says whether it did; another may have been faster.
async fn hand_over(backends: &Backends, lane: Lane, chunk: Chunk) -> Result<bool, Error> {
    let now = backends.process.clock.now();
    let terms = terms(backends);
    let (generation, run_at) = match backends.push_store.queue(chunk.id, now, terms).await? {
        Some(Queued::Queued { generation, run_at }) => (generation, run_at),
        Some(Queued::NotDue | Queued::Closed) | None => return Ok(false),
    };
    let delivery = Delivery {
        campaign: chunk.campaign,
        chunk: chunk.id,
        chunk_no: chunk.no,
        generation,
    };
    fault_points::reach!(ChunkQueued);
    let mut tries = 0;
    loop {
        tries += 1;
        match backends.task_queue.enqueue(lane, &delivery, run_at).await {
            Ok(_) => return Ok(true),
            Err(task_queue::Error::Unreachable(_)) if tries < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn terms(backends: &Backends) -> HandOverTerms {
    let settings = &backends.process.config.dispatch;
    HandOverTerms {
        look_ahead: settings.look_ahead,
        pick_up: settings.pick_up,
        pick_up_max: settings.pick_up_max,
    }
}
