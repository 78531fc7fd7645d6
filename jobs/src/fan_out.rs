//! Expands the chunks of running campaigns into pushes.
//!
//! One Datastore transaction a chunk inserts its marker and its pushes, so a chunk is expanded
//! whole or not at all. Where a pass begins is told by the campaign's low-water mark in SQL, and
//! above it by the markers themselves, a thousand to a Lookup. So a pass that was cut off costs
//! the next one a Lookup and nothing else, and several processes may work on one campaign: who
//! comes second finds the marker.
//!
//! It also starts the campaigns whose time comes, a little early: their chunks are there, and
//! wait for their timers, when it has come.

use std::fmt;
use std::sync::Arc;

use campaign::{CampaignId, Lane, SendTime, Transition};
use chrono::TimeDelta;
use database::audience_chunk::AudienceChunk;
use database::campaign::{Campaign, Transitioned};
use database::chunk_tally::{self, ChunkTally};
use database::{audience_chunk, fan_out_progress};
use push_store::{Expansion, MAX_LOOKUP_KEYS, NewChunk, NewPush};
use runtime::Backends;
use runtime::job::{self, Outcome};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::error::Error;
use crate::plan::Plan;
use crate::turns::{Turns, pass_over};

/// Campaigns are started this long before their first chunk is due.
const LEAD: TimeDelta = TimeDelta::minutes(10);

/// Chunks of one campaign in one turn; then the next campaign has its turn.
const TURN: usize = 256;

/// Campaigns started in one pass.
const STARTED: u32 = 100;

/// Tries of a chunk that met another transaction.
const TRIES: u32 = 5;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Campaigns that were started because their time comes.
    pub started: u32,
    /// Chunks that this pass expanded.
    pub chunks: u32,
    /// Pushes in them.
    pub pushes: u64,
    /// Whether there are chunks that are not expanded.
    pub left: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            started,
            chunks,
            pushes,
            left,
        } = self;
        write!(
            f,
            "{started} campaigns started, {chunks} chunks with {pushes} pushes expanded"
        )?;
        if *left {
            f.write_str(", more are left")
        } else {
            Ok(())
        }
    }
}

impl job::Report for Report {
    fn outcome(&self) -> Outcome {
        match self {
            Self { left: true, .. } => Outcome::WorkLeft,
            Self {
                started: 0,
                chunks: 0,
                ..
            } => Outcome::Idle,
            Self { .. } => Outcome::Worked,
        }
    }
}

/// Starts what is due, and gives each running campaign a turn.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report {
        started: start_due(backends).await?,
        ..Report::default()
    };
    for lane in Lane::ALL {
        let mut turns = Turns::of(backends, lane);
        while let Some(campaign) = turns.next().await? {
            pass_over(campaign.id, turn(backends, &campaign, &mut report).await)?;
            fault_points::reach!(BetweenTurns);
        }
    }
    Ok(report)
}

async fn start_due(backends: &Backends) -> Result<u32, Error> {
    let now = backends.process.clock.now();
    let mut started = 0;
    for campaign in database::campaign::list_to_start(&backends.db, now + LEAD, STARTED).await? {
        let mut tx = backends.db.begin().await?;
        let moved =
            database::campaign::transition(&mut tx, campaign.id, Transition::Start, None, now).await?;
        tx.commit().await.repeatable()?;
        match moved {
            Transitioned::To(_) => {
                info!(campaign.id = %campaign.id, "a scheduled campaign was started");
                started += 1;
            }
            // Somebody was faster, or cancelled it.
            Transitioned::Refused(_) | Transitioned::Missing => {}
        }
    }
    Ok(started)
}

/// Expands the campaign's next chunks.
async fn turn(backends: &Backends, campaign: &Campaign, report: &mut Report) -> Result<(), Error> {
    let Some(plan) = Plan::of(campaign)? else {
        return Ok(());
    };
    let low_water = fan_out_progress::find(&backends.db, campaign.id).await?;
    if low_water >= campaign.chunk_count {
        return Ok(());
    }
    let window = (low_water..campaign.chunk_count)
        .take(MAX_LOOKUP_KEYS)
        .collect::<Vec<_>>();
    let missing = backends.push_store.list_unexpanded(campaign.id, &window).await?;
    let end = low_water + u32::try_from(window.len()).unwrap_or(u32::MAX);
    let turn = &missing[..missing.len().min(TURN)];
    let (mut expanded, ended) = expand_all(backends, campaign, Arc::new(plan), turn).await;
    // In the order in which everybody locks them.
    expanded.sort_unstable_by_key(|tally| tally.chunk_no);
    report.chunks += u32::try_from(expanded.len()).unwrap_or(u32::MAX);
    report.pushes += expanded.iter().map(|chunk| chunk.tally.total()).sum::<u64>();
    // Everything below the first chunk of the window that is still missing is expanded.
    let done = turn
        .iter()
        .filter(|no| !expanded.iter().any(|tally| tally.chunk_no == **no));
    let first_left = done.chain(&missing[turn.len()..]).min();
    let low_water = first_left.copied().unwrap_or(end);
    fault_points::reach!(
        ChunksExpanded,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    record(backends, campaign.id, low_water, &expanded).await?;
    ended?;
    report.left |= low_water < campaign.chunk_count;
    Ok(())
}

/// Raises the low-water mark, and counts what was expanded. A tally that a sender has replaced
/// meanwhile is newer and stays.
async fn record(
    backends: &Backends,
    campaign: CampaignId,
    low_water: u32,
    expanded: &[ChunkTally],
) -> Result<(), Error> {
    let mut tx = backends.db.begin().await?;
    for tally in expanded {
        let _: database::Change = chunk_tally::replace(&mut tx, tally).await?;
    }
    fan_out_progress::raise(&mut tx, campaign, low_water).await?;
    Ok(tx.commit().await.repeatable()?)
}

/// Expands the chunks of these numbers, several at once, and returns the tallies of those that
/// are expanded now. Begins no more after an error, or when the process is to stop, and brings
/// those under way to their end.
async fn expand_all(
    backends: &Backends,
    campaign: &Campaign,
    plan: Arc<Plan>,
    numbers: &[u32],
) -> (Vec<ChunkTally>, Result<(), Error>) {
    let at_once = usize::try_from(backends.process.config.fan_out.in_flight.get()).unwrap_or(usize::MAX);
    let mut expanded = Vec::with_capacity(numbers.len());
    let mut ended = Ok(());
    let mut numbers = numbers.iter();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < at_once
            && ended.is_ok()
            && !backends.process.stop.is_requested()
            && let Some(no) = numbers.next()
        {
            under_way.spawn(expand(backends.clone(), campaign.id, plan.clone(), *no));
        }
        match under_way.join_next().await {
            Some(Ok(Ok(tally))) => expanded.extend(tally),
            Some(Ok(Err(error))) => ended = Err(error),
            Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
            None => return (expanded, ended),
        }
        backends.nudges.dispatch.nudge();
    }
}

/// Expands one chunk; `None` if that is not possible, which has failed the campaign.
async fn expand(
    backends: Backends,
    campaign: CampaignId,
    plan: Arc<Plan>,
    no: u32,
) -> Result<Option<ChunkTally>, Error> {
    let Some(stored) = audience_chunk::find(&backends.db, plan.audience, no).await? else {
        fail(
            &backends,
            campaign,
            &format!("chunk {no} of its audience is not there"),
        )
        .await?;
        return Ok(None);
    };
    fault_points::reach!(
        RecipientsRead,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    let chunk = new_chunk(campaign, &plan, &stored)?;
    let mut tries = 0;
    loop {
        tries += 1;
        match backends
            .push_store
            .expand(chunk.clone(), backends.process.clock.now())
            .await
        {
            Ok(Expansion::Expanded(marker)) => {
                let (version, state) = (marker.version, marker.record.state);
                return Ok(Some(ChunkTally::of(campaign, no, version, state, &marker.tally)));
            }
            Ok(Expansion::DigestDiffers) => {
                let reason = format!("chunk {no} was expanded from other recipients");
                fail(&backends, campaign, &reason).await?;
                return Ok(None);
            }
            Err(push_store::Error::Conflict(_)) if tries < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn new_chunk(campaign: CampaignId, plan: &Plan, stored: &AudienceChunk) -> Result<NewChunk, Error> {
    let no = stored.header.no;
    let unpacked = audience::Unpacked::open(&stored.recipients)
        .map_err(|error| Error::stored(format!("chunk {no} of audience {}", plan.audience), error))?;
    let send_time = plan.schedule.send_time(unpacked.time_zone(), plan.started_at);
    let expires_at = match send_time {
        SendTime::At(at) => plan.schedule.expires_at(at),
        SendTime::LocalTimePast => plan.started_at,
    };
    let recipients = unpacked.iter().map(|recipient| {
        recipient.map(|recipient| NewPush {
            user: recipient.user_id.to_owned(),
            locale: recipient.locale.map(str::to_owned),
            variables: recipient
                .variables
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    });
    Ok(NewChunk {
        campaign,
        no,
        audience: plan.audience,
        digest: stored.header.digest,
        timer: plan.timers.key(campaign, no),
        send_time,
        expires_at,
        recipients: recipients.collect(),
    })
}

/// Audience and campaign do not belong together, which nobody can repair: the campaign fails.
async fn fail(backends: &Backends, campaign: CampaignId, reason: &str) -> Result<(), Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let moved =
        database::campaign::transition(&mut tx, campaign, Transition::Fail, Some(reason), now).await?;
    tx.commit().await.repeatable()?;
    match moved {
        Transitioned::To(_) => error!(campaign.id = %campaign, cause = reason, "a campaign failed"),
        Transitioned::Refused(_) | Transitioned::Missing => {
            warn!(campaign.id = %campaign, cause = reason, "a campaign that had ended cannot be expanded");
        }
    }
    Ok(())
}
