//! A file that came as ZIP, read as the one file in it; any other, as it is.
//!
//! It is unpacked while it is read, front to back and never twice, so that its size does not matter
//! to memory. What is written in its headers is believed only where the bytes agree: lengths and
//! checksum are compared at the end, and a limit stops what grows too large long before.
//!
//! The `zip` crate reads a stream as well, but lends its source to each entry; here the source is
//! owned, as a reader on a thread of its own needs it, and inflating is flate2's.

mod header;
mod inflate;
mod refusal;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use header::{Header, Signature};
use inflate::Packed;

pub use refusal::ZipRefusal;

/// How large what is in a ZIP may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZipLimits {
    /// Bytes of the file in it.
    pub bytes: u64,
    /// How many times as large as it is packed. Counted from the first mebibyte on.
    pub ratio: u32,
}

/// How a ZIP with something in it begins.
pub const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";

/// How one begins that has nothing in it.
const EMPTY_ZIP_MAGIC: [u8; 4] = *b"PK\x05\x06";

/// How much is read of the source at once.
const BLOCK: usize = 64 * 1024;

/// A file without its packing. What cannot be unpacked is an [`io::Error`] around a
/// [`Refusal`](crate::Refusal).
pub struct Unzip<R> {
    source: BufReader<R>,
    limits: ZipLimits,
    place: Place,
}

/// How far the reading is.
enum Place {
    Start,
    /// It is no ZIP: these bytes were looked at, and the rest follows.
    Plain(io::Take<Cursor<[u8; 4]>>),
    /// In the file that is asked for.
    Entry(Packed),
    /// Behind it.
    End,
}

impl<R: Read> Unzip<R> {
    /// The file that `source` holds, packed or not.
    pub fn new(source: R, limits: ZipLimits) -> Self {
        Self {
            source: BufReader::with_capacity(BLOCK, source),
            limits,
            place: Place::Start,
        }
    }

    fn begin(&mut self) -> io::Result<Place> {
        let mut looked_at = [0; 4];
        let mut length = 0;
        while length < looked_at.len() {
            match self.source.read(&mut looked_at[length..])? {
                0 => break,
                count => length += count,
            }
        }
        if looked_at == EMPTY_ZIP_MAGIC {
            return Err(ZipRefusal::Empty.into());
        }
        if looked_at != ZIP_MAGIC {
            return Ok(Place::Plain(Cursor::new(looked_at).take(length as u64)));
        }
        loop {
            let header = Header::read(&mut self.source)?;
            if !header.is_beside_the_point() {
                header.check()?;
                return Ok(Place::Entry(Packed::new(&header, self.limits)?));
            }
            self.pass_over(&header)?;
            match Signature::read(&mut self.source)? {
                Signature::Entry => {}
                Signature::Directory => return Err(ZipRefusal::Empty.into()),
            }
        }
    }

    /// What follows the file may be folders and what systems add by themselves, and nothing else.
    fn end(&mut self) -> io::Result<()> {
        while Signature::read(&mut self.source)? == Signature::Entry {
            let header = Header::read(&mut self.source)?;
            if !header.is_beside_the_point() {
                return Err(ZipRefusal::Several.into());
            }
            self.pass_over(&header)?;
        }
        // The directory says nothing new; the source is read to its end so that it ends well.
        io::copy(&mut self.source, &mut io::sink()).map(drop)
    }

    fn pass_over(&mut self, header: &Header) -> io::Result<()> {
        let mut entry = Packed::new(header, self.limits)?;
        let mut block = [0; 4096];
        while entry.read(&mut self.source, &mut block)? > 0 {}
        Ok(())
    }
}

impl<R: Read> Read for Unzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.place {
                Place::Start => self.place = self.begin()?,
                Place::Plain(looked_at) => match looked_at.read(buffer)? {
                    0 => return self.source.read(buffer),
                    count => return Ok(count),
                },
                Place::Entry(entry) => match entry.read(&mut self.source, buffer)? {
                    0 => {
                        self.end()?;
                        self.place = Place::End;
                    }
                    count => return Ok(count),
                },
                Place::End => return Ok(0),
            }
        }
    }
}

impl<R> std::fmt::Debug for Unzip<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unzip")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Exactly so many bytes. A source that ends before has been cut off.
///
/// (By [`Read::read_exact`], that could not be told from an error of the source's own.)
fn read_exact(source: &mut impl BufRead, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match source.read(bytes)? {
            0 => return Err(ZipRefusal::Broken("it ends too early").into()),
            count => bytes = &mut bytes[count..],
        }
    }
    Ok(())
}
