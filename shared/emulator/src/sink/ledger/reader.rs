//! Reads a ledger from its beginning, one entry at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::Entry;

/// The entries of a ledger in the order of acceptance, in constant memory. A torn last line is
/// no entry. A ledger may be read while it is written: what has been appended since the end was
/// reached comes when the iterator is asked again.
#[derive(Debug)]
pub struct Reader {
    lines: Lines<BufReader<File>>,
}

impl Reader {
    /// Opens a ledger.
    ///
    /// # Errors
    ///
    /// If the file is not there or cannot be read.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self {
            lines: Lines::new(BufReader::with_capacity(256 << 10, File::open(path)?)),
        })
    }
}

impl Iterator for Reader {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines
            .next()
            .transpose()
            .map(|line| line.and_then(Entry::parse))
    }
}

/// The whole lines of a file, one after the other through one buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    file: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file,
            line: Vec::new(),
        }
    }

    /// The next line without its end; `None` while there is no whole one.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.line.ends_with(b"\n") {
            self.line.clear();
        }
        self.file.read_until(b'\n', &mut self.line)?;
        Ok(self.line.strip_suffix(b"\n"))
    }
}
