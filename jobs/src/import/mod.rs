//! Turns uploaded files into audiences, and tells what became of each row.
//!
//! Three phases, in each of which the memory is the same for any file:
//!
//! 1. **[sorting]** reads the file, rejects what is no recipient, and spreads the others over
//!    partitions by a keyed hash of the user; what memory does not hold is stored beside the file.
//! 2. **[merging]** takes one partition after the other, finds duplicates, and cuts the others into
//!    chunks. With the last of them the audience is ready.
//! 3. **[reporting]** reads the file once more and writes the report.
//!
//! Each step is stored with the place where the next one begins. What it writes is a pure function
//! of the file and of the settings with which the import began, so it makes no difference who does
//! it, or how often somebody was cut off in its middle. The lease, in the main database, keeps two
//! from the same work; that nothing is done twice is seen to by the steps themselves.
//!
//! A pass serves those who wait in turns of some seconds, so a small file waits for no large one.

mod begun;
mod discard;
mod erased;
mod halt;
mod hold;
mod merging;
mod report;
mod reporting;
mod sorting;
mod source;

use database::audience::{self as audiences, AudienceState, Claim, Phase};
use database::{import_key, import_work};
use runtime::Backends;
use tokio::task::JoinHandle;
use tracing::error;

use crate::Error;
use begun::Begun;
use halt::{Ended, Halt};
use hold::Hold;
use source::Source;

pub(crate) use discard::{chunks as discard_chunks, parts as discard_parts, runs as discard_runs};
pub use report::Report;

/// Turns in one pass.
const TURNS: u32 = 64;

/// Imports what is uploaded, and goes on with what others left.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    for _ in 0..TURNS {
        if backends.process.stop.is_requested() {
            return Ok(report);
        }
        let Some(claim) = claim(backends).await? else {
            return Ok(report);
        };
        let audience = claim.audience.id;
        let ended = match import(backends, claim).await {
            Err(error) if error.is_in_the_rows() => {
                error!(
                    audience.id = %audience,
                    error = &error as &dyn std::error::Error,
                    "an import was given up: its rows cannot be used"
                );
                Ended::Stopped
            }
            ended => ended?,
        };
        report.count(&ended);
        match ended {
            Ended::Done { .. } => discard_files(backends, audience).await?,
            Ended::Refused => discard_all(backends, audience).await?,
            Ended::Lost => discard_cancelled(backends, audience).await?,
            Ended::Stopped | Ended::GaveWay => {}
        }
    }
    report.is_bounded = true;
    Ok(report)
}

async fn claim(backends: &Backends) -> Result<Option<Claim>, Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let claim = audiences::claim_import(&mut tx, now, now + backends.process.config.import.lease).await?;
    if claim.is_some() {
        tx.commit().await.repeatable()?;
    } else {
        tx.rollback().await;
    }
    Ok(claim)
}

async fn import(backends: &Backends, claim: Claim) -> Result<Ended, Error> {
    let mut hold = Hold::new(backends, claim);
    match go_on(&mut hold).await {
        Ok(()) => Ok(Ended::Done {
            recipients: hold.progress.size,
            rejected_rows: hold.rejected_rows()?,
        }),
        Err(halt) => halt.into_result(),
    }
}

/// Does what is left to do, phase by phase.
async fn go_on(hold: &mut Hold<'_>) -> Result<(), Halt> {
    if hold.phase == Phase::Sort {
        let (begun, key) = (begin(hold).await?, key(hold.backends).await?);
        sorting::run(hold, &begun, key).await?;
    }
    if hold.phase == Phase::Merge {
        let begun = begin(hold).await?;
        merging::run(hold, &begun).await?;
    }
    reporting::run(hold).await
}

/// With what the import began: now, unless it did before.
async fn begin(hold: &Hold<'_>) -> Result<Begun, Error> {
    let audience = &hold.claim.audience;
    let source = Source::of(hold.backends, audience, 0).await?;
    let begun = Begun::now(hold.backends, audience, &source).await?;
    let mut tx = hold.backends.files.begin().await?;
    let settings = serde_json::json!(begun).to_string();
    let work = import_work::begin(&mut tx, hold.id(), &settings).await?;
    tx.commit().await.repeatable()?;
    serde_json::from_str(&work.settings).map_err(|error| {
        Error::stored(
            format!("the settings of the import of audience {}", hold.id()),
            error,
        )
    })
}

/// The installation's key.
async fn key(backends: &Backends) -> Result<[u8; 16], Error> {
    let mut tx = backends.db.begin().await?;
    let key = import_key::find_or_insert(&mut tx, rand::random()).await?;
    tx.commit().await.repeatable()?;
    Ok(key)
}

/// A thread ended without its last word, which it does only by a panic.
async fn silent(thread: JoinHandle<()>) -> Halt {
    match thread.await {
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Ok(()) | Err(_) => Halt::Ended(Ended::Stopped),
    }
}

async fn discard_files(backends: &Backends, audience: campaign::AudienceId) -> Result<(), Error> {
    discard_parts(&backends.files, audience).await?;
    discard_runs(&backends.files, audience).await
}

async fn discard_all(backends: &Backends, audience: campaign::AudienceId) -> Result<(), Error> {
    discard_chunks(&backends.db, audience).await?;
    discard_files(backends, audience).await
}

/// Whoever cancels an audience leaves it to its import to clear what is there.
async fn discard_cancelled(backends: &Backends, audience: campaign::AudienceId) -> Result<(), Error> {
    match audiences::find(&backends.db, audience).await? {
        Some(found) if found.state == AudienceState::Cancelled => discard_all(backends, audience).await,
        Some(_) | None => Ok(()),
    }
}
