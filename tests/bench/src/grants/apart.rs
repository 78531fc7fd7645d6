//! Both stores at once, and neither waits for the other: the limit.
//!
//! What is read and written is what the rendezvous reads and writes; who is granted is known
//! beforehand. If one side failed, the other would stand.

use anyhow::{Context, bail, ensure};
use campaign::{Places, Standing};
use database::shard::coupon_grant::Occasion;
use database::shard::{chunk_grants, coupon_grant, intent};
use database::{Commit as SqlCommit, erasure};
use push_store::Commit;
use sender::grants::Candidate;

use super::chunk;
use super::stores::Stores;

/// Grants and settles one chunk.
pub(super) async fn grant(stores: Stores, no: u32) -> anyhow::Result<()> {
    let candidates = stores.candidates(no);
    chunk::reserve(&stores, no, &candidates).await?;
    let occasion = stores.occasion(no);
    let (sql, datastore) = (
        stores
            .tasks
            .spawn(in_sql(stores.clone(), occasion, candidates.clone())),
        stores
            .tasks
            .spawn(in_datastore(stores.clone(), no, candidates.clone())),
    );
    sql.await??;
    datastore.await??;
    chunk::settle(&stores, no, &candidates, occasion.intent_id).await
}

async fn in_sql(stores: Stores, occasion: Occasion, candidates: Vec<Candidate>) -> anyhow::Result<()> {
    let Occasion {
        campaign_id,
        chunk_no,
        intent_id,
        granted_at,
        ..
    } = occasion;
    let users = candidates.iter().map(|candidate| candidate.user.as_str());
    let users = users.collect::<Vec<_>>();
    let mut tx = stores.db.begin().await?;
    let stock = chunk_grants::lock(&mut tx, campaign_id, chunk_no).await?;
    ensure!(
        stock.is_some_and(|stock| stock.left() as usize >= users.len()),
        "too little stock"
    );
    let have = coupon_grant::list_granted_among(&mut tx, campaign_id, &users).await?;
    let erased = erasure::list_erased_among(&mut tx, &users).await?;
    ensure!(have.is_empty() && erased.is_empty(), "the stores are not new");
    coupon_grant::insert(&mut tx, occasion, &users).await?;
    chunk_grants::add_used(&mut tx, campaign_id, chunk_no, u32::try_from(users.len())?).await?;
    let granted = candidates
        .iter()
        .map(|candidate| candidate.place)
        .collect::<Places>();
    let due_at = stores.intent_due_at();
    intent::insert(
        &mut tx,
        intent_id,
        campaign_id,
        chunk_no,
        granted.as_bytes(),
        granted_at,
        due_at,
    )
    .await?;
    match tx.commit().await {
        SqlCommit::Committed => Ok(()),
        ended => bail!("SQL ended with {ended:?}"),
    }
}

async fn in_datastore(stores: Stores, no: u32, candidates: Vec<Candidate>) -> anyhow::Result<()> {
    let pushes = candidates
        .iter()
        .map(|candidate| candidate.push)
        .collect::<Vec<_>>();
    let open = stores.push_store.open(stores.chunk(no), &pushes).await?;
    let mut open = open.context("the chunk is gone")?;
    for push in pushes {
        open.raise(push, Standing::Granted, stores.now);
    }
    match open.commit().await {
        Commit::Committed => Ok(()),
        ended => bail!("Datastore ended with {ended:?}"),
    }
}
