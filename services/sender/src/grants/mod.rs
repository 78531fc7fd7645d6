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
use std::time::Duration;

use campaign::{IntentId, Places, PushId, Reason, Standing};
use database::campaign::CouponFor;
use database::stock;
use database::stock_reservation::Holder;
use rendezvous::{Absence, Deadlines, Fate, Side, meet};
use tokio::sync::{oneshot, watch};

use crate::attempt::Attempt;
use crate::campaigns::Coupon;
use crate::error::Error;
use crate::sort::Wanted;
use crate::totals::Totals;
use sql::Ties;

/// A rendezvous that takes longer than this to get ready is given up: its locks are in others'
/// way.
const READY_WITHIN: Duration = Duration::from_secs(10);
const COMMIT_WITHIN: Duration = Duration::from_secs(10);

/// All grants are in the main database.
pub(crate) const SHARD: u32 = 0;

/// A push whose user is to get the coupon.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) push: PushId,
    pub(super) place: u16,
    pub(super) user: String,
}

/// Why a side did not do its part.
#[derive(Debug, thiserror::Error)]
pub(super) enum SideError {
    #[error(transparent)]
    Sql(#[from] database::Error),
    #[error(transparent)]
    Store(#[from] push_store::Error),
    #[error("{0}")]
    Impossible(&'static str),
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
    let holder = Holder {
        campaign_id: attempt.campaign.id,
        chunk_no: attempt.chunk.no,
        shard: SHARD,
    };
    let wants = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let db = &attempt.backends.db;
    stock::reserve(db, db, holder, coupon.id, wants, attempt.now()).await?;
    let granted = rendezvous(attempt, coupon, &candidates, totals).await?;
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
    candidates: &[Candidate],
    totals: &mut Totals,
) -> Result<Places, Error> {
    let intent = IntentId::allocate();
    let (opened, may_lock) = oneshot::channel();
    let (decided, to_raise) = oneshot::channel();
    let (granted, mut told) = watch::channel(Places::NONE);
    let sql = sql::SqlSide::new(
        attempt,
        coupon,
        intent,
        candidates.to_vec(),
        Ties {
            may_lock,
            decided,
            granted,
        },
    );
    let datastore = datastore::DatastoreSide::new(attempt, candidates.to_vec(), opened, to_raise);
    let deadlines = Deadlines {
        ready: READY_WITHIN,
        commit: COMMIT_WITHIN,
    };
    let tasks = attempt.backends.process.tasks.tracker();
    let met = meet(tasks, vec![Side::new(sql), Side::new(datastore)], deadlines).await;
    let granted = *told.borrow_and_update();
    match met.fates.as_slice() {
        [Fate::Committed, Fate::Committed] => {
            totals.close(intent, granted);
            Ok(granted)
        }
        [Fate::Committed, datastore] => {
            let why = met
                .absent
                .map_or_else(String::new, |(_, absence)| words(&absence));
            after::roll_forward(attempt, intent, &granted, *datastore, &why).await?;
            Ok(granted)
        }
        _ => {
            if let Some((_, Absence::Said(error))) = met.absent {
                return Err(of_side(error));
            }
            Err(Error::Grants(
                "a side of the rendezvous was too late or broke off",
            ))
        }
    }
}

fn of_side(error: SideError) -> Error {
    match error {
        SideError::Sql(error) => Error::Sql(error),
        SideError::Store(error) => Error::Store(error),
        SideError::Impossible(why) => Error::Grants(why),
    }
}

fn words(absence: &Absence<SideError>) -> String {
    match absence {
        Absence::Said(error) => error.to_string(),
        Absence::Left => "its task broke off".to_owned(),
        Absence::Late => "it did not answer in time".to_owned(),
    }
}
