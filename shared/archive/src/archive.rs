//! The order of an archive: files one behind the other, and a directory at the end.

use serde::{Deserialize, Serialize};

use crate::block::{Block, END};
use crate::record::{self, Entry};

/// The most bytes of a file whose sizes surely fit 32 bits, the excess of blocks that do not get
/// smaller included.
const MAX_SMALL_BYTES: u64 = 0xF000_0000;

/// An archive in the making. Every call appends to `out` what comes next in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Bytes that were given out.
    written: u64,
    entries: Vec<Entry>,
}

impl Archive {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of it so far.
    pub fn len(&self) -> u64 {
        self.written
    }

    /// Whether nothing of it is written.
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Begins a file of at most `most_bytes`, by which it is decided how its sizes are written.
    pub fn begin(&mut self, out: &mut Vec<u8>, name: &str, most_bytes: u64) {
        let entry = Entry {
            name: name.to_owned(),
            start: self.written,
            is_large: most_bytes > MAX_SMALL_BYTES,
            crc: 0,
            bytes: 0,
            deflated_bytes: 0,
        };
        self.append(out, |out| record::local(out, &entry.name, entry.is_large));
        self.entries.push(entry);
    }

    /// Adds a block to the file that was begun last.
    ///
    /// # Panics
    ///
    /// No file was begun, which is a fault of the caller.
    pub fn push(&mut self, out: &mut Vec<u8>, block: &Block) {
        let entry = self.entries.last_mut().expect("a file was begun");
        let mut crc = crc32fast::Hasher::new_with_initial_len(entry.crc, entry.bytes);
        crc.combine(&crc32fast::Hasher::new_with_initial_len(block.crc, block.bytes));
        entry.crc = crc.finalize();
        entry.bytes += block.bytes;
        entry.deflated_bytes += block.deflated.len() as u64;
        self.append(out, |out| out.extend_from_slice(&block.deflated));
    }

    /// Ends the file that was begun last.
    ///
    /// # Panics
    ///
    /// No file was begun, which is a fault of the caller.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        let entry = self.entries.last_mut().expect("a file was begun");
        entry.deflated_bytes += END.len() as u64;
        let entry = entry.clone();
        self.append(out, |out| {
            out.extend_from_slice(&END);
            record::descriptor(out, &entry);
        });
    }

    /// Ends the archive.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let start = self.written;
        let entries = std::mem::take(&mut self.entries);
        self.append(out, |out| {
            for entry in &entries {
                record::central(out, entry);
            }
        });
        let size = self.written - start;
        self.append(out, |out| record::end(out, entries.len(), start, size));
    }

    fn append(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let before = out.len();
        write(out);
        self.written += (out.len() - before) as u64;
    }
}
