//! Cuts recipients, who come zone by zone, into chunks.
//!
//! A chunk's recipients share a time zone, and the transaction that will expand it stays under
//! the store's limits in number and bytes. Which recipient is in which chunk is a pure function
//! of their order and the settings.

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
    /// The memory for what is carried from partition to partition because it fills no chunk yet,
    /// in bytes: with many time zones and large variables the largest is then closed early.
    pub carried_bytes: usize,
}

impl Default for ChunkSettings {
    /// 499 recipients, 3.5 MiB a commit (Google's emulators refuse 4, production 10), 4 MiB carried.
    fn default() -> Self {
        Self {
            recipients: MAX_CHUNK_RECIPIENTS,
            commit_bytes: 3_584 * 1_024,
            carried_bytes: 4 * 1_024 * 1_024,
        }
    }
}

/// A chunk of an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The zone of all its recipients; `None` is the campaign's.
    pub time_zone: Option<Tz>,
    /// Its recipients.
    pub packed: Packed,
}

/// The chunk that is being filled.
#[derive(Debug)]
pub struct Chunker {
    settings: ChunkSettings,
    names: Vec<String>,
    time_zone: Option<Tz>,
    packer: Packer,
    commit_bytes: usize,
}

impl Chunker {
    /// An empty chunk of the campaign's zone. `names` are those of the audience's variables.
    pub fn new(settings: ChunkSettings, names: &[String]) -> Self {
        Self {
            settings: ChunkSettings {
                recipients: settings.recipients.clamp(1, MAX_CHUNK_RECIPIENTS),
                ..settings
            },
            names: names.to_vec(),
            time_zone: None,
            packer: Packer::new(None, names),
            commit_bytes: MARKER_BYTES,
        }
    }

    /// Begins another zone. A chunk that is not closed is dropped.
    pub fn begin(&mut self, time_zone: Option<Tz>) {
        self.time_zone = time_zone;
        self.packer = Packer::new(time_zone, &self.names);
        self.commit_bytes = MARKER_BYTES;
    }

    /// Adds a recipient of the zone; gives a chunk if one became full by it.
    pub fn push(&mut self, recipient: &Recipient<'_>) -> Option<Chunk> {
        let commit_bytes = estimated_commit_bytes(recipient);
        let is_over = self.commit_bytes + commit_bytes > self.settings.commit_bytes;
        let full = if is_over { self.close() } else { None };
        self.packer.push(recipient);
        self.commit_bytes += commit_bytes;
        if full.is_none() && self.packer.size() >= self.settings.recipients {
            return self.close();
        }
        full
    }

    /// How many recipients wait for their chunk to be full.
    pub fn waiting(&self) -> u32 {
        self.packer.size()
    }

    /// Closes the chunk before it is full; `None` if it is empty.
    pub fn close(&mut self) -> Option<Chunk> {
        if self.packer.size() == 0 {
            return None;
        }
        let packed = self.packer.pack();
        let time_zone = self.time_zone;
        self.begin(time_zone);
        Some(Chunk { time_zone, packed })
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
