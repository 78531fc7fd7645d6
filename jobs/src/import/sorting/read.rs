//! Turns the file into batches of runs, on a thread of its own.
//!
//! A batch is closed by rows, so that progress moves, or by bytes, so that memory and transactions
//! stay small.

use std::cell::Cell;
use std::rc::Rc;

use audience::{FileSettings, ReadError, Refusal, RowReader, Run, Spread, Summary, Widening};
use tokio::sync::mpsc::{Receiver, Sender};

use super::super::begun::{Begun, add_missing};
use super::super::source::Source;
use super::Sorted;
use super::lists::ListPlace;

/// Rows after which progress is told: a fraction of a second's work.
const BATCH_ROWS: u64 = 100_000;

/// How the file is to be read and sorted.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) file: FileSettings,
    pub(super) begun: Begun,
    pub(super) key: [u8; 16],
    pub(super) source: Source,
}

/// What the reading tells, in the order of the file.
#[derive(Debug)]
pub(super) enum Read {
    /// Some of it; the last says that it is.
    Some(Batch),
    /// It cannot be read to its end.
    Failed(ReadError),
}

/// Rows since the last batch.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) runs: Vec<Run>,
    pub(super) sorted: Sorted,
    /// Up to where the file is read.
    pub(super) read_bytes: u64,
}

/// Reads the rest of the file; ends early when nobody wants more batches.
pub(super) fn read(
    parts: Receiver<Vec<u8>>,
    settings: Settings,
    from: Option<Sorted>,
    batches: &Sender<Read>,
) {
    let failed = match read_rows(parts, settings, from, batches) {
        Ok(()) => return,
        Err(error) => error,
    };
    // Unheard is no fault: whoever listened has lost the lease, or was stopped.
    let _ = batches.blocking_send(Read::Failed(failed));
}

fn read_rows(
    parts: Receiver<Vec<u8>>,
    settings: Settings,
    from: Option<Sorted>,
    batches: &Sender<Read>,
) -> Result<(), ReadError> {
    let read_bytes = Rc::new(Cell::new(0));
    let place = from.as_ref().and_then(|sorted| sorted.place.as_ref());
    let source = settings.source.open(parts, read_bytes.clone());
    let mut reader = match place {
        Some(place) => RowReader::resume(source, place)?,
        None => RowReader::open(source, settings.file)?,
    };
    let mut spread = Spread::new(settings.key, settings.begun.partitions);
    let (mut rows, mut runs) = from.map_or((Summary::default(), 0), |sorted| (sorted.rows, sorted.runs));
    let mut told_rows = rows.rows();
    let mut variables = reader.variables().to_vec();
    add_missing(&mut variables, &settings.begun.variables);
    let is_widened = variables != reader.variables();
    let mut widening = is_widened.then(|| Widening::new(&variables, reader.variables()));
    loop {
        let is_whole = match reader.next_row()? {
            Some(row) => {
                rows.count(&row);
                if let Ok(recipient) = &row.verdict {
                    match &mut widening {
                        Some(widening) => spread.push(row.line, &widening.widen(recipient)),
                        None => spread.push(row.line, recipient),
                    }
                }
                false
            }
            None => true,
        };
        if is_whole && rows.accepted() == 0 {
            let rejected = rows.rejected();
            return Err(Refusal::NoRecipients { rejected }.into());
        }
        let is_full = spread.bytes() >= settings.begun.batch_bytes || rows.rows() >= told_rows + BATCH_ROWS;
        if is_full || is_whole {
            let taken = spread.take();
            told_rows = rows.rows();
            let sorted = Sorted {
                place: Some(reader.place()),
                rows: rows.clone(),
                runs,
                variables: variables.clone(),
                is_file_read: is_whole,
                lists: ListPlace::default(),
            };
            runs += taken.len() as u32;
            let batch = Batch {
                runs: taken,
                sorted,
                read_bytes: read_bytes.get(),
            };
            if batches.blocking_send(Read::Some(batch)).is_err() {
                return Ok(());
            }
        }
        if is_whole {
            return Ok(());
        }
    }
}
