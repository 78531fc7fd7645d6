//! The first phase: the file is read, and its rows are spread over partitions; and after it the
//! users of other lists, if the audience is made of some.
//!
//! A thread reads; its batches are stored beside the file, each with the place behind it. Whoever
//! takes over goes on at that place.

mod lists;
mod read;

use audience::{Place, ReadError, Summary};
use database::Change;
use database::audience::Phase;
use database::import_work::{self, Run, RunKind, Work};
use futures::future::try_join;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::begun::{Begun, List, file_settings};
use super::halt::Halt;
use super::hold::{Hold, overtaken};
use super::source::{self, Source};
use crate::Error;
use lists::ListPlace;
use read::{Batch, Read};

/// How far sorting is. Kept beside the file as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sorted {
    /// Where reading goes on; `None` without a file.
    pub(super) place: Option<Place>,
    /// Rows that are read; among the accepted are duplicates.
    pub(super) rows: Summary,
    /// Runs that are stored.
    pub(super) runs: u32,
    /// The template variables.
    pub(super) variables: Vec<String>,
    /// Whether the file is read to its end.
    pub(super) is_file_read: bool,
    /// Where the reading of other lists goes on.
    lists: ListPlace,
}

impl Sorted {
    /// Of an audience without a file.
    fn without_file(begun: &Begun) -> Self {
        Self {
            place: None,
            rows: Summary::default(),
            runs: 0,
            variables: begun.variables.clone(),
            is_file_read: true,
            lists: ListPlace::default(),
        }
    }

    /// Whether there is nothing left to sort.
    pub(super) fn is_whole(&self, begun: &Begun) -> bool {
        self.is_file_read && self.lists.list == begun.lists.len()
    }

    /// As it was kept with the last batch; `None` before the first.
    pub(super) fn of(work: &Work) -> Result<Option<Self>, Error> {
        let stored = work.resume_from.as_deref().map(serde_json::from_str);
        stored
            .transpose()
            .map_err(|error| Error::stored(format!("the sorting of audience {}", work.audience_id), error))
    }
}

/// Sorts the rest of the file and of the other lists, and goes over to merging.
pub(super) async fn run(hold: &mut Hold<'_>, begun: &Begun, key: [u8; 16]) -> Result<(), Halt> {
    let of_lists: u64 = begun.lists.iter().map(List::bytes).sum();
    hold.progress.phase_end = hold.claim.audience.uploaded_bytes + of_lists;
    let (mut work, mut sorted) = load(hold).await?;
    let is_file_read = sorted.as_ref().is_some_and(|sorted| sorted.is_file_read);
    if hold.claim.audience.uploaded_bytes > 0 && !is_file_read {
        sort(hold, begun, key, work.sorted, sorted).await?;
        (work, sorted) = load(hold).await?;
    }
    // Whoever has read the end of it may not have come to say so.
    hold.progress.read_bytes = hold.claim.audience.uploaded_bytes;
    let sorted = sorted.unwrap_or_else(|| Sorted::without_file(begun));
    lists::run(hold, begun, key, work.sorted, sorted).await?;
    hold.enter(Phase::Merge, begun.partitions.into()).await
}

async fn load(hold: &Hold<'_>) -> Result<(Work, Option<Sorted>), Halt> {
    let work = import_work::find(&hold.backends.files, hold.id()).await?;
    let work = work.ok_or_else(|| overtaken(hold.id()))?;
    let sorted = Sorted::of(&work)?;
    Ok((work, sorted))
}

async fn sort(
    hold: &mut Hold<'_>,
    begun: &Begun,
    key: [u8; 16],
    batches: u32,
    from: Option<Sorted>,
) -> Result<(), Halt> {
    let offset = from
        .as_ref()
        .and_then(|sorted| sorted.place.as_ref())
        .map_or(0, |place| place.offset);
    let source = Source::of(hold.backends, &hold.claim.audience, offset).await?;
    let settings = read::Settings {
        file: file_settings(&hold.claim.audience)?,
        begun: begun.clone(),
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
            Read::Failed(ReadError::Refused(refusal)) => return Err(hold.refuse(&refusal).await),
            Read::Failed(ReadError::Source(error)) => return Err(unreadable(hold, error).await),
        };
        let is_whole = batch.sorted.is_file_read;
        store_batch(hold, batches, batch).await?;
        batches += 1;
        drop(turn);
        if is_whole {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn store_batch(hold: &mut Hold<'_>, batches: u32, mut batch: Batch) -> Result<(), Halt> {
    hold.progress.read_bytes = batch.read_bytes;
    hold.progress.phase_done = batch.read_bytes;
    store_runs(hold, batches, RunKind::Rows, batch.runs, &mut batch.sorted).await
}

/// Stores a batch with the place behind it, in which the runs are counted.
async fn store_runs(
    hold: &mut Hold<'_>,
    batches: u32,
    kind: RunKind,
    runs: Vec<audience::Run>,
    sorted: &mut Sorted,
) -> Result<(), Halt> {
    let first = sorted.runs;
    let runs = (first..).zip(runs).map(|(no, run)| Run {
        kind,
        place: run.partition,
        no,
        bytes: run.bytes,
    });
    let runs: Vec<_> = runs.collect();
    sorted.runs += runs.len() as u32;
    let resume_from = serde_json::json!(sorted).to_string();
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
    hold.progress.variables = serde_json::json!(sorted.variables).to_string();
    hold.count(&sorted.rows, 0);
    hold.keep().await
}

/// A part is missing: whoever took the lease over is done and has deleted it, or it is lost.
async fn unreadable(hold: &Hold<'_>, error: std::io::Error) -> Halt {
    match hold.keep().await {
        Err(halt) => halt,
        Ok(()) => Error::stored(format!("the uploaded file of audience {}", hold.id()), error).into(),
    }
}
