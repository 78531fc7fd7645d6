//! Duplicates on their way from the partitions, where they are found, back into the order of the
//! file, where the report tells of them.
//!
//! The duplicates of one partition come in the order of the file. They are cut into runs, one for
//! each stretch of lines; so the report reads all partitions' runs of a stretch at once and needs
//! no memory for the others.

use crate::Corrupt;
use crate::packed::{open_sealed, read_number, seal, write_number};

/// How many lines a run covers. A row takes 10 bytes at most, so a run has under 1 MiB.
pub const LINES_OF_A_DUPLICATE_RUN: u32 = 100_000;

/// A row whose user was accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duplicate {
    /// Where it starts.
    pub line: u32,
    /// Where the accepted row starts.
    pub of_line: u32,
}

/// The duplicates of one partition on one stretch of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateRun {
    /// Which stretch: the line, divided by [`LINES_OF_A_DUPLICATE_RUN`].
    pub stretch: u32,
    /// At most 1 MiB.
    pub bytes: Vec<u8>,
}

/// Duplicates of one partition that are being gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    runs: Vec<DuplicateRun>,
    stretch: u32,
    content: Vec<u8>,
    last_line: u32,
}

impl Gathered {
    /// Adds the next; lines rise.
    pub(super) fn push(&mut self, duplicate: Duplicate) {
        let stretch = duplicate.line / LINES_OF_A_DUPLICATE_RUN;
        if stretch != self.stretch {
            self.close();
            self.stretch = stretch;
            self.last_line = stretch * LINES_OF_A_DUPLICATE_RUN;
        }
        write_number(&mut self.content, duplicate.line - self.last_line);
        write_number(&mut self.content, duplicate.of_line);
        self.last_line = duplicate.line;
    }

    pub(super) fn finish(mut self) -> Vec<DuplicateRun> {
        self.close();
        self.runs
    }

    fn close(&mut self) {
        if !self.content.is_empty() {
            self.runs.push(DuplicateRun {
                stretch: self.stretch,
                bytes: seal(&self.content),
            });
            self.content.clear();
        }
    }
}

/// The duplicates on one stretch of lines, in the order of the file: of every partition's run.
pub fn read_duplicates<'a>(
    stretch: u32,
    runs: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Duplicate>, Corrupt> {
    let mut duplicates = Vec::new();
    for run in runs {
        let content = open_sealed(run)?;
        let mut rest = content.as_slice();
        let mut line = stretch.saturating_mul(LINES_OF_A_DUPLICATE_RUN);
        while !rest.is_empty() {
            line = line
                .checked_add(read_number(&mut rest)?)
                .ok_or(Corrupt::Content("line"))?;
            let of_line = read_number(&mut rest)?;
            duplicates.push(Duplicate { line, of_line });
        }
    }
    duplicates.sort_unstable();
    Ok(duplicates)
}
