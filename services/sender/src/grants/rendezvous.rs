//! One rendezvous: a group's grants in SQL and its pushes in Datastore.

use std::sync::Arc;
use std::time::Duration;

use campaign::{IntentId, Places};
use database::shard::coupon_grant::Occasion;
use rendezvous::{Absence, Deadlines, Fate, Side, meet};
use tokio::sync::watch;

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

/// Grants in SQL and raises in Datastore. Says how it ended for the candidates.
pub(super) async fn hold(
    attempt: &Attempt<'_>,
    coupon: Coupon,
    validity: Validity,
    candidates: Arc<[Candidate]>,
    totals: &mut Totals,
) -> Result<Chosen, Error> {
    let (intent, now) = (IntentId::allocate(), attempt.now());
    let (opened, may_lock) = watch::channel(false);
    let (chosen, told) = watch::channel(None);
    let sql = SqlSide {
        db: attempt.backends.db.clone(),
        occasion: Occasion {
            campaign_id: attempt.campaign.id,
            coupon_id: coupon.id,
            chunk_no: attempt.chunk.no,
            intent_id: intent,
            granted_at: now,
        },
        validity,
        intent_due_at: now + attempt.backends.process.config.reconcile.min_age,
        candidates: candidates.clone(),
        may_lock,
        chosen,
        tx: None,
    };
    let datastore = DatastoreSide {
        store: attempt.backends.push_store.clone(),
        chunk: attempt.chunk.id,
        now,
        candidates,
        opened,
        chosen: told.clone(),
        open: None,
    };
    let tasks = attempt.backends.process.tasks.tracker();
    let met = meet(tasks, vec![Side::new(sql), Side::new(datastore)], DEADLINES).await;
    let chosen = told.borrow().unwrap_or(Chosen {
        granted: Places::NONE,
        erased: Places::NONE,
    });
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
