//! The SQL side: the grants and the intent, under the lock of the chunk's row.
//!
//! It begins when the Datastore side has read what it needs, so that its locks, and SQLite's only
//! writer, are held for no longer than its own work and commit take. The lock serialises this
//! transaction with an earlier one that may still be in doubt, so what is read under it is true. Users who have the grant already count first and are raised too:
//! their earlier rendezvous may not have come to its end in Datastore.

use std::time::Duration;

use campaign::{IntentId, Places};
use chrono::TimeDelta;
use database::shard::coupon_grant::Occasion;
use database::shard::{chunk_grants, coupon_grant, intent};
use database::{Commit, Db, Tx};
use rendezvous::{Participant, Verdict};
use tokio::sync::{oneshot, watch};

use super::{Candidate, SideError};
use crate::attempt::Attempt;
use crate::campaigns::Coupon;

pub(super) struct SqlSide {
    db: Db,
    occasion: Occasion,
    intent_due_after: Duration,
    candidates: Vec<Candidate>,
    ties: Option<Ties>,
    tx: Option<Tx>,
}

/// How the SQL side is tied to the other and to who waits for both.
pub(super) struct Ties {
    /// The Datastore side has read what it needs.
    pub(super) may_lock: oneshot::Receiver<()>,
    /// Tells the Datastore side whom to raise.
    pub(super) decided: oneshot::Sender<Places>,
    /// Tells who will have the coupon when this is committed.
    pub(super) granted: watch::Sender<Places>,
}

impl SqlSide {
    pub(super) fn new(
        attempt: &Attempt<'_>,
        coupon: Coupon,
        intent: IntentId,
        candidates: Vec<Candidate>,
        ties: Ties,
    ) -> Self {
        let occasion = Occasion {
            campaign_id: attempt.campaign.id,
            coupon_id: coupon.id,
            chunk_no: attempt.chunk.no,
            intent_id: intent,
            granted_at: attempt.now(),
        };
        Self {
            db: attempt.backends.db.clone(),
            occasion,
            intent_due_after: attempt.backends.process.config.reconcile.min_age,
            candidates,
            ties: Some(ties),
            tx: None,
        }
    }

    async fn work(&mut self) -> Result<Places, SideError> {
        let Occasion {
            campaign_id,
            chunk_no,
            intent_id,
            granted_at,
            ..
        } = self.occasion;
        let tx = self.tx.insert(self.db.begin().await?);
        let stock = chunk_grants::lock(tx, campaign_id, chunk_no).await?;
        let stock = stock.ok_or(SideError::Impossible("no stock is reserved for the chunk"))?;
        if stock.closed {
            return Err(SideError::Impossible("the chunk's stock has been returned"));
        }
        let users = self
            .candidates
            .iter()
            .map(|candidate| candidate.user.as_str())
            .collect::<Vec<_>>();
        let have = coupon_grant::list_granted_among(&mut *tx, campaign_id, &users).await?;
        let (have, lack): (Vec<_>, Vec<_>) = self
            .candidates
            .iter()
            .partition(|candidate| have.contains(candidate.user.as_str()));
        let left = usize::try_from(stock.left()).unwrap_or(usize::MAX);
        let new = &lack[..lack.len().min(left)];
        if !new.is_empty() {
            let users = new
                .iter()
                .map(|candidate| candidate.user.as_str())
                .collect::<Vec<_>>();
            coupon_grant::insert(tx, self.occasion, &users).await?;
            let grants = u32::try_from(users.len()).unwrap_or(u32::MAX);
            chunk_grants::add_used(tx, campaign_id, chunk_no, grants).await?;
        }
        let granted = have
            .iter()
            .chain(new)
            .map(|candidate| candidate.place)
            .collect::<Places>();
        if !granted.is_empty() {
            let due_after = TimeDelta::from_std(self.intent_due_after).unwrap_or_default();
            let due_at = granted_at + due_after;
            let places = granted.as_bytes();
            intent::insert(tx, intent_id, campaign_id, chunk_no, places, granted_at, due_at).await?;
        }
        Ok(granted)
    }
}

impl Participant<SideError> for SqlSide {
    async fn prepare(&mut self) -> Result<(), SideError> {
        let ties = self.ties.take().ok_or(SideError::Impossible("prepared twice"))?;
        ties.may_lock
            .await
            .map_err(|_| SideError::Impossible("the Datastore side failed"))?;
        let granted = self.work().await?;
        ties.granted.send_replace(granted);
        // A Datastore side that is gone is the meeting's to notice.
        let _: Result<(), Places> = ties.decided.send(granted);
        Ok(())
    }

    async fn commit(self) -> Verdict<SideError> {
        let Some(tx) = self.tx else {
            return Verdict::NotCommitted(SideError::Impossible("committed before it was prepared"));
        };
        match tx.commit().await {
            Commit::Committed => Verdict::Committed,
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
