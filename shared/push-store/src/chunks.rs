//! Chunks by their keys: computed, so what is missing can be told without an index.

use campaign::{CampaignId, ChunkId};

use crate::chunk::Chunk;
use crate::client::PushStore;
use crate::error::Error;
use crate::reading::id_at;

/// Keys in one Lookup (Datastore's limit).
pub const MAX_LOOKUP_KEYS: usize = 1_000;

impl PushStore {
    /// The chunk of that id.
    pub async fn find_chunk(&self, chunk: ChunkId) -> Result<Option<Chunk>, Error> {
        let found = self.lookup(vec![self.chunk_key(chunk)], None).await?;
        found.into_iter().next().map(Chunk::from_entity).transpose()
    }

    /// The campaign's chunks of these numbers (at most [`MAX_LOOKUP_KEYS`]) that are expanded, in
    /// the order of their numbers.
    pub async fn list_chunks(&self, campaign: CampaignId, numbers: &[u32]) -> Result<Vec<Chunk>, Error> {
        let keys = numbers
            .iter()
            .map(|no| self.chunk_key(ChunkId::of(campaign, *no)))
            .collect();
        let found = self.lookup(keys, None).await?;
        let mut chunks = found
            .into_iter()
            .map(Chunk::from_entity)
            .collect::<Result<Vec<_>, _>>()?;
        chunks.sort_unstable_by_key(|chunk| chunk.no);
        Ok(chunks)
    }

    /// Those of the campaign's chunk numbers (at most [`MAX_LOOKUP_KEYS`]) that have no marker.
    pub async fn list_unexpanded(&self, campaign: CampaignId, numbers: &[u32]) -> Result<Vec<u32>, Error> {
        let keys = numbers
            .iter()
            .map(|no| self.chunk_key(ChunkId::of(campaign, *no)))
            .collect();
        let found = self.lookup(keys, None).await?;
        let found = found
            .iter()
            .filter_map(|entity| id_at(entity.key.as_ref()?, 0).map(ChunkId));
        let found = found.collect::<std::collections::HashSet<_>>();
        Ok(numbers
            .iter()
            .copied()
            .filter(|no| !found.contains(&ChunkId::of(campaign, *no)))
            .collect())
    }
}
