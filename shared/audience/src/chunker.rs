//! Distributes recipients over chunks.
//!
//! A chunk's recipients share a time zone, and the transaction that will expand it stays under
//! the store's limits in number and bytes. Which recipient is in which chunk is a pure function
//! of their order and the settings: an import that was killed makes the same chunks again.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{Packed, Packer, Recipient};

/// The most recipients of a chunk: with its marker they make 500 mutations, which is the most
/// that a Datastore commit was long allowed.
pub const MAX_CHUNK_RECIPIENTS: u32 = 499;

/// How large chunks may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSettings {
    /// Recipients of a chunk, at most [`MAX_CHUNK_RECIPIENTS`].
    pub recipients: u32,
    /// The estimated size of the commit that expands a chunk, in bytes.
    pub commit_bytes: usize,
    /// The memory for all chunks that are not full yet, in bytes of text: with many time zones
    /// and large variables the largest is then closed early.
    pub open_bytes: usize,
}

impl Default for ChunkSettings {
    /// 499 recipients, 3.5 MiB a commit (Google's emulators refuse 4, production 10), 64 MiB open.
    fn default() -> Self {
        Self {
            recipients: MAX_CHUNK_RECIPIENTS,
            commit_bytes: 3_584 * 1_024,
            open_bytes: 64 * 1_024 * 1_024,
        }
    }
}

/// A chunk of an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its number in the audience, from 0.
    pub no: u32,
    /// The zone of all its recipients; `None` is the campaign's.
    pub time_zone: Option<Tz>,
    /// Its recipients.
    pub packed: Packed,
}

/// Chunks that are being filled, one for each time zone.
#[derive(Debug)]
pub struct Chunker {
    settings: ChunkSettings,
    names: Vec<String>,
    open: Vec<OpenChunk>,
    /// Where in `open` a zone's chunk is.
    places: HashMap<Option<Tz>, usize>,
    open_bytes: usize,
    next_no: u32,
}

#[derive(Debug)]
struct OpenChunk {
    time_zone: Option<Tz>,
    packer: Packer,
    text_bytes: usize,
    commit_bytes: usize,
}

impl Chunker {
    /// No chunks yet. `names` are those of the audience's variables.
    pub fn new(settings: ChunkSettings, names: &[String]) -> Self {
        Self {
            settings: ChunkSettings {
                recipients: settings.recipients.clamp(1, MAX_CHUNK_RECIPIENTS),
                ..settings
            },
            names: names.to_vec(),
            open: Vec::new(),
            places: HashMap::new(),
            open_bytes: 0,
            next_no: 0,
        }
    }

    /// Adds a recipient; gives a chunk if one became full by it.
    pub fn push(&mut self, recipient: &Recipient<'_>) -> Option<Chunk> {
        let commit_bytes = estimated_commit_bytes(recipient);
        let place = self.place_of(recipient.time_zone);
        let open = &self.open[place];
        let is_over = open.commit_bytes + commit_bytes > self.settings.commit_bytes;
        let full = (is_over && open.packer.size() > 0).then(|| self.close(place));

        let open = &mut self.open[place];
        let text_bytes = text_bytes(recipient);
        open.packer.push(recipient);
        open.commit_bytes += commit_bytes;
        open.text_bytes += text_bytes;
        self.open_bytes += text_bytes;
        if full.is_some() {
            return full;
        }
        if open.packer.size() >= self.settings.recipients {
            return Some(self.close(place));
        }
        if self.open_bytes > self.settings.open_bytes {
            return self.largest().map(|place| self.close(place));
        }
        None
    }

    /// Closes what is not full yet, zone by zone in the order in which they first came.
    pub fn finish(mut self) -> impl Iterator<Item = Chunk> {
        let mut places = 0..self.open.len();
        std::iter::from_fn(move || {
            let place = places.find(|place| self.open[*place].packer.size() > 0)?;
            Some(self.close(place))
        })
    }

    fn place_of(&mut self, time_zone: Option<Tz>) -> usize {
        let Self {
            open, places, names, ..
        } = self;
        *places.entry(time_zone).or_insert_with(|| {
            open.push(OpenChunk::new(time_zone, names));
            open.len() - 1
        })
    }

    fn close(&mut self, place: usize) -> Chunk {
        let open = &mut self.open[place];
        let time_zone = open.time_zone;
        let full = std::mem::replace(open, OpenChunk::new(time_zone, &self.names));
        self.open_bytes -= full.text_bytes;
        let no = self.next_no;
        self.next_no += 1;
        Chunk {
            no,
            time_zone,
            packed: full.packer.pack(),
        }
    }

    fn largest(&self) -> Option<usize> {
        (0..self.open.len())
            .rev()
            .max_by_key(|place| self.open[*place].text_bytes)
    }
}

impl OpenChunk {
    fn new(time_zone: Option<Tz>, names: &[String]) -> Self {
        Self {
            time_zone,
            packer: Packer::new(time_zone, names),
            text_bytes: 0,
            commit_bytes: MARKER_BYTES,
        }
    }
}

/// What a chunk's marker and the commit around it take at most.
const MARKER_BYTES: usize = 4_096;

/// What a push takes beside its recipient's own texts: key, state, times, property names.
const PUSH_BYTES: usize = 512;

/// What a variable takes beside its name and value.
const VARIABLE_BYTES: usize = 32;

/// An upper estimate of what one recipient's push adds to the commit that expands its chunk.
pub fn estimated_commit_bytes(recipient: &Recipient<'_>) -> usize {
    let variables = recipient.variables.iter();
    let variables: usize = variables
        .map(|(name, value)| name.len() + value.len() + VARIABLE_BYTES)
        .sum();
    PUSH_BYTES + recipient.user_id.len() + recipient.locale.map_or(0, str::len) + variables
}

fn text_bytes(recipient: &Recipient<'_>) -> usize {
    recipient.user_id.len()
        + recipient
            .variables
            .iter()
            .map(|(_, value)| value.len())
            .sum::<usize>()
}
