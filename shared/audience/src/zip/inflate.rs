//! The data of one file in a ZIP, stored or deflated, under limits.

use std::io::{self, BufRead};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::header::Header;
use super::{ZIP_MAGIC, ZipLimits, ZipRefusal, read_exact};

/// From so many bytes on the ratio counts: few bytes may well be packed very small.
const RATIO_FROM: u64 = 1 << 20;

/// In the place of a length: it does not fit here.
const ELSEWHERE: u32 = u32::MAX;

/// Lengths and checksum, where they stand in front of the data.
#[derive(Clone, Copy, Debug)]
struct Told {
    crc: u32,
    packed: u32,
    size: u32,
}

/// A file that is being unpacked.
pub(super) struct Packed {
    method: Method,
    told: Option<Told>,
    limits: ZipLimits,
    /// The first bytes of the file.
    start: Vec<u8>,
    crc: Crc,
    packed: u64,
    size: u64,
    is_over: bool,
}

enum Method {
    /// As it is; so many bytes are left.
    Stored(u64),
    Deflated(Box<Decompress>, Stream),
}

/// Where in its data an inflater is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Open,
    Ended,
}

impl Packed {
    pub(super) fn new(header: &Header, limits: ZipLimits) -> Result<Self, ZipRefusal> {
        if header.is_encrypted() {
            return Err(ZipRefusal::Encrypted);
        }
        let method = match header.method {
            // Where it ends would be known to the directory alone.
            0 if header.is_followed() || header.size == ELSEWHERE => {
                return Err(ZipRefusal::Method { method: 0 });
            }
            0 => Method::Stored(header.size.into()),
            8 => Method::Deflated(Box::new(Decompress::new(false)), Stream::Open),
            method => return Err(ZipRefusal::Method { method }),
        };
        let told = Told {
            crc: header.crc,
            packed: header.packed,
            size: header.size,
        };
        Ok(Self {
            method,
            told: (!header.is_followed()).then_some(told),
            limits,
            start: Vec::with_capacity(ZIP_MAGIC.len()),
            crc: Crc::new(),
            packed: 0,
            size: 0,
            is_over: false,
        })
    }

    /// The next bytes of the file; none at its end, at which it is compared with what was told.
    pub(super) fn read(&mut self, source: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_over {
            return Ok(0);
        }
        let count = match &mut self.method {
            Method::Stored(left) => {
                let room = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let count = source.read(&mut buffer[..room])?;
                if count == 0 && *left > 0 {
                    return Err(ZipRefusal::Broken("it ends too early").into());
                }
                *left -= count as u64;
                self.packed += count as u64;
                count
            }
            Method::Deflated(_, Stream::Ended) => 0,
            Method::Deflated(inflater, stream) => {
                let (count, now) = inflate(inflater, source, buffer)?;
                *stream = now;
                self.packed = inflater.total_in();
                count
            }
        };
        self.look_at_start(&buffer[..count])?;
        self.crc.update(&buffer[..count]);
        self.size += count as u64;
        self.check_limits()?;
        if count == 0 {
            self.is_over = true;
            self.check_end(source)?;
        }
        Ok(count)
    }

    /// Its first bytes may come one by one.
    fn look_at_start(&mut self, bytes: &[u8]) -> Result<(), ZipRefusal> {
        let missing = ZIP_MAGIC.len().saturating_sub(self.start.len());
        self.start.extend(bytes.iter().take(missing));
        if self.start == ZIP_MAGIC {
            return Err(ZipRefusal::Nested);
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ZipRefusal> {
        let ZipLimits { bytes, ratio } = self.limits;
        if self.size > bytes {
            return Err(ZipRefusal::TooLarge { limit: bytes });
        }
        if self.size > RATIO_FROM && self.size > self.packed.saturating_mul(ratio.into()) {
            return Err(ZipRefusal::Ratio { limit: ratio });
        }
        Ok(())
    }

    fn check_end(&self, source: &mut impl BufRead) -> io::Result<()> {
        let (low_packed, low_size) = (self.packed as u32, self.size as u32);
        let (crc, is_so) = match self.told {
            Some(told) => {
                let is = |told: u32, low: u32| told == low || told == ELSEWHERE;
                (told.crc, is(told.packed, low_packed) && is(told.size, low_size))
            }
            None => {
                let mut crc = number(source)?;
                // Its signature may be left out.
                if crc == u32::from_le_bytes(*b"PK\x07\x08") {
                    crc = number(source)?;
                }
                (crc, self.is_descriptor(source)?)
            }
        };
        if !is_so || crc != self.crc.sum() {
            return Err(ZipRefusal::Broken("its checksum or a length is wrong").into());
        }
        Ok(())
    }

    /// Whether the lengths that follow are these, written in 32 or in 64 bits. Which it is, nothing
    /// reliable says.
    fn is_descriptor(&self, source: &mut impl BufRead) -> io::Result<bool> {
        let (packed, size) = (self.packed, self.size);
        let (first, second) = (number(source)?, number(source)?);
        if first != packed as u32 {
            return Ok(false);
        }
        if second == size as u32 && packed >> 32 == 0 && size >> 32 == 0 {
            return Ok(true);
        }
        let (third, fourth) = (number(source)?, number(source)?);
        Ok(u64::from(second) == packed >> 32 && u64::from(fourth) << 32 | u64::from(third) == size)
    }
}

/// Inflates some bytes, and says whether there are more; none only at the end.
fn inflate(
    inflater: &mut Decompress,
    source: &mut impl BufRead,
    buffer: &mut [u8],
) -> io::Result<(usize, Stream)> {
    loop {
        let input = source.fill_buf()?;
        let is_cut_off = input.is_empty();
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(input, buffer, FlushDecompress::None)
            .map_err(|_| ZipRefusal::Broken("its data cannot be inflated"))?;
        let read = (inflater.total_in() - before_in) as usize;
        let count = (inflater.total_out() - before_out) as usize;
        source.consume(read);
        match status {
            Status::StreamEnd => return Ok((count, Stream::Ended)),
            Status::Ok | Status::BufError if count > 0 => return Ok((count, Stream::Open)),
            Status::Ok | Status::BufError if is_cut_off => {
                return Err(ZipRefusal::Broken("it ends too early").into());
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

fn number(source: &mut impl BufRead) -> io::Result<u32> {
    let mut bytes = [0; 4];
    read_exact(source, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
