//! Erases users everywhere.
//!
//! The request, made before, keeps users out of new chunks and from being sent to. The order of
//! the rest is what keeps them from coming back:
//!
//! 1. Tombstones in every audience chunk. A fan-out that reads a chunk from then on knows
//!    nothing of the user.
//! 2. Pushes, devices, opt-out, and the name on grants.
//! 3. The same once more, where a campaign was at work meanwhile: a fan-out may have read the
//!    chunk before its tombstone and committed the pushes after (2), and a delivery under way
//!    may have granted. So (3) waits until both must have ended.
//!
//! How far each is stands beside its request. Requests that come while a scan of the chunks is
//! under way wait for the next one, which they share.

mod report;
mod scan;
mod stage;
mod traces;

use std::time::Duration;

use database::erasure::{self, Erasure};
use database::{Change, campaign as campaigns};
use runtime::Backends;
use runtime::telemetry::user_hash;
use tracing::info;

use crate::Error;
use stage::Stage;
use traces::Left;

pub use report::Report;

/// Users in one pass.
const USERS: u32 = 1_000;

/// The longest that a fan-out is at work on a chunk it has read: no Datastore transaction lives
/// longer than 270 s.
const LONGEST_EXPANSION: Duration = Duration::from_secs(300);

/// Goes on with every open erasure.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    let open = erasure::list_open(&backends.db, "", USERS).await?;
    if open.is_empty() {
        return Ok(report);
    }
    let mut staged = Vec::with_capacity(open.len());
    for erasure in open {
        let stage = stage::of(&erasure)?;
        staged.push((erasure, stage));
    }
    scan::go_on(backends, &mut staged, &mut report).await?;
    let others = others(backends).await?;
    for (erasure, stage) in staged {
        if backends.process.stop.is_requested() {
            return Ok(report);
        }
        match remove(backends, &erasure, stage, others, &mut report).await? {
            Progress::Done => report.done += 1,
            Progress::Open => report.open += 1,
        }
    }
    Ok(report)
}

/// Whether somebody may be at work on what was read before the tombstones were there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    AtWork,
    None,
}

/// How far an erasure is after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Done,
    Open,
}

/// Asked before anything is removed: what others do after that they do without the user.
async fn others(backends: &Backends) -> Result<Others, Error> {
    let since = backends.process.clock.now() - longest_work(backends);
    let is_any = campaigns::is_any_active_since(&backends.db, since).await?;
    Ok(if is_any { Others::AtWork } else { Others::None })
}

async fn remove(
    backends: &Backends,
    erasure: &Erasure,
    stage: Option<Stage>,
    others: Others,
    report: &mut Report,
) -> Result<Progress, Error> {
    let now = backends.process.clock.now();
    let others = match stage {
        Some(Stage::Traces) => others,
        Some(Stage::LateTraces { at }) if at <= now => Others::None,
        Some(Stage::Chunks { .. } | Stage::LateTraces { .. }) | None => return Ok(Progress::Open),
    };
    let removed = traces::remove(backends, &erasure.user_id).await?;
    report.pushes += removed.pushes;
    match (removed.left, others) {
        (Left::Some, _) => Ok(Progress::Open),
        (Left::None, Others::None) => mark_done(backends, erasure).await,
        (Left::None, Others::AtWork) => {
            let at = now + longest_work(backends);
            stage::keep(
                &backends.db,
                std::slice::from_ref(erasure),
                Stage::LateTraces { at },
            )
            .await?;
            Ok(Progress::Open)
        }
    }
}

async fn mark_done(backends: &Backends, erasure: &Erasure) -> Result<Progress, Error> {
    let (user, now) = (&erasure.user_id, backends.process.clock.now());
    let mut tx = backends.db.begin().await?;
    let done = erasure::mark_done(&mut tx, user, erasure.requested_at, now).await?;
    tx.commit().await.repeatable()?;
    match done {
        Change::Applied => {
            info!(user.hash = user_hash(user), "a user is erased");
            Ok(Progress::Done)
        }
        Change::Stale => Ok(Progress::Open),
    }
}

/// The longest that anybody is at work on what was read; a delivery has its lease for it.
fn longest_work(backends: &Backends) -> Duration {
    let sender = &backends.process.config.sender;
    LONGEST_EXPANSION.max(sender.lease + sender.skew)
}
