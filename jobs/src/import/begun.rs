//! With what an import began: what it makes depends on this and on the file, and on nothing that
//! changes while it runs.

use audience::{ChunkSettings, FileSettings, partition_count};
use database::audience::Audience;
use runtime::Backends;
use serde::{Deserialize, Serialize};

use super::source::Source;
use crate::Error;

/// Bytes of each partition in one batch of sorting, at the least: with very many partitions, runs
/// would be tiny otherwise.
const MIN_RUN_BYTES: usize = 4 << 10;

/// Kept beside the file as JSON when an import begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// How the chunks are cut.
    pub(super) chunks: ChunkSettings,
    /// Into how many partitions the rows are sorted.
    pub(super) partitions: u32,
    /// Bytes of rows in one batch of sorting.
    pub(super) batch_bytes: usize,
}

impl Begun {
    /// As the process is configured.
    pub(super) fn now(backends: &Backends, source: &Source) -> Self {
        let config = &backends.process.config;
        let partition_bytes = config.import.partition_bytes.get();
        let partitions = partition_count(source.most_bytes(), partition_bytes.into());
        Self {
            chunks: ChunkSettings {
                // One mutation of a commit is the chunk's marker.
                recipients: config.fan_out.mutations.get() - 1,
                commit_bytes: config.import.chunk_max_bytes.get() as usize,
                ..ChunkSettings::default()
            },
            partitions,
            batch_bytes: (partition_bytes as usize / 2).max(partitions as usize * MIN_RUN_BYTES),
        }
    }
}

/// What is given about the audience's file.
pub(super) fn file_settings(audience: &Audience) -> Result<FileSettings, Error> {
    serde_json::from_str(&audience.settings)
        .map_err(|error| Error::stored(format!("the settings of audience {}", audience.id), error))
}
