//! The third phase: the file is read once more, and the report tells what became of each row.
//!
//! The report is a ZIP archive of `summary.json` and `report.csv`. It says nothing of when or by
//! whom it was made: the same file gives the same bytes, however often its import was cut off. A
//! thread writes lines, another deflates them block by block; several blocks are one transaction
//! beside the file, with the place behind them.

mod deflate;
mod duplicates;
mod lines;
mod summary;

use archive::Archive;
use audience::Place;
use campaign::ReportId;
use database::Change;
use database::audience as audiences;
use database::report::{self, MAX_PART_BYTES, ReportState, Subject};
use futures::future::try_join3;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::begun::file_settings;
use super::halt::Halt;
use super::hold::{Hold, overtaken};
use super::silent;
use super::source::{self, Source};
use crate::Error;
use deflate::Deflated;

/// Blocks in one transaction.
const BLOCKS: u32 = 4;

/// How far the report is. Kept with it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    /// Where in the file reading goes on; `None` before the first row.
    place: Option<Place>,
    archive: Archive,
    /// Rows that are told of.
    rows: u64,
    /// How many of them are accepted.
    accepted: u64,
}

/// Writes the rest of the report, and ends the import.
pub(super) async fn run(hold: &mut Hold<'_>) -> Result<(), Halt> {
    // Without a file there are no rows to tell of.
    if hold.claim.audience.uploaded_bytes > 0
        && let Some(written) = begin(hold).await?
    {
        write(hold, written).await?;
    }
    let now = hold.backends.process.clock.now();
    let mut tx = hold.begin().await?;
    // Fresh from `begin`, the lease cannot be lost inside the transaction.
    let _: Change = audiences::finish_import(&mut tx, hold.id(), hold.claim.token, now).await?;
    Ok(tx.commit().await.repeatable()?)
}

fn report_of(hold: &Hold<'_>) -> ReportId {
    ReportId(hold.id().0)
}

/// How far the report is; `None` if it is ready.
async fn begin(hold: &Hold<'_>) -> Result<Option<Written>, Halt> {
    let (id, files) = (report_of(hold), &hold.backends.files);
    let mut tx = files.begin().await?;
    // One that was begun before is gone on with.
    let _: Change = report::begin(
        &mut tx,
        id,
        Subject::Audience,
        hold.id().0,
        hold.backends.process.clock.now(),
    )
    .await?;
    let begun = report::get(&mut tx, id).await?;
    tx.commit().await.repeatable()?;
    let Some(begun) = begun else {
        return Err(overtaken(hold.id()));
    };
    if begun.state == ReportState::Ready {
        return Ok(None);
    }
    match begun.resume_from.as_deref() {
        None => Ok(Some(Written::default())),
        Some(stored) => Ok(Some(serde_json::from_str(stored).map_err(|error| {
            Error::stored(format!("the report of audience {}", hold.id()), error)
        })?)),
    }
}

async fn write(hold: &mut Hold<'_>, written: Written) -> Result<(), Halt> {
    let audience = hold.claim.audience.clone();
    let (files, id) = (hold.backends.files.clone(), audience.id);
    let offset = written.place.as_ref().map_or(0, |place| place.offset);
    let source = Source::of(hold.backends, &audience, offset).await?;
    let from = lines::From {
        place: written.place.clone(),
        file: file_settings(&audience)?,
        source,
    };
    let line = from.place.as_ref().map_or(0, |place| place.line);
    let (parts_in, parts) = mpsc::channel(source::PARTS_AHEAD);
    let (duplicates_in, duplicates) = mpsc::channel(1);
    let (blocks_in, blocks) = mpsc::channel(1);
    let (deflated_in, deflated) = mpsc::channel(1);
    let tracker = hold.backends.process.tasks.tracker();
    let _writing = tracker.spawn_blocking(move || lines::write(parts, duplicates, from, &blocks_in));
    let deflating = tracker.spawn_blocking(move || deflate::deflate(blocks, &deflated_in));
    let feeding = async { Ok(source::feed(&files, source, parts_in).await?) };
    let duplicates = async { Ok(duplicates::feed(&files, id, line, duplicates_in).await?) };
    match try_join3(feeding, duplicates, store(hold, written, deflated)).await? {
        ((), (), true) => Ok(()),
        ((), (), false) => Err(silent(deflating).await),
    }
}

/// Stores what is written, to the end; says whether there was one.
async fn store(
    hold: &mut Hold<'_>,
    mut written: Written,
    mut deflated: mpsc::Receiver<Deflated>,
) -> Result<bool, Halt> {
    let (mut out, mut blocks) = (Vec::new(), 0);
    let mut stored = written.archive.len();
    if written.archive.is_empty() {
        summary::begin(
            &mut out,
            &mut written.archive,
            &hold.claim.audience.name,
            &hold.progress,
        )?;
    }
    while let Some((message, turn)) = hold.next(&mut deflated).await? {
        let (block, told) = message.map_err(|error| lines_failed(hold, error))?;
        written.archive.push(&mut out, &block);
        blocks += 1;
        written.rows += told.rows;
        written.accepted += told.accepted;
        hold.progress.phase_done = told.read_bytes;
        written.place = Some(told.place);
        if told.is_last {
            written.archive.end(&mut out);
            written.archive.finish(&mut out);
        }
        if told.is_last || blocks >= BLOCKS {
            append(hold, &written, stored, &out, told.is_last).await?;
            stored = written.archive.len();
            out.clear();
            blocks = 0;
        }
        drop(turn);
        if told.is_last {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn append(
    hold: &Hold<'_>,
    written: &Written,
    mut start: u64,
    out: &[u8],
    is_last: bool,
) -> Result<(), Halt> {
    let process = &hold.backends.process;
    let resume_from = serde_json::json!(written).to_string();
    let mut tx = hold.backends.files.begin().await?;
    let mut change = Change::Applied;
    for part in out.chunks(MAX_PART_BYTES) {
        if change == Change::Applied {
            change = report::append(&mut tx, report_of(hold), start, part, &resume_from).await?;
            start += part.len() as u64;
        }
    }
    if is_last && change == Change::Applied {
        check(hold, written)?;
        let now = process.clock.now();
        let expires_at = now + process.config.files.keep_reports;
        change = report::mark_ready(&mut tx, report_of(hold), now, expires_at).await?;
    }
    if change == Change::Stale {
        tx.rollback().await;
        return Err(overtaken(hold.id()));
    }
    tx.commit().await.repeatable()?;
    fault_points::reach!(
        BatchCommitAnswer,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    fault_points::reach!(BatchStored);
    hold.keep().await
}

/// The report tells of every row, and accepts as many as the audience has.
fn check(hold: &Hold<'_>, written: &Written) -> Result<(), Error> {
    let accepted = hold.progress.records - hold.rejected_rows()?;
    let (told, counted) = (
        (written.rows, written.accepted),
        (hold.progress.records, accepted),
    );
    if told == counted {
        return Ok(());
    }
    Err(Error::stored(
        format!("the report of audience {}", hold.id()),
        format!("it tells of {told:?} rows and accepted ones, and there are {counted:?}"),
    ))
}

fn lines_failed(hold: &Hold<'_>, error: lines::Failed) -> Halt {
    Error::stored(
        format!("the file of audience {} or its duplicates", hold.id()),
        error,
    )
    .into()
}
