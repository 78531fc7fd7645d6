//! Coupons for a chunk: granted in SQL and made known in Datastore, or neither.
//!
//! Stock is reserved beforehand, so that no chunk waits for another's lock on the coupon. The
//! rendezvous then commits SQL and Datastore one after the other. Where only SQL is known to
//! have committed, that is recorded as an inconsistency and rolled forward at once; what cannot
//! be rolled forward now is found by reconcile, by the intent that was committed with the grants.

mod after;
mod datastore;
mod sql;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use campaign::{IntentId, Places, PushId, Reason, Standing};
use database::campaign::CouponFor;
use database::shard::coupon_grant::Occasion;
use database::stock;
use database::stock_reservation::Holder;
use rendezvous::{Absence, Deadlines, Fate, Side, meet};
use tokio::sync::watch;

use crate::attempt::Attempt;
use crate::campaigns::Coupon;
use crate::error::Error;
use crate::sort::Wanted;
use crate::totals::Totals;
use datastore::DatastoreSide;
use sql::SqlSide;

/// A rendezvous that takes longer than this is given up: its locks are in others' way.
const DEADLINES: Deadlines = Deadlines {
    ready: Duration::from_secs(10),
    commit: Duration::from_secs(10),
};

/// A push whose user is to get the coupon.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) push: PushId,
    pub(super) place: u16,
    pub(super) user: String,
}

/// Grants the coupon to the users of `wanted`. Returns the pushes that are not to be sent because
/// of it, with their reasons.
pub(crate) async fn grant(
    attempt: &Attempt<'_>,
    coupon: Coupon,
    wanted: &[Wanted],
    totals: &mut Totals,
) -> Result<HashMap<PushId, Reason>, Error> {
    let mut refused = HashMap::new();
    let mut candidates = Vec::new();
    for Wanted { push, user, devices } in wanted {
        match push.standing {
            Standing::Granted | Standing::Settled(_) => {}
            Standing::Pending if coupon.given_to == CouponFor::Reachable && devices.is_empty() => {
                refused.insert(push.id, Reason::NoDevice);
            }
            Standing::Pending => {
                candidates.push(Candidate {
                    push: push.id,
                    place: push.place,
                    user: user.clone(),
                });
            }
        }
    }
    if candidates.is_empty() {
        return Ok(refused);
    }
    if !is_valid(attempt, coupon).await? {
        let invalid = candidates
            .iter()
            .map(|candidate| (candidate.push, Reason::CouponInvalid));
        refused.extend(invalid);
        return Ok(refused);
    }
    let wants = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let db = &attempt.backends.db;
    fault_points::reach!(BeforeSql, Err(Error::Rendezvous("an injected fault")));
    let holder = Holder::in_main(attempt.campaign.id, attempt.chunk.no);
    stock::reserve(db, db, holder, coupon.id, wants, attempt.now()).await?;
    fault_points::reach!(StockReserved, Err(Error::Rendezvous("an injected fault")));
    let candidates = Arc::<[Candidate]>::from(candidates);
    let granted = rendezvous(attempt, coupon, candidates.clone(), totals).await?;
    let exhausted = candidates
        .iter()
        .filter(|candidate| !granted.contains(candidate.place));
    refused.extend(exhausted.map(|candidate| (candidate.push, Reason::CouponExhausted)));
    Ok(refused)
}

async fn is_valid(attempt: &Attempt<'_>, coupon: Coupon) -> Result<bool, Error> {
    let Some(stored) = database::coupon::find(&attempt.backends.db, coupon.id).await? else {
        return Ok(false);
    };
    let now = attempt.now();
    Ok(
        stored.valid_from.is_none_or(|from| from <= now)
            && stored.valid_until.is_none_or(|until| now < until),
    )
}

/// Grants in SQL and raises in Datastore. Returns the places of those who have the coupon now.
async fn rendezvous(
    attempt: &Attempt<'_>,
    coupon: Coupon,
    candidates: Arc<[Candidate]>,
    totals: &mut Totals,
) -> Result<Places, Error> {
    let (intent, now) = (IntentId::allocate(), attempt.now());
    let (opened, may_lock) = watch::channel(false);
    let (granted, to_raise) = watch::channel(None);
    let told = to_raise.clone();
    let sql = SqlSide {
        db: attempt.backends.db.clone(),
        occasion: Occasion {
            campaign_id: attempt.campaign.id,
            coupon_id: coupon.id,
            chunk_no: attempt.chunk.no,
            intent_id: intent,
            granted_at: now,
        },
        intent_due_at: now + attempt.backends.process.config.reconcile.min_age,
        candidates: candidates.clone(),
        may_lock,
        granted,
        tx: None,
    };
    let datastore = DatastoreSide {
        store: attempt.backends.push_store.clone(),
        chunk: attempt.chunk.id,
        now,
        candidates,
        opened,
        granted: to_raise,
        open: None,
    };
    let tasks = attempt.backends.process.tasks.tracker();
    let met = meet(tasks, vec![Side::new(sql), Side::new(datastore)], DEADLINES).await;
    let granted = told.borrow().unwrap_or(Places::NONE);
    match met.fates.as_slice() {
        [Fate::Committed, Fate::Committed] => totals.intents.push(intent),
        [Fate::Committed, datastore] => {
            after::roll_forward(attempt, intent, &granted, *datastore, &cause(met.absent)).await?;
        }
        _ => return Err(cause(met.absent)),
    }
    Ok(granted)
}

fn cause(absent: Option<(usize, Absence<Error>)>) -> Error {
    match absent {
        Some((_, Absence::Said(error))) => error,
        Some((_, Absence::Left)) => Error::Rendezvous("a side broke off"),
        Some((_, Absence::Late)) | None => Error::Rendezvous("a side was too late"),
    }
}
