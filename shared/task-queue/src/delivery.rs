//! What a task says: deliver this chunk, under this generation.

use campaign::{CampaignId, ChunkId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The body of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The campaign that the chunk belongs to.
    pub campaign: CampaignId,
    /// The chunk.
    pub chunk: ChunkId,
    /// Its number in the campaign; 0 for that of a triggered push.
    pub chunk_no: u32,
    /// The chunk's generation when it was handed over. The chunk knows whether that still counts.
    pub generation: u32,
}

impl Delivery {
    /// The last part of the task's name: one for each chunk and generation, hashed because
    /// Cloud Tasks slows down on names that are sequential.
    pub(crate) fn task_name(&self) -> String {
        let Self { generation, .. } = self;
        Uuid::new_v5(&self.chunk.0, format!("task/{generation}").as_bytes()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_has_a_task_of_its_own() {
        let first = Delivery {
            campaign: CampaignId(Uuid::from_u128(7)),
            chunk: ChunkId(Uuid::from_u128(8)),
            chunk_no: 3,
            generation: 1,
        };
        let second = Delivery {
            generation: 2,
            ..first
        };

        assert_eq!(first.task_name(), first.task_name());
        assert_ne!(first.task_name(), second.task_name());
    }
}
