//! A pair of transactions for each user, one user after the other.
//!
//! Both are begun at once, each in a task of its own; when both have told through a channel that
//! they are ready, SQL is committed, then Datastore. That the push is settled is written in the
//! same Datastore transaction, which is less work than the others have.

use anyhow::{Context, bail};
use campaign::{Reason, Standing};
use database::Commit as SqlCommit;
use database::shard::coupon_grant;
use push_store::Commit;
use sender::grants::Candidate;
use tokio::sync::oneshot;

use super::stores::Stores;

/// Grants and settles everybody.
pub(super) async fn grant_all(stores: &Stores) -> anyhow::Result<()> {
    for no in stores.chunks() {
        for candidate in stores.candidates(no) {
            grant(stores, no, candidate).await?;
        }
    }
    Ok(())
}

async fn grant(stores: &Stores, no: u32, candidate: Candidate) -> anyhow::Result<()> {
    let (sql_ready, sql_is_ready) = oneshot::channel();
    let (commit_sql, sql_may_commit) = oneshot::channel();
    let (datastore_ready, datastore_is_ready) = oneshot::channel();
    let (commit_datastore, datastore_may_commit) = oneshot::channel();
    let sql = stores.tasks.spawn(in_sql(
        stores.clone(),
        no,
        candidate.clone(),
        sql_ready,
        sql_may_commit,
    ));
    let datastore = stores.tasks.spawn(in_datastore(
        stores.clone(),
        no,
        candidate,
        datastore_ready,
        datastore_may_commit,
    ));
    sql_is_ready.await?;
    datastore_is_ready.await?;
    // A side that is gone says why below.
    let _ = commit_sql.send(());
    sql.await??;
    let _ = commit_datastore.send(());
    datastore.await?
}

async fn in_sql(
    stores: Stores,
    no: u32,
    candidate: Candidate,
    ready: oneshot::Sender<()>,
    may_commit: oneshot::Receiver<()>,
) -> anyhow::Result<()> {
    let mut tx = stores.db.begin().await?;
    coupon_grant::insert(&mut tx, stores.occasion(no), &[&candidate.user]).await?;
    let _ = ready.send(());
    may_commit.await?;
    match tx.commit().await {
        SqlCommit::Committed => Ok(()),
        ended => bail!("SQL ended with {ended:?}"),
    }
}

async fn in_datastore(
    stores: Stores,
    no: u32,
    candidate: Candidate,
    ready: oneshot::Sender<()>,
    may_commit: oneshot::Receiver<()>,
) -> anyhow::Result<()> {
    let open = stores
        .push_store
        .open(stores.chunk(no), &[candidate.push])
        .await?;
    let mut open = open.context("the chunk is gone")?;
    open.raise(candidate.push, Standing::Settled(Reason::Accepted), stores.now);
    let _ = ready.send(());
    may_commit.await?;
    match open.commit().await {
        Commit::Committed => Ok(()),
        ended => bail!("Datastore ended with {ended:?}"),
    }
}
