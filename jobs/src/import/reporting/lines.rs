//! Writes the report's lines, on a thread of its own.
//!
//! They are cut into blocks of one size, wherever the writing began: so whoever takes over makes
//! the same blocks.

use std::cell::Cell;
use std::rc::Rc;

use audience::{FileSettings, Place, ReadError, Rejection, RowReader, write_report_line};
use tokio::sync::mpsc::{Receiver, Sender};

use super::super::source::Source;
use super::duplicates::{Duplicates, Unknown};

/// Text of one block, the last line's excess apart.
const BLOCK_BYTES: usize = 128 << 10;

/// Where in which file the writing goes on.
#[derive(Clone, Debug)]
pub(super) struct From {
    pub(super) place: Option<Place>,
    pub(super) file: FileSettings,
    pub(super) source: Source,
}

/// What a block tells.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The place behind its last row.
    pub(super) place: Place,
    pub(super) rows: u64,
    pub(super) accepted: u64,
    /// Up to where what was uploaded is read.
    pub(super) read_bytes: u64,
    /// Whether it is the last.
    pub(super) is_last: bool,
}

/// Why the lines end early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// The file, which was read before.
    #[error(transparent)]
    File(#[from] ReadError),
    /// Its duplicates.
    #[error(transparent)]
    Duplicates(#[from] Unknown),
}

/// Lines, and what they tell.
pub(super) type Lines = Result<(String, Told), Failed>;

/// Writes the rest of the lines; ends early when nobody wants more.
pub(super) fn write(
    parts: Receiver<Vec<u8>>,
    duplicates: Receiver<Vec<Vec<u8>>>,
    from: From,
    blocks: &Sender<Lines>,
) {
    if let Err(failed) = write_lines(parts, duplicates, from, blocks) {
        // Unheard is no fault: whoever listened has lost the lease, or was stopped.
        let _ = blocks.blocking_send(Err(failed));
    }
}

fn write_lines(
    parts: Receiver<Vec<u8>>,
    duplicates: Receiver<Vec<Vec<u8>>>,
    from: From,
    blocks: &Sender<Lines>,
) -> Result<(), Failed> {
    let line = from.place.as_ref().map_or(0, |place| place.line);
    let read_bytes = Rc::new(Cell::new(0));
    let source = from.source.open(parts, read_bytes.clone());
    let mut duplicates = Duplicates::new(duplicates, line);
    let mut reader = match &from.place {
        Some(place) => RowReader::resume(source, place)?,
        None => RowReader::open(source, from.file)?,
    };
    let (mut text, mut rows, mut accepted) = (String::new(), 0, 0);
    loop {
        let is_last = match reader.next_row()? {
            Some(mut row) => {
                if row.verdict.is_ok()
                    && let Some(of_line) = duplicates.find(row.line)?
                {
                    row.verdict = Err(Rejection::Duplicate { of_line });
                }
                rows += 1;
                accepted += u64::from(row.verdict.is_ok());
                write_report_line(&mut text, &row);
                false
            }
            None => true,
        };
        if is_last || text.len() >= BLOCK_BYTES {
            let told = Told {
                place: reader.place(),
                rows: std::mem::take(&mut rows),
                accepted: std::mem::take(&mut accepted),
                read_bytes: read_bytes.get(),
                is_last,
            };
            let block = std::mem::replace(&mut text, String::with_capacity(BLOCK_BYTES + 4_096));
            if blocks.blocking_send(Ok((block, told))).is_err() || is_last {
                return Ok(());
            }
        }
    }
}
