//! Sorts more fixed-size records than memory should hold.
//!
//! What fits in memory is sorted and written to a run; the runs are merged as they are read.
//! When there are many, they are first merged to one, so that open files and buffers do not grow
//! with the number of records. Runs are unnamed temporary files: they vanish with the process.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Runs that are merged at once.
const FAN_IN: usize = 64;

/// The buffer of one run.
const RUN_BUFFER: usize = 32 << 10;

/// Takes records of `N` bytes in any order.
#[derive(Debug)]
pub(super) struct Sorter<const N: usize> {
    directory: PathBuf,
    /// Records of one run.
    length: usize,
    fan_in: usize,
    run: Vec<[u8; N]>,
    runs: Vec<File>,
}

impl<const N: usize> Sorter<N> {
    /// Uses about `memory` bytes, and disk in `directory` for what does not fit.
    pub(super) fn new(directory: &Path, memory: usize) -> Self {
        Self::with((memory / N).max(1), FAN_IN, directory)
    }

    fn with(length: usize, fan_in: usize, directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            length,
            fan_in,
            run: Vec::with_capacity(length),
            runs: Vec::new(),
        }
    }

    /// Takes one more.
    pub(super) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        self.run.push(record);
        if self.run.len() < self.length {
            return Ok(());
        }
        self.run.sort_unstable();
        let run = written(&self.directory, self.run.drain(..).map(Ok))?;
        self.runs.push(run);
        if self.runs.len() == self.fan_in {
            let merge = Sorted::<N>::merge(std::mem::take(&mut self.runs), Vec::new())?;
            self.runs.push(written(&self.directory, merge)?);
        }
        Ok(())
    }

    /// All of them by their bytes; equal ones as often as they came.
    pub(super) fn sorted(mut self) -> io::Result<Sorted<N>> {
        self.run.sort_unstable();
        Sorted::merge(self.runs, self.run)
    }
}

/// Writes records to an unnamed file, which is ready to be read from its start.
fn written<const N: usize>(
    directory: &Path,
    records: impl Iterator<Item = io::Result<[u8; N]>>,
) -> io::Result<File> {
    let mut run = BufWriter::with_capacity(RUN_BUFFER, tempfile::tempfile_in(directory)?);
    for record in records {
        run.write_all(&record?)?;
    }
    let mut file = run.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// The records in order.
#[derive(Debug)]
pub(super) struct Sorted<const N: usize> {
    /// Runs in files, and behind them the one that stayed in memory.
    files: Vec<BufReader<File>>,
    last: std::vec::IntoIter<[u8; N]>,
    /// The next record of each run that has one, and which run it is of.
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
}

impl<const N: usize> Sorted<N> {
    fn merge(files: Vec<File>, last: Vec<[u8; N]>) -> io::Result<Self> {
        let buffered = |file| BufReader::with_capacity(RUN_BUFFER, file);
        let mut sorted = Self {
            files: files.into_iter().map(buffered).collect(),
            last: last.into_iter(),
            heads: BinaryHeap::new(),
        };
        for run in 0..=sorted.files.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }

    /// Puts the next record of a run among the heads.
    fn refill(&mut self, run: usize) -> io::Result<()> {
        let next = match self.files.get_mut(run) {
            Some(file) => read(file)?,
            None => self.last.next(),
        };
        self.heads.extend(next.map(|record| Reverse((record, run))));
        Ok(())
    }
}

fn read<const N: usize>(file: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut record = [0; N];
    match file.read_exact(&mut record) {
        Ok(()) => Ok(Some(record)),
        // Runs have whole records.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, run)) = self.heads.pop()?;
        Some(self.refill(run).map(|()| record))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_record_comes_as_often_as_it_went_in_and_in_order(
            records in proptest::collection::vec(any::<[u8; 2]>(), 0..200),
            length in 1..40_usize,
            fan_in in 2..5_usize,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::with(length, fan_in, directory.path());
            for record in &records {
                sorter.push(*record).unwrap();
            }

            let sorted: Vec<_> = sorter.sorted().unwrap().collect::<io::Result<_>>().unwrap();

            let mut expected = records;
            expected.sort_unstable();
            prop_assert_eq!(sorted, expected);
        }
    }
}
