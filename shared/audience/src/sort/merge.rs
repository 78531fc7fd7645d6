//! The second step: a partition's runs into chunks.

use std::ops::Range;

use super::duplicate::{Duplicate, DuplicateRun, Gathered};
use super::partition::Partition;
use super::row::{self, Reading, StoredRow};
use super::spread::runs_of;
use crate::duplicates::AcceptedIds;
use crate::packed::open_sealed;
use crate::{Chunk, ChunkSettings, Chunker, Corrupt};

/// What the users of a run are to the audience. Runs are added in the order of the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Rows that fill no chunk of the partitions before: recipients already.
    Carried,
    /// Nobody else is a recipient, if the merge was made [`Merge::of_required`].
    Required,
    /// They are no recipients.
    Excluded,
    /// Rows of the file, in its order: the first of a user is a recipient, the others are duplicates.
    Rows,
    /// Rows of a file whose users are no recipients: the first of a user counts, the others are
    /// duplicates.
    Removed,
    /// Recipients of other lists, unless they came before.
    Included,
}

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
    /// How many rows of the file the partition had.
    pub rows: u64,
    /// How many of them are duplicates.
    pub duplicate_rows: u64,
    /// How many recipients it has, without those that were carried to it.
    pub recipients: u64,
}

/// A partition that is being merged, and afterwards the next. Its memory is that of the accepted
/// rows of one partition.
#[derive(Debug)]
pub struct Merge {
    settings: ChunkSettings,
    names: Vec<String>,
    /// Users of whom no more rows are wanted.
    known: AcceptedIds,
    /// The only ones who may be recipients.
    required: Option<AcceptedIds>,
    partition: Partition,
    duplicates: Gathered,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    rows: u64,
    duplicates: u64,
    recipients: u64,
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
            known: AcceptedIds::default(),
            required: None,
            partition: Partition::default(),
            duplicates: Gathered::default(),
            counts: Counts::default(),
        }
    }

    /// The same, of an audience in which nobody is who is not in a run of [`Role::Required`].
    #[must_use]
    pub fn of_required(self) -> Self {
        Self {
            required: Some(AcceptedIds::default()),
            ..self
        }
    }

    /// Adds a run of the partition. Those of [`Role::Required`] and [`Role::Excluded`] name users
    /// and nothing else: see [`crate::Spread::push_user`].
    pub fn add(&mut self, role: Role, run: &[u8]) -> Result<(), Corrupt> {
        let variables = match role {
            Role::Required | Role::Excluded => 0,
            Role::Carried | Role::Rows | Role::Removed | Role::Included => self.names.len(),
        };
        let content = open_sealed(run)?;
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            let row = row::take(&mut rest, variables)?;
            self.add_row(role, &row)?;
        }
        Ok(())
    }

    fn add_row(&mut self, role: Role, row: &StoredRow<'_>) -> Result<(), Corrupt> {
        if role == Role::Carried {
            return self.partition.push(row);
        }
        if role == Role::Required {
            if let Some(required) = &mut self.required {
                // Named twice, they are required all the same.
                let _ = required.insert(row.user, row.line);
            }
            return Ok(());
        }
        let is_row = matches!(role, Role::Rows | Role::Removed);
        self.counts.rows += u64::from(is_row);
        let known = self.known.insert(row.user, row.line);
        if let (Err(of_line), true) = (known, is_row) {
            self.counts.duplicates += 1;
            let line = row.line;
            self.duplicates.push(Duplicate { line, of_line });
        }
        let is_recipient = known.is_ok() && matches!(role, Role::Rows | Role::Included);
        if is_recipient
            && self
                .required
                .as_ref()
                .is_none_or(|required| required.contains(row.user))
        {
            self.counts.recipients += 1;
            self.partition.push(row)?;
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
        let counts = std::mem::take(&mut self.counts);
        let merged = Merged {
            chunks,
            carried: runs_of(carried.map(|position| self.partition.row(position))),
            duplicates: std::mem::take(&mut self.duplicates).finish(),
            rows: counts.rows,
            duplicate_rows: counts.duplicates,
            recipients: counts.recipients,
        };
        self.known.clear();
        if let Some(required) = &mut self.required {
            required.clear();
        }
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
