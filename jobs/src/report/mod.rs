//! Makes reports of campaigns: what became of each recipient, as CSV.
//!
//! A pass claims a report and goes through the campaign's chunks, some at a time; their lines and the
//! number of the next chunk are one transaction in the database of files. So one that takes over from
//! a dead one goes on behind the last line, and what is written is never written again. Each chunk is
//! told as it stands when its turn comes; a user who was erased by then, or is to be, has no name.

mod lines;
mod outcome;

use std::time::Duration;

use campaign::{CampaignId, ReportId};
use database::campaign::{self as campaigns, Campaign};
use database::report::{self as reports, Claim, Subject};
use database::{Change, Tx};
use futures::stream::{self, StreamExt, TryStreamExt};
use runtime::Backends;
use runtime::guard::Gate;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::Error;
use outcome::Ended;

pub use outcome::Report;

/// Reports in one pass.
const REPORTS: u32 = 16;

/// How long a maker that fell silent keeps others from going on in its place.
const LEASE: Duration = Duration::from_secs(30);

/// Chunks in one transaction: some hundreds of kilobytes at most, of lines as long as they can be.
const CHUNKS: u32 = 4;

/// Chunks read at once.
const AT_ONCE: usize = 4;

/// Where the making goes on, as it stands beside the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    chunk: u32,
}

/// Makes what was asked for, and what a maker that fell silent left.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    let gate = Gate::new(backends.guard.clone(), backends.process.clock.clone(), 1);
    for _ in 0..REPORTS {
        if backends.process.stop.is_requested() {
            return Ok(report);
        }
        let Some(claim) = claim(backends).await? else {
            return Ok(report);
        };
        report.count(make(backends, &gate, &claim).await?);
    }
    report.is_bounded = true;
    Ok(report)
}

async fn claim(backends: &Backends) -> Result<Option<Claim>, Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.files.begin().await?;
    let claim = reports::claim(&mut tx, Subject::Campaign, now, now + LEASE).await?;
    if claim.is_some() {
        tx.commit().await.repeatable()?;
    } else {
        tx.rollback().await;
    }
    Ok(claim)
}

async fn make(backends: &Backends, gate: &Gate, claim: &Claim) -> Result<Ended, Error> {
    let report = &claim.report;
    let campaign = campaigns::find(&backends.db, CampaignId(report.subject_id)).await?;
    // One that was pruned has no pushes to tell of any more.
    let Some(campaign) = campaign.filter(|campaign| campaign.pruned_at.is_none()) else {
        return give_up(backends, report.id, report.size).await;
    };
    let mut place = place_of(claim)?;
    let mut size = report.size;
    loop {
        let turn = tokio::select! {
            biased;
            () = backends.process.stop.requested() => return let_go(backends, claim).await,
            turn = gate.enter() => turn,
        };
        let end = campaign.chunk_count.min(place.chunk.saturating_add(CHUNKS));
        let lines = lines_of(backends, &campaign, place.chunk..end, size == 0).await?;
        place.chunk = end;
        let is_last = end == campaign.chunk_count;
        if append(backends, claim, size, &lines, place, is_last).await? == Change::Stale {
            return Ok(Ended::Lost);
        }
        drop(turn);
        size += lines.len() as u64;
        if is_last {
            return Ok(Ended::Ready);
        }
    }
}

fn place_of(claim: &Claim) -> Result<Place, Error> {
    let Some(place) = &claim.report.resume_from else {
        return Ok(Place::default());
    };
    serde_json::from_str(place)
        .map_err(|error| Error::stored(format!("the progress of report {}", claim.report.id), error))
}

/// The lines of some chunks; with the header before the first.
async fn lines_of(
    backends: &Backends,
    campaign: &Campaign,
    chunks: std::ops::Range<u32>,
    with_header: bool,
) -> Result<Vec<u8>, Error> {
    let header = if with_header {
        lines::HEADER.as_bytes().to_vec()
    } else {
        Vec::new()
    };
    let reads = chunks.map(|no| lines::of_chunk(backends, campaign, no));
    let lines = stream::iter(reads).buffered(AT_ONCE);
    lines
        .try_fold(header, async |mut all, lines| {
            all.extend(lines);
            Ok(all)
        })
        .await
}

/// Adds the lines, and ends the report with the last of them. Stale if somebody else went on.
async fn append(
    backends: &Backends,
    claim: &Claim,
    size: u64,
    lines: &[u8],
    place: Place,
    is_last: bool,
) -> Result<Change, Error> {
    let place = serde_json::to_string(&place).map_err(|error| Error::stored("a place", error))?;
    let id = claim.report.id;
    let now = backends.process.clock.now();
    let mut tx = backends.files.begin().await?;
    let mut change = reports::append(&mut tx, id, size, lines, &place).await?;
    if change == Change::Applied {
        change = if is_last {
            let keep = backends.process.config.files.keep_reports;
            reports::mark_ready(&mut tx, id, now, now + keep).await?
        } else {
            reports::extend(&mut tx, claim, now + LEASE).await?
        };
    }
    conclude(tx, change).await
}

/// Ends the lease, so that nobody waits for it.
async fn let_go(backends: &Backends, claim: &Claim) -> Result<Ended, Error> {
    let mut tx = backends.files.begin().await?;
    let change = reports::extend(&mut tx, claim, backends.process.clock.now()).await?;
    // Stale: it is somebody else's already.
    let _: Change = conclude(tx, change).await?;
    Ok(Ended::Stopped)
}

async fn give_up(backends: &Backends, id: ReportId, size: u64) -> Result<Ended, Error> {
    warn!(report.id = %id, "a report cannot be made: its campaign is no longer kept");
    crate::prune::discard_report(&backends.files, id, size).await?;
    let mut tx = backends.files.begin().await?;
    let change = reports::delete(&mut tx, id).await?;
    let _: Change = conclude(tx, change).await?;
    Ok(Ended::Lost)
}

async fn conclude(tx: Tx, change: Change) -> Result<Change, Error> {
    match change {
        Change::Applied => tx.commit().await.repeatable()?,
        Change::Stale => tx.rollback().await,
    }
    Ok(change)
}
