//! The uploaded file as a stream: from SQL, part by part, to the thread that reads it.
//!
//! At most [`PARTS_AHEAD`] parts of 1 MiB wait for the reader. A file that ends before its last
//! byte is an error, so that a part that is gone is never taken for the end.
//!
//! One that came as ZIP is unpacked while it is read. A place in it is one of its text, so whoever
//! goes on there unpacks it from the start and passes over what comes before.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use audience::{Unzip, ZIP_MAGIC, ZipLimits};
use campaign::AudienceId;
use database::audience::Audience;
use database::{Db, upload_part};
use runtime::Backends;
use tokio::sync::mpsc::{Receiver, Sender};

/// Parts that wait for the reader.
pub(super) const PARTS_AHEAD: usize = 2;

/// Numbers and sizes of parts that are looked through at once.
const PAGE: u32 = 1_000;

/// An uploaded file, and where in it the reading goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    audience: AudienceId,
    /// As it was uploaded.
    bytes: u64,
    /// How large it may become, if it is a ZIP.
    zip: Option<ZipLimits>,
    /// The byte of the text that is read first.
    offset: u64,
}

impl Source {
    /// The file of an audience from the byte `offset` of its text on.
    pub(super) async fn of(
        backends: &Backends,
        audience: &Audience,
        offset: u64,
    ) -> Result<Self, database::Error> {
        let is_zip = is_zip(&backends.files, audience.id).await?;
        let limits = &backends.process.config.files;
        Ok(Self {
            audience: audience.id,
            bytes: audience.uploaded_bytes,
            zip: is_zip.then(|| ZipLimits {
                bytes: limits.zip_max_bytes.get(),
                ratio: limits.zip_max_ratio.get(),
            }),
            offset,
        })
    }

    /// The most bytes that its text can have.
    pub(super) fn most_bytes(&self) -> u64 {
        match self.zip {
            None => self.bytes,
            Some(limits) => limits.bytes.min(self.bytes.saturating_mul(limits.ratio.into())),
        }
    }

    /// The first byte that is needed of what was uploaded.
    fn first_byte(&self) -> u64 {
        if self.zip.is_some() { 0 } else { self.offset }
    }

    /// The text, of which [`feed`] sends the parts. Up to where what was uploaded is read is told by
    /// `read`.
    pub(super) fn open(self, parts: Receiver<Vec<u8>>, read: Rc<Cell<u64>>) -> Box<dyn Read> {
        let parts = Parts::new(parts, self.bytes, self.first_byte(), read);
        match self.zip {
            None => Box::new(parts),
            Some(limits) => Box::new(Behind {
                text: Unzip::new(parts, limits),
                before: self.offset,
            }),
        }
    }
}

/// By its first bytes, in however small parts they came.
async fn is_zip(files: &Db, audience: AudienceId) -> Result<bool, database::Error> {
    let mut start = Vec::new();
    for no in 0.. {
        let Some(part) = upload_part::find(files, audience, no).await? else {
            break;
        };
        start.extend(part.into_iter().take(ZIP_MAGIC.len()));
        if start.len() >= ZIP_MAGIC.len() {
            break;
        }
    }
    Ok(start.starts_with(&ZIP_MAGIC))
}

/// Sends the file, part by part, until all is sent, a part is missing or nobody listens any more.
pub(super) async fn feed(files: &Db, source: Source, parts: Sender<Vec<u8>>) -> Result<(), database::Error> {
    let audience = source.audience;
    let (mut no, mut skip) = find_part(files, audience, source.first_byte()).await?;
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

/// A text without its first bytes.
struct Behind<R> {
    text: R,
    /// How many are still to be passed over.
    before: u64,
}

impl<R: Read> Read for Behind<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.before > 0 {
            let passed = io::copy(&mut self.text.by_ref().take(self.before), &mut io::sink())?;
            if passed == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.before -= passed;
        }
        self.text.read(buffer)
    }
}

/// Reads the parts that [`feed`] sends, on a thread that may wait.
struct Parts {
    parts: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
    /// Of the whole file.
    bytes: u64,
    /// Of the file, shared with whoever reports progress on the same thread.
    read: Rc<Cell<u64>>,
}

impl Parts {
    /// A file of `bytes` bytes from its byte `offset` on; up to where it is read is told by `read`.
    fn new(parts: Receiver<Vec<u8>>, bytes: u64, offset: u64, read: Rc<Cell<u64>>) -> Self {
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
