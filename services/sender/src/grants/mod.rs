//! Coupons for a chunk: granted in SQL and made known in Datastore, or neither.
//!
//! Stock is reserved beforehand, so that no chunk waits for another's lock on the coupon. The
//! rendezvous then commits SQL and Datastore one after the other. Where only SQL is known to
//! have committed, that is recorded as an inconsistency and rolled forward at once; what cannot
//! be rolled forward now is found by reconcile, by the intent that was committed with the grants.
//!
//! Where SQL refuses a row and does not say whose, the group is halved until that row is alone. It is
//! to blame once somebody else of the chunk has a coupon; until then it may be a rule that refuses
//! everybody, which is for a person to mend, and no user's push fails for it.

mod after;
mod candidate;
mod choice;
mod datastore;
mod groups;
mod rendezvous;
mod sql;

use std::collections::HashMap;

use campaign::{PushId, Reason};
use database::shard::chunk_grants;
use database::stock;
use database::stock_reservation::Holder;
use runtime::telemetry::user_hash;
use tracing::warn;

use crate::attempt::Attempt;
use crate::campaigns::Coupon;
use crate::error::Error;
use crate::sort::Sorted;
use crate::totals::Totals;
pub use candidate::Candidate;
use candidate::candidates;
pub use choice::{Chosen, Validity};
use groups::{Groups, Half, Halved};
pub use rendezvous::Group;

/// So many rows that are refused, and nobody who is not, are taken for everybody.
const EVERYBODY: usize = 16;

/// Grants the coupon to the users who are to be sent the push, and settles those of `sorted` who
/// do not get it. Where this fails, what it has settled is true.
pub(crate) async fn grant(
    attempt: &Attempt<'_>,
    coupon: Coupon,
    sorted: &mut Sorted,
    totals: &mut Totals,
) -> Result<(), Error> {
    let (candidates, unreachable) = candidates(coupon, &sorted.wanted);
    sorted.refuse(unreachable);
    if candidates.is_empty() {
        return Ok(());
    }
    let validity = validity(attempt, coupon).await?;
    reserve(attempt, coupon, candidates.len()).await?;
    let mut groups = Groups::of(candidates);
    let mut refused = Vec::new();
    while let Some(group) = groups.next() {
        if attempt.is_over() {
            return Err(Error::Rendezvous(
                "the attempt's time was used up before all groups",
            ));
        }
        let half = if rand::random() { Half::First } else { Half::Second };
        match rendezvous::hold(attempt, coupon, validity, group.clone(), totals).await {
            Ok(_) if fault_points::bug!(SentWithoutCoupon) => {}
            Ok(chosen) => sorted.refuse(left_out(&group, chosen, validity)),
            Err(Error::Sql(database::Error::Refused(cause))) => match groups.halve(&group, half) {
                Halved::Parted => {}
                Halved::Alone(candidate) => {
                    warn!(
                        campaign.id = %attempt.campaign.id,
                        chunk.no = attempt.chunk.no,
                        user.hash = user_hash(&candidate.user),
                        error = %cause,
                        "a grant was refused by SQL"
                    );
                    refused.push((candidate.push, Reason::GrantRefused));
                }
            },
            Err(error) => return Err(error),
        }
        if !refused.is_empty() && is_anybody_granted(attempt).await? {
            sorted.refuse(refused.drain(..).collect());
        } else if refused.len() >= EVERYBODY {
            break;
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        metrics::counter!("noroshi_chunks_refused_total").increment(1);
        Err(Error::EverybodyRefused)
    }
}

/// Whether somebody of the chunk has a coupon.
async fn is_anybody_granted(attempt: &Attempt<'_>) -> Result<bool, Error> {
    let Attempt {
        backends,
        campaign,
        chunk,
        ..
    } = attempt;
    let stock = chunk_grants::find(&backends.db, campaign.id, chunk.no).await?;
    Ok(stock.is_some_and(|stock| stock.used > 0))
}

/// Reserves stock and opens the chunk's row, under which the grants that are there are found. So it
/// is done also where the coupon is not valid any more.
async fn reserve(attempt: &Attempt<'_>, coupon: Coupon, wants: usize) -> Result<(), Error> {
    let (db, wants) = (&attempt.backends.db, u32::try_from(wants).unwrap_or(u32::MAX));
    fault_points::reach!(BeforeSql, Err(Error::Rendezvous("an injected fault")));
    let holder = Holder::in_main(attempt.campaign.id, attempt.chunk.no);
    stock::reserve(db, db, holder, coupon.id, wants, attempt.now()).await?;
    fault_points::reach!(StockReserved, Err(Error::Rendezvous("an injected fault")));
    Ok(())
}

/// Those of the group who have no coupon, and why.
fn left_out(group: &[Candidate], chosen: Chosen, validity: Validity) -> HashMap<PushId, Reason> {
    let why = |candidate: &Candidate| {
        if chosen.granted.contains(candidate.place) {
            return None;
        }
        let reason = if chosen.erased.contains(candidate.place) {
            Reason::Erased
        } else {
            match validity {
                Validity::Valid => Reason::CouponExhausted,
                Validity::Invalid => Reason::CouponInvalid,
            }
        };
        Some((candidate.push, reason))
    };
    group.iter().filter_map(why).collect()
}

async fn validity(attempt: &Attempt<'_>, coupon: Coupon) -> Result<Validity, Error> {
    let stored = database::coupon::find(&attempt.backends.db, coupon.id).await?;
    let now = attempt.now();
    let is_valid = stored.is_some_and(|stored| {
        stored.valid_from.is_none_or(|from| from <= now) && stored.valid_until.is_none_or(|until| now < until)
    });
    Ok(if is_valid {
        Validity::Valid
    } else {
        Validity::Invalid
    })
}
