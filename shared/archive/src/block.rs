//! A piece of a file's content, deflated by itself.

use flate2::{Compress, Compression, FlushCompress, Status};

/// What ends the deflated content of a file: a last block of no bytes.
pub(crate) const END: [u8; 2] = [0x03, 0x00];

/// Fast; reports are long and compress well at any level.
const LEVEL: u32 = 1;

/// Some of a file's content, ready to be put behind other blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub(crate) deflated: Vec<u8>,
    pub(crate) crc: u32,
    pub(crate) bytes: u64,
}

impl Block {
    /// Deflates the content. It ends at a whole byte, and refers to nothing before itself.
    pub fn deflate(content: &[u8]) -> Self {
        let mut compress = Compress::new(Compression::new(LEVEL), false);
        let mut deflated = Vec::with_capacity(content.len() / 4 + 64);
        loop {
            let taken = usize::try_from(compress.total_in()).expect("it is below the content's length");
            let rest = &content[taken..];
            deflated.reserve(rest.len() / 4 + 64);
            let room = deflated.capacity() - deflated.len();
            let before = compress.total_out();
            let status = compress
                .compress_vec(rest, &mut deflated, FlushCompress::Full)
                .expect("a compressor without a dictionary takes any bytes");
            let written = compress.total_out() - before;
            let is_flushed = written < room as u64 && compress.total_in() == content.len() as u64;
            if is_flushed || status == Status::StreamEnd {
                break;
            }
        }
        Self {
            deflated,
            crc: crc32fast::hash(content),
            bytes: content.len() as u64,
        }
    }

    /// Bytes it takes in the archive.
    pub fn len(&self) -> usize {
        self.deflated.len()
    }

    /// Whether it takes none, which it never does: a flush has a few bytes.
    pub fn is_empty(&self) -> bool {
        self.deflated.is_empty()
    }
}
