//! The uploaded file as a stream: from SQL, part by part, to the thread that reads it.
//!
//! At most [`PARTS_AHEAD`] parts of 1 MiB wait for the reader. A file that ends before its last
//! byte is an error, so that a part that is gone is never taken for the end.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use campaign::AudienceId;
use database::{Db, upload_part};
use tokio::sync::mpsc::{Receiver, Sender};

/// Parts that wait for the reader.
pub(super) const PARTS_AHEAD: usize = 2;

/// Sends the parts of a file of `bytes` bytes in order, until all are sent, one is missing or
/// nobody listens any more.
pub(super) async fn feed(
    files: &Db,
    audience: AudienceId,
    bytes: u64,
    parts: Sender<Vec<u8>>,
) -> Result<(), database::Error> {
    let mut sent = 0;
    for no in 0.. {
        if sent >= bytes {
            break;
        }
        let Some(part) = upload_part::find(files, audience, no).await? else {
            break;
        };
        sent += part.len() as u64;
        if parts.send(part).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads the parts that [`feed`] sends, on a thread that may wait.
pub(super) struct Parts {
    parts: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
    /// Of the whole file.
    bytes: u64,
    /// Shared with whoever reports progress on the same thread.
    read: Rc<Cell<u64>>,
}

impl Parts {
    /// A file of `bytes` bytes; what was read of it is counted in `read`.
    pub(super) fn new(parts: Receiver<Vec<u8>>, bytes: u64, read: Rc<Cell<u64>>) -> Self {
        Self {
            parts,
            current: io::Cursor::default(),
            bytes,
            read,
        }
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.current.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.read.set(self.read.get() + count as u64);
                return Ok(count);
            }
            match self.parts.blocking_recv() {
                Some(part) => self.current = io::Cursor::new(part),
                None if self.read.get() >= self.bytes => return Ok(0),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}
