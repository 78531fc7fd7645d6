//! The first phase: the file is read, and its rows are spread over partitions.
//!
//! A thread reads; its batches are stored beside the file, each with the place behind it. Whoever
//! takes over goes on at that place.

mod read;

use audience::{Place, ReadError, Refusal, Summary};
use database::Change;
use database::audience::{self as audiences, Phase};
use database::import_work::{self, Run, RunKind, Work};
use futures::future::try_join;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tracing::info;

use super::begun::{Begun, file_settings};
use super::halt::{Ended, Halt};
use super::hold::{Hold, overtaken};
use super::source::{self, Source};
use crate::Error;
use read::{Batch, Read};

/// How far sorting is. Kept beside the file as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sorted {
    /// Where reading goes on.
    pub(super) place: Place,
    /// Rows that are read; among the accepted are duplicates.
    pub(super) rows: Summary,
    /// Runs that are stored.
    pub(super) runs: u32,
    /// The template variables.
    pub(super) variables: Vec<String>,
    /// Whether the file is read to its end.
    pub(super) is_whole: bool,
}

impl Sorted {
    /// As it was kept with the last batch; `None` before the first.
    pub(super) fn of(work: &Work) -> Result<Option<Self>, Error> {
        let stored = work.resume_from.as_deref().map(serde_json::from_str);
        stored
            .transpose()
            .map_err(|error| Error::stored(format!("the sorting of audience {}", work.audience_id), error))
    }
}

/// Sorts the rest of the file, and goes over to merging.
pub(super) async fn run(hold: &mut Hold<'_>, begun: &Begun, key: [u8; 16]) -> Result<(), Halt> {
    let work = import_work::find(&hold.backends.files, hold.id()).await?;
    let Some(work) = work else {
        return Err(overtaken(hold.id()));
    };
    let sorted = Sorted::of(&work)?;
    if !sorted.as_ref().is_some_and(|sorted| sorted.is_whole) {
        sort(hold, begun, key, work.sorted, sorted).await?;
    }
    hold.enter(Phase::Merge, begun.partitions.into()).await
}

async fn sort(
    hold: &mut Hold<'_>,
    begun: &Begun,
    key: [u8; 16],
    batches: u32,
    from: Option<Sorted>,
) -> Result<(), Halt> {
    let offset = from.as_ref().map_or(0, |sorted| sorted.place.offset);
    let source = Source::of(hold.backends, &hold.claim.audience, offset).await?;
    let settings = read::Settings {
        file: file_settings(&hold.claim.audience)?,
        begun: *begun,
        key,
        source,
    };
    let files = hold.backends.files.clone();
    let (parts_in, parts) = mpsc::channel(source::PARTS_AHEAD);
    let (batches_in, read) = mpsc::channel(1);
    let tracker = hold.backends.process.tasks.tracker();
    let reading = tracker.spawn_blocking(move || read::read(parts, settings, from, &batches_in));
    let feeding = async { Ok(source::feed(&files, source, parts_in).await?) };
    let storing = async { store(hold, batches, read).await };
    match try_join(feeding, storing).await? {
        ((), true) => Ok(()),
        ((), false) => Err(super::silent(reading).await),
    }
}

/// Stores what is read, to the end; says whether there was one.
async fn store(hold: &mut Hold<'_>, mut batches: u32, mut read: mpsc::Receiver<Read>) -> Result<bool, Halt> {
    while let Some((read, turn)) = hold.next(&mut read).await? {
        let batch = match read {
            Read::Some(batch) => batch,
            Read::Failed(ReadError::Refused(refusal)) => return Err(refuse(hold, &refusal).await?),
            Read::Failed(ReadError::Source(error)) => return Err(unreadable(hold, error).await),
        };
        let is_whole = batch.sorted.is_whole;
        store_batch(hold, batches, batch).await?;
        batches += 1;
        drop(turn);
        if is_whole {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn store_batch(hold: &mut Hold<'_>, batches: u32, batch: Batch) -> Result<(), Halt> {
    let first = batch.sorted.runs - batch.runs.len() as u32;
    let runs: Vec<_> = (first..)
        .zip(batch.runs)
        .map(|(no, run)| Run {
            kind: RunKind::Rows,
            place: run.partition,
            no,
            bytes: run.bytes,
        })
        .collect();
    let resume_from = serde_json::json!(batch.sorted).to_string();
    let mut tx = hold.backends.files.begin().await?;
    let added = import_work::add_sorted(&mut tx, hold.id(), batches, &runs, &resume_from).await?;
    if added == Change::Stale {
        tx.rollback().await;
        return Err(overtaken(hold.id()));
    }
    tx.commit().await.repeatable()?;
    fault_points::reach!(
        BatchCommitAnswer,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    fault_points::reach!(BatchStored);
    hold.progress.read_bytes = batch.read_bytes;
    hold.progress.phase_done = batch.read_bytes;
    hold.progress.variables = serde_json::json!(batch.sorted.variables).to_string();
    hold.count(&batch.sorted.rows, 0);
    hold.keep().await
}

async fn refuse(hold: &mut Hold<'_>, refusal: &Refusal) -> Result<Halt, Halt> {
    if let Refusal::NoRecipients { rejected } = refusal {
        hold.progress.records = *rejected;
    }
    let mut tx = hold.begin().await?;
    let now = hold.backends.process.clock.now();
    // Fresh from `begin`, the lease cannot be lost inside the transaction.
    let _: Change =
        audiences::mark_refused(&mut tx, hold.id(), hold.claim.token, &refusal.to_string(), now).await?;
    tx.commit().await.repeatable()?;
    info!(audience.id = %hold.id(), refusal = refusal.as_str(), "an audience file is refused");
    Ok(Halt::Ended(Ended::Refused))
}

/// A part is missing: whoever took the lease over is done and has deleted it, or it is lost.
async fn unreadable(hold: &Hold<'_>, error: std::io::Error) -> Halt {
    match hold.keep().await {
        Err(halt) => halt,
        Ok(()) => Error::stored(format!("the uploaded file of audience {}", hold.id()), error).into(),
    }
}
