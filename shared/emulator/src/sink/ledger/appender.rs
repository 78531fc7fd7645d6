//! Appends to the ledger: one thread, one `write` for everything that waits.
//!
//! Who appends is told once the operating system has the line; from then on no death of this
//! process can lose it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Entry;

/// A batch is written when it has reached this size, even if more is waiting.
const BATCH_BYTES: usize = 1 << 20;
/// How much is read at a time when the end of the last whole line is looked for.
const TAIL: u64 = 64 << 10;

/// A handle to the writer thread, which ends when it is dropped.
#[derive(Debug)]
pub(in crate::sink) struct Appender {
    lines: Sender<Append>,
    written: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Append {
    line: Vec<u8>,
    done: oneshot::Sender<io::Result<()>>,
}

impl Appender {
    /// Opens the ledger for appending, without what an earlier process left unfinished.
    pub(in crate::sink) fn open(path: &Path) -> io::Result<(Self, JoinHandle<()>)> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let end = end_of_lines(&mut file)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let (lines, queue) = mpsc::channel();
        let written = Arc::new(AtomicU64::new(0));
        let count = written.clone();
        let writer = std::thread::Builder::new()
            .name("sink-ledger".to_owned())
            .spawn(move || run(file, end, &queue, &count))?;
        Ok((Self { lines, written }, writer))
    }

    /// How many entries were written since the ledger was opened, also for those who went away
    /// before they were told.
    pub(in crate::sink) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Returns once the entry is written.
    pub(in crate::sink) async fn append(&self, entry: &Entry) -> io::Result<()> {
        let mut line = Vec::with_capacity(256);
        entry.write(&mut line);
        let (done, written) = oneshot::channel();
        let closed = || io::Error::other("the ledger is closed");
        self.lines.send(Append { line, done }).map_err(|_| closed())?;
        written.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut tail = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        tail.clear();
        file.take(end - start).read_to_end(&mut tail)?;
        if let Some(last) = tail.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn run(mut file: File, mut end: u64, queue: &Receiver<Append>, count: &AtomicU64) {
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    let mut waiting = Vec::new();
    while let Ok(first) = queue.recv() {
        let mut next = Some(first);
        while let Some(Append { line, done }) = next {
            batch.extend_from_slice(&line);
            waiting.push(done);
            next = if batch.len() < BATCH_BYTES {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        let written = write(&mut file, &mut end, &batch);
        if written.is_ok() {
            count.fetch_add(waiting.len() as u64, Ordering::Relaxed);
        }
        for done in waiting.drain(..) {
            let told = match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Who does not wait any more has lost its connection; the line stands.
            let _ = done.send(told);
        }
        batch.clear();
    }
}

/// Writes a batch whole or not at all, so that a full disk leaves no torn line in the middle.
fn write(file: &mut File, end: &mut u64, batch: &[u8]) -> io::Result<()> {
    if let Err(error) = file.write_all(batch) {
        file.set_len(*end)?;
        file.seek(SeekFrom::Start(*end))?;
        return Err(error);
    }
    *end += batch.len() as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use futures::FutureExt;

    use super::super::Reader;
    use super::*;

    fn entry(push_id: &str) -> Entry {
        Entry {
            push_id: push_id.to_owned(),
            address: "a".to_owned(),
            collapse_id: None,
            attempt: Some(1),
            received_at: DateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_torn_last_line_is_cut_off_and_appending_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        let mut lines = Vec::new();
        entry("first").write(&mut lines);
        entry("torn").write(&mut lines);
        lines.truncate(lines.len() - 4);
        std::fs::write(&path, &lines).unwrap();

        let (appender, writer) = Appender::open(&path).unwrap();
        appender.append(&entry("second")).await.unwrap();
        drop(appender);
        writer.join().unwrap();

        let read: Vec<Entry> = Reader::open(&path).unwrap().collect::<io::Result<_>>().unwrap();
        assert_eq!(read, [entry("first"), entry("second")]);
    }

    #[tokio::test]
    async fn an_entry_counts_also_when_nobody_waits_for_it_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let (appender, writer) = Appender::open(&directory.path().join("ledger")).unwrap();

        let gone = entry("gone");
        drop(appender.append(&gone).now_or_never());
        appender.append(&entry("there")).await.unwrap();

        assert_eq!(appender.written(), 2);
        drop(appender);
        writer.join().unwrap();
    }

    #[test]
    fn the_end_is_found_behind_a_tail_longer_than_one_read() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"line\n").unwrap();
        file.write_all(&vec![b'x'; 3 * TAIL as usize]).unwrap();

        assert_eq!(end_of_lines(&mut file).unwrap(), 5);
    }
}
