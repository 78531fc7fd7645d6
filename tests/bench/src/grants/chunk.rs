//! What is the same whichever way a chunk is granted: its stock before, its end after.

use campaign::{IntentId, Reason, Standing};
use database::shard::intent;
use database::stock;
use database::stock_reservation::Holder;
use push_store::Afterwards;
use sender::grants::Candidate;

use super::stores::Stores;

/// Reserves stock for everybody in the chunk.
pub(super) async fn reserve(stores: &Stores, no: u32, candidates: &[Candidate]) -> anyhow::Result<()> {
    let (db, wanted) = (&stores.db, u32::try_from(candidates.len())?);
    let holder = Holder::in_main(stores.campaign, no);
    stock::reserve(db, db, holder, stores.coupon, wanted, stores.now).await?;
    Ok(())
}

/// Settles the pushes of everybody in the chunk, and closes the intent.
pub(super) async fn settle(
    stores: &Stores,
    no: u32,
    candidates: &[Candidate],
    intent: IntentId,
) -> anyhow::Result<()> {
    let sent = candidates
        .iter()
        .map(|candidate| (candidate.push, Standing::Settled(Reason::Accepted)));
    let sent = sent.collect::<Vec<_>>();
    stores
        .push_store
        .settle(stores.chunk(no), &sent, Afterwards::GoOn, stores.now)
        .await?;
    let mut tx = stores.db.begin().await?;
    intent::close(&mut tx, &[intent], stores.now).await?;
    Ok(tx.commit().await.repeatable()?)
}
