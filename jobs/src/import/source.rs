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

/// Numbers and sizes of parts that are looked through at once.
const PAGE: u32 = 1_000;

/// Sends the file from its byte `offset` on, part by part, until all is sent, a part is missing or
/// nobody listens any more.
pub(super) async fn feed(
    files: &Db,
    audience: AudienceId,
    offset: u64,
    parts: Sender<Vec<u8>>,
) -> Result<(), database::Error> {
    let (mut no, mut skip) = find_part(files, audience, offset).await?;
    while let Some(mut part) = upload_part::find(files, audience, no).await? {
        part.drain(..part.len().min(skip));
        skip = 0;
        if parts.send(part).await.is_err() {
            break;
        }
        no += 1;
    }
    Ok(())
}

/// The part in which the byte is, and how many bytes of it come before.
async fn find_part(files: &Db, audience: AudienceId, offset: u64) -> Result<(u32, usize), database::Error> {
    let (mut no, mut before) = (0, 0);
    loop {
        let page = upload_part::list(files, audience, no, PAGE).await?;
        for part in &page {
            if offset < before + u64::from(part.size) {
                let skip = usize::try_from(offset - before).expect("it is in a part of 1 MiB");
                return Ok((part.no, skip));
            }
            before += u64::from(part.size);
            no = part.no + 1;
        }
        if page.is_empty() {
            return Ok((no, 0));
        }
    }
}

/// Reads the parts that [`feed`] sends, on a thread that may wait.
pub(super) struct Parts {
    parts: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
    /// Of the whole file.
    bytes: u64,
    /// Of the file, shared with whoever reports progress on the same thread.
    read: Rc<Cell<u64>>,
}

impl Parts {
    /// A file of `bytes` bytes from its byte `offset` on; up to where it is read is told by `read`.
    pub(super) fn new(parts: Receiver<Vec<u8>>, bytes: u64, offset: u64, read: Rc<Cell<u64>>) -> Self {
        read.set(offset);
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
