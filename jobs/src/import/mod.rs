//! Turns uploaded files into audiences.
//!
//! A pass claims audiences one after the other. A thread reads the file and cuts it into chunks;
//! they are stored in batches, each in one transaction with the progress that counts it. Which
//! recipient is in which chunk is a pure function of the file and of the settings with which
//! its import began, which are kept beside it. So an import that takes over from a dead one
//! reads the file from its start, compares the chunks that are stored and goes on behind them;
//! reading again is also what rebuilds the set of ids that finds duplicates. That set is all
//! that grows with the file, by some 40 bytes an accepted row; everything else has a bound.

mod discard;
mod erased;
mod reading;
mod report;
mod source;
mod storing;

use audience::{ChunkSettings, FileSettings, ZipLimits};
use database::audience::{self as audiences, AudienceState, Claim};
use futures::future::try_join;
use runtime::Backends;
use tokio::sync::mpsc;
use tracing::error;

use crate::Error;
use storing::{Ended, LEASE, Storing};

pub(crate) use discard::{chunks as discard_chunks, parts as discard_parts};
pub use report::Report;

/// Audiences in one pass.
const AUDIENCES: u32 = 16;

/// Imports what is uploaded, and what an import that fell silent left.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    for _ in 0..AUDIENCES {
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
            Ended::Ready(_) => discard_parts(&backends.files, audience).await?,
            Ended::Refused => discard_all(backends, audience).await?,
            Ended::Lost => discard_cancelled(backends, audience).await?,
            Ended::Stopped => {}
        }
    }
    report.is_bounded = true;
    Ok(report)
}

async fn claim(backends: &Backends) -> Result<Option<Claim>, Error> {
    let now = backends.process.clock.now();
    let mut tx = backends.db.begin().await?;
    let claim = audiences::claim_import(&mut tx, now, now + LEASE).await?;
    if claim.is_some() {
        tx.commit().await.repeatable()?;
    } else {
        tx.rollback().await;
    }
    Ok(claim)
}

async fn import(backends: &Backends, claim: Claim) -> Result<Ended, Error> {
    let settings = settings(backends, &claim)?;
    let (files, audience, bytes) = (&backends.files, claim.audience.id, settings.bytes);
    let (parts_in, parts) = mpsc::channel(source::PARTS_AHEAD);
    let (batches_in, batches) = mpsc::channel(reading::BATCHES_AHEAD);
    let reading = backends
        .process
        .tasks
        .tracker()
        .spawn_blocking(move || reading::read(parts, settings, &batches_in));
    let feeding = async { Ok(source::feed(files, audience, bytes, parts_in).await?) };
    let storing = Storing::new(backends, claim).run(batches);
    match try_join(feeding, storing).await? {
        ((), Some(ended)) => Ok(ended),
        // The reading fell silent, which it does only by a panic.
        ((), None) => match reading.await {
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Ok(()) | Err(_) => Ok(Ended::Stopped),
        },
    }
}

/// What the file was uploaded with, and the chunks' bounds: those with which the import began.
fn settings(backends: &Backends, claim: &Claim) -> Result<reading::Settings, Error> {
    let audience = &claim.audience;
    let unusable = |what, error| Error::stored(format!("{what} of audience {}", audience.id), error);
    let file: FileSettings =
        serde_json::from_str(&audience.settings).map_err(|error| unusable("the settings", error))?;
    let chunks = match &audience.progress.resume_from {
        Some(begun) => serde_json::from_str(begun).map_err(|error| unusable("the progress", error))?,
        None => chunk_settings(backends),
    };
    Ok(reading::Settings {
        file,
        chunks,
        zip: zip_limits(backends),
        bytes: audience.uploaded_bytes,
    })
}

fn zip_limits(backends: &Backends) -> ZipLimits {
    let config = &backends.process.config.files;
    ZipLimits {
        bytes: config.zip_max_bytes.get(),
        ratio: config.zip_max_ratio.get(),
    }
}

/// One mutation of a commit is the chunk's marker.
fn chunk_settings(backends: &Backends) -> ChunkSettings {
    let config = &backends.process.config;
    ChunkSettings {
        recipients: config.fan_out.mutations.get() - 1,
        commit_bytes: config.import.chunk_max_bytes.get() as usize,
        ..ChunkSettings::default()
    }
}

async fn discard_all(backends: &Backends, audience: campaign::AudienceId) -> Result<(), Error> {
    discard_chunks(&backends.db, audience).await?;
    discard_parts(&backends.files, audience).await
}

/// Whoever cancels an audience leaves it to its import to clear what is there.
async fn discard_cancelled(backends: &Backends, audience: campaign::AudienceId) -> Result<(), Error> {
    match audiences::find(&backends.db, audience).await? {
        Some(found) if found.state == AudienceState::Cancelled => discard_all(backends, audience).await,
        Some(_) | None => Ok(()),
    }
}
