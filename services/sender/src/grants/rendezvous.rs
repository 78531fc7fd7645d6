//! One rendezvous: a group's grants in SQL and its pushes in Datastore.

use std::sync::Arc;
use std::time::Duration;

use campaign::{ChunkId, IntentId, Places};
use chrono::{DateTime, Utc};
use database::Db;
use database::shard::coupon_grant::Occasion;
use push_store::PushStore;
use rendezvous::{Absence, Deadlines, Fate, Met, Side, meet};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::after;
use super::candidate::Candidate;
use super::choice::{Chosen, Validity};
use super::datastore::DatastoreSide;
use super::sql::SqlSide;
use crate::attempt::Attempt;
use crate::campaigns::Coupon;
use crate::error::Error;
use crate::totals::Totals;

/// A rendezvous that takes longer than this is given up: its locks are in others' way.
const DEADLINES: Deadlines = Deadlines {
    ready: Duration::from_secs(10),
    commit: Duration::from_secs(10),
};

/// Those of a chunk who are granted together, and where.
#[derive(Clone, Debug)]
pub struct Group {
    /// Where the grants and the intent are written.
    pub db: Db,
    /// Where the pushes are raised.
    pub push_store: PushStore,
    /// The chunk that they are in; stock must be reserved for it.
    pub chunk: ChunkId,
    /// What all grants have in common.
    pub occasion: Occasion,
    /// Whether the coupon may be given to somebody who does not have it.
    pub validity: Validity,
    /// When the intent comes due if nobody closes it.
    pub intent_due_at: DateTime<Utc>,
    /// Everybody, a chunk's at most.
    pub candidates: Arc<[Candidate]>,
}

impl Group {
    /// Grants in SQL and raises in Datastore, each side in a task of its own. Says how both ended,
    /// in that order, and how the group was decided; what was decided holds if SQL has committed.
    pub async fn meet(self, tasks: &TaskTracker) -> (Met<Error>, Chosen) {
        let (opened, may_lock) = watch::channel(false);
        let (chosen, told) = watch::channel(None);
        let datastore = DatastoreSide {
            store: self.push_store,
            chunk: self.chunk,
            now: self.occasion.granted_at,
            candidates: self.candidates.clone(),
            opened,
            chosen: told.clone(),
            open: None,
        };
        let sql = SqlSide {
            db: self.db,
            occasion: self.occasion,
            validity: self.validity,
            intent_due_at: self.intent_due_at,
            candidates: self.candidates,
            may_lock,
            chosen,
            tx: None,
        };
        let mut sides = vec![Side::new(sql), Side::new(datastore)];
        if fault_points::bug!(DatastoreFirst) {
            sides.reverse();
        }
        let mut met = meet(tasks, sides, DEADLINES).await;
        if fault_points::bug!(DatastoreFirst) {
            met.fates.reverse();
        }
        let chosen = told.borrow().unwrap_or(Chosen {
            granted: Places::NONE,
            erased: Places::NONE,
        });
        (met, chosen)
    }
}

/// Grants in SQL and raises in Datastore. Says how it ended for the candidates.
pub(super) async fn hold(
    attempt: &Attempt<'_>,
    coupon: Coupon,
    validity: Validity,
    candidates: Arc<[Candidate]>,
    totals: &mut Totals,
) -> Result<Chosen, Error> {
    let (intent, now) = (IntentId::allocate(), attempt.now());
    let group = Group {
        db: attempt.backends.db.clone(),
        push_store: attempt.backends.push_store.clone(),
        chunk: attempt.chunk.id,
        occasion: Occasion {
            campaign_id: attempt.campaign.id,
            coupon_id: coupon.id,
            chunk_no: attempt.chunk.no,
            intent_id: intent,
            granted_at: now,
        },
        validity,
        intent_due_at: now + attempt.backends.process.config.reconcile.min_age,
        candidates,
    };
    let (met, chosen) = group.meet(attempt.backends.process.tasks.tracker()).await;
    match met.fates.as_slice() {
        [Fate::Committed, Fate::Committed] => totals.intents.push(intent),
        [Fate::Committed, datastore] => {
            let cause = cause(met.absent);
            after::roll_forward(attempt, intent, &chosen.granted, *datastore, &cause).await?;
        }
        _ => return Err(cause(met.absent)),
    }
    Ok(chosen)
}

fn cause(absent: Option<(usize, Absence<Error>)>) -> Error {
    match absent {
        Some((_, Absence::Said(error))) => error,
        Some((_, Absence::Left)) => Error::Rendezvous("a side broke off"),
        Some((_, Absence::Late)) | None => Error::Rendezvous("a side was too late"),
    }
}
