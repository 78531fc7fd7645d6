//! The product's way: a rendezvous for each chunk.

use std::sync::Arc;

use anyhow::ensure;
use rendezvous::Fate;
use sender::grants::{Candidate, Group, Validity};

use super::chunk;
use super::stores::Stores;

/// Grants and settles one chunk.
pub(super) async fn grant(stores: Stores, no: u32) -> anyhow::Result<()> {
    let candidates = Arc::<[Candidate]>::from(stores.candidates(no));
    chunk::reserve(&stores, no, &candidates).await?;
    let occasion = stores.occasion(no);
    let group = Group {
        db: stores.db.clone(),
        push_store: stores.push_store.clone(),
        chunk: stores.chunk(no),
        occasion,
        validity: Validity::Valid,
        intent_due_at: stores.intent_due_at(),
        candidates: candidates.clone(),
    };
    let (met, _) = group.meet(&stores.tasks).await;
    ensure!(
        met.fates == [Fate::Committed, Fate::Committed],
        "a rendezvous ended with {met:?}"
    );
    chunk::settle(&stores, no, &candidates, occasion.intent_id).await
}
