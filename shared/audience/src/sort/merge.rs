//! The second step: a partition's runs into chunks.

use std::ops::Range;

use super::duplicate::{Duplicate, DuplicateRun, Gathered};
use super::partition::Partition;
use super::row::{self, Reading};
use super::spread::runs_of;
use crate::duplicates::AcceptedIds;
use crate::packed::open_sealed;
use crate::{Chunk, ChunkSettings, Chunker, Corrupt};

/// Whether anything comes behind a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Others: what fills no chunk is carried to the next.
    Middle,
    /// Nothing: every chunk is closed.
    Last,
}

/// What a partition became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// In the order of their numbers.
    pub chunks: Vec<Chunk>,
    /// What is to be carried to the next partition, in runs of at most 1 MiB.
    pub carried: Vec<Vec<u8>>,
    /// Rows that are rejected because their user was accepted before.
    pub duplicates: Vec<DuplicateRun>,
    /// How many rows the partition had, without what was carried to it.
    pub rows: u64,
    /// How many of them are duplicates.
    pub duplicate_rows: u64,
}

/// A partition that is being merged, and afterwards the next. Its memory is that of the accepted
/// rows of one partition.
#[derive(Debug)]
pub struct Merge {
    settings: ChunkSettings,
    names: Vec<String>,
    accepted: AcceptedIds,
    partition: Partition,
    duplicates: Gathered,
    rows: u64,
    duplicate_rows: u64,
}

/// Rows at the end of a zone that fill no chunk.
#[derive(Clone, Debug)]
struct Rest {
    rows: Range<usize>,
    bytes: usize,
}

impl Merge {
    /// An empty partition of an audience with variables of those names.
    pub fn new(settings: ChunkSettings, names: &[String]) -> Self {
        Self {
            settings,
            names: names.to_vec(),
            accepted: AcceptedIds::default(),
            partition: Partition::default(),
            duplicates: Gathered::default(),
            rows: 0,
            duplicate_rows: 0,
        }
    }

    /// Adds a run of what was carried to this partition.
    pub fn carry(&mut self, run: &[u8]) -> Result<(), Corrupt> {
        let content = open_sealed(run)?;
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            let row = row::take(&mut rest, self.names.len())?;
            self.partition.push(&row)?;
        }
        Ok(())
    }

    /// Adds the next of the partition's own runs, and finds the duplicates in it.
    pub fn add(&mut self, run: &[u8]) -> Result<(), Corrupt> {
        let content = open_sealed(run)?;
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            let row = row::take(&mut rest, self.names.len())?;
            self.rows += 1;
            match self.accepted.insert(row.user, row.line) {
                Ok(()) => self.partition.push(&row)?,
                Err(of_line) => {
                    self.duplicate_rows += 1;
                    let line = row.line;
                    self.duplicates.push(Duplicate { line, of_line });
                }
            }
        }
        Ok(())
    }

    /// Makes chunks of the partition, and begins the next.
    pub fn finish(&mut self, position: Position) -> Result<Merged, Corrupt> {
        self.partition.sort();
        let mut chunks = Vec::new();
        let mut rests = self.fill(&mut chunks)?;
        let most = match position {
            Position::Middle => self.settings.carried_bytes,
            Position::Last => 0,
        };
        self.close_early(&mut rests, most, &mut chunks)?;
        let carried = rests.iter().flat_map(|rest| rest.rows.clone());
        let merged = Merged {
            chunks,
            carried: runs_of(carried.map(|position| self.partition.row(position))),
            duplicates: std::mem::take(&mut self.duplicates).finish(),
            rows: std::mem::take(&mut self.rows),
            duplicate_rows: std::mem::take(&mut self.duplicate_rows),
        };
        self.accepted.clear();
        self.partition.clear();
        Ok(merged)
    }

    /// Fills chunks zone by zone, and gives what is left at the end of each.
    fn fill(&self, chunks: &mut Vec<Chunk>) -> Result<Vec<Rest>, Corrupt> {
        let mut chunker = Chunker::new(self.settings, &self.names);
        let mut reading = Reading::default();
        let mut rests = Vec::new();
        for position in 0..self.partition.len() {
            let time_zone = self.partition.time_zone(position);
            if position == 0 || time_zone != self.partition.time_zone(position - 1) {
                rests.extend(self.rest(chunker.waiting(), position));
                chunker.begin(time_zone);
            }
            let recipient = reading.recipient(self.partition.row(position), time_zone, &self.names)?;
            chunks.extend(chunker.push(&recipient));
        }
        rests.extend(self.rest(chunker.waiting(), self.partition.len()));
        Ok(rests)
    }

    /// The `count` rows before `end`, if there are any.
    fn rest(&self, count: u32, end: usize) -> Option<Rest> {
        let rows = end - count as usize..end;
        let bytes = rows.clone().map(|row| self.partition.row(row).len()).sum();
        (count > 0).then_some(Rest { rows, bytes })
    }

    /// Closes the largest first, until the others have `most` bytes; all in their order for none.
    fn close_early(
        &self,
        rests: &mut Vec<Rest>,
        most: usize,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), Corrupt> {
        let mut bytes: usize = rests.iter().map(|rest| rest.bytes).sum();
        while bytes > most {
            let largest = (0..rests.len()).max_by_key(|place| rests[*place].bytes);
            let closed = rests.remove(largest.filter(|_| most > 0).unwrap_or(0));
            bytes -= closed.bytes;
            chunks.extend(self.chunk_of(&closed)?);
        }
        Ok(())
    }

    fn chunk_of(&self, rest: &Rest) -> Result<Option<Chunk>, Corrupt> {
        let mut chunker = Chunker::new(self.settings, &self.names);
        let mut reading = Reading::default();
        let time_zone = self.partition.time_zone(rest.rows.start);
        chunker.begin(time_zone);
        for position in rest.rows.clone() {
            let recipient = reading.recipient(self.partition.row(position), time_zone, &self.names)?;
            // They filled no chunk before, so they do not now.
            chunker.push(&recipient);
        }
        Ok(chunker.close())
    }
}
