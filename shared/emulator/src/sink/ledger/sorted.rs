//! A ledger in the order of its push ids, however long it is: an external merge sort.
//!
//! As much as fits in memory is sorted and written to a run, then the runs are merged, in
//! several passes if there are many. Runs are unnamed temporary files beside the ledger: they
//! vanish with the process, however it ends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::Entry;
use super::reader::Lines;

/// The buffer of one run in a merge.
const RUN_BUFFER: usize = 64 << 10;
/// The most runs that are merged at once, each an open file.
const FAN_IN: usize = 128;
/// What one line costs beside its bytes: its place in the run.
const PLACE: usize = size_of::<(u32, u32)>();
/// The largest run, so that places fit their type.
const LARGEST_RUN: usize = 1 << 30;

/// The entries of the ledger by push id (by its bytes); entries of one push in a fixed order.
/// A torn last line is no entry.
///
/// Uses about `memory` bytes, at least 256 KiB, and free disk beside the ledger of once to twice
/// the ledger's size until the iterator is dropped. The sort itself happens in this call.
///
/// # Errors
///
/// If the ledger cannot be read or the runs cannot be written.
pub fn sorted_by_push(ledger: impl AsRef<Path>, memory: usize) -> io::Result<Sorted> {
    let ledger = ledger.as_ref();
    let directory = ledger
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let memory = memory.clamp(4 * RUN_BUFFER, LARGEST_RUN);
    let lines = Lines::new(BufReader::with_capacity(RUN_BUFFER, File::open(ledger)?));
    let runs = sorted_runs(lines, directory, memory)?;
    let fan_in = (memory / RUN_BUFFER - 1).min(FAN_IN);
    Ok(Sorted {
        merge: merged_to(fan_in, runs, directory)?,
    })
}

/// The iterator of [`sorted_by_push`].
#[derive(Debug)]
pub struct Sorted {
    merge: Merge,
}

impl Iterator for Sorted {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.merge.next(Entry::parse).transpose()
    }
}

/// Cuts the lines into runs that fit in memory, each sorted.
fn sorted_runs(mut lines: Lines<BufReader<File>>, directory: &Path, memory: usize) -> io::Result<Vec<File>> {
    let mut runs = Vec::new();
    let mut run = Run {
        bytes: Vec::with_capacity(memory),
        places: Vec::new(),
    };
    while let Some(line) = lines.next()? {
        if !run.is_empty() && run.size() + line.len() + PLACE > memory {
            runs.push(run.write(directory)?);
        }
        run.push(line);
    }
    if !run.is_empty() {
        runs.push(run.write(directory)?);
    }
    Ok(runs)
}

/// Lines in one piece of memory, and where each of them is.
struct Run {
    bytes: Vec<u8>,
    places: Vec<(u32, u32)>,
}

impl Run {
    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.places.len() * PLACE
    }

    fn push(&mut self, line: &[u8]) {
        let place = |position: usize| u32::try_from(position).expect("a run has at most 1 GiB and one line");
        let start = place(self.bytes.len());
        self.bytes.extend_from_slice(line);
        self.places.push((start, place(self.bytes.len())));
    }

    /// Writes the lines in order to a file of their own and empties the run.
    fn write(&mut self, directory: &Path) -> io::Result<File> {
        let Self { bytes, places } = self;
        let line = |&(start, end): &(u32, u32)| &bytes[start as usize..end as usize];
        places.sort_unstable_by(|one, other| line(one).cmp(line(other)));
        let mut file = BufWriter::with_capacity(RUN_BUFFER, tempfile::tempfile_in(directory)?);
        for place in places.iter() {
            file.write_all(line(place))?;
            file.write_all(b"\n")?;
        }
        bytes.clear();
        places.clear();
        rewound(file)
    }
}

/// Merges until no more than `fan_in` runs are left, and those as they are read.
fn merged_to(fan_in: usize, mut runs: Vec<File>, directory: &Path) -> io::Result<Merge> {
    while runs.len() > fan_in {
        let mut merge = Merge::new(runs.drain(..fan_in).collect())?;
        let mut file = BufWriter::with_capacity(RUN_BUFFER, tempfile::tempfile_in(directory)?);
        while let Some(()) = merge.next(|line| file.write_all(line).and_then(|()| file.write_all(b"\n")))? {}
        runs.push(rewound(file)?);
    }
    Merge::new(runs)
}

fn rewound(file: BufWriter<File>) -> io::Result<File> {
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Several sorted runs read as one.
#[derive(Debug)]
struct Merge {
    runs: Vec<Lines<BufReader<File>>>,
    /// The next line of each run that has one, and which run it is of.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

impl Merge {
    fn new(files: Vec<File>) -> io::Result<Self> {
        let runs = files
            .into_iter()
            .map(|file| Lines::new(BufReader::with_capacity(RUN_BUFFER, file)));
        let mut merge = Self {
            runs: runs.collect(),
            heads: BinaryHeap::new(),
        };
        for run in 0..merge.runs.len() {
            merge.refill(run, Vec::new())?;
        }
        Ok(merge)
    }

    /// Hands the next line to `take`; `None` behind the last.
    fn next<T>(&mut self, take: impl FnOnce(&[u8]) -> io::Result<T>) -> io::Result<Option<T>> {
        let Some(Reverse((line, run))) = self.heads.pop() else {
            return Ok(None);
        };
        let taken = take(&line)?;
        self.refill(run, line)?;
        Ok(Some(taken))
    }

    /// Puts the next line of a run among the heads, in the memory of the one before it.
    fn refill(&mut self, run: usize, mut line: Vec<u8>) -> io::Result<()> {
        if let Some(next) = self.runs[run].next()? {
            line.clear();
            line.extend_from_slice(next);
            self.heads.push(Reverse((line, run)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::entry::tests::{any_entry, line};
    use super::*;

    fn ledger(entries: &[Entry]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for entry in entries {
            file.write_all(&line(entry)).unwrap();
        }
        file
    }

    /// The sort with runs and passes as small as they get.
    fn sorted_in_passes(entries: &[Entry], memory: usize, fan_in: usize) -> Vec<Entry> {
        let file = ledger(entries);
        let directory = file.path().parent().unwrap();
        let lines = Lines::new(BufReader::new(File::open(file.path()).unwrap()));
        let runs = sorted_runs(lines, directory, memory).unwrap();
        let merge = merged_to(fan_in, runs, directory).unwrap();
        Sorted { merge }.collect::<io::Result<_>>().unwrap()
    }

    fn expected(entries: &[Entry]) -> Vec<Entry> {
        let mut expected = entries.to_vec();
        expected.sort_by_key(line);
        expected
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_entry_comes_once_and_in_order_whatever_the_memory(
            entries in proptest::collection::vec(any_entry(), 0..80),
            memory in 1..2_000_usize,
            fan_in in 2..5_usize,
        ) {
            let sorted = sorted_in_passes(&entries, memory, fan_in);

            prop_assert!(sorted.is_sorted_by_key(|entry| &entry.push_id));
            prop_assert_eq!(sorted, expected(&entries));
        }

        #[test]
        fn a_torn_last_line_is_no_entry(entries in proptest::collection::vec(any_entry(), 1..5)) {
            let file = ledger(&entries);
            file.as_file().set_len(file.as_file().metadata().unwrap().len() - 1).unwrap();

            let sorted: Vec<Entry> = sorted_by_push(file.path(), 0).unwrap().collect::<io::Result<_>>().unwrap();

            prop_assert_eq!(sorted, expected(&entries[..entries.len() - 1]));
        }
    }
}
