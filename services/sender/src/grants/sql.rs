//! The SQL side: the grants and the intent, under the lock of the chunk's row.
//!
//! It begins when the Datastore side has read what it needs, so that its locks, and SQLite's only
//! writer, are held for no longer than its own work and commit take. The lock serialises this
//! transaction with an earlier one that may still be in doubt, so what is read under it is true.
//! Users who have the grant already count first and are raised too: their earlier rendezvous may
//! not have come to its end in Datastore.
//!
//! An erasure renames a user's grants, and was asked for before it does. So the erased are read
//! *after* the grants: whoever lacks a grant here because it was renamed is found among them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use database::shard::coupon_grant::Occasion;
use database::shard::{chunk_grants, coupon_grant, intent};
use database::{Commit, Db, Tx, erasure};
use rendezvous::{Participant, Verdict};
use tokio::sync::watch;

use super::candidate::Candidate;
use super::choice::{Chosen, Validity, choose};
use crate::error::Error;

pub(super) struct SqlSide {
    pub(super) db: Db,
    pub(super) occasion: Occasion,
    pub(super) validity: Validity,
    pub(super) intent_due_at: DateTime<Utc>,
    pub(super) candidates: Arc<[Candidate]>,
    /// Whether the Datastore side has read what it needs.
    pub(super) may_lock: watch::Receiver<bool>,
    /// Tells who will have the coupon when this is committed.
    pub(super) chosen: watch::Sender<Option<Chosen>>,
    pub(super) tx: Option<Tx>,
}

impl SqlSide {
    async fn work(&mut self) -> Result<Chosen, Error> {
        let Occasion {
            campaign_id,
            chunk_no,
            intent_id,
            granted_at,
            ..
        } = self.occasion;
        fault_points::reach!(BeginCut, {
            let _cut = tokio::time::timeout(std::time::Duration::ZERO, self.db.begin()).await;
            Err(Error::Rendezvous("an injected fault"))
        });
        let tx = self.tx.insert(self.db.begin().await?);
        let stock = chunk_grants::lock(tx, campaign_id, chunk_no).await?;
        let stock = stock.ok_or(Error::Rendezvous("no stock is reserved for the chunk"))?;
        if stock.closed {
            return Err(Error::Rendezvous("the chunk's stock has been returned"));
        }
        let users = names(&*self.candidates);
        let have = coupon_grant::list_granted_among(&mut *tx, campaign_id, &users).await?;
        let erased = erasure::list_erased_among(&mut *tx, &users).await?;
        let mut left = match self.validity {
            Validity::Valid => stock.left(),
            Validity::Invalid => 0,
        };
        if fault_points::bug!(StockNotAsked) {
            left = u32::MAX;
        }
        let (chosen, new) = choose(&self.candidates, &have, &erased, left);
        let grants = u32::try_from(new.len()).unwrap_or(u32::MAX);
        coupon_grant::insert(tx, self.occasion, &names(new)).await?;
        chunk_grants::add_used(tx, campaign_id, chunk_no, grants).await?;
        if !(chosen.granted.is_empty() || fault_points::bug!(NoIntent)) {
            let (places, due_at) = (chosen.granted.as_bytes(), self.intent_due_at);
            intent::insert(tx, intent_id, campaign_id, chunk_no, places, granted_at, due_at).await?;
        }
        Ok(chosen)
    }
}

fn names<'a>(candidates: impl IntoIterator<Item = &'a Candidate>) -> Vec<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| candidate.user.as_str())
        .collect()
}

impl Participant<Error> for SqlSide {
    async fn prepare(&mut self) -> Result<(), Error> {
        let opened = self.may_lock.wait_for(|opened| *opened).await.map(drop);
        opened.map_err(|_| Error::Rendezvous("the Datastore side failed"))?;
        let chosen = self.work().await?;
        self.chosen.send_replace(Some(chosen));
        fault_points::reach!(SqlReady, Err(Error::Rendezvous("an injected fault")));
        Ok(())
    }

    async fn commit(self) -> Verdict<Error> {
        let Some(tx) = self.tx else {
            return Verdict::NotCommitted(Error::Rendezvous("committed before it was prepared"));
        };
        fault_points::reach!(AllReady);
        fault_points::reach!(
            SqlCommit,
            if fault_points::bug!(UnknownTakenForCommitted) {
                Verdict::Committed
            } else {
                Verdict::Unknown(Error::Rendezvous("an injected fault"))
            }
        );
        let committed = tx.commit().await;
        fault_points::reach!(
            SqlCommitAnswer,
            Verdict::Unknown(Error::Rendezvous("an injected fault"))
        );
        match committed {
            Commit::Committed => {
                fault_points::reach!(BetweenCommits);
                Verdict::Committed
            }
            Commit::NotCommitted(error) => Verdict::NotCommitted(error.into()),
            Commit::Unknown(error) => Verdict::Unknown(error.into()),
        }
    }

    async fn roll_back(self) {
        if let Some(tx) = self.tx {
            tx.rollback().await;
        }
    }
}

#[cfg(test)]
mod tests;
