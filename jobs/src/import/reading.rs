//! Turns the file into batches of chunks, on a thread of its own.
//!
//! A batch is closed by rows, so that progress moves, or by bytes, so that a transaction stays
//! small; and so is every other bound here by counts, never by time: the same file and settings
//! make the same chunks in the same order.

use std::cell::Cell;
use std::rc::Rc;

use audience::{
    AudienceReader, Chunk, ChunkSettings, Chunker, FileSettings, ReadError, Refusal, Summary, Unzip,
    ZipLimits,
};
use database::audience::Progress;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender};

use super::source::Parts;

/// Rows after which progress is told: a fraction of a second's work.
const BATCH_ROWS: u64 = 20_000;

/// Bytes of packed chunks in one transaction, the last one's excess apart.
const BATCH_BYTES: usize = 2 << 20;

/// Batches that wait to be stored.
pub(super) const BATCHES_AHEAD: usize = 2;

/// How the file is to be read and cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) file: FileSettings,
    /// Of a file that came as ZIP.
    pub(super) zip: ZipLimits,
    pub(super) chunks: ChunkSettings,
    /// Bytes of the file.
    pub(super) bytes: u64,
}

/// What the reading tells, in the order of the file. [`Read::More`] until one of the others.
#[derive(Debug)]
pub(super) enum Read {
    /// Some of it.
    More(Batch),
    /// The last of it.
    End(Batch),
    /// It cannot be read to its end.
    Failed(ReadError),
}

/// The chunks that became full since the last batch, and what is read by now.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) chunks: Vec<Chunk>,
    /// Counts all chunks up to these.
    pub(super) progress: Progress,
}

/// Reads the whole file; ends early when nobody wants more batches.
pub(super) fn read(parts: Receiver<Vec<u8>>, settings: Settings, batches: &Sender<Read>) {
    let ended = match read_rows(parts, settings, batches) {
        Ok(last) => Read::End(last),
        Err(Ended::Failed(error)) => Read::Failed(error),
        Err(Ended::Unheard) => return,
    };
    // Unheard is no fault: whoever listened has lost the lease, or was stopped.
    let _ = batches.blocking_send(ended);
}

enum Ended {
    Failed(ReadError),
    Unheard,
}

impl From<ReadError> for Ended {
    fn from(error: ReadError) -> Self {
        Self::Failed(error)
    }
}

fn read_rows(parts: Receiver<Vec<u8>>, settings: Settings, batches: &Sender<Read>) -> Result<Batch, Ended> {
    let read_bytes = Rc::new(Cell::new(0));
    let source = Unzip::new(
        Parts::new(parts, settings.bytes, read_bytes.clone()),
        settings.zip,
    );
    let mut reader = AudienceReader::open(source, settings.file, rand::random())?;
    let mut chunker = Chunker::new(settings.chunks, reader.variables());
    let mut filling = Filling::new(read_bytes, reader.variables(), settings.chunks, batches);
    while let Some(row) = reader.next_row()? {
        filling.summary.count(&row);
        if let Ok(recipient) = &row.verdict
            && let Some(chunk) = chunker.push(recipient)
        {
            filling.push(chunk);
        }
        filling.send_if_full()?;
    }
    for chunk in chunker.finish() {
        filling.push(chunk);
        filling.send_if_full()?;
    }
    if filling.summary.accepted() == 0 {
        let rejected = filling.summary.rejected();
        filling.send()?;
        return Err(ReadError::from(Refusal::NoRecipients { rejected }).into());
    }
    Ok(filling.take())
}

/// A batch that is being filled.
struct Filling<'a> {
    batches: &'a Sender<Read>,
    read_bytes: Rc<Cell<u64>>,
    summary: Summary,
    chunks: Vec<Chunk>,
    chunk_bytes: usize,
    chunk_count: u32,
    told_rows: u64,
    variables: String,
    resume_from: String,
}

impl<'a> Filling<'a> {
    fn new(
        read_bytes: Rc<Cell<u64>>,
        variables: &[String],
        chunks: ChunkSettings,
        batches: &'a Sender<Read>,
    ) -> Self {
        Self {
            batches,
            read_bytes,
            summary: Summary::default(),
            chunks: Vec::new(),
            chunk_bytes: 0,
            chunk_count: 0,
            told_rows: 0,
            variables: json!(variables).to_string(),
            resume_from: json!(chunks).to_string(),
        }
    }

    fn push(&mut self, chunk: Chunk) {
        self.chunk_bytes += chunk.packed.bytes.len();
        self.chunk_count = chunk.no + 1;
        self.chunks.push(chunk);
    }

    fn send_if_full(&mut self) -> Result<(), Ended> {
        let is_full = self.chunk_bytes >= BATCH_BYTES || self.summary.rows() >= self.told_rows + BATCH_ROWS;
        if is_full { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Ended> {
        let batch = self.take();
        self.batches
            .blocking_send(Read::More(batch))
            .map_err(|_| Ended::Unheard)
    }

    fn take(&mut self) -> Batch {
        self.chunk_bytes = 0;
        self.told_rows = self.summary.rows();
        let rejected: serde_json::Map<_, _> = self
            .summary
            .reasons()
            .map(|(reason, rows)| (reason.to_owned(), rows.into()))
            .collect();
        Batch {
            chunks: std::mem::take(&mut self.chunks),
            progress: Progress {
                read_bytes: self.read_bytes.get(),
                records: self.summary.rows(),
                size: self.summary.accepted(),
                chunk_count: self.chunk_count,
                rejected: json!(rejected).to_string(),
                variables: self.variables.clone(),
                resume_from: Some(self.resume_from.clone()),
            },
        }
    }
}
