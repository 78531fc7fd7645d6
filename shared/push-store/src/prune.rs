//! The deletion of chunks that nobody needs any more.

use campaign::ChunkId;

use crate::client::PushStore;
use crate::commit::{Changes, Within};
use crate::error::Error;
use crate::query::keys_only;

/// How often a deletion is tried: a deletion done twice is done once.
const TRIES: u32 = 3;

impl PushStore {
    /// Deletes a chunk with all its pushes in one transaction, of as many mutations as the one
    /// that expanded it, and says how many pushes it had. A repeat deletes nothing.
    ///
    /// Only for a campaign that is over: nothing is read in the transaction, and whatever
    /// somebody else changes meanwhile is gone with the rest.
    pub async fn delete_chunk(&self, chunk: ChunkId) -> Result<u64, Error> {
        let found = self.run(keys_only(self.pushes_of(chunk))).await?;
        let pushes = found.into_iter().filter_map(|push| push.key);
        let keys: Vec<_> = pushes.chain([self.chunk_key(chunk)]).collect();
        let mut changes = Changes::default();
        for key in &keys {
            changes.delete(key);
        }
        let mut tries = 1;
        while let Err(error) = self.commit(Within::Itself, changes.clone()).await {
            if !error.is_passing() || tries == TRIES {
                return Err(error);
            }
            tries += 1;
        }
        Ok(keys.len() as u64 - 1)
    }
}
